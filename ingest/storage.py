"""Uploaded files: `<uuid>.<ext>` in UPLOAD_DIR, written whole or not at all.

Where UPLOAD_S3_BUCKET names a bucket, files lie there, and UPLOAD_DIR holds copies: whoever reads a file fetches it,
on whatever machine, and copies that nobody has fetched or written for a day are swept.
"""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from ingest.models import Import
from skillora.lib.errors import DomainError, NoSpace, NotFound
from skillora.lib.problems import NO_SPACE
from skillora.lib.space import has_room
from skillora.lib.uploads import received_path

if TYPE_CHECKING:
    from ingest.uploads_bucket import UploadsBucket

EXTENSIONS = ("csv", "tsv", "txt", "xlsx", "xls", "ods", "gz", "zip")
PIECE = 1 << 20
TEMPORARY_SECONDS = 86_400  # until what broke off, or the copy of a file in the bucket, is swept
_STORED = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(?:" + "|".join(EXTENSIONS) + r")")


@dataclass(frozen=True)
class Stored:
    """A file that is safely on disk. name: its identifier; size in bytes; sha256 of its content."""

    name: str
    path: Path
    size: int
    sha256: str


def file_store(upload: "UploadedFile[Any] | Path", name: str) -> Stored:
    """Copy a file into UPLOAD_DIR, hashing it on the way; all of it is on disk when this returns.

    Raises DomainError: 400 for another type of file or an empty one, 413 for one over MAX_UPLOAD_SIZE, 503 where
    the bucket does not take it.
    """
    extension = extension_of(name)
    if not isinstance(upload, Path) and (upload.size or 0) > settings.MAX_UPLOAD_SIZE:
        raise too_large()
    settings.UPLOAD_DIR.mkdir(parents=True, exist_ok=True)
    if not has_room(0 if received_path(upload) else _size(upload)):
        raise NoSpace(NO_SPACE)
    stored = f"{uuid.uuid4()}.{extension}"
    path, temporary = settings.UPLOAD_DIR / stored, settings.UPLOAD_DIR / f"{stored}.part"
    digest, size = hashlib.sha256(), 0
    received = received_path(upload)
    try:
        if received:  # it lies there already: a second name instead of a second copy
            os.link(received, temporary)
        with temporary.open("r+b" if received else "xb") as file:
            for piece in _pieces(upload):
                size += len(piece)
                if size > settings.MAX_UPLOAD_SIZE:
                    raise too_large()
                digest.update(piece)
                if not received:
                    file.write(piece)
            if size == 0:
                raise DomainError(
                    _("This file is empty: choose one with a header and rows."), "empty_file", 400
                )
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        _sync_folder(settings.UPLOAD_DIR)
        if bucket := _bucket():
            try:
                bucket.keep(path)
            except BaseException:
                path.unlink()
                raise
    finally:
        temporary.unlink(missing_ok=True)
    return Stored(stored, path, size, digest.hexdigest())


def extension_of(name: str) -> str:
    """The file's kind by its name; DomainError 400 for others."""
    extension = Path(name.strip()).suffix.lower().lstrip(".")
    if extension not in EXTENSIONS:
        raise DomainError(_("Unsupported file type. Use CSV/XLSX/XLS."), "unsupported_type", 400)
    return extension


def too_large() -> DomainError:
    """Of a file over MAX_UPLOAD_SIZE."""
    limit = filesizeformat(settings.MAX_UPLOAD_SIZE)
    return DomainError(
        _("This file is larger than %(limit)s: split it, or ask for a higher MAX_UPLOAD_SIZE.")
        % {"limit": limit},
        "too_large",
        413,
    )


def _size(upload: "UploadedFile[Any] | Path") -> int:
    return upload.stat().st_size if isinstance(upload, Path) else upload.size or 0


def _pieces(upload: "UploadedFile[Any] | Path") -> Iterator[bytes]:
    if not isinstance(upload, Path):
        yield from upload.chunks(PIECE)
        return
    with upload.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def stored_path(source: Import) -> Path:
    """Where the import's file lies on this machine. NotFound where it has none, or none any more."""
    return file_path(source.stored)


def file_path(stored: str) -> Path:
    """Where a stored file lies on this machine, fetched where it is in the bucket alone. NotFound."""
    if _STORED.fullmatch(stored):
        path: Path = settings.UPLOAD_DIR / stored
        bucket = _bucket()
        if path.is_file():
            if bucket:
                os.utime(path)  # a copy in use is not swept
            return path
        if bucket and bucket.bring(path):
            return path
    raise NotFound(_("The file of this import is not there any more: upload it again."), "file_missing")


def file_forget(stored: str) -> None:
    """Remove a stored file and what was unpacked beside it; one that is gone is fine."""
    if _STORED.fullmatch(stored):
        for path in settings.UPLOAD_DIR.glob(f"{Path(stored).stem}.*"):
            path.unlink(missing_ok=True)
        if bucket := _bucket():
            bucket.drop(stored)


def _bucket() -> "UploadsBucket | None":
    if not settings.UPLOAD_S3_BUCKET:
        return None
    from ingest import uploads_bucket  # noqa: PLC0415 (boto3 takes a third of a second and 20 MB)

    return uploads_bucket.bucket()


def temporary_sweep() -> int:
    """Remove what uploads that broke off have left, and copies of files in the bucket, older than a day; how many."""
    swept = 0
    for path in settings.UPLOAD_DIR.glob("*" if settings.UPLOAD_S3_BUCKET else "*.part"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > TEMPORARY_SECONDS:
                path.unlink()
                swept += 1
    return swept
