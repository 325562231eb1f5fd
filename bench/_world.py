"""A throw-away installation of real processes that may be killed: servers, workers, and who restarts them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg.rows import TupleRow

from bench.__main__ import throwaway_home
from skillora import embedded, processes

ROOT = Path(__file__).resolve().parent.parent
Process = subprocess.Popen[bytes]


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class World:
    """One home with durable servers and `workers` workers; whatever dies is started again within 0.3 s."""

    def __init__(self, home: Path, workers: int = 2, web: int = 0, **environment: str) -> None:
        self.home = embedded.Home(home)
        self.port = free_port() if web else 0
        self._settings = {
            "SKILLORA_ENV": "test",
            "SKILLORA_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "LOG_LEVEL": "CRITICAL",
            "RUN_MAX_STALLS": "1000",
            "IMPORTS_OPEN": "1000000",
            "IMPORTS_OPEN_PER_USER": "1000000",
            "PORT": str(self.port),
            "WEB_PROCESSES": str(web),
            **environment,
        }
        self._count = workers
        self._session: psycopg.Connection[TupleRow] | None = None
        self._workers: list[Process] = []
        self._web: Process | None = None
        self._over = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """What every process of this world is started with."""
        addresses = {"DATABASE_URL": self.home.address(), "REDIS_URL": self.home.redis_url}
        return {**os.environ, **self._settings, **addresses}

    def command(self, *arguments: str) -> str:
        """What `manage.py` with these arguments prints."""
        line = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            line, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in {0, 3}:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def start(self) -> None:
        """Tables, workers, and who restarts them; the servers run already, and their keeper restarts them."""
        self.command("migrate", "-v0")
        self._workers = [self._worker() for _ in range(self._count)]
        self._web = self._serve() if self.port else None
        self._supervisor.start()

    def stop(self) -> None:
        """End the workers."""
        self._over.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        if self._web is not None:
            self._web.terminate()
            self._web.wait()
        for worker in self._workers:
            worker.kill()
            worker.wait()
        if self._session is not None:
            self._session.close()

    def _supervise(self) -> None:
        while not self._over.wait(0.3):
            for n, worker in enumerate(self._workers):
                if worker.poll() is not None:
                    self._workers[n] = self._worker()
            if self._web is not None and self._web.poll() is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._web.pid, signal.SIGKILL)  # as the product's own supervisor does
                self._web = self._serve()

    def _worker(self) -> Process:
        return self._process("workers.log", "manage.py", "worker")

    def _serve(self) -> Process:
        return self._process("web.log", "-m", "skillora.web")

    def _process(self, log: str, *command: str) -> Process:
        with (self.home.path / log).open("ab") as out:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=out,
                stderr=out,
                process_group=0,
                preexec_fn=processes.dying_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only asks the kernel
            )

    def query(self, sql: str, *values: Any) -> list[TupleRow]:
        """Rows of a query, asked until the database answers; it has a minute to come back."""
        end = time.monotonic() + 60.0
        while True:
            try:
                if self._session is None:
                    self._session = psycopg.connect(self.home.address(), autocommit=True)
                return self._session.execute(sql, values).fetchall()
            except psycopg.OperationalError:
                self._session = None
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.pid for worker in self._workers]

    def horses(self) -> list[int]:
        """Process ids of the work-horses that are at work."""
        found = []
        for worker in self._workers:
            children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
            with contextlib.suppress(OSError):
                found += [int(pid) for pid in children.read_text().split()]
        return found

    def kill_horse(self, pid: int) -> bool:
        """kill -9 this work-horse; False where it is gone."""
        return pid in self.horses() and self._kill(pid)

    def kill_parent(self, horse: int) -> bool:
        """kill -9 the worker that this work-horse belongs to; False where the horse is gone."""
        parents = [int(fields[1]) for fields in (processes.status_of(horse),) if horse in self.horses()]
        return bool(parents) and self._kill(parents[0])

    def kill_web(self, *, whole: bool) -> bool:
        """kill -9 a web process, or `whole`: their parent, and with it all of them; False where there is none."""
        if self._web is None:
            return False
        serving = processes.children_of(self._web.pid)
        return self._kill(self._web.pid if whole else serving[0]) if serving else False

    def kill_postgres(self, _horse: int = 0) -> bool:
        """kill -9 the database server; False where it is down just now."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            return self._kill(int((self.home.data / "postmaster.pid").read_text().splitlines()[0]))
        return False

    @staticmethod
    def _kill(pid: int) -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def pause_process(self, pid: int) -> None:
        """SIGSTOP: it stands still, and keeps all that it holds."""
        os.kill(pid, signal.SIGSTOP)

    def wake_process(self, pid: int) -> None:
        """SIGCONT, where it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def flush(self, _horse: int = 0) -> bool:
        """FLUSHALL on the queue server: what waited in it is known to PostgreSQL alone."""
        with redis.Redis.from_url(self.home.redis_url) as client:
            return bool(client.flushall())

    def until_final(self, seconds: float) -> list[int]:
        """Wait until every run has ended; the ids of those that have not within `seconds`."""
        end = time.monotonic() + seconds
        while True:
            sql = "SELECT id FROM runs_run WHERE state IN ('queued', 'running')"
            open_ = [pk for (pk,) in self.query(sql)]
            if not open_ or time.monotonic() > end:
                return open_
            time.sleep(0.2)


@contextlib.contextmanager
def world(workers: int = 2, web: int = 0, **environment: str) -> Iterator[World]:
    """A running World, gone afterwards."""
    with throwaway_home() as home, embedded.Lease(embedded.Home(home)):
        made = World(home, workers, web, **environment)
        try:
            made.start()
            yield made
        finally:
            made.stop()
