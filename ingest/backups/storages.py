"""Where backups lie: a local folder, or S3-compatible storage. Keys are "<backup>/<file>"."""

import os
import shutil
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from skillora.lib.errors import DomainError


class StorageFailed(DomainError):
    """The storage did not answer, or refused."""

    code = "backup_storage"
    status = 503


class Storage(Protocol):
    """What backups need of a place to lie in."""

    @property
    def place(self) -> str:
        """Its address, for people."""
        ...

    def put(self, key: str, source: Path) -> None:
        """Move a finished local file into the storage; it is safe there when this returns."""
        ...

    def fetch(self, key: str, folder: Path) -> Path | None:
        """A local file with the content of `key`, copied into `folder` if need be; None: no such key."""
        ...

    def names(self) -> list[str]:
        """All backups, finished or not, oldest first."""
        ...

    def remove(self, name: str) -> None:
        """Remove a backup, its manifest first, so that no half of one looks whole."""
        ...


class Folder:
    """A folder of this machine, readable by its owner only: backups hold people's e-mail addresses."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def place(self) -> str:
        return str(self.root)

    def put(self, key: str, source: Path) -> None:
        try:
            self._put(key, source)
        except OSError as error:  # no room, no right to write, no folder
            raise StorageFailed(
                _("Nothing can be written to %(place)s: %(why)s. See BACKUP_DIR.")
                % {"place": self.root, "why": error.strerror}
            ) from error

    def _put(self, key: str, source: Path) -> None:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)
        with source.open("rb") as file:
            os.fsync(file.fileno())
        try:
            source.rename(target)
        except OSError:  # another file system
            part = target.with_name(target.name + ".part")
            shutil.copyfile(source, part)
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.rename(target)
        _sync(target.parent)
        _sync(self.root)

    def fetch(self, key: str, folder: Path) -> Path | None:
        path = self.root / key
        return path if path.is_file() else None

    def names(self) -> list[str]:
        return sorted(path.name for path in self.root.glob("*/")) if self.root.is_dir() else []

    def remove(self, name: str) -> None:
        (self.root / name / "manifest.json").unlink(missing_ok=True)
        shutil.rmtree(self.root / name, ignore_errors=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def storage(address: str = "") -> Storage:
    """The storage at `address` (a folder, or s3://bucket/prefix); "" is the one that the settings name."""
    if address.startswith("s3://"):
        parts = urlsplit(address)
        return _bucket(parts.netloc, parts.path)
    if address:
        return Folder(Path(address).expanduser().resolve())
    if settings.BACKUP_S3_BUCKET:
        return _bucket(settings.BACKUP_S3_BUCKET, settings.BACKUP_S3_PREFIX)
    return Folder(settings.BACKUP_DIR)


def _bucket(bucket: str, prefix: str) -> Storage:
    from ingest.backups.bucket import Bucket  # noqa: PLC0415 (boto3 takes a third of a second and 20 MB)

    return Bucket(bucket, prefix, settings.BACKUP_S3_ENDPOINT, settings.BACKUP_S3_REGION)
