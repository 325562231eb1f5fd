"""Horizontal bars in the rows of a table, with a line at their mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analytics.charts.scales import EDGE, Mark, ticks


@dataclass(frozen=True)
class MeanBar:
    """One row of a bars table. width: percent of the plot; gap: how far from the mean, as text."""

    name: str
    code: str
    value: str
    gap: str
    above: bool
    width: float
    link: str
    value_link: str


@dataclass(frozen=True)
class MeanBars:
    """Horizontal bars in rows on one scale from zero, with a line at their mean."""

    rows: list[MeanBar]
    axis: list[Mark]
    mean: Mark
    label: str
    heading: str
    value_heading: str
    kind: str = "bars"
    height: int = 0


@dataclass(frozen=True)
class MeanRow:
    """What a row of `mean_bars` is made from."""

    name: str
    code: str
    value: int
    above: bool
    link: str = ""
    value_link: str = ""


def mean_bars(
    rows: Sequence[MeanRow], mean: float, *, label: str, heading: str, value_heading: str, mean_word: str
) -> MeanBars:
    """Lay out rows in the order given; who is above, the caller knows exactly."""
    top = ticks(max([*(r.value for r in rows), mean, 1]), 8)[-1]
    drawn = [
        MeanBar(
            r.name, r.code, f"{r.value:,}", f"{r.value - mean:+,.1f}".replace("-", "\N{MINUS SIGN}"),
            r.above, 100 * r.value / top, r.link, r.value_link,
        )
        for r in rows
    ]  # fmt: skip
    at = 100 * mean / top
    anchor: Literal["", "mid", "end"] = "" if at < EDGE else "end" if at > 100 - EDGE else "mid"
    near = [Mark(0, "0"), Mark(100, f"{top:,.0f}", anchor="end")]
    axis = [tick for tick in near if abs(tick.at - at) > 2 * EDGE]
    return MeanBars(
        drawn, axis, Mark(at, f"{mean_word} {mean:,.1f}", anchor=anchor), label, heading, value_heading
    )
