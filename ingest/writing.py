"""Decided chunks into a table whose rows have keys: COPY of the new, one UPDATE of the changed, a journal of those.

Whoever writes here holds a transaction. That rows are still as they were when they were decided about is looked at
under their locks, so that a change by somebody else is never written over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import LiteralString

import numpy as np
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from ingest import hooks
from ingest.comparing import STAGE, WAS, Chunk, Shape, dense, staged
from ingest.copying import Target, copying
from ingest.declarations import Arrays, Dataset, Keys, Parts
from ingest.loading import Counts
from ingest.refused import Refused
from ingest.rejects import Groups, rejects_copy
from skillora.lib.errors import Busy, Conflict
from skillora.lib.prepared import asked

PART_ROWS = 500  # of a chunk for each partition, on average, from which a COPY for each pays
REJECTS_KEPT = 20_000
PARTS_WAIT = "5s"  # for a load that makes the same partition
LOCK_NOT_AVAILABLE = "55P03"


class Overtaken(Conflict):
    """Rows that were decided about are not what they were any more."""

    code = "overtaken"


def count(counts: Counts, chunk: Chunk) -> None:
    """Add what became of a chunk's good rows."""
    counts.inserted += len(chunk.new)
    counts.updated += len(chunk.changed)
    counts.unchanged += chunk.same - chunk.was_same
    counts.skipped += sum(len(lines) for lines, _winners in chunk.left_out)


def spans(keys: Keys) -> hooks.Spans:
    """Sorted keys as inclusive ranges."""
    ends = np.flatnonzero(np.diff(keys) != 1)
    firsts, lasts = keys[np.concatenate([[0], ends + 1])], keys[np.concatenate([ends, [len(keys) - 1]])]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


@dataclass(frozen=True)
class Copy:
    """Rows for one COPY. parts: numbers of the partitions that they need; direct: the COPY is into that one."""

    target: Target
    rows: int
    payload: bytes | memoryview
    parts: tuple[int, ...] = ()
    direct: bool = False


def copies(dataset: Dataset, target: Target, rows: Arrays, *, apart: bool = False) -> list[Copy]:
    """New rows as COPY data. Partition by partition where each gets enough of them: less work for each row; or where
    others of the same file went `apart` already: they wait together, and partitions that are made need not join yet.
    """
    n = len(rows[target.attnames[0]])
    if not n:
        return []
    order = dataset.order(rows) if dataset.order else np.arange(n)
    if dataset.parts is None:
        return [Copy(target, n, target.payload(_taken(rows, order)))]
    numbers = dataset.parts.numbers(rows[dataset.parts.column])[order]
    if (np.diff(numbers) < 0).any():
        order, numbers = order[by_part := np.argsort(numbers, kind="stable")], numbers[by_part]
    firsts = np.concatenate([[0], np.flatnonzero(np.diff(numbers)) + 1])
    if n < PART_ROWS * len(firsts) and not apart:
        needed = tuple(numbers[firsts].tolist())
        return [Copy(target, n, target.payload(_taken(rows, order)), needed)]
    found = []
    for first, end in zip(firsts.tolist(), [*firsts[1:].tolist(), n], strict=True):
        part = int(numbers[first])
        table = replace(target, table=dataset.parts.table % part)
        payload = target.payload(_taken(rows, order[first:end]))
        found.append(Copy(table, end - first, payload, (part,), direct=True))
    return found


def _taken(rows: Arrays, order: Keys) -> Arrays:
    return {name: values[order] for name, values in rows.items()}


@dataclass
class _Parts:
    """Partitions that rows of one transaction need. New ones are filled first, and joined with their table then."""

    parts: Parts
    _there: set[int] = field(default_factory=set)
    _apart: list[int] = field(default_factory=list)

    def need(self, numbers: Sequence[int], *, whole: bool) -> None:
        """A table for each of some partitions; whole: it is one already, so that rows find their way to it."""
        if unknown := sorted({*numbers} - self._there):
            self._apart += [part for part in self.parts.missing(unknown) if self.parts.make(part)]
            self._there |= {*unknown}
        if whole:
            self.join()

    def need_for(self, chunk: Chunk) -> None:
        """Rows that are written over may move to any of theirs."""
        values = chunk.rows[self.parts.column][np.union1d(chunk.changed, chunk.again)]
        self.need(np.unique(self.parts.numbers(values)).tolist(), whole=True)

    def join(self) -> None:
        """All that was made apart."""
        if self._apart:
            self.parts.join(self._apart)
        self._apart = []


def parts_made(dataset: Dataset, columns: Arrays) -> set[int]:
    """Partitions for rows that come soon, in a short transaction of its own: who writes a few rows holds no lock then
    that a load may wait for. Their numbers. Busy where a load makes one of them and takes longer than PARTS_WAIT.
    """
    if dataset.parts is None:
        return set()
    numbers = np.unique(dataset.parts.numbers(columns[dataset.parts.column])).tolist()
    if not (missing := dataset.parts.missing(numbers)):
        return {*numbers}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PARTS_WAIT])
            _Parts(dataset.parts).need(missing, whole=True)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        message = _(
            "A file with the first rows of the same period is being loaded: send these again in a minute."
        )
        raise Busy(message, status=409) from error
    return {*numbers}


@dataclass
class _Waiting:
    """What is for the same table."""

    rows: int = 0
    payloads: list[bytes | memoryview] = field(default_factory=list)


@dataclass
class Writing:
    """Decided chunks into the table, inside the caller's transaction: `write` each, `end`.

    New rows wait until `send` or `flush`, so that those of several chunks go into one COPY: what a table does after
    each statement, it does once.
    """

    dataset: Dataset
    source_id: int
    shape: Shape | None = None
    counts: Counts = field(default_factory=Counts)
    groups: Groups = field(default_factory=Groups)
    left_out: list[tuple[Keys, Keys]] = field(default_factory=list)
    waiting_bytes: int = 0
    there: set[int] = field(default_factory=set)  # partitions that are known to be there
    _parts: "_Parts | None" = None
    _waiting: dict[Target, _Waiting] = field(default_factory=dict)
    _highest: int = 0
    _rejected: list[Refused] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._parts = _Parts(self.dataset.parts, {*self.there}) if self.dataset.parts else None

    def send(self) -> None:
        """COPY to the table for which most rows wait, if any do."""
        if not self._waiting:
            return
        target = max(self._waiting, key=lambda one: self._waiting[one].rows)
        payloads = self._waiting.pop(target).payloads
        with copying(target) as write:
            for payload in payloads:
                self.waiting_bytes -= len(payload)
                write(payload)

    def flush(self) -> None:
        """All that waits is in its tables."""
        while self._waiting:
            self.send()
        for refused in self._rejected:
            rejects_copy(self.source_id, refused)
        self._rejected = []

    def reject(self, read: int, rejected: Refused) -> None:
        """Keep the rejects of a chunk of which `read` lines were read."""
        self.counts.read += read
        self.counts.rejected += len(rejected)
        self._rejected.append(rejected)
        self.groups.add(rejected)
        if sum(map(len, self._rejected)) >= REJECTS_KEPT:
            self.flush()

    def write(self, chunk: Chunk, new: list[Copy]) -> None:
        """New rows, changed rows and those that this load wrote before. Overtaken where they are not as decided."""
        assert self.shape is not None  # noqa: S101 (set with the first chunk)
        key = self.shape.key
        for copy in new:
            if self._parts:
                self._parts.need(copy.parts, whole=not copy.direct)
            waiting = self._waiting.setdefault(copy.target, _Waiting())
            waiting.rows += copy.rows
            waiting.payloads.append(copy.payload)
            self.waiting_bytes += len(copy.payload)
        if len(chunk.new):
            self._highest = max(self._highest, int(chunk.rows[key][chunk.new[-1]]))
        if len(chunk.again):
            self.flush()
        if self._parts and (len(chunk.changed) or len(chunk.again)):
            self._parts.need_for(chunk)
        if len(chunk.changed):
            changed = {**chunk.part(chunk.changed), WAS: chunk.was[chunk.changed]}
            self._update(changed, journal=True)
        if len(chunk.again):
            self._update(chunk.part(chunk.again), journal=False)
        touched = np.union1d(chunk.changed, chunk.again)
        if len(touched):
            for listener in hooks.listeners(self.dataset.slug):
                listener.rows_changed(self.dataset.slug, spans(chunk.rows[key][touched]))
        count(self.counts, chunk)
        self.left_out += chunk.left_out

    def _update(self, rows: Arrays, *, journal: bool) -> None:
        """Take rows over into stored ones. Locked in the order of keys, so that two never wait for each other."""
        assert self.shape is not None  # noqa: S101
        shape = self.shape
        stage = shape.stage if journal else replace(shape.target, table=STAGE)
        with staged(shape, stage, rows, alone=not dense(rows[shape.key])) as given:
            if journal:
                found = given.ask(_JOURNAL, dataset=self.dataset.slug).fetchone()
                self._expect(found[0] if found else 0, rows)
            self._expect(given.ask(_UPDATE if journal else _UPDATE_AGAIN).rowcount, rows)

    def _expect(self, written: int, rows: Arrays) -> None:
        if written != len(rows["origin"]):
            raise Overtaken(_("Somebody else changed the same rows meanwhile. Send them again."))

    def end(self) -> None:
        """After the last chunk: all is written, and the database makes keys past those that were given."""
        self.flush()
        if self._parts:
            self._parts.join()
        if not self._highest or self.shape is None:
            return
        asked(_PAST, [self._highest, self.shape.target.table, self.shape.key, self._highest])


_PAST = (
    "SELECT setval(sequence, %s::bigint)"
    " FROM (SELECT pg_get_serial_sequence(%s::text, %s::text)::regclass AS sequence) s"
    " WHERE coalesce(pg_sequence_last_value(sequence), 0) < %s::bigint"
)
# What an import itself wrote before has its first state in the journal already, or none because it is new.
_JOURNAL: LiteralString = (
    "WITH locked AS MATERIALIZED ("
    " SELECT s.origin, t.{key} AS key, to_jsonb(t) AS row, t.origin >> {bits} AS writer"
    " FROM {given} JOIN {table} t ON t.{key} = s.{key} {lies} WHERE {differs} AND {within}"
    " ORDER BY t.{key} FOR NO KEY UPDATE OF t), "
    "kept AS (INSERT INTO ingest_journal (id, line, key, row, import_id, dataset)"
    " SELECT origin, origin & {mask}, key, row, origin >> {bits}, %(dataset)s FROM locked"
    " WHERE writer <> origin >> {bits}) "
    "SELECT count(*) FROM locked"
)
_UPDATE_AGAIN: LiteralString = (
    "UPDATE {table} t SET {taken} FROM {given} WHERE t.{key} = s.{key} AND {within}"
)
_UPDATE: LiteralString = _UPDATE_AGAIN + " {lies} AND {differs}"
