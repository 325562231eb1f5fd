"""What the API says about an import, a reject, a dataset, a stored row: plain dictionaries."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import ForeignKey, Model
from django.urls import reverse

from ingest.declarations import Column, Dataset
from ingest.grouping import ReasonGroup
from ingest.lineage import Lineage
from ingest.models import Import, Reject, row_origin
from ingest.services import Summary, import_summary
from ingest.settled import work_on
from runs.models import OPEN_STATES, Run, State

Body = dict[str, Any]
COUNTERS = ("rows_read", "inserted", "updated", "unchanged", "rejected", "skipped")
STORED = (State.DONE, State.DONE_WITH_REJECTS)


def import_links(source: Import) -> Body:
    """Where to go from here; only what can be done now."""
    links = {"self": reverse("api:import", args=[source.pk])}
    if source.rejected:
        links["rejects"] = reverse("api:import-rejects", args=[source.pk])
        links["rejects_csv"] = reverse("api:import-rejects-csv", args=[source.pk])
    if source.load is None:
        links["map"] = reverse("api:import-map", args=[source.pk])
        if source.mapping:
            links["check"] = reverse("api:import-check", args=[source.pk])
            links["load"] = reverse("api:import-load", args=[source.pk])
    elif source.load.state in OPEN_STATES:
        links["cancel"] = reverse("api:import-cancel", args=[source.pk])
    if source.load is not None and source.load.state in STORED:
        links["rows"] = reverse("api:dataset-rows", args=[source.dataset]) + f"?import={source.pk}"
        links["undo"] = reverse("api:import-undo", args=[source.pk])
    if source.stored:
        links["remap"] = reverse("api:import-remap", args=[source.pk])
    return links


def import_row(source: Import) -> Body:
    """One import in a list: who, what, how far, the counters."""
    return {
        "id": source.pk,
        "dataset": source.dataset,
        "origin": source.origin,
        "name": source.name,
        "size": source.size,
        "sha256": source.sha256,
        "by": source.by.email if source.by else None,
        "created_at": source.created_at,
        "state": source.state,
        "counters": {"read" if name == "rows_read" else name: getattr(source, name) for name in COUNTERS},
        "links": import_links(source),
    }


def import_body(source: Import) -> Body:
    """One import whole: also progress, facts, suggestion, mapping, the last check, rejects by reason."""
    work = work_on(source)
    if source.load is not None and not source.load.is_open:
        source = Import.objects.with_run().get(
            pk=source.pk
        )  # what is not under way any more is in its counts
    summary = import_summary(source)
    body = import_row(source)
    body["state"] = summary.state
    body["counters"] = _counters(summary)
    body["progress"] = {"percent": summary.percent, "message": summary.message}
    body["rate"] = summary.rate
    body["eta_seconds"] = summary.eta_seconds
    body["seconds"] = summary.seconds
    body["file_id"] = source.stored
    body["facts"] = _facts(source)
    body["suggestion"] = source.suggestion
    body["mapping"] = source.mapping
    body["lenient"] = source.lenient
    body["check"] = _check(source)
    body["reasons"] = [_reason(group) for group in summary.groups]
    body["under_way"] = work_body(work) if work else None
    return body


def _reason(group: ReasonGroup) -> Body:
    """Rejects of a kind; `missing`: the dataset whose row is not there, and what such a row needs beside its key."""
    missing = group.missing and {
        "dataset": group.missing.dataset.slug,
        "columns": [column.name for column in group.missing.columns],
    }
    return {**vars(group), "missing": missing}


def _facts(source: Import) -> Body:
    """Without the distinct spellings, which the wizard alone needs: there may be thousands."""
    columns = [{k: v for k, v in c.items() if k != "distinct"} for c in source.facts.get("columns", [])]
    return {**source.facts, "columns": columns} if source.facts else {}


def _counters(summary: Summary) -> Body:
    return {"read" if name == "rows_read" else name: getattr(summary, name) for name in COUNTERS}


def _check(source: Import) -> Body | None:
    run = source.check_run
    return None if run is None else {"state": run.state, "result": run.result, "message": run.error_message}


def reject_body(reject: Reject) -> Body:
    """One line that did not load, with all its errors and its cells."""
    return {
        "line": reject.line,
        "state": reject.state,
        "column": reject.column,
        "field": reject.field,
        "value": reject.value,
        "code": reject.code,
        "message": reject.message,
        "errors": reject.errors,
        "cells": reject.cells,
        "corrected": reject.edited["cells"] if reject.edited else None,
        "version": reject.version,
        "links": {"row": reverse("api:import-row", args=[reject.source_id, reject.line])},
    }


def work_body(run: Run) -> Body:
    """What was done to an import after its load: rows added, or all of it undone."""
    return {
        "task": run.task,
        "state": run.state,
        "by": run.by.email if run.by else None,
        "finished_at": run.finished_at,
        "result": run.result,
        "message": run.error_message,
    }


def lineage_body(found: Lineage) -> Body:
    """A line of a file beside the row or reject that it became."""
    source, writer = found.source, found.writer
    return {
        "import": source.pk,
        "line": found.line,
        "state": found.word,
        "name": source.name,
        "sheet": found.sheet,
        "by": source.by.email if source.by else None,
        "created_at": source.created_at,
        "raw": found.raw,
        "cells": [
            {
                "column": cell.header,
                "text": cell.text,
                "corrected": cell.corrected,
                "field": cell.field or None,
            }
            for cell in found.cells
        ],
        "constants": found.constants,
        "row": row_body(found.row) if found.row else None,
        "written_by": {"import": writer[0], "line": writer[1]} if writer else None,
        "reject": reject_body(found.reject) if found.reject else None,
        "links": {"import": reverse("api:import", args=[source.pk])},
    }


def column_body(column: Column) -> Body:
    """One canonical column."""
    return {
        "name": column.name,
        "label": str(column.label),
        "kind": type(column.kind).__name__.lower(),
        "required": column.required,
        "default": column.default,
        "help": str(column.help_text),
    }


def dataset_body(dataset: Dataset) -> Body:
    """One dataset and its columns."""
    return {
        "slug": dataset.slug,
        "title": str(dataset.title),
        "mode": dataset.mode,
        "key": list(dataset.key),
        "columns": [column_body(column) for column in dataset.columns],
        "links": {
            "self": reverse("api:dataset", args=[dataset.slug]),
            "rows": reverse("api:dataset-rows", args=[dataset.slug]),
            "imports": reverse("api:imports") + f"?dataset={dataset.slug}",
        },
    }


def row_body(row: Model) -> Body:
    """One stored row: every field in words, and the import and line it came from."""
    import_id, line = row_origin(int(getattr(row, "origin", row.pk)))
    body: Body = {"id": row.pk, "import": import_id, "line": line}
    for field in row._meta.concrete_fields:
        if field.primary_key or field.attname == "origin":
            continue
        if isinstance(field, ForeignKey):
            body[field.attname] = getattr(row, field.attname) or None
            body[field.name] = str(getattr(row, field.name)) if body[field.attname] else None
        elif field.choices:
            body[field.name] = str(getattr(row, f"get_{field.name}_display")())
        else:
            body[field.name] = _plain(getattr(row, field.attname))
    return body


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
