"""RQ, touched here and in `runs.worker` only: a doorbell that wakes a worker; no state is kept there.

A lost ring costs seconds (a sweeper rings again); a ring too many costs nothing (the claim decides).
"""

import logging
from functools import cache

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, Worker
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from runs.models import Run

logger = logging.getLogger(__name__)

QUEUES = ("default", "loads")  # a worker looks at them in this order
FINISHED_SECONDS = 3600  # how long the dashboard shows a ring that was answered
FAILED_SECONDS = 86_400


def client() -> Redis:
    """The queue server, asked once and without patience: whoever rings does not wait for it."""
    return _client(settings.REDIS_URL)


@cache
def _client(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2, retry=Retry(NoBackoff(), 0))


def queue(name: str) -> Queue:
    """RQ's queue of that name."""
    return Queue(name, connection=client(), serializer=JSONSerializer, default_timeout=-1)


def job_id(run_id: int) -> str:
    """The one id under which a run's ring is known to RQ."""
    return f"run-{run_id}"


def ring(run: Run) -> bool:
    """Wake a worker for `run`; False where the queue server cannot be reached, which is nobody's error."""
    try:
        target = queue(run.queue)
        # What an earlier ring left behind (its worker was killed) would count as a duplicate for ever.
        target.connection.delete(f"rq:job:{job_id(run.pk)}")
        target.enqueue_call(
            "runs.execution.execute",
            args=(run.pk,),
            job_id=job_id(run.pk),
            description=f"{run.task} {run.pk}",
            result_ttl=FINISHED_SECONDS,
            failure_ttl=FAILED_SECONDS,
            unique=True,
        )
    except DuplicateJobError:
        return True
    except (RedisError, OSError) as error:
        logger.warning("run %s waits for a sweeper, the queue server does not answer: %s", run.pk, error)
        return False
    return True


def waiting() -> set[str] | None:
    """Ids of the rings that nobody has answered yet; None where the queue server cannot be reached."""
    try:
        return {id_ for name in QUEUES for id_ in queue(name).get_job_ids()}
    except (RedisError, OSError):
        return None


def workers() -> tuple[int, int] | None:
    """(workers that listen, of these busy); None where the queue server cannot be reached."""
    try:
        known = Worker.all(connection=client(), serializer=JSONSerializer)
    except (RedisError, OSError):
        return None
    return len(known), sum(w.get_state() == "busy" for w in known)
