"""Uploads in parts: broken off, gone on with, at once, changed on their way; and who may touch them."""

import base64
import fcntl
import hashlib
import io
import os
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Role, User
from ingest import resumable
from ingest.models import Import, Upload

pytestmark = pytest.mark.django_db(transaction=True)
CSV = b"title,salary\n" + b"".join(b"Engineer,%d\n" % n for n in range(100_000, 105_000))
URL = "/api/v1/uploads"


@pytest.fixture(autouse=True)
def uploads(transactional_db: None, settings: Any, tmp_path: Path) -> Path:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    settings.DISK_FREE_MIN = 0
    return tmp_path / "uploads"


def client_of(role: Role, name: str) -> Client:
    user = User.objects.create_user(f"{name}@example.com", None, role=role)
    token = ApiToken.issue(user=user, lifetime=timedelta(days=1))[1]
    return Client(headers={"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"})


@pytest.fixture
def calls(uploads: Path) -> Client:
    return client_of(Role.EDITOR, "ana")


def begin(calls: Client, size: int = len(CSV), name: str = "pay.csv", **more: str) -> Any:
    said = {"filename": name, "dataset": "salary_records", **more}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    return calls.post(URL, headers={"Upload-Length": str(size), "Upload-Metadata": metadata})


def part(calls: Client, url: str, offset: int, data: bytes, **headers: str) -> Any:
    given = {"Upload-Offset": str(offset), **headers}
    return calls.patch(url, data, content_type="application/offset+octet-stream", headers=given)


def offset_of(calls: Client, url: str) -> int:
    return int(calls.head(url)["Upload-Offset"])


def test_parts_become_an_import(calls: Client, uploads: Path) -> None:
    made = begin(calls, sha256=hashlib.sha256(CSV).hexdigest())
    assert (made.status_code, made["Upload-Offset"], made["Tus-Resumable"]) == (201, "0", "1.0.0")
    url = made["Location"]
    for start in range(0, len(CSV), 20_000):
        assert offset_of(calls, url) == start
        answer = part(calls, url, start, CSV[start : start + 20_000])
        assert answer.status_code == 204, answer.content
    source = Import.objects.get()
    assert answer["Location"] == f"/api/v1/imports/{source.pk}"
    assert (source.name, source.size, source.facts["rows"]) == ("pay.csv", len(CSV), 5_000)
    assert source.sha256 == hashlib.sha256(CSV).hexdigest()
    assert [file.name for file in uploads.iterdir()] == [source.stored]
    assert (uploads / source.stored).read_bytes() == CSV
    # The last answer was lost: asking again tells the same import.
    assert calls.head(url)["Location"] == answer["Location"]
    assert part(calls, url, len(CSV), b"")["Location"] == answer["Location"]
    assert Import.objects.count() == 1


def test_part_that_was_cut_off_goes_on_where_it_ended(calls: Client, uploads: Path) -> None:
    url = begin(calls)["Location"]
    # What a lost connection leaves: bytes that nobody was told of.
    (uploads / f"{url.rpartition('/')[2]}.part").write_bytes(CSV[:777])
    assert offset_of(calls, url) == 777
    assert part(calls, url, 0, CSV[:1000]).status_code == 409
    assert part(calls, url, 777, CSV[777:]).status_code == 204
    assert Import.objects.get().facts["rows"] == 5_000


def test_server_that_died_before_the_import_makes_it_when_asked(calls: Client, uploads: Path) -> None:
    url = begin(calls)["Location"]
    (uploads / f"{url.rpartition('/')[2]}.part").write_bytes(CSV)
    assert "Location" not in calls.head(url)
    assert part(calls, url, len(CSV), b"")["Location"] == f"/api/v1/imports/{Import.objects.get().pk}"


def test_part_that_waited_for_the_last_one_makes_no_second_import(calls: Client, uploads: Path) -> None:
    url = begin(calls)["Location"]
    path = uploads / f"{url.rpartition('/')[2]}.part"
    waiting = Upload.objects.get()  # read, its file opened, and then the last part was faster
    assert part(calls, url, 0, CSV).status_code == 204
    path.write_bytes(CSV)
    by = waiting.by
    assert by is not None
    reached = resumable.upload_append(
        upload=waiting, by=by, offset=len(CSV), length=0, stream=io.BytesIO(b"")
    )
    assert (reached, Import.objects.count()) == (len(CSV), 1)


def test_part_that_changed_on_its_way_is_not_kept(calls: Client) -> None:
    url = begin(calls)["Location"]
    right = base64.b64encode(hashlib.sha256(CSV[:500]).digest()).decode()
    wrong = part(calls, url, 0, CSV[:499] + b"x", **{"Upload-Checksum": f"sha256 {right}"})
    assert (wrong.status_code, offset_of(calls, url)) == (460, 0)
    assert part(calls, url, 0, CSV[:500], **{"Upload-Checksum": f"sha256 {right}"}).status_code == 204
    assert part(calls, url, 500, b"x", **{"Upload-Checksum": "md5 AAAA"}).status_code == 400
    assert offset_of(calls, url) == 500


def test_file_that_is_not_what_was_announced_is_gone(calls: Client, uploads: Path) -> None:
    url = begin(calls, sha256="0" * 64)["Location"]
    answer = part(calls, url, 0, CSV)
    assert (answer.status_code, answer.json()["code"]) == (422, "checksum_differs")
    assert calls.head(url).status_code == 404
    assert not Import.objects.exists() and list(uploads.iterdir()) == []


def test_file_that_is_no_table_is_refused_and_gone(calls: Client, uploads: Path) -> None:
    data = b"\x00\x01\x02" * 100
    url = begin(calls, size=len(data))["Location"]
    assert part(calls, url, 0, data).status_code in {400, 422}
    assert list(uploads.iterdir()) == [] and not Upload.objects.exists()


def test_two_parts_at_once_are_never_mixed(calls: Client, uploads: Path) -> None:
    url = begin(calls)["Location"]
    with (uploads / f"{url.rpartition('/')[2]}.part").open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        answer = part(calls, url, 0, CSV[:100])
    assert (answer.status_code, answer.json()["code"]) == (423, "locked")
    assert part(calls, url, 0, CSV[:100]).status_code == 204


def test_upload_is_its_makers_alone(calls: Client) -> None:
    url = begin(calls)["Location"]
    for other in (client_of(Role.EDITOR, "bo"), client_of(Role.STAFF, "cy")):
        assert other.head(url).status_code == 404
        assert part(other, url, 0, CSV[:10]).status_code == 404
        assert other.delete(url).status_code == 404
    assert begin(client_of(Role.VIEWER, "di")).status_code == 403
    assert begin(Client(headers={"Tus-Resumable": "1.0.0"})).status_code == 401
    assert offset_of(calls, url) == 0


def test_deleted_upload_leaves_nothing(calls: Client, uploads: Path) -> None:
    url = begin(calls)["Location"]
    part(calls, url, 0, CSV[:10])
    assert calls.delete(url).status_code == 204
    assert calls.head(url).status_code == 404
    assert list(uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"size": 2**50}, 413),
        ({"size": 0}, 400),
        ({"name": "pay.exe"}, 400),
        ({"name": ""}, 400),
        ({"name": "a\0.csv"}, 400),
        ({"dataset": "users"}, 404),
        ({"sha256": "abc"}, 400),
    ],
)
def test_upload_that_cannot_be_begun(calls: Client, given: dict[str, Any], status: int) -> None:
    assert begin(calls, **given).status_code == status
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "-1", "Upload-Metadata": "filename YQ=="},
        {"Upload-Length": "9" * 40, "Upload-Metadata": "filename YQ=="},
        {"Upload-Length": "10", "Upload-Metadata": "filename !!,dataset YQ=="},
        {"Upload-Length": "10", "Upload-Metadata": "filename /w==,dataset YQ=="},
    ],
)
def test_headers_that_make_no_sense_are_400(calls: Client, headers: dict[str, str]) -> None:
    assert calls.post(URL, headers=headers).status_code == 400


def test_other_versions_are_412_and_options_say_what_there_is(calls: Client, settings: Any) -> None:
    assert calls.post(URL, headers={"Tus-Resumable": "0.2"}).status_code == 412
    told = calls.options(URL)
    assert told.status_code == 204
    assert told["Tus-Max-Size"] == str(settings.MAX_UPLOAD_SIZE)
    assert "creation" in told["Tus-Extension"]


def test_part_beyond_the_end_or_over_eight_mib_is_413(calls: Client, settings: Any) -> None:
    url = begin(calls, size=10)["Location"]
    assert part(calls, url, 0, CSV[:11]).status_code == 413
    settings.UPLOAD_PART_MAX = 5
    assert part(calls, url, 0, CSV[:6]).status_code == 413
    assert offset_of(calls, url) == 0


def test_too_many_unfinished_uploads_are_429(calls: Client, settings: Any) -> None:
    settings.IMPORTS_OPEN_PER_USER = 2
    assert [begin(calls).status_code for _ in range(3)] == [201, 201, 429]


def test_no_room_is_507(calls: Client, settings: Any) -> None:
    url = begin(calls)["Location"]
    settings.DISK_FREE_MIN = 2**60
    assert begin(calls).status_code == 507
    assert part(calls, url, 0, CSV[:100]).status_code == 507
    assert offset_of(calls, url) == 0


def test_what_nobody_goes_on_with_is_swept_after_a_day(calls: Client, uploads: Path) -> None:
    old, new = begin(calls)["Location"], begin(calls)["Location"]
    before = time.time() - 90_000
    os.utime(uploads / f"{old.rpartition('/')[2]}.part", (before, before))
    Upload.objects.filter(pk=uuid.UUID(old.rpartition("/")[2])).update(
        created_at=timezone.now() - timedelta(days=3)
    )
    assert resumable.uploads_sweep() == 1
    assert calls.head(old).status_code == 404
    assert offset_of(calls, new) == 0
