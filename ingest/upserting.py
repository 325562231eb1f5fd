"""Files and batches into datasets whose rows have keys: new rows by COPY, changed ones by one UPDATE a chunk.

One transaction, as for every load. A second thread reads, cleans and decides what is new and what has changed, on
a session of its own that sees what is committed; the writing looks whether that still holds, and where somebody
else was faster the whole load starts anew. What a changed row was before is kept in the journal.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ingest import hooks
from ingest.cleaning import CELL_MAX, VALUE_MAX, Clean, Cleaner
from ingest.comparing import Chunk, Deciding, Shape
from ingest.declarations import Arrays, Dataset, Keys
from ingest.facts import Facts
from ingest.loading import AHEAD_BYTES, Counts, Pipe, beside, progress_of
from ingest.mapping import Mapping
from ingest.models import LINE_MASK, Import, RejectState, row_id
from ingest.readers import read
from ingest.reasons import line_reason
from ingest.refused import CellError, Refused, Rejected, together
from ingest.rejects import EXAMPLES, rejects_copy
from ingest.writing import LOCK_NOT_AVAILABLE, Copy, Overtaken, Writing, copies, spans
from runs.models import State
from skillora.lib.errors import DomainError
from skillora.lib.prepared import asked

if TYPE_CHECKING:
    from runs.execution import Attempt

CHUNK_ROWS = 500_000  # decided and written at a time at most
# Of the first chunk, so that the database soon has work. Those that follow have twice as many, or an eighth of all rows
# before: with larger ones the database waits for the first and has the last alone; each is compared with all before.
FIRST_ROWS = 60_000
CHUNK_REJECTS = 20_000
TRIES = 5
WAITING_BYTES = 24 << 20  # of new rows, while others are ready to be taken: fewer, larger COPYs
WORK_MEM = "128MB"  # for the joins of a chunk with the table
# Unique and foreign keys, deadlocks, serialization, a lock that others keep: somebody else wrote meanwhile.
RETRIED = {"23505", "23503", "40P01", "40001", LOCK_NOT_AVAILABLE}
DOUBLED = line_reason(
    "doubled_in_file",
    gettext_lazy("The same key stands in a later line"),
    gettext_lazy("The last line counts."),
)


@dataclass
class Piece:
    """A decided chunk, its new rows as COPY data, and what listeners have ready to write."""

    chunk: Chunk
    new: list[Copy]
    read: int
    rejected: Refused
    writers: list[Callable[[], None]]


@dataclass
class Preparation:
    """Reads, cleans and decides one file into a pipe, on a thread of its own."""

    dataset: Dataset
    source_id: int
    path: Path
    facts: Facts
    cleaner: Cleaner
    dry: bool = False
    pipe: Pipe = field(default_factory=lambda: Pipe(AHEAD_BYTES))
    shape: Shape | None = None
    _deciding: Deciding | None = None
    _apart: bool = False  # rows went straight into partitions

    def run(self) -> None:
        """Pieces, None at the end; or the error that ended it."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SET work_mem = '{WORK_MEM}'")  # this thread's session ends with it
            for piece in self.pieces():
                self.pipe.put(piece, sum(len(copy.payload) for copy in piece.new))
            self.pipe.put(None)
        except BrokenPipeError:
            pass
        except BaseException as error:
            with suppress(BrokenPipeError):
                self.pipe.put(error)
        finally:
            connection.close()

    def pieces(self) -> Iterator[Piece]:
        """The file, chunk by chunk."""
        taken: list[Clean] = []
        most, done = min(FIRST_ROWS, CHUNK_ROWS), 0
        for batch in read(self.path, self.facts, self.cleaner.wanted):
            taken.append(self.cleaner.clean(batch))
            rows, refused = sum(len(c.lines) for c in taken), sum(len(c.rejected) for c in taken)
            if rows >= most or refused >= CHUNK_REJECTS:
                yield self.piece(taken)
                done += rows
                taken, most = [], min(max(2 * FIRST_ROWS, done // 8), CHUNK_ROWS)
        if taken:
            yield self.piece(taken)

    def piece(self, taken: list[Clean]) -> Piece:
        """Some batches, decided."""
        lines = np.concatenate([c.lines for c in taken])
        columns = {name: np.concatenate([c.columns[name] for c in taken]) for name in taken[0].columns}
        columns["origin"] = row_id(self.source_id, 0) | lines
        if self._deciding is None or self.shape is None:
            self.shape = Shape.of(self.dataset, self.cleaner.given, {*columns})
            self._deciding = Deciding(self.dataset, self.shape, self.dry)
        chunk = self._deciding.chunk(lines, columns)
        copied: list[Copy] = []
        writers: list[Callable[[], None]] = []
        if not self.dry and len(chunk.new):
            new = chunk.part(chunk.new)
            copied = copies(self.dataset, self.shape.target, new, apart=self._apart)
            self._apart |= any(copy.direct for copy in copied)
            writers = self._told(new)
        rejected = together([c.rejected for c in taken])
        return Piece(chunk, copied, sum(c.read for c in taken), rejected, writers)

    def _told(self, new: Arrays) -> list[Callable[[], None]]:
        """What listeners have to write about new rows."""
        slug = self.dataset.slug
        return [listener.rows_loaded(slug, spans(new["id"]), new) for listener in hooks.listeners(slug)]


def load(source: Import, dataset: Dataset, path: Path, attempt: "Attempt") -> None:
    """Load a mapped import and end its run, in one transaction. Nothing stays of one that does not end."""
    for tried in range(1, TRIES + 1):
        try:
            return _load(source, dataset, path, attempt)
        except (Overtaken, IntegrityError, OperationalError) as error:
            if connection.connection is None or connection.connection.closed or not overtaken(error):
                raise
            if tried == TRIES:
                raise Overtaken(
                    _("Others keep changing the same rows. Nothing was written; try again later.")
                ) from error
            attempt.log(f"somebody else wrote the same rows meanwhile, once more: {str(error)[:200]}")
    return None


def _load(source: Import, dataset: Dataset, path: Path, attempt: "Attempt") -> None:
    started = time.monotonic()
    facts = Facts.from_json(source.facts)
    cleaner = Cleaner(dataset, Mapping.from_json(source.mapping), facts, lenient=source.lenient)
    preparation = Preparation(dataset, source.pk, path, facts, cleaner)
    with transaction.atomic():
        Import.objects.select_for_update(of=("self",)).get(pk=source.pk)
        alone(dataset)
        writing = Writing(dataset, source.pk)
        with beside(preparation.run, preparation.pipe):
            _write_all(preparation, writing, progress_of(attempt, facts, started))
        counts = writing.counts
        if counts.read == 0:
            raise DomainError(_("This file has a header but no rows: nothing was loaded."), code="no_rows")
        examples = _keep_left_out(source.pk, dataset, path, facts, cleaner, writing.left_out)
        fields = {name: value for name, value in vars(counts).items() if name != "read"}
        Import.objects.filter(pk=source.pk).update(rows_read=counts.read, **fields)
        result = {
            "blanked": cleaner.blanked,
            "groups": writing.groups.to_json(),
            "doubled": {"rows": counts.skipped, "examples": examples},
            "seconds": round(time.monotonic() - started, 3),
        }
        state = State.DONE_WITH_REJECTS if counts.rejected else State.DONE
        attempt.finish(state, {**vars(counts), **result})


def alone(dataset: Dataset) -> None:
    """One file at a time per dataset, so that two with the same keys never undo each other's work; until commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('upsert'), hashtext(%s))", [dataset.slug])
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEM}'")


def _write_all(preparation: Preparation, writing: Writing, report: Callable[[Counts], None]) -> None:
    """All that the pipe gives. Rows wait for more of their partition while there is something else to do."""
    while True:
        while writing.waiting_bytes and (writing.waiting_bytes > WAITING_BYTES or not preparation.pipe.ready):
            writing.send()
            report(writing.counts)
        item = preparation.pipe.get()
        if item is None:
            return writing.end()
        if isinstance(item, BaseException):
            raise item
        writing.shape = preparation.shape
        writing.write(item.chunk, item.new)
        writing.reject(item.read, item.rejected)
        if item.writers:
            writing.flush()
        for write in item.writers:
            write()
        report(writing.counts)


def in_turn(dataset: Dataset, *, wait: str) -> None:
    """One batch at a time per dataset, until commit: each writes by several statements, and what a table counts after
    each would have two of them lock each other out. For everybody else's locks it waits as long as `wait` says.
    """
    asked(_TURN, [wait, dataset.slug])


# The lock is taken before the column is computed.
_TURN = """
    SELECT set_config('lock_timeout', %s, true) FROM pg_advisory_xact_lock(hashtext('batch'), hashtext(%s))
"""


class Written(NamedTuple):
    """A batch after its rows were written. rows: their lines, what became of each, and the stored rows' keys, side by
    side; inserted, updated, unchanged, or skipped for a later one of its key.
    """

    counts: Counts
    rows: tuple[list[int], list[str], list[int]] = ([], [], [])


def batch_write(
    source_id: int, dataset: Dataset, given: set[str], clean: Clean, parts: Iterable[int] = ()
) -> Written:
    """Write a few good rows inside the caller's transaction.

    `given`: attnames that the rows say anything about. parts: partitions that are known to be there.
    Raises Overtaken, IntegrityError or OperationalError where somebody else wrote the same rows meanwhile: see
    `overtaken`.
    """
    columns = {**clean.columns, "origin": row_id(source_id, 0) | clean.lines}
    shape = Shape.of(dataset, given, {*columns})
    chunk = Deciding(dataset, shape).chunk(clean.lines, columns)
    new = chunk.part(chunk.new)
    writers = [
        tell.rows_loaded(dataset.slug, spans(new["id"]), new) for tell in hooks.listeners(dataset.slug)
    ]
    writing = Writing(dataset, source_id, shape, there={*parts})
    writing.write(chunk, copies(dataset, shape.target, new))
    writing.flush()
    for write in writers:
        write()
    writing.end()
    status = np.full(len(chunk.rows["origin"]), "unchanged", object)
    status[chunk.new], status[chunk.changed] = "inserted", "updated"
    keys, lines = chunk.rows[shape.key].tolist(), (chunk.rows["origin"] & LINE_MASK).tolist()
    rows = (lines, status.tolist(), keys)
    if chunk.left_out:
        key_of = dict(zip(lines, keys, strict=True))
        for left_out, winners in chunk.left_out:
            for line, winner in zip(left_out.tolist()[::-1], winners.tolist()[::-1], strict=True):
                key_of[line] = key_of[winner]
                for column, value in zip(rows, (line, "skipped", key_of[winner]), strict=True):
                    column.append(value)
    return Written(writing.counts, rows)


def overtaken(error: Exception) -> bool:
    """Whether an error says that somebody else wrote the same rows meanwhile: the transaction may be tried again."""
    state = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, Overtaken) or state in RETRIED


def repeated(dataset: Dataset, winner: int) -> str:
    """Why a line is left out."""
    message = _("The same %(label)s stands in line %(line)s again, which counts")
    return message % {"label": str(dataset.column(dataset.key[0]).label).lower(), "line": winner}


def _keep_left_out(
    source_id: int,
    dataset: Dataset,
    path: Path,
    facts: Facts,
    cleaner: Cleaner,
    found: list[tuple[Keys, Keys]],
) -> list[dict[str, Any]]:
    """Keep the lines whose key stands again further down, as rejects that nobody has to fix; the first examples.

    Their cells are read once more: while they are cleaned nobody knows yet that they will not count.
    """
    if not found:
        return []
    lines, winners = (np.concatenate(side) for side in zip(*found, strict=True))
    order = np.argsort(lines)
    lines, winners = lines[order], winners[order]
    cells = next(c for c in cleaner.columns if c.column.name == dataset.key[0])
    examples: list[dict[str, Any]] = []
    for batch in read(path, facts, set()):
        at = np.flatnonzero(np.isin(batch.lines, lines))
        kept = []
        for row in at.tolist():
            line = int(batch.lines[row])
            winner = int(winners[np.searchsorted(lines, line)])
            texts = [text.replace("\x00", "\u2400")[:CELL_MAX] for text in batch.cells(row)]
            value = (texts[cells.index] if cells.index is not None else "")[:VALUE_MAX]
            message = repeated(dataset, winner)
            error = CellError(cells.header, cells.column.name, value, DOUBLED, message)
            kept.append(Rejected(line, [error], texts))
            if len(examples) < EXAMPLES:
                examples.append({"line": line, "value": value[:200], "message": error.message})
        rejects_copy(source_id, Refused.of(kept), state=RejectState.DISCARDED)
    return examples
