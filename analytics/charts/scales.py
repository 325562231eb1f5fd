"""What all charts share: round steps, marks, bars."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Words = Callable[[float], str]  # an amount as text
EDGE = 14.0  # percent: labels nearer to an edge turn inwards


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
