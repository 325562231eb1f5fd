"""What a file is, by its content: never by its name alone."""

import codecs
from dataclasses import dataclass
from pathlib import Path, PurePath

from django.utils.translation import gettext

from ingest.readers.decoding import DAMAGED, ENCODINGS, bom_of
from ingest.spreadsheets import workbook_format
from skillora.lib.errors import DomainError

TEXT_SUFFIXES = {".csv", ".tsv", ".tab", ".psv", ".txt", ""}
WORKBOOK_SUFFIXES = {".xlsx", ".xlsm", ".xls", ".ods"}
CHUNK = 1 << 20
PARTING = b"\t\n\r\f\x1a\0\x01\x02\x1c\x1d\x1e\x1f"  # controls that texts have, as delimiters too
ASCII = bytes(range(128))
SOME = 20  # of so many bytes beyond ASCII one may be damaged
FOREIGN = 4096  # bytes beyond ASCII that show a single-byte encoding
FREQUENT = "áéíóúâêôãõçñüöäàÁÉÓÇ"
LETTERS = "ìòùèîûëïåæøßÍÚÀÈÌÒÙÂÊÎÔÛÃÕÄËÏÖÜÅÆØÑ"
EURO = 0xA4  # in ISO 8859-15; a currency sign that nobody writes in the others
SIGNS = "ªº°«»¿¡€£§–—’‘“”…·\u00a0®©½"  # that texts of those languages have too
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<svg", b"{\\rtf", b"%pdf", b"%!ps", b'{"', b"[{", b"-----begin")


def not_tabular() -> DomainError:
    """What every file that holds no table gets."""
    return DomainError("Unsupported file type. Use CSV/XLSX/XLS.", "not_tabular", 400)


@dataclass(frozen=True)
class Scan:
    """What all bytes show: valid UTF-8 or not; the file's first bytes; where not, some of those beyond ASCII.

    damaged: all but a few bytes are valid UTF-8.
    """

    utf8: bool
    head: bytes
    foreign: bytes = b""
    damaged: bool = False

    @property
    def newline(self) -> str:
        """The line end that most lines at the start have."""
        pairs = self.head.count(b"\r\n")
        ends = {"\r\n": pairs, "\n": self.head.count(b"\n") - pairs, "\r": self.head.count(b"\r") - pairs}
        return max(ends, key=lambda end: (ends[end], end == "\n"))


def format_of(path: Path, name: str) -> str:
    """csv, xlsx, xls or ods; DomainError where it is something else, empty_file where it has no bytes."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in TEXT_SUFFIXES | WORKBOOK_SUFFIXES:
        raise not_tabular()
    with path.open("rb") as file:
        head = file.read(8192)
    if not head.strip():
        raise DomainError(gettext("This file is empty; choose a file with rows in it"), "empty_file", 422)
    if workbook := workbook_format(path, head):
        return workbook
    if not _is_text(head):
        raise not_tabular()
    return "csv"


def _is_text(head: bytes) -> bool:
    if bom_of(head)[0] or _wide(head):
        return True
    if head.lstrip().lower().startswith(MARKUP):
        return False
    controls = sum(head.count(byte) for byte in range(32) if byte not in PARTING)
    return controls + max(head.count(0) - 16, 0) <= len(head) // 100


def _wide(head: bytes) -> str:
    """utf-16 without a byte order mark: every other byte is zero."""
    half = len(head) // 2
    if half >= 8 and head[1::2].count(0) > 0.7 * half and head[::2].count(0) == 0:
        return "utf-16-le"
    if half >= 8 and head[::2].count(0) > 0.7 * half and head[1::2].count(0) == 0:
        return "utf-16-be"
    return ""


def scan(path: Path) -> Scan:
    """One pass over the file's bytes; another one where they are not all UTF-8."""
    decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    head, foreign = b"", b""
    with path.open("rb", buffering=0) as file:
        while decoder is not None and (piece := file.read(CHUNK)):
            head = head or piece[:8192]
            decoder = _still_valid(decoder, piece)
            if decoder is None or (len(foreign) < FOREIGN and not piece.isascii()):
                foreign = (foreign + piece.translate(None, ASCII))[:FOREIGN]
    if decoder is not None:
        decoder = _still_valid(decoder, b"", final=True)
    return Scan(True, head) if decoder else Scan(False, head, foreign, _is_damaged(path))


def _is_damaged(path: Path) -> bool:
    """Whether nearly all bytes beyond ASCII are valid UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    foreign = bad = 0
    with path.open("rb", buffering=0) as file:
        while (piece := file.read(CHUNK)) and bad * SOME <= foreign + CHUNK:
            if not piece.isascii() or decoder.getstate()[0]:
                bad += decoder.decode(piece).count("\ufffd")
                foreign += len(piece.translate(None, ASCII))
    return bad * SOME <= foreign


def _still_valid(
    decoder: codecs.IncrementalDecoder | None, piece: bytes, *, final: bool = False
) -> codecs.IncrementalDecoder | None:
    """The decoder, or None once the bytes are no UTF-8. Pure ASCII, the common case, is only looked at."""
    if decoder is None or (piece.isascii() and not final and not decoder.getstate()[0]):
        return decoder
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return None
    return decoder


def encoding_of(seen: Scan, chosen: str) -> str:
    """The person's choice, else byte order mark → valid UTF-8 → cp1252."""
    if chosen:
        if chosen not in ENCODINGS or (chosen == "utf-8" and not seen.utf8):
            known = ", ".join(e for e in ENCODINGS if e != "utf-8" or seen.utf8)
            message = gettext("This file is not written in %(encoding)s; choose one of %(known)s")
            raise DomainError(message % {"encoding": chosen[:40], "known": known}, "bad_encoding", 422)
        return chosen
    marked, _ = bom_of(seen.head)
    if marked == "utf-8" and not seen.utf8:
        return DAMAGED if seen.damaged else "cp1252"
    found = "utf-8" if seen.utf8 else DAMAGED if seen.damaged else single_byte(seen.foreign)
    return marked or _wide(seen.head) or found


def single_byte(foreign: bytes) -> str:
    """cp1252, unless the bytes beyond ASCII are letters of Western Europe only in cp850 or Mac Roman."""

    def fits(encoding: str) -> float:
        text = foreign.decode(encoding, "replace")
        worth = [1.0 if c in FREQUENT else 0.6 if c in LETTERS else 0.5 if c in SIGNS else 0.0 for c in text]
        return sum(worth) / max(len(worth), 1)

    if EURO in foreign and not any(byte in foreign for byte in range(0x80, 0xA0)):
        return "iso-8859-15"
    known = fits("cp1252")
    best = max(("cp850", "mac-roman"), key=fits)
    return best if known < 0.5 and fits(best) > 0.85 else "cp1252"
