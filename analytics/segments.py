"""A segment: up to about a million rows as columns in value order, and the bitmaps that answer questions.

Stored are the values and, per dimension, the code of each row, sorted by value: that costs one sort. Bitmaps of
positions (pyroaring) are made where a process first needs them. Because positions are in value order, a filter
is AND/OR of bitmaps, n a length, a percentile a select, a histogram bar the difference of two ranks.
"""

import json
import struct
import threading
from array import array
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from pyroaring import BitMap

Array = np.ndarray[Any, Any]
MAX_ROWS = 1_000_000
_INDEX_BITS = 20  # a row's index within a segment, packed below its value for one fast sort
_LENGTH = struct.Struct("<I")
_KEPT_UNIONS = 64
_DAYS = 40_000  # a calendar is made for so many at least


def month_codes(days: Array) -> Array:
    """year * 12 + month - 1 of datetime64 days; 0 where there is no date."""
    found = ~np.isnat(days)
    numbers = days.astype("datetime64[D]").astype(np.int64)
    some = numbers if found.all() else numbers[found]
    first, last = (int(some.min()), int(some.max())) if len(some) else (0, 0)
    if last - first > len(days) + _DAYS:
        months = days.astype("datetime64[M]").astype(np.int64)
    else:  # a day's month is found once, not once a row
        calendar = np.arange(first, last + 1).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        months = calendar.take(np.where(found, numbers - first, 0))
    return np.where(found, months + 1970 * 12, 0)


def value_order(values: Array) -> Array:
    """Indexes that sort non-negative int64 `values`; ties in the order of the rows."""
    rows = len(values)
    if rows <= 1 << _INDEX_BITS and (not rows or int(values.max()) < 1 << (63 - _INDEX_BITS)):
        packed = values.astype(np.int64) << _INDEX_BITS | np.arange(rows)
        packed.sort()
        return packed & ((1 << _INDEX_BITS) - 1)
    return np.argsort(values, kind="stable")


def pack(values: Array, codes: Iterable[tuple[str, Array]]) -> bytes:
    """The bytes of a segment: int64 values > 0 and non-negative codes, all of equal length.

    codes: name and column, one after the other, so that they need not be in memory at once.
    """
    order = value_order(values)
    columns = {"": _narrow(values, np.uint32)[order]}
    columns.update({name: _narrow(column, np.uint8)[order] for name, column in codes})
    head = json.dumps([[name, column.dtype.str] for name, column in columns.items()]).encode()
    return b"".join([_LENGTH.pack(len(head)), head, *(c.tobytes() for c in columns.values())])


def _narrow(column: Array, smallest: type[np.generic]) -> Array:
    top = int(column.max()) if len(column) else 0
    kinds = [kind for kind in (np.uint8, np.uint16, np.uint32, np.int64) if np.iinfo(kind).max >= top]
    width = max(np.dtype(smallest).itemsize, np.dtype(kinds[0]).itemsize)
    return column.astype({1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.int64}[width])


class LoadedSegment:
    """A segment in memory. Immutable but for bitmaps made on demand; safe among threads.

    values: ascending, cents. codes: dimension → code of each position. excluded: rows without a value.
    """

    def __init__(self, rows: int, data: bytes | memoryview, excluded: int = 0) -> None:
        self.excluded = excluded
        (head_length,) = _LENGTH.unpack_from(data)
        at = _LENGTH.size + head_length
        columns: dict[str, Array] = {}
        for name, dtype in json.loads(bytes(data[_LENGTH.size : at])):
            columns[name] = np.frombuffer(data, dtype=dtype, count=rows, offset=at)
            at += columns[name].nbytes
        self.values = columns.pop("")
        self.codes = columns
        self._postings: dict[str, Postings] = {}
        self._unions: dict[tuple[str, frozenset[int]], BitMap] = {}
        self._lock = threading.Lock()

    @cached_property
    def all(self) -> BitMap:
        """Every position."""
        return BitMap(range(len(self.values)))

    def postings(self, dimension: str) -> "Postings":
        """Where each code of a dimension stands; KeyError for a dimension that is not indexed."""
        made = self._postings.get(dimension)
        if made is None:
            with self._lock:
                made = self._postings.get(dimension)
                if made is None:
                    made = self._postings[dimension] = Postings(self.codes[dimension])
        return made

    def union(self, dimension: str, codes: frozenset[int]) -> BitMap:
        """Positions of the rows whose code is one of `codes`."""
        key = (dimension, codes)
        union = self._unions.get(key)
        if union is None:
            postings = self.postings(dimension)
            found = [bitmap for code in codes if (bitmap := postings.bitmap(code))]
            union = BitMap.union(*found) if found else BitMap()
            if len(self._unions) >= _KEPT_UNIONS:
                self._unions = {}
            self._unions[key] = union
        return union

    def below(self, edges: Array) -> list[int]:
        """Per edge (int64 cents), how many positions hold a value under it."""
        kind = self.values.dtype
        clipped = np.clip(edges, 0, np.iinfo(kind).max)
        found = np.searchsorted(self.values, clipped.astype(kind))
        return np.where(edges > clipped, len(self.values), found).tolist()  # type: ignore[no-any-return]


class Postings:
    """The positions of one dimension, grouped by code; a code's bitmap is made when it is first asked for."""

    def __init__(self, codes: Array) -> None:
        order = np.argsort(codes, kind="stable").astype(np.uint32)
        ordered = codes[order]
        inner = (np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist()
        starts = [0, *inner] if len(ordered) else []
        self._order = order
        self._spans = dict(zip(ordered[starts].tolist(), pairwise([*starts, len(ordered)]), strict=True))
        self._bitmaps: dict[int, BitMap] = {}

    @property
    def sizes(self) -> dict[int, int]:
        """Code → rows, for every code that occurs."""
        return {code: end - start for code, (start, end) in self._spans.items()}

    def bitmap(self, code: int) -> BitMap | None:
        """The positions of a code, or None where it does not occur."""
        made = self._bitmaps.get(code)
        if made is None and code in self._spans:
            start, end = self._spans[code]
            made = self._bitmaps[code] = BitMap(array("I", self._order[start:end].tobytes()))
        return made
