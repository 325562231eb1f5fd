"""pytest plugin: a throw-away PostgreSQL and Valkey for the whole test run, started before Django is set up."""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from skillora import embedded

os.environ.setdefault("SKILLORA_ENV", "test")


def _start() -> None:
    if os.environ.get("SKILLORA_TEST_SERVERS"):  # a child of this test run: xdist worker, product under test
        return
    path = Path(tempfile.mkdtemp(prefix="skl-test-"))
    path.chmod(0o755)
    stack = contextlib.ExitStack()
    # The tests never touch servers that the environment names for the product.
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("REDIS_URL", None)
    os.environ["SKILLORA_HOME"] = str(path / "home")
    stack.enter_context(embedded.servers(embedded.Home(_made(path / "home"), throwaway=True)))
    os.environ["SKILLORA_TEST_SERVERS"] = str(path)

    def _end() -> None:
        stack.close()
        shutil.rmtree(path, ignore_errors=True)

    atexit.register(_end)


def _made(path: Path) -> Path:
    path.mkdir(mode=0o755)
    return path


_start()
