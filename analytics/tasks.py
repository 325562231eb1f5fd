"""Work in the background that keeps answers fast. None of it changes an answer."""

from django.db import transaction

from analytics import index
from runs.execution import Attempt
from runs.registry import task


@task(index.MERGE_TASK)
def merge(attempt: Attempt) -> None:
    """Put the small segments of one dataset together."""
    with transaction.atomic():
        count = index.merge(str(attempt.run.payload["dataset"]))
        attempt.finish(result={"segments": count})
