"""Real worker processes on a real queue, and what is left when they are killed, stopped or cut off."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from rq import Worker

from bench.workload import tasks as workload
from runs import doorbell, locks
from runs.models import Run, State
from runs.services import run_cancel, run_start
from skillora.home import Home
from skillora.servers import start_valkey
from skillora.tests.serving import WAIT_SECONDS, database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.integration]

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `manage.py worker` (or another command) on the test database; kills what is left afterwards."""
    processes = []

    def launch(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        fast = {"RUN_SWEEP_SECONDS": "1", "RUN_HEARTBEAT_SECONDS": "1", "LOG_LEVEL": "ERROR"}
        process = subprocess.Popen(
            [sys.executable, "manage.py", *(arguments or ("worker",))],
            cwd=django_settings.BASE_DIR,
            env={
                **os.environ,
                **fast,
                "DATABASE_URL": database_url(),
                "DJANGO_SETTINGS_MODULE": "bench.settings",
                **environment,
            },
        )
        processes.append(process)
        return process

    yield launch
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture(autouse=True)
def table() -> Iterator[Callable[[], int]]:
    """The workload's table, which has no key; gives its number of rows."""
    with connection.cursor() as cursor:
        cursor.execute(workload.TABLE)

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM workload_row")
            return int(cursor.fetchone()[0])

    yield count
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE workload_row")


def load(rows: int = 20_000, seconds: float = 0.0) -> Run:
    return run_start(task="workload.copy", by=None, payload={"rows": rows, "seconds": seconds})


def until(run: Run, condition: Callable[[Run], Any], seconds: float = WAIT_SECONDS) -> Run:
    """Wait until `condition` holds of the run as it is in the database."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        run.refresh_from_db()
        if condition(run):
            return run
        time.sleep(0.02)
    raise AssertionError(f"still {run.state}, attempt {run.attempt}, {run.error_message}")


def working(run: Run) -> bool:
    return run.state == State.RUNNING and run.progress_done > 0


def caught(run: Run) -> Run:
    """The run in the middle of a load that would take long; its next attempt is a quick one."""
    until(run, working)
    Run.objects.filter(pk=run.pk).update(payload={**run.payload, "seconds": 0.0})
    return run


def horse_of(run: Run) -> int:
    return int(run.worker.rpartition(":")[2])


def test_worker_does_what_is_queued(start: Start, table: Callable[[], int]) -> None:
    runs = [load(), load()]
    start()
    for run in runs:
        until(run, lambda r: r.state == State.DONE)
    assert table() == 40_000


def test_burst_worker_ends_when_nothing_waits(start: Start, table: Callable[[], int]) -> None:
    run = load()
    assert start("worker", "--burst").wait(WAIT_SECONDS) == 0
    run.refresh_from_db()
    assert (run.state, table()) == (State.DONE, 20_000)


def test_work_horse_killed_is_done_once_by_the_next(start: Start, table: Callable[[], int]) -> None:
    start()
    run = caught(load(seconds=60))
    os.kill(horse_of(run), signal.SIGKILL)
    until(run, lambda r: r.state == State.DONE)
    assert (run.attempt, table()) == (2, 20_000)


def test_worker_parent_killed_takes_its_horse_along_and_another_resumes(
    start: Start, table: Callable[[], int]
) -> None:
    parent = start()
    run = caught(load(seconds=60))
    start()
    parent.kill()
    until(run, lambda r: r.state == State.DONE)
    assert (run.attempt, table()) == (2, 20_000)


def test_worker_stopped_mid_load_hands_its_run_back(start: Start, table: Callable[[], int]) -> None:
    parent = start()
    run = caught(load(seconds=60))
    horse = horse_of(run)
    parent.terminate()
    assert parent.wait(WAIT_SECONDS) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(horse, 0)
    run.refresh_from_db()
    assert (run.state, run.stalls, table()) == (State.QUEUED, 0, 0)
    start()
    until(run, lambda r: r.state == State.DONE)
    assert table() == 20_000


def test_worker_stopped_mid_load_together_with_the_queue_server_ends(start: Start, tmp_path: Path) -> None:
    """As when the supervisor is killed: everything is told to end at once, and a goodbye reaches nobody."""
    home = Home(tmp_path)
    server = start_valkey(home)
    try:
        parent = start(REDIS_URL=home.redis_url)
        run = caught(load(seconds=60))
    finally:
        server.kill()
        server.wait()
    parent.terminate()
    assert parent.wait(WAIT_SECONDS) == 0
    run.refresh_from_db()
    assert run.state == State.QUEUED


def test_worker_whose_horse_is_gone_does_not_kill_itself() -> None:
    code = (
        "import django; django.setup()\n"
        "from runs.sweeping import Sweeper\n"
        "from runs.worker import RunWorker\n"
        "RunWorker(Sweeper()).kill_horse()\n"
        "print('alive')"
    )
    environment = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "bench.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=django_settings.BASE_DIR,
        env=environment,
        capture_output=True,
        check=False,
        start_new_session=True,
    )
    assert (done.returncode, done.stdout) == (0, b"alive\n"), done.stderr


def test_horse_that_stands_still_is_superseded_and_ended(start: Start, table: Callable[[], int]) -> None:
    start(RUN_STALE_SECONDS="2")
    run = caught(load(seconds=60))
    zombie = horse_of(run)
    os.kill(zombie, signal.SIGSTOP)
    until(run, lambda r: r.state == State.DONE)
    with contextlib.suppress(ProcessLookupError):
        os.kill(zombie, signal.SIGCONT)
    # On a slow machine a healthy attempt may be taken for one that stands still, too: once is what counts.
    assert run.attempt >= 2 and table() == 20_000


def test_run_is_cancelled_while_a_worker_loads_it(start: Start, table: Callable[[], int]) -> None:
    start()
    run = caught(load(rows=200_000, seconds=60))  # many short steps: each looks whether to go on
    run_cancel(run=run, by=None)
    until(run, lambda r: r.state == State.CANCELLED)
    assert table() == 0


def test_flushed_queue_loses_nothing(start: Start, table: Callable[[], int]) -> None:
    runs = [load() for _ in range(3)]
    doorbell.client().flushdb()
    start()
    for run in runs:
        until(run, lambda r: r.state == State.DONE)
    assert table() == 60_000


def test_worker_is_seen_again_once_the_queue_has_lost_everything(start: Start) -> None:
    start()
    until(load(), lambda r: r.state == State.DONE)
    doorbell.client().flushdb()
    assert Worker.all(connection=doorbell.client()) == []
    until(load(), lambda r: r.state == State.DONE)
    end = time.monotonic() + WAIT_SECONDS
    while len(Worker.all(connection=doorbell.client())) != 1:
        assert time.monotonic() < end, "nobody sees the worker"
        time.sleep(0.1)


def test_worker_without_a_queue_server_does_the_work_itself(start: Start, table: Callable[[], int]) -> None:
    runs = [load() for _ in range(3)]
    start(REDIS_URL="unix:///nonexistent/valkey.sock")
    for run in runs:
        until(run, lambda r: r.state == State.DONE)
    assert table() == 60_000


def test_scheduler_without_a_worker_and_a_queue_server_sweeps_too(
    start: Start, table: Callable[[], int]
) -> None:
    run = load()
    scheduler = start("scheduler", REDIS_URL="unix:///nonexistent/valkey.sock")
    until(run, lambda r: r.state == State.DONE)
    scheduler.terminate()
    assert scheduler.wait(WAIT_SECONDS) == 0


def test_forked_horse_reads_with_all_of_arrows_threads(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("a,b\n" + "".join(f"{n},text {n}\n" for n in range(200_000)))
    start()
    run = run_start(task="workload.arrow", by=None, payload={"path": str(file)})
    until(run, lambda r: r.state == State.DONE)
    assert run.result == {"rows": 200_000}


def test_worker_leaves_no_lock_behind(start: Start) -> None:
    start()
    until(load(), lambda r: r.state == State.DONE)
    end = time.monotonic() + WAIT_SECONDS
    while locks.holders() and time.monotonic() < end:
        time.sleep(0.02)
    assert locks.holders() == {}


def test_stop_that_gets_lost_is_said_again() -> None:
    """An exception that a signal's handler raises within a destructor is printed and forgotten."""
    code = """
import signal, sys, time
from runs import worker
worker.AGAIN_SECONDS = 0.2
signal.signal(signal.SIGTERM, worker._stop)
class Deaf:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
Deaf()
try:
    time.sleep(60)
except worker.StopRequested:
    worker._heard()
    time.sleep(0.5)
    print("heard")
"""
    set_up = "import django; django.setup()\n"
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "skillora.settings"}
    done = subprocess.run(
        [sys.executable, "-c", set_up + code], env=environ, capture_output=True, text=True, check=False
    )
    assert "Exception ignored" in done.stderr and done.stdout == "heard\n", done.stderr
