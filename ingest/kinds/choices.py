"""Columns with a known set of values, found by folded spelling: small choices, codes of countries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from ingest import reasons
from ingest.declarations import Style, Verdicts
from ingest.kinds.spelling import folded, nearest

FEW = 12
LETTERS = 3  # of a text that a typing error leaves recognisable, of a code too: "n.d." is no "BND"
SPELT_OUT = 4  # letters of a spelling that a typing error leaves recognisable: "n.d." is no "AND"


@dataclass(frozen=True, kw_only=True)
class CodeList:
    """Spellings that stand for small integers; the output is int16, 0 = empty.

    known: gives spelling → number, called once, folded here. names: number → what people call it.
    """

    known: Callable[[], Mapping[str, int]]
    names: Callable[[], Mapping[int, str]]
    reason: str = "unknown_value"
    outputs = ("",)
    blank = 0

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {folded(spelling) or spelling: number for spelling, number in self.known().items()}

    @cached_property
    def _words(self) -> list[str]:
        """The spellings that are no codes: names, however short, and what is spelt out."""
        names = {folded(name) for name in self.names().values()}
        return [spelling for spelling in self._numbers if len(spelling) >= SPELT_OUT or spelling in names]

    def number(self, text: str) -> int | None:
        """What `text` stands for, or None."""
        return self._numbers.get(folded(text) or text)

    def clean(self, texts: pa.StringArray, style: Style, attname: str) -> Verdicts:
        unknown = reasons.number(self.reason)
        values = np.zeros(len(texts), np.int16)
        codes = np.zeros(len(texts), np.uint8)
        for i, text in enumerate(texts.to_pylist()):
            number = self.number(text)
            if number is None:
                codes[i] = unknown
            else:
                values[i] = number
        return Verdicts({attname: values}, codes)

    def fit(self, texts: pa.StringArray) -> float:
        found = [self.number(text) is not None for text in texts.to_pylist()]
        return sum(found) / len(found) if found else 0.0

    def suggestion(self, text: str) -> str:
        """The name that `text` most likely stands for, "" where none is near."""
        near = nearest(text, self._words) if len(folded(text)) >= LETTERS else ""
        return self.names()[self._numbers[near]] if near else ""

    def options(self) -> list[str]:
        """All names, where they are few enough to choose from; otherwise none."""
        names = list(self.names().values())
        return names if len(names) <= FEW else []

    def help(self, text: str) -> str:
        if near := self.suggestion(text):
            return _("did you mean %(name)s?") % {"name": near}
        return _("known are: %(names)s") % {"names": ", ".join(self.options())} if self.options() else ""


def Choice(options: Mapping[int, str], aliases: Mapping[str, int]) -> CodeList:  # noqa: N802
    """A CodeList of few numbered options with further spellings; 0 is unknown and cannot be written."""
    spellings = {str(name): number for number, name in options.items() if number} | dict(aliases)
    names = {number: str(name) for number, name in options.items() if number}
    return CodeList(known=lambda: spellings, names=lambda: names)
