"""Pages of several files dropped at once: which dataset each is for, then all loads in the order of references."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from ingest import services, together
from ingest.declarations import Dataset, dataset
from ingest.mapping import Suggestion
from ingest.models import Import
from ingest.pages import may_change, member, page
from skillora.lib.errors import DomainError


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
    """One file of the page: where it goes, what its columns are, what is missing."""
    suggestion = Suggestion.from_json(source.suggestion)
    labels = {column.name: column.label for column in target.columns}
    return {
        "source": source,
        "title": target.title,
        "columns": [labels[name] for name in suggestion.mapping.columns],
        "missing": [labels.get(name, name) for name in suggestion.missing],
        "rows": source.facts.get("rows", 0),
        "url": reverse("ingest:import-detail" if source.load else "ingest:import-map", args=[source.pk]),
    }


@page("GET", "POST")
def import_together(request: HttpRequest) -> HttpResponse:
    """What each file is for; sent off, all are loaded, those first that others refer to."""
    sources = _chosen(request, change=request.method == "POST")
    if request.method == "POST":
        waiting = [source for source in sources if source.load is None]
        together.imports_submit_together(
            by=member(request), sources=waiting, lenient=request.POST.get("lenient") == "1"
        )
        return redirect(together_url(sources))
    lines = [_line(source, dataset(source.dataset)) for source in sources]
    context = {
        "lines": lines,
        "ready": all(not line["missing"] for line in lines),
        "waiting": [source for source in sources if source.load is None],
        "running": any(source.load is not None and source.load.is_open for source in sources),
        "may_change": all(may_change(source, member(request)) for source in sources),
    }
    return render(request, "ingest/import_together.html", context)
