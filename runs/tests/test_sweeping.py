"""Free runs are found and rung for, whatever was lost; nothing is rung twice."""

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from runs import doorbell, locks
from runs.models import Run, State
from runs.services import run_start
from runs.sweeping import free_runs, sweep
from runs.tests.conftest import Declare, other_session

pytestmark = pytest.mark.django_db(transaction=True)


def lost(declare: Declare, **fields: object) -> Run:
    """A run of a minute ago whose ring was lost."""
    run = run_start(task=declare(lambda attempt: None), by=None)
    doorbell.client().flushdb()
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timezone.timedelta(minutes=1), **fields)
    return run


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_sweep_rings_for_what_nobody_does(declare: Declare, state: State) -> None:
    run = lost(declare, state=state)
    assert sweep() == []
    assert doorbell.waiting() == {doorbell.job_id(run.pk)}


def test_sweep_again_and_again_rings_once(declare: Declare) -> None:
    lost(declare)
    for _ in range(5):
        sweep()
    assert doorbell.queue("default").count == 1


def test_sweep_rings_again_after_a_flush(declare: Declare) -> None:
    lost(declare)
    sweep()
    doorbell.client().flushdb()
    sweep()
    assert doorbell.queue("default").count == 1


def test_sweep_rings_again_where_a_worker_died_between_pop_and_start(declare: Declare) -> None:
    run = lost(declare)
    sweep()
    doorbell.client().delete("rq:queue:default")  # popped; what RQ knows of the ring stays behind
    assert doorbell.client().exists(f"rq:job:{doorbell.job_id(run.pk)}")
    sweep()
    assert doorbell.queue("default").count == 1


def test_free_runs_leave_out_what_is_worked_on(declare: Declare) -> None:
    run = lost(declare, state=State.RUNNING)
    with other_session() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [locks.NAMESPACE + run.pk])
        assert free_runs() == []
    assert free_runs() == [run]


def test_free_runs_leave_out_what_was_started_just_now(declare: Declare) -> None:
    run_start(task=declare(lambda attempt: None), by=None)
    assert free_runs() == []


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED, State.UNDONE])
def test_free_runs_leave_out_what_has_ended(declare: Declare, state: State) -> None:
    lost(declare, state=state)
    assert free_runs() == []


def test_sweep_without_a_queue_server_hands_the_work_over(declare: Declare, settings: Settings) -> None:
    run = lost(declare)
    settings.REDIS_URL = "unix:///nonexistent/valkey.sock"
    assert sweep() == [run.pk]
