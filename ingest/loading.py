"""One file into its table, in one transaction: rows and rejects by COPY, counts, listeners, the run's end.

One thread reads and cleans, on a session of its own; the caller's sends. What is between is bounded in bytes.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext as _

from ingest import apart, hooks
from ingest.cleaning import Clean, Cleaner
from ingest.copying import Target, copying
from ingest.declarations import Arrays, Dataset
from ingest.facts import Facts
from ingest.mapping import Mapping
from ingest.models import LINE_MASK, Import
from ingest.readers import read
from ingest.refused import Refused
from ingest.rejects import Encoded, Groups
from runs.models import State
from skillora.lib.errors import DomainError

if TYPE_CHECKING:
    from runs.execution import Attempt

RATES_KEPT = 60  # rows a second, one figure for each second: the bars of the progress page
CHUNK_ROWS = 300_000  # good rows between two calls of listeners; a COPY ends there
CHUNK_REJECT_BYTES = 8 << 20  # cells of rejects kept in memory at most
AHEAD_BYTES = 16 << 20  # cleaned and not yet sent
SWITCH_S = (
    0.0001  # for which the sender waits while the cleaning thread computes; Python's own 5 ms starve it
)


@dataclass
class Counts:
    """read = inserted + updated + unchanged + rejected + skipped."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0


@dataclass
class Chunk:
    """What follows a finished COPY: rejects, and what listeners have ready to write."""

    rejects: Encoded | None
    writers: list[Callable[[], None]]


@dataclass
class Piece:
    """One cleaned batch as COPY data, or what of it goes into one table. part: of an import that has its own tables."""

    payload: bytes | memoryview
    rows: int
    read: int
    rejected: int
    part: int | None = None


class Pipe:
    """A queue bounded in bytes, between one producing thread and one consumer."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Any] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self.closed = False

    def put(self, item: Any, size: int = 0) -> None:
        """Append; waits while the pipe is full. Raises BrokenPipeError once the consumer has left."""
        with self._changed:
            while self._bytes and self._bytes + size > self._limit and not self.closed:
                self._changed.wait()
            if self.closed:
                raise BrokenPipeError
            self._items.append((item, size))
            self._bytes += size
            self._changed.notify()

    def get(self) -> Any:
        """The oldest item; waits for one."""
        with self._changed:
            while not self._items:
                self._changed.wait()
            item, size = self._items.popleft()
            self._bytes -= size
            self._changed.notify()
            return item

    @property
    def ready(self) -> bool:
        """Whether there is an item to get at once."""
        return bool(self._items)

    def close(self) -> None:
        """The consumer leaves."""
        with self._changed:
            self.closed = True
            self._changed.notify()


@contextmanager
def beside(work: Callable[[], None], pipe: Pipe) -> Iterator[None]:
    """`work` runs on a thread of its own while the block takes from `pipe`, and ends with it."""
    thread = threading.Thread(target=work, name="prepare", daemon=True)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    thread.start()
    try:
        yield
    finally:
        pipe.close()
        thread.join()
        sys.setswitchinterval(usual)


@dataclass
class Preparation:
    """Reads, cleans and encodes one file into a pipe, on a thread of its own."""

    dataset: Dataset
    source: Import
    path: Path
    facts: Facts
    cleaner: Cleaner
    pipe: Pipe = field(default_factory=lambda: Pipe(AHEAD_BYTES))
    groups: Groups = field(default_factory=Groups)  # whole once the pipe is at its end
    _columns: list[Arrays] = field(default_factory=list)
    _rows: int = 0
    _refused: list[Refused] = field(default_factory=list)
    _target: Target | None = None

    def run(self) -> None:
        """Pieces, a Chunk after each COPY's worth of them, None at the end; or the error that ended it."""
        try:
            for batch in read(self.path, self.facts, self.cleaner.wanted, ahead=True):
                self._take(self.cleaner.clean(batch))
            self._end_chunk()
            self.pipe.put(None)
        except BrokenPipeError:
            pass
        except BaseException as error:
            with suppress(BrokenPipeError):
                self.pipe.put(error)
        finally:
            connection.close()

    def _take(self, clean: Clean) -> None:
        if len(clean.rejected):
            self._refused.append(clean.rejected)
        columns = {"id": self.source.row_id(0) | clean.lines, **clean.columns}
        if self._target is None:
            self._target = Target.of(self.dataset.model, columns)
        if hooks.listeners(self.dataset.slug):
            wanted = ("id", *hooks.attnames(self.dataset.slug))
            self._columns.append({name: columns[name] for name in wanted if name in columns})
        pieces = list(self._pieces(self._target, columns)) or [Piece(b"", 0, 0, 0)]
        pieces[0].read, pieces[0].rejected = clean.read, len(clean.rejected)
        for piece in pieces:
            self._rows += piece.rows
            self.pipe.put(piece, len(piece.payload))
        kept = sum(refused.cells.nbytes for refused in self._refused)
        if self._rows >= CHUNK_ROWS or kept >= CHUNK_REJECT_BYTES:
            self._end_chunk()

    def target_of(self, piece: Piece) -> Target:
        """Where a piece's rows go."""
        assert self._target is not None  # noqa: S101 (set before the first piece)
        if piece.part is None:
            return self._target
        return replace(self._target, table=apart.table_of(self._target.table, piece.part))

    def _pieces(self, target: Target, columns: Arrays) -> Iterator[Piece]:
        """Rows, one or more, as what goes into one table each."""
        ids = columns["id"]
        if not self.source.apart:
            if len(ids):
                yield Piece(target.payload(columns), len(ids), 0, 0)
            return
        parts = apart.part_of(ids)
        firsts = np.flatnonzero(np.diff(parts, prepend=-1)).tolist()
        for first, end in pairwise([*firsts, len(ids)]):
            some = {name: values[first:end] for name, values in columns.items()}
            yield Piece(target.payload(some), end - first, 0, 0, int(parts[first]))

    def _end_chunk(self) -> None:
        writers = []
        if self._rows and self._columns:
            names = list(self._columns[0])  # a column's parts are let go of as soon as they are one
            columns = {name: np.concatenate([c.pop(name) for c in self._columns]) for name in names}
            ids = columns["id"]
            spans = [(int(ids[0]), int(ids[-1]))]
            writers = [
                listener.rows_loaded(self.dataset.slug, spans, columns)
                for listener in hooks.listeners(self.dataset.slug)
            ]
        for refused in self._refused:
            self.groups.add(refused)
        rejects = Encoded.of(self.source.pk, self._refused) if self._refused else None
        self.pipe.put(Chunk(rejects, writers), sum(map(len, rejects.payloads)) if rejects else 0)
        self._columns, self._rows, self._refused = [], 0, []


def load(source: Import, dataset: Dataset, path: Path, attempt: "Attempt") -> None:
    """Load a mapped import and end its run, in one transaction. Nothing stays of one that does not end.

    Raises DomainError where the file holds no row at all, or cannot be read any more.
    """
    started = time.monotonic()
    facts, mapping = Facts.from_json(source.facts), Mapping.from_json(source.mapping)
    cleaner = Cleaner(dataset, mapping, facts, lenient=source.lenient)
    source.apart = apart.is_large(source, dataset, facts.rows)
    preparation = Preparation(dataset, source, path, facts, cleaner)
    with transaction.atomic():
        Import.objects.select_for_update(of=("self",)).get(pk=source.pk)
        with beside(preparation.run, preparation.pipe):
            counts = _send(preparation, progress_of(attempt, facts, started))
        if counts.read == 0:
            raise DomainError(_("This file has a header but no rows: nothing was loaded."), code="no_rows")
        Import.objects.filter(pk=source.pk).update(
            rows_read=counts.read,
            inserted=counts.inserted,
            rejected=counts.rejected,
            apart=source.apart,
        )
        seconds = round(time.monotonic() - started, 3)
        state = State.DONE_WITH_REJECTS if counts.rejected else State.DONE
        result = {"blanked": cleaner.blanked, "groups": preparation.groups.to_json(), "seconds": seconds}
        attempt.finish(state, {**vars(counts), **result})


def _send(preparation: Preparation, report: Callable[[Counts], None]) -> Counts:
    """Everything that the pipe gives into the database."""
    counts = Counts()
    pieces = _pieces(preparation.pipe)
    with connection.cursor() as cursor:
        tables = apart.Apart(cursor, preparation.dataset.model)
        for first in pieces:
            item = first
            while isinstance(item, Piece):
                if item.part is not None:
                    tables.enter(item.part)
                item = _send_pieces(preparation, item, pieces, counts, report)
            if item.rejects:
                item.rejects.write()
            for write in item.writers:
                write()
        tables.end()
    return counts


def _pieces(pipe: Pipe) -> Iterator[Piece | Chunk]:
    while (item := pipe.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


def _send_pieces(
    preparation: Preparation,
    first: Piece,
    pieces: Iterator[Piece | Chunk],
    counts: Counts,
    report: Callable[[Counts], None],
) -> Piece | Chunk:
    """One COPY; the piece for another table, or the Chunk, that ends it."""
    item: Piece | Chunk = first
    target = preparation.target_of(first)
    with copying(target) as write:
        while isinstance(item, Piece) and (item.part == first.part or not item.rows):
            if item.payload:
                write(item.payload)
            counts.read += item.read
            counts.inserted += item.rows
            counts.rejected += item.rejected
            report(counts)
            item = next(pieces)
    return item


def progress_of(attempt: "Attempt", facts: Facts, started: float) -> Callable[[Counts], None]:
    """Tells the attempt how far the load is and how fast, and raises where it was cancelled."""
    rates: deque[int] = deque(maxlen=RATES_KEPT)
    since, before = started, 0

    def report(counts: Counts) -> None:
        nonlocal since, before
        attempt.check()
        now = time.monotonic()
        if now - since >= 1.0:
            rates.append(round((counts.read - before) / (now - since)))
            since, before = now, counts.read
        rate = counts.read / max(now - started, 1e-6)
        good = counts.inserted + counts.updated + counts.unchanged
        detail = {"good": good, "rejected": counts.rejected, "rate": round(rate), "rates": list(rates)}
        attempt.progress(counts.read, facts.rows or None, detail=detail)

    return report


def rows_append(source: Import, dataset: Dataset, clean: Clean) -> list[int]:
    """Copy a few cleaned rows as lines of an import and tell the listeners, in the caller's transaction; their ids."""
    columns = {"id": source.row_id(0) | clean.lines, **clean.columns}
    target = Target.of(dataset.model, columns)
    if source.apart:
        with connection.cursor() as cursor:
            apart.parts_made(cursor, dataset.model, np.unique(apart.part_of(columns["id"])).tolist())
    with copying(target) as write:
        write(target.payload(columns))
    ids: list[int] = columns["id"].tolist()
    given = {name: columns[name] for name in target.attnames}
    for listener in hooks.listeners(dataset.slug):
        listener.rows_loaded(dataset.slug, [(ids[0], ids[-1])], given)()
    return ids


def lines_fit(facts: Facts) -> bool:
    """Whether every line number fits into a row's id."""
    return facts.first_line + facts.rows <= LINE_MASK
