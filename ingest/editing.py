"""Rejects as rows of a form: which cells to correct, why, and what becomes of what is typed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.translation import gettext as _

from ingest import reasons
from ingest.declarations import Column, Dataset
from ingest.facts import Facts
from ingest.fixing import Fix
from ingest.grouping import options_of
from ingest.kinds import CodeList, References
from ingest.mapping import Mapping as ColumnMapping
from ingest.models import Import, Reject, RejectState

LINE_CELLS = 40  # of a line that are shown, beside those that are mapped, wrong, or beyond the header
_NAME = re.compile(r"c([0-9]{1,10})\.([0-9]{1,5})")


@dataclass(frozen=True)
class Cell:
    """One input: its name in the form, what it is called, what it says, and what is wrong with that."""

    name: str
    label: str
    text: str
    why: str = ""
    help: str = ""
    suggestion: str = ""
    field: str = ""  # the canonical column that it goes to


@dataclass(frozen=True)
class Row:
    """One reject. look: rejected as it came, still wrong after a correction, valid now, or settled."""

    reject: Reject
    look: Literal["rejected", "wrong", "valid", "fixed", "discarded"]
    cells: list[Cell]  # what is or was wrong
    others: list[Cell]
    whys: list[tuple[str, str]]  # (what is wrong, what helps), of what has no cell to correct
    note: str = ""

    @property
    def open(self) -> bool:
        """Whether it can be corrected."""
        return self.look in ("rejected", "wrong", "valid")


@dataclass
class Form:
    """Rejects of one import as rows. notes: line → what to say beside it."""

    source: Import
    declared: Dataset
    notes: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        facts = Facts.from_json(self.source.facts)
        self._mapping = ColumnMapping.from_json(self.source.mapping)
        self._columns = {column.name: column for column in self.declared.columns}
        self._fields = {at: name for name, at in self._mapping.columns.items()}
        self._headless = not facts.header_line
        self._headers = [self.label(self._fields.get(at, ""), text) for at, text in enumerate(facts.headers)]

    def label(self, name: str, header: str) -> str:
        """What a column of the file is called; in a file without a header as what it goes to."""
        return str(self._columns[name].label) if self._headless and name in self._columns else header

    def known(self) -> dict[str, list[tuple[str, str]]]:
        """Canonical column → what its cells may say, where that is a list of rows in another table."""
        return {
            name: options_of(column)
            for name, column in self._columns.items()
            if name in self._mapping.columns and isinstance(column.kind, References)
        }

    def rows(self, rejects: Iterable[Reject]) -> list[Row]:
        """In the order given."""
        return [self._row(reject) for reject in rejects]

    def _row(self, reject: Reject) -> Row:
        wrong = reject.errors if reject.state == RejectState.OPEN else []
        by_place = {self._mapping.columns.get(error["field"]): error for error in wrong}
        came_with = reject.edited["errors"] if reject.edited else reject.errors
        places = {self._mapping.columns.get(error["field"]) for error in [*wrong, *came_with]}
        texts = reject.current
        texts += [""] * (len(self._headers) - len(texts))
        whole, beyond = None in places and not places - {None}, len(self._headers)
        every = {
            at: self._cell(reject.line, at, text, by_place.get(at))
            for at, text in enumerate(texts)
            if at < LINE_CELLS or at in places or at in self._fields or beyond <= at < beyond + LINE_CELLS
        }
        chosen = [cell for at, cell in every.items() if whole or at in places]
        return Row(
            reject,
            _look(reject),
            chosen,
            [cell for cell in every.values() if cell not in chosen],
            [(e["message"], str(reasons.reason(e["code"]).fix)) for at, e in by_place.items() if at is None],
            self.notes.get(reject.line, ""),
        )

    def _cell(self, line: int, at: int, text: str, error: dict[str, Any] | None) -> Cell:
        label = (
            self._headers[at]
            if at < len(self._headers)
            else _("cell %(n)s, beyond the header") % {"n": at + 1}
        )
        goes_to = self._fields.get(at, "")
        if error is None:
            return Cell(f"c{line}.{at}", label, text, field=goes_to)
        column = self._columns.get(error["field"])
        return Cell(
            f"c{line}.{at}",
            label,
            text,
            error["message"],
            _helped(column, error),
            column.kind.suggestion(text) if column and isinstance(column.kind, CodeList) else "",
            goes_to,
        )


def _helped(column: Column | None, error: dict[str, Any]) -> str:
    """What a person can do, where the message does not say it already."""
    said = column.kind.help(error["value"]) if column and error["value"] else ""
    return "" if said and said in error["message"] else said or str(reasons.reason(error["code"]).fix)


def _look(reject: Reject) -> Literal["rejected", "wrong", "valid", "fixed", "discarded"]:
    if reject.state == RejectState.OPEN:
        return "wrong" if reject.edited else "rejected"
    return {
        RejectState.VALID: "valid",
        RejectState.FIXED: "fixed",
        RejectState.DISCARDED: "discarded",
    }[RejectState(reject.state)]  # type: ignore[return-value]


def fixes_in(source: Import, form: Mapping[str, str], *, only: int | None = None) -> list[Fix]:
    """The corrections that a sent form holds: lines of which a cell says something else than it did.

    c<line>.<position> is a cell, v<line> the version that was seen, take=<line>.<position>.<text> a suggestion.
    """
    typed: dict[int, dict[int, str]] = {}
    for name, text in form.items():
        if found := _NAME.fullmatch(name):
            typed.setdefault(int(found[1]), {})[int(found[2])] = text
    line, _dot, rest = form.get("take", "").partition(".")
    at, _dot, text = rest.partition(".")
    if line.isdecimal() and at.isdecimal() and len(line) < 11 and len(at) < 6:
        typed.setdefault(int(line), {})[int(at)] = text
    if only is not None:
        typed = {line: cells for line, cells in typed.items() if line == only}
    known = {reject.line: reject for reject in source.rejects.filter(line__in=list(typed))}
    fixes = []
    for number, cells in typed.items():
        reject = known.get(number)
        if reject is None or _says(reject, cells):
            version = form.get(f"v{number}", "")
            seen = int(version) if version.isdecimal() and len(version) < 10 else None
            fixes.append(Fix(number, changes=cells, version=seen))
    return fixes


def _says(reject: Reject, cells: Mapping[int, str]) -> bool:
    """Whether the typed cells differ from what the reject has."""
    texts = reject.current
    return any(text.strip() != (texts[at].strip() if at < len(texts) else "") for at, text in cells.items())
