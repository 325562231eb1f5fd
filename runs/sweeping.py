"""Finds work that nobody does, and ends zombies. Every worker and every scheduler sweeps.

A run is nobody's when it is open and its advisory lock is free: its ring was lost, its worker was killed, the
queue was flushed, the server was restarted. It is a zombie's when the lock is held and the heartbeat is old:
ending the session that holds the lock rolls its work back, and the next sweep finds it free.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from runs import doorbell, locks
from runs.models import Run, State

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=2)  # a fresh run's own ring comes first


def free_runs() -> list[Run]:
    """Open runs that nobody works on and that are due, oldest first."""
    held = locks.holders()
    fresh = timezone.now() - PATIENCE
    runs = Run.objects.due().order_by("id").only("id", "task", "queue", "state", "created_at")
    return [r for r in runs if r.pk not in held and (r.state == State.RUNNING or r.created_at < fresh)]


def end_zombies() -> list[int]:
    """End the sessions that hold a run and gave no sign of life for RUN_STALE_SECONDS; the runs' ids."""
    patience = timedelta(seconds=settings.RUN_STALE_SECONDS)
    held = locks.holders()
    silent = Q(state=State.RUNNING, heartbeat_at__lt=Now() - patience)
    # Stopped between lock and claim: there is no heartbeat yet, but the session knows since when it is idle.
    idle = [pk for pk, holder in held.items() if holder.since < timezone.now() - patience]
    zombies = Run.objects.filter(silent | Q(state=State.QUEUED, pk__in=idle), pk__in=held)
    ids = list(zombies.values_list("pk", flat=True))
    if ids:
        logger.warning("runs %s: no sign of life for %s, ending their sessions", ids, patience)
        locks.terminate(held[pk].pid for pk in ids)
    return ids


def sweep() -> list[int]:
    """Ring for every free run that waits in no queue; ids of free runs while the queue server is away."""
    end_zombies()
    free = free_runs()
    if not free:
        return []
    waiting = doorbell.waiting()
    if waiting is None:
        return [r.pk for r in free]
    for run in free:
        if doorbell.job_id(run.pk) not in waiting and not doorbell.ring(run):
            return [r.pk for r in free]
    return []


class Sweeper(threading.Thread):
    """Sweeps every RUN_SWEEP_SECONDS, and does the work itself, in a child, while the queue server is away.

    `forking` is held while a database session is open here, so that no work-horse ever inherits one.
    """

    def __init__(self) -> None:
        super().__init__(name="sweeper", daemon=True)
        self.forking = threading.Lock()
        self.also: Callable[[], None] | None = None  # what else to look after, over the same session
        self._wake = threading.Event()
        self._ending = False
        self._child: subprocess.Popen[Any] | None = None

    def run(self) -> None:
        while not self._ending:
            alone: list[int] = []
            wait = settings.RUN_SWEEP_SECONDS
            try:
                alone = self.look()
            except DatabaseError as error:
                logger.warning("sweep failed, the database does not answer: %s", str(error).strip())
                wait = 1  # it is most likely being started again, with work to resume
            except Exception:
                logger.exception("sweep failed")
            if alone and not self._ending:
                self._work(alone)
            self._wake.wait(wait)
            self._wake.clear()

    def look(self) -> list[int]:
        """One sweep, over a session of its own."""
        with self.forking:
            try:
                alone = sweep()
                if self.also is not None:
                    self.also()
                return alone
            finally:
                connection.close()

    def wake(self) -> None:
        """Sweep now, not at the next tick."""
        self._wake.set()

    def stop(self) -> None:
        """Sweep no more, and end the child."""
        self._ending = True
        self._wake.set()
        if self._child is not None and self._child.poll() is None:
            self._child.kill()

    def _work(self, ids: list[int]) -> None:
        """Run these in one child at a time, one after the other."""
        if self._child is not None and self._child.poll() is None:
            return
        logger.warning("the queue server does not answer: %d runs are done without it", len(ids))
        command = [sys.executable, "-m", "django", "worker", "--run", *map(str, ids)]
        self._child = subprocess.Popen(command, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL)
        threading.Thread(target=self._await_child, args=(self._child,), daemon=True).start()

    def _await_child(self, child: subprocess.Popen[Any]) -> None:
        child.wait()
        self.wake()
