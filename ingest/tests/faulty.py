"""A file with seven kinds of faults, its import, and what the tables hold, for tests of what comes after a load."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import connection

from accounts.models import Role, User
from ingest import services
from ingest.models import Import
from runs.execution import execute
from runs.models import Run

HEADER = "Job title,Salary,Country,Experience level,Date,Notes"
GOOD = [f"Engineer {n % 3},{50_000 + n},BR,Senior,2025-06-{n % 28 + 1:02d},note {n}" for n in range(20)]
FAULTS = {
    22: "Data Engineer,abc,Brazil,Mid,2025-06-01,no amount",
    23: "Data Engineer,70000,Brasill,Mid,2025-06-01,unknown country",
    24: "Data Engineer,71000,Brasill,Mid,2025-06-01,unknown country",
    25: "Data Engineer,72000,PT,Estagio tecnico,2025-06-01,unknown level",
    26: ",73000,PT,Mid,2025-06-01,no title",
    27: "Data Engineer,74000,PT,Mid,2025-13-45,no date",
    28: "Data Engineer,75000,PT,Mid,2025-06-01,one,cell too many",
    29: "Data Engineer,-5,Atlantis,Mid,2025-06-01,two errors",
}


def editor(email: str = "ines@example.com") -> User:
    return User.objects.create_user(email, role=Role.EDITOR)


def write(path: Path, more: Sequence[str] = ()) -> Path:
    """The file: 20 good lines from line 2 on, FAULTS, then `more`."""
    path.write_text("\n".join([HEADER, *GOOD, *FAULTS.values(), *more]) + "\n", encoding="utf-8")
    return path


def loaded(path: Path, by: User, dataset: str = "salary_records") -> Import:
    """An import of the file, loaded here and now."""
    source = services.import_create(by=by, dataset=dataset, upload=path, name=path.name)
    source = services.import_map(source=source, by=by, fill=True)
    ran(services.import_submit(source=source, by=by))
    return fresh(source)


def ran(run: Run) -> Run:
    """The run, after a worker has done it."""
    execute(run.pk)
    run.refresh_from_db()
    return run


def fresh(source: Import) -> Import:
    return Import.objects.with_run().get(pk=source.pk)


def conserved(source: Import) -> bool:
    parts = (source.inserted, source.updated, source.unchanged, source.rejected, source.skipped)
    return source.rows_read == sum(parts)


def checksum(table: str) -> tuple[Any, ...]:
    """Rows and an order-independent sum of their contents."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {table} t")
        return tuple(cursor.fetchone())
