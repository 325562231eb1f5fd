"""Files of departments, jobs and people through the whole engine: found by id, new, changed, the same, refused."""

import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from hiring.models import Department, HiredEmployee, HiresByQuarter, Job
from ingest import readers, services, upserting, writing
from ingest.models import Import, Previous, RejectState
from runs import execution
from runs.models import State

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = "id,name,datetime,department_id,job_id\n"


@pytest.fixture(autouse=True)
def _uploads(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture
def places() -> None:
    Department.objects.bulk_create(Department(id=i, department=f"d{i}") for i in range(1, 6))
    Job.objects.bulk_create(Job(id=i, job=f"j{i}") for i in range(1, 6))


def mapped(dataset: str, text: str, tmp_path: Path, **more: Any) -> Import:
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode())
    source = services.import_create(by=None, dataset=dataset, upload=path, name=path.name)
    return services.import_map(source=source, by=None, fill=True, **more)


def loaded(dataset: str, text: str, tmp_path: Path, **more: Any) -> Import:
    run = services.import_submit(source=mapped(dataset, text, tmp_path, **more), by=None, force=True)
    execution.execute(run.pk)
    source = Import.objects.with_run().get(load=run)
    assert source.load is not None
    assert source.load.error_message == ""
    return source


def checked(dataset: str, text: str, tmp_path: Path, **more: Any) -> dict[str, Any]:
    run = services.import_check(source=mapped(dataset, text, tmp_path, **more), by=None)
    execution.execute(run.pk)
    run.refresh_from_db()
    assert run.error_message == ""
    return dict(run.result)


def counts(source: Import) -> tuple[int, ...]:
    return (
        source.rows_read, source.inserted, source.updated, source.unchanged, source.rejected, source.skipped,
    )  # fmt: skip


def test_departments_new_changed_and_the_same(tmp_path: Path) -> None:
    first = loaded("departments", "id,department\n1,Sales\n2,Legal\n3,Support\n", tmp_path)
    assert counts(first) == (3, 3, 0, 0, 0, 0)
    second = loaded("departments", "id,department\n3,Support\n2,Law\n4,Training\n", tmp_path)
    assert counts(second) == (3, 1, 1, 1, 0, 0)
    assert list(Department.objects.values_list("id", "department", "origin")) == [
        (1, "Sales", first.pk << 32 | 2),
        (2, "Law", second.pk << 32 | 3),
        (3, "Support", first.pk << 32 | 4),
        (4, "Training", second.pk << 32 | 4),
    ]
    (kept,) = Previous.objects.all()
    assert (kept.source_id, kept.dataset, kept.key, kept.line) == (second.pk, "departments", 2, 3)
    assert kept.row == {"id": 2, "department": "Legal", "origin": first.pk << 32 | 3}


def test_people_of_any_year_make_their_partitions(places: None, tmp_path: Path) -> None:
    rows = "1,Ann,1900-01-01T00:00:00Z,1,1\n2,Bo,2199-12-31T23:59:59.999999Z,2,2\n3,Cy,2024-02-29T12:00:00Z,3,3\n"
    source = loaded("hired_employees", PEOPLE + rows, tmp_path)
    assert counts(source) == (3, 3, 0, 0, 0, 0)
    assert HiresByQuarter.objects.count() == 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, tableoid::regclass::text FROM hired_employees ORDER BY id")
        assert cursor.fetchall() == [
            (1, "hired_employees_1900"), (2, "hired_employees_2199"), (3, "hired_employees_2024"),
        ]  # fmt: skip


def test_people_move_to_another_year_and_place(places: None, tmp_path: Path) -> None:
    loaded(
        "hired_employees",
        PEOPLE + "1,Ann,2021-05-01T10:00:00Z,1,1\n2,Bo,2021-05-01T10:00:00Z,1,1\n",
        tmp_path,
    )
    moved = (
        PEOPLE
        + "1,Ann,2030-05-01T10:00:00Z,1,1\n2,Bo,2021-05-01T10:00:00Z,1,2\n3,Cy,2022-01-01T00:00:00Z,5,5\n"
    )
    told = checked("hired_employees", moved, tmp_path)
    source = loaded("hired_employees", moved, tmp_path)
    assert counts(source) == (3, 1, 2, 0, 0, 0)
    assert (told["inserted"], told["updated"], told["unchanged"]) == (1, 2, 0)
    assert list(HiredEmployee.objects.values_list("id", "hired_at__year", "job_id")) == [
        (1, 2030, 1), (2, 2021, 2), (3, 2022, 5),
    ]  # fmt: skip
    assert sorted(HiresByQuarter.objects.exclude(q1=0, q2=0).values_list("year", "job_id", "q1", "q2")) == [
        (2021, 2, 0, 1), (2022, 5, 1, 0), (2030, 1, 0, 1),
    ]  # fmt: skip
    assert [p.row["hired_at"][:4] for p in Previous.objects.filter(source=source)] == ["2021", "2021"]


def test_the_last_line_of_an_id_counts_and_the_others_are_kept(places: None, tmp_path: Path) -> None:
    loaded("departments", "id,department\n7,Sales\n", tmp_path)
    text = "id,department\n7,Sold\n8,Law\n0008,Legal\n7,Sales\n9,New\n8,Lawyers\n"
    told = checked("departments", text, tmp_path)
    source = loaded("departments", text, tmp_path)
    assert counts(source) == (6, 2, 0, 1, 0, 3)
    assert {name: told[name] for name in ("read", "inserted", "updated", "unchanged", "rejected", "skipped")} == {
        "read": 6, "inserted": 2, "updated": 0, "unchanged": 1, "rejected": 0, "skipped": 3,
    }  # fmt: skip
    assert told["doubled"]["rows"] == 3
    assert dict(Department.objects.filter(id__gt=6).values_list("id", "department")) == {
        7: "Sales", 8: "Lawyers", 9: "New",
    }  # fmt: skip
    left = list(source.rejects.values_list("line", "cells", "state", "code"))
    assert left == [
        (2, ["7", "Sold"], RejectState.DISCARDED, "doubled_in_file"),
        (3, ["8", "Law"], RejectState.DISCARDED, "doubled_in_file"),
        (4, ["0008", "Legal"], RejectState.DISCARDED, "doubled_in_file"),
    ]
    assert "line 5" in source.rejects.get(line=2).message
    assert source.load is not None
    assert (source.load.state, source.load.result["doubled"]["rows"]) == (State.DONE, 3)


def test_doubles_far_apart_end_as_if_written_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upserting, "CHUNK_ROWS", 1)
    monkeypatch.setattr(upserting, "read", partial(readers.read, batch_bytes=16))
    loaded("departments", "id,department\n1,one\n2,two\n3,three\n", tmp_path)
    rows = [
        "1,one",
        "2,Two",
        "5,five",
        "4,four",
        "3,three",
        "1,ONE",
        "2,two",
        "5,FIVE",
        "4,four",
        "3,three",
        "1,One",
    ]
    text = "id,department\n" + "\n".join(rows) + "\n"
    told = checked("departments", text, tmp_path)
    source = loaded("departments", text, tmp_path)
    assert dict(Department.objects.values_list("id", "department")) == {
        1: "One",
        2: "two",
        3: "three",
        4: "four",
        5: "FIVE",
    }
    assert counts(source) == (11, 2, 2, 1, 0, 6)
    assert [told[name] for name in ("read", "inserted", "updated", "unchanged", "rejected", "skipped")] == [
        11, 2, 2, 1, 0, 6,
    ]  # fmt: skip
    assert {p.key: p.row["department"] for p in Previous.objects.filter(source=source)} == {
        1: "one",
        2: "two",
    }
    assert source.rejects.count() == 6


@pytest.mark.parametrize("waiting", [1, 300, 1 << 20])
@pytest.mark.parametrize("part_rows", [1, 500])
def test_new_years_rejects_and_changes_between_the_rows_of_one_copy(
    places: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_rows: int, waiting: int
) -> None:
    """Rows of small chunks wait for each other, for one partition or all; years are made, rows changed between."""
    monkeypatch.setattr(upserting, "CHUNK_ROWS", 1)
    monkeypatch.setattr(upserting, "read", partial(readers.read, batch_bytes=40))
    monkeypatch.setattr(upserting, "WAITING_BYTES", waiting)
    monkeypatch.setattr(writing, "PART_ROWS", part_rows)
    monkeypatch.setattr(writing, "REJECTS_KEPT", 3)
    loaded("hired_employees", PEOPLE + "5,Old,2001-05-01T10:00:00Z,1,1\n", tmp_path)
    lines = [
        f"{at},{'' if at % 4 == 0 else 'Ann'},{2001 + at % 3 + at // 10}-05-01T10:00:00Z,1,1"
        for at in range(1, 41)
    ]
    source = loaded("hired_employees", PEOPLE + "\n".join(lines) + "\n", tmp_path)
    assert counts(source) == (40, 29, 1, 0, 10, 0)
    assert sorted(HiredEmployee.objects.values_list("id", flat=True)) == [at for at in range(1, 41) if at % 4]
    assert sorted(source.rejects.values_list("line", flat=True)) == [at + 1 for at in range(4, 41, 4)]
    assert sum(sum(row) for row in HiresByQuarter.objects.values_list("q1", "q2", "q3", "q4")) == 30
    again = loaded("hired_employees", PEOPLE + "1,Ann,2055-05-01T10:00:00Z,1,1\n" * 3, tmp_path)
    assert counts(again) == (3, 0, 1, 0, 0, 2)
    assert HiredEmployee.objects.for_year(2055).get().pk == 1


def test_check_beside_departments_that_are_not_there_says_what_to_create(tmp_path: Path) -> None:
    loaded("jobs", "id,job\n1,Nurse\n", tmp_path)
    rows = "".join(f"{at},Ann,2021-05-01T10:00:00Z,{at % 2 + 1},1\n" for at in range(1, 6))
    told = checked("hired_employees", PEOPLE + rows, tmp_path)
    assert (told["read"], told["rejected"]) == (5, 5)
    (group,) = told["groups"]
    assert (group["code"], group["field"], group["rows"]) == ("unknown_department", "department_id", 5)
    assert {(value["value"], value["rows"]) for value in group["values"]} == {("1", 2), ("2", 3)}
    assert "create department 2 first" in group["examples"][0]["message"]
    assert HiredEmployee.objects.count() == 0


def test_check_writes_nothing_and_burns_no_ids(places: None, tmp_path: Path) -> None:
    def last() -> tuple[Any, ...]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT last_value, is_called FROM departments_id_seq")
            return tuple(cursor.fetchone())

    before = last()
    told = checked("departments", "department\nNew\nNewer\n", tmp_path)
    assert (told["inserted"], Department.objects.count(), last()) == (2, 5, before)
    told = checked(
        "hired_employees",
        PEOPLE + "1,Ann,1955-01-01T00:00:00Z,1,1\n2,Ann,1955-01-01T00:00:00Z,1,9\n",
        tmp_path,
    )
    assert (told["inserted"], told["rejected"]) == (1, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('hired_employees_1955')")
        assert cursor.fetchone() == (None,)


def test_ids_that_the_database_makes_come_behind_the_given_ones(tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('departments_id_seq', 1)")
    loaded("departments", "id,department\n12,Sales\n40,Legal\n", tmp_path)
    assert Department.objects.create(department="By admin").pk == 41
    source = loaded("departments", "department\nSupport\nTraining\n", tmp_path)
    assert counts(source) == (2, 2, 0, 0, 0, 0)
    assert list(Department.objects.values_list("id", flat=True)) == [12, 40, 41, 42, 43]


def test_made_ids_pass_over_those_in_use(places: None, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('departments_id_seq', 2)")
    loaded("departments", "department\nSupport\nTraining\n", tmp_path)
    names = list(Department.objects.values_list("department", flat=True))
    assert names[:5] == ["d1", "d2", "d3", "d4", "d5"]
    assert sorted(names[5:]) == ["Support", "Training"]


def test_strict_refuses_what_is_missing_and_lenient_takes_all_but_the_hire_time(
    places: None, tmp_path: Path
) -> None:
    text = PEOPLE + (
        "1,,2021-05-01T10:00:00Z,1,1\n2,Bo,,1,1\n3,Cy,2021-05-01T10:00:00Z,,1\n"
        "4,Di,2021-05-01T10:00:00Z,1,\n,Ed,2021-05-01T10:00:00Z,1,1\n6,Flo,2021-05-01T10:00:00Z,99,77\n"
    )
    strict = loaded("hired_employees", text, tmp_path)
    assert counts(strict) == (6, 0, 0, 0, 6, 0)
    assert {r.line: r.field for r in strict.rejects.all()} == {
        2: "name", 3: "datetime", 4: "department_id", 5: "job_id", 6: "id", 7: "department_id",
    }  # fmt: skip
    unknown = strict.rejects.get(line=7)
    assert [error["code"] for error in unknown.errors] == ["unknown_department", "unknown_job"]
    assert "create department 99 first" in unknown.message
    lenient = loaded("hired_employees", text, tmp_path, lenient=True)
    assert counts(lenient) == (6, 3, 0, 0, 3, 0)
    assert list(HiredEmployee.objects.values_list("id", "name", "department_id", "job_id")) == [
        (1, "", 1, 1), (3, "Cy", None, 1), (4, "Di", 1, None),
    ]  # fmt: skip
    assert loaded("hired_employees", text, tmp_path, lenient=True).unchanged == 3


def test_columns_that_a_file_does_not_have_stay_as_they_are(places: None, tmp_path: Path) -> None:
    loaded("hired_employees", PEOPLE + "1,Ann,2021-05-01T10:00:00Z,1,1\n", tmp_path)
    text = "id,datetime,name\n1,2021-05-01T10:00:00Z,Anna\n2,2021-06-01T10:00:00Z,Bo\n"
    source = loaded("hired_employees", text, tmp_path, lenient=True)
    assert counts(source) == (2, 1, 1, 0, 0, 0)
    assert list(HiredEmployee.objects.values_list("name", "department_id")) == [("Anna", 1), ("Bo", None)]


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("99999999999999999999", "integer_out_of_range"),
        ("9223372036854775807", "integer_out_of_range"),
        ("0", "integer_out_of_range"),
        ("-3", "integer_out_of_range"),
        ("1.5", "not_an_integer"),
        ("1e3", "not_an_integer"),
        ("1_0", "not_an_integer"),
        ("١٢", "not_an_integer"),
        ("twelve", "not_an_integer"),
    ],
)
def test_ids_that_are_none_are_refused(cell: str, code: str, tmp_path: Path) -> None:
    source = loaded("departments", f"id,department\n{cell},Sales\n1,Legal\n", tmp_path)
    assert [(r.code, r.value) for r in source.rejects.all()] == [(code, cell)]


def test_id_with_leading_zeros_is_its_number(tmp_path: Path) -> None:
    loaded("departments", "id,department\n0012,Sales\n+7,Law\n8.0,Legal\n", tmp_path)
    assert list(Department.objects.values_list("id", flat=True)) == [7, 8, 12]


def test_two_loads_of_overlapping_ids_at_once_lose_nothing(places: None, tmp_path: Path) -> None:
    def rows(first: int, name: str) -> str:
        return PEOPLE + "".join(
            f"{at},{name},20{10 + at % 12}-05-01T10:00:00Z,{at % 5 + 1},{at % 5 + 1}\n"
            for at in range(first, first + 6000)
        )

    runs = []
    for at, first in enumerate((1, 3001, 2001)):
        folder = tmp_path / str(at)
        folder.mkdir()
        source = mapped("hired_employees", rows(first, f"by {at}"), folder)
        runs.append(services.import_submit(source=source, by=None).pk)

    def work(pk: int) -> None:
        try:
            execution.execute(pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(pk,)) for pk in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sources = list(Import.objects.with_run().filter(load__in=runs))
    assert {source.state for source in sources} == {State.DONE}
    assert HiredEmployee.objects.count() == 9000 == sum(source.inserted for source in sources)
    assert sum(source.inserted + source.updated for source in sources) == 18_000
    assert Previous.objects.count() == 9000
    assert sum(sum(row) for row in HiresByQuarter.objects.values_list("q1", "q2", "q3", "q4")) == 9000


def test_load_overtaken_by_another_writer_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that appear between the decision and the COPY: the load sees them the second time."""
    write, late = writing.Writing.write, iter([True])

    def overtaken(self: Any, chunk: Any, new: Any) -> None:
        if next(late, False):
            thread = threading.Thread(target=by_somebody_else)
            thread.start()
            thread.join()
        write(self, chunk, new)

    def by_somebody_else() -> None:
        Department.objects.create(id=2, department="Theirs")
        Department.objects.filter(id=1).update(department="Theirs")
        connection.close()

    loaded("departments", "id,department\n1,Old\n", tmp_path)
    monkeypatch.setattr(writing.Writing, "write", overtaken)
    source = loaded("departments", "id,department\n1,Ours\n2,Ours\n3,Ours\n", tmp_path)
    assert counts(source) == (3, 1, 2, 0, 0, 0)
    assert source.load is not None
    assert any("once more" in said["text"] for said in source.load.log)
    assert sorted(p.row["department"] for p in Previous.objects.filter(source=source)) == ["Theirs", "Theirs"]


def test_many_known_rows_are_compared_in_a_table_of_their_own(tmp_path: Path) -> None:
    rows = [f"{at},name {at}" for at in range(1, 7001)]
    loaded("departments", "id,department\n" + "\n".join(rows) + "\n", tmp_path)
    rows[::2] = [f"{at},changed {at}" for at in range(1, 7001, 2)]
    source = loaded("departments", "id,department\n" + "\n".join(rows) + "\n9000,new\n", tmp_path)
    assert counts(source) == (7001, 1, 3500, 3500, 0, 0)
    assert Previous.objects.filter(source=source).count() == 3500
    assert (
        Department.objects.filter(department__startswith="changed", origin__gte=source.pk << 32).count()
        == 3500
    )
