"""The product's own processes on the test database: granian and a worker, for tests that talk HTTP."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from skillora import processes

WAIT_SECONDS = 120.0  # a loaded machine is slow; nothing here measures time


@dataclass
class Product:
    """A running product. `rest` and `wake` hold its worker still, so that a queued run stays queued."""

    url: str
    uploads: Path
    web: "subprocess.Popen[bytes]"
    worker: "subprocess.Popen[bytes]"

    def rest(self) -> None:
        self.worker.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.worker.send_signal(signal.SIGCONT)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def database_url() -> str:
    """The test database, as the product's environment names it."""
    at = {
        key: quote(str(connection.settings_dict[key]), safe="")
        for key in ("USER", "PASSWORD", "NAME", "HOST")
    }
    return f"postgresql://{at['USER']}:{at['PASSWORD']}@/{at['NAME']}?host={at['HOST']}"


def _start(log: Path, uploads: Path, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, *command],
            env={
                **os.environ,
                "DATABASE_URL": database_url(),
                "RUN_SWEEP_SECONDS": "1",
                "UPLOAD_DIR": str(uploads),
                **environment,
            },
            stdout=out,
            stderr=out,
            preexec_fn=processes.dying_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads of ours
        )


def _serves(port: int) -> bool:
    try:
        visit = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        visit.request("GET", "/healthz")
        return visit.getresponse().status == 200
    except OSError:
        return False


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Product]:
    """Web and worker processes, up when this gives them, gone afterwards; logs and uploads lie in `folder`."""
    port, uploads = _free_port(), folder / "uploads"
    at = {"HOST": "127.0.0.1", "PORT": str(port), "WEB_PROCESSES": "1", "WEB_THREADS": "4"}
    web = _start(folder / "web.log", uploads, "-m", "skillora.web", **at)
    worker = _start(folder / "worker.log", uploads, "manage.py", "worker")
    try:
        end = time.monotonic() + WAIT_SECONDS
        while not _serves(port):
            assert web.poll() is None and time.monotonic() < end, (folder / "web.log").read_text()
            time.sleep(0.1)
        yield Product(f"http://127.0.0.1:{port}", uploads, web, worker)
    finally:
        for process in (web, worker):
            process.terminate()
        for process in (web, worker):
            process.wait(WAIT_SECONDS)
