"""Years that are filled before they become partitions: guarded as all others, indexed as all others."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from hiring.models import HiredEmployee, HiresByQuarter
from hiring.tests.people import hired, places_made
from ingest import writing
from ingest.batches import Loaded, batch_load
from skillora.lib.errors import Busy

pytestmark = pytest.mark.django_db(transaction=True)
INSERT = "INSERT INTO %s (id, name, hired_at, department_id, job_id) VALUES (%s, 'Ann', %s, %s, 1)"
INDEXES = """
    SELECT regexp_replace(indexdef, 'hired_employees_[0-9]+[a-z_0-9]*', '', 'g')
    FROM pg_indexes WHERE tablename = %s ORDER BY 1
"""
TRIGGERS = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass ORDER BY 1"


@pytest.fixture(autouse=True)
def places(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS hired_employees_2022, hired_employees_2023"
        )  # years stay when tables are emptied
    places_made(["Sales"], ["Clerk"])


def asked(query: str, *params: str | int) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return list(cursor.fetchall())


def apart(year: int, *people: tuple[int, str, int]) -> None:
    """A year's table with people in it, no partition yet."""
    assert asked("SELECT hired_employees_year_apart(%s)", year) == [(True,)]
    with connection.cursor() as cursor:
        for pk, at, department in people:
            cursor.execute(INSERT.replace("%s", f"hired_employees_{year}", 1), [pk, at, department])


def join(*years: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT hired_employees_years_join(%s)", [[*years]])


def row_of(pk: int, year: int) -> dict[str, object]:
    at = f"{year}-05-01T00:00:00Z"
    return {"id": pk, "name": "Bo", "datetime": at, "department_id": 1, "job_id": 1}


def sending(row: dict[str, object], into: list[Loaded]) -> threading.Thread:
    """A thread that will send the row and keep what became of it."""

    def send() -> None:
        into.append(batch_load(by=None, dataset="hired_employees", rows=[row], mode="atomic"))
        connection.close()

    return threading.Thread(target=send)


def test_year_filled_apart_is_like_one_that_was_made_empty() -> None:
    hired(1, "2021-05-01T00:00:00+00:00")
    with transaction.atomic():
        apart(2022, (2, "2022-02-01Z", 1), (3, "2022-12-31T23:59:59Z", 1))
        assert HiredEmployee.objects.count() == 1
        join(2022)
    assert [e.pk for e in HiredEmployee.objects.for_year(2022)] == [2, 3]
    assert HiresByQuarter.objects.filter(year=2022).values_list("q1", "q2", "q3", "q4").get() == (1, 0, 0, 1)
    for query in (INDEXES, TRIGGERS):
        made = asked(query, "hired_employees_2022")
        assert made == asked(query, "hired_employees_2021")
        assert len(made) == (4 if query == INDEXES else 3)
    with pytest.raises(IntegrityError, match="one of these ids exists"):
        hired(3, "2021-06-01T00:00:00+00:00")
    HiredEmployee.objects.filter(pk=3).delete()
    hired(3, "2021-06-01T00:00:00+00:00")


def test_doubled_id_is_refused_when_its_year_joins() -> None:
    hired(1, "2021-05-01T00:00:00+00:00")
    for people in ([(1, "2022-02-01Z", 1)], [(2, "2022-02-01Z", 1), (2, "2022-03-01Z", 1)]):
        with pytest.raises(IntegrityError, match="one of these ids exists"), transaction.atomic():
            apart(2022, *people)
            join(2022)


def test_id_in_two_years_that_join_together_is_refused() -> None:
    with pytest.raises(IntegrityError, match="one of these ids exists"), transaction.atomic():
        apart(2022, (1, "2022-02-01Z", 1), (2, "2022-02-01Z", 1))
        apart(2023, (3, "2023-02-01Z", 1), (2, "2023-03-01Z", 1))
        join(2022, 2023)
    assert not HiredEmployee.objects.exists()


def test_batch_does_not_wait_for_a_load_of_ids_beside_its_own() -> None:
    hired(1, "2021-05-01T00:00:00+00:00")
    sent: list[Loaded] = []
    thread = sending(row_of(9, 2021), sent)
    with transaction.atomic():
        apart(2022, (8, "2022-02-01Z", 1))
        thread.start()
        thread.join(30)
        assert sent[0].counts.inserted == 1
        join(2022)
    assert sorted(HiredEmployee.objects.values_list("id", flat=True)) == [1, 8, 9]


def test_orphan_is_refused_when_its_year_joins() -> None:
    with pytest.raises(IntegrityError, match="department 99 does not exist"), transaction.atomic():
        apart(2022, (1, "2022-02-01Z", 99))
        join(2022)
    assert not HiresByQuarter.objects.exists()


def test_row_of_another_year_is_refused_when_its_year_joins() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        apart(2022, (1, "2023-02-01Z", 1))
        join(2022)


def test_batch_that_needs_a_year_waits_for_the_load_that_makes_it() -> None:
    found: list[Loaded] = []
    thread = sending(row_of(9, 2022), found)
    with transaction.atomic():
        apart(2022, (2, "2022-02-01Z", 1))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        join(2022)
    thread.join(30)
    assert [row.status for row in found[0].rows] == ["inserted"]
    assert sorted(HiredEmployee.objects.values_list("id", flat=True)) == [2, 9]


def test_batch_that_waits_too_long_for_a_year_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PARTS_WAIT", "100ms")
    row = row_of(9, 2022)
    refused: list[Busy] = []

    def send() -> None:
        with pytest.raises(Busy) as error:
            batch_load(by=None, dataset="hired_employees", rows=[row], mode="atomic")
        refused.append(error.value)
        connection.close()

    thread = threading.Thread(target=send)
    with transaction.atomic():
        apart(2022)
        thread.start()
        thread.join(30)
        assert refused[0].status == 409
        join(2022)
    assert not HiredEmployee.objects.exists()
    assert batch_load(by=None, dataset="hired_employees", rows=[row], mode="atomic").counts.inserted == 1
