"""Pages about pay."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from analytics.presenting import Shown, shown
from analytics.selection import LoadedIndex, loaded
from ingest.models import Import
from market import reports
from market.filters import DATASET, LEVELS, SalaryFilters, rows_wanted
from market.money import Unit, currencies, unit
from skillora.lib.errors import DomainError

PAGE_ROWS = 50
RELATED = ("title", "company", "city", "stack", "country", "currency")


@dataclass(frozen=True)
class Chip:
    """A filter that is set, and the page without it."""

    text: str
    url: str


@login_required
@require_safe
@vary_on_headers("HX-Request")
def salary_list(request: HttpRequest) -> HttpResponse:
    """Distribution, ranges and trend under the filters in the URL; to HTMX only the part that changes."""
    form = SalaryFilters(request.GET)
    index = loaded(DATASET)
    context: dict[str, Any] = {
        "form": form,
        "live": True,
        "chips": _chips(request, form),
        "currencies": currencies(),
        "hidden": _useless(request, index),
    }
    context["data_version"] = max(index.segments, default=0)
    if not index.parts:
        template = "market/salary_list.html"
        return render(request, template, {**context, "empty": True, "excluded": index.excluded})
    status = 200
    if form.is_valid():
        try:
            context |= _answers(request, form.cleaned_data)
        except DomainError as error:
            form.add_error("currency" if error.code == "no_rate" else None, error.message)
    if form.errors:
        status = 422
    context["heading"] = _heading(form)
    part = request.htmx and request.htmx.target == "results" and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    name = "market/salary_results.html" if part else "market/salary_list.html"
    return render(request, name, context, status=status)


def _answers(request: HttpRequest, params: dict[str, Any]) -> dict[str, Any]:
    summary = shown(request, reports.SUMMARY, params)
    found: dict[str, Any] = {"summary": summary, "money": unit(params["currency"], params["per"])}
    if summary.answer.guarded:
        return {**found, "guarded": True, "limit": settings.SMALL_N}
    wide = [shown(request, r, params) for r in (reports.BY_SENIORITY, reports.BY_COUNTRY)]
    half = [shown(request, r, params, narrow=True) for r in (reports.TREND, reports.BY_STACK)]
    return {**found, "wide": [f for f in wide if _says(f)], "half": [f for f in half if _says(f)]}


def _says(figure: Shown) -> bool:
    """Whether a figure is worth its place: a group that no row names has nothing to show."""
    return bool(figure.answer.rows)


def _heading(form: SalaryFilters) -> str:
    if not form.is_valid():
        return _("Salaries")
    title = form.cleaned_data["title"] or _("All titles")
    country = form.cleaned_data["country"] or _("all countries")
    return f"{title}, {country}"


def _useless(request: HttpRequest, index: LoadedIndex) -> set[str]:
    """Filters on what no row names; shown all the same where they are set."""
    names = {"company": "company", "stack": "stack", "since": "month", "until": "month"}
    return {f for f, dimension in names.items() if not request.GET.get(f) and not index.names(dimension)}


def _chips(request: HttpRequest, form: SalaryFilters) -> list[Chip]:
    chips = []
    for name, field in form.fields.items():
        value = request.GET.get(name, "").strip()
        if not value or (name, value.upper()) in {("currency", "USD"), ("per", "YEAR")}:
            continue
        rest = request.GET.copy()
        rest.pop(name)
        word = str(LEVELS[value].label) if name == "seniority" and value in LEVELS else value
        query = rest.urlencode()
        chips.append(
            Chip(f"{field.label}: {word}"[:80], f"{request.path}?{query}" if query else request.path)
        )
    return chips


@login_required
@require_safe
def salary_rows(request: HttpRequest) -> HttpResponse:
    """The rows behind a number, by id, each with the import and line that it came from."""
    form = SalaryFilters(request.GET)
    hidden = {*_useless(request, loaded(DATASET)), "currency", "per"}
    context: dict[str, Any] = {"form": form, "chips": _chips(request, form), "hidden": hidden}
    if not form.is_valid():
        return render(request, "market/salary_rows.html", context, status=422)
    after = _cursor(request.GET.get("after", ""))
    found = rows_wanted(form.cleaned_data).filter(pk__gt=after).order_by("pk")
    rows = list(found.select_related(*RELATED)[: PAGE_ROWS + 1])
    page, more = rows[:PAGE_ROWS], len(rows) > PAGE_ROWS
    names = Import.objects.in_bulk({row.import_id for row in page})
    kept = request.GET.copy()
    kept.pop("after", None)
    context |= {
        "rows": [(row, names.get(row.import_id)) for row in page],
        "first_url": f"?{kept.urlencode()}" if after else "",
        "next_url": f"?{_with(kept, after=str(page[-1].pk))}" if more else "",
        "back": f"?{kept.urlencode()}" if kept else "",
        "n": reports.selected(form.cleaned_data).n,
        "money": Unit(),
    }
    return render(request, "market/salary_rows.html", context)


def _cursor(text: str) -> int:
    return min(int(text), (1 << 63) - 1) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _with(query: Any, **changes: str) -> str:
    changed = query.copy()
    for name, value in changes.items():
        changed[name] = value
    return str(changed.urlencode())
