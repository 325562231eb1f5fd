"""Synthetic files: a dataset's own clean rows, written as people write, with faults planted at a rate."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.declarations import Column, Dataset
from ingest.kinds import CodeList, Date, Integer, Money

ROWS_AT_ONCE = 20_000
_FAULTS: dict[type[Any], tuple[str, ...]] = {
    Money: ("negotiable", "-5,000.00", "0", "1_000", "", "12.34.5"),
    CodeList: ("Atlantis", "???", "n.d."),
    Date: ("2025-02-30", "someday"),
    Integer: ("many", "1.5"),
}


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ","
    newline: str = "\n"


DIALECTS = {
    "comma": Dialect(),
    "semicolon": Dialect(";", "cp1252", ",", ".", "\r\n"),
    "tab": Dialect("\t", "utf-8-sig"),
    "pipe": Dialect("|"),
}


def sample(
    dataset: Dataset, *, rows: int, seed: int, faults: float = 0.02, dialect: str = "comma", without: str = ""
) -> Iterator[bytes]:
    """A file in pieces: header (but of headless datasets), then `rows` lines; the same arguments, the same bytes.

    faults: the share of lines that will be rejected. without: canonical names to leave out, comma-separated.
    """
    if dataset.sample is None:
        raise LookupError(f"{dataset.slug} has no sample")
    written = DIALECTS[dialect]
    header = not dataset.headless
    for number, start in enumerate(range(0, rows, ROWS_AT_ONCE)):
        rng = np.random.default_rng([seed, number])
        texts = dataset.sample(rng, min(ROWS_AT_ONCE, rows - start), start)
        columns = [c for c in dataset.columns if c.name in texts and c.name not in without.split(",")]
        lines = [_spelled(column, texts[column.name], rng, written) for column in columns]
        _plant([c for c in columns if c.name not in dataset.key], columns, lines, rng, faults)
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=written.delimiter, lineterminator=written.newline)
        if header:
            writer.writerow([column.name for column in columns])
        writer.writerows(zip(*lines, strict=True))
        encoding = written.encoding if number == 0 else written.encoding.removesuffix("-sig")
        header = False
        yield buffer.getvalue().encode(encoding, "replace")


def _spelled(column: Column, texts: list[str], rng: np.random.Generator, dialect: Dialect) -> list[str]:
    """Amounts grouped, some with a sign or in thousands; other texts here and there with outer blanks."""
    how = rng.integers(0, 100, len(texts)).tolist()
    if not isinstance(column.kind, Money):
        return [f" {text} " if h == 0 else text for text, h in zip(texts, how, strict=True)]
    spelled = []
    for text, h in zip(texts, how, strict=True):
        whole, _point, fraction = text.partition(".")
        grouped = f"{int(whole):,}".replace(",", dialect.thousands) + dialect.decimal + fraction
        if h < 2 and len(whole) > 4:
            spelled.append(f"{whole[:-3]}k")
        else:
            spelled.append(f"${grouped}" if h < 40 else grouped)
    return spelled


def _plant(
    spoilt: list[Column],
    columns: list[Column],
    lines: list[list[str]],
    rng: np.random.Generator,
    share: float,
) -> None:
    """Spoil one cell of the `spoilt` columns in that share of the lines."""
    candidates = [
        (columns.index(column), _FAULTS.get(type(column.kind), ("",)))
        for column in spoilt
        if column.required or type(column.kind) in _FAULTS
    ]
    rows = len(lines[0])
    for row in np.flatnonzero(rng.random(rows) < share).tolist():
        at, values = candidates[int(rng.integers(0, len(candidates)))]
        lines[at][row] = values[int(rng.integers(0, len(values)))]
