"""Bytes of a file as a stream of UTF-8, whatever it is written in."""

import codecs
from collections.abc import Iterator
from pathlib import Path

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
DAMAGED = "utf-8-damaged"  # UTF-8 with some bytes that are none; the cells that have them are rejected
ENCODINGS = (
    "utf-8",
    DAMAGED,
    "cp1252",
    "utf-16-le",
    "utf-16-be",
    "utf-32-le",
    "utf-32-be",
    "iso-8859-15",
    "cp850",
    "mac-roman",
)  # what a person may choose


def _undefined_as_control(error: UnicodeError) -> tuple[str, int]:
    """cp1252 leaves five bytes undefined; they become controls of the same number, as on the web."""
    if isinstance(error, UnicodeDecodeError) and len(bad := error.object[error.start : error.end]) == 1:
        return chr(bad[0]), error.end
    if isinstance(error, UnicodeDecodeError):
        return "\ufffd", error.end
    raise error


codecs.register_error("skillora.lossless", _undefined_as_control)


def bom_of(head: bytes) -> tuple[str, int]:
    """(encoding, length) of the byte order mark that `head` starts with; ("", 0) without one."""
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    return "", 0


def decoder_of(encoding: str) -> codecs.IncrementalDecoder:
    """An incremental decoder that never fails: undecodable bytes become U+FFFD, cp1252's holes controls."""
    errors = "skillora.lossless" if encoding == "cp1252" else "replace"
    return codecs.getincrementaldecoder("utf-8" if encoding == DAMAGED else encoding)(errors)


def chunks_of(path: Path, encoding: str, *, size: int, first: int = 0) -> Iterator[tuple[bytes, int]]:
    """(UTF-8 bytes, offset in the file after them), about `size` bytes each; without a byte order mark.

    first: bytes of the first piece, where they are to be fewer; each next one has twice as many, up to `size`.

    UTF-8 is passed on as it is: facts prove it valid, and `readers` replaces what changed since.
    """
    with path.open("rb", buffering=0) as file:
        _, skip = bom_of(file.read(4))
        file.seek(skip)
        position = skip
        decoder = None if encoding == "utf-8" else decoder_of(encoding)
        now = min(first or size, size)
        while piece := file.read(now):
            now = min(now * 2, size)
            position += len(piece)
            yield (decoder.decode(piece).encode() if decoder else piece), position
        if decoder and (rest := decoder.decode(b"", final=True)):
            yield rest.encode(), position
