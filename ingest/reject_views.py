"""Pages of what comes after a load: rejects corrected, sent back and loaded; undo; the line behind a row."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from accounts.models import User
from ingest import creating, fixing, joining, presenting, services, undoing
from ingest.bodies import row_body
from ingest.declarations import dataset
from ingest.editing import Form, fixes_in
from ingest.fixing import Rule, Verdict
from ingest.grouping import ReasonGroup, reason_groups
from ingest.lineage import row_lineage
from ingest.models import Import, RejectState
from ingest.pages import PAGE_SIZE, by_script, may_change, member, page
from ingest.rejects import groups_of
from ingest.settled import FIX_TASK, LOADED, UNDO_TASK, work_on
from skillora.lib.errors import DomainError
from skillora.lib.http import takes_files

SAID = {400, 409, 413, 422}  # errors that are told on the page where they were made
CELLS = 50  # of a line that are shown until all are asked for
SWITCHED = 8  # reasons to switch between
WORK = {FIX_TASK: gettext_lazy("Adding corrected rows"), UNDO_TASK: gettext_lazy("Taking the import back")}


def change(
    view: Callable[[HttpRequest, User, Import], HttpResponse],
) -> Callable[[HttpRequest, int], HttpResponse]:
    """A form that changes an import: the view gets who sends it, and the import where it is theirs to change.

    What cannot be done (any more: another window was faster) is said on the page that the form stands on.
    """

    @functools.wraps(view)
    def answer(request: HttpRequest, pk: int) -> HttpResponse:
        user = member(request)
        source = services.import_for(by=user, pk=pk, change=True)
        try:
            return view(request, user, source)
        except DomainError as error:
            if error.status not in SAID:
                raise
            messages.error(request, error.message)
            return back(request, source, "")

    return page("POST")(answer)


def fix_context(source: Import, *, user: Any, notes: dict[int, str] | None = None) -> dict[str, Any]:
    """What every page with rejects to correct needs."""
    may_fix = may_change(source, user) and source.state in LOADED and work_on(source) is None
    valid = source.rejects.filter(state=RejectState.VALID).count() if may_fix else 0
    form = Form(source, dataset(source.dataset), notes or {})
    return {
        "source": source,
        "may_fix": may_fix,
        "rule_url": reverse("ingest:reject-rule", args=[source.pk]) if may_fix else "",
        "create_url": reverse("ingest:reference-create", args=[source.pk]) if may_fix else "",
        "known": form.known() if may_fix else {},
        "valid": valid,
        "left_out": fixing.rejects_left_out(source).count() if source.skipped else 0,
        "edited": may_fix and source.rejects.pending().exclude(edited=None).exists(),
        "form": form,
        "after": {
            "loaded": source.loaded + valid,
            "rejected": source.rejected - valid,
        },
    }


@page("GET")
def reject_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The rejected rows of one import, by reason, each to be corrected here."""
    source = services.import_for(by=member(request), pk=pk)
    code, field = request.GET.get("code", "")[:40], request.GET.get("field", "")[:60]
    rows = source.rejects.pending()
    if code:
        rows = rows.filter(code=code, **({"field": field} if "field" in request.GET else {}))
    current = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = fix_context(source, user=member(request))
    groups = groups_now(source, reason_groups(source.dataset, groups_of(source)))
    labels = {(one.code, one.field): context["form"].label(one.field, one.column) for one in groups}
    switch = [
        {
            "label": labels[one.code, one.field] or _("whole line"),
            "rows": one.rows,
            "query": urlencode({"code": one.code, "field": one.field}),
            "current": (one.code, one.field) == (code, field),
        }
        for one in groups[:SWITCHED]
    ]
    chosen = [one for one in groups if (one.code, one.field) == (code, field)]
    context |= {
        "reasons": switch if len(switch) > 1 else [],
        "chosen": code,
        "groups": (chosen if code else groups) if context["may_fix"] else [],
        "rows": context["form"].rows(current),
        "page": current,
        "query": urlencode({"code": code, "field": field}) + "&" if code else "",
        "next": f"?{request.GET.urlencode()}" if request.GET else "list",
    }
    return render(request, "ingest/reject_list.html", context)


def groups_now(source: Import, groups: list[ReasonGroup]) -> list[ReasonGroup]:
    """Rejects by reason, each with how many of them are corrected by now."""
    of_reason = source.rejects.filter(state=RejectState.VALID).order_by().values_list("code", "field")
    valid = {(code, field): n for code, field, n in of_reason.annotate(n=Count("id"))}
    return [replace(one, valid=valid.get((one.code, one.field), 0)) for one in groups]


def back(request: HttpRequest, source: Import, anchor: str | None = None) -> HttpResponse:
    """To the page of this import that the form stands on."""
    if source.load is None:
        return redirect("ingest:import-check", source.pk)
    listed, query = reverse("ingest:reject-list", args=[source.pk]), request.POST.get("next", "")[:300]
    if query.startswith("?") or query == "list":
        return redirect(listed + (query if query.startswith("?") else "") + (anchor or ""))
    return redirect(
        reverse("ingest:import-detail", args=[source.pk]) + ("#fix" if anchor is None else anchor)
    )


@change
def reject_fix(request: HttpRequest, user: User, source: Import) -> HttpResponse:
    """Correct cells: all that the form holds, or to HTMX the one line that it names."""
    form = {name: str(value) for name, value in request.POST.items()}
    if form.get("skip", "").isdecimal() and len(form["skip"]) < 11:
        skipped = fixing.rejects_skip(source=source, by=user, lines=[int(form["skip"])])
        messages.success(request, presenting.left_out(skipped))
        return back(request, source)
    line = request.GET.get("line", "")
    only = int(line) if line.isdecimal() and len(line) < 11 else None
    fixes = fixes_in(source, form, only=only)
    verdicts = fixing.rejects_fix(source=source, by=user, fixes=fixes) if fixes else []
    if by_script(request) and only is not None:
        source = services.import_for(by=user, pk=source.pk)
        notes = {one.line: _note(one) for one in verdicts}
        context = fix_context(source, user=user, notes=notes)
        rows = context["form"].rows(source.rejects.filter(line=only).select_related("edited_by"))
        return render(
            request, "ingest/_reject_answer.html", context | {"rows": rows, "next": form.get("next", "")}
        )
    for text in {_note(one) for one in verdicts} - {""}:
        messages.warning(request, text)
    return back(request, source, f"#r{verdicts[0].line}" if verdicts else None)


def _note(verdict: Verdict) -> str:
    """What to say where a correction was not taken."""
    line = {"line": verdict.line}
    if verdict.word == "stale":
        who = verdict.reject.edited_by if verdict.reject else None
        values = {**line, "who": who or _("Somebody")}
        return (
            _("%(who)s has changed line %(line)s meanwhile: look again, this is what it says now.") % values
        )
    if verdict.word == "fixed":
        return _("Line %(line)s has been loaded meanwhile: it cannot be corrected here any more.") % line
    if verdict.word == "discarded":
        return _("Line %(line)s has been left out meanwhile.") % line
    if verdict.word == "missing":
        return _("Line %(line)s is no rejected row.") % line
    return ""


@change
def reject_rule(request: HttpRequest, user: User, source: Import) -> HttpResponse:
    """Correct, or leave out, all rejects of a kind."""
    skip = request.POST.get("action") == "skip"
    value = request.POST.get("value")
    rule = Rule(
        request.POST.get("code", "")[:40],
        request.POST.get("field", "")[:60],
        "skip" if skip else "replace",
        value if value else None,
        request.POST.get("text", "")[:1000],
    )
    if value == "" and request.POST.get("exactly") == "1":
        rule = Rule(rule.code, rule.field, rule.action, "", rule.text)
    done = fixing.rejects_rule(source=source, by=user, rule=rule)
    if skip:
        messages.success(request, presenting.left_out(done["rows"]))
    else:
        sentence = ngettext(
            "%(rows)s row corrected; %(valid)s valid now.",
            "%(rows)s rows corrected; %(valid)s valid now.",
            done["rows"],
        )
        messages.success(request, sentence % {name: presenting.grouped(n) for name, n in done.items()})
    return back(request, source)


@change
def reference_create(request: HttpRequest, user: User, source: Import) -> HttpResponse:
    """Create the row that refused cells refer to; what is not loaded yet is checked again."""
    code, field = request.POST.get("code", "")[:40], request.POST.get("field", "")[:60]
    value = request.POST.get("value", "")[:100]
    cells = {
        name.removeprefix("new-"): str(text).strip()[:1000]
        for name, text in request.POST.items()
        if name.startswith("new-")
    }
    missing, valid = creating.reference_create(
        by=user, source=source, code=code, field=field, value=value, cells=cells
    )
    sentence = _("%(what)s: %(value)s is there now.") % {"what": missing.dataset.title, "value": value}
    if valid:
        sentence += " " + ngettext("%(n)s row is valid now.", "%(n)s rows are valid now.", valid) % {
            "n": presenting.grouped(valid)
        }
    messages.success(request, sentence)
    if source.load is None:
        services.import_check(source=source, by=user, again=True)
    return back(request, source)


@change
def reject_unskip(request: HttpRequest, user: User, source: Import) -> HttpResponse:
    """Take back what was left out."""
    fixing.rejects_unskip(source=source, by=user)
    return back(request, source)


@change
def reject_discard(request: HttpRequest, user: User, source: Import) -> HttpResponse:
    """Forget the corrections that are not loaded."""
    fixing.rejects_discard_edits(source=source, by=user)
    return back(request, source)


@change
def reject_load(request: HttpRequest, user: User, source: Import) -> HttpResponse:
    """Load what is valid now."""
    joining.rejects_load(source=source, by=user)
    return redirect("ingest:import-detail", source.pk)


@takes_files
@change
def reject_return(request: HttpRequest, user: User, source: Import) -> HttpResponse:
    """The corrected file of rejects comes back."""
    upload = request.FILES.get("file")
    if upload is None:
        raise DomainError(_("Choose the corrected file first."), code="no_file")
    joining.rejects_resubmit(source=source, by=user, upload=upload, name=upload.name or "")
    return redirect("ingest:import-detail", source.pk)


@require_GET
@login_required
def reject_download(request: HttpRequest, pk: int) -> HttpResponse | StreamingHttpResponse:
    """The rejected rows with their reasons, as CSV, to fix and to bring back."""
    try:
        source = services.import_for(by=member(request), pk=pk)
        lines = services.rejects_csv(source)
    except DomainError as error:
        return render(request, "ingest/import_error.html", {"error": error}, status=error.status)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rejects_{source.pk}.csv"'
    return response


@change
def import_undo(request: HttpRequest, user: User, source: Import) -> HttpResponse:
    """Take the import back."""
    undoing.import_undo(source=source, by=user)
    return redirect("ingest:import-detail", source.pk)


@page("GET")
def row_detail(request: HttpRequest, pk: int, line: int) -> HttpResponse:
    """One line: as it stands in the file, beside the row that it became."""
    source = services.import_for(by=member(request), pk=pk)
    found = row_lineage(source=source, line=line)
    declared = dataset(source.dataset)
    names = {f.attname: f.name for f in declared.model._meta.concrete_fields}
    stored = row_body(found.row) if found.row else {}
    targets = {column.name: names.get(column.target, "") for column in declared.columns}
    context = {
        "source": source,
        "found": found,
        "dataset": declared,
        # Of very many the first are shown: those that go somewhere.
        "cells": [
            (cell, stored.get(targets.get(cell.field, "")))
            for cell in sorted(found.cells, key=lambda one: len(found.cells) > CELLS and not one.field)
        ],
        "rest": presenting.stored_rest(found, declared, stored, targets),
        "row": Form(source, declared).rows([found.reject])[0] if found.reject else None,
    }
    return render(request, "ingest/row_detail.html", context)
