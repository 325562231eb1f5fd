"""A block of UTF-8 cut into records by vectorised scans, with proof that strict reading is right."""

from dataclasses import dataclass
from typing import Any

import numpy as np

LF, CR = 10, 13
Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Cut:
    """Whole records at the start of a block.

    end: bytes that they take. lines: first physical line of each record, counted from 0 at the block's start.
    blank: which of them hold nothing at all. breaks: physical lines in `end` bytes. spanning: some record has
    several lines.
    """

    end: int
    lines: Ints
    blank: Bools
    breaks: int
    spanning: bool


NOTHING_CUT = Cut(0, np.empty(0, np.int64), np.empty(0, np.bool_), 0, spanning=False)


def line_ends(data: bytes, array: Bytes, *, final: bool) -> Ints:
    """Positions of the last byte of each physical line: LF, CRLF and lone CR end one.

    A CR that is the last byte of a block is not counted before the next byte is known.
    """
    if data.find(b"\r") < 0 or data.count(b"\r") == data.count(b"\r\n"):
        return np.flatnonzero(array == LF)
    ends = array == LF
    alone = array == CR
    alone[:-1] &= array[1:] != LF
    alone[-1] &= final
    return np.flatnonzero(ends | alone)


def even_cut(data: bytes, end: int) -> Cut:
    """The records of `data[:end]` where each is known to be one line that LF ends."""
    records = int(np.count_nonzero(np.frombuffer(data, np.uint8, end) == LF))  # twice as fast as bytes.count
    return Cut(end, np.arange(records), np.zeros(records, np.bool_), records, spanning=False)


def cut_strictly(data: bytes, delimiter: str, quote: str, *, final: bool) -> Cut | None:
    """The whole records of a block that starts at a record's start; None where its quoting is not strict.

    Strict: every opening quote stands after a delimiter or line end, every closing one before one, quotes
    inside are doubled. Then parity of quotes tells line ends inside values from those between records.
    """
    array = np.frombuffer(data, np.uint8)
    ends = line_ends(data, array, final=final)
    if not quote or data.find(quote.encode()) < 0:
        return _cut(data, array, ends, np.arange(len(ends)))
    quotes = np.flatnonzero(array == ord(quote))
    before = np.searchsorted(quotes, ends)
    outside = np.flatnonzero(before % 2 == 0)
    if len(outside) == 0:
        return _cut(data, array, ends, outside)
    inside = quotes[: before[outside[-1]]]
    if not _strict(array, inside[0::2], inside[1::2], ord(delimiter)):
        return None
    return _cut(data, array, ends, outside)


def _strict(array: Bytes, opening: Ints, closing: Ints, delimiter: int) -> bool:
    """Whether each quote stands where strict CSV has it; a line end follows, so closing + 1 exists."""
    before = array[np.maximum(opening - 1, 0)]
    opens = (before == delimiter) | (before == LF) | (before == CR) | (opening == 0)
    opens[1:] |= opening[1:] == closing[:-1] + 1
    after = array[closing + 1]
    closes = (after == delimiter) | (after == LF) | (after == CR)
    closes[:-1] |= opening[1:] == closing[:-1] + 1
    return bool(opens.all() and closes.all())


def _cut(data: bytes, array: Bytes, ends: Ints, record_ends: Ints) -> Cut:
    """`record_ends`: which of the line ends end a record."""
    if len(record_ends) == 0:
        return NOTHING_CUT
    breaks = int(record_ends[-1]) + 1
    lines = np.concatenate(([0], record_ends[:-1] + 1))
    last = ends[record_ends]
    length = np.diff(last, prepend=-1) - 1
    blank = length == 0
    returned = np.flatnonzero(length == 1)
    blank[returned] |= (array[last[returned] - 1] == CR) & (array[last[returned]] == LF)
    return Cut(int(last[-1]) + 1, lines, blank, breaks, spanning=breaks > len(record_ends))
