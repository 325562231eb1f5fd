"""How well a file's column fits a dataset's: by its name, by its values, by what its header hints at."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import pyarrow as pa
from rapidfuzz import fuzz

from ingest.declarations import Column, Dataset
from ingest.facts import ColumnFacts, Facts
from ingest.kinds import Text

VALUES = 40  # distinct spellings that a kind is asked about
SPECIFIC = 0.9  # share of values that must fit where the name says nothing
FITTING = 0.4  # share from which values confirm a name; text kinds never say more than 0.5
EXACT = 0.93  # name score of a header that is one of the names, or one and a hint
PREFIXED, QUALIFIED = 0.96, 0.7  # of the score of a header without its first word, of a system's or any other
WEAK, OWNED, ELSE = (
    0.8,
    0.6,
    0.6,
)  # of the score of a name within a header: of several columns', behind an "of", …
TYPO = 0.84  # likeness from which two texts are the same with a typing error
AROUND = {"required", "optional", "mandatory", "obrigatorio", "obligatorio", "opcional", "requerido"}
AHEAD = re.compile(r"[a-z]?\d+|[a-z]|col|column|field|campo|coluna|columna|var")
OF = {"of", "de", "do", "da", "dos", "das", "del", "for", "per", "por", "para", "in", "en", "em", "no", "na"}
NEUTRAL = {"name", "nome", "nombre", "code", "codigo", "title", "titulo"}  # before an "of": the name of …
SYSTEMS = {
    "emp",
    "job",
    "data",
    "dados",
    "datos",
    "hr",
    "rh",
    "user",
    "record",
    "row",
    "the",
    "your",
    "my",
    "current",
}
OTHER = {
    *(
        "id",
        "size",
        "type",
        "number",
        "count",
        "years",
        "age",
        "url",
        "link",
        "email",
        "phone",
        "rating",
        "ratio",
    ),
    *(
        "tamano",
        "tamanho",
        "porte",
        "tipo",
        "numero",
        "quantidade",
        "cantidad",
        "anos",
        "edad",
        "idade",
        "telefono",
    ),
    *(
        "telefone",
        "nota",
        "min",
        "minimum",
        "minimo",
        "minima",
        "previous",
        "anterior",
        "expected",
        "desired",
    ),
}  # what makes a name something else
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


def fit_of(column: Column, known: ColumnFacts, weak: frozenset[str] = frozenset()) -> Fit:
    """How well a column of the file fits a canonical one; `weak` as `weak_names` gives it."""
    texts = [text.strip() for text in known.distinct[:VALUES] if text.strip()]
    values = float(column.kind.fit(pa.array(texts, pa.utf8()))) if texts else None
    hints, rest = hints_of(column, known.header)
    name = name_score(column, fold(known.header), weak)
    if hints:
        name = max(name, 0.97 * name_score(column, rest, weak))
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


def name_score(column: Column, words: str, weak: frozenset[str] = frozenset()) -> float:
    """How well folded header words name the column: 1 = exactly."""
    bare = _bare(words)
    if not any(map(str.isalpha, bare)):  # "column 12", a number: a thousand of those are soon looked at
        return 0.0
    first, _, rest = bare.partition(" ")  # "emp salary", "hiring company"
    share = PREFIXED if first in SYSTEMS else QUALIFIED
    if first in OTHER:
        share = 0.0
    return max(
        (
            max(_alike(name, bare, weak), share * _alike(name, rest, weak)) - RANK_COST * min(rank, 20)
            for rank, name in enumerate(_names(column))
        ),
        default=0.0,
    )


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


@lru_cache(maxsize=65536)
def _alike(name: str, words: str, weak: frozenset[str]) -> float:
    """How alike a name and a header are, 0..1: the same, the same but for a typing error, or one within the other."""
    if not words:
        return 0.0
    joined, other = name.replace(" ", ""), words.replace(" ", "")
    if joined == other:
        return 1.0
    share = min(len(name), len(words)) / max(len(name), len(words))
    if share >= 0.7 and joined[0] == other[0] and len(joined) >= 5:
        typed = max(fuzz.ratio(joined, other), fuzz.token_sort_ratio(name, words)) / 100
        if typed >= TYPO:
            return 0.94 * typed
    if (at := _within(name.split(), words.split())) >= 0:
        return (0.5 + 0.35 * share) * _doubt(name, words.split(), at, weak)
    if f" {words} " in f" {name} ":  # "salary" is not yet "max salary"
        return 0.45 + 0.2 * share
    return 0.0


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
