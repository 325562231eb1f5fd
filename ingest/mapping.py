"""Which column of a file is which column of a dataset: suggested, chosen, remembered."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any, Literal, Self

from django.utils.translation import gettext

from ingest.declarations import Dataset, Style
from ingest.facts import ColumnFacts, Facts
from ingest.matching import (
    FITTING,
    Fit,
    assigned,
    fits_of,
    fold,
    hints_of,
    placed,
    plausible,
    scaled,
    specific,
    tells_nothing,
    weak_names,
)
from skillora.lib.errors import DomainError

Word = Literal["certain", "likely", "check", "none", "remembered"]
CERTAIN, LIKELY, CHECK = 0.93, 0.72, 0.45  # scores from which a guess is called so


@dataclass
class Mapping:
    """What goes where, by canonical name.

    columns: index of the file's column. constants: the text of every cell. values: the user's translation of
    spellings. styles: what the user decided about decimal, thousands, date_order.
    """

    columns: dict[str, int] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    styles: dict[str, dict[str, str]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For `Import.mapping`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The mapping that `to_json` made."""
        return cls(**value)

    def digest(self, facts: Facts) -> str:
        """SHA-256 of all that decides how bytes become rows: same digest and same bytes, same rows."""
        styles = {name: asdict(self.style_of(name, facts)) for name in sorted(self.columns)}
        layout = [
            facts.encoding,
            facts.delimiter,
            facts.quote,
            facts.escape,
            facts.header_line,
            facts.first_line,
            facts.sheet,
            facts.member,
        ]
        text = json.dumps([self.columns, self.constants, styles, layout], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def style_of(self, column: str, facts: Facts) -> Style:
        """How the cells of a canonical column are written: as the person says, else as the facts show."""
        chosen = self.styles.get(column, {})
        known = facts.columns[self.columns[column]] if column in self.columns else None
        decimal, thousands = (known and known.number_style) or (".", "")
        return Style(
            decimal=chosen.get("decimal", decimal),  # type: ignore[arg-type]
            thousands=chosen.get("thousands", thousands),
            date_order=chosen.get("date_order", (known and known.date_order) or ""),  # type: ignore[arg-type]
            values=self.values.get(column, {}),
        )


@dataclass
class Guess:
    """What one column of the file seems to be. why: translated, e.g. "Name and values fit"."""

    column: int
    canonical: str | None
    score: float
    word: Word
    why: str


@dataclass
class Suggestion:
    """A guess per column of the file, the mapping they make, and the required columns that nothing fits."""

    guesses: list[Guess]
    mapping: Mapping
    missing: list[str]
    others: list[str] = field(default_factory=list)  # datasets that the file fits as well

    def to_json(self) -> dict[str, Any]:
        """For `Import.suggestion`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The suggestion that `to_json` made."""
        guesses = [Guess(**guess) for guess in value["guesses"]]
        mapping = Mapping.from_json(value["mapping"])
        return cls(guesses, mapping, value["missing"], list(value.get("others", [])))


def suggest(dataset: Dataset, facts: Facts) -> Suggestion:
    """The best one-to-one assignment of the file's columns to the dataset's, by names and values.

    The mapping takes what is certain or likely; a guess to be checked is shown and left to the person.
    """
    return _suggest(dataset, facts, Mapping())


def _suggest(dataset: Dataset, facts: Facts, fixed: Mapping) -> Suggestion:
    """As `suggest`, around what is fixed already."""
    if not fixed.columns and (in_order := placed(dataset, facts)):
        why = gettext("No header: by its place, the values fit")
        columns = {fit.canonical: fit.column for fit in in_order}
        by_place = [Guess(fit.column, fit.canonical, LIKELY, "likely", why) for fit in in_order]
        return Suggestion(by_place, Mapping(columns, dict(fixed.constants)), [])
    taken = {*fixed.columns.values()}
    every = chain.from_iterable(fits_of(dataset.columns, facts, weak_names(dataset.columns)))
    settled = {*fixed.columns, *fixed.constants}
    free = plausible([fit for fit in every if fit.column not in taken])
    fits = [fit for fit in free if fit.canonical not in settled]
    named = assigned([fit for fit in fits if fit.reaches(CHECK)])
    guesses = {fit.column: _guess(fit, fits, facts.columns[fit.column]) for fit in named}
    mapping = Mapping(dict(fixed.columns), dict(fixed.constants))
    sure = [fit for fit in named if guesses[fit.column].word in ("certain", "likely")]
    mapping.columns.update({fit.canonical: fit.column for fit in sure})
    for other, (text, header) in _hinted(dataset, facts, mapping, fixed).items():
        column = mapping.columns.pop(other, None)
        mapping.constants[other] = text
        for guess in [g for g in guesses.values() if g.canonical == other or g.column == column]:
            why = gettext("Left out: “%(header)s” says it for all rows") % {"header": header}
            guesses[guess.column] = Guess(guess.column, None, 0.0, "none", why)
    if not fixed.columns:
        for guess in _by_values(dataset, facts, fits, guesses, mapping):
            guesses[guess.column] = guess
    nothing = gettext("Nothing fits its name or values")
    all_guesses = [
        guesses.get(known.index) or Guess(known.index, None, 0.0, "none", nothing) for known in facts.columns
    ]
    return Suggestion(all_guesses, mapping, missing(dataset, mapping))


def _guess(fit: Fit, fits: list[Fit], known: ColumnFacts) -> Guess:
    """The chosen fit in words, doubted where another column of the file fits nearly as well."""
    rivals = [
        f for f in fits if f.canonical == fit.canonical and f.column != fit.column and f.reaches(LIKELY)
    ]
    confirmed = fit.values is not None and fit.values >= FITTING
    word: Word = "certain" if fit.score >= CERTAIN and confirmed and not rivals else "likely"
    if fit.score < LIKELY:
        word = "check"
    if confirmed:
        why = (
            gettext("Name and values fit") if fit.name >= CERTAIN else gettext("The name is near, values fit")
        )
    elif fit.values is None:
        why = gettext("The name fits, the column is empty")
    else:
        why = gettext("The name fits, the values do not look like it")
    if rivals:
        why += "; " + gettext("another column could be meant")
    if scaled(known):
        word, why = (
            "check",
            gettext("The header says thousands or the like, the cells do not: 65 would be 65"),
        )
    return Guess(fit.column, fit.canonical, round(fit.score, 3), word, why)


def _by_values(
    dataset: Dataset, facts: Facts, fits: list[Fit], guesses: dict[int, Guess], mapping: Mapping
) -> list[Guess]:
    """Guesses to check where a name says nothing, but one column alone has the values of one field alone."""
    settled = {*mapping.columns, *mapping.constants, *(guess.canonical for guess in guesses.values())}
    telling = {c.name for c in dataset.columns if c.name not in settled and specific(c)}
    named = {fit.column for fit in fits if fit.name >= CHECK} | guesses.keys()
    silent = [
        fit for fit in fits if fit.column not in named and tells_nothing(fit, facts.headers[fit.column])
    ]
    told = [fit for fit in silent if fit.canonical in telling and fit.is_told()]
    by_column, by_name = Counter(fit.column for fit in told), Counter(fit.canonical for fit in told)
    return [
        Guess(f.column, f.canonical, CHECK, "check", gettext("The values fit, the name does not"))
        for f in told
        if by_column[f.column] == by_name[f.canonical] == 1
    ]


def _hinted(dataset: Dataset, facts: Facts, mapping: Mapping, fixed: Mapping) -> dict[str, tuple[str, str]]:
    """Other column → (text, header that says so), for mapped columns whose header settles another one."""
    said: dict[str, tuple[str, str]] = {}
    for column in dataset.columns:
        if column.name not in mapping.columns:
            continue
        header = facts.columns[mapping.columns[column.name]].header
        for other, text in hints_of(column, header)[0].items():
            if other not in fixed.columns and other not in fixed.constants:
                said.setdefault(other, (text, header))
    return said


def missing(dataset: Dataset, mapping: Mapping) -> list[str]:
    """The required columns that nothing fills."""
    filled = {*mapping.columns, *mapping.constants}
    return [
        c.name
        for c in dataset.columns
        if c.required and not c.default and not c.made and c.name not in filled
    ]


def from_headers(dataset: Dataset, facts: Facts, column_map: dict[str, str], *, fill: bool) -> Mapping:
    """The mapping that `column_map` (canonical name → header) asks for; `fill` completes it by suggestion.

    A header is found as written, else without regard to case, accents and separators. "" leaves a column out.
    Errors: DomainError 422 with a pointer per wrong entry.
    """
    mapping = Mapping()
    errors: list[dict[str, object]] = []
    for name, header in column_map.items():
        try:
            index = _entry(dataset, facts, mapping, name, header)
        except DomainError as error:
            pointer = f"/column_map/{name}"
            errors.append(
                {"pointer": pointer, "code": error.code, "detail": error.message, "value": str(header)[:200]}
            )
        else:
            if index is not None:
                mapping.columns[name] = index
    if not errors:
        if fill:
            found = _suggest(dataset, facts, mapping).mapping
            left_out = {name for name, header in column_map.items() if not str(header).strip()}
            mapping.columns = {n: i for n, i in found.columns.items() if n not in left_out}
            mapping.constants = {n: t for n, t in found.constants.items() if n not in left_out}
        else:
            mapping.constants = {
                n: text for n, (text, _) in _hinted(dataset, facts, mapping, mapping).items()
            }
        errors = [
            _lacking(dataset, facts, name)
            for name in missing(dataset, mapping)
            if not dataset.column(name).may_lack  # the caller knows whether the import is lenient
        ]
    if errors:
        raise DomainError(" ".join(str(e["detail"]) for e in errors), str(errors[0]["code"]), 422, errors)
    return mapping


def _entry(dataset: Dataset, facts: Facts, mapping: Mapping, name: str, header: str) -> int | None:
    """Index of the file's column that `header` names, None where the entry is left empty."""
    dataset.column(name)
    if not isinstance(header, str):
        raise DomainError(gettext("A header is a text"), "unknown_header")
    if not header.strip():
        return None
    headers = facts.headers
    exact = [i for i, known in enumerate(headers) if known == header.strip()]
    found = exact or [i for i, known in enumerate(headers) if fold(known) == fold(header)]
    if len(found) != 1:
        message = (
            gettext("The file has no column “%(header)s”; it has: %(known)s")
            if not found
            else gettext("“%(header)s” could be several columns; write it as the file does: %(known)s")
        )
        known = ", ".join(headers[i] for i in found) or _listed(headers)
        raise DomainError(message % {"header": header[:100], "known": known}, "unknown_header")
    double = next((other for other, index in mapping.columns.items() if index == found[0]), None)
    if double:
        message = gettext("“%(header)s” is mapped to %(one)s and to %(two)s; map it to one of them")
        raise DomainError(message % {"header": header[:100], "one": double, "two": name}, "duplicate_header")
    return found[0]


def _listed(headers: list[str]) -> str:
    return ", ".join(headers[:30]) + (", …" if len(headers) > 30 else "")


def _lacking(dataset: Dataset, facts: Facts, name: str) -> dict[str, object]:
    message = gettext(
        "No column is mapped to %(name)s, and no row can be loaded without it; choose one of: %(known)s"
    )
    detail = message % {"name": name, "known": _listed(facts.headers)}
    return {"pointer": f"/column_map/{name}", "code": "missing_column", "detail": detail, "value": None}
