"""A few lines over time."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.charts.scales import Mark, Words, ticks

_LABEL_GAP = 16.0  # px between the names of two lines


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
