"""Large imports: their rows lie in tables of their own, and everybody else finds them as if they did not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import User
from ingest import apart, fixing, joining, undoing
from ingest.fixing import Fix
from ingest.lineage import row_lineage
from ingest.models import APART, Import, row_origin
from ingest.tests import faulty
from market.models import SalaryRecord
from runs.models import State

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
