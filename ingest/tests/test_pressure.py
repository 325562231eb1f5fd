"""Limits of what waits at once, room on the disk, and what staff see when the queue is away."""

import errno
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiToken, Role, User
from ingest.models import Import
from runs.models import Run, State
from skillora.lib import space

pytestmark = pytest.mark.django_db
CSV = "title,salary\nEngineer,{}\n"


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Any) -> Any:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return settings.UPLOAD_DIR


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_user("ana@example.com", None, role=Role.STAFF)


@pytest.fixture
def calls(staff: User) -> Client:
    token = ApiToken.issue(user=staff, lifetime=timedelta(days=1))[1]
    return Client(headers={"Authorization": f"Bearer {token}"})


def upload(calls: Client, pay: int, **more: str) -> Any:
    file = io.BytesIO(CSV.format(pay).encode())
    file.name = "pay.csv"
    body = {"file": file, "dataset": "salary_records", "fill": "true", **more}
    return calls.post("/api/v1/imports", body)


def test_more_loads_than_a_member_may_have_open_are_429_until_one_ends(calls: Client, settings: Any) -> None:
    settings.IMPORTS_OPEN_PER_USER = 2
    assert [upload(calls, pay).status_code for pay in (1, 2)] == [202, 202]
    refused = upload(calls, 3)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_of_yours")
    assert refused["Retry-After"] == "30"
    Run.objects.filter(pk=Run.objects.earliest("pk").pk).update(state=State.DONE)
    assert upload(calls, 4).status_code == 202


def test_full_queue_refuses_everybody_and_a_key_may_be_used_again(calls: Client, settings: Any) -> None:
    settings.IMPORTS_OPEN = 1
    assert upload(calls, 1).status_code == 202
    calls.defaults["HTTP_IDEMPOTENCY_KEY"] = "k1"
    assert upload(calls, 2).json()["code"] == "queue_full"
    settings.IMPORTS_OPEN = 10
    assert upload(calls, 2).status_code == 202


def test_page_says_that_too_much_waits(staff: User, calls: Client, client: Client, settings: Any) -> None:
    upload(calls, 1)
    waiting = upload(calls, 2, fill="false")
    pk = waiting.json()["id"]
    calls.post(f"/api/v1/imports/{pk}/map", {"fill": True}, "application/json")
    settings.IMPORTS_OPEN_PER_USER = 1
    client.force_login(staff)
    page = client.post(f"/imports/{pk}/load")
    assert page.status_code == 429
    assert "waiting or loading" in page.content.decode()


def test_disk_without_room_is_507_before_anything_is_read(calls: Client, settings: Any, uploads: Any) -> None:
    settings.DISK_FREE_MIN = 2**60
    refused = upload(calls, 1)
    assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
    assert "disk is full" in refused.json()["detail"]
    assert not uploads.exists() or list(uploads.iterdir()) == []
    assert not Import.objects.exists()


def test_disk_that_fills_up_during_an_upload_is_507(
    calls: Client, staff: User, client: Client, uploads: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert upload(calls, 1).status_code == 507
    client.force_login(staff)
    file = io.BytesIO(CSV.format(1).encode())
    file.name = "pay.csv"
    page = client.post("/imports/new", {"file": file, "dataset": "salary_records"})
    assert page.status_code == 507
    assert "disk is full" in page.content.decode()
    assert list(uploads.iterdir()) == []


def test_room_is_looked_for_where_uploads_will_lie(settings: Any, tmp_path: Any) -> None:
    settings.UPLOAD_DIR = tmp_path / "not" / "there" / "yet"
    settings.DISK_FREE_MIN = 0
    assert space.has_room(1)
    assert not space.has_room(2**60)


def test_staff_see_that_the_queue_is_away(staff: User, client: Client, settings: Any) -> None:
    client.force_login(staff)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "queue server does not answer" in client.get("/imports/").content.decode()
    viewer = User.objects.create_user("bo@example.com", None, role=Role.VIEWER)
    client.force_login(viewer)
    assert "queue server does not answer" not in client.get("/imports/").content.decode()
