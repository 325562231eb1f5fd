"""Who may what by API: viewers read, editors write, staff may all."""

from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import Role, User
from skillora.lib.errors import DomainError

if TYPE_CHECKING:  # views import their default permissions while they are being imported
    from rest_framework.views import APIView

RANKS = {Role.VIEWER: 0, Role.EDITOR: 1, Role.STAFF: 2}


def member(request: Request | HttpRequest) -> User:
    """The signed-in user, typed. 401 where a view forgot to ask who it is."""
    if isinstance(request.user, User):
        return request.user
    raise DomainError(_("Sign in first."), code="not_authenticated", status=401)


class RolePermission(BasePermission):
    """Reads need `view.read_role` (viewer), everything else `view.write_role` (editor)."""

    message = ""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        user = request.user
        if not user.is_authenticated:
            return False  # DRF answers 401 with WWW-Authenticate
        reading = request.method in SAFE_METHODS
        needed = (
            getattr(view, "read_role", Role.VIEWER) if reading else getattr(view, "write_role", Role.EDITOR)
        )
        role = Role(user.role)
        if RANKS[role] >= RANKS[needed]:
            return True
        self.message = _(
            "Your role is %(role)s; this needs the role %(needed)s. Ask a member of staff to change it."
        ) % {"role": role.value, "needed": needed.value}
        return False
