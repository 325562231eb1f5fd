"""Many small charts on one scale."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analytics.charts.scales import Bar, Mark

_PANEL_TOP, _PANEL_BASE = 18.0, 84.0  # of a panel's bars, px


@dataclass(frozen=True)
class Panel:
    """One small chart of many: bars, their counts above and their names below."""

    name: str
    total: str
    link: str
    label: str
    bars: list[Bar]
    counts: list[Mark]
    axis: list[Mark]


@dataclass(frozen=True)
class Multiples:
    """Small charts on one scale from zero, named directly."""

    panels: list[Panel]
    label: str
    kind: str = "multiples"
    height: int = 104  # of each


@dataclass(frozen=True)
class PanelRow:
    """What a panel is made from."""

    name: str
    values: Sequence[int]
    link: str = ""


def multiples(
    rows: Sequence[PanelRow], *, steps: Sequence[str], label: str, words: Callable[[int], str]
) -> Multiples:
    """Panels in the order given; `steps` name the bars of each."""
    top = max((value for row in rows for value in row.values), default=0) or 1
    return Multiples([_panel(row, steps, top, words) for row in rows], label)


def _panel(row: PanelRow, steps: Sequence[str], top: int, words: Callable[[int], str]) -> Panel:
    gap = 100 / len(steps)
    bars, counts, axis, said = [], [], [], []
    for i, (step, value) in enumerate(zip(steps, row.values, strict=True)):
        height = value / top * (_PANEL_BASE - _PANEL_TOP)
        middle = (i + 0.5) * gap
        said.append(f"{step} {words(value)}")
        bars.append(
            Bar(
                i * gap + 1.5,
                gap - 3,
                _PANEL_BASE - height,
                height,
                "",
                f"{row.name}, {step}: {words(value)}",
            )
        )
        tone = "" if value else "zero"
        counts.append(Mark(middle, words(value), anchor="mid", tone=tone, y=_PANEL_BASE - height - 5))
        axis.append(Mark(middle, step, anchor="mid", y=101))
    return Panel(
        row.name, words(sum(row.values)), row.link, f"{row.name}: {', '.join(said)}", bars, counts, axis
    )
