"""The servers of a home for whoever needs them: commands, tests and the whole product share one pair.

Everybody who uses the servers holds a shared lock on `users.lock`. Who leaves and gets that lock alone was
the last, and tells the keeper (`skillora.keeper`, parent of both servers) to stop. A kill -9 of a user leaves
no lock, and the keeper, which looks at the lock too, then stops by itself. Nothing of this is used where the
environment names both `DATABASE_URL` and `REDIS_URL`.
"""

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from skillora import env, processes
from skillora.home import BASE_DIR, DATABASE, EmbeddedError, Home, home
from skillora.servers import START_SECONDS, postgres_answers, valkey_answers

__all__ = ["EmbeddedError", "Home", "Lease", "for_command", "home", "servers"]

STOP_SECONDS = 12.0
NEEDS_NO_SERVER = {"collectstatic", "help", "version", "--help", "--version", "sample_data"}


class Lease:
    """A share in the servers of `home`: started where they do not run, stopped by the last who leaves."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.users = (home.path / "users.lock").open("a")
        self.keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Lease":
        with (self.home.path / "start.lock").open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            fcntl.flock(self.users, fcntl.LOCK_SH)  # waits here while a keeper is stopping
            try:
                self.ensure()
            except BaseException:
                self.__exit__(None, None, None)
                raise
        return self

    def ensure(self) -> None:
        """Make sure that a keeper runs and both servers answer. Raises EmbeddedError with one clear line."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if not self.keeper_runs():
                self._start_keeper()
                return
            if postgres_answers(self.home) and valkey_answers(self.home):
                return
            time.sleep(0.05)
        raise EmbeddedError(f"the servers of {self.home.path} do not answer; see {self.home.logs}")

    def keeper_runs(self) -> bool:
        """Whether somebody holds `keeper.lock`."""
        with (self.home.path / "keeper.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _start_keeper(self) -> None:
        self.keeper = subprocess.Popen(
            [sys.executable, "-m", "skillora.keeper", str(self.home.path)]
            + (["--throwaway"] if self.home.throwaway else []),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=BASE_DIR,
            env={key: value for key, value in os.environ.items() if key != processes.MARKER},
            start_new_session=True,
        )
        assert self.keeper.stdout is not None  # noqa: S101 - for the type checker
        with self.keeper.stdout as said:
            lines = []
            for line in said:
                if line == b"ready\n":
                    return
                lines.append(line.decode(errors="replace").strip())
        self.keeper.wait()
        raise EmbeddedError((lines or ["the servers did not start"])[-1].removeprefix("skillora: "))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.users, contextlib.suppress(BlockingIOError):
            fcntl.flock(self.users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stop_keeper()
        if self.keeper is not None:
            self.keeper.poll()

    def _stop_keeper(self) -> None:
        """As the last user: tell the keeper, and wait until it and both servers are gone."""
        file = self.home.path / "keeper.lock"
        if not self.keeper_runs():
            return
        with contextlib.suppress(OSError, ValueError):
            pid = int(file.read_text())
            processes.send([pid], 15)
            if self.keeper is not None and self.keeper.pid == pid:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.keeper.wait(STOP_SECONDS)
            else:
                processes.wait_gone([pid], STOP_SECONDS)


@contextlib.contextmanager
def servers(home: Home) -> Iterator[Lease]:
    """Both servers of `home`, and their addresses in the environment where it names no others."""
    with Lease(home) as lease:
        for name, address in (("DATABASE_URL", home.address()), ("REDIS_URL", home.redis_url)):
            os.environ[name] = os.environ.get(name) or address
        yield lease


@contextlib.contextmanager
def for_command(argv: list[str]) -> Iterator[None]:
    """The servers for the time of one management command, unless the environment names others."""
    env.load_dotenv(Path(BASE_DIR) / ".env")
    command = argv[1] if len(argv) > 1 else "help"
    if command in NEEDS_NO_SERVER or "--help" in argv:
        os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or f"postgresql://{DATABASE}@/{DATABASE}"
        yield
    elif os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield
    else:
        with servers(home()):
            yield
        sys.stdout.flush()
