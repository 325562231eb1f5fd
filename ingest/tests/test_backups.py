"""What goes into a backup comes out of it; what is damaged, newer or misplaced is refused and changes nothing."""

import os
import random
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastavro
import psycopg
import pytest
from django.apps import apps
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from ingest.backups import avro, declarations, manifest, restoring, services, writing
from ingest.backups.manifest import Damaged, Incomplete, Newer
from ingest.backups.restoring import Different, NotEmpty
from ingest.backups.storages import Folder
from ingest.backups.tables import Column, Table, stored_tables
from ingest.models import Import
from ingest.tests.backups import emptied, everything, files, fill, made, restored, sql
from skillora.lib.errors import DomainError, NotFound

pytestmark = pytest.mark.django_db(transaction=True)

AWKWARD = """
    CREATE TABLE awkward (a smallint, b bigint, c boolean, d real, e double precision, f bytea, g text, h date,
        i timestamptz, j numeric, k bigint[], l text[], m jsonb, n uuid, o interval, p time, q varchar(9) NOT NULL);
    INSERT INTO awkward (q) VALUES ('');
    INSERT INTO awkward VALUES (-32768, -9223372036854775808, false, 'NaN', '-Infinity', '\\x00ff5c0a', '',
        '0001-01-01', '1969-12-31T23:59:59.999999Z', 'NaN', '{{1,2},{3,NULL}}',
        '{"",NULL,"a,b\\"\\\\"}', '{"a": [1.10, null]}',
        '00000000-0000-0000-0000-000000000000', '-1 mon +2 days -00:00:00.000001', '24:00', E'\\t\\n\\r\\\\N');
    INSERT INTO awkward VALUES (32767, 9223372036854775807, true, 0.1, 0.1, '', E'\\\\.', '9999-12-31',
        '9999-12-31T23:59:59.999999Z', 123456789012345678901234567890.0123, '{}', '{}', '"x"',
        'ffffffff-ffff-ffff-ffff-ffffffffffff', '0', '00:00', '🐘é');
    CREATE TABLE awkward_copy (LIKE awkward)
"""


@pytest.fixture
def tables() -> list[Table]:
    with connection.cursor() as cursor:
        return stored_tables(cursor)


@pytest.fixture
def may_connect(monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any) -> None:
    """Within a test nobody may connect by an alias that it did not name, and a rehearsal makes its own."""
    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", django_db_blocker._real_ensure_connection)


def test_round_trip_brings_every_row_of_every_table_back(tmp_path: Path) -> None:
    fill()
    before = everything()
    backup = made(tmp_path)
    emptied()
    assert everything() != before
    restored(tmp_path, backup)
    assert everything() == before


def test_awkward_values_come_back_as_they_were(tmp_path: Path) -> None:
    sql(AWKWARD)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT attname, format_type(atttypid, NULL), NOT attnotnull, false, '' FROM pg_attribute"
                           " WHERE attrelid = 'awkward'::regclass AND attnum > 0 ORDER BY attnum")  # fmt: skip
            columns = tuple(Column(*row) for row in cursor.fetchall())
            table = Table("awkward", Import, columns)
            path = tmp_path / "awkward.avro"
            with writing._session() as session:
                assert writing._table(session, table, path, 0, lambda rows: None) == 3
                part = writing._part(table, path, 3, writing._facts(session, table))
            copy = replace(table, name="awkward_copy")
            restoring._copy(cursor, copy, part, path, 0, lambda rows: None)
            restoring._compare(cursor, copy, part)
        assert sql("SELECT t::text FROM awkward t ORDER BY 1") == sql(
            "SELECT t::text FROM awkward_copy t ORDER BY 1"
        )
    finally:
        sql("DROP TABLE awkward, awkward_copy")


def test_files_open_in_any_avro_reader(tmp_path: Path) -> None:
    fill()
    backup = made(tmp_path)
    with (tmp_path / backup.name / "departments.avro").open("rb") as file:
        assert {record["department"] for record in fastavro.reader(file)} >= {"Zoë 🐘", ""}


def test_every_table_is_in_the_backup_or_left_out_for_a_reason(tmp_path: Path, tables: list[Table]) -> None:
    backup = made(tmp_path)
    known = {part.table for part in backup.tables}
    out = {label for label, reason in declarations.left_out().items() if reason}
    for model in apps.get_models(include_auto_created=True):
        assert model._meta.db_table in known or model._meta.label_lower in out or not model._meta.managed
    assert {"accounts_user_groups", "hired_employees", "market_salaryrecord", "ingest_reject"} <= known


def test_numbers_are_not_given_twice_after_a_restore(tmp_path: Path) -> None:
    fill()
    gone = Import.objects.create(dataset="x", name="gone")
    backup = made(tmp_path)
    emptied()
    restored(tmp_path, backup)
    assert Import.objects.create(dataset="x", name="next").pk > gone.pk
    sql("INSERT INTO jobs (job) VALUES ('Next')")
    assert sql("SELECT count(DISTINCT id), count(*) FROM jobs") == [(2, 2)]


def test_people_are_counted_again_and_their_ids_kept(tmp_path: Path) -> None:
    fill()
    backup = made(tmp_path)
    emptied()
    restored(tmp_path, backup)
    assert sql("SELECT sum(q1 + q2 + q3 + q4) FROM hires_by_quarter") == [(6,)]
    with pytest.raises(Exception, match="one of these ids exists"):
        sql(
            "INSERT INTO hired_employees (id, hired_at) SELECT id, '2020-05-05Z' FROM hired_employees LIMIT 1"
        )


def test_backup_sees_one_moment_while_others_write(tmp_path: Path) -> None:
    """Each transaction writes one number into two tables: both are in the backup, or neither."""
    stop, written = threading.Event(), []

    def work() -> None:
        with psycopg.connect(**writing_params()) as session:
            while not stop.is_set():
                number = 1000 + len(written)
                with session.transaction():
                    session.execute("INSERT INTO departments (id, department) VALUES (%s, 'd')", [number])
                    session.execute("INSERT INTO jobs (id, job) VALUES (%s, 'j')", [number])
                written.append(number)

    writer = threading.Thread(target=work)
    writer.start()
    try:
        while len(written) < 20:
            stop.wait(0.01)
        before = len(written)
        backup = made(tmp_path)
    finally:
        stop.set()
        writer.join()
    rows = {part.table: part.rows for part in backup.tables}
    assert rows["departments"] == rows["jobs"] >= before
    emptied()
    restored(tmp_path, backup)


def writing_params() -> dict[str, object]:
    params = connection.get_connection_params()
    return {name: value for name, value in params.items() if name not in {"context", "cursor_factory"}}


def test_restore_into_a_database_with_rows_is_refused(tmp_path: Path) -> None:
    fill()
    backup = made(tmp_path)
    before = everything()
    with pytest.raises(NotEmpty, match="not empty"):
        restored(tmp_path, backup)
    assert everything() == before


def test_flipped_bits_are_refused(tmp_path: Path) -> None:
    fill()
    backup = made(tmp_path)
    before = everything()
    rng = random.Random(7)
    for _ in range(60):
        path = rng.choice(list(files(tmp_path, backup)))
        whole = path.read_bytes()
        at = rng.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :])
        with pytest.raises(Damaged):
            restored(tmp_path, backup)
        path.write_bytes(whole)
    with pytest.raises(NotEmpty):  # whole again: now only the rows are in its way
        restored(tmp_path, backup)
    assert everything() == before


def test_cut_and_missing_files_are_refused(tmp_path: Path) -> None:
    fill()
    backup = made(tmp_path)
    before = everything()
    for path in files(tmp_path, backup):
        whole = path.read_bytes()
        for length in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:length])
            with pytest.raises(Damaged):
                restored(tmp_path, backup)
        path.unlink()
        with pytest.raises((Damaged, Incomplete), match=r"missing|no manifest"):
            restored(tmp_path, backup)
        path.write_bytes(whole)
    assert everything() == before


def test_backup_without_manifest_is_refused(tmp_path: Path) -> None:
    backup, before = made(tmp_path), everything()
    (tmp_path / backup.name / manifest.NAME).unlink()
    with pytest.raises(Incomplete, match="no manifest"):
        restored(tmp_path, backup)
    assert everything() == before


def test_unknown_backup_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no backup"):
        services.backup_restore(name=f"{tmp_path}/20200101T000000Z-abcdef")


def rewritten(folder: Path, backup: manifest.Manifest, **changes: object) -> None:
    changed = replace(backup, **changes)
    (folder / backup.name / manifest.NAME).write_bytes(changed.dump())


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    backup, before = made(tmp_path), everything()
    newer = {**backup.migrations, "ingest": [*backup.migrations["ingest"], "0099_from_the_future"]}
    rewritten(tmp_path, backup, migrations=newer, product="99.0")
    with pytest.raises(Newer, match=r"99\.0.*ingest\.0099_from_the_future"):
        restored(tmp_path, backup)
    assert everything() == before


def test_backup_made_before_a_column_was_added_gets_its_default(tmp_path: Path) -> None:
    """Its file has no such column: a JSON list that may be empty, a number, and an e-mail's name."""
    fill()
    backup = made(tmp_path)
    older = []
    for part in backup.tables:
        gone = {"ingest_import": {"skipped", "facts"}, "accounts_user": {"full_name"}}.get(part.table, set())
        older.append(without(tmp_path / backup.name / part.file, part, gone) if gone else part)
    rewritten(tmp_path, backup, tables=older)
    emptied()
    restored(tmp_path, backup)
    source = Import.objects.get(apart=False)
    assert (source.skipped, source.facts, source.rejected) == (0, {}, 1)


def without(path: Path, part: manifest.Part, gone: set[str]) -> manifest.Part:
    """The table's file and its entry as they were before the columns `gone` were there."""
    with connection.cursor() as cursor, writing._session() as session:
        table = next(t for t in stored_tables(cursor) if t.name == part.table)
        table = replace(table, columns=tuple(c for c in table.columns if c.name not in gone))
        rows = writing._table(session, table, path, 0, lambda rows: None)
        return writing._part(table, path, rows, writing._facts(session, table))


def test_column_that_this_version_lacks_is_refused(tmp_path: Path) -> None:
    fill()
    backup = made(tmp_path)
    emptied()
    sql("ALTER TABLE ingest_reject DROP COLUMN message")
    try:
        with pytest.raises(Newer, match="no column message"):
            restored(tmp_path, backup)
    finally:
        sql("ALTER TABLE ingest_reject ADD COLUMN message varchar(300) NOT NULL")
    assert Import.objects.count() == 0


def test_rows_that_differ_from_the_manifest_are_not_committed(tmp_path: Path) -> None:
    fill()
    backup = made(tmp_path)
    wrong = [replace(p, checksum="1") if p.table == "ingest_reject" else p for p in backup.tables]
    rewritten(tmp_path, backup, tables=wrong)
    emptied()
    with pytest.raises(Different, match="ingest_reject"):
        restored(tmp_path, backup)
    assert Import.objects.count() == 0


def test_rehearsal_restores_compares_and_leaves_nothing(
    tmp_path: Path, settings: object, may_connect: None
) -> None:
    settings.BACKUP_DIR = tmp_path  # type: ignore[attr-defined]
    fill()
    backup = services.backup_create(by=None)
    before = everything()
    services.backup_rehearse(name=backup.name)
    row = services.Backup.objects.get(name=backup.name)
    assert row.rehearsed_at is not None
    assert row.rehearsal_error == ""
    assert everything() == before
    assert sql("SELECT count(*) FROM pg_namespace WHERE nspname = %s", restoring.REHEARSAL) == [(0,)]


def test_rehearsal_of_a_damaged_backup_says_so_in_its_row(tmp_path: Path, settings: object) -> None:
    settings.BACKUP_DIR = tmp_path  # type: ignore[attr-defined]
    backup = services.backup_create(by=None)
    os.truncate(tmp_path / backup.name / "jobs.avro", 5)
    with pytest.raises(DomainError, match=r"jobs\.avro has 5 of"):
        services.backup_rehearse(name="latest")
    assert "jobs.avro" in services.Backup.objects.get().rehearsal_error


def test_backup_broken_off_leaves_no_manifest(tmp_path: Path) -> None:
    fill()

    def stop(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writing.write(Folder(tmp_path), stop)
    assert list(tmp_path.glob("*/manifest.json")) == []


def test_schema_says_what_postgresql_has(tables: list[Table]) -> None:
    schema = avro.schema(next(t for t in tables if t.name == "market_salaryrecord"))
    fields = {field["name"]: field for field in schema["fields"]}
    assert fields["pay"] == {"name": "pay", "type": "long", "pg": "bigint"}
    assert fields["day"]["type"] == ["null", {"type": "int", "logicalType": "date"}]
