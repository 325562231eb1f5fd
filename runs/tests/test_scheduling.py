"""Due times: computed, started once whoever asks, made up for once."""

import threading
from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from runs import registry
from runs.execution import execute
from runs.models import Run, ScheduleSlot, State
from runs.registry import Task
from runs.scheduling import slot, start_due
from runs.services import run_start
from runs.tasks import trim
from runs.tests.conftest import Declare, in_thread
from skillora.tests.serving import WAIT_SECONDS

NOON = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)


def nothing(attempt: object) -> None:
    pass


@pytest.fixture(autouse=True)
def no_other_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {name: task for name, task in registry._tasks.items() if not (task.every or task.at)}
    monkeypatch.setattr(registry, "_tasks", kept)


@pytest.mark.parametrize(
    ("task", "due"),
    [
        (Task("t", nothing, every=timedelta(minutes=5)), datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        (Task("t", nothing, every=timedelta(hours=1)), datetime(2026, 3, 1, 12, 0, tzinfo=UTC)),
        (Task("t", nothing, at=time(3, 10)), datetime(2026, 3, 1, 3, 10, tzinfo=UTC)),
        (Task("t", nothing, at=time(23, 0)), datetime(2026, 2, 28, 23, 0, tzinfo=UTC)),
    ],
)
def test_slot_is_the_latest_due_time(task: Task, due: datetime) -> None:
    assert slot(task, NOON) == due


@pytest.mark.django_db(transaction=True)
def test_start_due_starts_each_slot_once(declare: Declare) -> None:
    declare(nothing, every=timedelta(minutes=5))
    (run,) = start_due(NOON)
    assert run.by is None
    execute(run.pk)
    assert start_due(NOON + timedelta(seconds=3)) == []
    assert len(start_due(NOON + timedelta(minutes=5))) == 1


@pytest.mark.django_db(transaction=True)
def test_start_due_by_many_schedulers_at_once_starts_one(declare: Declare) -> None:
    declare(nothing, every=timedelta(minutes=5))
    together = threading.Barrier(6)

    def tick() -> int:
        together.wait(WAIT_SECONDS)
        return len(start_due(NOON))

    threads = [in_thread(tick) for _ in range(6)]
    for thread, _ in threads:
        thread.join(WAIT_SECONDS)
    assert sum(outcome[0] for _, outcome in threads) == Run.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_start_due_leaves_out_what_is_still_going(declare: Declare) -> None:
    declare(nothing, every=timedelta(minutes=5))
    start_due(NOON)
    assert start_due(NOON + timedelta(minutes=5)) == []


@pytest.mark.django_db(transaction=True)
def test_trim_drops_what_is_old_and_keeps_what_somebody_started() -> None:
    registry.task("runs.trim")(trim)
    old = timezone.now() - timedelta(days=31)
    ended = {"task": "t", "state": State.DONE, "finished_at": old, "log": [{"at": "", "text": "x"}]}
    housekeeping = Run.objects.create(**ended)
    load = Run.objects.create(**ended, subject_id=7)
    ScheduleSlot.objects.create(name="t", due_at=old)
    recent = ScheduleSlot.objects.create(name="t", due_at=timezone.now())
    assert execute(run_start(task="runs.trim", by=None).pk) == State.DONE
    load.refresh_from_db()
    assert load.log == []
    assert not Run.objects.filter(pk=housekeeping.pk).exists()
    assert list(ScheduleSlot.objects.all()) == [recent]
