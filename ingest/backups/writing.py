"""Database → storage: every table as it stands at one moment, while others go on writing."""

import hashlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from django.utils.translation import gettext as _

from ingest.backups import avro, declarations, manifest
from ingest.backups.manifest import Manifest, Part
from ingest.backups.storages import Storage
from ingest.backups.tables import PLAIN_TEXT, Sum, Table, stored_tables
from skillora.lib.errors import DomainError

ROWS_AT_ONCE = 5_000
TIME_FORMAT = "%Y%m%dT%H%M%SZ"

Tell = Callable[[int], None]  # rows written so far; may raise, to stop


@dataclass(frozen=True)
class Facts:
    """What the database says about a table in the snapshot."""

    sum: Sum
    parts: list[int]
    sequences: dict[str, int]


def write(storage: Storage, tell: Tell = lambda rows: None) -> Manifest:
    """Back every table up; the backup exists once its manifest is in the storage, which comes last.

    Two sessions share one snapshot: one reads the rows, the other counts and sums them meanwhile.
    """
    start, now = time.monotonic(), datetime.now(UTC)
    name = f"{now.strftime(TIME_FORMAT)}-{secrets.token_hex(3)}"
    with (
        _session() as reading,
        _session() as summing,
        tempfile.TemporaryDirectory(prefix="skillora-backup-") as folder,
        ThreadPoolExecutor(1) as beside,
    ):
        snapshot = reading.execute("SELECT pg_export_snapshot()").fetchone()
        summing.execute(psycopg.sql.SQL("SET TRANSACTION SNAPSHOT {}").format((snapshot or ("",))[0]))
        migrations = _migrations(reading)
        with reading.cursor() as cursor:
            tables = stored_tables(cursor)
        facts = [beside.submit(_facts, summing, table) for table in tables]
        parts: list[Part] = []
        try:
            for table, known in zip(tables, facts, strict=True):
                path = Path(folder) / f"{table.name}.avro"
                before = sum(part.rows for part in parts)
                rows = _table(reading, table, path, before, tell)
                parts.append(_part(table, path, rows, known.result()))
                storage.put(f"{name}/{path.name}", path)
        except BaseException:
            beside.shutdown(wait=False, cancel_futures=True)
            summing.cancel_safe()
            raise
        seconds = round(time.monotonic() - start, 3)
        made = Manifest(
            manifest.FORMAT, name, manifest.product_version(), now.isoformat(), seconds, migrations, parts
        )
        last = Path(folder) / manifest.NAME
        last.write_bytes(made.dump())
        storage.put(f"{name}/{manifest.NAME}", last)
    return made


@contextmanager
def _session() -> Iterator[psycopg.Connection[Any]]:
    """A session beside Django's, in a transaction that sees one moment and writes nothing."""
    params = connection.get_connection_params()
    for own in ("context", "cursor_factory"):  # Django's ways of reading values
        params.pop(own, None)
    with psycopg.connect(**params) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.read_only = True
        yield session


def _migrations(session: psycopg.Connection[Any]) -> dict[str, list[str]]:
    applied: dict[str, list[str]] = {}
    for app, name in session.execute("SELECT app, name FROM django_migrations ORDER BY app, name"):
        applied.setdefault(app, []).append(name)
    return applied


def _table(session: psycopg.Connection[Any], table: Table, path: Path, before: int, tell: Tell) -> int:
    """Write one table's rows to `path`, after `before` of other tables; how many."""
    count = 0

    def rows(cursor: Any) -> Iterator[tuple[Any, ...]]:
        nonlocal count
        while batch := cursor.fetchmany(ROWS_AT_ONCE):
            yield from batch
            count += len(batch)
            tell(before + count)

    with session.cursor(name="backup", binary=True) as cursor:
        cursor.execute(avro.selection(table))
        try:
            avro.write(table, rows(cursor), path)
        except psycopg.DataError as error:
            raise DomainError(
                _("%(table)s holds a value that no backup can hold: %(why)s. Mend it, then back up again.")
                % {"table": table.name, "why": error},
                "backup_value",
            ) from error
    return count


def _facts(session: psycopg.Connection[Any], table: Table) -> Facts:
    partitions = declarations.partitions(table.label)
    with session.cursor() as cursor:
        cursor.execute(PLAIN_TEXT)
        found = table.sum(cursor, tuple(c.name for c in table.columns))
        parts = []
        if partitions:
            parts = [row[0] for row in cursor.execute(partitions.wanted.encode()).fetchall()]
        sequences = {}
        for column in table.columns:
            if column.sequence:
                last = cursor.execute("SELECT pg_sequence_last_value(%s::regclass)", [column.sequence])
                sequences[column.name] = (last.fetchone() or (None,))[0] or 0
    return Facts(found, parts, sequences)


def _part(table: Table, path: Path, rows: int, facts: Facts) -> Part:
    if rows != facts.sum.rows:
        raise RuntimeError(f"{table.name}: {rows} rows read of {facts.sum.rows}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Part(
        table=table.name,
        label=table.label,
        file=path.name,
        columns=[c.name for c in table.columns],
        rows=rows,
        checksum=facts.sum.checksum,
        size=path.stat().st_size,
        sha256=digest,
        sequences=facts.sequences,
        parts=facts.parts,
    )
