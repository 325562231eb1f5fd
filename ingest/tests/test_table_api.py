"""Files by table name: uploaded, recognised and loaded in one call, asked for by task."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken, Role, User
from ingest.models import Import
from market.models import SalaryRecord
from runs.execution import execute

pytestmark = pytest.mark.django_db(transaction=True)
CSV = "Job Title,Salary,Country\n" + "".join(f"Data Engineer,{90_000 + n},BR\n" for n in range(50))


@pytest.fixture
def calls(transactional_db: None, settings: Any, tmp_path: Any) -> Client:
    settings.UPLOAD_DIR = tmp_path
    user = User.objects.create_user("ana@example.com", None, role=Role.EDITOR)
    token = ApiToken.issue(user=user, lifetime=timedelta(days=1))[1]
    return Client(headers={"Authorization": f"Bearer {token}"})


def upload(calls: Client, text: str = CSV, name: str = "pay.csv", table: str = "salary_records") -> Any:
    file = io.BytesIO(text.encode())
    file.name = name
    return calls.post(f"/api/v1/upload/csv/{table}", {"file": file})


def test_file_is_recognised_loaded_and_told_of(calls: Client) -> None:
    answer = upload(calls)
    assert answer.status_code == 202, answer.content
    body = answer.json()
    assert (body["status"], body["filename"], body["rows_to_process"]) == ("accepted", "pay.csv", 50)
    task = calls.get(f"/api/v1/task/{body['task_id']}").json()
    assert (task["status"], task["progress"], task["result"], task["error"]) == ("pending", 0, None, None)
    assert execute(Import.objects.get().load_id or 0) == "done"
    task = calls.get(answer["Location"]).json()
    assert (task["status"], task["progress"], task["total"]) == ("completed", 50, 50)
    assert (task["result"]["table"], task["result"]["rows_processed"]) == ("salary_records", 50)
    assert task["result"]["throughput_rows_per_sec"] > 0
    assert SalaryRecord.objects.count() == 50


def test_same_file_again_is_the_same_task(calls: Client) -> None:
    first = upload(calls).json()
    assert upload(calls).json()["task_id"] == first["task_id"]
    assert Import.objects.count() == 1


def test_failed_load_says_why(calls: Client, settings: Any) -> None:
    task_id = upload(calls).json()["task_id"]
    for file in settings.UPLOAD_DIR.iterdir():
        file.unlink()
    execute(Import.objects.get().load_id or 0)
    task = calls.get(f"/api/v1/task/{task_id}").json()
    assert (task["status"], task["result"]) == ("failed", None)
    assert "upload it again" in task["error"]


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"table": "users"}, 400, "unknown_table"),
        ({"table": "a/b"}, 404, None),
        ({"table": "..%2f..%2fetc"}, 404, None),
        ({"name": "pay.xlsx"}, 400, "not_a_csv"),
        ({"name": "pay"}, 400, "not_a_csv"),
        ({"text": "x,y\n1,2\n"}, 422, "mapping_uncertain"),
        ({"text": ""}, 400, None),
        ({"text": "Job Title,Salary\n"}, 422, "header_only"),
    ],
)
def test_file_that_is_refused_leaves_nothing(
    calls: Client, settings: Any, given: dict[str, str], status: int, code: str | None
) -> None:
    answer = upload(calls, **given)
    assert answer.status_code == status, answer.content
    assert code is None or answer.json()["code"] == code
    assert not Import.objects.exists()
    assert list(settings.UPLOAD_DIR.iterdir()) == []


def test_upload_without_a_file_is_422(calls: Client) -> None:
    assert calls.post("/api/v1/upload/csv/salary_records", {"x": "y"}).json()["code"] == "no_file"


@pytest.mark.parametrize("task_id", ["0", "9" * 40, "../1", "1.0", "²", "x" * 300])
def test_unknown_task_is_404(calls: Client, task_id: str) -> None:
    assert calls.get(f"/api/v1/task/{task_id}").status_code == 404
