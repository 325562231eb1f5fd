"""One attempt: claim, work, final state, and every way in which it comes to nothing."""

import errno
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from runs import locks
from runs.execution import Attempt, execute
from runs.models import Run, State
from runs.registry import Handler
from runs.services import run_cancel, run_start
from runs.sweeping import end_zombies, free_runs
from runs.tests.conftest import Declare, Table, in_thread, other_session, write
from skillora.lib.errors import DomainError
from skillora.tests.serving import WAIT_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


def loads(attempt: Attempt) -> None:
    with transaction.atomic():
        write(attempt.run.pk)
        attempt.progress(10, 10, "written", {"inserted": 10})
        attempt.log("all written")
        attempt.finish(State.DONE_WITH_REJECTS, {"rows": 1})


def test_execute_queued_run_is_done_once(declare: Declare, rows: Table) -> None:
    run = run_start(task=declare(loads), by=None)
    assert execute(run.pk) == State.DONE_WITH_REJECTS
    assert execute(run.pk) is None
    run.refresh_from_db()
    assert (run.attempt, run.result, run.progress_done, run.progress_detail) == (
        1,
        {"rows": 1},
        10,
        {"inserted": 10},
    )
    assert [line["text"] for line in run.log] == ["Begun", "all written", "Done"]
    assert rows() == 1


def test_execute_task_without_finish_is_done(declare: Declare) -> None:
    run = run_start(task=declare(lambda attempt: None), by=None)
    assert execute(run.pk) == State.DONE


def test_execute_while_another_session_works_leaves_the_run_alone(declare: Declare, rows: Table) -> None:
    run = run_start(task=declare(loads), by=None)
    with other_session() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [locks.NAMESPACE + run.pk])
        assert execute(run.pk) is None
    run.refresh_from_db()
    assert (run.state, run.attempt, rows()) == (State.QUEUED, 0, 0)
    assert execute(run.pk) == State.DONE_WITH_REJECTS


def test_execute_releases_the_lock(declare: Declare, rows: Table) -> None:
    run = run_start(task=declare(loads), by=None)
    execute(run.pk)
    assert locks.holders() == {}


def test_task_that_cannot_is_failed_with_its_words(declare: Declare, rows: Table) -> None:
    def refuses(attempt: Attempt) -> None:
        with transaction.atomic():
            write(attempt.run.pk)
            raise DomainError("The file has no rows. Choose another.", code="empty_file")

    run = run_start(task=declare(refuses), by=None)
    assert execute(run.pk) == State.FAILED
    run.refresh_from_db()
    assert (run.error_code, run.error_message) == ("empty_file", "The file has no rows. Choose another.")
    assert run.finished_at is not None
    assert rows() == 0


def test_task_with_a_fault_is_failed_without_a_traceback(declare: Declare, rows: Table) -> None:
    def breaks(attempt: Attempt) -> None:
        with transaction.atomic():
            write(attempt.run.pk)
            raise ValueError("secret detail")

    run = run_start(task=declare(breaks), by=None)
    assert execute(run.pk) == State.FAILED
    run.refresh_from_db()
    assert run.error_code == "internal_error"
    assert str(run.pk) in run.error_message
    assert "secret" not in run.error_message
    assert rows() == 0


def test_task_that_fails_after_finish_leaves_nothing(declare: Declare, rows: Table) -> None:
    def breaks_late(attempt: Attempt) -> None:
        with transaction.atomic():
            write(attempt.run.pk)
            attempt.finish()
            raise ValueError

    run = run_start(task=declare(breaks_late), by=None)
    assert execute(run.pk) == State.FAILED
    assert rows() == 0


def changed_before_finish(change: str) -> Handler:
    """A task that writes a row, and whose run somebody else changes just before it finishes."""

    def work(attempt: Attempt) -> None:
        with transaction.atomic():
            write(attempt.run.pk)
            with other_session() as other:
                other.execute(f"UPDATE runs_run SET {change} WHERE id = %s", [attempt.run.pk])
            attempt.finish()

    return work


def test_finish_after_takeover_is_rolled_back(declare: Declare, rows: Table) -> None:
    run = run_start(task=declare(changed_before_finish("attempt = attempt + 1")), by=None)
    assert execute(run.pk) == State.RUNNING
    run.refresh_from_db()
    assert (run.attempt, run.error_code, rows()) == (2, "", 0)


def test_session_lost_mid_work_leaves_the_run_to_be_resumed(declare: Declare, rows: Table) -> None:
    def loses_session_once(attempt: Attempt) -> None:
        with transaction.atomic():
            write(attempt.run.pk)
            if attempt.number == 1:
                with other_session() as other:
                    other.execute("SELECT pg_terminate_backend(%s)", [locks.session()])
            write(attempt.run.pk)
            attempt.finish()

    run = run_start(task=declare(loses_session_once), by=None)
    assert execute(run.pk) is None
    run.refresh_from_db()
    assert (run.state, run.attempt, rows()) == (State.RUNNING, 1, 0)
    assert [r.pk for r in free_runs()] == [run.pk]
    assert execute(run.pk) == State.DONE
    assert rows() == 2


def test_zombie_that_wakes_up_cannot_commit(declare: Declare, rows: Table) -> None:
    working, wake = threading.Event(), threading.Event()

    def stands_still_once(attempt: Attempt) -> None:
        with transaction.atomic():
            write(attempt.run.pk)
            if attempt.number == 1:
                working.set()
                wake.wait(WAIT_SECONDS)
            attempt.finish()

    run = run_start(task=declare(stands_still_once), by=None)
    thread, outcome = in_thread(lambda: execute(run.pk))
    working.wait(WAIT_SECONDS)
    long_ago = timezone.now() - timedelta(hours=1)
    Run.objects.filter(pk=run.pk).update(heartbeat_at=long_ago)
    assert end_zombies() == [run.pk]
    while run.pk in locks.holders():
        pass
    assert execute(run.pk) == State.DONE  # taken over
    wake.set()
    thread.join(WAIT_SECONDS)
    assert outcome == [None]
    run.refresh_from_db()
    assert (run.state, run.attempt, rows()) == (State.DONE, 2, 1)


def test_zombie_between_lock_and_claim_is_ended(declare: Declare, settings: Settings) -> None:
    settings.RUN_STALE_SECONDS = 0
    run = run_start(task=declare(loads), by=None)
    with other_session() as other:
        other.autocommit = True
        other.execute("SELECT pg_advisory_lock(%s)", [locks.NAMESPACE + run.pk])
        assert end_zombies() == [run.pk]


def test_crash_without_progress_again_and_again_is_failed(
    declare: Declare, rows: Table, settings: Settings
) -> None:
    settings.RUN_MAX_STALLS = 3
    run = run_start(task=declare(loads), by=None)
    crashed = {"state": State.RUNNING, "attempt": 4, "stalls": 2, "high_water": 500, "progress_done": 500}
    Run.objects.filter(pk=run.pk).update(**crashed)
    assert execute(run.pk) is None
    run.refresh_from_db()
    assert (run.state, run.error_code, rows()) == (State.FAILED, "crashed", 0)
    assert "start it again" in run.error_message


def test_crash_that_got_further_starts_the_count_anew(
    declare: Declare, rows: Table, settings: Settings
) -> None:
    settings.RUN_MAX_STALLS = 3
    run = run_start(task=declare(loads), by=None)
    crashed = {"state": State.RUNNING, "attempt": 4, "stalls": 2, "high_water": 500, "progress_done": 501}
    Run.objects.filter(pk=run.pk).update(**crashed)
    assert execute(run.pk) == State.DONE_WITH_REJECTS
    run.refresh_from_db()
    assert (run.stalls, run.high_water, run.attempt) == (0, 501, 5)


def test_full_disk_waits_and_goes_on_once_there_is_room(declare: Declare, rows: Table) -> None:
    def has_room_from_the_second_time(attempt: Attempt) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            write(attempt.run.pk)
            if attempt.number == 1:
                cursor.execute("DO $$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$")
            attempt.finish()

    run = run_start(task=declare(has_room_from_the_second_time), by=None)
    assert execute(run.pk) == State.QUEUED
    assert execute(run.pk) is None  # not due yet
    run.refresh_from_db()
    assert (run.error_code, run.stalls, rows(), free_runs()) == ("disk_full", 0, 0, [])
    assert "goes on by itself" in run.error_message
    long_ago = timezone.now() - timedelta(hours=1)
    Run.objects.filter(pk=run.pk).update(retry_at=long_ago, created_at=long_ago)
    assert [r.pk for r in free_runs()] == [run.pk]
    assert execute(run.pk) == State.DONE
    run.refresh_from_db()
    assert (run.error_code, run.error_message, rows()) == ("", "", 1)


def test_cancel_while_the_disk_is_full(declare: Declare, rows: Table) -> None:
    def has_no_room(attempt: Attempt) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run = run_start(task=declare(has_no_room), by=None)
    assert execute(run.pk) == State.QUEUED
    assert run_cancel(run=run, by=None).state == State.CANCELLED


def test_cancel_running_task_that_looks_is_rolled_back(declare: Declare, rows: Table) -> None:
    working = threading.Event()

    def looks(attempt: Attempt) -> None:
        with transaction.atomic():
            write(attempt.run.pk)
            working.set()
            while True:
                attempt.check()

    run = run_start(task=declare(looks), by=None)
    thread, outcome = in_thread(lambda: execute(run.pk))
    working.wait(WAIT_SECONDS)
    assert run_cancel(run=run, by=None).state == State.RUNNING
    thread.join(WAIT_SECONDS)
    assert outcome == [State.CANCELLED]
    assert rows() == 0


def test_cancel_running_task_inside_one_long_statement(
    declare: Declare, rows: Table, settings: Settings
) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 1
    working = threading.Event()

    def sleeps(attempt: Attempt) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            write(attempt.run.pk)
            working.set()
            cursor.execute("SELECT pg_sleep(60)")

    run = run_start(task=declare(sleeps), by=None)
    thread, outcome = in_thread(lambda: execute(run.pk))
    working.wait(WAIT_SECONDS)
    run_cancel(run=run, by=None)
    thread.join(WAIT_SECONDS)
    assert outcome == [State.CANCELLED]
    assert rows() == 0


def test_cancel_that_comes_before_finish_wins(declare: Declare, rows: Table) -> None:
    run = run_start(task=declare(changed_before_finish("cancel_requested = true")), by=None)
    assert execute(run.pk) == State.CANCELLED
    assert rows() == 0


def test_heartbeat_writes_progress_while_the_work_is_open(
    declare: Declare, rows: Table, settings: Settings
) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 1
    seen: list[tuple[int, int]] = []

    def counts(attempt: Attempt) -> None:
        with transaction.atomic():
            write(attempt.run.pk)
            attempt.progress(7, 9)
            with other_session() as other:
                other.autocommit = True
                while not seen:
                    query = "SELECT progress_done, progress_total FROM runs_run WHERE progress_done > 0"
                    seen.extend(other.execute(query).fetchall())
            attempt.finish()

    assert execute(run_start(task=declare(counts), by=None).pk) == State.DONE
    assert seen == [(7, 9)]
