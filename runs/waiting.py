"""For commands: wait until a run has ended, and do it here where no worker takes it."""

import time

from runs import execution
from runs.models import OPEN_STATES, Run, State

PICKED_UP_SECONDS = 1.0  # a running product's worker takes a run within this, otherwise we do it ourselves
POLL_SECONDS = 0.1


def run_waited(run: Run) -> Run:
    """The run after its end: done by a worker, or here where none takes it."""
    since = time.monotonic()
    while run.state in OPEN_STATES:
        idle = run.state == State.QUEUED and time.monotonic() - since > PICKED_UP_SECONDS
        if (idle and execution.execute(run.pk) is None) or not idle:
            time.sleep(POLL_SECONDS)
        run.refresh_from_db()
    return run
