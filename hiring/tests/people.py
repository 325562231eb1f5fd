"""Hires for tests: seeded, some without department or job, at the edges of quarters and years in UTC."""

import datetime as dt
import random
from collections.abc import Sequence

from django.db import connection

from hiring.models import Department, HiredEmployee, Job

EDGES = ("01-01T00:00:00", "03-31T23:59:59", "04-01T00:00:00", "06-30T23:59:59", "12-31T23:59:59")


def places_made(departments: Sequence[str], jobs: Sequence[str]) -> None:
    """Departments and jobs with ids from 1 in the order given."""
    Department.objects.bulk_create(Department(id=i, department=d) for i, d in enumerate(departments, start=1))
    Job.objects.bulk_create(Job(id=i, job=j) for i, j in enumerate(jobs, start=1))


def years_made(*years: int) -> None:
    """Partitions for them."""
    with connection.cursor() as cursor:
        for year in years:
            cursor.execute("SELECT hired_employees_year(%s)", [year])


def hired(
    pk: int, at: str, department: int | None = 1, job: int | None = 1, name: str = "Ann"
) -> HiredEmployee:
    """One person, stored."""
    when = dt.datetime.fromisoformat(at)
    years_made(when.astimezone(dt.UTC).year)
    return HiredEmployee.objects.create(id=pk, name=name, hired_at=when, department_id=department, job_id=job)


def crowd(
    rows: int, *, years: Sequence[int], departments: int, jobs: int, seed: int = 1
) -> list[HiredEmployee]:
    """People at random, stored; one in twenty lacks a department or job."""
    rng = random.Random(seed)
    years_made(*years)

    def place(count: int) -> int | None:
        return None if rng.random() < 0.05 else rng.randint(1, count)

    people = []
    for pk in range(1, rows + 1):
        year = rng.choice(years)
        at = dt.datetime.fromisoformat(f"{year}-{rng.choice(EDGES)}+00:00")
        if rng.random() < 0.8:
            at = dt.datetime(year, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=rng.randrange(365 * 86400))
        people.append(
            HiredEmployee(
                id=pk, name=f"p{pk}", hired_at=at, department_id=place(departments), job_id=place(jobs)
            )
        )
    return HiredEmployee.objects.bulk_create(people)
