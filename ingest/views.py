"""Pages of an import: list, upload, map, check, progress and report, rejects. Each step is a plain form."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from ingest import live, presenting, pressure, reject_views, services, together, undoing
from ingest.declarations import dataset, datasets
from ingest.forms import FactsForm, MappingForm
from ingest.grouping import reason_groups
from ingest.models import Import, Stage
from ingest.pages import PAGE_SIZE, by_script, may_change, member, page
from ingest.settled import import_twin, work_done, work_on
from ingest.together_views import together_url
from runs.models import State
from skillora.lib.errors import DomainError
from skillora.lib.http import takes_files

FIRST_REJECTS = 5


def step_url(source: Import) -> str:
    """Where an import stands: its mapping, its check, or its own page."""
    if source.load is not None:
        return reverse("ingest:import-detail", args=[source.pk])
    step = "ingest:import-map" if source.stage == Stage.UPLOADED else "ingest:import-check"
    return reverse(step, args=[source.pk])


@page("GET")
def import_list(request: HttpRequest) -> HttpResponse:
    """All imports, newest first, by state and dataset."""
    visible = services.imports_visible(member(request))
    chosen = {"state": request.GET.get("state", "")[:20], "dataset": request.GET.get("dataset", "")[:40]}
    shown = visible.select_related("load", "by")
    if chosen["dataset"]:
        shown = shown.filter(dataset=chosen["dataset"])
    if chosen["state"] in State.values:
        shown = shown.filter(load__state=chosen["state"])
    elif chosen["state"]:
        shown = shown.filter(load__isnull=True, stage=chosen["state"])
    current = Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page"))
    titles = {item.slug: item.title for item in datasets()}
    rows = [
        {
            "source": source,
            "title": titles.get(source.dataset, source.dataset),
            "url": step_url(source),
        }
        for source in current
    ]
    context = {
        **chosen,
        "rows": rows,
        "page": current,
        "any_import": bool(rows) or visible.exists(),
        "trouble": pressure.queue_trouble() if member(request).is_staff else "",
        "states": [*Stage.choices, *State.choices],
        "datasets": datasets(),
        "query": urlencode({k: v for k, v in chosen.items() if v}) + ("&" if any(chosen.values()) else ""),
    }
    return render(request, "ingest/import_list.html", context)


@takes_files
@page("GET", "POST")
def import_new(request: HttpRequest) -> HttpResponse:
    """Upload a file, or several that belong together."""
    user = member(request)
    known = datasets()
    chosen = request.POST.get("dataset") or request.GET.get("dataset", "")
    context: dict[str, Any] = {"datasets": known, "dataset": chosen, "limit": settings.MAX_UPLOAD_SIZE}
    context["part_size"] = settings.UPLOAD_PART_MAX
    if request.method == "GET":
        return render(request, "ingest/import_new.html", context)
    try:
        uploads = request.FILES.getlist("file")
        if not uploads:
            raise DomainError(_("Choose a file first."), code="no_file")
        if len(uploads) > 1:
            files = [(upload, upload.name or "") for upload in uploads]
            made = together.imports_create_together(by=user, files=files, fallback=chosen or known[0].slug)
            return redirect(together_url(made))
        source = services.import_create(
            by=user, dataset=chosen, upload=uploads[0], name=uploads[0].name or ""
        )
    except DomainError as error:
        return render(request, "ingest/import_new.html", {**context, "error": error}, status=error.status)
    return redirect(reverse("ingest:import-map", args=[source.pk]))


@page("GET")
def dataset_template(request: HttpRequest, slug: str) -> HttpResponse:
    """A dataset's header line, as a file to fill in."""
    chosen = dataset(slug)
    header = ",".join(column.name for column in chosen.columns)
    response = HttpResponse("\ufeff" + header + "\r\n", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{chosen.slug}.csv"'
    return response


def render_map(
    request: HttpRequest, source: Import, form: MappingForm, error: DomainError | None = None
) -> HttpResponse:
    user = member(request)
    context = {
        **form.context(whole="1" in (request.POST.get("all"), request.GET.get("all"))),
        "source": source,
        "facts_fields": FactsForm(source).fields(),
        "datasets": datasets(),
        "may_change": may_change(source, user),
        "error": error,
    }
    return render(request, "ingest/import_map.html", context, status=error.status if error else 200)


@page("GET", "POST")
def import_map(request: HttpRequest, pk: int) -> HttpResponse:
    """What goes where; sent off, it is checked at once."""
    user = member(request)
    source = services.import_for(by=user, pk=pk, change=request.method == "POST")
    if source.load is not None:
        return redirect("ingest:import-detail", pk)
    if request.method == "GET":
        return render_map(request, source, MappingForm(source))
    form = MappingForm(source, request.POST)
    try:
        form.save(by=user)
        services.import_check(source=source, by=user)
    except DomainError as error:
        return render_map(request, source, form, error)
    return redirect(reverse("ingest:import-check", args=[pk]))


@page("POST")
def import_map_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The mapping page as the choices made so far would have it; stores nothing."""
    source = services.import_for(by=member(request), pk=pk, change=True)
    return render_map(request, source, MappingForm(source, request.POST))


@page("POST")
def import_facts(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the file anew, as the person says it is written, or take it for another dataset."""
    user = member(request)
    source = services.import_for(by=user, pk=pk, change=True)
    into = request.POST.get("dataset") or source.dataset
    try:
        if into != source.dataset:
            source = services.import_into(source=source, by=user, dataset=into)
        else:
            source = services.import_facts_change(
                source=source, by=user, overrides=FactsForm(source).overrides(request.POST)
            )
    except DomainError as error:
        source.refresh_from_db()
        return render_map(request, source, MappingForm(source), error)
    if by_script(request):
        return render_map(request, source, MappingForm(source))
    return redirect("ingest:import-map", pk)


@page("GET", "POST")
def import_check(request: HttpRequest, pk: int) -> HttpResponse:
    """The dry run: on its way, or what it found. POST starts it."""
    user = member(request)
    source = services.import_for(by=user, pk=pk, change=request.method == "POST")
    if source.load is not None:
        return redirect(reverse("ingest:import-detail", args=[pk]))
    if request.method == "POST":
        services.import_check(source=source, by=user, again=True)
        return redirect("ingest:import-check", pk)
    if source.stage == Stage.UPLOADED:
        return redirect("ingest:import-map", pk)
    context = check_context(source, user)
    if by_script(request) and context.get("live") is None:
        return redirect(request.get_full_path())
    return render(request, "ingest/import_check.html", context)


def check_context(source: Import, user: User) -> dict[str, Any]:
    """What the check page says."""
    run = source.check_run
    context: dict[str, Any] = {"source": source, "may_change": may_change(source, user)}
    if run is None or run.state == State.CANCELLED:
        return context
    if run.is_open:
        return context | {"live": live.live_of(run, label=_("Checking"))}
    if run.state == State.FAILED:
        return context | {"failed": run.error_message or _("Check the file again.")}
    found = run.result
    groups = reason_groups(source.dataset, found["groups"])
    appends = dataset(source.dataset).mode == "append"
    counts = presenting.counts_of(
        found | {"rows_read": found["read"]},
        appends=appends,
        loaded=False,
        rows_url="",
        rejects_url="",
    )
    loadable = found["inserted"] + found["updated"] + found["unchanged"]
    number = presenting.grouped(loadable)
    return context | {
        "counts": counts,
        "seconds": found["seconds"],
        "blanked": presenting.blanked(sum(found.get("blanked", {}).values())),
        "groups": groups,
        "twin": import_twin(source),
        "appends": appends,
        "translate_url": reverse("ingest:import-translate", args=[source.pk])
        if context["may_change"]
        else "",
        "create_url": reverse("ingest:reference-create", args=[source.pk]) if context["may_change"] else "",
        "groups_title": presenting.reasons_title(len(groups), found["rejected"]),
        "loadable": loadable,
        "load_label": ngettext("Load %(n)s row", "Load %(n)s rows", loadable) % {"n": number},
        "load_sentence": ngettext("%(n)s row loads as it is.", "%(n)s rows load as they are.", loadable)
        % {"n": number},
    }


@page("POST")
def import_translate(request: HttpRequest, pk: int) -> HttpResponse:
    """Read one refused spelling as another in the whole file, and check it anew."""
    user = member(request)
    source = services.import_for(by=user, pk=pk, change=True)
    given = {name: request.POST.get(name, "")[:1000] for name in ("field", "value", "text")}
    services.import_translate(source=source, by=user, **given)
    services.import_check(source=source, by=user)
    return redirect("ingest:import-check", pk)


@page("POST")
def import_load(request: HttpRequest, pk: int) -> HttpResponse:
    """Load it. Loaded before in the same way: says so, and offers to load it again."""
    user = member(request)
    source = services.import_for(by=user, pk=pk, change=True)
    if source.load is not None and source.load.state not in services.NOTHING_LOADED:
        return redirect("ingest:import-detail", pk)  # the button pressed twice: here is what it began
    try:
        services.import_submit(source=source, by=user, force=request.POST.get("force") == "1")
    except DomainError as error:
        source.refresh_from_db()
        existing = getattr(error, "existing", None)
        if source.load is not None:
            return render_detail(request, source, error)
        context = check_context(source, user) | {"error": error, "existing": existing}
        return render(request, "ingest/import_check.html", context, status=error.status)
    return redirect("ingest:import-detail", pk)


@page("GET")
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Progress while it loads, afterwards the report."""
    source = services.import_for(by=member(request), pk=pk)
    if source.load is None:
        return redirect(step_url(source))
    context = detail_context(source, member(request))
    if by_script(request) and not (context.get("live") or context.get("work")):
        return redirect(request.get_full_path())  # nothing moves any more: the whole page is another one
    return _detail(request, context)


def render_detail(request: HttpRequest, source: Import, error: DomainError | None = None) -> HttpResponse:
    return _detail(request, detail_context(source, member(request)), error)


def _detail(request: HttpRequest, context: dict[str, Any], error: DomainError | None = None) -> HttpResponse:
    context["error"] = error
    template = "ingest/import_progress.html" if "live" in context else "ingest/import_report.html"
    return render(request, template, context, status=error.status if error else 200)


def detail_context(source: Import, user: User) -> dict[str, Any]:
    """What the page of an import with a load says."""
    work, done = work_on(source), work_done(source)
    # After its work: what the page says is done is in its counts and state.
    source = services.import_for(by=user, pk=source.pk)
    run = source.load
    if run is None:
        raise DomainError(_("This import was not loaded yet."), status=409)
    declared = dataset(source.dataset)
    context: dict[str, Any] = {"source": source, "dataset": declared, "may_change": may_change(source, user)}
    if run.is_open:
        return context | {"live": live.live_of(run, label=_("Loading"))}
    summary = services.import_summary(source)
    rows_url = presenting.url_or_none(declared.rows_url)
    fixing = reject_views.fix_context(source, user=user)
    undo = undoing.undo_possible(source) if context["may_change"] else None
    return (
        context
        | fixing
        | {
            "headline": presenting.headline(source, run, declared.title),
            "message": summary.message,
            "counts": presenting.counts_of(
                vars(summary),
                appends=declared.mode == "append",
                loaded=True,
                rows_url=f"{rows_url}?import={source.pk}" if rows_url else "",
                rejects_url=reverse("ingest:reject-list", args=[source.pk]),
                undone=run.state == State.UNDONE,
            ),
            "groups": reject_views.groups_now(source, summary.groups),
            "groups_title": presenting.reasons_title(len(summary.groups), summary.rejected),
            "reject_url": reverse("ingest:reject-list", args=[source.pk]),
            "rows": fixing["form"].rows(source.rejects.pending()[:FIRST_REJECTS]),
            "loaded": source.loaded,
            "answers_url": presenting.url_or_none(declared.answers_url),
            "may_remap": user.is_editor and bool(source.stored),
            "log": live.log_of(run.log),
            "work": live.live_of(work, label=str(reject_views.WORK[work.task])) if work else None,
            "done": [presenting.work_of(one) for one in done],
            "undo": undo,
            "undo_title": presenting.undo_title(undo) if undo else "",
            "undo_sentences": presenting.undo_sentences(vars(undo), done=False) if undo else [],
        }
    )


@page("POST")
def import_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a load; nothing of it stays."""
    user = member(request)
    source = services.import_for(by=user, pk=pk, change=True)
    try:
        services.import_cancel(source=source, by=user)
    except DomainError as error:
        source = services.import_for(by=user, pk=pk)
        if source.load is None:
            raise
        return render_detail(request, source, error)
    return redirect("ingest:import-detail", pk)


@page("POST")
def import_remap(request: HttpRequest, pk: int) -> HttpResponse:
    """Map the same file anew."""
    user = member(request)
    source = services.import_remap(source=services.import_for(by=user, pk=pk), by=user)
    return redirect("ingest:import-map", source.pk)
