"""Users in the admin: roles, activation, tokens to look at. Passwords are never shown."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.forms import AdminUserCreation
from accounts.models import ApiToken, User

admin.site.unregister(Group)  # roles decide, not groups
admin.site.site_title = "Skillora"
admin.site.site_header = "Skillora"
admin.site.index_title = _("Administration")


class TokenInline(admin.TabularInline):  # type: ignore[type-arg]
    """A user's tokens: when made, used, expiring. Deleting one revokes it."""

    model = ApiToken
    extra = 0
    fields = readonly_fields = ("name", "hint", "created_at", "last_used_at", "expires_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class MemberAdmin(UserAdmin):  # type: ignore[type-arg]
    """Members: who may what."""

    add_form = AdminUserCreation
    ordering = ("email",)
    list_display = ("email", "full_name", "role", "is_active", "last_login", "created_at")
    list_filter = ("role", "is_active")
    list_editable = ("role",)
    search_fields = ("email", "full_name")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("full_name", "role", "is_active")}),
        (_("Dates"), {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "role", "password1", "password2")}),)
    readonly_fields = ("last_login", "created_at")
    inlines = (TokenInline,)
    actions = ("activate", "deactivate")

    @admin.action(description=_("Activate selected users"))
    def activate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Let them in again."""
        self._say(request, users.update(is_active=True))

    @admin.action(description=_("Deactivate selected users"))
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Keep them out, tokens included; yourself excepted."""
        self._say(request, users.exclude(email=getattr(request.user, "email", "")).update(is_active=False))

    def _say(self, request: HttpRequest, count: int) -> None:
        self.message_user(
            request, ngettext("%(n)s user changed.", "%(n)s users changed.", count) % {"n": count}
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()
