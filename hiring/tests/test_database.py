"""What the database itself refuses and keeps, whoever writes: plain SQL, no model and no service."""

import datetime as dt
import random
from collections import Counter

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from hiring.models import Department, HiredEmployee, HiresByQuarter, Job

pytestmark = pytest.mark.django_db

INSERT = "INSERT INTO hired_employees (id, name, hired_at, department_id, job_id) VALUES (%s, %s, %s, %s, %s)"


@pytest.fixture(autouse=True)
def places() -> None:
    Department.objects.bulk_create(Department(id=i, department=f"d{i}") for i in range(1, 6))
    Job.objects.bulk_create(Job(id=i, job=f"j{i}") for i in range(1, 6))
    with connection.cursor() as cursor:
        for year in (2020, 2021, 2022):
            cursor.execute("SELECT hired_employees_year(%s)", [year])


def sql(statement: str, *params: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)


def counted() -> dict[tuple[int, int, int, int], int]:
    found: Counter[tuple[int, int, int, int]] = Counter()
    for e in HiredEmployee.objects.all():
        at = e.hired_at.astimezone(dt.UTC)
        found[at.year, (at.month + 2) // 3, e.department_id or 0, e.job_id or 0] += 1
    return dict(found)


def rolled_up() -> dict[tuple[int, int, int, int], int]:
    return {
        (h.year, q, h.department_id, h.job_id): getattr(h, f"q{q}")
        for h in HiresByQuarter.objects.all()
        for q in (1, 2, 3, 4)
        if getattr(h, f"q{q}")
    }


def test_id_used_in_another_year_is_refused() -> None:
    sql(INSERT, 7, "Ann", "2020-05-01Z", 1, 1)
    with pytest.raises(IntegrityError, match="one of these ids exists"):
        sql(INSERT, 7, "Bob", "2021-05-01Z", 1, 1)


def test_id_used_twice_in_one_statement_is_refused() -> None:
    with pytest.raises(IntegrityError):
        sql(INSERT + ", (9, 'x', '2021-01-01Z', 1, 1)", 9, "Ann", "2020-05-01Z", 1, 1)


def test_id_used_through_a_partition_by_name_is_refused() -> None:
    sql(INSERT, 7, "Ann", "2020-05-01Z", 1, 1)
    with pytest.raises(IntegrityError):
        sql(INSERT.replace("hired_employees ", "hired_employees_2021 "), 7, "Bob", "2021-05-01Z", 1, 1)


@pytest.mark.parametrize(("department", "job"), [(99, 1), (1, 99)])
def test_orphan_is_refused(department: int, job: int) -> None:
    with pytest.raises(IntegrityError, match="99 does not exist"):
        sql(INSERT, 1, "Ann", "2020-05-01Z", department, job)


def test_orphan_by_update_is_refused() -> None:
    sql(INSERT, 1, "Ann", "2020-05-01Z", 1, 1)
    with pytest.raises(IntegrityError):
        sql("UPDATE hired_employees SET job_id = 77")


@pytest.mark.parametrize("table", ["departments", "jobs"])
def test_place_with_people_cannot_go(table: str) -> None:
    sql(INSERT, 1, "Ann", "2020-05-01Z", 1, 1)
    with pytest.raises(IntegrityError, match="people were hired"):
        sql(f"DELETE FROM {table} WHERE id = 1")
    with pytest.raises(IntegrityError, match="people were hired"):
        sql(f"UPDATE {table} SET id = 50 WHERE id = 1")
    sql(f"DELETE FROM {table} WHERE id = 2")


def test_year_without_a_partition_is_refused() -> None:
    with pytest.raises(IntegrityError, match="no partition"):
        sql(INSERT, 1, "Ann", "2035-05-01Z", 1, 1)


def test_hire_time_cannot_be_missing() -> None:
    with pytest.raises(IntegrityError):
        sql(INSERT, 1, "Ann", None, 1, 1)


def test_id_is_free_again_after_delete_and_after_renumbering() -> None:
    sql(INSERT, 64, "Ann", "2020-05-01Z", 1, 1)
    sql("UPDATE hired_employees SET id = 65 WHERE id = 64")
    sql(INSERT, 64, "Bob", "2021-05-01Z", 1, 1)
    sql("DELETE FROM hired_employees WHERE id = 65")
    sql(INSERT, 65, "Cy", "2022-05-01Z", 1, 1)
    assert sorted(HiredEmployee.objects.values_list("id", flat=True)) == [64, 65]


def test_rollup_equals_the_rows_after_any_mix_of_statements() -> None:
    rng = random.Random(4)
    for step in range(60):
        day = f"{rng.choice((2020, 2021, 2022))}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T23:59:59Z"
        place = rng.choice((None, 1, 2, 3))
        kind = rng.randrange(4)
        if kind <= 1:
            sql(INSERT, 1000 + step * 37, f"p{step}", day, place, rng.choice((None, 4, 5)))
        elif kind == 2:
            sql(
                "UPDATE hired_employees SET hired_at = %s, department_id = %s WHERE id %% 3 = %s",
                day,
                place,
                step % 3,
            )
        else:
            sql("DELETE FROM hired_employees WHERE id %% 7 = %s", step % 7)
        assert rolled_up() == counted()


def test_quarter_is_that_of_utc_whatever_the_session_says() -> None:
    sql("SET LOCAL timezone = 'America/Sao_Paulo'")
    sql(INSERT, 1, "Ann", "2021-01-01T01:00Z", 1, 1)
    assert rolled_up() == {(2021, 1, 1, 1): 1}


def test_guards_hold_on_the_way_back_and_on_the_way_forth() -> None:
    sql(INSERT, 7, "Ann", "2020-05-01Z", 1, 1)
    for number, migration in (
        (8, "0004"),
        (9, "0005"),
        (10, "0006"),
        (11, "0004"),
        (12, "0008"),
        (13, "0009"),
    ):
        call_command("migrate", "hiring", migration, verbosity=0)
        sql(INSERT, number, "Bob", "2021-05-01Z", 1, 2)
        sql("UPDATE hired_employees SET job_id = 3 WHERE id = %s", number)
        with pytest.raises(IntegrityError, match="one of these ids exists"):
            sql(INSERT, 7, "Eve", "2022-05-01Z", 1, 1)
        with pytest.raises(IntegrityError, match="job 99 does not exist"):
            sql(INSERT, 70, "Eve", "2022-05-01Z", 1, 99)
        sql("SELECT hired_employees_year(%s)", 1990 + number)
        sql(INSERT, 100 + number, "Mia", f"{1990 + number}-12-31T23:59:59Z", 2, 1)
        assert rolled_up() == counted()
    sql("DELETE FROM hired_employees WHERE id = 7")
    sql(INSERT, 7, "Eve", "2022-05-01Z", 1, 1)
    assert rolled_up() == counted()
