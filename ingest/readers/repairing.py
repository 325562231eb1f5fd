"""Badly quoted CSV, cut tolerantly and written again strictly, so that one parser reads everything.

The rules: a quote opens only at a cell's start; it closes only before a delimiter or line end; a cell may span
lines only where the record then has the expected number of cells and no other cell seems to open inside.
Otherwise the opening quote is an ordinary character of its own line, and nothing behind that line is touched.
"""

from dataclasses import dataclass, field

import numpy as np

from ingest.readers.cutting import Bools, Cut, Ints, line_ends

SPAN_MAX = 1 << 20  # bytes that a quoted cell may take before its opening quote counts as a mistake
SPAN_TRIES = 200  # lines with quotes that are tried as the end of a cell
LINE_MAX = 1 << 25  # bytes of one physical line, beyond which it is no row


Dialect = tuple[bytes, bytes, int]  # delimiter, quote, number of cells


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


def cells_of(line: bytes, delimiter: bytes, quote: bytes) -> tuple[list[bytes], int]:
    """The cells of a record without its line end, and where a quote opened and never closed (-1: nowhere)."""
    cells: list[bytes] = []
    position, size = 0, len(line)
    while True:
        if quote and line.startswith(quote, position):
            close = _closing(line, position + 1, delimiter, quote)
            if close < 0:
                return cells, position
            cells.append(line[position + 1 : close].replace(quote * 2, quote))
            position = close + 1
        else:
            stop = line.find(delimiter, position)
            stop = size if stop < 0 else stop
            cells.append(line[position:stop])
            position = stop
        if position >= size:
            return cells, -1
        position += 1


def _closing(line: bytes, start: int, delimiter: bytes, quote: bytes) -> int:
    """Position of the quote that closes a cell whose content starts at `start`; -1 where none does."""
    position = line.find(quote, start)
    while position >= 0:
        after = line[position + 1 : position + 2]
        if after == quote:
            position += 1
        elif after in (b"", delimiter):
            return position
        position = line.find(quote, position + 1)
    return -1


def plain_cells(line: bytes, delimiter: bytes, quote: bytes) -> list[bytes]:
    """The cells of one physical line in which unclosed quotes are ordinary characters."""
    cells: list[bytes] = []
    rest = line
    while True:
        found, opened = cells_of(rest, delimiter, quote)
        cells += found
        if opened < 0:
            return cells
        stop = rest.find(delimiter, opened)
        if stop < 0:
            return [*cells, rest[opened:]]
        cells.append(rest[opened:stop])
        rest = rest[stop + 1 :]


def written(cells: list[bytes], delimiter: bytes, quote: bytes) -> bytes:
    """The cells as one strict record."""
    return delimiter.join(quote + cell.replace(quote, quote * 2) + quote for cell in cells) + b"\n"


def repair(data: bytes, delimiter: str, quote: str, width: int, *, final: bool) -> Repaired:
    """The records of a block as strict CSV; stops before a record that the next block may complete."""
    array = np.frombuffer(data, np.uint8)
    ends = line_ends(data, array, final=final)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    quotes = np.flatnonzero(array == ord(quote))
    quoted = np.flatnonzero(np.searchsorted(quotes, starts) < np.searchsorted(quotes, ends))
    out, line = _Writer(), 0
    dialect = (delimiter.encode(), quote.encode(), width)
    for number, index in enumerate(quoted.tolist()):
        if index < line:
            continue  # inside a record that began before
        _copy(out, data, ends, starts, line, index)
        taken, record = _record(data, ends, starts, quoted[number:], dialect, final=final)
        if taken == 0:
            line = index
            break
        out.pieces.append(record)
        out.lines.append(np.array([index]))
        out.blank.append(np.array([False]))
        line = index + taken
    else:
        _copy(out, data, ends, starts, line, len(ends))
        line = len(ends)
    text = b"".join(out.pieces)
    lines = np.concatenate([*out.lines, np.empty(0, np.int64)])
    blank = np.concatenate([*out.blank, np.empty(0, np.bool_)])
    return Repaired(
        text, Cut(len(text), lines, blank, line, spanning=True), int(ends[line - 1]) + 1 if line else 0
    )


def _copy(out: _Writer, data: bytes, ends: Ints, starts: Ints, first: int, stop: int) -> None:
    """Lines first..stop, none of which has a quote, as they are."""
    if first >= stop:
        return
    out.pieces.append(data[starts[first] : ends[stop - 1] + 1])
    out.lines.append(np.arange(first, stop))
    sizes = ends[first:stop] - starts[first:stop]
    blank = sizes == 0
    for index in np.flatnonzero(sizes == 1):
        blank[index] = data[starts[first + index] : ends[first + index] + 1] == b"\r\n"
    out.blank.append(blank)


def _record(
    data: bytes, ends: Ints, starts: Ints, candidates: Ints, dialect: Dialect, *, final: bool
) -> tuple[int, bytes]:
    """(lines taken, strict record) from line candidates[0] on; 0 lines: the next block may complete it.

    candidates: the numbers of lines with a quote in them; only on those can a cell close.
    """
    delimiter, quote, width = dialect
    index = int(candidates[0])
    start = int(starts[index])
    line = _bare(data[start : ends[index] + 1])
    cells, opened = cells_of(line, delimiter, quote)
    if opened < 0:
        return 1, written(cells, delimiter, quote)
    plain = plain_cells(line, delimiter, quote)
    stray = line.find(quote, opened + 1) >= 0  # `"Senior" Engineer`
    if not (stray and len(plain) == width):
        for last in candidates[1:SPAN_TRIES].tolist():
            if ends[last] - start > SPAN_MAX:
                break
            text = _bare(data[start : ends[last] + 1])
            if _opens_again(text[len(line) :], delimiter, quote):
                break
            cells, opened = cells_of(text, delimiter, quote)
            if opened < 0 and len(cells) == width:
                return last - index + 1, written(cells, delimiter, quote)
            if len(cells) > width:
                break
        else:
            if not final and len(data) - start <= SPAN_MAX:
                return 0, b""
    return 1, written(plain, delimiter, quote)


def _opens_again(text: bytes, delimiter: bytes, quote: bytes) -> bool:
    """Whether a later line holds a quote that can only open a cell: the one before it was never closed."""
    position = text.find(quote)
    while position >= 0:
        before, after = text[position - 1 : position], text[position + 1 : position + 2]
        if before in (delimiter, b"\n", b"\r") and after not in (delimiter, b"\n", b"\r", b"", quote):
            return True
        position = text.find(quote, position + 1)
    return False


def _bare(line: bytes) -> bytes:
    """A line without its line end."""
    if line.endswith(b"\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith((b"\n", b"\r")) else line
