"""Rows worth backing up, for the tests of backups; the domains' tables are found by the registry alone."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import Role, User
from ingest import apart
from ingest.backups import services
from ingest.backups.manifest import Manifest
from ingest.backups.storages import Folder
from ingest.models import Import, Reject, row_id

SMALL, BIG, SALARY = (
    apps.get_model(label) for label in ("hiring.Department", "hiring.HiredEmployee", "market.SalaryRecord")
)
TEXTS = ("", " ", "Zoë 🐘", "tab\tline\nback\\slash", "\\N", "'; --", "x" * 200)


def sql(statement: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall() if cursor.description else []


def fill(seed: int = 1) -> None:
    """A user, an import with rejects, salaries, departments, people of three years, one without a place."""
    rng = random.Random(seed)
    user = User.objects.create_user("staff@example.com", None, role=Role.STAFF)
    source = Import.objects.create(
        dataset="salary_records",
        name="pay é.csv",
        by=user,
        mapping={"a": [1, None, "é\\n"]},
        rows_read=1,
        rejected=1,
    )
    Reject.objects.create(
        id=row_id(source.pk, 2),
        source=source,
        line=2,
        value=TEXTS[3],
        code="not_a_number",
        message="no",
        cells=[*TEXTS],
    )
    large = Import.objects.create(dataset="salary_records", name="large.csv", apart=True)
    with transaction.atomic(), connection.cursor() as cursor:
        apart.parts_made(cursor, SALARY, [apart.part_of(large.row_id(7))])
    SALARY.objects.create(id=large.row_id(7), pay="12.50")
    for i, text in enumerate(TEXTS):
        SALARY.objects.create(
            id=row_id(source.pk, i + 1), country_id=840, currency_id=840, pay=f"{rng.randint(1, 10**9)}.{i}1",
            day=None if i % 2 else f"{1931 + i}-02-28",
        )  # fmt: skip
        SMALL.objects.create(id=i + 1, department=text)
    [(job,)] = sql("INSERT INTO jobs (job) VALUES ('Painter') RETURNING id")
    for year in (1969, 2020, 2021):
        sql("SELECT hired_employees_year(%s)", year)
        sql(
            "INSERT INTO hired_employees (name, hired_at, department_id, job_id)"
            " VALUES (%s, %s, 1, %s), ('', %s, NULL, NULL)",
            TEXTS[2], f"{year}-12-31T23:59:59.999999Z", job, f"{year}-01-01T00:00Z",
        )  # fmt: skip


def emptied() -> None:
    """The database as `migrate` leaves it."""
    call_command("flush", verbosity=0, interactive=False)


def everything() -> dict[str, list[str]]:
    """Every row of every table that a backup holds, derived ones too, as text."""
    tables = [name for (name,) in sql("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
                                      " AND relnamespace = 'public'::regnamespace")]  # fmt: skip
    ignored = {"django_migrations", "django_session", "analytics_segment", "ingest_backup"}
    return {
        t: sorted(str(row) for row in sql(f'SELECT t::text FROM "{t}" t')) for t in tables if t not in ignored
    }


def made(folder: Path) -> Manifest:
    """A backup in `folder`."""
    return services.backup_create(by=None, to=str(folder))


def files(folder: Path, backup: Manifest) -> Iterator[Path]:
    return iter(sorted((folder / backup.name).iterdir()))


def restored(folder: Path, backup: Manifest) -> Manifest:
    return services.backup_restore(name=f"{Folder(folder).place}/{backup.name}")
