"""Rejects that come back as a corrected spreadsheet: matched by their line, whatever the program made of the file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from accounts.models import User
from ingest import storage
from ingest.declarations import dataset
from ingest.facts import Facts, facts_of
from ingest.fixing import Fix, Judge, pieces, rejects_judge
from ingest.matching import fold
from ingest.models import Import, Reject, RejectState
from ingest.readers import read
from ingest.rejects import ADDED, unguarded
from skillora.lib.errors import DomainError

NAMED = 20  # lines that a report names
_WHOLE = re.compile(r"([0-9]{1,10})(?:[.,]0+)?")
_PLAIN = re.compile(r"-?[0-9]+\.[0-9]+")
_GROUPED = re.compile(r"-?[0-9]{1,3}(\.[0-9]{3})+")


@dataclass
class Returned:
    """What came of a sheet's rows. unknown: no such reject; already: loaded or left out before; same: not changed."""

    rows: int = 0
    valid: int = 0
    still_wrong: int = 0
    same: int = 0
    already: int = 0
    unknown: int = 0
    doubled: int = 0
    lines: dict[str, list[str]] = field(default_factory=dict)  # of the last four, the first few

    def note(self, word: str, line: str) -> None:
        """Count a row that changes nothing."""
        setattr(self, word, getattr(self, word) + 1)
        named = self.lines.setdefault(word, [])
        if len(named) < NAMED:
            named.append(line[:40])


def sheet_apply(source: Import, by: User | None, stored: str, name: str) -> Returned:
    """Judge a stored sheet's rows as corrections, in the caller's transaction. DomainError where it is none."""
    path = storage.file_path(stored)
    facts = facts_of(path, name)
    judge = Judge(source, dataset(source.dataset), dry=True)
    places = _places(facts, judge.facts.headers)
    decimal_commas = _decimal_commas(source, judge) if facts.sheet else set()
    returned = Returned()
    corrections: dict[int, list[str]] = {}
    for text, cells in _rows(path, facts, places):
        returned.rows += 1
        line = _WHOLE.fullmatch(text.strip())
        if line is None:
            returned.note("unknown", text)
        elif int(line[1]) in corrections:
            returned.note("doubled", text)
        else:
            corrections[int(line[1])] = [
                _as_written(cell) if at in decimal_commas else cell for at, cell in enumerate(cells)
            ]
    for some in pieces(sorted(corrections)):
        _apply(source, by, judge, {line: corrections[line] for line in some}, returned)
    return returned


def _apply(
    source: Import, by: User | None, judge: Judge, corrections: dict[int, list[str]], returned: Returned
) -> None:
    """Some lines' corrections."""
    found = source.rejects.filter(line__in=list(corrections)).select_for_update(of=("self",))
    by_line: dict[int, Reject] = {reject.line: reject for reject in found}
    changed: list[tuple[Reject, list[str]]] = []
    for line, cells in corrections.items():
        reject = by_line.get(line)
        if reject is None:
            returned.note("unknown", str(line))
        elif reject.state in (RejectState.FIXED, RejectState.DISCARDED):
            returned.note("already", str(line))
        elif [cell.strip() for cell in cells] == [cell.strip() for cell in _filled(reject, judge.width)]:
            returned.note("same", str(line))
        else:
            changed.append((reject, judge.corrected(reject, Fix(line, cells))))
    valid = rejects_judge(judge, changed, by)
    returned.valid += valid
    returned.still_wrong += len(changed) - valid


def _filled(reject: Reject, width: int) -> list[str]:
    """Its cells as a sheet has them: as many as the header at least."""
    cells = reject.current
    return cells + [""] * (width - len(cells))


def _places(facts: Facts, headers: Sequence[str]) -> list[int]:
    """Where the sheet has the line, then each of the file's columns, then what is beyond them."""
    folded = [fold(header) for header in facts.headers]
    if ADDED[0] not in folded:
        message = _(
            "This file has no column “line”: send back the one that you downloaded, with that column in it."
        )
        raise DomainError(message, "no_line_column")
    line = folded.index(ADDED[0])
    added = {line} | {folded.index(name) for name in ADDED[1:] if name in folded}
    rest = [at for at in range(len(folded)) if at not in added]
    by_name: list[int] = []
    for header in headers:
        same = [at for at in rest if at not in by_name and fold(unguarded(facts.headers[at])) == fold(header)]
        if not same:
            message = _("The column “%(header)s” is missing: send back all columns that you downloaded.")
            raise DomainError(message % {"header": header[:100]}, "column_missing")
        by_name.append(same[0])
    return [line, *by_name, *(at for at in rest if at not in by_name)]


def _rows(path: Path, facts: Facts, places: list[int]) -> Iterator[tuple[str, list[str]]]:
    """(line, cells in the order of the original file) of each row; a row that cannot be cut keeps its first cell."""
    for batch in read(path, facts, set()):
        columns = [batch.columns[at].to_pylist() for at in places]
        for line, *cells in zip(*columns, strict=True):
            yield line, [unguarded(cell) for cell in cells]
        for fault in batch.faults:  # ragged lines come back with as many cells as they left with
            cells = fault.cells
            rest = [cells[at] if at < len(cells) else "" for at in places[1:]]
            yield (
                (cells[places[0]] if places[0] < len(cells) else ""),
                [
                    *map(unguarded, rest),
                    *map(unguarded, cells[len(facts.columns) :]),
                ],
            )


def _decimal_commas(source: Import, judge: Judge) -> set[int]:
    """Columns whose numbers have decimal commas: a workbook gives its numbers with points."""
    return {
        at
        for name, at in judge.mapping.columns.items()
        if judge.mapping.style_of(name, judge.facts).decimal == ","
    }


def _as_written(cell: str) -> str:
    """A workbook's number as the import's file writes it; what may be points between thousands stays."""
    if _PLAIN.fullmatch(cell) and not _GROUPED.fullmatch(cell):
        return cell.replace(".", ",")
    return cell
