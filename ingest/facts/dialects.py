"""Delimiter, quote, header line: how the text of a file is laid out, decided from its first records."""

import re
from collections import Counter
from dataclasses import dataclass

from ingest.readers.repairing import cells_of, plain_cells

DELIMITERS = ",;\t|"
SAMPLE_RECORDS = 1000
SPAN_LINES = 60  # physical lines that a quoted cell of the sample may take
TYPED = re.compile(
    r"[-+(]?[$€£¥₹]?\s?(R\$|US\$|[A-Z]{3})?\s?[-+]?\d[\d.,' \u00a0\u202f]*\s?[%km]?\)?"
    r"\s?([A-Z]{3}|[$€£¥₹])?"
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d.*)?|true|false|yes|no|",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Layout:
    """header: its cells, [] without one; lines are physical and 1-based, header_line 0 = none."""

    delimiter: str
    quote: str
    header_line: int
    first_line: int
    header: list[str]
    width: int


@dataclass(frozen=True)
class Record:
    """One record of the sample: the physical line it starts on, how many it takes, its cells."""

    line: int
    lines: int
    cells: list[str]


def records_of(text: str, delimiter: str, quote: str, limit: int = SAMPLE_RECORDS) -> list[Record]:
    """The first records of `text`, cut tolerantly; blank lines are left out."""
    physical = text.split("\n") if "\n" in text else text.split("\r")
    if len(physical) > 1:
        physical.pop()  # cut off by the sample's end, or empty
    mark, sign = delimiter.encode(), quote.encode()
    records: list[Record] = []
    number = 0
    while number < len(physical) and len(records) < limit:
        line = physical[number].rstrip("\r").encode()
        cells, opened = cells_of(line, mark, sign)
        taken = 1
        if opened >= 0:
            cells, taken = _spanning(physical, number, mark, sign)
        if line.strip():
            records.append(Record(number + 1, taken, [cell.decode() for cell in cells]))
        number += taken
    return records


def _spanning(physical: list[str], number: int, mark: bytes, sign: bytes) -> tuple[list[bytes], int]:
    """Cells and number of lines of a record with a quote left open on its first line."""
    first = physical[number].rstrip("\r").encode()
    plain = plain_cells(first, mark, sign)
    text = first
    for taken in range(2, min(SPAN_LINES, len(physical) - number) + 1):
        text += b"\n" + physical[number + taken - 1].rstrip("\r").encode()
        cells, opened = cells_of(text, mark, sign)
        if opened < 0:
            return cells, taken
    return plain, 1


def layout_of(text: str, chosen: dict[str, object]) -> Layout:
    """The layout that makes the text look most like a table; `chosen` = what a person has decided already."""
    delimiters = [str(chosen["delimiter"])] if chosen.get("delimiter") else list(DELIMITERS)
    quotes = [str(chosen["quote"])] if "quote" in chosen else ['"', "'"] if '"' not in text else ['"']
    best: tuple[float, list[Record], str, str] | None = None
    for delimiter in delimiters:
        for quote in quotes:
            records = records_of(text, delimiter, quote)
            found = (score(records), records, delimiter, quote)
            if best is None or found[0] > best[0]:
                best = found
    assert best is not None  # noqa: S101 (the lists above are never empty)
    _, records, delimiter, quote = best
    return _headed(records, delimiter, quote, chosen.get("header_line"))


def score(records: list[Record]) -> float:
    """How much the records look like a table: share of records of the usual width times share of typed cells."""
    widths = Counter(len(record.cells) for record in records)
    if not widths:
        return 0.0
    width, count = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    if width == 1:
        return 0.01
    cells = [cell for record in records[:200] if len(record.cells) == width for cell in record.cells]
    typed = sum(TYPED.fullmatch(cell.strip()) is not None for cell in cells) / len(cells)
    return (count / len(records)) ** 2 * (0.3 + typed) * (1 - 0.5 / width)


def _headed(records: list[Record], delimiter: str, quote: str, chosen: object) -> Layout:
    """The layout with its header found: the first record of the usual width that looks like names."""
    widths = Counter(len(record.cells) for record in records)
    width = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))[0] if widths else 0
    start = next((i for i, r in enumerate(records) if _filled(r, width)), 0)
    if isinstance(chosen, int):
        start = next((i for i, r in enumerate(records) if r.line >= chosen), 0)
        named = chosen > 0
        start = start if named else 0
    else:
        named = looks_like_header([r.cells for r in records[start : start + 200]])
    if not records:
        return Layout(delimiter, quote, 0, 1, [], 0)
    first = records[start]
    if not named:
        return Layout(delimiter, quote, 0, first.line, [], width)
    return Layout(delimiter, quote, first.line, first.line + first.lines, first.cells, len(first.cells))


def _filled(record: Record, width: int) -> bool:
    """Whether a record can be the table's first: about as wide as the others, and mostly filled."""
    filled = sum(bool(cell.strip()) for cell in record.cells)
    return len(record.cells) == width and filled >= max(min(width, 2), 0.6 * width)


def looks_like_header(rows: list[list[str]]) -> bool:
    """Whether the first row holds names: no numbers or dates, no repetition, nothing that recurs below it."""
    if not rows:
        return False
    first = [cell.strip() for cell in rows[0]]
    named = [cell for cell in first if cell]
    if any(TYPED.fullmatch(cell) and any(c.isdigit() for c in cell) and not _year(cell) for cell in named):
        return False
    if len({cell.casefold() for cell in named}) < len(named) and len(named) > 1:
        return sum(any(c.isdigit() for c in cell) for row in rows[1:] for cell in row) > 0
    below = [{row[i].strip().casefold() for row in rows[1:] if i < len(row)} for i in range(len(first))]
    recurring = sum(bool(cell) and cell.casefold() in below[i] for i, cell in enumerate(first))
    return recurring * 2 <= len(named)


def _year(cell: str) -> bool:
    return cell.isdigit() and len(cell) == 4 and cell.startswith(("19", "20"))
