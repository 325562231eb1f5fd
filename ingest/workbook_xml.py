"""XML parts of an XLSX: parsed by expat, but for those elements of one name that a pattern may cut out of them.

A pattern is quicker, and right only where markup is what it looks like. So it is asked only behind an element of that
name which the parser has just ended with the last byte it was given: there no comment, no section and no tag is open.
The parser is given all other bytes and decides what is well formed; what the pattern has taken was an element whole,
and a document is as well formed without it as with it. In other encodings than UTF-8, or with a document type (which
may give elements attributes), the parser is given everything.
"""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from xml.parsers import expat

from ingest.workbook_cells import ESCAPE

PIECE = 1 << 18  # bytes that are read at once
HELD_MAX = 1 << 24  # bytes without an end of an element beyond which no pattern is tried
PATIENCE = 64  # elements that the parser is given at once where it is given many
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f"  # XML cannot hold them
TEXT = {True: rf"[^<{_CONTROLS}]*+", False: rf"[^<&{_CONTROLS}]*+"}  # pattern by whether ampersands are sound
NO_BLANKS = r"(?![ \t\n]|[^<]*+(?<=[ \t\n])<)"  # what comes has none at its edges, where they do not count
ENTITIES = {
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&amp;": "&",
}  # in the order of their replacement
_ENTITY = re.compile("|".join(ENTITIES))
Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]


class Damaged(ValueError):
    """What no reader can read."""


def local(name: str) -> str:
    """An element's or attribute's name without its prefix."""
    return name.rpartition(":")[2]


@lru_cache(maxsize=4096)
def attributes_of(tag: str, written: str) -> dict[str, str] | None:
    """Attributes behind the first, "r", as the parser reads them, None where it does not; not to be changed."""
    found: list[dict[str, str]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _tag, attributes: found.append(attributes)
    try:
        parser.Parse(f'<{tag} r="1"{written}/>', True)
    except expat.ExpatError:
        return None
    return found[0]


class Piece:
    """A piece of a part that a pattern may be tried on. text: its line ends are all LF, as the parser has them.

    entities: some are in it. sound: no ampersand begins anything else. escapes: "_x000D_" or the like is in it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        ampersands = text.count("&")
        self.entities = ampersands > 0
        self.sound = not ampersands or ampersands == len(_ENTITY.findall(text))
        self.escapes = ESCAPE.search(text) is not None

    def decoded(self, contents: list[str]) -> list[str]:
        """Contents that were cut out of the text, with what their entities stand for."""
        return (
            [_decoded(content) if "&" in content else content for content in contents]
            if self.entities
            else contents
        )


def _decoded(content: str) -> str:
    for entity, sign in ENTITIES.items():
        content = content.replace(entity, sign)
    return content


def piece_of(data: bytes) -> Piece | None:
    """Bytes up to the end of an element for a pattern, None where they hold what is better left to the parser."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"]]>" in data:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\ufffe" in text or "\uffff" in text else Piece(text)


class Part:
    """One part while it is read.

    name: of the elements that may be cut out. cut(piece, at) takes those that stand one behind another in its text
    from `at` on, and returns where the last one ends. The handlers say when they `begin` and `end` one.
    """

    def __init__(self, name: str = "", cut: Callable[[Piece, int], int] | None = None) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self._declared
        self.parser.StartDoctypeDeclHandler = self._typed
        self._cut, self._close = cut, f"</{name}>".encode()
        self._plain = cut is not None
        self._given = 0  # bytes, to the parser
        self._ended = -1  # how many those were when an element of that name had ended
        self._open = 0
        self._between = False  # whether a pattern may be tried on what comes next

    def begin(self) -> None:
        """An element of that name begins."""
        self._open += 1

    def end(self) -> None:
        """An element of that name ends."""
        self._open -= 1
        self._ended = self.parser.CurrentByteIndex + len(self._close)

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._plain &= encoding is None or encoding.upper() == "UTF-8"

    def _typed(self, *_declared: object) -> None:
        self._plain = False

    def read(self, archive: zipfile.ZipFile, entry: str) -> Iterator[None]:
        """Read it; stops now and then so that what was found can be taken. Raises Damaged."""
        held = b""
        try:
            with archive.open(entry) as file:
                while data := file.read(PIECE):
                    held += data
                    whole = held.rfind(self._close) + len(self._close) if self._plain else 0
                    if whole < len(self._close):  # none ends here
                        if self._between and len(held) < HELD_MAX:
                            continue
                        whole = len(held)
                    yield from self._read(held[:whole])
                    held = held[whole:]
            self._parse(held)
            self.parser.Parse(b"", True)
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
            raise Damaged(str(error)) from error
        yield None

    def _read(self, data: bytes) -> Iterator[None]:
        """Bytes up to the end of an element, by pattern and parser in turns."""
        piece = piece_of(data) if self._plain and data.endswith(self._close) else None
        if piece is None or self._cut is None:
            self._parse(data)
            yield None
            return
        text, close = piece.text, self._close.decode()
        at, vain = 0, 1
        while at < len(text):
            start = at
            if self._between:
                at = self._cut(piece, at)
            vain = 1 if at > start else min(2 * vain, PATIENCE)
            end = at
            for _element in range(vain):
                found = text.find(close, end)
                end = found + len(close) if found >= 0 else len(text)
            if end > at:
                self._parse(text[at:end].encode())
            at = end
            yield None

    def _parse(self, data: bytes) -> None:
        self.parser.Parse(data, False)
        self._given += len(data)
        ended = self._ended == self._given and data.endswith(self._close)
        self._between = ended and self._plain and not self._open
