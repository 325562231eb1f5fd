"""Money: `1.234,56`, `1,234.56`, `1'234.56`, `$120k`, `R$ 9.850,50`, `120-150k`. Never through float()."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from ingest import reasons
from ingest.declarations import Style, Verdicts
from ingest.kinds.shapes import WIDTH, shapes_of

NOT_AN_AMOUNT = reasons.number("not_an_amount")
NOT_POSITIVE = reasons.number("amount_not_positive")
TOO_LARGE = reasons.number("amount_too_large")
AMBIGUOUS = reasons.number("amount_ambiguous")
REVERSED = reasons.number("range_reversed")

_SYMBOL = r"(?:US|R|A|C|NZ|MX|CA|AU|S|HK|S/)?[$€£¥₹₩₽₺₪]|S/|zł|kr|CHF|[A-Z]{3}"
_CODE = re.compile(r"\b[A-Z]{3}\b")
FEW = 30  # spellings that are sooner read one by one than by their shape
EXACT = 15  # digits of every number that float64 holds
LARGEST = (1 << 63) - 1  # that a column holds
_BLANKS = re.compile(r"[\s\u00a0\u202f\u2009]+")
_THOUSAND = {
    "k": 3,
    "mil": 3,
    "thousand": 3,
    "m": 6,
    "mm": 6,
    "mi": 6,
    "million": 6,
    "milhões": 6,
    "millones": 6,
}
_SUFFIX = "k|K|M|mm|mi|mil|thousand|million|milhões|millones"
_AMOUNT = re.compile(
    rf"(?:{_SYMBOL})?\s?([+-]?)\s?(?:{_SYMBOL})?\s?([0-9][0-9.,' ]*?)"
    r"\s?(k|K|M|mm|mi|mil|thousand|million|milhões|millones)?"
    rf"\s?(?:{_SYMBOL})?"
)
_RANGE = re.compile(
    r"^(.*?[0-9kKmM$€£)])\s*(?:[-\u2013\u2014~]|\bto\b|\ba\b|\baté\b|\bate\b|\bhasta\b)\s*(.*[0-9].*)$"
)
_GROUPED = {sign: re.compile(rf"[0-9]{{1,3}}(?:\{sign}[0-9]{{3}})+") for sign in (",", ".", "'", " ")}


def _hundredths(whole: str, fraction: str, power: int) -> int:
    """Digits before and after the decimal sign, times 10**power, in hundredths; a half rounds up."""
    digits = fraction.ljust(power + 3, "0")
    exact = int(whole + digits[: power + 2])
    return exact + (digits[power + 2] >= "5")


def _split(text: str, style: Style) -> tuple[str, str] | int:  # noqa: PLR0911 (each way to write it)
    """(digits before, digits after the decimal sign), or a reason's number."""
    signs = [c for c in text if not c.isdigit()]
    if not signs:
        return text, ""
    last, kinds = signs[-1], set(signs)
    before, _sign, after = text.rpartition(last)
    if len(kinds) == 2 and signs.count(last) == 1 and last in ",.":
        group = (kinds - {last}).pop()
        if not _GROUPED[group].fullmatch(before):
            return NOT_AN_AMOUNT
        return before.replace(group, ""), after
    if len(kinds) > 1:
        return NOT_AN_AMOUNT
    grouped = bool(_GROUPED[last].fullmatch(text))
    if grouped and (last == style.thousands or last in "' " or (last != style.decimal) or len(signs) > 1):
        return text.replace(last, ""), ""
    if grouped and len(signs) == 1:  # "1.234" where the point marks decimals: a thousand, or one?
        return AMBIGUOUS
    if len(signs) > 1 or last in "' " or not after:
        return NOT_AN_AMOUNT
    if last != style.decimal and len(after) > 2:
        return NOT_AN_AMOUNT
    return before, after


def _amount(text: str, style: Style, inherited: int = 0) -> tuple[int, int, int]:
    """(hundredths, reason's number, power of ten that a suffix gave)."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return 0, NOT_AN_AMOUNT, 0
    sign, number, suffix = match.groups()
    parts = _split(number.strip(), style)
    if isinstance(parts, int):
        return 0, parts, 0
    power = _THOUSAND.get((suffix or "").lower(), 0)
    whole, fraction = parts
    if len(whole) > 15:
        return 0, TOO_LARGE, power
    value = _hundredths(whole, fraction, power or inherited)
    if value > LARGEST:
        return 0, TOO_LARGE, power
    return -value if sign == "-" else value, 0, power


def parse(text: str, style: Style) -> tuple[int, int, int]:
    """One spelling → (hundredths, hundredths of a range's end or 0, reason's number)."""
    text = _BLANKS.sub(" ", text).strip()
    if not text.isascii() and any(c.isdigit() and not c.isascii() for c in text):
        return 0, 0, NOT_AN_AMOUNT
    if text.startswith("(") and text.endswith(")"):
        return 0, 0, NOT_POSITIVE if _amount(text[1:-1].strip(), style)[1] == 0 else NOT_AN_AMOUNT
    value, code, _power = _amount(text, style)
    if code == NOT_AN_AMOUNT and (match := _RANGE.match(text)):
        high, code, power = _amount(match[2].strip(), style)
        low, low_code, low_power = _amount(match[1].strip(), style)
        if power and not low_power and low < high:  # "120-150k"
            low, low_code, low_power = _amount(match[1].strip(), style, power)
        code = code or low_code or (NOT_POSITIVE if low <= 0 else REVERSED if high < low else 0)
        return low, high if high != low else 0, code
    return value, 0, code or (NOT_POSITIVE if value <= 0 else 0)


@dataclass(frozen=True, kw_only=True)
class Money:
    """A positive amount or range; outputs are int64 hundredths, "_max" is 0 unless it is a range.

    maximum: the largest amount in whole units; more is a typing error. signs: what stands before an amount and
    names its currency ("€") → a number that is handed on as "_sign", 0 where none stands there.
    """

    maximum: int = 10**12
    signs: Mapping[str, int] = field(default_factory=dict)
    outputs = ("", "_max", "_sign")
    blank = 0

    def clean(self, texts: pa.StringArray, style: Style, attname: str) -> Verdicts:
        low = np.zeros(len(texts), np.int64)
        high = np.zeros(len(texts), np.int64)
        sign = np.zeros(len(texts), np.int16)
        codes = np.zeros(len(texts), np.uint8)
        odd = np.arange(len(texts))
        if len(texts) > FEW:
            odd = self._by_shape(texts, style, low, sign)
        judged: dict[str, tuple[int, int, int]] = {}
        for i, text in zip(odd.tolist(), texts.take(pa.array(odd)).to_pylist(), strict=True):
            if text not in judged:
                judged[text] = self._judged(text, style)
            low[i], high[i], codes[i] = judged[text]
            sign[i] = self._sign(text)
        codes[(codes == 0) & (low <= 0)] = NOT_POSITIVE
        codes[(codes == 0) & (np.maximum(low, high) > self.maximum * 100)] = TOO_LARGE
        return Verdicts({attname: low, attname + "_max": high, attname + "_sign": sign}, codes)

    def _judged(self, text: str, style: Style) -> tuple[int, int, int]:
        """As `parse`; letters that name no currency are no amount: "12 LPA", "5 MIL"."""
        unknown = self.signs and any(code not in self.signs for code in _CODE.findall(text))
        return parse(text, style) if len(text) <= 80 and not unknown else (0, 0, NOT_AN_AMOUNT)

    def _by_shape(self, texts: pa.StringArray, style: Style, low: Any, sign: Any) -> Any:
        """Fill in the amounts whose shape is regular; which texts are left.

        A shape is a text with every digit as 0: a column has few, and in one shape each place is worth the same.
        """
        found = shapes_of(texts)
        known, codes = found.shapes.dictionary.to_pylist(), found.shapes.indices.to_numpy()
        if len(known) < 1 << 15:
            codes = codes.astype(np.int16)  # sorted six times as fast
        by_shape = np.argsort(codes, kind="stable")
        short, rows = found.short[by_shape], found.digits[by_shape]
        ends = np.cumsum(np.bincount(codes, minlength=len(known))).tolist()
        left = np.ones(len(texts), np.bool_)
        for shape, start, end in zip(known, [0, *ends], ends, strict=False):
            read = _regular(shape, style.decimal, style.thousands, self._any_mark)
            if read is not None:
                mark, worth = read
                at = short[start:end]
                digits = rows[start:end].view(np.uint8).reshape(-1, WIDTH)
                low[at] = digits.astype(np.float64) @ worth
                sign[at] = self.signs.get(mark, 0)
                left[at] = False
        return np.flatnonzero(left)

    def _sign(self, text: str) -> int:
        """The number of the longest sign in the text."""
        found = self._marks.search(text) if self.signs else None
        return self.signs[found[0]] if found else 0

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        """Any of the signs, the longest where several begin."""
        return re.compile(_alternatives(self.signs))

    @cached_property
    def _any_mark(self) -> str:
        """The same with the dollar's, which names no currency, as text."""
        return _alternatives([*self.signs, "$"])

    def fit(self, texts: pa.StringArray) -> float:
        found = [min(parse(text[:80], style)[2] for style in _STYLES) == 0 for text in texts.to_pylist()]
        return sum(found) / len(found) if found else 0.0

    def help(self, text: str) -> str:
        return _("write it as 85000 or 85,000.50 or 85k")


_STYLES = (Style(), Style(decimal=",", thousands="."))


def _alternatives(marks: Iterable[str]) -> str:
    """Any of some texts, longer ones first."""
    return "|".join(map(re.escape, sorted(marks, key=len, reverse=True)))


@lru_cache(10_000)
def _regular(shape: bytes, decimal: str, thousands: str, marks: str) -> tuple[str, Any] | None:
    """(mark, hundredths that a digit in each place is worth) of a shape that needs no judgement, else None.

    Such are at most twelve digits, grouped or not, at most two decimals, a mark before, a power of ten behind.
    float64 holds their sums.
    """
    grouped = rf"[0-9]{{1,3}}(?:\{thousands}[0-9]{{3}}){{1,3}}|" if thousands else ""
    number = rf"({grouped}[0-9]{{1,12}})(?:\{decimal}([0-9]{{1,2}}))?"
    written = rf"({marks})? ?{number} ?({_SUFFIX})?".encode().decode("latin-1")  # each place is a byte
    text = shape.lstrip(b"\0").decode("latin-1")
    found = re.fullmatch(written, text, re.ASCII)
    if found is None:
        return None
    mark, _whole, decimals, suffix = (text.encode("latin-1").decode() for text in found.groups(""))
    power = 2 - len(decimals) + _THOUSAND.get(suffix.lower(), 0)
    worth = np.zeros(len(shape))
    for at in range(len(shape) - 1, -1, -1):
        if shape[at] == ord("0"):
            worth[at] = 10.0**power
            power += 1
    return (mark, worth) if power <= EXACT else None
