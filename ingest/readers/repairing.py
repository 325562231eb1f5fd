"""Badly quoted CSV, cut tolerantly and written again strictly, so that one parser reads everything.

The rules: a quote opens only at a cell's start; it closes only before a delimiter or line end; a cell may span
lines only where the record then has the expected number of cells and no other cell seems to open inside.
Otherwise the opening quote is an ordinary character of its own line, and nothing behind that line is touched.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ingest.readers.cutting import Bools, Bytes, Cut, Ints, line_ends

SPAN_MAX = 1 << 20  # bytes that a quoted cell may take before its opening quote counts as a mistake
SPAN_TRIES = 200  # lines with quotes that are tried as the end of a cell
LINE_MAX = 1 << 25  # bytes of one physical line, beyond which it is no row
QUOTES_TRIED = 400  # in a line, beyond which its readings are not compared
MISTAKES = 3  # of quoting in one line, at most


@dataclass(frozen=True)
class Dialect:
    """How a record is cut.

    delimiter: one byte or several. escape: what stands before a quote inside a cell, where it is not doubled.
    """

    delimiter: bytes
    quote: bytes
    width: int = 0  # cells that a record should have, 0 = unknown
    escape: bytes = b""

    @property
    def exotic(self) -> bool:
        """Whether no parser of strict CSV reads it, so that every line is written anew."""
        return len(self.delimiter) > 1

    @property
    def strict(self) -> tuple[bytes, bytes]:
        """(delimiter, quote) of what `written` writes."""
        return (b",", b'"') if self.exotic else (self.delimiter, self.quote)


@dataclass
class Repaired:
    """Strict CSV made of a block's start: `text` with its `cut`; `end` counts bytes of the original."""

    text: bytes
    cut: Cut
    end: int


@dataclass
class _Writer:
    pieces: list[bytes] = field(default_factory=list)
    lines: list[Ints] = field(default_factory=list)
    blank: list[Bools] = field(default_factory=list)


@dataclass
class _Block:
    """A block with its physical lines. quoted: the numbers of those with a quote: only on them can a cell close."""

    data: bytes
    starts: Ints
    ends: Ints
    quoted: Ints
    final: bool

    def line(self, first: int, last: int) -> bytes:
        """Lines first..last without the last one's end."""
        return _bare(self.data[int(self.starts[first]) : int(self.ends[last]) + 1])


def cells_of(line: bytes, dialect: Dialect) -> tuple[list[bytes], int]:
    """The cells of a record without its line end, and where a quote opened and never closed (-1: nowhere)."""
    delimiter, quote = dialect.delimiter, dialect.quote
    cells: list[bytes] = []
    position, size, step = 0, len(line), len(delimiter)
    opening = delimiter + quote
    while True:
        if quote and line.startswith(quote, position):
            close = _closing(line, position + 1, dialect)
            if close < 0:
                return cells, position
            cells.append(_inside(line[position + 1 : close], dialect))
            position = close + 1
            if position >= size:
                return cells, -1
            position += step
            continue
        stop = line.find(opening, position) if quote else -1
        if stop < 0:
            return cells + line[position:].split(delimiter), -1
        cells += line[position:stop].split(delimiter)
        position = stop + step


def _inside(content: bytes, dialect: Dialect) -> bytes:
    """The text of a quoted cell."""
    if dialect.escape:
        content = content.replace(dialect.escape + dialect.quote, dialect.quote)
    return content.replace(dialect.quote * 2, dialect.quote)


def _closing(line: bytes, start: int, dialect: Dialect) -> int:
    """Position of the quote that closes a cell whose content starts at `start`; -1 where none does."""
    quote, delimiter = dialect.quote, dialect.delimiter
    position = line.find(quote, start)
    while position >= 0:
        if dialect.escape and line[start:position].endswith(dialect.escape):
            pass
        elif line.startswith(quote, position + 1):
            position += 1
        elif position + 1 == len(line) or line.startswith(delimiter, position + 1):
            return position
        position = line.find(quote, position + 1)
    return -1


def plain_cells(line: bytes, dialect: Dialect) -> list[bytes]:
    """The cells of one physical line in which unclosed quotes are ordinary characters."""
    cells: list[bytes] = []
    rest = line
    while True:
        found, opened = cells_of(rest, dialect)
        cells += found
        if opened < 0:
            return cells
        stop = rest.find(dialect.delimiter, opened)
        if stop < 0:
            return [*cells, rest[opened:]]
        cells.append(rest[opened:stop])
        rest = rest[stop + len(dialect.delimiter) :]


def fitted(line: bytes, dialect: Dialect) -> list[bytes]:
    """The reading of a badly quoted line that has the expected number of cells at the fewest mistakes; else [].

    Mistakes: an opening quote that is an ordinary character, a quote before a closing one that is not doubled.
    """
    if line.count(dialect.quote) > QUOTES_TRIED:
        return []
    size, step = len(line), len(dialect.delimiter)
    reached: dict[int, tuple[int, list[bytes]]] = {0: (0, [])}  # where the next cell starts → best way there
    ended: tuple[int, list[bytes]] | None = None
    for number in range(1, dialect.width + 1):
        following: dict[int, tuple[int, list[bytes]]] = {}
        for position, (mistakes, cells) in reached.items():
            for stop, cell, more in _readings(line, position, dialect):
                found = (mistakes + more, [*cells, cell])
                if stop < size:
                    if found[0] < following.get(stop + step, (MISTAKES + 1, []))[0]:
                        following[stop + step] = found
                elif number == dialect.width and (ended is None or found[0] < ended[0]):
                    ended = found
        if ended is None and size in following and number == dialect.width - 1:  # an empty last cell
            mistakes, cells = following[size]
            ended = (mistakes, [*cells, b""])
        reached = following
    return ended[1] if ended and ended[0] <= MISTAKES else []


def _readings(line: bytes, position: int, dialect: Dialect) -> Iterator[tuple[int, bytes, int]]:
    """(end, text, mistakes) of each way to read the cell that starts at `position`."""
    quote, delimiter = dialect.quote, dialect.delimiter
    if position > len(line):
        return
    stop = line.find(delimiter, position)
    stop = len(line) if stop < 0 else stop
    if not line.startswith(quote, position):
        yield stop, line[position:stop], 0
        return
    close = _closing(line, position + 1, dialect)
    if close >= 0:
        yield close + 1, _inside(line[position + 1 : close], dialect), 0
    early = line.find(quote + delimiter, position + 1)
    if 0 <= early != close:
        yield early + 1, _inside(line[position + 1 : early], dialect), 1
    yield stop, line[position:stop], 1


def written(cells: list[bytes], dialect: Dialect) -> bytes:
    """The cells as one strict record."""
    delimiter, quote = dialect.strict
    return delimiter.join(quote + cell.replace(quote, quote * 2) + quote for cell in cells) + b"\n"


def trimmed(cells: list[bytes], width: int) -> list[bytes]:
    """Without the empty cells beyond the expected number; as they are where one of those holds anything."""
    return cells[:width] if len(cells) > width and not any(map(bytes.strip, cells[width:])) else cells


def repair(data: bytes, dialect: Dialect, *, final: bool) -> Repaired:
    """The records of a block as strict CSV; stops before a record that the next block may complete."""
    array = np.frombuffer(data, np.uint8)
    ends = line_ends(data, array, final=final)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    none = np.empty(0, np.int64)
    quotes = np.flatnonzero(array == ord(dialect.quote)) if dialect.quote else none
    quoted = np.flatnonzero(np.searchsorted(quotes, starts) < np.searchsorted(quotes, ends))
    block = _Block(data, starts, ends, quoted, final)
    out, line = _Writer(), 0
    for index in _odd(block, array, dialect).tolist():
        if index < line:
            continue  # inside a record that began before
        _copy(out, block, line, index)
        taken, record = _record(block, index, dialect)
        line = index + taken
        if taken == 0:
            break
        out.pieces.append(record)
        out.lines.append(np.array([index]))
        out.blank.append(np.array([not record]))
    else:
        _copy(out, block, line, len(ends))
        line = len(ends)
    text = b"".join(out.pieces)
    lines = np.concatenate([*out.lines, none])
    blank = np.concatenate([*out.blank, np.empty(0, np.bool_)])
    end = int(ends[line - 1]) + 1 if line else 0
    return Repaired(text, Cut(len(text), lines, blank, line, spanning=True), end)


def _odd(block: _Block, array: Bytes, dialect: Dialect) -> Ints:
    """The numbers of the lines that may not stay as they are."""
    if dialect.exotic:
        return np.arange(len(block.ends))
    if not dialect.quote:
        return block.quoted
    marks = np.flatnonzero(array == ord(dialect.delimiter))
    cells = np.searchsorted(marks, block.ends) - np.searchsorted(marks, block.starts) + 1
    return np.union1d(block.quoted, np.flatnonzero(cells > dialect.width))


def _copy(out: _Writer, block: _Block, first: int, stop: int) -> None:
    """Lines first..stop as they are."""
    if first >= stop:
        return
    starts, ends = block.starts, block.ends
    out.pieces.append(block.data[starts[first] : ends[stop - 1] + 1])
    out.lines.append(np.arange(first, stop))
    sizes = ends[first:stop] - starts[first:stop]
    blank = sizes == 0
    for index in np.flatnonzero(sizes == 1):
        blank[index] = block.data[starts[first + index] : ends[first + index] + 1] == b"\r\n"
    out.blank.append(blank)


def _record(block: _Block, index: int, dialect: Dialect) -> tuple[int, bytes]:
    """(lines taken, strict record, b"" for a blank line) from line `index` on; 0 lines: the next block may
    complete it."""
    line = block.line(index, index)
    if not line.strip() and dialect.delimiter not in line:
        return 1, b""
    cells, opened = cells_of(line, dialect)
    if opened < 0:
        if len(cells) != dialect.width and dialect.quote in line:
            cells = fitted(line, dialect) or cells
        return 1, written(trimmed(cells, dialect.width), dialect)
    alone = fitted(line, dialect) or plain_cells(line, dialect)
    stray = line.find(dialect.quote, opened + 1) >= 0  # `"Senior" Engineer`
    if not (stray and len(alone) == dialect.width):
        taken, spanning = _spanning(block, index, len(line), dialect)
        if taken >= 0:
            return taken, written(spanning, dialect) if taken else b""
    return 1, written(trimmed(alone, dialect.width), dialect)


def _spanning(block: _Block, index: int, length: int, dialect: Dialect) -> tuple[int, list[bytes]]:
    """(lines, cells) of a record whose first line, `length` bytes, leaves a quote open.

    0 lines: the next block may complete it; -1: it is no record of several lines.
    """
    start = int(block.starts[index])
    at = int(np.searchsorted(block.quoted, index)) + 1
    for last in block.quoted[at : at + SPAN_TRIES].tolist():
        if block.ends[last] - start > SPAN_MAX:
            return -1, []
        text = block.line(index, last)
        if opens_again(text, length, dialect):
            return -1, []
        cells, opened = cells_of(text, dialect)
        if opened < 0 and len(cells) == dialect.width:
            return last - index + 1, cells
        if len(cells) > dialect.width:
            return -1, []
    waiting = not block.final and len(block.data) - start <= SPAN_MAX
    return (0 if waiting else -1), []


def opens_again(text: bytes, start: int, dialect: Dialect) -> bool:
    """Whether from `start` on, inside a cell, a quote can only open another one: the first was never closed."""
    quote, ends = dialect.quote, (dialect.delimiter, b"\n", b"\r")
    longest = max(map(len, ends))
    inside = True
    position = text.find(quote, start)
    while position >= 0:
        after = position + 1
        opens = text[max(position - longest, 0) : position].endswith(ends)
        if not inside:
            inside = opens
        elif text.startswith(quote, after):
            after += 1
        elif after == len(text) or text.startswith(ends, after):
            inside = False
        elif opens:
            return True
        position = text.find(quote, after)
    return False


def _bare(line: bytes) -> bytes:
    """A line without its line end."""
    if line.endswith(b"\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith((b"\n", b"\r")) else line
