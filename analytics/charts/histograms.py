"""Bars with percentile lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from analytics.charts.scales import EDGE, Bar, Mark, Words

_TOP, _BASE, _LOWEST = 72.0, 282.0, 1.0  # of bars, px
_LAST_TICK = 84.0  # percent: room for the open end's label


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
        if at < EDGE:
            anchor = ""
        elif at > 100 - EDGE:
            anchor = "end"
        y = {50: 14.0, 25: 35.0, 75: 35.0}.get(percent, 56.0)
        marks.append(
            Mark(at, words(value), short(value), anchor, "med" if percent == 50 else f"P{percent}", y)
        )
    return marks
