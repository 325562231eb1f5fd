"""The percentile index of a dataset: declared by a domain, written with the rows, rebuilt at any time.

A load adds a segment out of the arrays in memory. An undo or edit replaces the segments that cover the
changed ids, read again from the table. A run in the background merges small ones. All of it is exact at every commit:

* Loads only insert, so they never wait for each other.
* Whoever replaces segments holds one advisory lock per dataset until it commits.
* A replacement looks at the segments before and after it reads the table; where a load committed in between,
  it starts again. So what was read and what is replaced are the same rows.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import psycopg
from django.db import connection, models, transaction
from django.utils.module_loading import autodiscover_modules

from analytics.models import Segment
from analytics.segments import MAX_ROWS, Array, month_codes, pack
from analytics.table import table_columns
from ingest import hooks
from ingest.declarations import Arrays
from ingest.hooks import Spans
from runs.models import Run
from runs.services import run_start
from skillora.lib.errors import Conflict, NotFound

MERGE_TASK = "analytics.merge"
MERGE_ABOVE = 8  # small segments
SMALL_ROWS = MAX_ROWS // 4
_RESTARTS = 20


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """What can be filtered and grouped by: a column of small integers, or of dates, which count by month."""

    name: str
    attname: str

    def codes(self, columns: Arrays, rows: int) -> Array:
        """One non-negative code per row; 0 = unknown, also where the load did not fill the column."""
        column = columns.get(self.attname)
        if column is None:
            return np.zeros(rows, np.uint8)
        return month_codes(column) if column.dtype.kind == "M" else column


@dataclass(frozen=True, kw_only=True)
class PercentileIndex:
    """Percentiles of `value` (int64 cents, 0 = none) of a model's rows, under any filters on `dimensions`."""

    dataset: str
    model: type[models.Model]
    value: str
    dimensions: tuple[Dimension, ...]

    @property
    def attnames(self) -> frozenset[str]:
        """The columns that a segment is made of."""
        return frozenset({self.value, *(d.attname for d in self.dimensions)})

    def rows_loaded(self, dataset: str, spans: Spans, columns: Arrays) -> Callable[[], None]:
        """Pack the rows now; the returned function inserts the segment in the load's transaction."""
        packed = self._packed(spans, columns)

        def write() -> None:
            segment_insert(packed)
            transaction.on_commit(partial(merge_when_due, self.dataset), robust=True)

        return write

    def rows_changed(self, dataset: str, spans: Spans) -> None:
        """Build the segments that cover `spans` again, in the changing transaction."""
        segments_replace(self, lambda found: _covering(found, spans), also=spans)

    def _packed(self, spans: Spans, columns: Arrays) -> Segment:
        values = columns[self.value]
        rated = values > 0
        kept = int(np.count_nonzero(rated))
        every = slice(None) if kept == len(values) else rated
        codes = ((d.name, d.codes(columns, len(values))[every]) for d in self.dimensions)
        data = pack(values[every], codes)
        ranges = [list(span) for span in spans]
        return Segment(dataset=self.dataset, spans=ranges, rows=kept, excluded=len(rated) - kept, data=data)

    def segments_of(self, spans: Spans) -> Iterable[Segment]:
        """Segments, not yet stored, of what the table holds in `spans` now; none for an empty table."""
        for columns in table_columns(self.model, tuple(self.attnames), spans):
            ids = columns["id"]
            first, last = int(ids[0]), int(ids[-1])
            within = [(max(a, first), min(b, last)) for a, b in spans if a <= last and b >= first]
            yield self._packed(within, columns)


_indexes: dict[str, PercentileIndex] = {}


def register(index: PercentileIndex) -> PercentileIndex:
    """Make an index known and let it listen to its dataset; called at import of a domain's `indexes.py`."""
    _indexes[index.dataset] = index
    hooks.listen(index.dataset, index)
    return index


def indexes() -> tuple[PercentileIndex, ...]:
    """All declared indexes."""
    autodiscover_modules("indexes")
    return tuple(_indexes.values())


def index(dataset: str) -> PercentileIndex:
    """The index of a dataset; NotFound where it declares none."""
    known = {i.dataset: i for i in indexes()}
    if dataset not in known:
        raise NotFound(f"There is no percentile index of {dataset[:60]!r}; there are: {', '.join(known)}")
    return known[dataset]


def segment_ids(dataset: str) -> tuple[int, ...]:
    """The visible segments: immutable, so two equal sets hold the same data."""
    return tuple(Segment.objects.filter(dataset=dataset).order_by("id").values_list("id", flat=True))


def data_version_of(ids: tuple[int, ...]) -> str:
    """A short name of a set of segments, for ETags and cached fragments."""
    return hashlib.blake2b(repr(ids).encode(), digest_size=8).hexdigest()


def data_version(dataset: str) -> str:
    """A short name of what the index holds now."""
    return data_version_of(segment_ids(dataset))


def segment_insert(segment: Segment) -> None:
    """INSERT with binary parameters: escaping megabytes as text would cost more than the sort."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            "INSERT INTO analytics_segment (dataset, spans, rows, excluded, data, created_at)"
            " VALUES (%s, %s::bigint[], %s, %s, %b, now())",
            (segment.dataset, segment.spans, segment.rows, segment.excluded, segment.data),
        )


def _covering(found: list[Segment], spans: Spans) -> list[Segment]:
    """The segments that overlap `spans`, and those that overlap these, and so on."""
    chosen: list[Segment] = []
    reach: Spans = list(spans)
    rest = found
    while True:
        touched = [s for s in rest if any(a <= d and c <= b for a, b in reach for c, d in s.spans)]
        if not touched:
            return chosen
        chosen += touched
        rest = [s for s in rest if s not in touched]
        reach = [(a, b) for s in touched for a, b in s.spans]


def _joined(spans: Iterable[tuple[int, int]]) -> Spans:
    """The same ids as few disjoint spans in order."""
    joined: Spans = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def segments_replace(
    index: PercentileIndex,
    choose: Callable[[list[Segment]], list[Segment]],
    also: Spans | None = None,
) -> int:
    """Replace the chosen segments by what the table holds in their spans and in `also`; how many."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"index {index.dataset}"]
            )
        before = Segment.objects.filter(dataset=index.dataset).defer("data").order_by("id")
        for _attempt in range(_RESTARTS):
            found = list(before.all())
            old = choose(found)
            spans = _joined([(a, b) for s in old for a, b in s.spans] + (also or []))
            new = list(index.segments_of(spans))
            if [s.pk for s in before.all()] == [s.pk for s in found]:
                break
        else:
            raise Conflict("Rows keep arriving while the index is rebuilt; try again in a minute")
        Segment.objects.filter(pk__in=[s.pk for s in old]).delete()
        for segment in new:
            segment_insert(segment)
        return len(new)


def rebuild(dataset: str) -> int:
    """Build the whole index of a dataset from its table; the number of segments."""
    return segments_replace(index(dataset), lambda found: found, also=[(0, (1 << 63) - 1)])


def merge(dataset: str) -> int:
    """Put the small segments together; how many came of it, 0 where there was nothing to do."""

    def small(found: list[Segment]) -> list[Segment]:
        candidates = sorted((s for s in found if s.rows + s.excluded <= SMALL_ROWS), key=lambda s: s.pk)
        covered = {s.pk: s for c in candidates for s in _covering(found, [(a, b) for a, b in c.spans])}
        return list(covered.values()) if len(covered) > 1 else []

    return segments_replace(index(dataset), small)


def merge_when_due(dataset: str) -> None:
    """Start a merge in the background where small segments have piled up and none is under way."""
    small = Segment.objects.filter(dataset=dataset, rows__lte=SMALL_ROWS)
    newest = small.order_by("-id").values_list("id", flat=True)[: MERGE_ABOVE + 1]
    if (
        len(newest) <= MERGE_ABOVE
        or Run.objects.open().filter(task=MERGE_TASK, payload__dataset=dataset).exists()
    ):
        return
    run_start(
        task=MERGE_TASK,
        by=None,
        payload={"dataset": dataset},
        unique_key=f"{MERGE_TASK} {dataset} {newest[0]}",
    )
