"""Slow loads into a table without any key, so that a row written twice is a row that can be counted twice."""

import time

from django.db import connection, transaction
from pyarrow import csv

from runs.execution import Attempt
from runs.registry import task

TABLE = "CREATE TABLE IF NOT EXISTS workload_row (run_id bigint NOT NULL, line bigint NOT NULL)"
BATCH = 5_000


def _copy(attempt: Attempt, first: int, last: int) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY workload_row FROM STDIN") as copy:
        for line in range(first, last):
            copy.write_row((attempt.run.pk, line))


def _batches(attempt: Attempt) -> list[tuple[int, int]]:
    rows = attempt.run.payload["rows"]
    return [(first, min(first + BATCH, rows)) for first in range(0, rows, BATCH)]


@task("workload.copy", queue="loads")
def copy(attempt: Attempt) -> None:
    """The product's way: all rows and the final state in one transaction."""
    batches = _batches(attempt)
    with transaction.atomic():
        for first, last in batches:
            attempt.check()
            _copy(attempt, first, last)
            attempt.progress(last, batches[-1][1])
            time.sleep(attempt.run.payload["seconds"] / len(batches))
        attempt.finish(result={"rows": batches[-1][1]})


@task("workload.naive", queue="loads")
def naive(attempt: Attempt) -> None:
    """The control: a commit per batch, and from the start again after a crash."""
    batches = _batches(attempt)
    for first, last in batches:
        with transaction.atomic():
            _copy(attempt, first, last)
        attempt.progress(last, batches[-1][1])
        time.sleep(attempt.run.payload["seconds"] / len(batches))


@task("workload.arrow", queue="loads")
def arrow(attempt: Attempt) -> None:
    """Reads a CSV with all of pyarrow's threads, in a forked process."""
    table = csv.read_csv(attempt.run.payload["path"])
    attempt.finish(result={"rows": table.num_rows})
