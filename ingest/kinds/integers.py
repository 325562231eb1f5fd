"""Whole numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from ingest import reasons
from ingest.declarations import Keys, Style, Verdicts

_DIGITS = r"^[+-]?[0-9]{1,18}(?:\.0{1,6})?$"  # spreadsheets write 12 as 12.0
_TOO_MANY = r"^[+-]?[0-9]{19,}$"
_SHORT = range(1, 19)  # digits that surely fit


@dataclass(frozen=True, kw_only=True)
class Integer:
    """A whole number within [low, high]; the output is int64, 0 = empty.

    Leading zeros are padding: "0012" is 12. The default for `high` is what JSON numbers hold everywhere.
    """

    low: int = 0
    high: int = 2**53 - 1
    outputs = ("",)
    blank = 0

    def clean(self, texts: pa.StringArray, style: Style, attname: str) -> Verdicts:
        if style.thousands:
            grouped = pc.match_substring_regex(texts, rf"^[+-]?[0-9]{{1,3}}(\{style.thousands}[0-9]{{3}})+$")
            texts = pc.if_else(grouped, pc.replace_substring(texts, style.thousands, ""), texts)
        if pc.all(pc.ascii_is_decimal(texts)).as_py() and pc.max(pc.binary_length(texts)).as_py() in _SHORT:
            values = np.asarray(pc.cast(texts, pa.int64()))  # nearly always: a third of the time
            return Verdicts({attname: values}, self._outside(values))
        whole = pc.match_substring_regex(texts, _DIGITS)
        digits = pc.if_else(whole, pc.replace_substring_regex(texts, r"^\+|\.0+$", ""), "0")
        values = np.asarray(pc.cast(digits, pa.int64()))
        codes = np.where(np.asarray(whole), 0, reasons.number("not_an_integer")).astype(np.uint8)
        if codes.any():
            codes[np.asarray(pc.match_substring_regex(texts, _TOO_MANY))] = reasons.number(
                "integer_out_of_range"
            )
        return Verdicts({attname: values}, np.where(codes, codes, self._outside(values)))

    def _outside(self, values: Keys) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The code of each number that is beyond the limits, 0 of the others."""
        outside = (values < self.low) | (values > self.high)
        return outside * np.uint8(reasons.number("integer_out_of_range"))

    def fit(self, texts: pa.StringArray) -> float:
        return float(np.mean(self.clean(texts, Style(), "").codes == 0)) if len(texts) else 0.0

    def help(self, text: str) -> str:
        return _("from %(low)d to %(high)d") % {"low": self.low, "high": self.high}
