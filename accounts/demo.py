"""The demo's sign-ins, for the sign-in page; `manage.py demo` makes them, with random passwords."""

import json
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Role

FILE = "demo-sign-ins.json"  # {e-mail: password}
MAY: dict[Role, str | Promise] = {
    Role.VIEWER: _("read data and answers"),
    Role.EDITOR: _("upload, map, fix"),
    Role.STAFF: _("everything, and the admin"),
}
ACCOUNTS = (
    ("analyst@example.com", _("Analyst"), Role.EDITOR),
    ("staff@example.com", _("Staff"), Role.STAFF),
    ("seeker@example.com", _("Job seeker"), Role.VIEWER),
)


@dataclass(frozen=True)
class DemoSignIn:
    """One sign-in, its password shown on purpose."""

    email: str
    password: str
    name: str | Promise
    may: str | Promise


def demo_sign_ins() -> tuple[DemoSignIn, ...]:
    """The sign-ins of a running demo; () outside of it, and in production always."""
    if not settings.DEMO:
        return ()
    try:
        passwords = json.loads((Path(settings.HOME) / FILE).read_text())
    except (OSError, ValueError):
        return ()
    return tuple(
        DemoSignIn(email, passwords[email], name, MAY[role])
        for email, name, role in ACCOUNTS
        if email in passwords
    )
