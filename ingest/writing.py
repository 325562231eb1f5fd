"""Decided chunks into a table whose rows have keys: COPY of the new, one UPDATE of the changed, a journal of those.

Whoever writes here holds a transaction. That rows are still as they were when they were decided about is looked at
under their locks, so that a change by somebody else is never written over.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _
from psycopg import sql

from ingest import hooks
from ingest.cleaning import Rejected
from ingest.comparing import STAGE, WAS, Chunk, Shape, staged
from ingest.copying import copying
from ingest.declarations import Arrays, Dataset, Keys
from ingest.loading import Counts
from ingest.rejects import Groups, rejects_copy
from skillora.lib.errors import Conflict

COPY_ROWS = 1_000_000  # in one statement at most: triggers see its rows at its end, in memory
REJECTS_KEPT = 20_000  # until then
SPARSE = 5  # times as many keys as rows: to look each up costs less than to read all between


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


@dataclass
class Writing:
    """Decided chunks into the table, inside the caller's transaction: `with Writing(…) as writing:`.

    New rows of chunks that follow each other go into one COPY, as far as nothing else is written between: what a
    table does after each statement, it does once.
    """

    dataset: Dataset
    source_id: int
    shape: Shape | None = None
    counts: Counts = field(default_factory=Counts)
    groups: Groups = field(default_factory=Groups)
    left_out: list[tuple[Keys, Keys]] = field(default_factory=list)
    _highest: int = 0
    _copying: ExitStack = field(default_factory=ExitStack)
    _send: Callable[[Any], None] | None = None
    _copied: int = 0
    _rejected: list[Rejected] = field(default_factory=list)

    def __enter__(self) -> "Writing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._copying.__exit__(kind, error, trace)

    def flush(self) -> None:
        """End the COPY, if any: its rows are in the table. Then the rejects that came meanwhile."""
        self._copying.close()
        self._send, self._copied = None, 0
        rejects_copy(self.source_id, self._rejected)
        self._rejected = []

    def reject(self, read: int, rejected: list[Rejected]) -> None:
        """Keep the rejects of a chunk of which `read` lines were read."""
        self.counts.read += read
        self.counts.rejected += len(rejected)
        self._rejected += rejected
        for one in rejected:
            self.groups.add(one)
        if len(self._rejected) >= REJECTS_KEPT:
            self.flush()

    def write(self, chunk: Chunk, payload: bytes | memoryview) -> None:
        """New rows, changed rows and those that this load wrote before. Overtaken where they are not as decided."""
        assert self.shape is not None  # noqa: S101 (set with the first chunk)
        key = self.shape.key
        if len(chunk.new):
            if self._copied + len(chunk.new) > COPY_ROWS:
                self.flush()
            if self._send is None:
                self._send = self._copying.enter_context(copying(self.shape.target))
            self._send(payload)
            self._copied += len(chunk.new)
            self._highest = max(self._highest, int(chunk.rows[key][chunk.new[-1]]))
        if len(chunk.changed) or len(chunk.again):
            self.flush()
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
        shape, names = self.shape, {**self.shape.names}
        stage = shape.stage if journal else replace(shape.target, table=STAGE)
        if not journal:
            names = {**names, "lies": sql.SQL(""), "differs": sql.SQL("true")}
        keys = rows[shape.key]
        sparse = len(keys) * SPARSE < keys[-1] - keys[0]
        names["within"] = shape.within(keys)
        with staged(stage, rows, sparse=sparse) as (given, params), connection.cursor() as cursor:
            if journal:
                cursor.execute(
                    _JOURNAL.format(given=given, **names).as_string(), [*params, self.dataset.slug]
                )
                self._expect(cursor.fetchone()[0], rows)
            cursor.execute(_UPDATE.format(given=given, **names).as_string(), params)
            self._expect(cursor.rowcount, rows)

    def _expect(self, written: int, rows: Arrays) -> None:
        if written != len(rows["origin"]):
            raise Overtaken(_("Somebody else changed the same rows meanwhile. Send them again."))

    def end(self) -> None:
        """After the last chunk: all is written, and the database makes keys past those that were given."""
        self.flush()
        if not self._highest or self.shape is None:
            return
        with connection.cursor() as cursor:
            cursor.execute(_PAST, [self._highest, self.shape.target.table, self.shape.key, self._highest])


_PAST = (
    "SELECT setval(sequence, %s) FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS sequence) s"
    " WHERE coalesce(pg_sequence_last_value(sequence), 0) < %s"
)
# What an import itself wrote before has its first state in the journal already, or none because it is new.
_JOURNAL = sql.SQL(
    "WITH locked AS MATERIALIZED ("
    " SELECT s.origin, t.{key} AS key, to_jsonb(t) AS row, t.origin >> {bits} AS writer"
    " FROM {given} JOIN {table} t ON t.{key} = s.{key} {lies} WHERE {differs} AND {within}"
    " ORDER BY t.{key} FOR NO KEY UPDATE OF t), "
    "kept AS (INSERT INTO ingest_journal (id, line, key, row, import_id, dataset)"
    " SELECT origin, origin & {mask}, key, row, origin >> {bits}, %s FROM locked WHERE writer <> origin >> {bits}) "
    "SELECT count(*) FROM locked"
)
_UPDATE = sql.SQL(
    "UPDATE {table} t SET {taken} FROM {given} WHERE t.{key} = s.{key} {lies} AND {differs} AND {within}"
)
