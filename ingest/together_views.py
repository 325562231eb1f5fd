"""Pages of several files dropped at once: which dataset each is for, then all loads in the order of references."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ingest import presenting, services, together
from ingest.declarations import Dataset, dataset, datasets
from ingest.facts import Facts
from ingest.grouping import reason_said
from ingest.mapping import Suggestion
from ingest.models import Import
from ingest.pages import may_change, member, page
from ingest.rejects import groups_of
from skillora.lib.errors import DomainError

COLUMNS_SHOWN = 12
REASONS = 4


def together_url(sources: list[Import]) -> str:
    """The page of these imports."""
    return reverse("ingest:import-together") + "?" + "&".join(f"id={source.pk}" for source in sources)


def _chosen(request: HttpRequest, *, change: bool) -> list[Import]:
    """The imports that the address names, in the order of their references. NotFound for anything else."""
    ids = request.GET.getlist("id")[: together.FILES_MAX]
    if not ids or not all(text.isascii() and text.isdigit() and len(text) < 10 for text in ids):
        raise DomainError(_("Choose the files to load together first."), code="no_file", status=404)
    user = member(request)
    return together.in_order([services.import_for(by=user, pk=int(text), change=change) for text in ids])


def _line(source: Import, target: Dataset) -> dict[str, Any]:
    """One file of the page: where it goes, what its columns are by one of their cells, what is missing."""
    suggestion = Suggestion.from_json(source.suggestion)
    labels = {column.name: column.label for column in target.columns}
    goes_to = {at: labels[name] for name, at in suggestion.mapping.columns.items()}
    facts = Facts.from_json(source.facts)
    return {
        "source": source,
        "title": target.title,
        "columns": [
            {
                "header": one.header if facts.header_line else "",
                "sample": next(iter(one.samples), ""),
                "goes_to": goes_to.get(one.index, ""),
            }
            for one in facts.columns[:COLUMNS_SHOWN]
        ],
        "more": max(0, len(facts.columns) - COLUMNS_SHOWN),
        "missing": [labels.get(name, name) for name in suggestion.missing],
        "doubt": next((guess.why for guess in suggestion.guesses if guess.word == "check"), ""),
        "rows": source.facts.get("rows", 0),
        "loaded": source.loaded,
        "url": reverse("ingest:import-detail" if source.load else "ingest:import-map", args=[source.pk]),
    }


@page("GET", "POST")
def import_together(request: HttpRequest) -> HttpResponse:
    """What each file is for; sent off, all are loaded, those first that others refer to."""
    user = member(request)
    sources = _chosen(request, change=request.method == "POST")
    waiting = [source for source in sources if source.load is None]
    if request.method == "POST":
        if not _changed(request, waiting):
            lenient = request.POST.get("lenient") == "1"
            together.imports_submit_together(by=user, sources=waiting, lenient=lenient)
        return redirect(together_url(sources))
    lines = [_line(source, dataset(source.dataset)) for source in sources]
    running = any(source.load is not None and source.load.is_open for source in sources)
    context = {
        "lines": lines,
        "ready": all(not line["missing"] for line in lines),
        "waiting": waiting,
        "running": running,
        "datasets": datasets(),
        "lenient_sentence": presenting.lenient_said([dataset(source.dataset) for source in sources]),
        "may_change": all(may_change(source, user) for source in sources),
    }
    if not waiting and not running:
        context |= _outcome(sources)
    return render(request, "ingest/import_together.html", context)


def _changed(request: HttpRequest, waiting: list[Import]) -> bool:
    """Whether the form takes files for other datasets than they were taken for."""
    changed = False
    for source in waiting:
        into = request.POST.get(f"into-{source.pk}") or source.dataset
        if into != source.dataset:
            services.import_into(source=source, by=member(request), dataset=into)
            changed = True
    return changed


def _outcome(sources: list[Import]) -> dict[str, Any]:
    """What became of all rows, and where to go on."""
    summed = ("rows_read", "inserted", "updated", "unchanged", "rejected", "skipped")
    figures = {name: sum(getattr(source, name) for source in sources) for name in summed}
    pages = {presenting.url_or_none(dataset(source.dataset).answers_url) for source in sources}
    return {
        "counts": presenting.counts_of(figures, appends=False, loaded=True, rows_url="", rejects_url=""),
        "loaded": figures["inserted"] + figures["updated"] + figures["unchanged"],
        "answers": sorted(pages - {""}),
        "to_fix": [
            {
                "source": source,
                "reasons": [
                    (one["rows"], reason_said(source.dataset, one["code"], one["field"]))
                    for one in groups_of(source)[:REASONS]
                ],
                "url": reverse("ingest:reject-list", args=[source.pk]),
            }
            for source in sources
            if source.rejected
        ],
    }
