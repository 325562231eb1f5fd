"""Rows of the three tables by API: filters by names, ids and bounds, cursor pages."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from hiring.models import HiredEmployee
from hiring.tests.people import crowd, hired, places_made
from ingest.models import LINE_BITS, Import

pytestmark = pytest.mark.django_db
API = "/api/v1/datasets/"


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(User.objects.create_user("viewer@example.com", None))
    return client


@pytest.fixture
def people() -> list[HiredEmployee]:
    places_made(["Sales", "Support", "Legal"], ["Clerk", "Cook"])
    return crowd(130, years=(2020, 2021), departments=3, jobs=2)


def ids(client: Client, query: str, table: str = "hired_employees") -> list[int]:
    response = client.get(f"{API}{table}/rows{query}{'&' if query else '?'}limit=200")
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", lambda p: True),
        ("?department=Support", lambda p: p.department_id == 2),
        ("?department=sUPPORT&job=2", lambda p: p.department_id == 2 and p.job_id == 2),
        ("?department_id=3", lambda p: p.department_id == 3),
        ("?department=none", lambda p: p.department_id is None),
        ("?department=Nowhere", lambda p: False),
        ("?name=p7", lambda p: p.pk == 7),
        ("?id=12", lambda p: p.pk == 12),
        ("?id_from=100&id_before=110", lambda p: 100 <= p.pk < 110),
        ("?hired_at_from=2021-01-01T00:00:00Z", lambda p: p.hired_at.year == 2021),
        ("?datetime_before=2021-01-01T00:00:00Z", lambda p: p.hired_at.year == 2020),
        ("?import=3", lambda p: False),
    ],
)
def test_rows_are_filtered(viewer: Client, people: list[HiredEmployee], query: str, wanted: Any) -> None:
    assert ids(viewer, query) == sorted((p.pk for p in people if wanted(p)), reverse=True)


def test_rows_come_in_pages_by_cursor_each_once(viewer: Client, people: list[HiredEmployee]) -> None:
    url, seen = f"{API}hired_employees/rows?limit=40", []
    while url:
        page = viewer.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == list(range(130, 0, -1))


def test_row_says_names_ids_time_and_where_it_came_from(viewer: Client) -> None:
    places_made(["Sales"], ["Clerk"])
    hired(5, "2021-12-31T23:59:59-03:00", 1, None, name="Ann")
    Import.objects.create(id=3, dataset="hired_employees", name="people.csv")
    HiredEmployee.objects.update(origin=3 << LINE_BITS | 7)
    (row,) = viewer.get(f"{API}hired_employees/rows?import=3").json()["results"]
    assert row == {
        "id": 5, "import": 3, "line": 7, "name": "Ann", "hired_at": "2022-01-01T02:59:59+00:00",
        "department_id": 1, "department": "Sales", "job_id": None, "job": None,
    }  # fmt: skip


@pytest.mark.parametrize(("table", "name"), [("departments", "department"), ("jobs", "job")])
def test_rows_of_the_small_tables(viewer: Client, table: str, name: str) -> None:
    places_made(["Sales", "Support"], ["Sales", "Support"])
    assert ids(viewer, "", table) == [2, 1]
    assert ids(viewer, f"?{name}=Support", table) == [2]
    assert ids(viewer, "?id=1", table) == [1]


@pytest.mark.parametrize(
    "query",
    ["id=x", "id=99999999999999999999", "hired_at=yesterday", "hired_at_from=x", "import=-1", "id_from=\x00"],
)
def test_filter_that_cannot_be_used_is_refused(viewer: Client, query: str) -> None:
    name, _, value = query.partition("=")
    assert viewer.get(f"{API}hired_employees/rows", {name: value}).status_code == 400
