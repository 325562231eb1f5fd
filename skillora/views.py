"""Pages that belong to no domain."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from analytics.declarations import reports as all_reports
from analytics.presenting import shown
from analytics.selection import loaded
from hiring.models import HiresByQuarter
from ingest.declarations import datasets
from ingest.models import Reject
from ingest.pages import page
from ingest.services import imports_visible
from market import reports
from market.filters import DATASET
from market.money import Unit
from runs.models import State
from skillora.lib.errors import NotAllowed
from skillora.samples import sample_load

DONE = (State.DONE, State.DONE_WITH_REJECTS)
YEAR_SECONDS = 365 * 24 * 3600


LATEST = 6
HIRING_YEARS, SPARK = 5, 24  # of the sparkline of hires; px


@dataclass(frozen=True)
class Attention:
    """Something in the data that wants a hand."""

    tone: str
    icon: str
    word: str | Promise
    name: str
    why: str
    url: str
    action: str | Promise


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What the data says and what in it wants a hand; without data, three ways to begin."""
    latest = list(imports_visible(people(request)).select_related("load", "by").order_by("-pk")[:LATEST])
    index = loaded(DATASET)
    context: dict[str, Any] = {
        "latest": latest,
        "dataset_titles": {d.slug: d.title for d in datasets()},
        "data_version": max(index.segments, default=0),
    }
    hires = HiresByQuarter.objects.by_year(years=HIRING_YEARS)
    if not index.parts and not latest and not hires:
        return render(request, "overview_empty.html", context)
    if index.parts:
        everything = index.select({})
        params = reports.SUMMARY.params({})
        figure = shown(request, reports.SUMMARY, params, path=reverse("market:salary-list"))
        context |= {
            "summary": figure,
            "median": Unit().words(figure.answer.summary["p50"]) if not figure.answer.guarded else "",
            "n": everything.n,
            "countries": sum(1 for code in everything.counts("country") if code),
            "titles": sum(1 for code in everything.counts("title") if code),
        }
    context["hires"] = _hires(hires) if hires else None
    context["attention"] = _attention(people(request))
    context["open_rejects"] = Reject.objects.to_fix().count()
    context["imports_done"] = imports_visible(people(request)).filter(load__state__in=DONE).count()
    return render(request, "overview.html", context)


@dataclass(frozen=True)
class Hires:
    """The latest year's hires, and the quarters of some years before as bars: x, y, height and what it says."""

    year: int
    n: int
    bars: list[tuple[str, float, float, str]]
    width: str


def _hires(found: dict[int, tuple[int, int, int, int]]) -> Hires:
    """A sparkline of quarters, the last at the right."""
    quarters = [(f"{year} Q{q}", n) for year, counts in found.items() for q, n in enumerate(counts, start=1)]
    top, gap = max(n for _name, n in quarters), 100 / len(quarters)
    bars = [
        (f"{i * gap:.2f}%", SPARK - SPARK * n / top, SPARK * n / top, f"{name}: {n:,}")
        for i, (name, n) in enumerate(quarters)
    ]
    year = max(found)
    return Hires(year, sum(found[year]), bars, f"{gap * 0.8:.2f}%")


@page("POST")
def sample_begin(request: HttpRequest) -> HttpResponse:
    """Load the sample as the member who asks, and show how it goes."""
    source = sample_load(by=people(request))
    return redirect("ingest:import-detail", source.pk)


def people(request: HttpRequest) -> User:
    """The member who asks; views that call this are behind `login_required`."""
    if not isinstance(request.user, User):
        raise NotAllowed(_("Sign in first."))
    return request.user


def _attention(user: User) -> list[Attention]:
    """Imports whose load failed, and those with open rejects, newest first."""
    mine = imports_visible(user).select_related("load", "by").order_by("-pk")
    failed = [
        Attention(
            "bad", "alert", gettext_lazy("Failed:"), source.name,
            source.load.error_message[:200] if source.load else "",
            reverse("ingest:import-detail", args=[source.pk]), gettext_lazy("See why"),
        )
        for source in mine.filter(load__state=State.FAILED)[:3]
    ]  # fmt: skip
    to_fix = [
        Attention(
            "warn", "alert", gettext_lazy("To fix:"), source.name,
            _("%(open)s of %(read)s rows rejected")
            % {"open": f"{source.rejected:,}", "read": f"{source.rows_read:,}"},
            reverse("ingest:reject-list", args=[source.pk]), gettext_lazy("See rows"),
        )
        for source in mine.filter(load__state=State.DONE_WITH_REJECTS)[:4]
    ]  # fmt: skip
    return [*failed, *to_fix]


@login_required
@require_safe
def how(request: HttpRequest) -> HttpResponse:
    """How each number is made: the definition of every report, and the rules that all share."""
    context = {"reports": all_reports(), "small_n": settings.SMALL_N}
    return render(request, "analytics/how.html", context)


@require_POST
def theme_set(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or (anything else) the system's theme in this browser, and go back."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    theme = request.POST.get("theme", "")
    if theme in {"light", "dark"}:
        secure = bool(settings.SESSION_COOKIE_SECURE)
        response.set_cookie(
            "theme", theme, max_age=YEAR_SECONDS, samesite="Lax", secure=secure, httponly=True
        )
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
