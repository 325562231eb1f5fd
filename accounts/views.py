"""Pages of people: sign in and out, register, account with its tokens, passwords."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.demo import demo_sign_ins
from accounts.forms import NameForm, RegisterForm, SignInForm, TokenForm
from accounts.models import ApiToken
from accounts.permissions import member
from accounts.services import token_create, token_revoke
from skillora.lib.errors import DomainError

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
KEEP_SECONDS = 30 * 24 * 3600
FORM_METHODS = ["get", "head", "options", "post"]  # Django's forms take PUT for POST


def next_of(request: HttpRequest) -> str:
    """The address to go on to, if it is ours; the first page otherwise."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return settings.LOGIN_REDIRECT_URL


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in by e-mail. `?use=` fills the form with one of the demo's sign-ins."""
    if request.user.is_authenticated and request.method != "POST":
        return redirect(next_of(request))
    accounts = demo_sign_ins()
    used = next((a for a in accounts if a.email == request.GET.get("use")), None)
    status = 200
    if request.method == "POST":
        form = SignInForm(request.POST, request=request)
        if form.is_valid() and form.user:
            login(request, form.user, backend=MODEL_BACKEND)
            request.session.set_expiry(KEEP_SECONDS if form.cleaned_data["keep"] else 0)
            return redirect(next_of(request))
        status = 429 if form.locked else 422
    else:
        form = SignInForm(request=request, initial={"email": used.email if used else "", "keep": True})
    context = {
        "form": form,
        "next": next_of(request),
        "accounts": accounts,
        "used": used,
        "open": settings.REGISTRATION_OPEN,
    }
    return render(request, "accounts/sign_in.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    messages.success(request, _("You are signed out."))
    return redirect("accounts:sign-in")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """A new account, signed in at once; 403 and an explanation while registration is closed."""
    if not settings.REGISTRATION_OPEN:
        return render(request, "accounts/register_closed.html", status=403)
    form = RegisterForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (user := form.save()):
        login(request, user, backend=MODEL_BACKEND)
        messages.success(request, _("Welcome. You may read everything; staff can let you upload as well."))
        return redirect(next_of(request))
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/register.html", {"form": form, "next": next_of(request)}, status=status)


def _account(request: HttpRequest, status: int = 200, **extra: Any) -> HttpResponse:
    context = {
        "tokens": ApiToken.objects.filter(user=member(request)),
        "token_form": TokenForm(),
        "name_form": NameForm(instance=member(request)),
        **extra,
    }
    return render(request, "accounts/account.html", context, status=status)


@never_cache
@login_required
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Who you are here, and your API tokens."""
    return _account(request)


@login_required
@require_POST
def account_edit(request: HttpRequest) -> HttpResponse:
    """Change your name."""
    form = NameForm(request.POST, instance=member(request))
    if not form.is_valid():
        return _account(request, status=422, name_form=form)
    form.save()
    messages.success(request, _("Your name is saved."))
    return redirect("accounts:account")


@never_cache
@login_required
@require_POST
def token_add(request: HttpRequest) -> HttpResponse:
    """A new token, shown on this answer and never again."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _account(request, status=422, token_form=form)
    lifetime = timedelta(days=form.cleaned_data["days"])
    row, token = token_create(by=member(request), name=form.cleaned_data["name"], lifetime=lifetime)
    return _account(request, new_token=token, new_row=row)


@login_required
@require_POST
def token_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke one of your tokens."""
    try:
        token_revoke(by=member(request), pk=pk)
    except DomainError as error:
        return _account(request, status=error.status, problem=error.message)
    messages.success(request, _("The token is revoked; programs that use it are locked out at once."))
    return redirect("accounts:account")


class PasswordChange(auth_views.PasswordChangeView):
    """A new password; other sessions of the user end."""

    http_method_names = FORM_METHODS
    template_name = "accounts/password_form.html"
    success_url = reverse_lazy("accounts:account")
    extra_context = {
        "heading": gettext_lazy("Change your password"),
        "button": gettext_lazy("Save the new password"),
    }

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)


class PasswordReset(auth_views.PasswordResetView):
    """Ask for a link by e-mail; the answer is the same whether the account exists or not."""

    http_method_names = FORM_METHODS
    template_name = "accounts/password_form.html"
    email_template_name = "accounts/password_reset_email.txt"
    subject_template_name = "accounts/password_reset_subject.txt"
    success_url = reverse_lazy("accounts:password-reset-sent")
    extra_context = {
        "heading": gettext_lazy("Set a new password"),
        "lead": gettext_lazy("We send you a link. It works once, for three days."),
        "button": gettext_lazy("Send the link"),
    }


class PasswordResetConfirm(auth_views.PasswordResetConfirmView):
    """The page behind the link."""

    http_method_names = FORM_METHODS
    template_name = "accounts/password_form.html"
    success_url = reverse_lazy("accounts:sign-in")
    extra_context = {
        "heading": gettext_lazy("Set a new password"),
        "button": gettext_lazy("Save the new password"),
    }

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password is set. Sign in with it."))
        return super().form_valid(form)


@require_GET
def password_reset_sent(request: HttpRequest) -> HttpResponse:
    """What to do now."""
    return render(request, "accounts/password_reset_sent.html")


def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin's own sign-in is ours; a member who is not staff is told so instead of asked again."""
    if request.user.is_authenticated and member(request).is_staff:
        return redirect(reverse("admin:index"))
    if request.user.is_authenticated:
        context = {"detail": _("Only staff may open the admin. Your account is not staff."), "status": 403}
        return render(request, "403.html", context, status=403)
    back = request.GET.get("next") or reverse("admin:index")
    return redirect(f"{reverse('accounts:sign-in')}?next={back}")
