"""Tables inside .gz and .zip: looked at, unpacked once beside the file, within limits; bombs are refused."""

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path, PurePath
from uuid import uuid4

from django.conf import settings
from django.utils.translation import gettext

from skillora.lib.errors import DomainError

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
TABLES = {".csv", ".tsv", ".tab", ".psv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods"}
ENTRIES_MAX = 1000
RATIO_MAX = 200
RATIO_FROM = 16 << 20  # unpacked bytes below which no ratio is a danger
PIECE = 1 << 20
GZ_MEMBER = "table.csv"  # what the one file in a .gz is called, whatever it says itself


def members_of(path: Path, name: str) -> list[str]:
    """The tables inside a .gz or .zip, [] where the file is neither, or is itself a workbook.

    Errors: DomainError unreadable_archive (422) where it is broken, locked or too large to be unpacked.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(GZIP):
        inner = PurePath(name).stem if PurePath(name).suffix.lower() == ".gz" else ""
        return [inner if PurePath(inner).suffix.lower() in TABLES else GZ_MEMBER]
    if head != ZIP:
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return []  # the workbooks' own look says what is wrong
    names = [entry.filename for entry in entries]
    if {"xl/workbook.xml", "xl/workbook.bin", "content.xml", "word/document.xml"} & {*names}:
        return []
    if len(entries) > ENTRIES_MAX:
        raise too_much()
    return [n for n in names if PurePath(n).suffix.lower() in TABLES and not _hidden(n)]


def _hidden(name: str) -> bool:
    """Whether an entry is a system's own: "__MACOSX/._pay.csv"."""
    return name.startswith("__MACOSX/") or PurePath(name).name.startswith(".")


def unpacked(path: Path, member: str) -> Path:
    """The file that `member` is, unpacked; made once, kept beside the archive."""
    suffix = PurePath(member).suffix.lower()
    target = path.with_name(f"{path.stem}.{hashlib.sha256(member.encode()).hexdigest()[:12]}{suffix}")
    if target.exists():
        return target
    made = target.with_name(f"{target.stem}.{uuid4().hex}.part")
    try:
        with made.open("xb") as out:
            for piece in _pieces(path, member):
                out.write(piece)
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)
    return target


def _pieces(path: Path, member: str) -> Iterator[bytes]:
    packed, done = max(path.stat().st_size, 1), 0
    try:
        with ExitStack() as stack:
            read: Callable[[int], bytes]
            if zipfile.is_zipfile(path):
                archive = stack.enter_context(zipfile.ZipFile(path))
                packed = max(archive.getinfo(member).compress_size, 1)
                read = stack.enter_context(archive.open(member)).read
            else:
                read = stack.enter_context(gzip.open(path)).read
            while piece := read(PIECE):
                done += len(piece)
                if done > settings.MAX_UPLOAD_SIZE or (done > RATIO_FROM and done > RATIO_MAX * packed):
                    raise too_much()
                yield piece
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        RuntimeError,
        KeyError,
        NotImplementedError,
    ) as error:
        message = gettext("This archive cannot be unpacked; unpack it yourself and upload the table inside")
        raise DomainError(message, "unreadable_archive", 422) from error


def too_much() -> DomainError:
    """What an archive gets that unpacks to more than is safe."""
    message = gettext(
        "This archive unpacks to more than is safe; unpack it yourself and upload the table inside"
    )
    return DomainError(message, "unreadable_archive", 422)
