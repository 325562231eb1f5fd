"""Batches into tables whose rows have keys: new, changed, the same, doubled, orphaned; keys made by the database."""

import random
import threading
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from accounts.models import Role, User
from hiring.models import Department, HiredEmployee, HiresByQuarter, Job
from hiring.tests.people import places_made
from ingest import batches, writing
from ingest.batches import Loaded, Mode, batch_load
from ingest.models import Import
from ingest.writing import Overtaken
from skillora.lib.prepared import asked

pytestmark = pytest.mark.django_db(transaction=True)
ROLLUP = ("year", "department_id", "job_id", "q1", "q2", "q3", "q4")
HIRE = {"name": "Ana Luz", "datetime": "2021-07-27T16:02:08Z", "department_id": 1, "job_id": 1}


@pytest.fixture
def editor(transactional_db: None) -> User:
    return User.objects.create_user("ana@example.com", None, role=Role.EDITOR)


@pytest.fixture
def places(editor: User) -> None:
    batch_load(by=editor, dataset="departments", rows=[{"id": 1, "department": "Sales"}], mode="atomic")
    batch_load(by=editor, dataset="jobs", rows=[{"id": 1, "job": "Recruiter"}], mode="atomic")


def said(loaded: Loaded) -> list[tuple[str, int | None]]:
    return [(row.status, row.id) for row in loaded.rows]


def test_rows_are_new_changed_or_the_same(editor: User) -> None:
    def send(*rows: dict[str, Any]) -> Loaded:
        return batch_load(by=editor, dataset="departments", rows=rows, mode="atomic")

    first = send({"id": 1, "department": "Sales"}, {"id": 2, "department": "Legal"})
    assert said(first) == [("inserted", 1), ("inserted", 2)]
    again = send(
        {"id": 2, "department": "Law"}, {"id": 1, "department": "Sales"}, {"id": "0003", "department": "HR"}
    )
    assert said(again) == [("updated", 2), ("unchanged", 1), ("inserted", 3)]
    assert (again.counts.inserted, again.counts.updated, again.counts.unchanged) == (1, 1, 1)
    assert dict(Department.objects.values_list("id", "department")) == {1: "Sales", 2: "Law", 3: "HR"}


def test_key_that_stands_twice_counts_once(editor: User) -> None:
    rows = [{"id": 7, "department": "First"}, {"id": 7, "department": "Last"}]
    loaded = batch_load(by=editor, dataset="departments", rows=rows, mode="atomic")
    assert said(loaded) == [("skipped", 7), ("inserted", 7)]
    assert Department.objects.get().department == "Last"
    source = Import.objects.get()
    assert (source.rows_read, source.inserted, source.skipped) == (2, 1, 1)


def test_known_rows_are_compared_whatever_their_texts_hold(editor: User) -> None:
    names = ['a "b"', "back\\slash", "{x,y}", "NULL.", "O'Neil", "ümlaut 😀", "100 %", "tab\there"]
    rows = [{"id": at * 1000, "department": name} for at, name in enumerate(names, start=1)]
    batch_load(by=editor, dataset="departments", rows=rows, mode="atomic")
    again = batch_load(by=editor, dataset="departments", rows=rows, mode="atomic")
    assert again.counts.unchanged == len(names)
    rows = [{**row, "department": f"{row['department']}!"} for row in rows]
    changed = batch_load(by=editor, dataset="departments", rows=rows, mode="atomic")
    assert changed.counts.updated == len(names)
    stored = Department.objects.order_by("id").values_list("department", flat=True)
    assert [name.split() for name in stored] == [f"{name}!".split() for name in names]


def test_known_people_are_found_near_each_other_and_far_apart_in_their_year_and_in_others(
    editor: User, places: None
) -> None:
    for step in (1, 5000):
        rows = [{**HIRE, "id": at * step + step, "datetime": f"{2001 + at % 9}-07-01"} for at in range(60)]
        batch_load(by=editor, dataset="hired_employees", rows=rows, mode="atomic")
        rows = [{**row, "name": "Bo"} if at % 3 else row for at, row in enumerate(rows)]
        rows[1]["datetime"], rows[3]["datetime"] = "2031-01-01", "2030-01-01"
        rows.append({**HIRE, "id": step * 100})
        found = batch_load(by=editor, dataset="hired_employees", rows=rows, mode="atomic").counts
        assert (found.inserted, found.updated, found.unchanged) == (1, 41, 19)
        assert HiredEmployee.objects.filter(name="Bo").count() == 40
        assert {e.hired_at.year for e in HiredEmployee.objects.filter(id__in=(2 * step, 4 * step))} == {
            2030,
            2031,
        }
        HiredEmployee.objects.all().delete()


def test_keys_that_are_missing_are_made_by_the_database(editor: User) -> None:
    rows = [{"department": "Sales"}, {"id": 40, "department": "Legal"}, {"department": "HR", "id": None}]
    loaded = batch_load(by=editor, dataset="departments", rows=rows, mode="partial")
    assert [row.status for row in loaded.rows] == ["inserted"] * 3
    stored = dict(Department.objects.values_list("id", "department"))
    assert [stored[row.id or 0] for row in loaded.rows] == ["Sales", "Legal", "HR"]
    assert len(stored) == 3
    later = batch_load(by=editor, dataset="departments", rows=[{"department": "Ops"}], mode="atomic")
    assert (later.rows[0].id or 0) > 40


def test_hires_need_what_they_refer_to(editor: User, places: None) -> None:
    rows = [{**HIRE, "id": 1}, {**HIRE, "id": 2, "department_id": 99}, {**HIRE, "id": 3, "datetime": "soon"}]
    loaded = batch_load(by=editor, dataset="hired_employees", rows=rows, mode="partial")
    assert [row.status for row in loaded.rows] == ["inserted", "rejected", "rejected"]
    assert [error["pointer"] for row in loaded.rows for error in row.errors] == [
        "#/rows/1/department_id",
        "#/rows/2/datetime",
    ]
    assert HiredEmployee.objects.count() == 1


@pytest.mark.parametrize("mode", ["atomic", "partial"])
def test_department_that_goes_while_a_batch_is_written_is_what_is_wrong_with_its_rows(
    editor: User, places: None, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    Department.objects.create(id=2, department="Legal")

    def closed_meanwhile(dataset: Any, columns: Any) -> set[int]:
        Department.objects.filter(pk=2).delete()
        return writing.parts_made(dataset, columns)

    monkeypatch.setattr(batches, "parts_made", closed_meanwhile)
    rows = [{**HIRE, "id": 1}, {**HIRE, "id": 2, "department_id": 2}]
    loaded = batch_load(by=editor, dataset="hired_employees", rows=rows, mode=mode)
    written = {"atomic": ["not_written", "rejected"], "partial": ["inserted", "rejected"]}[mode]
    assert [row.status for row in loaded.rows] == written
    assert [error["code"] for error in loaded.rows[1].errors] == ["unknown_department"]
    assert HiredEmployee.objects.count() == written.count("inserted")


def test_lenient_batch_may_lack_all_but_the_hire_time(editor: User, places: None) -> None:
    rows = [{"id": 1, "datetime": "2021-02-28T00:00:00Z"}]
    strict = batch_load(by=editor, dataset="hired_employees", rows=rows, mode="atomic")
    assert strict.source is None
    lenient = batch_load(by=editor, dataset="hired_employees", rows=rows, mode="atomic", lenient=True)
    assert said(lenient) == [("inserted", 1)]


def test_batches_at_once_write_each_key_once(editor: User, places: None) -> None:
    found: list[Any] = []

    def send(number: int) -> None:
        try:
            rows = [{"id": pk, "job": f"Job {pk}"} for pk in range(1, 60)]
            found.append(
                batch_load(by=editor, dataset="jobs", rows=rows[number:] + rows[:number], mode="atomic")
            )
        except Exception as error:
            found.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(one, Loaded) for one in found), found
    assert sum(one.counts.inserted for one in found) + sum(one.counts.updated for one in found) >= 59
    assert Job.objects.count() == 59
    assert sum(source.inserted for source in Import.objects.filter(dataset="jobs")) == 59


def test_batches_at_once_of_different_people_in_the_same_places_do_not_lock_each_other_out(
    editor: User,
) -> None:
    """Each changes known people and adds others: two statements that count the same departments, jobs and years."""
    places_made([f"d{at}" for at in range(1, 7)], [f"j{at}" for at in range(1, 41)])
    found: list[Any] = []
    rng = random.Random(1)

    def people(first: int) -> list[dict[str, Any]]:
        return [
            {
                "id": pk,
                "name": "Ana",
                "datetime": f"{rng.randint(2019, 2021)}-05-01T00:00:00Z",
                "department_id": rng.randint(1, 6),
                "job_id": rng.randint(1, 40),
            }
            for pk in range(first, first + 4 * 200, 4)
        ]

    def send(parts: list[list[dict[str, Any]]]) -> None:
        try:
            for before, after in pairwise(parts):
                moved = [{**row, "job_id": row["job_id"] % 40 + 1} for row in before]
                batch_load(by=editor, dataset="hired_employees", rows=[*moved, *after], mode="atomic")
        except Exception as error:
            found.append(error)
        finally:
            connection.close()

    rounds = [[people(1000 * at + number) for at in range(5)] for number in range(1, 5)]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    (before,) = asked(deadlocks)
    threads = [threading.Thread(target=send, args=(parts,)) for parts in rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == []
    assert HiredEmployee.objects.count() == 4 * 5 * 200
    counted = {(y, d, j): sum(q) for y, d, j, *q in HiresByQuarter.objects.values_list(*ROLLUP)}
    expected = Counter((p.hired_at.year, p.department_id, p.job_id) for p in HiredEmployee.objects.all())
    assert {key: n for key, n in counted.items() if n} == expected
    assert asked(deadlocks) == [before]


def test_batch_that_a_load_keeps_waiting_is_written_after_it_or_told_to_come_back(
    editor: User, places: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_load(by=editor, dataset="hired_employees", rows=[{**HIRE, "id": 1}], mode="atomic")
    monkeypatch.setattr(batches, "LOCK_WAIT", "50ms")
    found: list[Any] = []

    def send() -> None:
        try:
            rows = [{**HIRE, "id": 2}]
            found.append(batch_load(by=editor, dataset="hired_employees", rows=rows, mode="atomic"))
        except Overtaken as error:
            found.append(error.status)
        finally:
            connection.close()

    for longest in (0.0, 30.0):
        monkeypatch.setattr(batches, "LOCKED_S", longest)
        thread = threading.Thread(target=send)
        with transaction.atomic():
            HiresByQuarter.objects.update(q1=F("q1"))  # as a load that counts people there
            thread.start()
            thread.join(10 if not longest else 0.5)
            assert thread.is_alive() == bool(longest)
        thread.join(30)
    assert found[0] == 409
    assert said(found[1]) == [("inserted", 2)]
