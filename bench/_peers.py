"""What people load the same clean rows with otherwise; each gives the seconds that it took for how many rows."""

import csv
import io
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from django.db import connection, models, transaction

COLUMNS = ("title", "salary", "currency", "country", "seniority", "stack", "company", "date")
TABLE = """
CREATE TABLE IF NOT EXISTS bench_text (id bigint PRIMARY KEY, import bigint NOT NULL, line bigint NOT NULL,
    title text, salary text, currency text, country text, seniority text, stack text, company text, date text,
    UNIQUE (import, line))
"""
HEADER = ("id", "import", "line", *COLUMNS)


class BenchText(models.Model):
    """The plain text table of the peers."""

    id = models.BigIntegerField(primary_key=True)
    source = models.BigIntegerField(db_column="import")
    line = models.BigIntegerField()
    title = models.TextField()
    salary = models.TextField()
    currency = models.TextField()
    country = models.TextField()
    seniority = models.TextField()
    stack = models.TextField()
    company = models.TextField()
    date = models.TextField()

    class Meta:
        app_label = "market"
        managed = False
        db_table = "bench_text"

    def __str__(self) -> str:
        return f"{self.pk}"


def empty() -> None:
    """The table, there and without rows."""
    with connection.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute("TRUNCATE bench_text")


def texts(messy: Path) -> bytes:
    """The file's own texts with key, import and line, as CSV without a header."""
    out = io.StringIO()
    writer = csv.writer(out)
    with messy.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        writer.writerows((line, 1, line, *row) for line, row in enumerate(reader, start=2))
    return out.getvalue().encode()


def psql_copy(file: Path) -> float:
    r"""Seconds of psql's `\copy` of a CSV file, its commit included."""
    from skillora import servers

    program = shutil.which("psql") or str(servers.postgres_bin(None) / "psql")
    start = time.perf_counter()
    subprocess.run(
        [program, os.environ["DATABASE_URL"], "-qc", rf"\copy bench_text FROM '{file}' WITH (FORMAT csv)"],
        check=True,
    )
    return time.perf_counter() - start


def _rows(payload: bytes, rows: int) -> list[list[str]]:
    return [row for row, _ in zip(csv.reader(io.StringIO(payload.decode())), range(rows), strict=False)]


def to_sql(payload: bytes, rows: int) -> tuple[float, int]:
    """pandas.DataFrame.to_sql, its default way of writing."""
    import pandas as pd
    from sqlalchemy import create_engine

    frame = pd.DataFrame(_rows(payload, rows), columns=list(HEADER)).astype(
        {"id": "int64", "import": "int64", "line": "int64"}
    )
    engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
    start = time.perf_counter()
    frame.to_sql("bench_text", engine, if_exists="append", index=False)
    seconds = time.perf_counter() - start
    engine.dispose()
    return seconds, len(frame)


def bulk_create(payload: bytes, rows: int) -> tuple[float, int]:
    """Django's bulk_create, 5,000 objects at a time, in one transaction."""
    names = [f.attname for f in BenchText._meta.concrete_fields]
    given = _rows(payload, rows)
    start = time.perf_counter()
    with transaction.atomic():
        objects = [BenchText(**dict(zip(names, row, strict=True))) for row in given]
        BenchText.objects.bulk_create(objects, batch_size=5000)
    return time.perf_counter() - start, len(given)


def import_export(payload: bytes, rows: int) -> tuple[float, int]:
    """django-import-export with its bulk mode, instances not looked up: the fastest that it offers."""
    import tablib
    from import_export import resources

    class TextResource(resources.ModelResource):
        class Meta:
            model = BenchText
            use_bulk = True
            batch_size = 1000
            skip_diff = True
            force_init_instance = True

    names = [f.attname for f in BenchText._meta.concrete_fields]
    data = tablib.Dataset(*_rows(payload, rows), headers=names)
    start = time.perf_counter()
    result = TextResource().import_data(data, dry_run=False, raise_errors=True, use_transactions=True)
    assert not result.has_errors()
    return time.perf_counter() - start, len(data)


def postgres_copy(file: Path, rows: int) -> tuple[float, int]:
    """django-postgres-copy: a file with a header through its temporary table."""
    from postgres_copy import CopyMapping

    mapping: dict[str, Any] = {
        f.attname: column for f, column in zip(BenchText._meta.concrete_fields, HEADER, strict=True)
    }
    start = time.perf_counter()
    CopyMapping(BenchText, str(file), mapping).save(silent=True)
    return time.perf_counter() - start, rows


def measured(payload: bytes, folder: Path, rows: int, ours: float) -> dict[str, float]:
    """How many times faster ours is, per row, than each peer. The slow ones get fewer rows, and say how many."""
    clean = folder / "clean.csv"
    clean.write_bytes((",".join(HEADER) + "\n").encode() + payload)
    figures: dict[str, float] = {}
    for name, few, peer in (
        ("to_sql", rows, to_sql),
        ("bulk_create", rows, bulk_create),
        ("import_export", 20_000, import_export),
        ("postgres_copy", rows, lambda _p, n: postgres_copy(clean, n)),
    ):
        empty()
        seconds, done = peer(payload, min(few, rows))
        figures[f"times_{name}"] = round(seconds / done / (ours / rows), 1)
        figures[f"{name}_rows"] = done
    return figures
