"""Uploaded files are received where they will stay: no second copy, and no other disk that may be full."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler


class ReceivedFile(TemporaryUploadedFile):
    """A file in UPLOAD_DIR that is gone once the request has ended, unless it was linked to another name."""

    def __init__(
        self, name: str, content_type: str | None, size: int, charset: str | None, extra: Any
    ) -> None:
        settings.UPLOAD_DIR.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, suffix=".part")  # noqa: SIM115 - it stays open
        UploadedFile.__init__(self, file, name, content_type, size, charset, extra)


class DiskUploadHandler(TemporaryFileUploadHandler):
    """Every uploaded file, whatever its size."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        assert self.file_name is not None  # noqa: S101 (just set)
        self.file = ReceivedFile(self.file_name, self.content_type, 0, self.charset, self.content_type_extra)


def received_path(upload: Any) -> Path | None:
    """Where a received file lies, if it does in UPLOAD_DIR; None for other kinds of file."""
    if not hasattr(upload, "temporary_file_path"):
        return None
    path = Path(upload.temporary_file_path())
    return path if path.parent == settings.UPLOAD_DIR and path.exists() else None
