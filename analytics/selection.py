"""Exact answers from an index: how many rows pass the filters, and what stands at which rank among them.

A loaded index is kept per process and named by the ids of its segments, which never change; after a load only
the new segment is read.
"""

import threading
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from pyroaring import BitMap

from analytics.index import data_version_of, segment_ids
from analytics.models import Segment
from analytics.segments import LoadedSegment

Filters = Mapping[str, Collection[int]]  # dimension → codes, any of which will do
PERCENTS = (10, 25, 50, 75, 90)
_GRID = 512  # values at which a search for a rank starts, per index
_NORMAL_95 = 1.959964


class LoadedIndex:
    """All segments of a dataset in memory; immutable."""

    def __init__(self, segments: Mapping[int, LoadedSegment]) -> None:
        self.segments = dict(sorted(segments.items()))
        self.excluded = sum(s.excluded for s in segments.values())
        self.version = data_version_of(tuple(self.segments))
        parts = [s for s in self.segments.values() if len(s.values)]
        marks = [p.values[np.linspace(0, len(p.values) - 1, _GRID).astype(np.int64)] for p in parts]
        self.grid = np.unique(np.concatenate(marks).astype(np.int64)) if marks else np.zeros(0, np.int64)
        if len(self.grid) > 2 * _GRID:
            self.grid = self.grid[:: len(self.grid) // _GRID]
        self.parts = tuple((p, p.below(self.grid)) for p in parts)

    def names(self, dimension: str) -> bool:
        """Whether any row says something in a dimension, that is, has a code other than 0."""
        return any(part.postings(dimension).sizes.keys() - {0} for part, _ in self.parts)

    def select(self, filters: Filters) -> "Selection":
        """The rows that pass every filter; no filters: all."""
        wanted = {name: frozenset(codes) for name, codes in filters.items()}
        picked: list[BitMap] = []
        for part, _marks in self.parts:
            chosen = [part.union(name, codes) for name, codes in wanted.items()]
            picked.append(BitMap.intersection(*chosen) if chosen else part.all)
        return Selection(self, picked)


@dataclass(frozen=True)
class Group:
    """The rows of a selection that share a code; `percentiles` has the keys asked for, in cents."""

    code: int
    n: int
    percentiles: dict[int, Fraction]


class Selection:
    """Rows of an index, one bitmap of positions per segment."""

    def __init__(self, index: LoadedIndex, picked: Sequence[BitMap]) -> None:
        self._index = index
        self._picked = picked

    @cached_property
    def n(self) -> int:
        """How many rows."""
        return sum(map(len, self._picked))

    def where(self, dimension: str, codes: Collection[int]) -> "Selection":
        """Those of these rows whose code is one of `codes`."""
        chosen = frozenset(codes)
        parts = self._index.parts
        return Selection(
            self._index,
            [
                rows & part.union(dimension, chosen)
                for (part, _), rows in zip(parts, self._picked, strict=True)
            ],
        )

    def values(self, ranks: Sequence[int]) -> list[int]:
        """The cents at the given ranks, counted from 0 in ascending order; IndexError beyond n - 1."""
        if any(not 0 <= rank < self.n for rank in ranks):
            raise IndexError(f"ranks {ranks} of {self.n} rows")
        if len(self._picked) == 1:
            (part, _), rows = self._index.parts[0], self._picked[0]
            return [int(part.values[rows[rank]]) for rank in ranks]
        return [self._value(rank) for rank in ranks]

    def _value(self, rank: int) -> int:
        """Across segments: narrow by ranks at the grid, then sort the few values between two of its marks."""
        mark = bisect_right(range(len(self._index.grid)), rank, key=self._below_mark) - 1
        under = self._below_mark(mark) if mark >= 0 else 0
        between = []
        for (part, marks), rows in zip(self._index.parts, self._picked, strict=True):
            start = _rank(rows, marks[mark]) if mark >= 0 else 0
            end = _rank(rows, marks[mark + 1]) if mark + 1 < len(marks) else len(rows)
            if end > start:
                between.append(part.values[np.frombuffer(rows[start:end].to_array(), np.uint32)])
        values = np.concatenate(between)
        return int(np.partition(values, rank - under)[rank - under])

    def _below_mark(self, mark: int) -> int:
        return sum(
            _rank(rows, marks[mark]) for (_, marks), rows in zip(self._index.parts, self._picked, strict=True)
        )

    def percentiles(self, percents: Sequence[int] = PERCENTS) -> dict[int, Fraction]:
        """Percent → cents, linear between neighbours as in percentile_cont and pandas; {} for no rows."""
        if not self.n:
            return {}
        places = {percent: divmod((self.n - 1) * percent, 100) for percent in percents}
        ranks = sorted({r for low, rest in places.values() for r in ((low, low + 1) if rest else (low,))})
        at = dict(zip(ranks, self.values(ranks), strict=True))
        return {
            percent: at[low] + Fraction((at[low + 1] - at[low]) * rest if rest else 0, 100)
            for percent, (low, rest) in places.items()
        }

    def median_interval(self) -> tuple[int, int] | None:
        """Cents between which the median of the population lies with 95 % confidence, by order statistics."""
        half = _NORMAL_95 * self.n**0.5 / 2
        low, high = int(self.n / 2 - half) - 1, int(self.n / 2 + half) + 1
        if low < 0 or high > self.n - 1:
            return None
        first, last = self.values([low, high])
        return first, last

    def histogram(self, edges: Sequence[int]) -> list[int]:
        """Rows with values in [edge, next edge) of ascending edges in cents; the last bin is open."""
        below = [0] * len(edges)
        wanted = np.asarray(edges, np.int64)
        for (part, _), rows in zip(self._index.parts, self._picked, strict=True):
            for i, position in enumerate(part.below(wanted)):
                below[i] += _rank(rows, position)
        return [high - low for low, high in zip(below, [*below[1:], self.n], strict=True)]

    def counts(self, dimension: str) -> dict[int, int]:
        """Code → rows, for every code that occurs."""
        counts: dict[int, int] = {}
        for (part, _), rows in zip(self._index.parts, self._picked, strict=True):
            postings = part.postings(dimension)
            whole = len(rows) == len(part.values)
            for code, size in postings.sizes.items():
                bitmap = None if whole else postings.bitmap(code)
                found = size if bitmap is None else rows.intersection_cardinality(bitmap)
                if found:
                    counts[code] = counts.get(code, 0) + found
        return counts

    def group_by(
        self, dimension: str, *, top: int | None = None, percents: Sequence[int] = PERCENTS
    ) -> list[Group]:
        """The largest `top` groups (all: None), most rows first, ties by code."""
        ordered = sorted(self.counts(dimension).items(), key=lambda item: (-item[1], item[0]))
        return [
            Group(code, n, self.where(dimension, (code,)).percentiles(percents)) for code, n in ordered[:top]
        ]


def _rank(rows: BitMap, position: int) -> int:
    """How many of `rows` stand before `position`."""
    return rows.rank(position - 1) if position else 0


_loaded: dict[str, tuple[tuple[int, ...], LoadedIndex]] = {}
_lock = threading.Lock()


def loaded(dataset: str) -> LoadedIndex:
    """The index of a dataset as it is committed now; one short query where this process has it already."""
    ids = segment_ids(dataset)
    kept = _loaded.get(dataset)
    if kept and kept[0] == ids:
        return kept[1]
    with _lock:
        kept = _loaded.get(dataset)
        while not kept or kept[0] != ids:
            segments = {pk: s for pk, s in kept[1].segments.items() if pk in ids} if kept else {}
            for row in Segment.objects.filter(pk__in=set(ids) - set(segments)).iterator(chunk_size=4):
                segments[row.pk] = LoadedSegment(row.rows, row.data, row.excluded)
            if len(segments) == len(ids):  # otherwise one was replaced meanwhile: look again
                kept = _loaded[dataset] = (ids, LoadedIndex(segments))
            else:
                ids = segment_ids(dataset)
        return kept[1]
