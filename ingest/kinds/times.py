"""Moments: ISO 8601 only, kept in UTC."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from ingest import reasons
from ingest.declarations import Style, Verdicts

NOT_A_TIME = reasons.number("not_a_time")
OUT_OF_RANGE = reasons.number("date_out_of_range")

_DAY = (  # every day but 29 February, which Python judges
    r"[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_PLAIN = rf"^{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,6}})?Z$"
_ANY = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,]([0-9]{1,6})0*)? ?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_FURTHEST = timedelta(hours=14)  # of a zone from UTC


def parse(text: str) -> datetime | int:
    """One spelling → its moment in UTC without a zone, or a reason's number."""
    match = _ANY.fullmatch(text)
    if match is None:
        return NOT_A_TIME
    day, clock, fraction, zone = match.groups()
    if day.startswith("0000"):
        return OUT_OF_RANGE
    try:
        found = datetime.fromisoformat(f"{day}T{clock or '00:00'}")
    except ValueError:
        return NOT_A_TIME
    if fraction:
        found += timedelta(microseconds=int(fraction.ljust(6, "0")))
    if zone and zone not in "Zz":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        if ahead > _FURTHEST or int(digits[2:]) > 59:
            return NOT_A_TIME
        try:
            found += ahead if zone[0] == "-" else -ahead
        except OverflowError:
            return OUT_OF_RANGE
    return found


@dataclass(frozen=True, kw_only=True)
class DateTime:
    """A moment between two years of UTC, both inclusive; the output is datetime64[us] in UTC, NaT = empty.

    Without a zone it is UTC, a day alone is its midnight: one rule, shown beside the column. Refused: 24:00, leap
    seconds, days that are not, more than microseconds, and every order but year-month-day.
    """

    first_year: int = 1900
    last_year: int = 2199
    outputs = ("",)
    blank = np.datetime64("NaT", "us")

    def clean(self, texts: pa.StringArray, style: Style, attname: str) -> Verdicts:
        plain = np.asarray(pc.match_substring_regex(texts, _PLAIN))
        moments = np.full(len(texts), np.datetime64("NaT", "us"))
        codes = np.zeros(len(texts), np.uint8)
        usual = texts if plain.all() else texts.filter(pa.array(plain))
        moments[plain] = np.asarray(pc.cast(usual, pa.timestamp("us", "UTC"))).astype("datetime64[us]")
        odd = np.flatnonzero(~plain)
        for i, text in zip(odd, texts.take(pa.array(odd)).to_pylist(), strict=True):
            found = parse(text)
            if isinstance(found, int):
                codes[i] = found
            else:
                moments[i] = found
        first, end = np.datetime64(f"{self.first_year}-01-01"), np.datetime64(f"{self.last_year + 1}-01-01")
        codes[(codes == 0) & ((moments < first) | (moments >= end))] = OUT_OF_RANGE
        return Verdicts({attname: moments}, codes)

    def fit(self, texts: pa.StringArray) -> float:
        return float(np.mean(self.clean(texts, Style(), "").codes == 0)) if len(texts) else 0.0

    def help(self, text: str) -> str:
        return _(
            "write it as 2021-07-27T16:02:08Z, between %(first)d and %(last)d; without a zone it is UTC"
        ) % {
            "first": self.first_year,
            "last": self.last_year,
        }
