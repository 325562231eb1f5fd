"""Rejects as work in progress: lines corrected cell by cell, or all of a kind by one rule, judged at once.

A corrected line is judged by the cleaning that judged its file. What is valid then waits in the reject, as text,
until it is loaded (ingest.joining); nothing here writes a row of a dataset.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from ingest.cleaning import CELL_MAX, NUL_SHOWN, Clean, Cleaner
from ingest.declarations import Dataset, dataset
from ingest.facts import Facts
from ingest.mapping import Mapping as ColumnMapping
from ingest.models import Import, Reject, RejectQuerySet, RejectState
from ingest.readers import Batch, Fault
from ingest.refused import Refused
from ingest.settled import counts_change, loaded_import
from ingest.upserting import DOUBLED
from skillora.lib.errors import DomainError

RULE_ROWS = 20_000  # rows that one rule corrects within a request
JUDGED_AT_ONCE = 5_000

# What became of one correction: as the reject's states; "missing": no such reject; "stale": somebody else was first
Word = Literal["valid", "open", "fixed", "discarded", "missing", "stale"]


@dataclass(frozen=True)
class Fix:
    """A correction of one line. cells: all of them anew; changes: position → text. version: the one that was seen."""

    line: int
    cells: Sequence[str] | None = None
    changes: Mapping[int, str] = field(default_factory=dict)
    version: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What a correction came to. reject: as it is now; None where there is none."""

    line: int
    word: Word
    reject: Reject | None = None


@dataclass(frozen=True)
class Rule:
    """What is done with all rejects that share a reason. value: only those that say this; None: all of them."""

    code: str
    field: str
    action: Literal["replace", "skip"]
    value: str | None = None
    text: str = ""


class Judge:
    """Cleans lines of one import as its load did. dry: writes no names into small tables, ids stay 0."""

    def __init__(self, source: Import, declared: Dataset, *, dry: bool) -> None:
        self.facts = Facts.from_json(source.facts)
        self.mapping = ColumnMapping.from_json(source.mapping)
        self.width = len(self.facts.columns)
        self.cleaner = Cleaner(declared, self.mapping, self.facts, lenient=source.lenient, dry=dry)

    def clean(self, lines: Sequence[tuple[int, Sequence[str]]]) -> Clean:
        """Lines in ascending order with their cells; those with too few or too many are rejected."""
        whole = [(line, cells) for line, cells in lines if len(cells) == self.width]
        faults = [self._ragged(line, cells) for line, cells in lines if len(cells) != self.width]
        columns: list[pa.Array] = [
            pa.array([cells[at].replace(NUL_SHOWN, "\x00") for _line, cells in whole], pa.utf8())
            for at in range(self.width)
        ]
        numbers = np.array([line for line, _cells in whole], np.int64)
        return self.cleaner.clean(Batch(numbers, columns, faults, 0))

    def _ragged(self, line: int, cells: Sequence[str]) -> Fault:
        message = _("This line has %(found)s cells, the header has %(expected)s")
        found = {"found": len(cells), "expected": self.width}
        return Fault(line, "ragged_line", message % found, list(cells))

    def corrected(self, reject: Reject, fix: Fix) -> list[str]:
        """The reject's cells after a correction; empty ones beyond the header's last are dropped."""
        cells = list(reject.current if fix.cells is None else fix.cells)
        for at, text in sorted(fix.changes.items()):
            cells += [""] * (at + 1 - len(cells))
            cells[at] = text
        while len(cells) > self.width and not cells[-1].strip():
            cells.pop()
        return [_storable(cell) for cell in cells]


@transaction.atomic
def rejects_fix(*, source: Import, by: User | None, fixes: Sequence[Fix]) -> list[Verdict]:
    """Judge corrections and keep them, one verdict for each, in order. Conflict while rows are being loaded."""
    source = loaded_import(source=source, by=by)
    judge = Judge(source, dataset(source.dataset), dry=True)
    wanted = source.rejects.filter(line__in=[fix.line for fix in fixes]).select_for_update(of=("self",))
    found = {reject.line: reject for reject in wanted}
    words: dict[int, Word] = {}
    changed: dict[int, list[str]] = {}
    for fix in fixes:
        reject = found.get(fix.line)
        if reject is None:
            words[fix.line] = "missing"
        elif reject.state in (RejectState.FIXED, RejectState.DISCARDED):
            words[fix.line] = "fixed" if reject.state == RejectState.FIXED else "discarded"
        elif fix.version is not None and fix.version != reject.version:
            words[fix.line] = "stale"
        else:
            changed[fix.line] = judge.corrected(reject, fix)
    rejects_judge(judge, [(found[line], cells) for line, cells in changed.items()], by)
    return [
        Verdict(fix.line, words.get(fix.line) or _word(found[fix.line]), found.get(fix.line)) for fix in fixes
    ]


def _word(reject: Reject) -> Word:
    return "valid" if reject.state == RejectState.VALID else "open"


def rejects_judge(judge: Judge, changed: Iterable[tuple[Reject, list[str]]], by: User | None) -> int:
    """Give rejects new cells and say of each whether it is valid now; how many are. The rejects are changed too."""
    by_line = {reject.line: (reject, cells) for reject, cells in changed}
    if not by_line:
        return 0
    clean = judge.clean([(line, cells) for line, (_reject, cells) in sorted(by_line.items())])
    wrong = {one.line: [asdict(error) for error in one.errors] for one in clean.rejected}
    for line, (reject, cells) in by_line.items():
        came_with = reject.edited["errors"] if reject.edited else reject.errors
        reject.edited = {"cells": cells, "errors": came_with}
        reject.edited_by, reject.version = by, reject.version + 1
        reject.state = RejectState.OPEN if line in wrong else RejectState.VALID
        if line in wrong:
            _errors_set(reject, wrong[line])
    _write([reject for reject, _cells in by_line.values()])
    return len(by_line) - len(wrong)


def rejects_rejudge(rejects: Sequence[Reject], found: Refused) -> None:
    """Mark those of `rejects` that are wrong after all, by what cleaning has just found."""
    wrong = {one.line: [asdict(error) for error in one.errors] for one in found}
    again = [reject for reject in rejects if reject.line in wrong]
    for reject in again:
        reject.state = RejectState.OPEN
        _errors_set(reject, wrong[reject.line])
    _write(again)


def _errors_set(reject: Reject, errors: list[dict[str, Any]]) -> None:
    """All errors, and the first one in columns of its own."""
    first = errors[0]
    reject.errors = errors
    reject.column, reject.field = first["column"][:200], first["field"]
    reject.value, reject.code, reject.message = first["value"], first["code"], first["message"]


_WRITE = """
    UPDATE ingest_reject r SET errors = x.errors, "column" = x."column", field = x.field, value = x.value,
        code = x.code, message = x.message, state = x.state, edited = x.edited, edited_by_id = x.edited_by_id,
        version = x.version
    FROM jsonb_to_recordset(%s) AS x(id bigint, errors jsonb, "column" text, field text, value text, code text,
        message text, state text, edited jsonb, edited_by_id bigint, version int)
    WHERE r.id = x.id
"""
_WRITTEN = (
    *("id", "errors", "column", "field", "value", "code", "message"),
    *("state", "edited", "edited_by_id", "version"),
)


def _write(rejects: Sequence[Reject]) -> None:
    """Thousands of rows in one statement."""
    with connection.cursor() as cursor:
        for some in pieces(rejects):
            rows = [{name: getattr(reject, name) for name in _WRITTEN} for reject in some]
            cursor.execute(_WRITE, [json.dumps(rows, ensure_ascii=False)])


@transaction.atomic
def rejects_rule(*, source: Import, by: User | None, rule: Rule) -> dict[str, int]:
    """Correct or leave out all rejects that a rule names: {rows, valid}. 422 where it cannot be done to them."""
    source = loaded_import(source=source, by=by)
    rows = source.rejects.filter(state=RejectState.OPEN, code=rule.code, field=rule.field)
    if rule.value is not None:
        rows = rows.filter(value=rule.value)
    if rule.action == "skip":
        return {"rows": _skip(source, [*rows.values_list("line", flat=True)]), "valid": 0}
    judge = Judge(source, dataset(source.dataset), dry=True)
    at = judge.mapping.columns.get(rule.field)
    if at is None:
        message = _(
            "No column of this file holds these values: map the file anew, or correct the lines one by one."
        )
        raise DomainError(message, "not_in_file")
    count = rows.count()
    if count > RULE_ROWS:
        message = _(
            "A rule corrects at most %(most)s rows and these are %(n)s: remap the file with this value translated."
        )
        raise DomainError(message % {"most": RULE_ROWS, "n": count}, "too_many_rows")
    valid = 0
    for some in pieces(list(rows.order_by("id").select_for_update(of=("self",)))):
        changed = [(one, judge.corrected(one, Fix(one.line, changes={at: rule.text}))) for one in some]
        valid += rejects_judge(judge, changed, by)
    return {"rows": count, "valid": valid}


@transaction.atomic
def rejects_skip(*, source: Import, by: User | None, lines: Sequence[int]) -> int:
    """Leave rejected lines out for good, counted as skipped; how many were."""
    return _skip(loaded_import(source=source, by=by), lines)


def _skip(source: Import, lines: Sequence[int]) -> int:
    rows = source.rejects.pending().filter(line__in=lines)
    skipped = rows.update(state=RejectState.DISCARDED)
    counts_change(source, rejected=-skipped, skipped=skipped)
    return skipped


@transaction.atomic
def rejects_unskip(*, source: Import, by: User | None) -> int:
    """Take lines back that were left out; they are rejects again."""
    source = loaded_import(source=source, by=by)
    back = rejects_left_out(source).update(state=RejectState.OPEN)
    counts_change(source, rejected=back, skipped=-back)
    return back


def rejects_left_out(source: Import) -> RejectQuerySet:
    """Those that somebody chose to leave out; not those whose key a later line of the file took over."""
    return source.rejects.filter(state=RejectState.DISCARDED).exclude(code=DOUBLED)


@transaction.atomic
def rejects_discard_edits(*, source: Import, by: User | None) -> int:
    """Forget all corrections that are not loaded: the lines are as they came; how many were."""
    source = loaded_import(source=source, by=by)
    edited = list(source.rejects.pending().exclude(edited=None).select_for_update(of=("self",)))
    for reject in edited:
        _errors_set(reject, (reject.edited or {})["errors"])
        reject.edited, reject.edited_by, reject.state = None, None, RejectState.OPEN
        reject.version += 1
    _write(edited)
    return len(edited)


def pieces(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """As many at once as are judged together."""
    for start in range(0, len(rows), JUDGED_AT_ONCE):
        yield rows[start : start + JUDGED_AT_ONCE]


def _storable(text: str) -> str:
    """As PostgreSQL keeps it: no NUL, no lone surrogates, not endless."""
    return text.replace("\x00", NUL_SHOWN).encode("utf-8", "replace").decode()[:CELL_MAX]
