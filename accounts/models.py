"""Who may use the installation: users with e-mail log-in and one of three roles, and their API tokens."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a member may do; each role may all that those before it may."""

    VIEWER = "viewer", _("viewer: reads data and imports")
    EDITOR = "editor", _("editor: also uploads, maps and fixes")
    STAFF = "staff", _("staff: everything, and the admin")


class UserManager(BaseUserManager["User"]):
    """Users are found by e-mail, whatever its case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new user; `role` is viewer unless given."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A staff user that every admin permission is given to."""
        return self.create_user(email, password, **{**fields, "role": Role.STAFF, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """One person. Signs in with e-mail; a new account is a viewer."""

    email = models.EmailField(_("e-mail"), unique=True, max_length=254)
    full_name = models.CharField(_("name"), max_length=150, blank=True)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.VIEWER)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.full_name or self.email

    @property
    def is_staff(self) -> bool:
        """Whether the admin lets this user in."""
        return self.role == Role.STAFF

    @property
    def is_editor(self) -> bool:
        """Whether this user may upload, map and fix."""
        return self.role in {Role.EDITOR, Role.STAFF}

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] or self.email.split("@")[0]

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_active and (self.is_staff or super().has_perm(perm, obj))  # type: ignore[arg-type]

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and self.is_staff


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self) -> "ApiTokenQuerySet":
        """Tokens that still open the door."""
        return self.filter(expires_at__gt=timezone.now(), user__is_active=True)


class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 is stored: 256 random bits need no slow hash. Shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(
        max_length=8, editable=False
    )  # the token's first characters, to tell one from another
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.hint}… {self.name}".strip()

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @staticmethod
    def digest_of(token: str) -> str:
        """The stored form of a token."""
        return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()

    @classmethod
    def issue(cls, *, user: User, name: str = "", lifetime: timedelta) -> tuple["ApiToken", str]:
        """A new token row and the token itself, which cannot be had again."""
        token = "skl_" + secrets.token_urlsafe(32)
        row = cls.objects.create(
            user=user,
            name=name,
            digest=cls.digest_of(token),
            hint=token[:8],
            expires_at=timezone.now() + lifetime,
        )
        return row, token


class IdempotentReply(models.Model):
    """The stored answer of a POST with an Idempotency-Key: same key and body, same answer."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    path = models.CharField(max_length=255)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)  # null: still running
    headers = models.JSONField(default=dict)
    body: "models.BinaryField[Any, Any]" = models.BinaryField(default=b"")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key", "path"], name="accounts_reply_once")]

    def __str__(self) -> str:
        return self.key
