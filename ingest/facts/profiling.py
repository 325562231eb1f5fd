"""A profile of every column out of all its cells: how full, which spellings, how numbers and dates look.

Vectorised expressions over each batch; those that cannot change a verdict any more are not evaluated again.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext

from ingest.facts.record import ColumnFacts, DateOrder, Facts
from ingest.kinds.shapes import shapes_of
from ingest.readers import FIRST_BYTES, read

SPELLINGS = 2000  # distinct spellings of a column that are counted
PER_BATCH = 400  # of them, from one batch
KEPT = 60  # of them, remembered
SHAPES = 20_000  # of a column's numbers, kept until they are looked at
TEXT_MAX = 100  # characters kept of a spelling
FEW = 200  # texts, up to which Arrow's compiling of a pattern, at each call, costs more than its matching

NUMBER = r"^\D{0,4}\d[\d.,'\x{2019}\s\x{a0}\x{202f}]*[kKmM]?\s*\D{0,6}[\d.,'\x{2019}\s\x{a0}\x{202f}]*[kKmM]?\D{0,12}$"
DATE = r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ](\d{4}|\d{2}))(\D.*)?$"
DATE_SIGNS = {
    "ymd": r"^\s*\d{4}[-/.]",
    "dmy": r"^\s*(1[3-9]|[23]\d)[-/. ]\d{1,2}[-/. ]\d{2}",
    "mdy": r"^\s*\d{1,2}[-/. ](1[3-9]|[23]\d)[-/. ]\d{2}",
    "open": r"^\s*\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2}",
}
_END = r"([^\d.,]|$)"
NUMBER_SIGNS = {
    "decimal .": rf"\.(\d{{1,2}}{_END}|\d{{4}})|,\d{{3}}\.\d|(^|\D)0\.\d",
    "decimal ,": rf",(\d{{1,2}}{_END}|\d{{4}})|\.\d{{3}},\d|(^|\D)0,\d",
    "thousands .": r"\d\.\d{3}[.,]\d",
    "thousands ,": r"\d,\d{3}[.,]\d",
    "single .": rf"(^|[^\d.,])\d{{1,3}}\.\d{{3}}{_END}",
    "single ,": rf"(^|[^\d.,])\d{{1,3}},\d{{3}}{_END}",
    "round .": rf"\.\d00{_END}",
    "round ,": rf",\d00{_END}",
    "thousands '": "\\d['\u2019]\\d{3}",
    "thousands  ": "\\d[ \u00a0\u202f]\\d{3}",
}


@dataclass
class _Column:
    """What has been seen of one column."""

    filled: int = 0
    spellings: dict[str, int] = field(default_factory=dict)
    kind: str = ""  # number, date, text; decided from the first spellings
    signs: Counter[str] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)  # of numbers whose signs are not counted yet

    def count_coded(self, coded: pa.DictionaryArray) -> pa.StringArray:
        """Count a batch's cells, dictionary-encoded; its spellings."""
        texts = pc.utf8_trim_whitespace(coded.dictionary)
        counts = np.bincount(coded.indices.to_numpy(zero_copy_only=True), minlength=len(texts))
        counts[pc.equal(texts, "").to_numpy(zero_copy_only=False)] = 0
        self.filled += int(counts.sum())
        self._count(texts, counts)
        return texts

    def count_plain(self, texts: pa.StringArray) -> pa.StringArray:
        """Count a batch's cells; the spellings of few ones too."""
        if len(texts) <= FEW:
            return self.count_coded(texts.dictionary_encode())
        self.filled += len(texts) - (pc.sum(pc.equal(texts, "")).as_py() or 0)
        return texts

    @property
    def repeats(self) -> bool:
        """Whether few spellings fill many cells, so that encoding them pays."""
        return len(self.spellings) * 4 < min(self.filled, PER_BATCH * 4)

    def _count(self, texts: pa.StringArray, counts: "np.ndarray[Any, Any]") -> None:
        """Count the batch's most frequent spellings."""
        if len(self.spellings) >= SPELLINGS:
            return
        order = np.argsort(-counts, kind="stable")[:PER_BATCH]
        order = order[counts[order] > 0]
        for text, count in zip(texts.take(pa.array(order)).to_pylist(), counts[order].tolist(), strict=True):
            self.spellings[text] = self.spellings.get(text, 0) + count

    def look(self, texts: pa.StringArray) -> None:
        """Count how numbers or dates are written; dates only by signs that can still change the verdict."""
        if self.kind == "number":
            self.shapes.update(_shapes(texts.filter(pc.invert(pc.ascii_is_decimal(texts)))))
            if len(self.shapes) > SHAPES:
                self.settle()
        elif self.kind == "date":
            for sign, pattern in DATE_SIGNS.items():
                if not self.signs[sign]:
                    self.signs[sign] = int(_found(pattern, texts).sum())

    def settle(self) -> None:
        """Count the signs of the shapes seen."""
        texts = pa.array(self.shapes, pa.utf8())
        counts = np.fromiter(self.shapes.values(), np.int64, len(texts))
        for sign, pattern in NUMBER_SIGNS.items():
            self.signs[sign] += int(counts[_found(pattern, texts)].sum())
        self.shapes.clear()


def _shapes(texts: pa.StringArray) -> Mapping[str, int]:
    """How many texts there are of each shape; to the patterns of numbers all digits but 0 are the same."""
    if len(texts) <= FEW:
        return Counter(texts.to_pylist())
    found = shapes_of(texts, zeros=True)
    shapes = [shape.lstrip(b"\0").decode() for shape in found.shapes.dictionary.to_pylist()]
    counts = np.bincount(found.shapes.indices.to_numpy(), minlength=len(shapes)).tolist()
    long = np.ones(len(texts), np.bool_)
    long[found.short] = False
    return Counter(dict(zip(shapes, counts, strict=True))) + Counter(texts.filter(pa.array(long)).to_pylist())


def _found(pattern: str, texts: pa.StringArray) -> "np.ndarray[Any, Any]":
    """In which of the texts a pattern, one whose repetitions are bounded, is found."""
    if len(texts) > FEW:
        return np.asarray(pc.match_substring_regex(texts, pattern))
    search = re.compile(pattern, re.ASCII).search
    return np.array([search(text) is not None for text in texts.to_pylist()], np.bool_)


def _decide_kinds(columns: Sequence[_Column]) -> None:
    """What most of the spellings of each column look like; all columns at once, as a pattern is slow to compile."""
    spellings = [list(column.spellings)[:FEW] for column in columns]
    texts = pa.array(chain.from_iterable(spellings), pa.utf8())
    dates, numbers = (pc.match_substring_regex(texts, pattern) for pattern in (DATE, NUMBER))
    start = 0
    for column, own in zip(columns, spellings, strict=True):
        enough, count = 0.6 * len(own), len(own)
        is_date = dates.slice(start, count).true_count >= enough
        is_number = numbers.slice(start, count).true_count >= enough
        column.kind = "date" if is_date else "number" if is_number else "text"
        start += count


def profile(path: Path, facts: Facts) -> None:
    """Fill `facts` with row counts and what all cells of each column show."""
    facts.even = False  # what this reading finds out
    seen = [_Column() for _ in facts.columns]
    coded = set(range(len(seen)))  # after the first batch only dates and columns whose spellings repeat
    rows = faults = 0
    even = not facts.sheet
    for number, batch in enumerate(read(path, facts, coded, ahead=facts.size > FIRST_BYTES)):
        rows += len(batch)
        faults += len(batch.faults)
        even &= batch.even
        if not batch.strict:
            facts.lane = "careful"
        texts = [
            column.count_coded(cells) if isinstance(cells, pa.DictionaryArray) else column.count_plain(cells)
            for column, cells in zip(seen, batch.columns, strict=True)
        ]
        if undecided := [column for column in seen if column.spellings and not column.kind]:
            _decide_kinds(undecided)
        for index, (column, cells) in enumerate(zip(seen, texts, strict=True)):
            column.look(cells)
            if number == 0 and column.kind in {"number", "text"} and not column.repeats:
                coded.discard(index)
    facts.rows, facts.faults, facts.even = rows + faults, faults, even
    for column, known in zip(seen, facts.columns, strict=True):
        _conclude(column, known, facts.delimiter)


def _conclude(seen: _Column, column: ColumnFacts, delimiter: str) -> None:
    frequent = sorted(seen.spellings, key=lambda text: -seen.spellings[text])
    column.filled = seen.filled
    column.distinct = [text[:TEXT_MAX] for text in frequent[:KEPT]]
    column.samples = _telling(column.distinct)
    if seen.kind == "number":
        seen.settle()
        column.number_style, column.question = number_style(seen.signs, delimiter)
    elif seen.kind == "date":
        column.date_order, column.question = date_order(seen.signs)


def _telling(texts: list[str]) -> list[str]:
    """Three different texts: the most frequent, the longest and the shortest."""
    if not texts:
        return []
    chosen = [texts[0], max(texts, key=len), min(texts, key=len), *texts[1:3]]
    return list(dict.fromkeys(chosen))[:3]


def date_order(signs: dict[str, int]) -> tuple[DateOrder, str]:
    """(order, question) out of how many spellings show each order."""
    day, month = signs.get("dmy", 0), signs.get("mdy", 0)
    if day and month:
        return "", gettext("Some dates here are day first, others month first. Which are right?")
    if day or month:
        return ("dmy" if day else "mdy"), ""
    if signs.get("open", 0):
        return "", gettext("Is the day or the month first in these dates?")
    return "ymd", ""


def number_style(signs: dict[str, int], delimiter: str) -> tuple[tuple[str, str], str]:
    """((decimal, thousands), question) out of how many spellings show each sign."""
    has = {name for name, count in signs.items() if count}
    spaced = "'" if "thousands '" in has else " " if "thousands  " in has else ""
    point = {"decimal .", "thousands ,"} & has
    comma = {"decimal ,", "thousands ."} & has
    if point and comma:
        return (".", ","), gettext(
            "Some numbers here have a decimal point, others a decimal comma. Which are right?"
        )
    if point or comma:
        decimal, other = (".", ",") if point else (",", ".")
        grouped = {f"thousands {other}", f"single {other}"} & has
        clash = f"single {decimal}" in has and f"decimal {decimal}" not in has
        question = gettext("Is 1%(sign)s234 here more than a thousand, or a bit more than one?") % {
            "sign": decimal
        }
        return (decimal, spaced or (other if grouped else "")), question if clash else ""
    return _grouped(signs, has, spaced, delimiter)


def _grouped(
    signs: dict[str, int], has: set[str], spaced: str, delimiter: str
) -> tuple[tuple[str, str], str]:
    """Only numbers like 173.000, or none with a sign: thousands where there are enough to be sure."""
    singles = [sign for sign in ".," if f"single {sign}" in has]
    if not singles:
        return (".", spaced), ""
    if len(singles) == 2:
        return (".", ","), gettext(
            "Some numbers here are written 1.234, others 1,234. Which sign is decimal?"
        )
    sign = singles[0]
    count, round_ones = signs[f"single {sign}"], signs.get(f"round {sign}", 0)
    style = (",", ".") if sign == "." else (".", ",")
    if count >= 20 or (count >= 3 and round_ones * 2 >= count) or (sign == "," and delimiter == ","):
        return style, ""
    return style, gettext("Is 1%(sign)s234 here more than a thousand, or a bit more than one?") % {
        "sign": sign
    }
