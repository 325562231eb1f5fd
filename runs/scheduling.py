"""Tasks that are due by themselves. A due time is a unique row: any number of schedulers start it once."""

import logging
import signal
import threading
from datetime import UTC, datetime, timedelta
from types import FrameType

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from runs import registry
from runs.models import Run
from runs.services import run_start
from runs.sweeping import Sweeper

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slot(task: registry.Task, now: datetime) -> datetime:
    """The latest due time of `task` that is not after `now`."""
    if task.every:
        return now - (now - EPOCH) % task.every
    if task.at is None:
        raise ValueError(f"{task.name} has no schedule")
    today = datetime.combine(now.astimezone(UTC).date(), task.at, tzinfo=UTC)
    return today if today <= now else today - timedelta(days=1)


def start_due(now: datetime | None = None) -> list[Run]:
    """Start what is due and nobody has started; missed times are made up for once, by the latest.

    A task whose last run is still going is left out this time.
    """
    started = []
    for task in registry.scheduled():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO runs_scheduleslot (name, due_at) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [task.name, slot(task, now or timezone.now())],
            )
            if cursor.rowcount and not Run.objects.open().filter(task=task.name, by=None).exists():
                started.append(run_start(task=task.name, by=None))
    return started


def schedule() -> None:
    """Start what is due, and sweep, until SIGTERM or SIGINT."""
    ending = threading.Event()

    def end(signum: int, frame: FrameType | None) -> None:
        ending.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    sweeper = Sweeper()
    sweeper.start()
    while not ending.wait(TICK_SECONDS):
        try:
            start_due()
        except DatabaseError as error:
            logger.warning("nothing can be started, the database does not answer: %s", str(error).strip())
            connection.close()
    sweeper.stop()
