"""A throw-away product for benchmarks that talk HTTP: granian and a worker on the benchmark's own servers."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench._world import free_port
from skillora import processes

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120.0


@dataclass
class Running:
    """A product that serves: its port, the parent of its web processes, and its workers."""

    port: int
    web: "subprocess.Popen[bytes]"
    workers: "list[subprocess.Popen[bytes]]"


def tokens() -> dict[str, str]:
    """A token for each role, and none for anonymous."""
    from accounts.models import ApiToken, Role, User

    made = {"anonymous": ""}
    for role in Role:
        user = User.objects.create_user(f"{role.value}@bench.example", None, role=role)
        made[role.value] = ApiToken.issue(user=user, lifetime=timedelta(days=1))[1]
    return made


def session(email: str) -> str:
    """The Cookie header of a browser in which this account is signed in."""
    from django.conf import settings
    from django.test import Client

    from accounts.models import User

    browser = Client()
    browser.force_login(User.objects.get(email=email), "django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


def load_sample(dataset: str, rows: int) -> None:
    """Load that many sample rows, in this process."""
    from ingest import declarations, samples, services
    from runs.execution import execute

    path = Path(os.environ["SKILLORA_HOME"]) / f"{dataset}.csv"
    with path.open("wb") as file:
        file.writelines(samples.sample(declarations.dataset(dataset), rows=rows, seed=1))
    source = services.import_create(by=None, dataset=dataset, upload=path, name=path.name)
    run = services.import_submit(source=services.import_map(source=source, by=None, fill=True), by=None)
    execute(run.pk)


def _serves(port: int) -> bool:
    try:
        visit = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        visit.request("GET", "/healthz")
        return visit.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False


@contextlib.contextmanager
def product(*, web: int = 1, workers: int = 1, **environment: str) -> Iterator[Running]:
    """A running product with `web` processes, as `make run` starts them."""
    port = free_port()
    log = Path(os.environ["SKILLORA_HOME"]) / "product.log"
    env = {**os.environ, "LOG_LEVEL": "ERROR", "RATE_MEMBER": "1000000000", "RATE_ANONYMOUS": "1000000000"}
    env |= {"RATE_SIGN_IN": "1000000000", "SKILLORA_ENV": "test", **environment}
    env |= {"HOST": "127.0.0.1", "PORT": str(port), "WEB_PROCESSES": str(web)}
    commands = [["-m", "skillora.web"], *[["manage.py", "worker"]] * workers]
    with log.open("ab") as out:
        running = [
            subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=env,
                stdout=out,
                stderr=out,
                preexec_fn=processes.dying_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no thread of ours yet
            )
            for command in commands
        ]
    try:
        end = time.monotonic() + START_SECONDS
        while not _serves(port):
            if running[0].poll() is not None or time.monotonic() > end:
                raise RuntimeError(log.read_text()[-2000:])
            time.sleep(0.1)
        yield Running(port, running[0], running[1:])
    finally:
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
