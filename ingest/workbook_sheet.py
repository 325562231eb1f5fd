"""The rows of a worksheet of an XLSX, in blocks: most are cut by a pattern, a column at a time turned into text."""

import re
import zipfile
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from ingest.workbook_cells import Cells, Texts, is_whole, worded
from ingest.workbook_xml import NO_BLANKS, TEXT, Damaged, Part, Piece, attributes_of, local

ROWS_MAX, COLUMNS_MAX = 1 << 20, 1 << 14  # of the format
CUT_COLUMNS = 512  # of a sheet that a pattern is made for
WIDENED = 8  # times that it is made for more columns
_CELL = re.compile(r'<c r="([A-Z]{1,3})[0-9]')
Row = Sequence[str]
Groups = tuple[str | None, ...]
Column = Sequence[str | None]


@lru_cache(maxsize=COLUMNS_MAX)
def _number_of(letters: str) -> int:
    """1 for "A"."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_at(reference: str) -> int:
    """0 for "A7". Raises Damaged."""
    letters = reference.rstrip("0123456789")
    number = _number_of(letters)
    if not 0 < number <= COLUMNS_MAX or not letters.isalpha():
        raise Damaged("no such column")
    return number - 1


def _letters_of(number: int) -> str:
    """ "A" for 0."""
    return (_letters_of(number // 26 - 1) if number > 25 else "") + chr(65 + number % 26)


@cache
def row_pattern(columns: int, *, sound: bool) -> re.Pattern[str]:
    """A row of up to so many columns as most programs write it, without any ampersand unless all are `sound`.

    Groups: number, attributes; for each cell attributes and what it contains.
    """
    text = TEXT[sound]
    formula = f'(?:<f>{text}</f>|<f t="shared" si="[0-9]++"(?:/>|></f>))?+'
    words = f'<is><t(?: xml:space="preserve">|>{NO_BLANKS})(?=[^<]*+</t></is>)'
    content = f"{formula}(?:(?:<v>(?=[^<]*+</v>)|{words})({text})(?:</v>|</t></is>))?+"
    cells = "".join(
        f'(?:<c r="{_letters_of(number)}[0-9]++"([^<>&/]*+)(?:/>|>{content}</c>))?+'
        for number in range(columns)
    )
    return re.compile(f'<row r="([0-9]{{1,7}})"([^<>&/]*+)(?:/>|>{cells}</row>)')


class Sheet:
    """Reads one worksheet."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.done: list[Row] = []  # that nobody has taken yet
        self.number = 0  # of the last row
        self.row: list[str] = []  # that the parser is in
        self.columns = 0  # that the pattern knows
        self.widened = 0
        self.part = Part("row", self._cut)

    def blocks(self, archive: zipfile.ZipFile, entry: str) -> Iterator[list[Row]]:
        """The rows, from row 1 on, with or without empty cells at their end. Raises Damaged."""
        self._handle()
        for _pause in self.part.read(archive, entry):
            if self.done:
                yield self.done
                self.done = []

    def _handle(self) -> None:
        """Have the parser's elements read."""
        parser = self.part.parser
        contents: list[str] = []
        words: list[str] = []
        cell: dict[str, str] = {}
        how: dict[str, str] = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal cell, how
            if tag == "c":
                cell = attributes
                contents.clear()
            elif tag == "v":
                parser.CharacterDataHandler = contents.append
            elif tag == "t":
                how = attributes
                parser.CharacterDataHandler = words.append
            elif tag == "row":
                self.part.begin()
                self._skip(int(attributes.get("r", self.number + 1)))
            elif ":" in tag:
                start(local(tag), attributes)

        def end(tag: str) -> None:
            if tag == "c":
                if any(contents):
                    self._put(cell, contents[0] if len(contents) == 1 else "".join(contents))
            elif tag == "v":
                parser.CharacterDataHandler = None
            elif tag == "t":
                parser.CharacterDataHandler = None
                contents.append(worded("".join(words), how))
                words.clear()
            elif tag == "row":
                self.part.end()
                self.done.append(self.row)
                self.row = []
            elif ":" in tag:
                end(local(tag))

        parser.StartElementHandler, parser.EndElementHandler = start, end

    def _skip(self, number: int) -> None:
        """A row of that number comes, behind those without any cell."""
        if not self.number < number <= ROWS_MAX:
            raise Damaged("rows out of order")
        self.done += [()] * (number - self.number - 1)
        self.number = number

    def _put(self, cell: dict[str, str], content: str) -> None:
        """A cell's text at its column."""
        row = self.row
        at = column_at(cell["r"]) if "r" in cell else len(row)
        texts = self.cells.texts(cell)
        if texts is None:
            return
        row += [""] * (at + 1 - len(row))
        row[at] = texts[content]

    def _cut(self, piece: Piece, at: int) -> int:
        """Take the rows that the pattern cuts."""
        if piece.escapes:
            return at
        found, end = self._found(piece, at)
        if not found and self._widen(piece.text, at):
            found, end = self._found(piece, at)
        return end if found and self._take(found, piece) else at

    def _found(self, piece: Piece, at: int) -> tuple[list[Groups], int]:
        match = row_pattern(self.columns, sound=piece.sound).match
        found = []
        while row := match(piece.text, at):
            found.append(row.groups())
            at = row.end()
        return found, at

    def _widen(self, text: str, at: int) -> bool:
        """Whether a row has more columns than the pattern, which then knows them."""
        row = _CELL.findall(text, at, text.find("</row>", at))
        if self.widened == WIDENED or not row or _number_of(row[-1]) <= self.columns:
            return False
        widest = max(map(_number_of, {*_CELL.findall(text, at)}))
        self.widened += 1
        self.columns = min(widest, CUT_COLUMNS)
        return True

    def _take(self, found: list[Groups], piece: Piece) -> bool:
        """Rows that were cut; False where the parser is to read them."""
        numbers, attributes, *cells = zip(*found, strict=True)
        if any(attributes_of("row", written) is None for written in {*attributes}):
            return False
        columns: list[list[str]] = []
        width = 0
        for written, contents in zip(cells[::2], cells[1::2], strict=True):
            readers: dict[str | None, Texts | None] = {}
            for one in {*written} - {None}:
                known = attributes_of("c", one or "")
                if known is None:
                    return False
                readers[one] = self.cells.texts(known)
            texts, holds = _texts(written, piece.decoded([one or "" for one in contents]), readers)
            columns.append(texts)
            width = len(columns) if holds else width
        del columns[width:]
        rows: list[Row] = [*zip(*columns, strict=True)] if columns else [()] * len(found)
        self._number([*map(int, filter(None, numbers))], rows)
        return True

    def _number(self, numbers: list[int], rows: list[Row]) -> None:
        """Put rows at their places."""
        first, last = self.number + 1, self.number + len(rows)
        if last <= ROWS_MAX and numbers == [*range(first, last + 1)]:
            self.done += rows
            self.number = last
            return
        for number, row in zip(numbers, rows, strict=True):
            self._skip(number)
            self.done.append(row)


def _texts(
    written: Column, contents: list[str], readers: dict[str | None, Texts | None]
) -> tuple[list[str], bool]:
    """(texts, whether any cell has a value) of a column whose cells have these attributes, None where there is none."""
    first, *others = [*readers.values()] or [None]
    if any(other is not first for other in others):
        pairs = [(readers.get(one), content) for one, content in zip(written, contents, strict=True)]
        texts = ["" if reader is None else reader[content] for reader, content in pairs]
        return texts, any(content and reader is not None for reader, content in pairs)
    if first is None:
        return [""] * len(contents), False
    if first.same:
        return contents, any(contents)
    if first.whole:
        return [one if is_whole(one) else first[one] for one in contents], any(contents)
    return [first[one] for one in contents], any(contents)
