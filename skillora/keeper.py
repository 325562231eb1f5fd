"""The keeper: one small process per home that is the parent of both servers for their whole life.

It starts them, starts them again when they die, and stops them when nobody holds `users.lock` any more, so a
kill -9 of any user leaves nothing behind. The kernel stops the servers when the keeper itself is killed.

`python -m skillora.keeper HOME [--throwaway]` prints `ready`, or one line that says what is wrong, on stdout.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from skillora import processes
from skillora.home import EmbeddedError, Home
from skillora.servers import start_postgres, start_valkey

LOOK_SECONDS = 0.2
POSTGRES_STOP_SECONDS = 5.0


class Keeper:
    """Both servers of one home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.stopping = False
        self.servers: dict[str, subprocess.Popen[bytes]] = {}
        self.starters: dict[str, Callable[[Home], subprocess.Popen[bytes]]] = {
            "postgres": start_postgres,
            "valkey": start_valkey,
        }

    def start(self) -> None:
        """Start both. Raises EmbeddedError with one clear line."""
        for name, starter in self.starters.items():
            self.servers[name] = starter(self.home)

    def look(self) -> None:
        """Start again what has died. What a killed postmaster left holds its memory: it goes first."""
        for name, process in list(self.servers.items()):
            if process.poll() is None:
                continue
            print(f"{name} ended with {process.returncode}, starting it again", flush=True)
            known = [p.pid for p in self.servers.values()]
            left = [pid for pid in processes.children_of(os.getpid()) if pid not in known]
            processes.send(left, signal.SIGKILL)
            processes.wait_gone(left, 2)
            try:
                self.servers[name] = self.starters[name](self.home)
            except EmbeddedError as error:
                print(error, flush=True)
                time.sleep(1)
        processes.reap_orphans(p.pid for p in self.servers.values())

    def keep(self) -> None:
        """Look after the servers until the last user is gone; returns holding `users.lock` alone."""
        with (self.home.path / "users.lock").open("a") as users:
            while not self.stopping:
                self.look()
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(LOOK_SECONDS)
            self.end()

    def end(self) -> None:
        """Stop both: Valkey at once, PostgreSQL by a fast shutdown, then by force."""
        for name, sig in (("valkey", signal.SIGKILL), ("postgres", signal.SIGINT)):
            if name in self.servers:
                self.servers[name].send_signal(sig)
        if postgres := self.servers.get("postgres"):
            for sig in (signal.SIGQUIT, signal.SIGKILL):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    postgres.wait(POSTGRES_STOP_SECONDS)
                    break
                postgres.send_signal(sig)
        processes.send(processes.children_of(os.getpid()), signal.SIGKILL)
        (self.home.run / "valkey.sock").unlink(missing_ok=True)
        if self.home.throwaway:
            shutil.rmtree(self.home.data.resolve(), ignore_errors=True)
            shutil.rmtree(self.home.run, ignore_errors=True)
            shutil.rmtree(self.home.path, ignore_errors=True)

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """Signal handler: the last user says that it leaves."""
        self.stopping = True


def main(argv: list[str]) -> int:
    """Keep the servers of the home that `argv` names."""
    home = Home(Path(argv[0]), throwaway="--throwaway" in argv)
    keeper = Keeper(home)
    signal.signal(signal.SIGTERM, keeper.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    processes.become_subreaper()
    with (home.path / "keeper.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            keeper.start()
        except (EmbeddedError, OSError) as error:
            keeper.end()
            print(error if isinstance(error, EmbeddedError) else f"skillora: {error}", flush=True)
            return 1
        with contextlib.suppress(BrokenPipeError):
            print("ready", flush=True)
        with (home.logs / "keeper.log").open("ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        keeper.keep()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
