"""The verbs of people: sign in, register, tokens. Pages, API and commands share them."""

from datetime import timedelta

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import ApiToken, Role, User
from skillora.lib.errors import DomainError, NotAllowed, NotFound


class SignInRefused(DomainError):
    """The password does not fit, or there were too many tries. `tries_left` 0: locked out."""

    code = "sign_in_refused"
    status = 401

    def __init__(self, message: str, *, tries_left: int, code: str, status: int) -> None:
        super().__init__(message, code=code, status=status)
        self.tries_left = tries_left


def sign_in_check(*, request: HttpRequest, email: str, password: str) -> User:
    """The user of e-mail and password, without a session. SignInRefused: 401, or 429 while locked out."""
    credentials = {"email": email.strip().lower(), "password": password}
    user = authenticate(request, **credentials)
    # The lock-out is answered here, in words of our own, not by the middleware of axes.
    request.axes_locked_out = False  # type: ignore[attr-defined]
    if isinstance(user, User):
        return user
    left = max(0, settings.AXES_FAILURE_LIMIT - AxesProxyHandler.get_failures(request, credentials))
    if not left:
        minutes = round(settings.AXES_COOLOFF_TIME * 60)
        message = _("Too many wrong passwords. Wait %(minutes)s minutes, or set a new password by e-mail.")
        raise SignInRefused(message % {"minutes": minutes}, tries_left=0, code="locked_out", status=429)
    message = ngettext(
        "That password does not fit this e-mail. %(left)s try left.",
        "That password does not fit this e-mail. %(left)s tries left.",
        left,
    )
    raise SignInRefused(message % {"left": left}, tries_left=left, code="sign_in_refused", status=401)


def user_register(*, email: str, password: str, full_name: str = "") -> User:
    """A new viewer. 403 while registration is closed; 400 for a taken e-mail or a weak password."""
    if not settings.REGISTRATION_OPEN:
        raise NotAllowed(
            _("Registration is closed here. Ask a member of staff for an account."), code="closed"
        )
    email = email.strip().lower()
    try:
        validate_password(password, User(email=email, full_name=full_name))
    except ValidationError as error:
        found: list[dict[str, object]] = [
            {"pointer": "#/password", "code": "weak_password", "detail": message}
            for message in error.messages
        ]
        raise DomainError(" ".join(error.messages), code="weak_password", status=400, errors=found) from error
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, full_name=full_name.strip())
    except IntegrityError as error:
        message = _("There is already an account with this e-mail. Sign in, or set a new password.")
        raise DomainError(message, code="email_taken", status=400) from error


def user_create(*, email: str, role: Role) -> User:
    """An account without a password, for a program."""
    return User.objects.create_user(email, role=role)


def token_create(*, by: User, name: str = "", lifetime: timedelta | None = None) -> tuple[ApiToken, str]:
    """A new token of `by` and its text, which is shown once. `lifetime` is TOKEN_DAYS where not given."""
    return ApiToken.issue(
        user=by, name=name.strip(), lifetime=lifetime or timedelta(days=settings.TOKEN_DAYS)
    )


def token_revoke(*, by: User, pk: int) -> None:
    """Delete one of `by`'s own tokens; NotFound for anybody else's."""
    deleted, _rows = ApiToken.objects.filter(user=by, pk=pk).delete()
    if not deleted:
        raise NotFound(_("There is no such token, or it is not yours."), code="unknown_token")
