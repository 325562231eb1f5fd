"""Start and cancel."""

import threading

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from accounts.models import Role, User
from runs import doorbell
from runs.models import Run, State
from runs.services import DuplicateRun, run_cancel, run_start, run_undone
from runs.tests.conftest import Declare, in_thread
from skillora.lib.errors import Conflict, NotAllowed
from skillora.tests.serving import WAIT_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


def nothing(attempt: object) -> None:
    pass


def test_start_rings_once_committed(declare: Declare) -> None:
    name = declare(nothing, queue="loads")
    with transaction.atomic():
        run = run_start(task=name, by=None, payload={"a": 1})
        assert doorbell.waiting() == set()
    assert doorbell.waiting() == {doorbell.job_id(run.pk)}
    assert doorbell.queue("loads").count == 1


def test_start_rolled_back_rings_nobody(declare: Declare) -> None:
    with pytest.raises(ValueError), transaction.atomic():
        run_start(task=declare(nothing), by=None)
        raise ValueError
    assert doorbell.waiting() == set()
    assert Run.objects.count() == 0


def test_start_while_the_queue_server_is_away_is_not_an_error(declare: Declare, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nonexistent/valkey.sock"
    assert run_start(task=declare(nothing), by=None).state == State.QUEUED


def test_start_unknown_task_is_refused() -> None:
    with pytest.raises(LookupError, match=r"no\.such"):
        run_start(task="no.such", by=None)


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.DONE, State.DONE_WITH_REJECTS])
def test_start_again_while_live_names_the_first(declare: Declare, state: State) -> None:
    name = declare(nothing)
    first = run_start(task=name, by=None, unique_key="file-1")
    Run.objects.filter(pk=first.pk).update(state=state)
    with transaction.atomic(), pytest.raises(DuplicateRun) as caught:
        run_start(task=name, by=None, unique_key="file-1")
    assert caught.value.run == first
    assert caught.value.status == 409
    assert Run.objects.count() == 1


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.UNDONE])
def test_start_again_after_it_came_to_nothing_is_allowed(declare: Declare, state: State) -> None:
    name = declare(nothing)
    first = run_start(task=name, by=None, unique_key="file-1")
    Run.objects.filter(pk=first.pk).update(state=state)
    assert run_start(task=name, by=None, unique_key="file-1").pk != first.pk


def test_start_by_many_at_once_makes_one(declare: Declare) -> None:
    name = declare(nothing)
    together = threading.Barrier(8)

    def start() -> Run:
        together.wait(WAIT_SECONDS)
        return run_start(task=name, by=None, unique_key="file-1")

    threads = [in_thread(start) for _ in range(8)]
    for thread, _ in threads:
        thread.join(WAIT_SECONDS)
    outcomes = [outcome[0] for _, outcome in threads]
    made = [o for o in outcomes if isinstance(o, Run)]
    assert len(made) == Run.objects.count() == 1
    assert [o.run for o in outcomes if isinstance(o, DuplicateRun)] == made * 7


def test_cancel_queued_is_at_once(declare: Declare) -> None:
    run = run_start(task=declare(nothing), by=None)
    assert run_cancel(run=run, by=None).state == State.CANCELLED


def test_cancel_running_whose_worker_is_gone_is_at_once(declare: Declare) -> None:
    run = run_start(task=declare(nothing), by=None)
    Run.objects.filter(pk=run.pk).update(state=State.RUNNING, attempt=1)
    assert run_cancel(run=run, by=None).state == State.CANCELLED


def test_cancel_is_for_editors_and_whoever_started_it(declare: Declare) -> None:
    viewer = User.objects.create_user(email="viewer@example.com", password=None)
    editor = User.objects.create_user(email="editor@example.com", password=None, role=Role.EDITOR)
    task = declare(nothing)
    someone_elses = run_start(task=task, by=None)
    with pytest.raises(NotAllowed):
        run_cancel(run=someone_elses, by=viewer)
    assert run_cancel(run=someone_elses, by=editor).state == State.CANCELLED
    assert run_cancel(run=run_start(task=task, by=viewer), by=viewer).state == State.CANCELLED


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED, State.UNDONE])
def test_cancel_ended_is_a_conflict(declare: Declare, state: State) -> None:
    run = run_start(task=declare(nothing), by=None)
    Run.objects.filter(pk=run.pk).update(state=state)
    with pytest.raises(Conflict):
        run_cancel(run=run, by=None)


def test_undone_only_when_done(declare: Declare) -> None:
    run = run_start(task=declare(nothing), by=None)
    with pytest.raises(Conflict):
        run_undone(run=run, by=None)
    Run.objects.filter(pk=run.pk).update(state=State.DONE)
    assert run_undone(run=run, by=None).state == State.UNDONE
