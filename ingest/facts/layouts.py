"""Where the table starts in a file: what stands before it, its header of one or more lines, its first row."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext

from ingest.facts.dialects import DELIMITERS, PROSE, TYPED, Cutting, Record, cutting_of
from ingest.readers.repairing import Dialect, cells_of
from skillora.lib.errors import DomainError

HEADER_LINES = 4  # that one header may have
BELOW = 200  # rows that a header is compared with


@dataclass(frozen=True)
class Layout:
    """header: its cells, [] without one; lines are physical and 1-based, header_line 0 = none."""

    delimiter: str
    quote: str
    escape: str
    header_line: int
    first_line: int
    header: list[str]
    width: int


def layout_of(text: str, chosen: dict[str, object]) -> Layout:
    """How the text is written and where its table starts; `chosen` = what a person has decided already."""
    cutting = cutting_of(text, chosen)
    asked = chosen.get("header_line")
    if not cutting.records:
        return Layout(cutting.delimiter, cutting.quote, cutting.escape, 0, 1, [], 0)
    if isinstance(asked, int):
        return _as_chosen(cutting, asked)
    start = _start(cutting)
    if header := _header_above(cutting, start):
        return _laid_out(cutting, start - 1, 1, header)
    if not looks_like_header([r.cells for r in cutting.records[start : start + BELOW]]):
        return _laid_out(cutting, start, 0, [])
    count = _header_lines(cutting, start)
    return _laid_out(cutting, start, count, _merged(cutting.records[start : start + count]))


def _laid_out(cutting: Cutting, start: int, count: int, header: list[str]) -> Layout:
    """The layout whose header is `count` records from record `start` on."""
    first = cutting.records[start]
    below = cutting.records[start + count - 1] if count else first
    return Layout(
        cutting.delimiter,
        cutting.quote,
        cutting.escape,
        first.line if count else 0,
        below.line + below.lines if count else first.line,
        header,
        len(header) if count else cutting.width,
    )


def _as_chosen(cutting: Cutting, line: int) -> Layout:
    """With the header on the line that a person says, 0 = none; DomainError where no row is there or below it."""
    records = cutting.records
    if line <= 0:
        start = _start(cutting)
        return _laid_out(cutting, start, 0, [])
    start = next((i for i, r in enumerate(records) if r.line >= line), -1)
    if start < 0:
        message = gettext(
            "The header cannot be on line %(line)s: choose one from 1 to %(last)s, or 0 for none"
        )
        known = {"line": line, "last": records[-1].line}
        raise DomainError(message % known, "unknown_header_line", 422)
    return _laid_out(cutting, start, 1, records[start].cells)


def _start(cutting: Cutting) -> int:
    """The first record that can start the table; where all have many empty cells, the first that is as wide."""
    usual = [i for i, record in enumerate(cutting.records) if record.width == cutting.width]
    return next((i for i in usual if _can_start(cutting.records[i], cutting.width)), usual[0])


def _can_start(record: Record, width: int) -> bool:
    """Whether a record can be the table's first: as wide as the others, and mostly filled."""
    return record.width == width and record.filled >= max(min(width, 2), 0.6 * width)


def _header_above(cutting: Cutting, start: int) -> list[str]:
    """The header right above row `start` whose number of cells is not that of its rows, fitted to them; else []."""
    if start == 0 or cutting.width < 2:
        return []
    above, rows = cutting.records[start - 1], cutting.records[start : start + BELOW]
    usual = [row.cells for row in rows if row.width == cutting.width]
    options = _widened(above.cells, usual) if above.width < cutting.width else _narrowed(above.cells, usual)
    for cells in options:
        if looks_like_header([cells, *(row.cells for row in rows)]):
            return cells
    return []


def _narrowed(cells: list[str], rows: list[list[str]]) -> Iterator[list[str]]:
    """What a line with more cells than the rows below may be as their header."""
    width = len(rows[0])
    named = [cell for cell in cells if cell.strip()]
    if named == cells[:width]:
        yield named
    elif not looks_like_header(rows[:BELOW]):
        if len(named) == width:  # a sign too many
            yield named
        elif named == cells and len(cells) < 2 * width and looks_like_header([cells]):
            yield cells[:width]  # the rows leave out what would be empty at their ends


def _widened(cells: list[str], rows: list[list[str]]) -> Iterator[list[str]]:
    """What a line with fewer cells than the rows below may be as their header."""
    width = len(rows[0])
    spare = width - len(cells)
    if not all(cell.strip() for cell in cells):
        return
    if len(cells) == 1:
        if not looks_like_header(rows[:BELOW]):
            yield from _otherwise_parted(cells[0], width)
    elif all(not any(cell.strip() for cell in row[-spare:]) for row in rows):
        yield cells + [""] * spare
    elif spare == 1 and len({row[0] for row in rows}) == len(rows):  # as R writes: row names have no header
        yield ["", *cells]
    elif 2 * spare <= len(cells):
        yield cells + [""] * spare


def _otherwise_parted(line: str, width: int) -> Iterator[list[str]]:
    """A line as so many names, parted by another sign than the rows below."""
    for sign in DELIMITERS:
        parts, _ = cells_of(line.encode(), Dialect(sign.encode(), b'"'))
        cells = [part.decode(errors="replace") for part in parts]
        if len(cells) == width and all(map(str.strip, cells)) and (sign not in PROSE or width > 4):
            yield cells


def looks_like_header(rows: list[list[str]]) -> bool:
    """Whether the first row holds names: no numbers or dates, no repetition, nothing that recurs below it."""
    if not rows:
        return False
    first = [cell.strip() for cell in rows[0]]
    named = [cell for cell in first if cell]
    if any(_typed(cell) and not _year(cell) for cell in named):
        return False
    if len({cell.casefold() for cell in named}) < len(named) and len(named) > 1:
        return sum(any(c.isdigit() for c in cell) for row in rows[1:] for cell in row) > 0
    others = [row for row in rows[1:] if not _alike(row, first)]
    below = [{row[i].strip().casefold() for row in others if i < len(row)} for i in range(len(first))]
    recurring = sum(bool(cell) and cell.casefold() in below[i] for i, cell in enumerate(first))
    return recurring * 2 <= len(named)


def _alike(row: list[str], first: list[str]) -> bool:
    """Whether a row repeats the first one: the header again, or that of a second table."""
    pairs = [(one.strip().casefold(), two.casefold()) for one, two in zip(row, first, strict=False)]
    same = sum(bool(one) and one == two for one, two in pairs)
    return same >= 2 and same >= 0.6 * sum(bool(one) for one, _ in pairs)


def _typed(cell: str) -> bool:
    """Whether a cell holds a number or a date."""
    return any(c.isdigit() for c in cell) and TYPED.fullmatch(cell) is not None


def _year(cell: str) -> bool:
    return cell.isdigit() and len(cell) == 4 and cell.startswith(("19", "20"))


def _header_lines(cutting: Cutting, start: int) -> int:
    """How many records the header takes: lines of words go on where the rows below have numbers or dates."""
    records, width = cutting.records, cutting.width
    for count in range(1, HEADER_LINES):
        below = [r.cells for r in records[start + count + 1 : start + count + BELOW] if r.width == width]
        if start + count >= len(records) or not below:
            return count
        cells = [cell.strip() for cell in records[start + count].cells]
        if len(cells) != width or not any(cells):
            return count
        typed = [i for i in range(width) if sum(_typed(row[i].strip()) for row in below) >= 0.8 * len(below)]
        words = [i for i in typed if cells[i] and not any(c.isdigit() for c in cells[i])]
        repeated = [cell.casefold() for cell in cells] == [c.strip().casefold() for c in records[start].cells]
        units = all(not cell or (cell[0] + cell[-1]) in ("()", "[]") for cell in cells)
        if any(_typed(cell) for cell in cells) or not (
            repeated or units or (len(words) >= 2 and words == typed)
        ):
            return count
    return HEADER_LINES


def _merged(records: list[Record]) -> list[str]:
    """The header's lines as one: "Salary" above "(USD)" is "Salary (USD)"."""
    columns = zip(*(record.cells for record in records), strict=True)
    return [" ".join(cell.strip() for cell in column if cell.strip()) for column in columns]
