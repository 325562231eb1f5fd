"""Delimiter, quote, escape: how the text of a file is written, decided from its first records."""

import re
from collections import Counter
from dataclasses import dataclass, replace

from ingest.readers.repairing import Dialect, cells_of, fitted, opens_again, plain_cells

# What parts cells → how far it is believed: each is also ordinary text in files parted by something else.
DELIMITERS = {
    ",": 1.0,
    ";": 1.0,
    "\t": 1.0,
    "|": 1.0,
    "^": 0.9,
    "~": 0.9,
    "\x1f": 1.0,
    "\x01": 1.0,
    "§": 0.9,
    "||": 1.1,
    "::": 1.1,
    ":": 0.5,
    " ": 0.4,
}
PROSE = {" ", ":"}  # parts words in any text
UNUSUAL, RUN = 0.8, 1.05  # belief in a sign, and in several together, that are no delimiters as a rule
SINGLE = "!#$%&*<=>?\\{}¦·•¤\x02\x1c\x1d\x1e"
RUNS = re.compile(rf"[{re.escape(SINGLE)};|^~@\t]{{2,4}}")
WITHIN = re.compile(r"\d:\d\d|://")  # colons of times and addresses
BELIEVED = 200  # lines of the sample that show whether it parts cells too
QUOTES = ('"', "'", "`", "|", "~", "^")
SAMPLE_RECORDS = 1000
TABLE = 10  # records that are a table, not what stands before one
SPAN_LINES = 60  # physical lines that a quoted cell of the sample may take
TYPED = re.compile(
    r"[-+(]?[$€£¥₹]?\s?(R\$|US\$|[A-Z]{3})?\s?[-+]?\d(?:[\d.,' \u00a0\u202f]*\d)?\s?[%km]?\)?"
    r"\s?([A-Z]{3}|[$€£¥₹])?"
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d.*)?|true|false|yes|no|",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Record:
    """One record of the sample: the physical line it starts on, how many it takes, its cells."""

    line: int
    lines: int
    cells: list[str]

    @property
    def width(self) -> int:
        return len(self.cells)

    @property
    def filled(self) -> int:
        """Cells that are not empty."""
        return sum(bool(cell.strip()) for cell in self.cells)


@dataclass(frozen=True)
class Cutting:
    """A way to cut the text, and what comes of it."""

    delimiter: str
    quote: str
    escape: str
    records: list[Record]
    width: int  # cells of most records


def cutting_of(text: str, chosen: dict[str, object]) -> Cutting:
    """The way that makes the text look most like a table; `chosen` = what a person has decided already."""
    physical = _lines(text)
    if len(physical) > 1:
        physical.pop()  # cut off by the sample's end, or empty
    lines = [line.encode() for line in physical]
    given = str(chosen.get("delimiter") or "")
    delimiters = [given] if given else signs_in(text)
    best: tuple[float, Cutting] | None = None
    for delimiter in delimiters:
        few = delimiter in PROSE and len(delimiters) > 1  # rarely right, and slow where quotes part nothing
        sample = lines[:BELIEVED] if few else lines
        quotes = [str(chosen["quote"])] if "quote" in chosen else quotes_in(text, delimiter)
        for quote in quotes:
            for escape in escapes_in(text, quote):
                cutting = cut(sample, delimiter, quote, escape)
                found = score(cutting) * DELIMITERS.get(delimiter, UNUSUAL if len(delimiter) == 1 else RUN)
                if not given and _doubtful(cutting, text):
                    found = 0.0
                if best is None or found > best[0] + 1e-9:
                    best = (found, cutting)
    assert best is not None  # noqa: S101 (the lists above are never empty)
    found_best = best[1]
    if found_best.delimiter in PROSE and len(lines) > BELIEVED:
        found_best = cut(lines, found_best.delimiter, found_best.quote, found_best.escape)
    return found_best if given else _with_blank(lines, found_best)


def _lines(text: str) -> list[str]:
    """Physical lines as the readers count them; behind the last line end comes one more."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def signs_in(text: str) -> list[str]:
    """The delimiters that the text may have."""
    lines = [line for line in _lines(text)[:BELIEVED] if line.strip()]
    found = [sign for sign in DELIMITERS if sign in text]
    found += [sign for sign in _unusual(lines) if sign not in found]
    doubled = {sign for sign in found if sign * 2 in found and text.count(sign) == 2 * text.count(sign * 2)}
    if sum(WITHIN.search(line) is not None for line in lines) * 2 > len(lines):
        doubled.add(":")
    found = [sign for sign in found if sign not in doubled]
    return found if set(found) - PROSE else [",", *found]


def _unusual(lines: list[str]) -> list[str]:
    """Signs, or several together, that most lines have and that are no delimiters as a rule."""
    enough = 0.6 * len(lines)
    runs = Counter(run for line in lines for run in set(RUNS.findall(line)))
    found = [run for run, count in runs.most_common(2) if count >= enough]
    return found + [sign for sign in SINGLE if sum(line.count(sign) > 1 for line in lines) >= enough]


def _doubtful(cutting: Cutting, text: str) -> bool:
    """Whether a sign that parts words in any text, or is no delimiter as a rule, gives no table."""
    if cutting.delimiter in DELIMITERS and cutting.delimiter not in PROSE:
        return False
    between = f'"{cutting.delimiter}"'
    lines = [line for line in _lines(text)[:BELIEVED] if line.strip()]
    if sum(between in line for line in lines) > len(lines) / 2:
        return False
    usual = sum(record.width == cutting.width for record in cutting.records)
    least = 3 if len(cutting.delimiter) == 1 else 2
    return cutting.width < least or len(cutting.records) < 3 or usual < 0.9 * len(cutting.records)


def quotes_in(text: str, delimiter: str) -> list[str]:
    """The quotes that open and close cells somewhere, the usual one first."""
    edge = re.escape(delimiter)
    found = []
    for quote in QUOTES:
        if quote in delimiter:
            continue
        sign = re.escape(quote)
        opens = rf"(?:^|{edge} ?){sign}"
        closes = rf"{sign}(?: ?{edge}|\r?$)"
        if quote in text and all(re.search(edged, text, re.MULTILINE) for edged in (opens, closes)):
            found.append(quote)
    return found or ['"']


def escapes_in(text: str, quote: str) -> list[str]:
    """Whether a backslash may stand before quotes inside cells: ["", "\\\\"] where the sample has such."""
    sign = re.escape(quote)
    return ["\\", ""] if quote and re.search(rf"[^\\]\\{sign}[^\r\n]", text) else [""]


def cut(lines: list[bytes], delimiter: str, quote: str, escape: str) -> Cutting:
    """The first records, cut as the readers cut them; blank lines are left out."""
    dialect = Dialect(delimiter.encode(), quote.encode(), 0, escape.encode())
    records = list(_records(lines, dialect))
    width = usual_width(records)
    dialect = replace(dialect, width=width)
    if any(record.lines > 1 and record.width != width for record in records):
        records = list(_records(lines, dialect))  # a quote that opens by mistake swallows no line
    for number, record in enumerate(records):
        line = lines[record.line - 1]
        if record.width != width and quote and record.lines == 1 and dialect.quote in line:
            cells = fitted(line, dialect)
            if cells:
                records[number] = Record(record.line, 1, [cell.decode(errors="replace") for cell in cells])
    return Cutting(delimiter, quote, escape, records, width)


def _records(lines: list[bytes], dialect: Dialect) -> list[Record]:
    records: list[Record] = []
    number = 0
    while number < len(lines) and len(records) < SAMPLE_RECORDS:
        line = lines[number]
        cells, opened = cells_of(line, dialect)
        taken = 1
        if opened >= 0:
            cells, taken = _spanning(lines, number, dialect)
        if line.strip():
            records.append(Record(number + 1, taken, [cell.decode(errors="replace") for cell in cells]))
        number += taken
    return records


def _spanning(lines: list[bytes], number: int, dialect: Dialect) -> tuple[list[bytes], int]:
    """Cells and number of lines of a record with a quote left open on its first line, by the readers' rules."""
    text = lines[number]
    for taken in range(2, min(SPAN_LINES, len(lines) - number) + 1):
        text += b"\n" + lines[number + taken - 1]
        if dialect.quote not in lines[number + taken - 1]:
            continue
        if opens_again(text, len(lines[number]), dialect):
            break
        cells, opened = cells_of(text, dialect)
        if opened < 0:
            if dialect.width in (0, len(cells)):
                return cells, taken
            break
    return plain_cells(lines[number], dialect), 1


def usual_width(records: list[Record]) -> int:
    """The number of cells that most records have; one cell counts only where nothing has more.

    Where two tables are as long, the first one's: its header is the file's.
    """
    widths = Counter(record.width for record in records)
    if not widths:
        return 0
    most = max(count * (width > 1) for width, count in widths.items())
    as_long = [width for width, count in widths.items() if count >= 0.9 * most and (width > 1 or not most)]
    return as_long[0] if most >= TABLE else max(as_long, key=lambda width: (widths[width], width))


def score(cutting: Cutting) -> float:
    """How much it looks like a table: share of records of the usual width times share of typed cells."""
    records, width = cutting.records, cutting.width
    if not records:
        return 0.0
    if width == 1:
        return 0.01
    usual = [record for record in records if record.width == width]
    first = 1.0 if records[0].width == width else 0.5 if records[0].width == 1 else 0.85  # most start there
    cells = [cell for record in usual[:200] for cell in record.cells]
    typed = sum(TYPED.fullmatch(cell.strip()) is not None for cell in cells) / len(cells)
    return (len(usual) / len(records)) ** 2 * (0.3 + typed) * (1 - 1 / width) * first + 0.02 * _tidy(cutting)


def _tidy(cutting: Cutting) -> float:
    """Share of records without what is left over where quotes or escapes were not understood."""
    left = [cutting.quote or '"', '"', "'"]
    ends = tuple(left)
    clean = sum(
        not any(
            (cell.startswith(ends) and cell.endswith(ends) and len(cell) > 1) or "\\" in cell
            for cell in r.cells
        )
        for r in cutting.records
    )
    return clean / len(cutting.records)


def _with_blank(lines: list[bytes], found: Cutting) -> Cutting:
    """The same, parted by sign and blanks, where blanks stand around every sign and quotes beside them."""
    sign = found.delimiter
    if len(sign) > 1 or sign == " " or not found.quote:
        return found
    text = b"\n".join(lines)
    for wide in (f" {sign} ", f"{sign} "):
        if (wide + found.quote).encode() not in text:
            continue
        other = cut(lines, wide, found.quote, found.escape)
        if other.width > 1 and score(other) >= score(found):
            return other
    return found
