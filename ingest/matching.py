"""How well a file's column fits a dataset's: by its name, by its values, by what its header hints at."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import pyarrow as pa
from rapidfuzz import fuzz

from ingest.declarations import Column, Dataset
from ingest.facts import ColumnFacts, Facts
from ingest.kinds import Text

VALUES = 40  # distinct spellings that a kind is asked about
SPECIFIC = 0.9  # share of values that must fit where the name says nothing
FITTING = 0.4  # share from which values confirm a name; text kinds never say more than 0.5
EXACT = 0.93  # name score of a header that is one of the names, or one and a hint
RANK_COST = 0.002  # what a guess further down the list is worth less


@cache
def fold(text: str) -> str:
    """A header as words: no case, accents, separators; "jobTitle", "Job-Title" and "JOB TITLE" are alike."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(re.findall(r"[^\W_]+", plain.casefold()))


@dataclass(frozen=True)
class Fit:
    """name, values: 0..1; values is None where the column is empty. hints: other column → its text."""

    column: int
    canonical: str
    name: float
    values: float | None
    hints: dict[str, str]

    @property
    def score(self) -> float:
        """Name, confirmed or doubted by the values."""
        if self.values is None:
            return self.name * 0.95
        return self.name * (0.55 + 0.45 * min(1.0, self.values / FITTING))


def fit_of(column: Column, known: ColumnFacts) -> Fit:
    """How well a column of the file fits a canonical one."""
    texts = [text.strip() for text in known.distinct[:VALUES] if text.strip()]
    values = float(column.kind.fit(pa.array(texts, pa.utf8()))) if texts else None
    hints, rest = hints_of(column, known.header)
    name = name_score(column, fold(known.header))
    if hints:
        name = max(name, 0.97 * name_score(column, rest))
    return Fit(known.index, column.name, name, values, hints)


def placed(dataset: Dataset, facts: Facts) -> list[Fit]:
    """A file without header, read by place: its columns as the dataset lists them, where all values fit, else []."""
    if facts.header_line or len(facts.columns) != len(dataset.columns):
        return []
    fits = [fit_of(column, known) for column, known in zip(dataset.columns, facts.columns, strict=True)]
    for column, fit in zip(dataset.columns, fits, strict=True):
        needed = FITTING if isinstance(column.kind, Text) else SPECIFIC
        if column.required and (fit.values or 0.0) < needed:
            return []
    return fits


def hints_of(column: Column, header: str) -> tuple[dict[str, str], str]:
    """(other column → text, the header's remaining words): what the header says besides the name."""
    words = f" {fold(header)} "
    found: dict[str, str] = {}
    for said, other, text in sorted(column.hints, key=lambda hint: -len(hint[0])):
        phrase = f" {fold(said)} "
        is_sign = not said.replace(" ", "").isalnum()  # "R$", "€": folding would lose it
        if (said in header if is_sign else phrase in words) and found.setdefault(other, text) == text:
            words = words.replace(phrase, " ")
    rest = re.sub(r" (in|em|en|por|per|the) (?=$)", " ", words)
    return found, " ".join(rest.split())


def name_score(column: Column, words: str) -> float:
    """How well folded header words name the column: 1 = exactly."""
    names = [fold(text) for text in (column.name, *column.guesses, str(column.label))]
    return max(
        (_alike(name, words) - RANK_COST * min(rank, 20) for rank, name in enumerate(names) if name),
        default=0.0,
    )


def _alike(name: str, words: str) -> float:
    if not words:
        return 0.0
    if name == words or name.replace(" ", "") == words.replace(" ", ""):
        return 1.0
    share = min(len(name), len(words)) / max(len(name), len(words))
    if f" {name} " in f" {words} ":
        return 0.5 + 0.35 * share
    if f" {words} " in f" {name} ":  # "salary" is not yet "max salary"
        return 0.45 + 0.2 * share
    alike = max(fuzz.ratio(name, words), fuzz.token_sort_ratio(name, words)) / 100
    return 0.92 * alike if alike >= 0.84 and min(len(name), len(words)) >= 4 else 0.0


def plausible(fits: list[Fit]) -> list[Fit]:
    """Without the fits of a header that names another column exactly."""
    best: dict[int, float] = {}
    for fit in fits:
        best[fit.column] = max(best.get(fit.column, 0.0), fit.name)
    return [fit for fit in fits if best[fit.column] < EXACT or fit.name > best[fit.column] - 0.1]


def assigned(fits: list[Fit]) -> list[Fit]:
    """The one-to-one choice of the greatest sum: best first, then exchanged in pairs where that helps."""
    by_pair = {(fit.column, fit.canonical): fit for fit in fits}
    chosen: dict[str, Fit] = {}
    for fit in sorted(fits, key=lambda fit: -fit.score):
        if fit.canonical not in chosen and all(other.column != fit.column for other in chosen.values()):
            chosen[fit.canonical] = fit
    names = list(chosen)
    for first in names:
        for second in names:
            one = by_pair.get((chosen[second].column, first))
            two = by_pair.get((chosen[first].column, second))
            if one and two and one.score + two.score > chosen[first].score + chosen[second].score + 1e-9:
                chosen[first], chosen[second] = one, two
    return list(chosen.values())
