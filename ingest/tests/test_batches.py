"""Rows by API: verdicts of the same cleaning as files, written at once or not at all."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.response import Response

from accounts.models import ApiToken, Role, User
from ingest.batches import text_of
from ingest.models import Import, Origin, Reject, row_id
from market.models import SalaryRecord
from runs.models import State

GOOD = {"title": "Data Engineer", "salary": 120000, "country": "Brasil", "currency": "USD"}
BAD = {"title": "Analyst", "salary": "n/a", "country": "Atlantis"}
URL = "/api/v1/datasets/salary_records/batch"
pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(db: None) -> User:
    return User.objects.create_user("ana@example.com", None, role=Role.EDITOR)


@pytest.fixture
def send(editor: User) -> Any:
    token = ApiToken.issue(user=editor, lifetime=timedelta(days=1))[1]

    def post(body: Any, url: str = URL, **headers: str) -> Response:
        given = {"Authorization": f"Bearer {token}", **headers}
        return Client().post(url, body, "application/json", headers=given)  # type: ignore[return-value]

    return post


def test_batch_of_good_rows_is_201_with_an_answer_per_row(send: Any) -> None:
    answer = send({"rows": [GOOD, {**GOOD, "title": "Analyst", "salary": "$85k"}]})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    source = Import.objects.get()
    assert answer["Location"] == f"/api/v1/imports/{source.pk}"
    assert [(row["index"], row["status"], row["id"]) for row in body["rows"]] == [
        (0, "inserted", row_id(source.pk, 1)),
        (1, "inserted", row_id(source.pk, 2)),
    ]
    assert body["counters"]["inserted"] == body["counters"]["read"] == 2
    assert (source.origin, source.state, source.inserted) == (Origin.BATCH, State.DONE, 2)
    stored = SalaryRecord.objects.in_bulk()
    assert [int(stored[row["id"]].pay) for row in body["rows"]] == [120000, 85000]


def test_atomic_batch_with_one_bad_row_writes_nothing(send: Any) -> None:
    answer = send({"rows": [GOOD, BAD]})
    assert answer.status_code == 422
    errors = {(e["pointer"], e["code"], e["value"]) for e in answer.json()["errors"]}
    assert errors == {
        ("#/rows/1/salary", "required", "n/a"),
        ("#/rows/1/country", "unknown_country", "Atlantis"),
    }
    assert not Import.objects.exists() and not SalaryRecord.objects.exists()


def test_partial_batch_keeps_the_good_and_rejects_the_bad(send: Any) -> None:
    answer = send({"rows": [BAD, GOOD], "mode": "partial"})
    assert answer.status_code == 207
    assert [row["status"] for row in answer.json()["rows"]] == ["rejected", "inserted"]
    source = Import.objects.get()
    assert (source.rows_read, source.inserted, source.rejected) == (2, 1, 1)
    assert source.state == State.DONE_WITH_REJECTS
    reject = Reject.objects.get()
    assert (reject.line, reject.code, reject.cells[:2]) == (1, "required", ["Analyst", "n/a"])


def test_partial_batch_without_a_good_row_is_422_and_writes_nothing(send: Any) -> None:
    assert send({"rows": [BAD], "mode": "partial"}).status_code == 422
    assert not Import.objects.exists()


@pytest.mark.parametrize("n", [0, 1001])
def test_batch_of_no_row_or_too_many_is_422(send: Any, n: int) -> None:
    answer = send({"rows": [GOOD] * n})
    assert (answer.status_code, answer.json()["code"]) == (422, "batch_size")


def test_a_thousand_rows_are_written(send: Any) -> None:
    answer = send({"rows": [{**GOOD, "salary": 50_000 + n} for n in range(1000)]})
    assert answer.status_code == 201
    assert SalaryRecord.objects.count() == 1000


@pytest.mark.parametrize(
    ("row", "pointer", "code"),
    [
        ({**GOOD, "pay/year": 1}, "#/rows/0/pay~1year", "unknown_column"),
        ({**GOOD, "title": ["x"]}, "#/rows/0/title", "not_a_value"),
        ({**GOOD, "salary": {"a": 1}}, "#/rows/0/salary", "not_a_value"),
        ({**GOOD, "title": "a\u0000b"}, "#/rows/0/title", "unreadable_text"),
        ({**GOOD, "title": "a\ud800b"}, "#/rows/0/title", "unreadable_text"),
        ({**GOOD, "title": None}, "#/rows/0/title", "required"),
        ({**GOOD, "salary": True}, "#/rows/0/salary", "not_an_amount"),
        ({**GOOD, "salary": -5}, "#/rows/0/salary", "amount_not_positive"),
        ({**GOOD, "salary": 10**30}, "#/rows/0/salary", "amount_too_large"),
        ("text", "#/rows/0", "not_an_object"),
        (None, "#/rows/0", "not_an_object"),
    ],
)
def test_row_that_cannot_be_stored_says_why(send: Any, row: Any, pointer: str, code: str) -> None:
    answer = send({"rows": [row]})
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ([], "not_an_object"),
        ({"rows": "x"}, "not_a_list"),
        ({"rows": [GOOD], "mode": "all"}, "invalid_mode"),
        ({"rows": [GOOD], "mode": ["atomic"]}, "invalid_mode"),
        ({"rows": [GOOD], "lenient": "yes"}, "not_a_boolean"),
    ],
)
def test_body_that_is_no_batch_is_422(send: Any, body: Any, code: str) -> None:
    answer = send(body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_same_batch_sent_again_with_its_key_is_written_once(send: Any) -> None:
    first = send({"rows": [GOOD]}, **{"Idempotency-Key": "b1"})
    again = send({"rows": [GOOD]}, **{"Idempotency-Key": "b1"})
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert SalaryRecord.objects.count() == 1


def test_answers_hold_the_batch_at_once(send: Any, client: Client, editor: User) -> None:
    client.force_login(editor)
    for n in (1, 2):
        send({"rows": [{**GOOD, "title": "Glass Blower", "country": "US"}] * 3})
        found = client.get("/api/jobs/analytics/salary/summary?title=Glass&country=USA").json()
        assert (found["n"], found["p50"]) == (3 * n, 120000)


def test_table_batch_is_atomic_and_checks_its_table(send: Any) -> None:
    rows = [{"job_title": "Data Engineer", "compensation": 100000}]
    url = "/api/v1/batch/salary_records"
    answer = send({"table": "salary_records", "rows": rows}, url)
    assert answer.status_code == 200, answer.content
    assert {k: v for k, v in answer.json().items() if k != "duration_ms"} == {
        "table": "salary_records",
        "rows_inserted": 1,
    }
    assert send({"table": "jobs", "rows": rows}, url).status_code == 400
    assert send({"table": "users", "rows": rows}, "/api/v1/batch/users").status_code == 400
    assert send({"table": "salary_records", "rows": [*rows, {}]}, url).status_code == 422
    assert SalaryRecord.objects.count() == 1


def test_insert_is_partial_and_gives_failed_records_back(send: Any) -> None:
    answer = send({"table": "salary_records", "data": [GOOD, BAD]}, "/insert")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["success"], body["message"]) == (True, "1 records inserted into salary_records")
    assert [failed["record"] for failed in body["failed_records"]] == [BAD]
    assert send({"table": "users", "data": [GOOD]}, "/insert").status_code == 400
    assert send({"table": ["x"], "data": [GOOD]}, "/insert").status_code == 400


def test_insert_gives_back_what_no_utf8_can_say(send: Any) -> None:
    odd = {**BAD, "remark": "half a sign: \ud800, é"}
    for _sent in range(2):  # the second is the stored answer
        answer = send({"table": "salary_records", "data": [odd]}, "/insert", **{"Idempotency-Key": "odd"})
        assert answer.status_code == 200, answer.content
        assert answer.json()["failed_records"][0]["record"] == odd


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (12, "12"),
        (1.5, "1.5"),
        (1.234, "1.2340"),
        (1e20, "100000000000000000000"),
        (1e-7, "0.0000001"),
        (1e300, None),
        (10**50, None),
        ([], None),
        ("x", "x"),
    ],
)
def test_value_as_a_file_would_say_it(value: Any, text: str | None) -> None:
    assert text_of(value) == text
