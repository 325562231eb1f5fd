"""Bad input of hiring, by HTTP as its clients send it: each gets a clear answer, and nothing is changed."""

import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Role, User
from hiring.models import Department, HiredEmployee
from hiring.tests.people import hired, places_made
from ingest.models import Import
from runs.execution import execute

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = ("departments", "jobs", "hired_employees", "hires_by_quarter", "users", "ingest_import")
HIRE = {"id": 5, "name": "Ann", "datetime": "2021-07-27T16:02:08Z", "department_id": 1, "job_id": 1}
FIELDS = tuple(HIRE)


@pytest.fixture
def client(client: Client, transactional_db: None, settings: Any, tmp_path: Any) -> Client:
    settings.UPLOAD_DIR = tmp_path
    client.force_login(User.objects.create_user("ana@example.com", None, role=Role.EDITOR))
    places_made(["Sales", *(f"D{n}" for n in range(2, 13))], ["Clerk", *(f"J{n}" for n in range(2, 41))])
    hired(1, "2021-05-01T00:00:00+00:00")
    return client


def contents() -> dict[str, Any]:
    """An order-independent sum of what every table holds."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            if table in connection.introspection.table_names(cursor):
                cursor.execute(f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {table} t")
                found[table] = cursor.fetchone()
    return found


def refused(client: Client, url: str, body: Any, status: int, code: str) -> Any:
    """The problem that comes back; the tables are what they were."""
    before = contents()
    answer = client.post(url, body, content_type="application/json")
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/problem+json")
    said = answer.json()
    assert said["code"] == code
    assert contents() == before
    return said


@pytest.mark.parametrize("rows", [0, 1001])
@pytest.mark.parametrize(
    "url", ["/api/v1/batch/departments", "/api/v1/datasets/departments/batch", "/insert"]
)
def test_no_rows_or_too_many_are_422(client: Client, url: str, rows: int) -> None:
    sent = [{"id": n, "department": "x"} for n in range(100, 100 + rows)]
    body = {"table": "departments", "rows": sent, "data": sent}
    said = refused(client, url, body, 422, "batch_size")
    assert f"not {rows}" in said["detail"]


@pytest.mark.parametrize(
    "table", ["users", "django_session", "departments; DROP TABLE jobs", "DEPARTMENTS", ""]
)
def test_name_of_no_table_is_400(client: Client, table: str) -> None:
    row = {"id": 100, "department": "x"}
    said = refused(client, "/insert", {"table": table, "data": [row]}, 400, "unknown_table")
    assert said["detail"].startswith(f"Invalid table name: {table}")
    if table:
        refused(client, f"/api/v1/batch/{table}", {"table": table, "rows": [row]}, 400, "unknown_table")
        before = contents()
        file = io.BytesIO(b"1,x\n")
        file.name = "x.csv"
        assert client.post(f"/api/v1/upload/csv/{table}", {"file": file}).status_code == 400
        assert contents() == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"datetime": "2023-02-29T00:00:00Z"}, "not_a_time"),
        ({"datetime": "0000-01-01T00:00:00Z"}, "date_out_of_range"),
        ({"datetime": "1899-12-31T23:59:59Z"}, "date_out_of_range"),
        ({"datetime": "2200-01-01T00:00:00Z"}, "date_out_of_range"),
        ({"datetime": "27/07/2021"}, "not_a_time"),
        ({"datetime": None}, "required"),
        ({"department_id": 99}, "unknown_department"),
        ({"department_id": 10**30}, "integer_out_of_range"),
        ({"job_id": 99}, "unknown_job"),
        ({"job_id": "1; DROP TABLE jobs"}, "not_an_integer"),
        ({"id": 2**63}, "integer_out_of_range"),
        ({"id": 10**400}, "not_a_value"),
        ({"id": -1}, "integer_out_of_range"),
        ({"id": True}, "not_an_integer"),
        ({"name": ""}, "required"),
        ({"name": "x" * 201}, "too_long"),
    ],
)
def test_row_with_a_wrong_cell_is_refused_with_its_place(
    client: Client, change: dict[str, Any], code: str
) -> None:
    rows = [{**HIRE, "id": 4}, {**HIRE, **change}]
    url = "/api/v1/batch/hired_employees"
    said = refused(client, url, {"table": "hired_employees", "rows": rows}, 422, "rows_rejected")
    (name,) = change
    assert [(error["pointer"], error["code"]) for error in said["errors"]] == [(f"#/rows/1/{name}", code)]


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ({"datetime": "2021-07-27T16:02:08"}, "2021-07-27T16:02:08+00:00"),
        ({"datetime": "2021-12-31T22:00:00-03:00"}, "2022-01-01T01:00:00+00:00"),
        ({"datetime": "2021-07-27T16:02:08.123456Z"}, "2021-07-27T16:02:08.123456+00:00"),
        ({"datetime": "2024-02-29T00:00:00Z"}, "2024-02-29T00:00:00+00:00"),
    ],
)
def test_odd_times_that_are_right_are_kept_in_utc(
    client: Client, change: dict[str, Any], stored: str
) -> None:
    body = {"table": "hired_employees", "rows": [{**HIRE, **change}]}
    answer = client.post("/api/v1/batch/hired_employees", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert HiredEmployee.objects.get(pk=5).hired_at.isoformat() == stored


def test_department_with_leading_zeros_is_its_number(client: Client) -> None:
    body = {"table": "hired_employees", "rows": [{**HIRE, "department_id": "0012"}]}
    answer = client.post("/api/v1/batch/hired_employees", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert HiredEmployee.objects.get(pk=5).department_id == 12


def test_key_that_stands_twice_comes_back_from_insert(client: Client) -> None:
    rows = [{"id": 77, "department": "First"}, {"id": 78, "department": ""}, {"id": 77, "department": "Last"}]
    answer = client.post(
        "/insert", {"table": "departments", "data": rows}, content_type="application/json"
    ).json()
    assert answer["message"] == "1 records inserted into departments"
    assert [(one["record"], one["errors"][0]["code"]) for one in answer["failed_records"]] == [
        (rows[0], "doubled_in_file"),
        (rows[1], "required"),
    ]
    assert [one["errors"][0]["pointer"] for one in answer["failed_records"]] == [
        "#/data/0/id",
        "#/data/1/department",
    ]
    assert Department.objects.get(pk=77).department == "Last"


def test_file_with_all_of_it_keeps_every_bad_line_with_its_reason(client: Client) -> None:
    """As a client of the seeds sends it: no header, loaded by one call."""
    lines = [
        "4,Ann,2021-07-27T16:02:08,1,1",
        "5,Bo,2021-07-27T16:02:08.123456Z,0012,1",
        "6,Cy,2024-02-29T00:00:00Z,1,1",
        "7,Di,2023-02-29T00:00:00Z,1,1",
        "8,Ed,0000-01-01T00:00:00Z,1,1",
        "9223372036854775808,Fi,2021-07-27T16:02:08Z,1,1",
        "10,Gil,2021-07-27T16:02:08Z,99,1",
        "11,Hana,2021-07-27T16:02:08Z,1,1",
        "11,Ines,2021-08-27T16:02:08Z,1,1",
        *(f"{n},Joy {n},2021-07-{n - 10}T16:02:08Z,{n % 12 + 1},{n}" for n in range(20, 40)),
    ]
    file = io.BytesIO("\n".join(lines).encode())
    file.name = "people.csv"
    sent = client.post("/api/v1/upload/csv/hired_employees", {"file": file})
    assert sent.status_code == 202, sent.content
    source = Import.objects.get(pk=int(sent.json()["task_id"]))
    execute(source.load_id or 0)
    source.refresh_from_db()
    assert (source.rows_read, source.inserted, source.rejected, source.skipped) == (29, 24, 4, 1)
    assert list(source.rejects.order_by("line").values_list("line", "code")) == [
        (4, "not_a_time"),
        (5, "date_out_of_range"),
        (6, "integer_out_of_range"),
        (7, "unknown_department"),
        (8, "doubled_in_file"),
    ]
    assert HiredEmployee.objects.get(pk=11).name == "Ines"
    assert HiredEmployee.objects.get(pk=5).department_id == 12
