"""The whole product as a process tree: started, killed at, ended; nothing stays behind."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skillora import processes
from skillora.home import BASE_DIR

pytestmark = pytest.mark.integration
SECONDS = 150.0  # a loaded machine is slow; nothing here measures time


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def until(what: Callable[[], bool], why: str) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.1)


def as_from_a_terminal() -> None:
    """A child that ends with us and hears Ctrl-C, also where we ourselves were started in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    processes.die_with_parent(signal.SIGTERM)


class Product:
    """`manage.py run` on a home and a port of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        self.out = home.parent / f"{home.name}.out"
        names = ("DATABASE_URL", "REDIS_URL", "SKILLORA_ENV", "SKILLORA_TEST_SERVERS", "MAKELEVEL", "HOST")
        self.env = {k: v for k, v in os.environ.items() if k not in names and not k.startswith("COV")}
        self.env |= {"SKILLORA_HOME": str(home), "PORT": str(self.port), "DEMO": "0", "WORKERS": "1"}
        self.env |= {"WEB_PROCESSES": "1", **environment}
        self.process: subprocess.Popen[bytes] | None = None
        self.body = b""

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start it, by `command` if given, and wait until it says that it runs; nothing where it does."""
        if self.process is not None and self.process.poll() is None:
            return self.process
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                command or [sys.executable, "manage.py", "run"],
                cwd=BASE_DIR,
                env=self.env,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=as_from_a_terminal,  # noqa: PLW1509 - one thread
            )
        process = self.process
        until(lambda: self.ready() or process.poll() is not None, "not ready")
        assert self.ready(), self.said()
        return process

    def said(self) -> str:
        return self.out.read_text()

    def ready(self) -> bool:
        return self.out.exists() and "Skillora runs at" in self.said()

    def status(self, path: str = "/healthz") -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                self.body = answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def healthy(self) -> bool:
        """Whether everything runs, a worker too."""
        return self.status("/health") == 200 and json.loads(self.body)["status"] == "healthy"

    def pids(self, words: str) -> list[int]:
        """Living processes of this product whose command line matches."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            pid = int(entry.name)
            with contextlib.suppress(OSError):
                environ = (entry / "environ").read_bytes().split(b"\0")
                mine = f"SKILLORA_HOME={self.home}".encode() in environ
                inside = str(self.home) in f"{processes.command_of(pid)} {(entry / 'cwd').readlink()}"
                if (mine or inside) and re.search(words, processes.command_of(pid)) and processes.alive(pid):
                    found.append(pid)
        return found

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(SECONDS)


def sign_ins(said: str) -> list[str]:
    """The lines with the demo's passwords."""
    return [line for line in said.splitlines() if "@example.com" in line]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The tests' common product: each starts it where it does not run."""
    product = Product(tmp_path_factory.mktemp("product") / "home")
    yield product
    product.end()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Product]:
    product = Product(tmp_path / "home", DEMO="1")
    yield product
    product.end()


def test_run_ended_by_ctrl_c_leaves_no_process_and_started_again_keeps_its_data(demo: Product) -> None:
    process = demo.start()
    first = demo.said()
    assert "loading a sample" in first
    assert "the sample was not loaded" not in first
    assert demo.status() == 200
    assert demo.pids("manage.py worker")
    password = (demo.home / "database-password").read_text()
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 0
    assert demo.pids(".") == []
    makefile = demo.home.parent / "Makefile"
    makefile.write_text(f"run:\n\t@exec {sys.executable} manage.py run\n")
    process = demo.start("make", "-f", str(makefile), "run")
    assert demo.status("/readyz") == 200
    assert (demo.home / "database-password").read_text() == password
    assert sign_ins(demo.said()) == sign_ins(first) != []
    assert "loading a sample" not in demo.said()
    counted = manage(
        demo,
        *("shell", "-v", "0", "-c"),
        "from ingest.models import Import as I; found = {i.dataset: i for i in I.objects.all()};"
        "print([found[s].inserted > found[s].rejected > 0 for s in ('salary_records', 'hired_employees')], len(found))",
    )
    assert counted.stdout.strip() == "[True, True] 4", counted.stderr
    process.send_signal(signal.SIGINT)  # to make alone, which does not pass it on
    assert process.wait(SECONDS) != 0
    until(lambda: demo.pids(".") == [], "processes stay behind make")
    assert "Traceback" not in demo.said()


def test_killed_part_comes_back(product: Product) -> None:
    product.start()
    for words in ("skillora.web", "manage.py worker", "bin/postgres -D", "valkey-server", "skillora.keeper"):
        until(lambda words=words: bool(product.pids(words)), f"no {words}")
        victims = set(product.pids(words))
        processes.send(victims, signal.SIGKILL)
        until(lambda w=words, v=victims: bool(set(product.pids(w)) - v), f"{words} did not come back")
        until(lambda: product.status("/readyz") == 200, f"the database is away after {words} was killed")
        until(product.healthy, f"not healthy after {words} was killed")


def test_killed_supervisor_leaves_nothing_and_the_next_run_works(product: Product) -> None:
    process = product.start()
    process.kill()
    process.wait()
    try:
        until(lambda: product.pids(".") == [], "processes stay without their supervisor")
    except AssertionError:
        left = [(pid, processes.command_of(pid)) for pid in product.pids(".")]
        pytest.fail(f"processes stay without their supervisor: {left}")
    process = product.start()
    assert product.status("/readyz") == 200
    down = manage(product, "down")
    assert (down.returncode, down.stdout) == (0, "ended\n")
    assert process.wait(SECONDS) == 0
    assert product.pids(".") == []


def manage(product: Product, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=BASE_DIR, env=product.env, capture_output=True, text=True, check=False)


def test_commands_beside_a_running_product(product: Product) -> None:
    product.start()
    until(product.healthy, "not healthy")
    assert json.loads(product.body)["services"]["active_workers"] == 1

    second = manage(product, "run")
    assert second.returncode == 1
    assert second.stderr.startswith("skillora: already running on ")
    assert second.stderr.count("\n") == 1

    keepers = product.pids("skillora.keeper")
    shell = manage(
        product, "shell", "-v", "0", "-c", "from accounts.models import User as U; print(U.objects.count())"
    )
    assert shell.stdout.strip() == "0", shell.stderr
    assert product.pids("skillora.keeper") == keepers
    assert product.status("/readyz") == 200


def refused(environment: dict[str, str], tmp_path: Path) -> str:
    """What `run` says, in one line and with status 1, when it cannot start."""
    product = Product(tmp_path / "home", **environment)
    done = manage(product, "run")
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_run_on_a_port_in_use_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = refused({"PORT": str(taken.getsockname()[1])}, tmp_path)
    assert "is in use" in said
    assert "PORT=" in said


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORT": "eighty"}, "PORT='eighty' cannot be used"),
        ({"PORT": "70000"}, "whole number from 1 to 65535"),
        ({"HOST": "203.0.113.9"}, "HOST=203.0.113.9"),
        ({"DATABASE_URL": "mysql://a/b"}, "DATABASE_URL='mysql://a/b' cannot be used"),
        ({"DATABASE_URL": "postgresql://me:secret@127.0.0.1:1/x"}, "postgresql://me:***@127.0.0.1:1/x"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "REDIS_URL=redis://127.0.0.1:1/0 cannot be used"),
        ({"REDIS_URL": "nonsense"}, "REDIS_URL=nonsense cannot be used"),
        ({"SKILLORA_HOME": "/proc/skillora"}, "the data folder /proc/skillora cannot be used"),
        ({"SKILLORA_ENV": "production"}, "SECRET_KEY"),
    ],
)
def test_run_with_a_wrong_setting_says_which(environment: dict[str, str], words: str, tmp_path: Path) -> None:
    assert words in refused(environment, tmp_path)
