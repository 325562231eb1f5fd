"""Money: `1.234,56`, `1,234.56`, `1'234.56`, `$120k`, `R$ 9.850,50`, `120-150k`. Never through float()."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from ingest import reasons
from ingest.declarations import Style, Verdicts

NOT_AN_AMOUNT = reasons.number("not_an_amount")
NOT_POSITIVE = reasons.number("amount_not_positive")
TOO_LARGE = reasons.number("amount_too_large")
AMBIGUOUS = reasons.number("amount_ambiguous")
REVERSED = reasons.number("range_reversed")

_SYMBOL = r"(?:US|R|A|C|NZ|MX|CA|AU|S|HK|S/)?[$€£¥₹₩₽₺₪]|S/|zł|kr|CHF|[A-Z]{3}"
FEW = 2_000  # spellings that are sooner read one by one than scanned for each sign
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
        for mark in ("$", *self.signs):
            if len(odd) <= FEW:
                break
            rest = texts if len(odd) == len(texts) else texts.take(pa.array(odd))
            regular = np.asarray(
                pc.match_substring_regex(rest, _regular(style.decimal, style.thousands, mark))
            )
            if regular.any():
                found = rest if regular.all() else rest.filter(pa.array(regular))
                low[odd[regular]] = _vectorised(found, style)
                sign[odd[regular]] = self.signs.get(mark, 0)
                odd = odd[~regular]
        judged: dict[str, tuple[int, int, int]] = {}
        for i, text in zip(odd.tolist(), texts.take(pa.array(odd)).to_pylist(), strict=True):
            if text not in judged:
                judged[text] = parse(text, style) if len(text) <= 80 else (0, 0, NOT_AN_AMOUNT)
            low[i], high[i], codes[i] = judged[text]
            sign[i] = self._sign(text)
        codes[(codes == 0) & (low <= 0)] = NOT_POSITIVE
        codes[(codes == 0) & (np.maximum(low, high) > self.maximum * 100)] = TOO_LARGE
        return Verdicts({attname: low, attname + "_max": high, attname + "_sign": sign}, codes)

    def _sign(self, text: str) -> int:
        """The number of the longest sign in the text."""
        found = self._marks.search(text) if self.signs else None
        return self.signs[found[0]] if found else 0

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        """Any of the signs, the longest where several begin."""
        return re.compile("|".join(map(re.escape, sorted(self.signs, key=len, reverse=True))))

    def fit(self, texts: pa.StringArray) -> float:
        found = [min(parse(text[:80], style)[2] for style in _STYLES) == 0 for text in texts.to_pylist()]
        return sum(found) / len(found) if found else 0.0

    def help(self, text: str) -> str:
        return _("write it as 85000 or 85,000.50 or 85k")


_POWERS = np.array([*(10**power for power in range(17)), 0], np.int64)
_STYLES = (Style(), Style(decimal=",", thousands="."))


@lru_cache
def _regular(decimal: str, thousands: str, mark: str) -> str:
    """What the vectorised path may read: twelve digits, grouped or not, at most two decimals."""
    grouped = rf"[0-9]{{1,3}}(?:\{thousands}[0-9]{{3}}){{1,3}}|" if thousands else ""
    return rf"^(?:{re.escape(mark)})? ?(?:{grouped}[0-9]{{1,12}})(?:\{decimal}[0-9]{{1,2}})?$"


def _vectorised(texts: pa.StringArray, style: Style) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Hundredths of spellings that match `_regular`: the sum of what each digit is worth, all bytes at once."""
    _validity, offsets, data = texts.buffers()
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    characters = np.frombuffer(data, np.uint8)[edges[0] : edges[-1]]
    starts, ends = edges[:-1] - edges[0], edges[1:] - edges[0]
    decimals = np.zeros(len(texts), np.int32)
    for count in (1, 2):
        at = ends - 1 - count
        decimals[(at >= starts) & (characters[at] == ord(style.decimal))] = count
    digits = characters - np.uint8(ord("0"))  # wraps to more than 9 for other signs
    is_digit = digits <= 9
    seen = np.cumsum(is_digit, dtype=np.int32)
    power = np.repeat(seen[ends - 1] + 2 - decimals, ends - starts) - seen  # of ten: the digits that follow
    worth = digits * _POWERS[np.where(is_digit, power, -1)]
    return np.add.reduceat(worth, starts)
