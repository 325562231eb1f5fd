"""What the bar at the top and the line at the bottom show, and to whom."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analytics.models import Segment
from ingest.models import Backup, Import
from runs.models import State

SECTIONS: tuple[tuple[str | Promise, str, tuple[str, ...]], ...] = (  # word, URL name, where it begins
    (_("Overview"), "overview", ()),
    (_("Salaries"), "market:salary-list", ("/salaries/",)),
    (_("Hiring"), "hiring:hire-list", ("/hiring/",)),
    (_("Data"), "ingest:import-list", ("/imports/", "/backups/")),
)
THEMES: tuple[tuple[str, str | Promise], ...] = (
    ("", _("As the system")),
    ("light", _("Light")),
    ("dark", _("Dark")),
)


@dataclass(frozen=True)
class Link:
    """One entry of the bar."""

    label: str | Promise
    url: str
    current: bool


def _links(path: str) -> list[Link]:
    links = []
    for label, name, prefixes in SECTIONS:
        try:
            url = reverse(name)
        except NoReverseMatch:  # the page does not exist in this installation: no dead link
            continue
        links.append(Link(label, url, path.startswith(prefixes) if prefixes else path == url))
    return links


def theme_of(request: HttpRequest) -> str:
    """The theme this browser chose: light, dark, or "" for the system's."""
    chosen = request.COOKIES.get("theme", "")
    return chosen if chosen in {value for value, _label in THEMES} else ""


def _last_import() -> datetime | None:
    ended = Import.objects.filter(load__state__in=(State.DONE, State.DONE_WITH_REJECTS))
    return ended.order_by("-load__finished_at").values_list("load__finished_at", flat=True).first()


def _data_version() -> int:
    """The newest visible change of what percentiles are made from; 0 before the first."""
    newest = Segment.objects.aggregate(newest=Max("id"))["newest"]
    return int(newest or 0)


@dataclass(frozen=True)
class Backups:
    """When the last backup was made, and when one was last restored in rehearsal. None: never."""

    last: datetime | None
    rehearsed: datetime | None
    failed: bool  # the last rehearsal


def _backups() -> Backups:
    last = Backup.objects.values_list("created_at", flat=True).first()
    rehearsal = Backup.objects.exclude(rehearsed_at=None).order_by("-rehearsed_at").first()
    if rehearsal is None:
        return Backups(last, None, failed=False)
    return Backups(last, rehearsal.rehearsed_at, bool(rehearsal.rehearsal_error))


def context(request: HttpRequest) -> dict[str, object]:
    """Template context of every page. The database is asked only by pages that show it."""
    return {
        "nav_links": _links(request.path),
        "theme": theme_of(request),
        "themes": THEMES,
        "last_import_at": _last_import,
        "data_version": _data_version,
        "backups_at": _backups,
    }
