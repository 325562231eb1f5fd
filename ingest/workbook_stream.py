"""A large XLSX, one row at a time: memory for its shared texts and one row, however many rows there are.

Runs in the limited child beside `workbook_child`, which reads all else; it imports the standard library alone.
Gives what the other reader gives (a test compares them). Format: ECMA-376 part 1, 18.3 (worksheets), 18.4 (shared
strings), 18.8.30 (number formats).
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from xml.parsers import expat

LARGE = 128 << 20  # inflated bytes from which on a workbook is read here
PIECE = 1 << 18  # bytes that are parsed at once
ROWS_MAX, COLUMNS_MAX = 1 << 20, 1 << 14  # of the format
DATES = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}  # numbers of built-in formats of dates
SPAN = 46  # and of hours beyond a day
_QUOTED = re.compile(r'"[^"]*"|\\.|_.')
_SPAN = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_BRACKETS = re.compile(r"\[[^\]]*\]")  # colours, conditions, locales
_DATE = re.compile("[dmyhs]", re.IGNORECASE)
Start = Callable[[str, dict[str, str]], None]


class Damaged(ValueError):
    """What no reader can read."""


def is_large(path: Path) -> bool:
    """Whether a workbook is to be read here; False for formats that cannot be."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        return "xl/workbook.xml" in names and sum(e.file_size for e in archive.infolist()) > LARGE


def _local(name: str) -> str:
    """An element's or attribute's name without its prefix."""
    return name.rpartition(":")[2]


def _parse(
    archive: zipfile.ZipFile, name: str, start: Start, end: Callable[[str], None] | None = None
) -> Iterator[Any]:
    """Feed an entry to the parser piece by piece; the parser is given before the first one."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    yield parser
    try:
        with archive.open(name) as file:
            while piece := file.read(PIECE):
                parser.Parse(piece, False)
                yield parser
        parser.Parse(b"", True)
    except (expat.ExpatError, zipfile.BadZipFile, EOFError, KeyError) as error:
        raise Damaged(str(error)) from error
    yield parser


class Workbook:
    """The parts of a workbook that its sheets refer to.

    sheets: name → entry of the archive, in the workbook's order. Raises Damaged.
    """

    def __init__(self, path: Path) -> None:
        self.archive = zipfile.ZipFile(path)
        self.entries = set(self.archive.namelist())
        self.epoch = datetime(1899, 12, 30)
        self.sheets: dict[str, str] = {}
        self.times: list[str] = []  # by number of cell format: "date", "span" or ""
        self.shared: list[str] = []
        self._read_sheets()
        self._read_styles()
        self._read_shared()

    def _elements(self, name: str) -> list[tuple[str, dict[str, str]]]:
        """All elements of a small part, flat: (name, attributes)."""
        found: list[tuple[str, dict[str, str]]] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            found.append((_local(tag), {_local(key): value for key, value in attributes.items()}))

        for _parser in _parse(self.archive, name, start):
            pass
        return found

    def _read_sheets(self) -> None:
        targets = {
            relation["Id"]: relation["Target"]
            for tag, relation in self._elements("xl/_rels/workbook.xml.rels")
            if tag == "Relationship" and relation.get("Type", "").endswith("/worksheet")
        }
        for tag, attributes in self._elements("xl/workbook.xml"):
            if tag == "workbookPr" and attributes.get("date1904") in {"1", "true"}:
                self.epoch = datetime(1904, 1, 1)
            if tag == "sheet" and attributes.get("id") in targets:
                target = PurePosixPath("/xl") / targets[attributes["id"]]
                self.sheets[attributes["name"]] = str(target).lstrip("/")

    def _read_styles(self) -> None:
        if "xl/styles.xml" not in self.entries:
            return
        times, inside = {**dict.fromkeys(DATES, "date"), SPAN: "span"}, False
        for tag, attributes in self._elements("xl/styles.xml"):
            if tag == "numFmt":
                times[int(attributes["numFmtId"])] = _time_of(attributes.get("formatCode", ""))
            if tag in {"cellXfs", "cellStyles", "dxfs"}:
                inside = tag == "cellXfs"
            if tag == "xf" and inside:
                self.times.append(times.get(int(attributes.get("numFmtId", 0)), ""))

    def _read_shared(self) -> None:
        if "xl/sharedStrings.xml" not in self.entries:
            return
        pieces: list[str] = []
        phonetic = False
        shared = self.shared

        def start(tag: str, _attributes: dict[str, str]) -> None:
            nonlocal phonetic
            name = _local(tag)
            if name == "t" and not phonetic:
                parser.CharacterDataHandler = pieces.append
            elif name == "rPh":
                phonetic = True

        def end(tag: str) -> None:
            nonlocal phonetic
            name = _local(tag)
            if name == "t":
                parser.CharacterDataHandler = None
            elif name == "si":
                shared.append("".join(pieces))
                pieces.clear()
            elif name == "rPh":
                phonetic = False

        reading = _parse(self.archive, "xl/sharedStrings.xml", start, end)
        parser = next(reading)
        for _parser in reading:
            pass

    def rows(self, name: str, text: Callable[[object], str]) -> Iterator[list[str]]:
        """The cells of each row as text, from row 1 on; empty ones at the end are left out."""
        yield from _Sheet(self, text).rows(self.sheets[name])


class _Sheet:
    """Reads one worksheet."""

    def __init__(self, book: Workbook, text: Callable[[object], str]) -> None:
        self.book, self.text = book, text
        self.done: list[list[str]] = []
        self.row: list[str] = []
        self.number = 0  # of the row that is read
        self.columns: dict[str, int] = {}  # letters → number from 0

    def rows(self, entry: str) -> Iterator[list[str]]:
        """The rows that the parser has gone through, as they come."""
        value: list[str] = []
        cell: dict[str, str] = {}
        add = value.append

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal cell
            if tag == "c":
                cell = attributes
                value.clear()
            elif tag in {"v", "t"}:
                parser.CharacterDataHandler = add
            elif tag == "row":
                self._begin(int(attributes.get("r", self.number + 1)))
            elif ":" in tag:
                start(_local(tag), attributes)

        def end(tag: str) -> None:
            if tag == "c":
                if value:
                    self._put(cell, value[0] if len(value) == 1 else "".join(value))
            elif tag in {"v", "t"}:
                parser.CharacterDataHandler = None
            elif tag == "row":
                self.done.append(self.row)
            elif ":" in tag:
                end(_local(tag))

        reading = _parse(self.book.archive, entry, start, end)
        parser = next(reading)
        for _parser in reading:
            yield from self.done
            self.done.clear()

    def _begin(self, number: int) -> None:
        """A row, and those without any cell before it."""
        if not self.number < number <= ROWS_MAX:
            raise Damaged("rows out of order")
        self.done += [[] for _row in range(number - self.number - 1)]
        self.number, self.row = number, []

    def _put(self, cell: dict[str, str], raw: str) -> None:
        """A cell's value at its column."""
        row = self.row
        at = self._column(cell["r"]) if "r" in cell else len(row)
        kind = cell.get("t", "n")
        if kind == "e":
            return
        if kind == "s":
            value = self.text(self.book.shared[int(raw)])
        elif kind == "n":
            value = self._number(raw, int(cell.get("s", 0)))
        elif kind == "b":
            value = self.text(raw.strip() in {"1", "true"})
        else:
            value = self.text(raw)
        if at > len(row):
            row += [""] * (at - len(row))
        if at == len(row):
            row.append(value)
        else:
            row[at] = value

    def _column(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        number = self.columns.get(letters)
        if number is None:
            number = 0
            for letter in letters.upper():
                number = number * 26 + ord(letter) - 64
            if not 0 < number <= COLUMNS_MAX or not letters.isalpha():
                raise Damaged("no such column")
            number -= 1
            self.columns[letters] = number
        return number

    def _number(self, raw: str, style: int) -> str:
        times = self.book.times
        if style < len(times) and times[style]:
            number = float(raw)
            return self._moment(number) if times[style] == "date" else self.text(timedelta(days=number))
        if raw.isdecimal() and raw.isascii() and len(raw) < 16 and (raw[0] != "0" or raw == "0"):
            return raw
        return self.text(float(raw))

    def _moment(self, serial: float) -> str:
        """Days since the workbook's epoch as a date, a time or both."""
        if not 0 <= serial < 2_958_466:
            return self.text(serial)
        early = 1 <= serial < 60 and self.book.epoch.year == 1899  # the format counts a 29 February 1900
        moment = self.book.epoch + timedelta(milliseconds=round((serial + early) * 86_400_000))
        if serial < 1:
            return self.text(moment.time())
        return self.text(date(moment.year, moment.month, moment.day) if serial.is_integer() else moment)


def _time_of(code: str) -> str:
    """What a number format shows: "date" (or a time of day), "span" (of hours, minutes or seconds), or ""."""
    code = _QUOTED.sub("", code.partition(";")[0])
    return "span" if _SPAN.search(code) else "date" if _DATE.search(_BRACKETS.sub("", code)) else ""
