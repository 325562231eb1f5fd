"""Charts as geometry: pure functions from figures to positions, which one template per kind draws.

x is in percent of the plot's width, y in pixels, so one drawing serves every width and text never scales.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Words = Callable[[float], str]  # an amount as text

_TOP, _BASE, _LOWEST = 72.0, 282.0, 1.0  # of histogram bars, px
_EDGE = 14.0  # percent: labels nearer to an edge turn inwards
_LAST_TICK = 84.0  # percent: room for the open end's label
_LABEL_GAP = 16.0  # px between the names of two lines


def nice_step(span: float, parts: int) -> float:
    """The 1, 2, 2.5 or 5 times a power of ten that cuts `span` into at most `parts`."""
    rough = max(span, 1e-9) / parts
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)


def ticks(top: float, parts: int) -> list[float]:
    """From 0 in nice steps to the first that is not under `top`."""
    step = nice_step(top, parts)
    return [i * step for i in range(math.ceil(top / step - 1e-9) + 1)]


@dataclass(frozen=True)
class Mark:
    """A tick, gridline or label: at x percent (or y px)."""

    at: float
    text: str
    short: str = ""
    anchor: Literal["", "mid", "end"] = ""
    tone: str = ""
    y: float = 0.0

    @property
    def dx(self) -> int:
        """How far the text stands off its line."""
        return {"": 5, "mid": 0, "end": -5}[self.anchor]


@dataclass(frozen=True)
class Bar:
    """One bin. tone is a class of `.bar`."""

    x: float
    width: float
    y: float
    height: float
    tone: str
    title: str


@dataclass(frozen=True)
class Histogram:
    """Bars with percentile lines."""

    bars: list[Bar]
    axis: list[Mark]
    marks: list[Mark]
    label: str
    kind: str = "histogram"
    height: int = 308


def histogram(
    edges: Sequence[float],
    counts: Sequence[int],
    percentiles: Mapping[int, float],
    *,
    label: str,
    words: Words,
    short: Words,
    count_words: Callable[[int], str],
) -> Histogram:
    """Bins start at `edges`, evenly spaced; the last is open. Bars of the middle half are strong."""
    width = 100 / len(edges)
    step = edges[1] - edges[0]
    tallest = max(counts) or 1
    bars = []
    for i, (edge, count) in enumerate(zip(edges, counts, strict=True)):
        last = i == len(edges) - 1
        height = max(_LOWEST, count / tallest * (_BASE - _TOP))
        middle = edge + step > percentiles[25] and edge <= percentiles[75]
        span = f"{words(edge)}+" if last else f"{words(edge)}\N{EN DASH}{words(edge + step)}"
        tone = "grey" if last else ("" if middle else "soft")
        bars.append(
            Bar(i * width + 0.12, width - 0.24, _BASE - height, height, tone, f"{span}: {count_words(count)}")
        )
    return Histogram(
        bars, _histogram_axis(edges, width, short), _percentile_marks(edges, percentiles, words, short), label
    )


def _histogram_axis(edges: Sequence[float], width: float, short: Words) -> list[Mark]:
    every = max(1, round(len(edges) / 6))
    shown = [i for i in range(0, len(edges), every) if i * width <= _LAST_TICK]
    axis = [Mark(i * width, short(edges[i]), anchor="mid" if i else "") for i in shown]
    return [*axis, Mark(100, f"{short(edges[-1])}+", anchor="end")]


def _percentile_marks(
    edges: Sequence[float], percentiles: Mapping[int, float], words: Words, short: Words
) -> list[Mark]:
    """Labels form a pyramid: the median on top, P25 and P75 under it, P10 and P90 lowest."""
    span = (edges[1] - edges[0]) * len(edges)
    marks = []
    for percent, value in percentiles.items():
        at = min(100 * (value - edges[0]) / span, 99.0)
        anchor: Literal["", "mid", "end"] = "mid" if percent == 50 else "end" if percent < 50 else ""
        if at < _EDGE:
            anchor = ""
        elif at > 100 - _EDGE:
            anchor = "end"
        y = {50: 14.0, 25: 35.0, 75: 35.0}.get(percent, 56.0)
        marks.append(
            Mark(at, words(value), short(value), anchor, "med" if percent == 50 else f"P{percent}", y)
        )
    return marks


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


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Line:
    """One series; tone is its class l1..l4."""

    name: str
    tone: str
    points: list[Point]
    end: Mark

    @property
    def segments(self) -> list[tuple[Point, Point]]:
        """Pairs of neighbours to join."""
        return list(zip(self.points, self.points[1:], strict=False))


@dataclass(frozen=True)
class Lines:
    """A few lines over time, named at their ends, on a scale from zero."""

    lines: list[Line]
    x_axis: list[Mark]
    y_axis: list[Mark]
    label: str
    kind: str = "lines"
    height: int = 270


@dataclass(frozen=True)
class Series:
    """time → (value, n)."""

    name: str
    points: Mapping[int, tuple[float, int]] = field(default_factory=dict)


def lines(
    series: Sequence[Series], *, label: str, words: Words, short: Words, count_words: Callable[[int], str]
) -> Lines:
    """At most four series, in the order given."""
    times = sorted({t for s in series for t in s.points})
    top, base = 8.5, 244.5
    scale = ticks(max(value for s in series for value, _ in s.points.values()), 5)
    gap = 96 / max(1, len(times) - 1)
    x = {t: 2 + i * gap for i, t in enumerate(times)}

    def y(value: float) -> float:
        return base - value / scale[-1] * (base - top)

    ends = _spread([y(s.points[max(s.points)][0]) for s in series], top, base)
    drawn = []
    for i, (s, end) in enumerate(zip(series, ends, strict=True)):
        points = [
            Point(x[t], y(value), f"{s.name} {t}: {words(value)}, {count_words(n)}")
            for t, (value, n) in sorted(s.points.items())
        ]
        last, _n = s.points[max(s.points)]
        drawn.append(Line(s.name, f"l{i + 1}", points, Mark(98, short(last), y=end + 4)))
    y_axis = [Mark(0, short(t), y=y(t), tone="grid" if t else "base") for t in scale]
    every = math.ceil(len(times) / 8)
    return Lines(drawn, [Mark(x[t], str(t), anchor="mid") for t in times[::every]], y_axis, label)


def _spread(wanted: Sequence[float], top: float, base: float) -> list[float]:
    """Nearest positions at which the names of lines do not cover each other."""
    placed = dict.fromkeys(range(len(wanted)), 0.0)
    at = top - _LABEL_GAP
    for i in sorted(placed, key=lambda i: wanted[i]):
        at = placed[i] = max(wanted[i], at + _LABEL_GAP)
    limit = base
    for i in sorted(placed, key=lambda i: -placed[i]):
        limit = placed[i] = min(placed[i], limit)
        limit -= _LABEL_GAP
    return list(placed.values())


Chart = Histogram | Ranges | Lines
