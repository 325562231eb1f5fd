"""Verbs on runs: start, cancel. Callers decide who may; these keep the state machine."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from runs import doorbell, locks, registry
from runs.models import LIVE_STATES, Run, State
from skillora.lib.errors import Conflict, NotAllowed


class DuplicateRun(Conflict):
    """A live run with this unique key is there already: `run`."""

    code = "duplicate"

    def __init__(self, run: Run) -> None:
        super().__init__(_("This was started already: see run %(id)s.") % {"id": run.pk})
        self.run = run


def run_start(
    *,
    task: str,
    by: User | None,
    subject_id: int | None = None,
    payload: dict[str, Any] | None = None,
    unique_key: str | None = None,
) -> Run:
    """A queued run of `task`, inside the caller's transaction; workers are woken once that commits.

    Raises DuplicateRun while a run with the same `unique_key` is live: also where two ask at the same moment,
    then the second waits for the first one's transaction. LookupError: no such task.
    """
    declared = registry.find(task)
    while True:
        try:
            with transaction.atomic():
                run = Run.objects.create(
                    task=task,
                    by=by,
                    subject_id=subject_id,
                    payload=payload or {},
                    unique_key=unique_key,
                    queue=declared.queue,
                )
        except IntegrityError:
            if unique_key is None:
                raise
            live = Run.objects.filter(unique_key=unique_key, state__in=LIVE_STATES).first()
            if live is not None:
                raise DuplicateRun(live) from None
            continue  # the other one came to its end in between
        transaction.on_commit(partial(doorbell.ring, run))
        return run


def run_recorded(
    *,
    task: str,
    by: User | None,
    subject_id: int | None,
    state: State,
    result: dict[str, Any],
    seconds: float,
) -> Run:
    """The run of work that its caller has done itself, inside the caller's transaction: nobody is woken."""
    now = timezone.now()
    return Run.objects.create(
        task=task,
        by=by,
        subject_id=subject_id,
        queue=registry.find(task).queue,
        state=state,
        result=result,
        attempt=1,
        started_at=now - timedelta(seconds=seconds),
        finished_at=now,
    )


def run_cancel(*, run: Run, by: User | None) -> Run:
    """Stop `run`: at once while nobody works on it, otherwise within seconds; what it wrote is rolled back.

    Raises NotAllowed unless `by` is an editor or has started it; Conflict where it has come to its end.
    """
    if by is not None and not by.is_editor and run.by_id != by.pk:
        raise NotAllowed(_("Somebody else started this: ask them, or an editor, to cancel it."))
    with transaction.atomic():
        idle = locks.acquire_for_transaction(run.pk)
        current = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
        if not current.is_open:
            raise Conflict(_("Run %(id)s has ended: it cannot be cancelled any more.") % {"id": run.pk})
        current.cancel_requested = True
        if idle or current.state == State.QUEUED:
            current.state = State.CANCELLED
            current.finished_at = timezone.now()
        current.save(update_fields=["cancel_requested", "state", "finished_at"])
        return current


def run_undone(*, run: Run, by: User | None) -> Run:
    """Mark a done run as undone, inside the transaction that takes its rows out; its unique key is free.

    Raises Conflict where it is not done.
    """
    done = Run.objects.filter(pk=run.pk, state__in=(State.DONE, State.DONE_WITH_REJECTS))
    if not done.update(state=State.UNDONE):
        raise Conflict(_("Run %(id)s is not done: there is nothing to undo.") % {"id": run.pk})
    run.refresh_from_db()
    return run


def run_settle(*, run: Run, state: State, result: dict[str, Any]) -> Run:
    """Tell anew how a done run ended, inside the transaction that completes what it left open.

    Raises Conflict where it is not done.
    """
    done = Run.objects.filter(pk=run.pk, state__in=(State.DONE, State.DONE_WITH_REJECTS))
    if not done.update(state=state, result=result):
        raise Conflict(_("Run %(id)s is not done: nothing can be added to it.") % {"id": run.pk})
    run.refresh_from_db()
    return run
