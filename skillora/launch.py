"""`manage.py run`: the whole product as one process tree in the foreground; `manage.py down` ends it."""

import contextlib
import errno
import fcntl
import hashlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psycopg
import redis

from skillora import embedded, env, processes
from skillora.home import BASE_DIR, EmbeddedError, Home

DISK_MIN_MEGABYTES = 300  # a fresh database with its first write-ahead log, and room for a sample
PORT_WAIT_SECONDS = 3.0  # sockets of a tree that was just killed close a little later
WEB_START_SECONDS = 120.0
MAKE_LOOK_SECONDS = 0.5
SAMPLE_WANTED = 3  # the status of `manage.py prepare` where the demo has no data yet
TREE_STOP_SECONDS = 4.0  # with the servers' own stop this stays under ten
IMPORTANT = re.compile(r" (ERROR|CRITICAL) |^skillora: ")


class Stopped(BaseException):
    """Ctrl-C, SIGTERM, or the terminal is gone."""


@dataclass(frozen=True)
class Plan:
    """What to run, as the environment says. `web` and `workers` are numbers of processes."""

    host: str
    port: int
    web: int
    workers: int
    demo: bool

    @classmethod
    def from_environment(cls) -> "Plan":
        """Raises EnvError for a value that cannot be used."""
        cores = os.cpu_count() or 1
        production = env.text("SKILLORA_ENV") == "production"
        return cls(
            host=env.text("HOST", "127.0.0.1"),
            port=env.number("PORT", 8000, low=1, high=65535),
            web=env.number("WEB_PROCESSES", min(4, cores), low=1, high=64),
            workers=env.number("WORKERS", min(4, cores), low=1, high=64),
            demo=env.flag("DEMO", default=True) and not production,
        )

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def say(text: str) -> None:
    """One line for the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold `run.lock`, with our pid in it. Raises EmbeddedError where another product runs on this home."""
    with (home.path / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise EmbeddedError(
                f"already running on {home.path} (process {lock.read().strip() or 'unknown'}); "
                "end it with `make down`, or set another SKILLORA_HOME and PORT"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def check_disk(home: Home) -> None:
    """Refuse to start on a full disk: a database that cannot write is worse than none."""
    free = shutil.disk_usage(home.path).free // 1024**2
    if free < DISK_MIN_MEGABYTES:
        raise EmbeddedError(
            f"only {free} MB are free in {home.path}, {DISK_MIN_MEGABYTES} MB are needed; "
            "free some space or set SKILLORA_HOME"
        )


def check_port(plan: Plan) -> None:
    """Refuse a port that cannot be had."""
    end = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        try:
            family = socket.getaddrinfo(plan.host, plan.port, type=socket.SOCK_STREAM)[0][0]
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((plan.host, plan.port))
                return
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise EmbeddedError(
                    f"HOST={plan.host} PORT={plan.port} cannot be used: {error.strerror}"
                ) from None
            if time.monotonic() > end:
                raise EmbeddedError(
                    f"port {plan.port} on {plan.host} is in use; end what uses it or set PORT, "
                    f"for example `make run PORT={plan.port % 65535 + 1}`"
                ) from None
        time.sleep(0.2)


def check_named_servers() -> None:
    """Try the servers that the environment names. Raises EmbeddedError with what they say."""
    if url := env.text("DATABASE_URL"):
        env.database()
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.Error as error:
            said = str(error).strip().splitlines()[0]
            raise EmbeddedError(f"DATABASE_URL={env.hidden(url)} cannot be used: {said}") from None
    if url := env.text("REDIS_URL"):
        try:
            with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
                client.ping()
        except (redis.RedisError, ValueError) as error:
            said = str(error).strip().splitlines()[0]
            raise EmbeddedError(f"REDIS_URL={env.hidden(url)} cannot be used: {said}") from None


class Product:
    """The process tree of one home."""

    def __init__(self, home: Home, plan: Plan) -> None:
        self.home = home
        self.plan = plan
        self.marker = hashlib.sha256(str(home.path).encode()).hexdigest()[:16]
        self.tree = processes.Tree(self.marker, say)
        self.read: dict[Path, int] = {}

    def environment(self) -> dict[str, str]:
        """The children's environment."""
        return {
            **os.environ,
            "SKILLORA_HOME": str(self.home.path),
            "DEMO": "1" if self.plan.demo else "0",
            "HOST": self.plan.host,
            "PORT": str(self.plan.port),
            "WEB_PROCESSES": str(self.plan.web),
            "PYTHONUNBUFFERED": "1",
            processes.MARKER: self.marker,
        }

    def manage(self, *words: str, fine: tuple[int, ...] = (0,)) -> tuple[int, str]:
        """One management command that must end with a `fine` status; gives that, and what it printed.

        Raises EmbeddedError with the last line that it wrote to stderr, which goes to a log.
        """
        log = self.home.log("prepare")
        with log.open("a+b") as err:
            start = err.seek(0, os.SEEK_END)
            done = subprocess.run(
                [sys.executable, "manage.py", *words],
                check=False,
                cwd=BASE_DIR,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                process_group=0,
                preexec_fn=processes.dying_with_parent(signal.SIGTERM),
            )
            err.seek(start)
            lines = err.read().decode(errors="replace").strip().splitlines() or ["no message"]
        if done.returncode not in fine:
            said = lines[-1].removeprefix("skillora: ")
            raise EmbeddedError(f"{words[0]} did not succeed: {said} (see {log})")
        return done.returncode, done.stdout.decode(errors="replace").rstrip()

    def child(self, name: str, command: list[str], *, alone: bool = False) -> None:
        """Add one process to the tree."""
        log = self.home.log(name)
        self.read[log] = log.stat().st_size if log.exists() else 0
        command = [sys.executable, *command]
        self.tree.add(processes.Child(name, command, log, self.environment(), alone=alone))

    def start(self) -> None:
        """Start web, wait until pages are served, then start workers and scheduler: each wants a core at first."""
        plan = self.plan
        self.child("web", ["-m", "skillora.web"], alone=True)
        end = time.monotonic() + WEB_START_SECONDS
        while not self.serves():
            self.look()
            if time.monotonic() > end:
                raise EmbeddedError(
                    f"pages are not served after {WEB_START_SECONDS:.0f} s; see {self.home.logs}"
                )
            time.sleep(0.1)
        for number in range(1, plan.workers + 1):
            self.child(f"worker-{number}", ["manage.py", "worker"])
        self.child("scheduler", ["manage.py", "scheduler"])

    def serves(self) -> bool:
        """Whether /healthz answers 200."""
        host = self.plan.url.removeprefix("http://").rpartition(":")[0].strip("[]")
        connection = http.client.HTTPConnection(host, self.plan.port, timeout=3)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def look(self) -> None:
        """Start again what died, and show the important lines of the logs."""
        self.tree.look()
        for log, position in self.read.items():
            with contextlib.suppress(OSError), log.open("rb") as file:
                if file.seek(0, os.SEEK_END) > position:
                    file.seek(position)
                    *lines, rest = file.read(65536).split(b"\n")
                    self.read[log] = file.tell() - len(rest)
                    for line in lines:
                        if IMPORTANT.search(text := line.decode(errors="replace")):
                            say(f"[{log.stem}] {text}")

    def end(self) -> None:
        """End every process of the tree."""
        self.tree.end(TREE_STOP_SECONDS)


def _on_signal(signum: int, frame: FrameType | None) -> None:
    raise Stopped


def _end_with_make() -> None:
    """End when make is gone, or has heard a Ctrl-C.

    One that reaches make alone is not passed on: make drops its handler and waits for us. So we look.
    """
    parent = os.getppid()
    processes.die_with_parent(signal.SIGTERM)
    if not processes.catches(parent, signal.SIGINT):
        return

    def look(signum: int, frame: FrameType | None) -> None:
        if not processes.catches(parent, signal.SIGINT):
            raise Stopped

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, MAKE_LOOK_SECONDS, MAKE_LOOK_SECONDS)


def run() -> int:
    """Start everything, stay until a signal, end everything. Prints one clear line for what cannot work."""
    env.load_dotenv(BASE_DIR / ".env")
    plan = Plan.from_environment()
    home = embedded.home()
    check_disk(home)
    processes.become_subreaper()
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, _on_signal)
    try:
        if os.environ.get("MAKELEVEL"):
            _end_with_make()
        with only_one(home), contextlib.ExitStack() as stack:
            product = Product(home, plan)
            if left := processes.end_marked(product.marker, 2):
                say(f"{left} processes of an earlier run were left and have been ended")
            check_port(plan)
            check_named_servers()
            _serve(product, stack)
    except Stopped:
        pass
    except OSError as error:
        raise EmbeddedError(f"{error.strerror or error}: {error.filename or home.path}") from None
    say("ended")
    return 0


def _serve(product: Product, stack: contextlib.ExitStack) -> None:
    """From the servers to the last look; whatever was entered into `stack` ends in reverse order."""
    lease = None
    if not (env.text("DATABASE_URL") and env.text("REDIS_URL")):
        say(f"starting PostgreSQL and the queue in {product.home.path}")
        lease = stack.enter_context(embedded.servers(product.home))
    stack.callback(product.end)
    stack.callback(_ignore_signals)
    say("bringing the database up to date")
    status, sign_ins = product.manage("prepare", fine=(0, SAMPLE_WANTED))
    say("starting web, workers and scheduler")
    product.start()
    if status == SAMPLE_WANTED:
        say("loading a sample of salaries and hires, some with faults")
        _, sign_ins = product.manage("demo")
    if sign_ins:
        say(sign_ins)
    say(f"\nSkillora runs at {product.plan.url}    (logs in {product.home.logs}; Ctrl-C ends everything)")
    while True:
        product.look()
        if lease is not None and not lease.keeper_runs():
            say("the servers' keeper is gone, starting the servers again")
            lease.ensure()
        time.sleep(0.25)


def _ignore_signals() -> None:
    """Nothing interrupts the ending: it has its own time limits."""
    say("\nending")
    signal.setitimer(signal.ITIMER_REAL, 0)
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)


def down() -> int:
    """End the product that runs on this home, from another terminal."""
    env.load_dotenv(BASE_DIR / ".env")
    home = embedded.home()
    try:
        with only_one(home):
            say("nothing runs")
    except EmbeddedError:
        pid = int((home.path / "run.lock").read_text().strip() or 0)
        processes.send([pid] if pid else [], signal.SIGTERM)
        if not pid or not processes.wait_gone([pid], 20):
            raise
        say("ended")
    return 0


COMMANDS: dict[str, Callable[[], int]] = {"run": run, "down": down}
