"""The demo's three sign-ins. They exist only where settings.DEMO is on, which production cannot be."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User


@dataclass(frozen=True)
class DemoAccount:
    """One sign-in, its password printed on purpose."""

    email: str
    password: str
    full_name: str
    role: Role
    may: str | Promise


ACCOUNTS = (
    DemoAccount("analyst@example.com", "demo-analyst", "Inês", Role.EDITOR, _("upload, map, fix")),
    DemoAccount("staff@example.com", "demo-staff-1", "João", Role.STAFF, _("everything, and the admin")),
    DemoAccount("seeker@example.com", "demo-seeker", "Núria", Role.VIEWER, _("read data and answers")),
)


def demo_accounts_ensure() -> tuple[DemoAccount, ...]:
    """Make the demo's accounts where they are missing; nothing, and (), outside of the demo."""
    if not settings.DEMO:
        return ()
    for account in ACCOUNTS:
        if not User.objects.filter(email=account.email).exists():
            User.objects.create_user(
                account.email, account.password, full_name=account.full_name, role=account.role
            )
    return ACCOUNTS
