"""How well a file's column fits a dataset's: by its name, by its values, by what its header hints at."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache

import pyarrow as pa
from rapidfuzz import fuzz

from ingest.declarations import Column, Dataset, Kind
from ingest.facts import ColumnFacts, Facts
from ingest.headwords import AHEAD, ALSO_AHEAD, AROUND, NEUTRAL, OF, OTHER, SCALES, SYSTEMS
from ingest.kinds import Text

VALUES = 40  # distinct spellings that a kind is asked about
SPECIFIC = 0.9  # share of values that must fit where the name says nothing
FIRST = 5  # of them that show whether most could fit
FITTING = 0.4  # share from which values confirm a name; text kinds never say more than 0.5
EXACT = 0.93  # name score of a header that is one of the names, or one and a hint
PREFIXED, QUALIFIED = 0.96, 0.7  # of the score of a header without its first word, of a system's or any other
WEAK, OWNED, ELSE = (
    0.8,
    0.6,
    0.6,
)  # of the score of a name within a header: of several columns', behind an "of", …
NEAR, NEARER = 0.66, 0.8  # likeness of single words among several, of up to four letters and of more
TYPO = 0.84  # likeness from which two texts are the same with a typing error
RANK_COST = 0.002  # what a guess further down the list is worth less


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """A header as words: no case, accents, separators; "jobTitle", "Job-Title" and "JOB TITLE" are alike."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(re.findall(r"[^\W_]+", plain.casefold()))


class Spellings:
    """Distinct texts of a column of the file, judged by kinds when they are asked for, once."""

    def __init__(self, known: ColumnFacts) -> None:
        self._known = known

    @cached_property
    def _texts(self) -> pa.StringArray:
        texts = [text.strip() for text in self._known.distinct[:VALUES] if text.strip()]
        return pa.array(texts, pa.utf8())

    def fit(self, kind: Kind) -> float | None:
        """How well they look like a kind, None where there are none."""
        return float(kind.fit(self._texts)) if len(self._texts) else None

    def reach(self, kind: Kind, share: float) -> bool:
        """Whether that share of them could fit, by the first few alone."""
        few, count = self._texts[:FIRST], len(self._texts)
        missed = round((1 - float(kind.fit(few))) * len(few)) if count else 0
        return count > 0 and (count - missed) / count >= share


@dataclass(frozen=True)
class Fit:
    """A column of the file and a canonical one. name: 0..1. hints: other column → its text."""

    column: int
    canonical: str
    name: float
    hints: dict[str, str]
    kind: Kind = field(repr=False)
    spellings: Spellings = field(repr=False)

    @cached_property
    def values(self) -> float | None:
        """How well the values fit, 0..1; None where the column is empty."""
        return self.spellings.fit(self.kind)

    @property
    def score(self) -> float:
        """Name, confirmed or doubted by the values."""
        if self.values is None:
            return self.name * 0.95
        return self.name * (0.55 + 0.45 * min(1.0, self.values / FITTING))

    def reaches(self, score: float) -> bool:
        """Whether the score is that high; looks at values only where the name may be enough."""
        return self.name >= score and self.score >= score

    def is_told(self) -> bool:
        """Whether its values alone tell the column."""
        return self.spellings.reach(self.kind, SPECIFIC) and (self.values or 0.0) >= SPECIFIC


def fits_of(
    columns: Sequence[Column], facts: Facts, weak: frozenset[str] = frozenset()
) -> Iterator[list[Fit]]:
    """How well each column of the file fits each of these; `weak` as `weak_names` gives it."""
    names = [_names(column) for column in columns]
    for known in facts.columns:
        spellings, bare = Spellings(known), _bare(fold(known.header))
        fits = []
        for column, called in zip(columns, names, strict=True):
            hints, rest = hints_of(column, known.header)
            name = _name_score(called, bare, weak)
            if hints:
                name = max(name, 0.97 * _name_score(called, _bare(rest), weak))
            fits.append(Fit(known.index, column.name, name, hints, column.kind, spellings))
        yield fits


def placed(dataset: Dataset, facts: Facts) -> list[Fit]:
    """A file without header, read by place: its columns as the dataset lists them, where all values fit, else []."""
    if facts.header_line or len(facts.columns) != len(dataset.columns):
        return []
    fits = [every[place] for place, every in enumerate(fits_of(dataset.columns, facts))]
    for column, fit in zip(dataset.columns, fits, strict=True):
        needed = FITTING if isinstance(column.kind, Text) else SPECIFIC
        if column.required and (fit.values or 0.0) < needed:
            return []
    return fits


def weak_names(columns: tuple[Column, ...]) -> frozenset[str]:
    """Single words that name one column and are part of another's names: "job", of "job city"."""
    return _weak_names(tuple(_names(column) for column in columns))


@cache
def _weak_names(names: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    words = [{word for name in every for word in name.split()} for every in names]
    return frozenset(
        name
        for own, every in enumerate(names)
        for name in every
        if " " not in name and any(name in others for key, others in enumerate(words) if key != own)
    )


def hints_of(column: Column, header: str) -> tuple[dict[str, str], str]:
    """(other column → text, the header's other words, "" without any): what the header says besides the name."""
    if not column.hints:
        return {}, ""
    words = f" {fold(header)} "
    found: dict[str, str] = {}
    for said, other, text, phrase in _phrases(column.hints):
        if (phrase in words if phrase else said in header) and found.setdefault(other, text) == text:
            words = words.replace(f" {fold(said)} ", " ")
    if not found:
        return {}, ""
    rest = re.sub(r" (in|em|en|por|per|the) (?=$)", " ", words)
    return found, " ".join(rest.split())


@cache
def _phrases(hints: tuple[tuple[str, str, str], ...]) -> list[tuple[str, str, str, str]]:
    """Hints, longer ones first, with their folded words; "" for signs as "R$", "€" that folding would lose."""
    return [
        (said, other, text, f" {fold(said)} " if said.replace(" ", "").isalnum() else "")
        for said, other, text in sorted(hints, key=lambda hint: -len(hint[0]))
    ]


@lru_cache(maxsize=65536)
def _name_score(names: tuple[str, ...], bare: str, weak: frozenset[str]) -> float:
    """How well the bare words of a header name a column that may be called so: 1 = exactly."""
    if not any(map(str.isalpha, bare)):  # "column 12", a number: a thousand of those are soon looked at
        return 0.0
    first, _, rest = bare.partition(" ")  # "emp salary", "hiring company"
    share = PREFIXED if first in SYSTEMS else QUALIFIED
    if first in OTHER:
        share = 0.0
    initials = _initials(bare)
    scores = (
        max(_alike(name, bare, weak), share * _alike(name, rest, weak)) - RANK_COST * min(rank, 20)
        for rank, name in enumerate(names)
        if not initials.isdisjoint(_initials(name))
    )
    return max(0.0, max(scores, default=0.0))


@lru_cache(maxsize=65536)
def _initials(words: str) -> frozenset[str]:
    """The first letters of words; texts that have none in common are not alike."""
    return frozenset(word[0] for word in words.split())


def _names(column: Column) -> tuple[str, ...]:
    """What the column may be called, folded, the likeliest first."""
    return tuple(filter(None, map(fold, (column.name, *column.guesses, str(column.label)))))


@lru_cache(maxsize=65536)
def _bare(words: str) -> str:
    """Without what forms and exports put around a name: "Q3:", "1.", "f_", "(required)"."""
    tokens = [token for token in words.split() if token not in AROUND]
    while len(tokens) > 1 and (AHEAD.fullmatch(tokens[0]) or tokens[0] == tokens[1]):
        tokens.pop(0)
    while len(tokens) > 1 and tokens[-1].isdigit():
        tokens.pop()
    return " ".join(tokens) or words


def _alike(name: str, words: str, weak: frozenset[str]) -> float:
    """How alike a name and a header are, 0..1: the same, the same but for a typing error, or one within the other."""
    if not words:
        return 0.0
    share = min(len(name), len(words)) / max(len(name), len(words))
    if name[0] == words[0]:
        joined, other = name.replace(" ", ""), words.replace(" ", "")
        if joined == other:
            return 1.0
        if share >= 0.7 and len(joined) >= 5 and _word_by_word(name.split(), words.split()):
            typed = max(fuzz.ratio(joined, other), fuzz.token_sort_ratio(name, words)) / 100
            if typed >= TYPO:
                return 0.94 * typed
    letters, others = _initials(name), _initials(words)
    if letters <= others and (at := _within(name.split(), words.split())) >= 0:
        return (0.5 + 0.35 * share) * _doubt(name, words.split(), at, weak)
    if others <= letters and f" {words} " in f" {name} ":  # "salary" is not yet "max salary"
        return 0.45 + 0.2 * share
    return 0.0


def _word_by_word(one: list[str], two: list[str]) -> bool:
    """Whether a typing error may part them: "fecha de baja" is no "fecha de alta", "salary id" no "salary"."""
    if len(one) != len(two):
        return abs(sum(map(len, one)) - sum(map(len, two))) <= 1
    return any(
        all(_near(a, b) for a, b in zip(first, second, strict=True))
        for first, second in ((one, two), (sorted(one), sorted(two)))
    )


def _near(one: str, two: str) -> bool:
    """Whether single words, among several, are the same with a typing error: "minimum" is not "maximum"."""
    return fuzz.ratio(one, two) >= 100 * (NEAR if len(one) < 5 else NEARER)


def tells_nothing(fit: Fit, header: str) -> bool:
    """Whether a header names nothing that is known: it may be a word of another language, or a number."""
    words = _bare(fold(header)).split()
    known = any(word in OTHER or word.startswith(ALSO_AHEAD) for word in words)
    return not known and fit.name == 0 and len(words) < 2


def _doubt(name: str, words: list[str], at: int, weak: frozenset[str]) -> float:
    """How far the words around a name within a header leave it what it is, 0..1."""
    before, others = words[:at], {*words} - {*name.split()}
    owned = any(word in OF for word in before) and before[0] not in NEUTRAL
    return (WEAK if name in weak else 1.0) * (OWNED if owned else 1.0) * (ELSE if others & OTHER else 1.0)


def _within(name: list[str], words: list[str]) -> int:
    """Where the words of a name stand one after another among others, -1 = nowhere; typing errors allowed."""
    for at in range(len(words) - len(name) + 1):
        if all(_same(one, two) for one, two in zip(name, words[at:], strict=False)):
            return at
    return -1


@lru_cache(maxsize=65536)
def _same(one: str, two: str) -> bool:
    if one == two:
        return True
    return len(one) >= 5 and one[0] == two[0] and fuzz.ratio(one, two) >= 100 * TYPO


def specific(column: Column) -> bool:
    """Whether its values alone tell a column: not where any number would do."""
    return float(column.kind.fit(pa.array(["7", "48", "1350", "20770"], pa.utf8()))) < FITTING


def scaled(known: ColumnFacts) -> bool:
    """Whether a header gives its numbers a scale that the cells do not have: "Pay (k€)" above 65."""
    numbers = known.number_style is not None and not any(text[-1:].isalpha() for text in known.distinct)
    return numbers and not SCALES.isdisjoint(fold(known.header).split())


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
