"""What the API tells of an import while its work ends: state and counts are of one moment, whenever that is."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from accounts.models import User
from ingest import services, undoing
from ingest.models import Import
from ingest.tests import faulty
from runs.execution import execute
from runs.models import Run

pytestmark = pytest.mark.django_db
FILE = b"Job title,Salary\n" + b"Data Engineer,100000\n" * 3 + b"Designer,nothing\n"


def upload(client: Client) -> Any:
    form = {
        "dataset": "salary_records",
        "fill": "true",
        "wait": 10,
        "file": SimpleUploadedFile("a.csv", FILE),
    }
    return client.post("/api/v1/imports", form)


def told(answer: Any) -> tuple[int, str, int, int, int]:
    body = answer.json()
    counts = body["counters"]
    return answer.status_code, body["state"], counts["read"], counts["inserted"], counts["rejected"]


def work() -> None:
    """What waits, done by a worker."""
    for pk in Run.objects.open().values_list("pk", flat=True):
        execute(pk)


def after(table: str, stack: ExitStack) -> None:
    """All work ends right after the next statement that reads `table`: what that has read is of before."""
    ended: list[str] = []

    def ends(execute_sql: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute_sql(sql, params, many, context)
        if not ended and sql.startswith("SELECT") and f'FROM "{table}"' in sql:
            ended.append(sql)
            work()
        return found

    stack.enter_context(connection.execute_wrapper(ends))


@pytest.mark.parametrize("between", [False, True], ids=["in a pause", "between two looks"])
def test_load_that_ends_while_its_answer_waits_is_told_with_its_counts(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch, between: bool
) -> None:
    with ExitStack() as stack:
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            if not pauses:
                after("ingest_import", stack) if between else work()
            pauses.append(seconds)

        monkeypatch.setattr("ingest.api.time.sleep", pause)
        assert told(upload(signed_in)) == (201, "done_with_rejects", 4, 3, 1)
    assert len(pauses) == 2 if between else 1


@pytest.mark.parametrize("table", ["ingest_import", "runs_run"])
def test_undo_that_ends_while_it_is_asked_for_is_told_with_its_counts(
    signed_in: Client, owner: User, tmp_path: Path, table: str
) -> None:
    source = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    undoing.import_undo(source=services.import_for(by=owner, pk=source.pk), by=owner)
    with ExitStack() as stack:
        after(table, stack)
        body = signed_in.get(f"/api/v1/imports/{source.pk}").json()
    assert Import.objects.with_run().get().state == "undone"
    assert body["under_way"] is not None or body["state"] == "undone"


def test_upload_that_cannot_be_mapped_as_asked_leaves_nothing(signed_in: Client) -> None:
    form = {"dataset": "salary_records", "column_map": '{"salary": "Wages"}'}
    answer = signed_in.post("/api/v1/imports", {**form, "file": SimpleUploadedFile("a.csv", FILE)})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/column_map/salary"
    assert not Import.objects.exists(), "the caller does not know its id"
