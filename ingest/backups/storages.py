"""Where backups lie: a local folder, or S3-compatible storage. Keys are "<backup>/<file>"."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
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


@contextmanager
def _answers(place: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, boto3.exceptions.Boto3Error) as error:
        raise StorageFailed(
            _("The storage %(place)s refused: %(why)s. Check BACKUP_S3_… and the keys.")
            % {"place": place, "why": str(error)[:300]}
        ) from error


class Bucket:
    """A bucket of S3-compatible storage; keys come from the environment, as boto3 reads them."""

    def __init__(self, bucket: str, prefix: str = "", endpoint: str = "", region: str = "us-east-1") -> None:
        self.bucket = bucket
        self.prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=10,
            read_timeout=60,
            retries={"max_attempts": 4, "mode": "standard"},
        )
        with _answers(self.place):
            self.client: Any = boto3.client(
                "s3", endpoint_url=endpoint or None, region_name=region, config=config
            )

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def put(self, key: str, source: Path) -> None:
        with _answers(self.place):
            self.client.upload_file(str(source), self.bucket, self.prefix + key)
        source.unlink()

    def fetch(self, key: str, folder: Path) -> Path | None:
        target = folder / key.replace("/", "-")
        with _answers(self.place):
            try:
                self.client.download_file(self.bucket, self.prefix + key, str(target))
            except ClientError as error:
                if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                    return None
                raise
        return target

    def names(self) -> list[str]:
        with _answers(self.place):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix, Delimiter="/"
            )
            prefixes = [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]
        return sorted(prefix.removeprefix(self.prefix).strip("/") for prefix in prefixes)

    def remove(self, name: str) -> None:
        prefix = f"{self.prefix}{name}/"
        with _answers(self.place):
            self.client.delete_object(Bucket=self.bucket, Key=prefix + "manifest.json")
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for key in [found["Key"] for page in pages for found in page.get("Contents", [])]:
                self.client.delete_object(Bucket=self.bucket, Key=key)


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


def _bucket(bucket: str, prefix: str) -> Bucket:
    return Bucket(bucket, prefix, settings.BACKUP_S3_ENDPOINT, settings.BACKUP_S3_REGION)
