"""Room on the disk that uploads go to."""

import shutil
from pathlib import Path

from django.conf import settings


def has_room(size: int) -> bool:
    """Whether `size` bytes more leave DISK_FREE_MIN free where uploads lie."""
    folder: Path = settings.UPLOAD_DIR
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return bool(shutil.disk_usage(folder).free - size >= settings.DISK_FREE_MIN)
