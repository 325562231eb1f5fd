"""Ranges of percentiles in the rows of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analytics.charts.scales import Mark, Words, ticks


@dataclass(frozen=True)
class Range:
    """One row of a ranges table: pale P10-P90, strong P25-P75, a line at the median; all in percent."""

    name: str
    n: int
    link: str
    cells: tuple[str, str, str] | None  # P25, median, P75 as text; None: too few rows for a figure
    pale: tuple[float, float] = (0, 0)  # x, width
    strong: tuple[float, float] = (0, 0)
    median: float = 0.0


@dataclass(frozen=True)
class Ranges:
    """Range bars in rows, on one scale from zero."""

    rows: list[Range]
    axis: list[Mark]
    label: str
    heading: str
    note: str = ""  # said in rows that have too few for a figure
    kind: str = "ranges"
    height: int = 0


@dataclass(frozen=True)
class RangeRow:
    """What a row of `ranges` is made from; `percentiles` {} where there are too few rows."""

    name: str
    n: int
    percentiles: Mapping[int, float]
    link: str = ""


def ranges(
    rows: Sequence[RangeRow],
    *,
    label: str,
    heading: str,
    note: str,
    words: Words,
    short: Words,
    parts: int = 4,
) -> Ranges:
    """Lay out rows in the order given."""
    top = max((r.percentiles[90] for r in rows if r.percentiles), default=1.0)
    scale = ticks(top, parts)
    drawn = [_range(r, scale[-1], words) for r in rows]
    axis = [
        Mark(100 * t / scale[-1], short(t), anchor="" if not i else "end" if t == scale[-1] else "mid")
        for i, t in enumerate(scale)
    ]
    return Ranges(drawn, axis, label, heading, note)


def _range(row: RangeRow, top: float, words: Words) -> Range:
    if not row.percentiles:
        return Range(row.name, row.n, row.link, None)
    at = {percent: 100 * value / top for percent, value in row.percentiles.items()}
    cells = (words(row.percentiles[25]), words(row.percentiles[50]), words(row.percentiles[75]))
    pale, strong = (at[10], at[90] - at[10]), (at[25], at[75] - at[25])
    return Range(row.name, row.n, row.link, cells, pale, strong, at[50])
