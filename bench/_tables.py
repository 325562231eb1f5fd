"""One clean table, seeded, and how it is written as text. Nothing here knows any reader."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

Table = list[list[str]]
HEADER = ["posted", "role", "employer", "town", "amount", "notes", "ref"]


@dataclass(frozen=True)
class Dirty:
    """A spoilt file and what it says. header: [] where it has none. weight: how common such files are, by guess."""

    name: str
    data: bytes
    header: list[str]
    records: Table
    weight: float = 1.0


@dataclass(frozen=True)
class Writing:
    """How a table is written as text."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""  # "": quotes inside are doubled; "none": they stand as they are
    newline: str = "\n"
    everything: bool = False  # quote every cell
    after: str = ""  # at the end of every row
    plain: frozenset[int] = field(default_factory=frozenset)  # rows without any quoting

    def cell(self, text: str) -> str:
        """One cell."""
        special = (self.delimiter.strip() or self.delimiter, self.quote, "\n", "\r")
        if not self.everything and not any(sign and sign in text for sign in special):
            return text
        inside = text
        if self.escape == "\\":
            inside = text.replace(self.quote, "\\" + self.quote)
        elif not self.escape:
            inside = text.replace(self.quote, self.quote * 2)
        return f"{self.quote}{inside}{self.quote}"

    def row(self, cells: list[str]) -> str:
        """One record without its line end."""
        return self.delimiter.join(map(self.cell, cells)) + self.after

    def text(self, rows: Table) -> str:
        """All records, each with its line end."""
        return "".join(self.row(row) + self.newline for row in rows)


def clean_table(rng: random.Random, rows: int = 40) -> Table:
    """Rows of seven columns: dates, words, commas, quotes, numbers, empty cells."""
    roles = [
        "Data Engineer",
        "QA Analyst",
        'Senior "Full" Developer',
        "Designer, UX",
        "Técnico de Redes",
        "Cozinheira",
    ]
    firms = ["Acme", "Müller & Söhne", "O'Brien Ltd", "Casa do Pão, SA", "Ñandú", "Initech"]
    towns = ["São Paulo", "Lisboa", "Cork", "Málaga", "Graz", "Leeds"]
    notes = ["", "remote", "four days, flexible", "Men's wear", 'a "real" mess', "see annex", "on-call"]
    table = []
    for number in range(rows):
        day = f"20{rng.randint(19, 25)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        amount = f"{rng.randint(900, 180_000)}.{rng.randint(0, 99):02}"
        cells = [day, rng.choice(roles), rng.choice(firms), rng.choice(towns), amount, rng.choice(notes)]
        table.append([*cells, f"{rng.choice('ABCD')}-{1000 + number}"])
    return table


Made = Iterator[tuple[str, bytes, list[str], Table]]


def made(
    name: str, text: str, rows: Table, header: list[str] | None = None
) -> tuple[str, bytes, list[str], Table]:
    return name, text.encode(), HEADER if header is None else header, rows
