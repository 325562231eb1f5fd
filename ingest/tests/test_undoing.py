"""An import taken back: the tables are what they were, and what cannot go is counted before and stays."""

from pathlib import Path

import pytest
from django.db import connection

from accounts.models import User
from analytics.models import Segment
from hiring.models import Department, HiredEmployee, Job
from ingest import fixing, joining, undoing
from ingest.fixing import Fix
from ingest.models import Import, Previous
from ingest.tests import faulty
from market.models import SalaryRecord
from runs.models import State
from skillora.lib.errors import Conflict, NotAllowed

pytestmark = pytest.mark.django_db(transaction=True)


def departments(owner: User, tmp_path: Path, name: str, rows: str) -> Import:
    (tmp_path / name).write_text("id,department\n" + rows)
    return faulty.loaded(tmp_path / name, owner, "departments")


def test_undo_puts_the_table_back(owner: User, tmp_path: Path) -> None:
    first = faulty.write(tmp_path / "first.csv")
    faulty.loaded(first, owner)
    before = faulty.checksum("market_salaryrecord")
    (tmp_path / "second.csv").write_text(first.read_text() + "Chief,250000,BR,Senior,2025-06-01,more\n")
    second = faulty.loaded(tmp_path / "second.csv", owner)
    fixing.rejects_fix(source=second, by=owner, fixes=[Fix(22, changes={1: "81000"})])
    faulty.ran(joining.rejects_load(source=second, by=owner))
    assert faulty.checksum("market_salaryrecord") != before
    report = undoing.undo_report(faulty.fresh(second))
    assert (report.removed, report.restored, report.kept, report.blocked) == (22, 0, 0, 0)
    run = faulty.ran(undoing.import_undo(source=second, by=owner))
    assert run.state == State.DONE, run.error_message
    assert faulty.checksum("market_salaryrecord") == before
    assert sum(Segment.objects.values_list("rows", flat=True)) == 20
    after = faulty.fresh(second)
    assert (after.state, after.inserted, after.skipped) == (State.UNDONE, 0, 22)
    assert faulty.conserved(after)
    assert run.result["before"]["inserted"] == 22 and run.by == owner


def test_undone_file_can_be_loaded_again(source: Import, owner: User, tmp_path: Path) -> None:
    faulty.ran(undoing.import_undo(source=source, by=owner))
    with pytest.raises(Conflict, match="load its file again"):
        undoing.import_undo(source=faulty.fresh(source), by=owner)
    again = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    assert again.pk != source.pk and again.inserted == 20
    assert SalaryRecord.objects.count() == 20


def test_undo_while_something_is_under_way(source: Import, owner: User) -> None:
    fixing.rejects_fix(source=source, by=owner, fixes=[Fix(22, changes={1: "81000"})])
    run = joining.rejects_load(source=source, by=owner)
    with pytest.raises(Conflict, match="just now"):
        undoing.import_undo(source=source, by=owner)
    faulty.ran(run)
    undo = undoing.import_undo(source=source, by=owner)
    with pytest.raises(Conflict, match="just now"):
        undoing.import_undo(source=source, by=owner)
    with pytest.raises(Conflict, match="just now"):
        joining.rejects_load(source=source, by=owner)
    faulty.ran(undo)
    assert SalaryRecord.objects.count() == 0


def test_undo_of_a_load_that_waits(owner: User, tmp_path: Path, source: Import) -> None:
    source.load.state = State.QUEUED  # type: ignore[union-attr]
    source.load.save(update_fields=["state"])  # type: ignore[union-attr]
    with pytest.raises(Conflict, match="not loaded yet"):
        undoing.import_undo(source=source, by=owner)


def test_undo_by_somebody_else(source: Import) -> None:
    with pytest.raises(NotAllowed):
        undoing.import_undo(source=source, by=faulty.editor("other@example.com"))


def test_row_edited_since_is_kept(source: Import, owner: User) -> None:
    row = SalaryRecord.objects.order_by("pk")[3]
    later = Import.objects.create(dataset="salary_records", name="edit", by=owner)
    Previous.objects.create(
        id=later.key_range()[0] + 1, source=later, dataset="salary_records", key=row.pk, line=1, row={}
    )
    report = undoing.undo_report(faulty.fresh(source))
    assert (report.removed, report.kept) == (19, 1)
    faulty.ran(undoing.import_undo(source=source, by=owner))
    assert list(SalaryRecord.objects.values_list("pk", flat=True)) == [row.pk]


def test_upsert_is_undone_to_the_previous_values(owner: User, tmp_path: Path) -> None:
    departments(owner, tmp_path, "a.csv", "1,Sales\n2,Legal\n3,Staff\n")
    before = faulty.checksum("departments")
    second = departments(owner, tmp_path, "b.csv", "1,Selling\n2,Legal\n9,New\n10,Newer\n")
    assert (second.inserted, second.updated, second.unchanged) == (2, 1, 1)
    report = undoing.undo_report(second)
    assert (report.removed, report.restored, report.kept, report.blocked) == (2, 1, 0, 0)
    run = faulty.ran(undoing.import_undo(source=second, by=owner))
    assert run.state == State.DONE, run.error_message
    assert faulty.checksum("departments") == before


def test_upserted_rows_changed_since_are_kept(owner: User, tmp_path: Path) -> None:
    departments(owner, tmp_path, "a.csv", "1,Sales\n2,Legal\n")
    second = departments(owner, tmp_path, "b.csv", "1,Selling\n3,Third\n4,Fourth\n")
    departments(owner, tmp_path, "c.csv", "1,Sold\n3,Drei\n")
    report = undoing.undo_report(faulty.fresh(second))
    assert (report.removed, report.restored, report.kept, report.blocked) == (1, 0, 2, 0)
    faulty.ran(undoing.import_undo(source=second, by=owner))
    names = dict(Department.objects.values_list("pk", "department"))
    assert names == {1: "Sold", 2: "Legal", 3: "Drei"}


def test_rows_that_others_refer_to_are_blocked(owner: User, tmp_path: Path) -> None:
    source = departments(owner, tmp_path, "a.csv", "1,Sales\n2,Legal\n3,Staff\n")
    Job.objects.create(pk=1, job="Clerk")
    with connection.cursor() as cursor:
        cursor.execute("SELECT hired_employees_year(2021)")
    HiredEmployee.objects.create(pk=1, name="Ana", hired_at="2021-03-01T00:00Z", department_id=2, job_id=1)
    report = undoing.undo_report(source)
    assert (report.removed, report.restored, report.kept, report.blocked) == (2, 0, 0, 1)
    run = faulty.ran(undoing.import_undo(source=source, by=owner))
    assert run.state == State.DONE, run.error_message
    assert list(Department.objects.values_list("pk", flat=True)) == [2]


def test_nothing_left_to_undo(owner: User, tmp_path: Path) -> None:
    first = departments(owner, tmp_path, "a.csv", "1,Sales\n")
    departments(owner, tmp_path, "b.csv", "1,Selling\n")
    with pytest.raises(Conflict, match="No row of this import"):
        undoing.import_undo(source=first, by=owner)
