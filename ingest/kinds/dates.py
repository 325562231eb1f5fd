"""Dates: ISO, day or month first as the file decides, months by name, a month or a year alone."""

import re
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from ingest import reasons
from ingest.declarations import Style, Verdicts
from ingest.kinds.spelling import folded

NOT_A_DATE = reasons.number("not_a_date")
AMBIGUOUS = reasons.number("date_ambiguous")
OUT_OF_RANGE = reasons.number("date_out_of_range")

_ISO = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])$"  # days that every month has
_TIME = re.compile(r"(?:T|\s)\s*[0-9]{1,2}:[0-9]{2}.*$")
_YEAR_FIRST = re.compile(r"([0-9]{4})(?:[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?)?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4}|[0-9]{2})")
_MONTH_YEAR = re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})")
_WORDS = re.compile(r"(?:([0-9]{1,2}) )?(?:de )?([a-z]{3,10})(?: ([0-9]{1,2}))?(?: de| del)? ([0-9]{4})")
_MONTH_NAMES = (
    "jan january janeiro ene enero",
    "feb february fev fevereiro febrero",
    "mar march marco marzo",
    "apr april abr abril",
    "may mai maio mayo",
    "jun june junho junio",
    "jul july julho julio",
    "aug august ago agosto",
    "sep sept september set setembro septiembre",
    "oct october out outubro octubre",
    "nov november novembro noviembre",
    "dec december dez dezembro dic diciembre",
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}


def _ordered(first: int, second: int, year: int, order: str) -> tuple[int, int, int] | None:
    """(year, month, day) of two numbers and a year; None where nothing decides."""
    if first > 12 or (order == "dmy" and second <= 12):
        return year, second, first
    if second > 12 or order == "mdy":
        return year, first, second
    if first == second:
        return year, first, second
    return None


def parse(text: str, style: Style) -> date | int:
    """One spelling → its date (the first day of a month or year alone), or a reason's number."""
    text = _TIME.sub("", text[:60]).strip()
    parts: tuple[int, int, int] | None
    if match := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        parts = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    elif match := _MONTH_YEAR.fullmatch(text):
        parts = int(match[2]), int(match[1]), 1
    elif match := _YEAR_LAST.fullmatch(text):
        year = int(match[3]) + (
            2000 if len(match[3]) == 2 and int(match[3]) < 70 else 1900 * (len(match[3]) == 2)
        )
        parts = _ordered(int(match[1]), int(match[2]), year, style.date_order)
        if parts is None:
            return AMBIGUOUS
    elif (match := _WORDS.fullmatch(folded(text).replace(",", ""))) and match[2] in _MONTHS:
        parts = int(match[4]), _MONTHS[match[2]], int(match[1] or match[3] or 1)
    else:
        return NOT_A_DATE
    try:
        return date(*parts)
    except ValueError:
        return NOT_A_DATE


@dataclass(frozen=True, kw_only=True)
class Date:
    """A day between two years, both inclusive; the output is datetime64[D], NaT = empty."""

    first_year: int = 1950
    last_year: int = 2100
    outputs = ("",)
    blank = np.datetime64("NaT", "D")

    def clean(self, texts: pa.StringArray, style: Style, attname: str) -> Verdicts:
        iso = np.asarray(pc.match_substring_regex(texts, _ISO))
        days = np.full(len(texts), np.datetime64("NaT", "D"))
        codes = np.zeros(len(texts), np.uint8)
        days[iso] = np.asarray(pc.cast(texts.filter(pa.array(iso)), pa.date32())).astype("datetime64[D]")
        odd = np.flatnonzero(~iso)
        for i, text in zip(odd, texts.take(pa.array(odd)).to_pylist(), strict=True):
            found = parse(text, style)
            if isinstance(found, int):
                codes[i] = found
            else:
                days[i] = found
        first, last = np.datetime64(f"{self.first_year}-01-01"), np.datetime64(f"{self.last_year}-12-31")
        codes[(codes == 0) & ((days < first) | (days > last))] = OUT_OF_RANGE
        return Verdicts({attname: days}, codes)

    def fit(self, texts: pa.StringArray) -> float:
        verdict = self.clean(texts, Style(), "").codes
        return float(np.mean((verdict == 0) | (verdict == AMBIGUOUS))) if len(texts) else 0.0

    def help(self, text: str) -> str:
        return _("write it as 2025-06-30, between %(first)d and %(last)d") % {
            "first": self.first_year,
            "last": self.last_year,
        }
