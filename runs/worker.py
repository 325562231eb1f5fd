"""Our RQ worker: a parent that forks a work-horse per ring, and sweeps beside it.

Kept simple by one rule: whatever happens here, at worst a ring is lost, and a sweeper rings again.
"""

import contextlib
import ctypes
import gc
import importlib
import logging
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

from django.conf import settings
from django.db import DatabaseError, connection, connections
from redis import Redis, RedisError
from redis.client import Pipeline
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from runs import doorbell, locks, registry
from runs.execution import worker_name
from runs.models import Run, State
from runs.sweeping import Sweeper

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
AGAIN_SECONDS = 2.0  # after which somebody who was asked to stop and goes on is asked again
RETRY_SECONDS = 1.0  # between two looks for a queue server that is away
_stop_asked = threading.Event()  # by a signal, of this process
PRELOADED = (
    "numpy",
    "pandas",
    "pyarrow",
    "pyarrow.compute",
    "pyarrow.csv",
)  # slow to import: once, before forking


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies (Linux): no orphan works on, none is left over.

    Elsewhere an orphan ends its run; the lock keeps everybody else away from it.
    """
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


class RunWorker(Worker):
    """RQ's worker without its patience: a stop ends the work-horse at once, and its run is handed back."""

    max_connection_wait_time = 2.0
    log_result_lifespan = False

    def __init__(self, sweeper: Sweeper) -> None:
        redis = Redis.from_url(settings.REDIS_URL)
        queues = [
            Queue(name, connection=redis, serializer=JSONSerializer, default_timeout=-1)
            for name in doorbell.QUEUES
        ]
        super().__init__(queues, connection=redis, serializer=JSONSerializer, worker_ttl=60)
        self._sweeper = sweeper
        self._current: tuple[int, float] | None = None  # the horse's run, and since when

    def request_stop(self, signum: int, frame: FrameType | None) -> NoReturn:
        self._stop_requested = True
        _stop(signum, frame)

    def execute_job(self, job: Job, queue: Queue) -> None:
        self._current = (int(job.args[0]), time.monotonic())
        try:
            super().execute_job(job, queue)
        except StopRequested:
            _heard()
            self._hand_back(self._current[0])
            raise
        finally:
            self._current = None
            self._sweeper.wake()  # a killed horse's run goes on at once

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        with self._sweeper.forking:
            super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent()
        super().main_work_horse(job, queue)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """RQ's; and where the queue server came back empty, we say again that we are there."""
        if pipeline is None and not self.connection.hexists(self.key, "birth"):
            self.connection.delete(self.key)
            self.register_birth()  # type: ignore[no-untyped-call]
        super().heartbeat(timeout, pipeline)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """The horse and what it has started. RQ's own ends our group, us included, where the horse is gone (pid 0)."""
        pid = self.horse_pid
        with contextlib.suppress(ProcessLookupError):
            if pid and os.getpgid(pid) == pid:
                os.killpg(pid, sig)
            elif pid:  # forked this moment: still in our group
                os.kill(pid, sig)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:  # the horse does not need the queue server
            logger.warning("the queue server does not answer: %s", error)

    def subscribe(self) -> None:
        """No remote commands: a run is cancelled in its row."""

    def teardown(self) -> None:
        if not self.is_horse:
            self.register_death()  # type: ignore[no-untyped-call]

    def end_lost_horse(self) -> None:
        """Kill a work-horse that has lost its run (it stood still, its session was ended): it blocks us."""
        current = self._current
        if current is None or time.monotonic() - current[1] < settings.RUN_STALE_SECONDS:
            return
        mine = Run.objects.filter(pk=current[0], state=State.RUNNING, worker=worker_name(self.horse_pid))
        if current[0] not in locks.holders() or not mine.exists():
            logger.warning("run %s is not ours any more, ending its process %s", current[0], self.horse_pid)
            self.kill_horse()

    def _hand_back(self, run_id: int) -> None:
        """End the horse; its run waits again, as if it had not been started. Takes 2 s at most."""
        name = worker_name(self.horse_pid)
        self.kill_horse()
        self.wait_for_horse()
        with self._sweeper.forking:
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SET statement_timeout = '2s'")
                mine = Run.objects.filter(pk=run_id, state=State.RUNNING, worker=name)
                if mine.update(state=State.QUEUED):
                    doorbell.ring(Run.objects.get(pk=run_id))
            except DatabaseError as error:
                logger.warning("run %s could not be handed back, a sweeper will find it: %s", run_id, error)
            finally:
                connection.close()


def work(burst: bool = False) -> None:
    """Answer rings until SIGTERM or SIGINT; `burst`: until none is waiting.

    Lives through a queue server that is away, restarted or flushed, and through a restarted database.
    """
    for name in PRELOADED:
        importlib.import_module(name)
    registry.prepare()
    connections.close_all()
    gc.collect()
    gc.freeze()  # what is loaded now is shared with every horse
    sweeper = Sweeper()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        sweeper.look() if burst else sweeper.start()
        while not _listen(sweeper, burst):
            time.sleep(RETRY_SECONDS)
    except StopRequested:
        pass
    finally:
        _heard()
        sweeper.stop()


def _listen(sweeper: Sweeper, burst: bool) -> bool:
    """One worker's life; True where it ended because it should."""
    try:
        worker = RunWorker(sweeper)
        sweeper.also = worker.end_lost_horse
        worker.work(burst=burst)
    except (RedisError, OSError) as error:
        logger.warning("the queue server does not answer: %s", error)
    return burst or _stop_asked.is_set()


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    """Signal handler: leave whatever goes on, and again after a while: an exception within a destructor is lost."""
    _stop_asked.set()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
    raise StopRequested


def _heard() -> None:
    """The stop goes its way: nothing interrupts it."""
    signal.setitimer(signal.ITIMER_REAL, 0)
