"""pytest plugin: a throw-away PostgreSQL and Valkey for the whole run, up before Django is set up."""

import atexit
import contextlib
import os
import tempfile
from pathlib import Path

from skillora import embedded

os.environ["SKILLORA_ENV"] = "test"


def _start() -> None:
    """Servers for this run; its xdist workers and the products under test share them by the environment."""
    if os.environ.get("SKILLORA_TEST_SERVERS"):
        _own_queue(os.environ.get("PYTEST_XDIST_WORKER", ""))
        return
    path = Path(tempfile.mkdtemp(prefix="skl-test-")).resolve()
    path.chmod(0o755)
    # The tests never touch servers or settings that the environment names for the product.
    for name in ("DATABASE_URL", "REDIS_URL", "DEMO", "UPLOAD_DIR", "PORT", "HOST"):
        os.environ.pop(name, None)
    os.environ["SKILLORA_HOME"] = str(path)
    stack = contextlib.ExitStack()
    stack.enter_context(embedded.servers(embedded.Home(path, throwaway=True)))
    os.environ["SKILLORA_TEST_SERVERS"] = str(path)
    atexit.register(stack.close)


def _own_queue(worker: str) -> None:
    """Each xdist worker has a queue database of its own: the server has sixteen, the first is the run's."""
    if worker:
        number = int(worker.removeprefix("gw")) % 15 + 1
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].partition("?")[0] + f"?db={number}"


_start()
