"""S3-compatible storage, of backups and of uploads. Imported where a bucket is used only: boto3 is slow to import."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.utils.translation import gettext as _

from ingest.backups.storages import StorageFailed


class Bucket:
    """A bucket of S3-compatible storage; keys come from the environment, as boto3 reads them."""

    settings = "BACKUP_S3_…"  # where an operator looks when it refuses

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
        with self.answers():
            self.client: Any = boto3.session.Session().client(
                "s3", endpoint_url=endpoint or None, region_name=region, config=config
            )

    @contextmanager
    def answers(self) -> Iterator[None]:
        """StorageFailed for whatever the server or the way to it says."""
        try:
            yield
        except (BotoCoreError, ClientError, Boto3Error) as error:
            raise StorageFailed(
                _("The storage %(place)s refused: %(why)s. Check %(settings)s and the keys.")
                % {"place": self.place, "why": str(error)[:300], "settings": self.settings}
            ) from error

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def put(self, key: str, source: Path) -> None:
        with self.answers():
            self.client.upload_file(str(source), self.bucket, self.prefix + key)
        source.unlink()

    def fetch(self, key: str, folder: Path) -> Path | None:
        target = folder / key.replace("/", "-")
        with self.answers():
            try:
                self.client.download_file(self.bucket, self.prefix + key, str(target))
            except ClientError as error:
                if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
                    return None
                raise
        return target

    def names(self) -> list[str]:
        with self.answers():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix
            )
            # Of objects, not of folders: some servers show a folder that has none left.
            keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return sorted({key.removeprefix(self.prefix).partition("/")[0] for key in keys})

    def remove(self, name: str) -> None:
        prefix = f"{self.prefix}{name}/"
        with self.answers():
            self.client.delete_object(Bucket=self.bucket, Key=prefix + "manifest.json")
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for key in [found["Key"] for page in pages for found in page.get("Contents", [])]:
                self.client.delete_object(Bucket=self.bucket, Key=key)
