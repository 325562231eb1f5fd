"""Housekeeping of runs themselves."""

from datetime import time, timedelta

from django.db import transaction
from django.utils import timezone

from runs.execution import Attempt
from runs.models import OPEN_STATES, Run, ScheduleSlot
from runs.registry import task

KEPT = timedelta(days=30)


@task("runs.trim", at=time(3, 10))
def trim(attempt: Attempt) -> None:
    """Drop due times, finished housekeeping and the logs of finished runs that are older than 30 days."""
    old = timezone.now() - KEPT
    with transaction.atomic():
        slots, _ = ScheduleSlot.objects.filter(due_at__lt=old).delete()
        ended = Run.objects.exclude(state__in=OPEN_STATES).filter(finished_at__lt=old)
        runs, _ = ended.filter(by=None, subject_id=None, unique_key=None).delete()
        logs = ended.exclude(log=[]).update(log=[])
        attempt.finish(result={"slots": slots, "runs": runs, "logs": logs})
