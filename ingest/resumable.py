"""Uploads in parts that may break off and go on: a file that grows in UPLOAD_DIR, then an ordinary import.

1. The offset is the file's size: what is on disk has arrived, whoever died meanwhile.
2. A lock on the file lets one part in at a time; a part that is cut off keeps its beginning.
3. A part whose checksum differs is cut off again; a file whose checksum differs is gone.
4. With the last byte the file gets its final name and becomes an import. Asked again, the same import is told.
"""

import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from ingest import declarations, services, storage
from ingest.models import Import, Upload
from skillora.lib.errors import Busy, Conflict, DomainError, NoSpace, NotAllowed, NotFound
from skillora.lib.problems import NO_SPACE
from skillora.lib.space import has_room

KEPT = timedelta(days=1)
PIECE = 1 << 16
CHECKSUM_DIFFERS = 460  # tus' own status


def upload_create(*, by: User, dataset: str, name: str, size: int, sha256: str = "") -> Upload:
    """An empty file to send parts to. 400 another type, 413 too large, 429 too many open, 507 no room."""
    if not by.is_editor:
        raise NotAllowed(_("You may read imports, not make them: ask for the editor role."))
    slug = declarations.dataset(dataset).slug if dataset else ""
    storage.extension_of(name)
    if size == 0:
        raise DomainError(_("This file is empty: choose one with a header and rows."), "empty_file", 400)
    if size > settings.MAX_UPLOAD_SIZE:
        raise storage.too_large()
    open_ones = Upload.objects.filter(by=by, source=None, created_at__gt=timezone.now() - KEPT)
    if open_ones.count() >= settings.IMPORTS_OPEN_PER_USER:
        raise Busy(
            _("You have too many unfinished uploads: finish or delete one first."), "too_many_of_yours"
        )
    if not has_room(size):
        raise NoSpace(NO_SPACE)
    settings.UPLOAD_DIR.mkdir(parents=True, exist_ok=True)
    upload = Upload.objects.create(by=by, dataset=slug, name=name[-255:], size=size, sha256=sha256)
    _path(upload).touch(mode=0o600)
    return upload


def upload_for(*, by: User, pk: uuid.UUID) -> Upload:
    """The caller's own upload; NotFound for another's, and for one that was swept or refused."""
    upload = Upload.objects.filter(pk=pk, by=by).select_related("source").first()
    if upload is None or (upload.source is None and not _path(upload).exists()):
        raise NotFound(_("There is no such upload (any more): start it anew."), "unknown_upload")
    return upload


def upload_offset(upload: Upload) -> int:
    """How many bytes are there."""
    return upload.size if upload.source_id else _path(upload).stat().st_size


def upload_append(
    *, upload: Upload, by: User, offset: int, length: int, stream: IO[bytes], checksum: bytes | None = None
) -> int:
    """Add a part of `length` bytes at `offset`; the new offset. With the last byte the import is made.

    409 where the file ends elsewhere, 413 beyond its size, 423 while another part comes in, 460 for a part whose
    SHA-256 is not `checksum`; whatever facts and import say about the finished file.
    """
    if upload.source_id:
        return _already(upload, offset, length)
    if length > settings.UPLOAD_PART_MAX or offset + length > upload.size:
        raise DomainError(_("This part is too long: send 8 MiB at most."), "part_too_long", 413)
    with _locked(upload) as file:
        if _is_complete(upload):  # by a part that ended while this one took its turn
            return _already(upload, offset, length)
        there = file.seek(0, os.SEEK_END)
        if there != offset:
            message = _("The upload stands at %(there)s bytes: go on from there.")
            raise Conflict(message % {"there": there}, "wrong_offset")
        if not has_room(length):
            raise NoSpace(NO_SPACE)
        digest, left = hashlib.sha256(), length
        while left and (piece := stream.read(min(PIECE, left))):
            file.write(piece)
            digest.update(piece)
            left -= len(piece)
        file.flush()
        if checksum is not None and digest.digest() != checksum:
            file.truncate(offset)
            message = _("This part changed on its way: send it again.")
            raise DomainError(message, "checksum_differs", CHECKSUM_DIFFERS)
        os.fsync(file.fileno())
        reached = offset + length - left
        if reached == upload.size:
            _finish(upload, by)
    return reached


def upload_delete(*, upload: Upload) -> None:
    """Forget an upload and what has arrived of it; the import of a finished one stays."""
    _path(upload).unlink(missing_ok=True)
    upload.delete()


def uploads_sweep() -> int:
    """Forget uploads that nobody went on with for a day; how many files that were."""
    Upload.objects.filter(created_at__lt=timezone.now() - 2 * KEPT).delete()
    return storage.temporary_sweep()


def _path(upload: Upload) -> Path:
    folder: Path = settings.UPLOAD_DIR
    return folder / f"{upload.pk}.part"


def _is_complete(upload: Upload) -> bool:
    upload.refresh_from_db(fields=["source"])
    return upload.source_id is not None


def _already(upload: Upload, offset: int, length: int) -> int:
    if offset != upload.size or length:
        raise Conflict(_("This upload is complete."), "wrong_offset")
    return upload.size


@contextmanager
def _locked(upload: Upload) -> Iterator[IO[bytes]]:
    try:
        file = _path(upload).open("r+b", buffering=0)
    except FileNotFoundError:
        raise NotFound(_("There is no such upload (any more): start it anew."), "unknown_upload") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = _("Another part of this upload is coming in: wait for its end.")
            raise DomainError(message, "locked", 423) from None
        yield file


def _finish(upload: Upload, by: User) -> Import:
    """The import. A file that is not what it should be is gone."""
    path = _path(upload)
    try:
        if upload.sha256 and _sha256(path) != upload.sha256:
            raise DomainError(_("This file changed on its way: send it anew."), "checksum_differs")
        source = services.import_create(
            by=by, dataset=upload.dataset, upload=Complete(path), name=upload.name
        )
    except DomainError:
        upload_delete(upload=upload)
        raise
    upload.source = source
    upload.save(update_fields=["source"])
    path.unlink(missing_ok=True)
    return source


class Complete(UploadedFile):  # type: ignore[type-arg]
    """A file that has arrived whole, where it will stay."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb"), path.name, size=path.stat().st_size)
        self.path = path

    def temporary_file_path(self) -> str:
        """As Django's own temporary uploads say it."""
        return str(self.path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
