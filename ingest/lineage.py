"""Where a stored row comes from: the line of the file beside the row that it became, or the reject that it is."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from ingest import storage
from ingest.declarations import Dataset, dataset
from ingest.facts import Facts
from ingest.fixing import Judge
from ingest.mapping import Mapping
from ingest.models import LINE_MASK, Import, Reject, RejectState, row_origin
from ingest.readers import record_at
from ingest.settled import LOADED
from skillora.lib.errors import NotFound


def source_said(slug: str) -> str:
    """Which imports the rows of a dataset came from, as the foot of a figure says it."""
    done = Import.objects.filter(dataset=slug, load__state__in=LOADED)
    names = list(done.order_by("-pk").values_list("name", flat=True)[:2])
    if len(names) == 1:
        return _("Source: %(name)s") % {"name": names[0]}
    return _("Source: %(count)s imports") % {"count": f"{done.count():,}"} if names else ""


@dataclass(frozen=True)
class Cell:
    """One column of the file on this line. field: canonical name, "" where it goes nowhere."""

    header: str
    text: str
    corrected: str | None = None  # what somebody made of it, where that differs
    field: str = ""
    label: str = ""


@dataclass(frozen=True)
class Lineage:
    """One line of one import. raw: as it stands in the file, "" for workbooks and batches."""

    source: Import
    line: int
    raw: str
    cells: list[Cell]
    reject: Reject | None
    row: Model | None
    constants: dict[str, str] = field(
        default_factory=dict
    )  # canonical name → text that stood in for all lines
    sheet: str = ""
    by_key: bool = False  # the row was found by its key: this line did not write it last

    @property
    def word(self) -> str:
        """loaded, rejected, left_out, gone, or same: the row with this key was written by another line."""
        if self.reject and self.reject.state != RejectState.FIXED:
            return "left_out" if self.reject.state == RejectState.DISCARDED else "rejected"
        if self.row is None:
            return "gone" if self.source.load else "not_loaded"
        return "same" if self.by_key else "loaded"

    @property
    def writer(self) -> tuple[int, int] | None:
        """(import, line) that wrote the row last."""
        return row_origin(int(getattr(self.row, "origin", self.row.pk))) if self.row else None


def rows_of_import(rows: "QuerySet[Any]", declared: Dataset, source: Import) -> "QuerySet[Any]":
    """Those rows of a dataset that an import wrote (last)."""
    first, last = source.key_range()
    name = "origin" if declared.mode == "upsert" else "pk"
    return rows.filter(**{f"{name}__gte": first, f"{name}__lte": last})


def row_lineage(*, source: Import, line: int) -> Lineage:
    """All that is known of a line. NotFound where the import has no such line."""
    declared = dataset(source.dataset)
    facts, mapping = Facts.from_json(source.facts), Mapping.from_json(source.mapping)
    reject = source.rejects.filter(line=line).select_related("edited_by").first()
    found = _in_file(source, facts, line) if 0 < line <= LINE_MASK else None
    row = _row(declared, source.row_id(line)) if 0 < line <= LINE_MASK else None
    appended = declared.mode == "append" and source.state in LOADED  # then each line is a row or a reject
    if row is None and reject is None and (found is None or appended):
        message = _("Import %(id)s has no row on line %(line)s.")
        raise NotFound(message % {"id": source.pk, "line": line})
    texts, raw = found or ((reject.cells, "") if reject else ([], ""))
    by_key = False
    if row is None and declared.mode == "upsert" and texts and not _rejected(reject):
        row = _row_by_key(source, declared, line, reject.current if reject else texts)
        by_key = row is not None
    return Lineage(
        source=source,
        line=line,
        raw=raw,
        cells=_cells(declared, facts, mapping, texts, reject),
        reject=reject,
        row=row,
        constants={name: text for name, text in mapping.constants.items() if text},
        sheet=facts.sheet,
        by_key=by_key,
    )


def _rejected(reject: Reject | None) -> bool:
    return reject is not None and reject.state != RejectState.FIXED


def _in_file(source: Import, facts: Facts, line: int) -> tuple[list[str], str] | None:
    """(cells, raw text) from the stored file; None where it is gone or has no such line."""
    if not source.stored or line < facts.first_line:
        return None
    try:
        path = storage.stored_path(source)
    except NotFound:
        return None
    return record_at(path, facts, line)


def _row(declared: Dataset, pk: int) -> Model | None:
    rows = declared.model._default_manager.select_related(*_references(declared))
    name = "origin" if declared.mode == "upsert" else "pk"
    found: Model | None = rows.filter(**{name: pk}).first()
    return found


def _references(declared: Dataset) -> list[str]:
    return [f.name for f in declared.model._meta.concrete_fields if f.is_relation]


def _row_by_key(source: Import, declared: Dataset, line: int, texts: list[str]) -> Model | None:
    """The row that has the line's key now, whoever wrote it."""
    clean = Judge(source, declared, dry=True).clean([(line, texts)])
    keys = clean.columns.get(declared.model._meta.pk.attname)
    if not len(clean.lines) or keys is None or not keys[0]:
        return None
    found: Model | None = declared.model._default_manager.filter(pk=int(keys[0])).first()
    return found


def _cells(
    declared: Dataset, facts: Facts, mapping: Mapping, texts: list[str], reject: Reject | None
) -> list[Cell]:
    """The line's cells under their headers; cells beyond the header have none."""
    goes = {index: name for name, index in mapping.columns.items()}
    labels = {column.name: str(column.label) for column in declared.columns}
    edited = reject.edited["cells"] if reject and reject.edited else None
    headers = facts.headers
    cells = []
    for at in range(max(len(texts), len(headers), len(edited or []))):
        text = texts[at] if at < len(texts) else ""
        now = (edited[at] if at < len(edited) else "") if edited is not None else text
        name = goes.get(at, "")
        header = headers[at] if at < len(headers) else ""
        cells.append(Cell(header, text, now if now != text else None, name, labels.get(name, "")))
    return cells
