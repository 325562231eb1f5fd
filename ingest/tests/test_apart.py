"""Large imports: their rows lie in tables of their own, and everybody else finds them as if they did not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from psycopg import Connection, IsolationLevel
from psycopg import connect as psycopg_connect

from accounts.models import User
from ingest import apart, fixing, joining, undoing
from ingest.fixing import Fix
from ingest.lineage import row_lineage
from ingest.models import APART, Import, row_origin
from ingest.tests import faulty
from market.models import SalaryRecord
from runs.models import State
from runs.services import run_start

pytestmark = pytest.mark.django_db(transaction=True)

PARTS = """
    SELECT inhrelid::regclass::text, EXISTS (SELECT FROM pg_constraint WHERE conrelid = inhrelid AND contype = 'p')
    FROM pg_inherits WHERE inhparent = 'market_salaryrecord'::regclass ORDER BY 1
"""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports are large from 25 rows on, and 16 lines fill a table."""
    monkeypatch.setattr(apart, "ROWS", 25)
    monkeypatch.setattr(apart, "PART_BITS", 4)


@pytest.fixture(autouse=True)
def gone() -> Iterator[None]:
    """Afterwards there is the shared table alone: the next test counts imports anew."""
    yield
    with connection.cursor() as cursor:
        cursor.execute(PARTS)
        for table, _keyed in cursor.fetchall():
            if not table.endswith("_shared"):
                cursor.execute(f"DROP TABLE {table}")


def parts() -> dict[str, bool]:
    """The tables of pay data, and whether each has a key."""
    with connection.cursor() as cursor:
        cursor.execute(PARTS)
        return dict(cursor.fetchall())


def test_rows_of_a_large_import_fill_tables_with_a_key_each(owner: User, tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text("title,salary\nDev,1000\n")
    small = faulty.loaded(tmp_path / "small.csv", owner)
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv", faulty.GOOD), owner)
    assert (small.apart, large.apart) == (False, True)
    assert (large.inserted, large.rejected) == (40, 8) and faulty.conserved(large)
    name = f"market_salaryrecord_{large.pk}"
    assert parts() == {"market_salaryrecord_shared": True, f"{name}_0": True, f"{name}_1": True, f"{name}_2": True,
                       f"{name}_3": True}  # fmt: skip
    lines = [*range(2, 22), *range(30, 50)]
    assert [row.line for row in SalaryRecord.objects.filter(id__gte=APART)] == lines
    assert {row.import_id for row in SalaryRecord.objects.filter(id__gte=APART)} == {large.pk}
    assert SalaryRecord.objects.filter(id__lt=APART).get().import_id == small.pk
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), min(id), max(id) FROM ONLY {name}_1")
        assert cursor.fetchone() == (8, large.row_id(16), large.row_id(31))


def test_ids_fit_json_and_tell_where_rows_come_from(owner: User, tmp_path: Path, signed_in: Client) -> None:
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    ids = list(SalaryRecord.objects.values_list("pk", flat=True))
    assert len(ids) == 20 and all(APART <= pk < 2**53 for pk in ids)
    assert {row_origin(pk)[0] for pk in ids} == {large.pk}
    found = row_lineage(source=large, line=5)
    assert found.word == "loaded" and found.raw == faulty.GOOD[3] and found.writer == (large.pk, 5)
    rows = signed_in.get(f"/api/v1/datasets/salary_records/rows?import={large.pk}&limit=100").json()[
        "results"
    ]
    assert [row["id"] for row in rows] == ids[::-1]


def test_key_is_enforced_in_every_table(owner: User, tmp_path: Path) -> None:
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        SalaryRecord.objects.create(id=large.row_id(2), pay=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        SalaryRecord.objects.create(id=APART | (large.pk + 1) << 32, pay=1)  # no table was made for it


def test_correction_where_all_around_it_was_refused(owner: User, tmp_path: Path) -> None:
    more = [f"Engineer,wrong {n},BR,Senior,2025-06-01,no amount" for n in range(40)]
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv", more), owner)
    assert len(parts()) == 3
    fixing.rejects_fix(source=large, by=owner, fixes=[Fix(60, changes={1: "81000"})])
    run = faulty.ran(joining.rejects_load(source=large, by=owner))
    assert run.state == State.DONE, run.error_message
    assert SalaryRecord.objects.get(pk=large.row_id(60)).pay == 81000
    assert parts()[f"market_salaryrecord_{large.pk}_3"]


def test_undo_takes_them_back(owner: User, tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text("title,salary\nDev,1000\n")
    faulty.loaded(tmp_path / "small.csv", owner)
    before = faulty.checksum("market_salaryrecord")
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    assert faulty.checksum("market_salaryrecord") != before
    faulty.ran(undoing.import_undo(source=large, by=owner))
    assert faulty.checksum("market_salaryrecord") == before
    again = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    assert again.apart and SalaryRecord.objects.count() == 21


def test_load_that_fails_leaves_no_table(
    owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: apart.Apart) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(apart.Apart, "end", full)
        broken = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    assert broken.state not in {State.DONE, State.DONE_WITH_REJECTS}
    assert not faulty.fresh(broken).apart
    assert list(parts()) == ["market_salaryrecord_shared"] and not SalaryRecord.objects.exists()


@contextmanager
def attached(pk: int) -> Iterator[Import]:
    """A large import's first table, while its transaction is still open."""
    with transaction.atomic(), connection.cursor() as cursor:
        large = Import.objects.create(id=pk, dataset="salary_records", name="x.csv", apart=True)
        apart.parts_made(cursor, SalaryRecord, [apart.part_of(large.row_id(1))])
        SalaryRecord.objects.create(id=large.row_id(1), pay=1)
        yield large


def test_others_read_and_write_while_tables_are_attached() -> None:
    SalaryRecord.objects.create(id=1 << 32, pay=1)
    seen: list[int] = []

    def work() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '3s'")
                cursor.execute("UPDATE market_salaryrecord SET pay = 2")
                SalaryRecord.objects.create(id=1 << 32 | 2, pay=1)
                seen.append(SalaryRecord.objects.count())
        finally:
            connection.close()

    with attached(77):
        other = Thread(target=work)
        other.start()
        other.join()
    assert seen == [2], "neither waits, nor sees what is not committed"
    assert SalaryRecord.objects.count() == 3


def left(parts_of: Import) -> int:
    """How many tables an import has."""
    return sum(name.startswith(f"market_salaryrecord_{parts_of.pk}_") for name in parts())


def swept() -> int:
    """What the schedule does."""
    result = faulty.ran(run_start(task="ingest.sweep", by=None)).result
    assert result.keys() == {"swept", "parts"}
    return int(result["parts"])


def test_tables_of_an_undone_import_are_dropped_by_the_schedule(owner: User, tmp_path: Path) -> None:
    kept = faulty.loaded(faulty.write(tmp_path / "kept.csv"), owner)
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv", faulty.GOOD), owner)
    assert swept() == 0
    faulty.ran(undoing.import_undo(source=large, by=owner))
    before = faulty.checksum("market_salaryrecord")
    assert left(large) == 4
    assert swept() == 4 and swept() == 0
    assert (left(large), left(kept)) == (0, 2) and parts()["market_salaryrecord_shared"]
    assert faulty.checksum("market_salaryrecord") == before


def test_table_with_a_single_row_stays(owner: User, tmp_path: Path) -> None:
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    SalaryRecord.objects.exclude(pk=large.row_id(2)).delete()
    assert swept() == 1 and left(large) == 1
    assert SalaryRecord.objects.get().pk == large.row_id(2)


@contextmanager
def session(
    begin: str, isolation: IsolationLevel = IsolationLevel.READ_COMMITTED
) -> Iterator[Connection[Any]]:
    """Somebody else's transaction, which has begun with a statement."""
    params = connection.get_connection_params()
    params = {name: value for name, value in params.items() if name not in ("context", "cursor_factory")}
    with psycopg_connect(**params) as other:
        other.isolation_level = isolation
        other.execute(begin)
        yield other


def test_snapshot_of_before_the_undo_keeps_the_tables(owner: User, tmp_path: Path) -> None:
    """A backup that began while the rows were there: it has not come to this table yet."""
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    with session("SELECT 1 FROM ingest_import", IsolationLevel.REPEATABLE_READ) as backup:
        faulty.ran(undoing.import_undo(source=large, by=owner))
        assert swept() == 0
        row = backup.execute("SELECT count(*) FROM market_salaryrecord").fetchone()
        assert row == (20,)
    assert swept() == 2


@pytest.mark.parametrize(
    "begin",
    [
        "SELECT count(*) FROM market_salaryrecord",
        "LOCK TABLE ONLY market_salaryrecord IN ROW EXCLUSIVE MODE",
        "LOCK TABLE market_salaryrecord IN SHARE UPDATE EXCLUSIVE MODE",
    ],
    ids=["reads", "corrects", "attaches"],
)
def test_who_is_at_the_table_is_neither_waited_for_nor_disturbed(
    owner: User, tmp_path: Path, begin: str
) -> None:
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    faulty.ran(undoing.import_undo(source=large, by=owner))
    with session(begin) as other:
        assert swept() == 0 and left(large) == 2
        other.execute("SELECT count(*) FROM market_salaryrecord")
    assert swept() == 2


def test_correction_keeps_the_table_that_its_row_goes_to(owner: User, tmp_path: Path) -> None:
    large = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    SalaryRecord.objects.all().delete()
    with transaction.atomic(), connection.cursor() as cursor:
        apart.parts_made(cursor, SalaryRecord, [apart.part_of(large.row_id(2))])
        found: list[int] = []

        def sweep() -> None:
            try:
                found.append(apart.parts_sweep(SalaryRecord))
            finally:
                connection.close()

        other = Thread(target=sweep)
        other.start()
        other.join()
        SalaryRecord.objects.create(id=large.row_id(2), pay=1)
    assert found == [0] and SalaryRecord.objects.get().pay == 1
