"""Rows that a program sends, 1 to 1000 at a time: the cleaning and loading of files, at once and without a queue.

A batch is an import too: its rows carry its lineage, its bad rows are rejects, it can be undone.
"""

import re
import time
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from ingest import declarations
from ingest.cleaning import CELL_MAX, Clean, Cleaner
from ingest.declarations import Dataset
from ingest.facts import ColumnFacts, Facts
from ingest.loading import Counts, rows_append
from ingest.mapping import Mapping
from ingest.matching import fold
from ingest.models import Import, Origin, Stage
from ingest.readers import Batch
from ingest.refused import CellError, Refused, Rejected, none, together
from ingest.rejects import Groups, rejects_copy
from ingest.upserting import Written, batch_write, in_turn, overtaken
from ingest.writing import Overtaken, parts_made
from runs.models import State
from runs.services import run_recorded
from skillora.lib.errors import DomainError, NotAllowed

ROWS_MAX = 1000
TRIES = 4  # while others write the same rows
LOCKED_S = 5.0  # and at least as long, where these are locked by a file that is being loaded
# For one lock, then all is done anew: were a load to wait for us too, the database would end one of both after a
# second, the load as a rule.
LOCK_WAIT = "700ms"
VALUE_SHOWN = 200  # characters of a refused value that the answer repeats
Mode = Literal["atomic", "partial"]
Row = MappingOf[str, Any]
_SURROGATES = re.compile("[\ud800-\udfff]")
_LARGEST = 10**40
_NUMBERS = (".", ",")  # how texts mark decimals and thousands; JSON numbers have no doubt


@dataclass(slots=True)  # a thousand a batch: frozen ones take four times as long to make
class RowResult:
    """What became of one row. `index` counts from 0; `id` is the stored row's; errors: pointer, code, …"""

    index: int
    status: str  # inserted, updated, unchanged, skipped (a later row has its key), rejected, not_written
    id: int | None = None
    errors: Sequence[dict[str, object]] = ()


@dataclass(frozen=True)
class Loaded:
    """A batch after its load. source: None where nothing was written, the reasons are in `rows`."""

    source: Import | None
    counts: Counts
    rows: list[RowResult]
    seconds: float


def batch_load(
    *,
    by: User | None,
    dataset: str,
    rows: Sequence[Any],
    mode: Mode,
    lenient: bool = False,
    guesses: bool = False,
) -> Loaded:
    """Load rows, objects of canonical name → text, number, boolean or null; all that is wrong is data, per row.

    atomic: one bad row and nothing is written. partial: the good rows are, the bad ones become rejects.
    guesses: also take the column names that files may use. DomainError 422 for 0 rows or more than 1000.
    """
    started = time.monotonic()
    if by is not None and not by.is_editor:
        raise NotAllowed(_("You may read rows, not send them: ask for the editor role."))
    if not 1 <= len(rows) <= ROWS_MAX:
        message = _("Send 1 to %(most)s rows at a time, not %(n)s.")
        raise DomainError(message % {"most": ROWS_MAX, "n": len(rows)}, code="batch_size")
    declared = declarations.dataset(dataset)
    sent = Sent(declared, rows, guesses=guesses)
    tried = 0
    while True:
        try:
            return _tried(sent, by, mode, started, lenient=lenient)
        except (Overtaken, IntegrityError, OperationalError) as error:
            tried += 1
            session = connection.connection
            if session is None or session.closed or not overtaken(error):
                raise
            if tried >= TRIES and time.monotonic() - started > LOCKED_S:
                message = _("Others are writing the same rows: send these again in a minute.")
                raise Overtaken(message) from error


def _tried(sent: "Sent", by: User | None, mode: Mode, started: float, *, lenient: bool) -> Loaded:
    """Clean the rows and write them. Both again where others were faster: what rows refer to may be gone since.

    Cleaned outside of the transaction: names new to the small tables are committed first, as for files.
    """
    clean, rejected = sent.cleaned(lenient=lenient)
    if not len(clean.lines) or (len(rejected) and mode == "atomic"):
        counts = Counts(read=len(sent.rows), rejected=len(rejected))
        return Loaded(None, counts, sent.results(Written(counts), rejected), time.monotonic() - started)
    parts = parts_made(sent.dataset, clean.columns)
    with transaction.atomic():
        source = sent.recorded(by, lenient=lenient)
        if sent.dataset.mode == "upsert":
            in_turn(sent.dataset, wait=LOCK_WAIT)
            written = batch_write(source.pk, sent.dataset, sent.targets, clean, parts)
        else:
            ids = rows_append(source, sent.dataset, clean)
            fates = clean.lines.tolist(), ["inserted"] * len(ids), ids
            written = Written(Counts(inserted=len(ids)), fates)
        counts = replace(written.counts, read=len(sent.rows), rejected=len(rejected))
        rejects_copy(source.pk, rejected)
        _finish(source, by, counts, rejected, started)
    return Loaded(source, counts, sent.results(written, rejected), time.monotonic() - started)


def _finish(source: Import, by: User | None, counts: Counts, rejected: Refused, started: float) -> None:
    """The import with its counts, and the run that says that it is done."""
    groups = Groups()
    groups.add(rejected)
    seconds = round(time.monotonic() - started, 3)
    result = {**vars(counts), "blanked": {}, "groups": groups.to_json(), "seconds": seconds}
    state = State.DONE_WITH_REJECTS if counts.rejected else State.DONE
    source.load = run_recorded(
        task="ingest.load", by=by, subject_id=source.pk, state=state, result=result, seconds=seconds
    )
    source.rows_read, source.inserted, source.rejected = counts.read, counts.inserted, counts.rejected
    source.updated, source.unchanged, source.skipped = counts.updated, counts.unchanged, counts.skipped
    source.save(force_insert=True)


class Sent:
    """The rows of one request as columns of text, and what cannot be text. Line = index + 1."""

    def __init__(self, dataset: Dataset, rows: Sequence[Any], *, guesses: bool) -> None:
        self.dataset = dataset
        self.rows = rows
        self.names = [column.name for column in dataset.columns]
        self.wrong: dict[int, list[CellError]] = {}  # by line
        self._guessed = _guessed(dataset) if guesses else {}
        self._columns: list[pa.StringArray] = []  # in the order of names
        self._keys: dict[tuple[int, str], str] = {}  # (line, canonical name) → key as it was sent
        self._given: set[str] = set()
        self.targets: set[str] = set()  # attnames that the rows say anything about, once they are cleaned
        if self._took_plain():
            return
        texts = [[""] * len(rows) for _name in self.names]
        places = {name: at for at, name in enumerate(self.names)}
        for at, row in enumerate(rows):
            if isinstance(row, dict):
                self._take(at, row, places, texts)
            else:
                self._refuse(at, "", "", row, "not_an_object", _("A row is an object of column and value."))
        self._columns = [pa.array(column, pa.utf8()) for column in texts]

    def _took_plain(self) -> bool:
        """Column by column where rows hold texts and whole numbers under canonical names alone, as they nearly do."""
        if {*map(type, self.rows)} != {dict}:
            return False
        given = set[str]().union(*self.rows)
        if not given <= {*self.names}:
            return False
        if {*map(len, self.rows)} == {len(given)}:  # all have all of them
            columns = {name: [row[name] for row in self.rows] for name in given}
        else:
            columns = {name: [row.get(name, "") for row in self.rows] for name in given}
        nothing = pa.array([""] * len(self.rows), pa.utf8())
        taken = [_plain(columns[name]) if name in given else nothing for name in self.names]
        if any(column is None for column in taken):
            return False
        self._columns, self._given = taken, given
        return True

    def _take(self, at: int, row: Row, places: dict[str, int], texts: list[list[str]]) -> None:
        for key, value in row.items():
            place = places.get(key)
            if place is not None and isinstance(value, str) and value.isascii():  # nearly every cell
                texts[place][at] = value
                self._given.add(key)
                continue
            name = key if place is not None else self._guessed.get(fold(key[:100]))
            if name is None:
                known = ", ".join(self.names)
                message = _("There is no column of this name; there are: %(known)s") % {"known": known}
                self._refuse(at, key, "", value, "unknown_column", message)
                continue
            text = text_of(value)
            if text is None:
                message = _("Send a text, a number, true, false or null here.")
                self._refuse(at, key, name, value, "not_a_value", message)
                continue
            if key != name:
                if (at + 1, name) in self._keys or name in row:
                    message = _("%(name)s is given twice.") % {"name": name}
                    self._refuse(at, key, name, value, "given_twice", message)
                self._keys[at + 1, name] = key
            texts[places[name]][at] = text
            self._given.add(name)

    def _refuse(self, at: int, key: str, name: str, value: Any, code: str, message: str) -> None:
        shown = value if isinstance(value, str) else type(value).__name__
        error = CellError(_sound(key)[:200], name, _sound(shown)[:VALUE_SHOWN], code, message[:300])
        self.wrong.setdefault(at + 1, []).append(error)

    def mapping(self, without: str = "") -> Mapping:
        """Of the columns that any row gives: what nobody sends is not written."""
        given = self._given - {without}
        return Mapping({name: index for index, name in enumerate(self.names) if name in given})

    def cleaned(self, *, lenient: bool) -> tuple[Clean, Refused]:
        """Good rows as typed columns, the others with every reason, in the order they were sent."""
        clean = self._all_cleaned(lenient=lenient)
        if not self.wrong:
            return clean, clean.rejected
        by_line = {one.line: one for one in clean.rejected}
        for line, errors in self.wrong.items():
            told = {error.field for error in errors}
            more = [e for e in (by_line[line].errors if line in by_line else []) if e.field not in told]
            whole = not isinstance(self.rows[line - 1], dict)
            by_line[line] = Rejected(line, errors if whole else [*errors, *more], self._cells(line))
        kept = ~np.isin(clean.lines, list(self.wrong))
        good = {name: values[kept] for name, values in clean.columns.items()}
        refused = Refused.of([by_line[line] for line in sorted(by_line)])
        return Clean(clean.read, clean.lines[kept], good, none()), refused

    def _all_cleaned(self, *, lenient: bool) -> Clean:
        """Rows that leave the key to the database are cleaned apart from those that give it."""
        columns: list[pa.Array] = [column.dictionary_encode() for column in self._columns]
        lines = np.arange(1, len(self.rows) + 1, dtype=np.int64)
        facts, _json = _written_like(tuple(self.names))
        made = next((at for at, column in enumerate(self.dataset.columns) if column.made), None)
        blank = np.zeros(len(lines), np.bool_)
        if made is not None:
            blank = np.asarray(pc.equal(self._columns[made], ""))
        parts = []
        for chosen, without in ((~blank, ""), (blank, self.names[made or 0])):
            if chosen.any():
                cleaner = Cleaner(self.dataset, self.mapping(without), facts, lenient=lenient)
                cells = columns if chosen.all() else [c.filter(pa.array(chosen)) for c in columns]
                parts.append(cleaner.clean(Batch(lines[chosen], cells, [], 0)))
                self.targets |= cleaner.given
        return parts[0] if len(parts) == 1 else _together(parts)

    def _cells(self, line: int) -> list[str]:
        texts = (str(column[line - 1].as_py()) for column in self._columns)
        return [text.replace("\x00", "\u2400")[:CELL_MAX] for text in texts]

    def recorded(self, by: User | None, *, lenient: bool) -> Import:
        """The import that these rows belong to, with its id; saved once its counts are known."""
        return Import(
            pk=Import.objects.draw_id(),
            dataset=self.dataset.slug,
            origin=Origin.BATCH,
            name=ngettext("Batch of %(n)s row", "Batch of %(n)s rows", len(self.rows))
            % {"n": len(self.rows)},
            by=by,
            stage=Stage.MAPPED,
            facts=_written_like(tuple(self.names))[1] | {"rows": len(self.rows)},
            mapping=self.mapping().to_json(),
            lenient=lenient,
        )

    def results(self, written: Written, rejected: Refused) -> list[RowResult]:
        """One for each row, in order."""
        found: list[RowResult | None] = [None] * len(self.rows)
        for one in rejected:
            found[one.line - 1] = RowResult(one.line - 1, "rejected", None, self._errors(one))
        for line, status, key in zip(*written.rows, strict=True):
            found[line - 1] = RowResult(line - 1, status, key)
        return [row or RowResult(at, "not_written") for at, row in enumerate(found)]

    def _errors(self, rejected: Rejected) -> list[dict[str, object]]:
        return [self._error(rejected.line, error) for error in rejected.errors]

    def _error(self, line: int, error: CellError) -> dict[str, object]:
        key = self._keys.get((line, error.field)) or error.field or error.column  # as it was sent
        pointer = f"#/rows/{line - 1}" + (f"/{_escaped(key)}" if key else "")
        return {
            "pointer": pointer,
            "code": error.code,
            "detail": error.message,
            "value": error.value[:VALUE_SHOWN],
        }


@cache
def _written_like(names: tuple[str, ...]) -> tuple[Facts, dict[str, Any]]:
    """A file that is written like rows of these columns, and the same as an import keeps it; without their number."""
    columns = [
        ColumnFacts(index, name, number_style=_NUMBERS, date_order="") for index, name in enumerate(names)
    ]
    facts = Facts(header_line=0, first_line=1, columns=columns)
    return facts, facts.to_json()


def _plain(values: list[Any]) -> pa.StringArray | None:
    """Cells of a column as texts, where they are ASCII texts or whole numbers of a usual size; else None."""
    kinds = {*map(type, values)}
    if kinds == {str}:
        return pa.array(values, pa.utf8()) if "".join(values).isascii() else None
    if kinds == {int}:
        with suppress(OverflowError, pa.ArrowInvalid):
            return pc.cast(pa.array(values, pa.int64()), pa.utf8())
    return None


def _together(parts: Sequence[Clean]) -> Clean:
    """Two halves of a batch as one, in the order of lines."""
    lines = np.concatenate([part.lines for part in parts])
    order = np.argsort(lines)
    columns = {
        name: np.concatenate([part.columns[name] for part in parts])[order] for name in parts[0].columns
    }
    rejected = together([part.rejected for part in parts])
    return Clean(sum(part.read for part in parts), lines[order], columns, rejected)


def text_of(value: Any) -> str | None:
    """What a cell of a file would say; None for what no cell can hold."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -_LARGEST < value < _LARGEST else None
    return _text_of_float(value) if isinstance(value, float) else None


def _text_of_float(value: float) -> str | None:
    number = Decimal(repr(value))
    if not number.is_finite() or not -40 < number.adjusted() < 40:
        return None
    text = f"{number:f}"
    # Exactly three digits behind the point could be read as a group of thousands.
    return text + "0" if len(text.partition(".")[2]) == 3 else text


def _guessed(dataset: Dataset) -> dict[str, str]:
    """Folded spelling → canonical name, where only one column may be meant."""
    found: dict[str, str] = {}
    doubled: set[str] = set()
    for column in dataset.columns:
        for spelling in {fold(text) for text in (column.name, *column.guesses)}:
            if found.setdefault(spelling, column.name) != column.name:
                doubled.add(spelling)
    return {spelling: name for spelling, name in found.items() if spelling and spelling not in doubled}


def _sound(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text)


def _escaped(key: str) -> str:
    """As a JSON pointer writes it."""
    return key.replace("~", "~0").replace("/", "~1")
