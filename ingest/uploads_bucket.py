"""Uploaded files in S3-compatible storage, where UPLOAD_S3_BUCKET names a bucket (ingest.storage)."""

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from botocore.exceptions import ClientError
from django.conf import settings

from ingest.backups.bucket import Bucket

MISSING = frozenset({"404", "NoSuchKey"})


class UploadsBucket(Bucket):
    """Keys are the stored names. Raises StorageFailed where the storage does not answer, or refuses."""

    settings = "UPLOAD_S3_…"

    def keep(self, path: Path) -> None:
        """Copy a stored file into the bucket; it is safe there when this returns."""
        with self.answers():
            self.client.upload_file(str(path), self.bucket, self.prefix + path.name)

    def bring(self, path: Path) -> bool:
        """Fetch the file of that name to `path`, whole or not at all; False where the bucket has none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.stem}.{uuid4().hex}.part")
        try:
            with self.answers():
                self.client.download_file(self.bucket, self.prefix + path.name, str(part))
            part.replace(path)
        except Exception as error:
            if _is_missing(error.__cause__):
                return False
            raise
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
        return True

    def drop(self, name: str) -> None:
        """Remove a file; one that is gone is fine."""
        with self.answers():
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + name)


def _is_missing(error: BaseException | None) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in MISSING


def bucket() -> UploadsBucket:
    """The bucket that the settings name."""
    return UploadsBucket(
        settings.UPLOAD_S3_BUCKET,
        settings.UPLOAD_S3_PREFIX,
        settings.UPLOAD_S3_ENDPOINT,
        settings.UPLOAD_S3_REGION,
    )
