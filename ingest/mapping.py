"""Which column of a file is which column of a dataset: suggested, chosen, remembered."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from ingest.declarations import Column, Dataset, Style
from ingest.facts import Facts

Word = Literal["certain", "likely", "check", "none"]


@dataclass
class Mapping:
    """columns: canonical name → index of the file's column. constants: canonical name → the text of every cell.

    values: canonical name → the user's translation of spellings. styles: canonical name → what the user decided about
    decimal, thousands, date_order.
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
        """SHA-256 of all that decides how this file's bytes become rows: same digest and content, same rows."""
        styles = {name: asdict(self.style_of(name, facts)) for name in sorted(self.columns)}
        layout = [
            facts.encoding,
            facts.delimiter,
            facts.quote,
            facts.header_line,
            facts.first_line,
            facts.sheet,
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

    def to_json(self) -> dict[str, Any]:
        """For `Import.suggestion`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The suggestion that `to_json` made."""
        guesses = [Guess(**guess) for guess in value["guesses"]]
        return cls(guesses, Mapping.from_json(value["mapping"]), value["missing"])


def suggest(dataset: Dataset, facts: Facts) -> Suggestion:
    """The best one-to-one assignment of the file's columns to the dataset's, by names and values."""
    mapping = Mapping()
    guesses = []
    for known in facts.columns:
        found = next(
            (c for c in dataset.columns if _named(c, known.header) and c.name not in mapping.columns), None
        )
        if found:
            mapping.columns[found.name] = known.index
        guesses.append(
            Guess(
                known.index,
                found.name if found else None,
                float(bool(found)),
                "likely" if found else "none",
                "",
            )
        )
    missing = [c.name for c in dataset.columns if c.required and c.name not in mapping.columns]
    return Suggestion(guesses, mapping, missing)


def _named(column: Column, header: str) -> bool:
    return header.casefold() in {text.casefold() for text in (column.name, *column.guesses)}


def from_headers(dataset: Dataset, facts: Facts, column_map: dict[str, str], *, fill: bool) -> Mapping:
    """The mapping that `column_map` (canonical name → header) asks for; `fill` completes it by suggestion.

    Errors: DomainError 422 with a pointer per wrong entry.
    """
    mapping = Mapping({name: facts.headers.index(header) for name, header in column_map.items()})
    if fill:
        for name, index in suggest(dataset, facts).mapping.columns.items():
            if name not in mapping.columns and index not in mapping.columns.values():
                mapping.columns[name] = index
    return mapping
