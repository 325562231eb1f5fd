"""Both reports against plain recomputation from the people, and what they say at the edges."""

import random
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from hiring.models import Department, HiredEmployee, Job
from hiring.reports import ABOVE_MEAN, BY_QUARTER, version
from hiring.tests.people import crowd, hired, places_made, years_made

pytestmark = pytest.mark.django_db

NAMES = ["Zeta", "alpha", "Ärger", "Beta", "beta", "Beta", "Ω", "A/B", "1st"]


def asked(report: Any, **query: str) -> Any:
    params = report.params(query)
    return report.answer(params, report.version(params))


def recounted(year: int) -> list[tuple[Any, ...]]:
    """Rows of hires by quarter, by reading every person."""
    found: dict[tuple[int | None, int | None], list[int]] = {}
    for person in HiredEmployee.objects.all():
        if person.hired_at.year == year:
            counts = found.setdefault((person.department_id, person.job_id), [0, 0, 0, 0])
            counts[(person.hired_at.month - 1) // 3] += 1
    departments, jobs = (dict(m.objects.values_list("pk", m._meta.model_name)) for m in (Department, Job))

    def order(item: Any) -> Any:
        (department, job), _counts = item
        return (
            department is None, departments.get(department, "").encode(),
            job is None, jobs.get(job, "").encode(), department or 0, job or 0,
        )  # fmt: skip

    return [
        (departments.get(d, "no department given"), jobs.get(j, "no job given"), *counts)
        for (d, j), counts in sorted(found.items(), key=order)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_by_quarter_equals_counting_every_person(seed: int) -> None:
    rng = random.Random(seed)
    places_made(rng.sample(NAMES, len(NAMES)), [f"{n} job" for n in rng.sample(NAMES, len(NAMES))])
    crowd(400, years=(2019, 2020, 2021), departments=len(NAMES), jobs=len(NAMES), seed=seed)
    for year in (2019, 2020, 2021, 2022):
        found = asked(BY_QUARTER, year=str(year))
        assert found.rows == recounted(year)
        assert found.n == sum(sum(row[2:]) for row in found.rows) == found.summary["totals"]["total"]
        assert sum(d["total"] for d in found.summary["departments"]) == found.n


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("zero", ["", "1"])
def test_above_mean_equals_counting_every_person(seed: int, zero: str) -> None:
    places_made([f"d{i}" for i in range(12)], ["j"])
    crowd(random.Random(seed).randint(1, 90), years=(2020, 2021), departments=9, jobs=1, seed=seed)
    hires = Counter(
        p.department_id for p in HiredEmployee.objects.for_year(2021) if p.department_id is not None
    )
    if zero:
        hires.update(dict.fromkeys(range(1, 13), 0))
    mean = sum(hires.values()) / len(hires)
    wanted = [(pk, f"d{pk - 1}", n) for pk, n in hires.items() if n > mean]
    found = asked(ABOVE_MEAN, year="2021", include_zero=zero)
    assert found.rows == sorted(wanted, key=lambda row: (-row[2], row[0]))
    assert found.summary["mean_hires"] == mean
    assert found.summary["departments"] == len(hires)
    assert len(found.rows) + len(found.summary["not_above"]) == len(hires)


def test_rows_are_in_byte_order_not_in_that_of_a_language() -> None:
    places_made(["apple", "Zebra", "Éclair", "banana"], ["b", "B", "ä"])
    for pk in range(1, 5):
        hired(pk, "2021-05-01T00:00:00+00:00", pk, 1)
    hired(5, "2021-05-01T00:00:00+00:00", 2, 2)
    hired(6, "2021-05-01T00:00:00+00:00", 2, 3)
    rows = [row[:2] for row in asked(BY_QUARTER, year="2021").rows]
    assert rows == [
        ("Zebra", "B"), ("Zebra", "b"), ("Zebra", "ä"), ("apple", "b"), ("banana", "b"), ("Éclair", "b")
    ]  # fmt: skip


def test_departments_of_one_name_stay_two_by_id() -> None:
    places_made(["Sales", "Sales"], ["Clerk"])
    hired(1, "2021-01-05T00:00:00+00:00", 2)
    hired(2, "2021-11-05T00:00:00+00:00", 1)
    assert asked(BY_QUARTER, year="2021").rows == [
        ("Sales", "Clerk", 0, 0, 0, 1),
        ("Sales", "Clerk", 1, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    ("at", "year", "quarter"),
    [
        ("2021-12-31T23:59:59-03:00", 2022, 1),
        ("2022-01-01T00:00:00+14:00", 2021, 4),
        ("2021-03-31T23:59:59.999999+00:00", 2021, 1),
        ("2021-04-01T00:00:00+00:00", 2021, 2),
        ("2020-02-29T12:00:00+00:00", 2020, 1),
    ],
)
def test_year_and_quarter_are_those_of_utc(at: str, year: int, quarter: int) -> None:
    places_made(["d"], ["j"])
    hired(1, at)
    wanted = [0, 0, 0, 0]
    wanted[quarter - 1] = 1
    assert asked(BY_QUARTER, year=str(year)).rows == [("d", "j", *wanted)]
    assert asked(ABOVE_MEAN, year=str(year)).summary["mean_hires"] == 1
    assert HiredEmployee.objects.for_year(year, quarter).count() == 1
    assert HiredEmployee.objects.for_year(year).count() == 1


def test_mean_is_given_when_nobody_is_above_it() -> None:
    places_made(["a", "b", "c"], ["j"])
    hired(1, "2021-05-01T00:00:00+00:00", 1)
    hired(2, "2021-05-01T00:00:00+00:00", 2)
    found = asked(ABOVE_MEAN, year="2021")
    assert (found.rows, found.summary["mean_hires"], found.summary["departments"]) == ([], 1.0, 2)
    with_zero = asked(ABOVE_MEAN, year="2021", include_zero="1")
    assert [row[0] for row in with_zero.rows] == [1, 2]
    assert with_zero.summary["mean_hires"] == pytest.approx(2 / 3)


def test_mean_of_a_year_without_hires_is_zero_and_the_figure_says_why() -> None:
    places_made(["a"], ["j"])
    found = asked(ABOVE_MEAN, year="2021")
    assert (found.rows, found.n, found.summary["mean_hires"], found.guarded) == ([], 0, 0.0, True)
    assert "Nobody was hired in 2021" in found.reading


def test_hires_without_a_department_are_said_and_in_no_mean() -> None:
    places_made(["a"], ["j"])
    hired(1, "2021-05-01T00:00:00+00:00", None)
    hired(2, "2021-05-01T00:00:00+00:00", 1, None)
    found = asked(ABOVE_MEAN, year="2021")
    assert found.summary["hires_without_department"] == 1
    assert found.summary["mean_hires"] == 1.0
    assert "1 hire without a department, in no figure here" in found.facts
    assert asked(BY_QUARTER, year="2021").rows == [
        ("a", "no job given", 0, 1, 0, 0),
        ("no department given", "j", 0, 1, 0, 0),
    ]


def test_year_not_asked_for_is_the_latest_with_hires() -> None:
    places_made(["a"], ["j"])
    years_made(2023)
    hired(1, "2019-05-01T00:00:00+00:00")
    person = hired(2, "2022-05-01T00:00:00+00:00")
    assert BY_QUARTER.params({})["year"] == 2022
    person.delete()
    assert BY_QUARTER.params({})["year"] == 2019


CHANGES = (
    "UPDATE hired_employees SET hired_at = hired_at + interval '3 months'",
    "UPDATE hired_employees SET department_id = 2",
    "UPDATE hired_employees SET job_id = NULL",
    "DELETE FROM hired_employees",
    "UPDATE departments SET department = 'A' WHERE id = 1",
    "UPDATE jobs SET job = 'other'",
    "INSERT INTO departments (id, department) VALUES (9, 'new')",
)


@pytest.mark.parametrize("change", CHANGES)
def test_version_changes_with_every_write_by_whoever_and_comes_back_with_the_data(change: str) -> None:
    places_made(["a", "b"], ["j"])
    hired(1, "2021-05-01T00:00:00+00:00")
    before = version({"year": 2021})
    assert version({"year": 2021}) == before
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT here")
        cursor.execute(change)
        assert version({"year": 2021}) != before
        cursor.execute("ROLLBACK TO here")
    assert version({"year": 2021}) == before


def test_answer_that_changed_while_it_was_read_is_not_kept() -> None:
    places_made(["a"], ["j"])
    hired(1, "2021-05-01T00:00:00+00:00")
    params = BY_QUARTER.params({"year": "2021"})
    old = version(params)
    hired(2, "2021-05-01T00:00:00+00:00")
    assert BY_QUARTER.answer(params, old).n == 2
    HiredEmployee.objects.filter(pk=2).delete()
    assert version(params) == old
    assert BY_QUARTER.answer(params, old).n == 1


@pytest.mark.parametrize("query", [{}, {"department": "1"}, {"title": "nobody"}])
@pytest.mark.parametrize("year", ["2021", "2022"])
def test_answer_by_quarter_knows_the_version_that_it_read(query: dict[str, str], year: str) -> None:
    places_made(["a", "b"], ["j"])
    hired(1, "2021-05-01T00:00:00+00:00")
    params = BY_QUARTER.params({"year": year, **query})
    assert BY_QUARTER.query(params).version == version(params)
