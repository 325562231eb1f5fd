"""Uploads in real S3-compatible storage: kept there, fetched by whoever reads them, forgotten with their import."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest import services, storage, uploads_bucket
from ingest.backups.storages import StorageFailed
from ingest.models import Import
from ingest.tests.test_backups_storages import KEY, SECRET, bucket_create, s3  # noqa: F401 - a fixture
from ingest.uploads_bucket import UploadsBucket
from runs.execution import execute
from runs.models import State
from skillora.lib.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = "title,salary\nDev,100000\nOps,wrong\n"


@pytest.fixture
def bucket(s3: str, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> UploadsBucket:  # noqa: F811
    """An empty bucket that the settings name, and an empty UPLOAD_DIR."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    settings.UPLOAD_S3_ENDPOINT, settings.UPLOAD_S3_BUCKET = s3, f"uploads-{time.time_ns()}"
    settings.UPLOAD_DIR = tmp_path / "uploads"
    made = uploads_bucket.bucket()
    bucket_create(made)
    return made


def keys(bucket: UploadsBucket) -> list[str]:
    return [
        str(one["Key"]) for one in bucket.client.list_objects_v2(Bucket=bucket.bucket).get("Contents", [])
    ]


@pytest.fixture
def upload(tmp_path: Path) -> Callable[[], Import]:
    def make() -> Import:
        path = tmp_path / "pay.csv"
        path.write_text(ROWS)
        return services.import_create(by=None, dataset="salary_records", upload=path, name=path.name)

    return make


def test_load_on_a_machine_without_the_file_fetches_it(
    bucket: UploadsBucket, upload: Callable[[], Import], settings: Any, tmp_path: Path
) -> None:
    source = services.import_map(source=upload(), by=None, fill=True)
    assert keys(bucket) == [f"uploads/{source.stored}"]
    run = services.import_submit(source=source, by=None)
    settings.UPLOAD_DIR = tmp_path / "another machine"
    assert execute(run.pk) == State.DONE_WITH_REJECTS
    source.refresh_from_db()
    assert (source.inserted, source.rejected) == (1, 1)
    assert [path.name for path in settings.UPLOAD_DIR.iterdir()] == [source.stored]


def test_forgotten_import_leaves_the_bucket(bucket: UploadsBucket, upload: Callable[[], Import]) -> None:
    source = upload()
    services.import_delete(source=source, by=None)
    assert keys(bucket) == []
    with pytest.raises(NotFound, match="upload it again"):
        storage.stored_path(source)


def test_copies_nobody_reads_are_swept_and_fetched_again(
    bucket: UploadsBucket, upload: Callable[[], Import], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = upload()
    assert storage.temporary_sweep() == 0
    monkeypatch.setattr(storage, "TEMPORARY_SECONDS", -1)
    assert storage.temporary_sweep() == 1
    assert storage.stored_path(source).read_text() == ROWS


def test_storage_that_refuses_keeps_nothing_and_names_its_settings(
    bucket: UploadsBucket, upload: Callable[[], Import], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StorageFailed, match="UPLOAD_S3_"):
        upload()
    assert not list(settings.UPLOAD_DIR.iterdir())
    assert not Import.objects.exists()
