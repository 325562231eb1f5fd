"""A large XLSX, some rows at a time: memory for its shared texts and a piece of it, however many rows there are.

Runs in the limited child beside `workbook_child`, which reads all else; it imports the standard library alone.
Gives what the other reader gives (a test compares them). Format: ECMA-376 part 1, 18.3 (worksheets), 18.4 (shared
strings).
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath

from ingest.workbook_cells import DATES, SPAN, Cells, Text, time_of, unescaped, worded
from ingest.workbook_sheet import Row, Sheet
from ingest.workbook_xml import NO_BLANKS, TEXT, Part, Piece, local

LARGE = 32 << 20  # inflated bytes from which on a workbook is read here
_SHARED = {
    sound: re.compile(f'<si><t(?: xml:space="preserve">|>{NO_BLANKS})({text})</t></si>')
    for sound, text in TEXT.items()
}
_RUN = {sound: re.compile(f"(?:{shared.pattern})*+") for sound, shared in _SHARED.items()}


def is_large(path: Path) -> bool:
    """Whether a workbook is to be read here; False for formats that cannot be."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        return "xl/workbook.xml" in names and sum(e.file_size for e in archive.infolist()) > LARGE


class Workbook:
    """The parts of a workbook that its sheets refer to.

    sheets: name → entry of the archive, in the workbook's order. hidden: names of those not shown.
    text: turns values into text. Raises Damaged.
    """

    def __init__(self, path: Path, text: Text) -> None:
        self.archive = zipfile.ZipFile(path)
        self.entries = set(self.archive.namelist())
        self.text = text
        self.epoch = datetime(1899, 12, 30)
        self.sheets: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.times: list[str] = []  # by number of cell format: "date", "span" or ""
        self.shared: list[str] = []
        self._read_sheets()
        self._read_styles()
        self._read_shared()

    def _elements(self, entry: str) -> list[tuple[str, dict[str, str]]]:
        """All elements of a small part, flat: (name, attributes)."""
        found: list[tuple[str, dict[str, str]]] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            found.append((local(tag), {local(key): value for key, value in attributes.items()}))

        part = Part()
        part.parser.StartElementHandler = start
        for _pause in part.read(self.archive, entry):
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
                if attributes.get("state", "visible") != "visible":
                    self.hidden.add(attributes["name"])

    def _read_styles(self) -> None:
        if "xl/styles.xml" not in self.entries:
            return
        times, inside = {**dict.fromkeys(DATES, "date"), SPAN: "span"}, False
        for tag, attributes in self._elements("xl/styles.xml"):
            if tag == "numFmt":
                times[int(attributes["numFmtId"])] = time_of(attributes.get("formatCode", ""))
            if tag in {"cellXfs", "cellStyles", "dxfs"}:
                inside = tag == "cellXfs"
            if tag == "xf" and inside:
                self.times.append(times.get(int(attributes.get("numFmtId", 0)), ""))

    def _read_shared(self) -> None:
        if "xl/sharedStrings.xml" not in self.entries:
            return
        part = Part("si", self._cut_shared)
        start, end = self._shared_handlers(part)
        part.parser.StartElementHandler, part.parser.EndElementHandler = start, end
        for _pause in part.read(self.archive, "xl/sharedStrings.xml"):
            pass

    def _shared_handlers(
        self, part: Part
    ) -> tuple[Callable[[str, dict[str, str]], None], Callable[[str], None]]:
        """What the parser calls."""
        words: list[str] = []
        pieces: list[str] = []
        how: dict[str, str] = {}
        phonetic = False

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal phonetic, how
            name = local(tag)
            if name == "t" and not phonetic:
                how = attributes
                part.parser.CharacterDataHandler = words.append
            elif name == "si":
                part.begin()
            elif name == "rPh":
                phonetic = True

        def end(tag: str) -> None:
            nonlocal phonetic
            name = local(tag)
            if name == "t" and not phonetic:
                part.parser.CharacterDataHandler = None
                pieces.append(worded("".join(words), how))
                words.clear()
            elif name == "si":
                part.end()
                self.shared.append(self.text("".join(pieces)))
                pieces.clear()
            elif name == "rPh":
                phonetic = False

        return start, end

    def _cut_shared(self, piece: Piece, at: int) -> int:
        """Take the texts that a pattern cuts."""
        run = _RUN[piece.sound].match(piece.text, at)
        end = run.end() if run else at
        texts = piece.decoded(_SHARED[piece.sound].findall(piece.text, at, end))
        self.shared += [self.text(unescaped(text)) for text in texts] if piece.escapes else texts
        return end

    def blocks(self, name: str) -> Iterator[list[Row]]:
        """The rows of a sheet, from row 1 on, some at a time; empty cells at the end may be left out."""
        sheet = Sheet(Cells(self.epoch, self.times, self.shared, self.text))
        yield from sheet.blocks(self.archive, self.sheets[name])
