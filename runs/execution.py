"""One attempt at one run: lock, claim, work, final state. The only thing that RQ calls.

1. Take the run's advisory lock on the session that will do the work. Not got: somebody else works; leave.
2. Claim: attempt + 1 in its own commit, so that a crash counts. Too many without progress: failed.
3. Work. A thread writes heartbeat and progress over a session of its own, and looks whether to cancel.
4. The task ends its own transaction with `attempt.finish`: the state and the rows are one commit.
5. It raised: nothing of it is there; say why in the row. The session died: say nothing, a sweeper resumes.
   The disk is full: say so, and wait; a sweeper tries again, at ever longer intervals, until there is room.
"""

import logging
import os
import socket
import threading
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from runs import locks, registry
from runs.models import Run, State
from skillora.lib.errors import Conflict, DomainError, NoSpace
from skillora.lib.problems import is_disk_full

logger = logging.getLogger(__name__)

LOG_LINES = 50
RETRY_CLASS = "40"  # SQLSTATE: deadlock, serialization failure
WAIT_MAX = timedelta(minutes=5)  # between two tries on a full disk


class Cancelled(Exception):
    """Somebody asked to stop this run."""


class Superseded(Conflict):
    """Another attempt has taken this run over: nothing of this one may be committed."""

    code = "superseded"


def worker_name(pid: int | None = None) -> str:
    """This process, or another one of this host, as `Run.worker` names it."""
    return f"{socket.gethostname()[:100]}:{pid or os.getpid()}"


class Attempt:
    """What a task gets: its run, a place to tell how far it is, and the way to end."""

    def __init__(self, run: Run, session: int) -> None:
        self.run = run
        self.number = run.attempt
        self.finished = False
        self._session = session
        self._progress: dict[str, Any] = {}
        self._cancel = threading.Event()

    def progress(
        self, done: int, total: int | None = None, note: str = "", detail: dict[str, Any] | None = None
    ) -> None:
        """How far the work is: `done` of `total` units. Costs nothing; shown within a heartbeat."""
        fields: dict[str, Any] = {"progress_done": done, "progress_note": note[:200]}
        if total is not None:
            fields["progress_total"] = total
        if detail is not None:
            fields["progress_detail"] = detail
        self._progress = {**self._progress, **fields}

    def log(self, text: str) -> None:
        """One line for whoever looks at the run; the last 50 are kept."""
        _note(self.run, None, text)

    def check(self) -> None:
        """Raises Cancelled once somebody asked to stop. Call it often: it costs nothing."""
        if self._cancel.is_set():
            raise Cancelled

    def finish(self, state: State = State.DONE, result: dict[str, Any] | None = None) -> None:
        """Set the final state; call it last, INSIDE the transaction that did the work.

        Raises Cancelled or Superseded where the run is not ours to finish any more: let it pass, so that the
        transaction is rolled back.
        """
        self.log(_("Done"))
        if not self._mine(cancel_requested=False).update(
            state=state, result=result or {}, finished_at=timezone.now(), **self._fields()
        ):
            self.run.refresh_from_db(fields=["cancel_requested", "attempt", "state"])
            if self.run.cancel_requested and self.run.attempt == self.number:
                raise Cancelled
            raise Superseded(_("Run %(id)s was taken over by another attempt.") % {"id": self.run.pk})
        self.finished = True

    def _mine(self, **more: Any) -> Any:
        """The row, while it is ours: same attempt, and still the session that took the lock."""
        rows = Run.objects.filter(pk=self.run.pk, state=State.RUNNING, attempt=self.number, **more)
        return rows.alias(session=RawSQL("pg_backend_pid()", [])).filter(session=Value(self._session))

    def _fields(self) -> dict[str, Any]:
        return {**self._progress, "log": self.run.log, "heartbeat_at": Now()}

    def _wait(self, code: str, message: str) -> None:
        """Queued again: not to be tried before a time that doubles with each attempt."""
        self.log(message)
        pause = timedelta(seconds=settings.RUN_SWEEP_SECONDS) * 2 ** min(self.number - 1, 10)
        fields = {**self._fields(), "progress_done": 0, "progress_detail": {}}
        self._mine().update(
            state=State.QUEUED,
            error_code=code,
            error_message=message,
            retry_at=timezone.now() + min(pause, WAIT_MAX),
            **fields,
        )

    def _end(self, state: State, code: str = "", message: str = "") -> None:
        """The final state of an attempt that did not finish itself, in a commit of its own."""
        self._mine().update(
            state=state, error_code=code, error_message=message, finished_at=timezone.now(), **self._fields()
        )


class Heartbeat(threading.Thread):
    """Writes progress and heartbeat every RUN_HEARTBEAT_SECONDS over its own session; hears of cancels."""

    FIRST = 0.5  # seconds; shorter work never opens a second session

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(name=f"heartbeat-{attempt.run.pk}", daemon=True)
        self._attempt = attempt
        self._work = connection.connection  # the psycopg connection that does the work
        self._stop_event = threading.Event()

    def run(self) -> None:
        wait = self.FIRST
        try:
            while not self._stop_event.wait(wait):
                wait = settings.RUN_HEARTBEAT_SECONDS
                try:
                    self._beat()
                except DatabaseError as error:
                    logger.warning("run %s: heartbeat missed: %s", self._attempt.run.pk, error)
                    connection.close()
        finally:
            connection.close()

    def _beat(self) -> None:
        attempt = self._attempt
        if attempt._cancel.is_set():  # asked before, and the task has not looked: end its statement
            self._work.cancel_safe(timeout=5)
        row = Run.objects.filter(pk=attempt.run.pk, state=State.RUNNING, attempt=attempt.number)
        row.update(**attempt._fields())
        if row.filter(cancel_requested=True).exists():
            attempt._cancel.set()

    def stop(self) -> None:
        """End the thread; afterwards it touches nothing."""
        self._stop_event.set()
        if self.is_alive():
            self.join()


def execute(run_id: int) -> str | None:
    """Work on the run; its state afterwards, or None where it is not ours: another has it, it has ended.

    Safe to call at any time, any number of times, from any process.
    """
    connection.ensure_connection()
    session = connection.connection
    if not locks.acquire(run_id):
        return None
    try:
        attempt = _claim(run_id)
        return _work(attempt) if attempt else None
    finally:
        if not _lost(session):
            locks.release(run_id)


def _claim(run_id: int) -> Attempt | None:
    """Step 2, in its own commit. None where there is nothing to do (any more)."""
    with transaction.atomic():
        run = Run.objects.due().select_for_update(no_key=True).filter(pk=run_id).first()
        if run is None:
            return None
        run.attempt += 1
        if run.state == State.RUNNING:  # the attempt before ended without a word
            _note(run, run.heartbeat_at or run.started_at, _("Broken off; nothing of it was written"))
            run.stalls = 0 if run.progress_done > run.high_water else run.stalls + 1
            run.high_water = max(run.high_water, run.progress_done)
        now = timezone.now()
        run.state, run.worker, run.started_at, run.heartbeat_at = State.RUNNING, worker_name(), now, Now()
        run.progress_done, run.progress_note, run.progress_detail = 0, "", {}
        run.retry_at, run.error_code, run.error_message = None, "", ""
        if run.cancel_requested:
            run.state, run.finished_at = State.CANCELLED, now
        elif run.stalls >= settings.RUN_MAX_STALLS:
            run.state, run.finished_at, run.error_code = State.FAILED, now, "crashed"
            run.error_message = _(
                "The work was broken off %(n)d times in a row without getting any further; nothing of it was "
                "written. Please start it again. If that ends here too, the server lacks memory: tell its "
                "operators, quoting run %(id)s, or split the file."
            ) % {"n": run.stalls, "id": run.pk}
        if run.is_open:
            begun = _("Begun") if run.attempt == 1 else _("Begun anew, attempt %(n)d")
            _note(run, now, begun % {"n": run.attempt})
        run.save()
        run.heartbeat_at = now
    return Attempt(run, locks.session()) if run.is_open else None


def _note(run: Run, at: datetime | None, text: str) -> None:
    """One line more in the run's log, not saved."""
    run.log = [*run.log, {"at": (at or timezone.now()).isoformat(), "text": text}][-LOG_LINES:]


def _work(attempt: Attempt) -> str | None:
    """Steps 3 to 5."""
    run, heartbeat, session = attempt.run, Heartbeat(attempt), connection.connection
    error: Exception | None = None
    try:
        task = registry.find(run.task)
        heartbeat.start()
        task.handler(attempt)
        if not attempt.finished:
            attempt.finish()
    except Exception as raised:
        error = raised
    finally:
        heartbeat.stop()
    if _lost(session):
        logger.warning(
            "run %s attempt %s: the database session is gone; resumed later", run.pk, attempt.number
        )
        connection.close()
        return None
    if error is not None:
        _explain(attempt, error)
    return Run.objects.values_list("state", flat=True).get(pk=run.pk)


def _explain(attempt: Attempt, error: Exception) -> None:
    """Put into the row why the attempt came to nothing; a traceback goes to the log, never to people."""
    run = attempt.run
    if isinstance(error, Superseded):
        logger.warning("run %s attempt %s was taken over", run.pk, attempt.number)
    elif isinstance(error, Cancelled) or attempt._cancel.is_set():
        attempt._end(State.CANCELLED)
    elif isinstance(error, DomainError):
        attempt._end(State.FAILED, error.code, error.message)
    elif _sqlstate(error).startswith(RETRY_CLASS):
        logger.warning("run %s attempt %s will be tried again: %s", run.pk, attempt.number, error)
    elif is_disk_full(error):
        logger.error("run %s waits: the disk is full: %s", run.pk, error)
        message = _(
            "The server's disk is full: nothing was written. This goes on by itself once there is room; "
            "tell the server's operators, or cancel it."
        )
        attempt._wait(NoSpace.code, message)
    else:
        logger.exception("run %s (%s) attempt %s failed", run.pk, run.task, attempt.number, exc_info=error)
        message = _("Something went wrong on our side. Nothing was written. To report it, quote run %(id)s.")
        attempt._end(State.FAILED, "internal_error", message % {"id": run.pk})


def _sqlstate(error: BaseException) -> str:
    """PostgreSQL's code of a database error, "" for others."""
    return getattr(error.__cause__ if isinstance(error, DatabaseError) else error, "sqlstate", None) or ""


def _lost(session: Any) -> bool:
    """Whether the session that held the lock is gone, and with it all that was not committed.

    Django may have opened another one in its place by now.
    """
    return bool(session.closed) or connection.connection is not session
