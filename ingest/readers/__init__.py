"""Bytes of any size → column-wise batches of text with exact physical line numbers, in constant memory.

A block is read, cut into records by vectorised scans (`cutting`), made strict where its quoting is not
(`repairing`), and parsed by pyarrow. Rows + faults = lines that hold anything: nothing is swallowed.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.utils.translation import gettext

from ingest.packing import unpacked
from ingest.readers.cutting import NOTHING_CUT, Cut, cut_strictly, even_cut, line_ends
from ingest.readers.decoding import chunks_of
from ingest.readers.repairing import LINE_MAX, SPAN_MAX, Dialect, cells_of, repair, trimmed
from ingest.spreadsheets import table_of
from skillora.lib.errors import DomainError

if TYPE_CHECKING:
    from ingest.facts import Facts

BATCH_BYTES = 2 << 20  # cleaning 4 MB at once takes 1.7 times as long, facts by 1 MB a third longer
FIRST_BYTES = 1 << 18  # of the first batch; each next one is twice as large: who waits for it can start early
UNDECODED = "\ufffd".encode()  # what stands for bytes that are no text
FAULT_BYTES = 20_000  # of a line that cannot be cut, kept for its reject


@dataclass(frozen=True)
class Fault:
    """A line that cannot be cut into the header's number of cells."""

    line: int
    code: str
    message: str
    cells: list[str]


@dataclass(frozen=True)
class Batch:
    """Some consecutive rows.

    lines: int64 (n,), the physical line on which each row starts. columns: one array of n texts per file
    column, the wanted ones dictionary-encoded (int32, utf8), empty cell = "", outer blanks kept. faults: lines
    that are no rows. bytes_done: how far into the file this batch ends. strict: whether its quoting was beyond doubt.
    even: whether each of its physical lines is one strict record, so that counting line ends is enough.
    readable: whether no cell holds NUL or the sign for undecodable bytes.
    """

    lines: np.ndarray[Any, np.dtype[np.int64]]
    columns: list[pa.Array]
    faults: list[Fault]
    bytes_done: int
    strict: bool = True
    even: bool = False
    readable: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def cells(self, row: int) -> list[str]:
        """All cells of one row, as text, in the file's order."""
        return [column[row].as_py() for column in self.columns]


@dataclass
class _Parser:
    """pyarrow set up for one file."""

    facts: "Facts"
    wanted: set[int]
    careful: bool = False  # some invalid record may be one after all: cut the block tolerantly
    invalid: list[tuple[int, str]] = field(default_factory=list)  # (record number from 1, its text)

    @cached_property
    def dialect(self) -> Dialect:
        """How the file is written."""
        facts = self.facts
        delimiter, quote, escape = facts.delimiter.encode(), facts.quote.encode(), facts.escape.encode()
        return Dialect(delimiter, quote, len(facts.columns), escape)

    @cached_property
    def strict(self) -> Dialect:
        """How the text that is parsed is written."""
        return Dialect(*self.dialect.strict, self.dialect.width)

    def parse(self, text: memoryview, *, spanning: bool) -> pa.Table:
        """The block's valid records; the others are in `invalid`, or `careful` is set."""
        self.careful, self.invalid = False, []
        names = [str(index) for index in range(len(self.facts.columns))]
        coded = pa.dictionary(pa.int32(), pa.utf8())
        types = {name: coded if i in self.wanted else pa.utf8() for i, name in enumerate(names)}
        if not text:
            return pa.schema(types).empty_table()
        return arrow_csv.read_csv(
            pa.BufferReader(pa.py_buffer(text)),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
            arrow_csv.ParseOptions(
                delimiter=self.strict.delimiter.decode(),
                quote_char=self.strict.quote.decode() or False,
                newlines_in_values=spanning,
                ignore_empty_lines=True,
                invalid_row_handler=self._invalid,
            ),
            arrow_csv.ConvertOptions(column_types=types, strings_can_be_null=False, check_utf8=False),
        )

    def _has_empty_end(self, row: Any) -> bool:
        """Whether all cells beyond the header's are empty."""
        if row.actual_columns <= row.expected_columns or not row.text.endswith(self.facts.delimiter):
            return False
        cells, _ = cells_of(row.text.encode(), self.strict)
        return len(trimmed(cells, self.strict.width)) == self.strict.width

    def _invalid(self, row: Any) -> str:
        if "\n" in row.text or "\r" in row.text or self._has_empty_end(row):
            self.careful = True
        else:
            self.invalid.append((row.number, row.text))
        return "skip"


def read(
    path: Path, facts: "Facts", wanted: set[int], *, batch_bytes: int = BATCH_BYTES, ahead: bool = False
) -> Iterator[Batch]:
    """All rows of a file as `facts` say it is written; `wanted` columns come dictionary-encoded.

    `wanted` may change between batches. Needs a few times `batch_bytes` of memory for a file of any size.
    ahead: each batch is parsed on a thread of its own while the one before is looked at and the next one cut.
    A workbook is converted first, once.
    """
    if facts.member:
        path = unpacked(path, facts.member)
    source = table_of(path, facts.sheet) if facts.sheet else path
    blocks = _blocks(_Reading(facts, _Parser(facts, wanted), line=facts.first_line), source, batch_bytes)
    if ahead:
        yield from _ahead(blocks)
    else:
        yield from (block.batch() for block in blocks)


def _blocks(reading: "_Reading", source: Path, batch_bytes: int) -> Iterator["_Block"]:
    facts = reading.facts
    encoding = "utf-8" if facts.sheet else facts.encoding
    scale = facts.size / max(source.stat().st_size, 1) if facts.sheet else 1.0
    chunks = chunks_of(source, encoding, size=batch_bytes, first=FIRST_BYTES)
    for piece, position in _without_preamble(chunks, facts.first_line - 1):
        yield from reading.take(piece, int(position * scale), final=False)
    yield from reading.take(b"", facts.size, final=True)


def _ahead(blocks: Iterator["_Block"]) -> Iterator[Batch]:
    """The blocks' batches; each is parsed on a thread while the caller looks at the one before."""
    with ThreadPoolExecutor(1, "parse") as parser:
        parsed: Future[Batch] | None = None
        for block in blocks:
            following = parser.submit(block.batch)
            if parsed is not None:
                yield parsed.result()
            parsed = following
        if parsed is not None:
            yield parsed.result()


def _without_preamble(chunks: Iterator[tuple[bytes, int]], lines: int) -> Iterator[tuple[bytes, int]]:
    """The pieces from behind the first `lines` physical lines on."""
    rest = b""  # behind the last line end so far
    for piece, position in chunks:
        if lines == 0:
            yield piece, position
            continue
        data = rest + piece
        ends = line_ends(data, np.frombuffer(data, np.uint8), final=False)
        if len(ends) >= lines:
            yield data[int(ends[lines - 1]) + 1 :], position
            lines = 0
        elif len(ends):
            lines -= len(ends)
            rest = data[int(ends[-1]) + 1 :]
        else:
            rest = data


def record_at(path: Path, facts: "Facts", line: int) -> tuple[list[str], str] | None:
    """(cells, text as it stands in the file) of the row that starts on a line; None where none does.

    Text is "" for a workbook, whose rows have none. Takes the time to count the lines before it, no more.
    """
    if facts.sheet:  # a record of the table is a row of the sheet, so lines cannot be counted
        batches = (b for b in read(path, facts, set()) if _reaches(b, line))
    else:
        batches = (b for b in read(path, replace(facts, first_line=line), set()))
    batch = next(batches, None)
    if batch is None:
        return None
    starts = sorted([*batch.lines.tolist(), *(fault.line for fault in batch.faults)])
    if line not in starts:
        return None
    faulty = next((fault.cells for fault in batch.faults if fault.line == line), None)
    cells = batch.cells(int(np.searchsorted(batch.lines, line))) if faulty is None else faulty
    if facts.sheet:
        return cells, ""
    after = next((start for start in starts if start > line), None)
    return cells, _raw(path, facts, line, after)


def _reaches(batch: Batch, line: int) -> bool:
    """Whether a batch ends on or behind a line."""
    return any(fault.line >= line for fault in batch.faults) or bool(len(batch) and batch.lines[-1] >= line)


def _raw(path: Path, facts: "Facts", line: int, after: int | None) -> str:
    """The physical lines from `line` up to `after`; all that is left where nothing follows."""
    data = b""
    for piece, _position in _without_preamble(chunks_of(path, facts.encoding, size=BATCH_BYTES), line - 1):
        data += piece
        if len(data) > LINE_MAX:
            break
    ends = line_ends(data, np.frombuffer(data, np.uint8), final=True)
    count = after - line if after else len(ends)
    text = data[: int(ends[min(count, len(ends)) - 1]) + 1] if len(ends) else data
    return text[:FAULT_BYTES].decode(errors="replace").rstrip("\r\n")


@dataclass
class _Reading:
    """Where the cutting of one file stands."""

    facts: "Facts"
    parser: _Parser
    line: int  # physical line on which `carry` starts
    carry: bytes = b""  # the start of a record that the next piece completes
    lost: bool = False  # inside a line that is too long to be a row

    def take(self, piece: bytes, position: int, *, final: bool) -> Iterator["_Block"]:
        """The block that `piece` completes, if any."""
        data = self.carry + piece if self.carry else piece
        if final and data and not data.endswith((b"\n", b"\r")):
            data += b"\n"
        if self.lost:
            data = self._found(data, final=final)
        self.carry = data
        if not data or (
            not final and len(data) <= LINE_MAX and not (b"\n" in piece or b"\r" in data[-len(piece) - 1 :])
        ):
            return  # no line ends in this piece
        text, cut, end = self._cut(data, final=final)
        if end == 0 and len(data) > LINE_MAX:
            self.lost, self.carry = True, b""
            yield _Block(self.parser, b"", b"", NOTHING_CUT, self.line, position, [self._too_long(data)])
            return
        self.carry = data[end:]
        if end:
            if self.facts.sheet:  # one record is one row of the sheet, however many lines its cells have
                cut = replace(cut, lines=np.arange(len(cut.lines)), breaks=len(cut.lines))
            yield _Block(self.parser, data, text, cut, self.line, max(position - len(self.carry), 0))
            self.line += cut.breaks

    def _found(self, data: bytes, *, final: bool) -> bytes:
        """What follows the line that was too long; nothing while it goes on."""
        if not data:
            return b""
        ends = line_ends(data, np.frombuffer(data, np.uint8), final=final)
        if len(ends) == 0:
            return b""
        self.lost = False
        self.line += 1
        return data[int(ends[0]) + 1 :]

    def _cut(self, data: bytes, *, final: bool) -> tuple[bytes, Cut, int]:
        """(text to parse, its records, bytes of `data` that they took)."""
        if self.facts.even:
            end = data.rfind(b"\n") + 1
            return data, even_cut(data, end), end
        dialect = self.parser.dialect
        if not (dialect.exotic or (dialect.escape and dialect.escape + dialect.quote in data)):
            cut = cut_strictly(data, self.facts.delimiter, self.facts.quote, final=final)
            if cut is not None and not (final and cut.end < len(data)) and len(data) - cut.end <= SPAN_MAX:
                return data, cut, cut.end
        repaired = repair(data, dialect, final=final)
        return repaired.text, repaired.cut, repaired.end

    def _too_long(self, data: bytes) -> Fault:
        message = gettext("This line is longer than %(megabytes)s MB") % {"megabytes": LINE_MAX >> 20}
        return Fault(self.line, "line_too_long", message, [data[:FAULT_BYTES].decode(errors="replace")])


@dataclass(frozen=True)
class _Block:
    """Some whole records, cut and not yet parsed; `text` is `data` made strict, the very same where it was."""

    parser: _Parser
    data: bytes
    text: bytes
    cut: Cut
    line: int  # physical line on which it starts
    done: int  # bytes of the file up to its end
    faults: list[Fault] = field(default_factory=list)

    def batch(self) -> Batch:
        """The records as columns, their lines counted from the file's start."""
        parser, facts = self.parser, self.parser.facts
        text, cut, strict = self.text, self.cut, self.text is self.data
        table = parser.parse(memoryview(text)[: cut.end], spanning=cut.spanning)
        if parser.careful:
            repaired, strict = repair(self.data[: cut.end], parser.dialect, final=True), False
            text, cut = repaired.text, repaired.cut
            if facts.sheet:
                cut = replace(cut, lines=np.arange(len(cut.lines)))
            table = parser.parse(memoryview(text)[: cut.end], spanning=cut.spanning)
        even = facts.even or (
            strict
            and len(cut.lines) == cut.breaks
            and not cut.blank.any()
            and (b"\r" not in text or text.count(b"\n", 0, cut.end) == cut.breaks)
        )
        lines = self.line + cut.lines[~cut.blank]
        invalid = np.array([number - 1 for number, _ in parser.invalid], np.int64)
        if table.num_rows + len(invalid) != len(lines):
            raise DomainError(
                gettext("This file changed while it was read; upload it again"), "unreadable_file", 422
            )
        faults = [
            self._fault(int(lines[i]), t)
            for i, (_, t) in zip(invalid, parser.invalid, strict=True)
            if t.strip()
        ]
        columns = [
            column.combine_chunks() if column.num_chunks != 1 else column.chunk(0) for column in table.columns
        ]
        lines = np.delete(lines, invalid) if len(invalid) else lines
        readable = not (b"\0" in self.data or (UNDECODED[:1] in self.data and UNDECODED in self.data))
        return Batch(lines, columns, [*self.faults, *faults], self.done, strict, even, readable)

    def _fault(self, line: int, text: str) -> Fault:
        """A record whose number of cells is not the header's."""
        cells, _ = cells_of(text.encode(), self.parser.strict)
        message = gettext("This line has %(found)s cells, the header has %(expected)s") % {
            "found": len(cells),
            "expected": len(self.parser.facts.columns),
        }
        return Fault(
            line, "ragged_line", message, _bounded([cell.decode(errors="replace") for cell in cells])
        )


def _bounded(cells: list[str]) -> list[str]:
    """As many of the cells as a reject keeps; a shortened one ends in "…"."""
    room = FAULT_BYTES
    kept: list[str] = []
    for cell in cells[:1000]:
        kept.append(cell if len(cell) <= room else cell[:room] + "…")
        room = max(room - len(cell), 0)
    return kept
