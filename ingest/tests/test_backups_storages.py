"""Backups in real S3-compatible storage; which backups stay; the page and the tasks."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from ingest.backups import services
from ingest.backups.bucket import Bucket
from ingest.backups.manifest import Damaged, Incomplete
from ingest.backups.storages import StorageFailed
from ingest.models import Backup
from ingest.tests.backups import emptied, everything, fill
from runs.execution import execute
from runs.models import Run, State

pytestmark = pytest.mark.django_db(transaction=True)

KEY, SECRET = "backup-tests", "not-a-secret-but-long-enough"


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real S3-speaking server with an empty folder of its own."""
    folder = tmp_path_factory.mktemp("s3")
    identity = {"name": "t", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    names = ("master.port", "volume.port", "filer.port", "s3.port")
    ports = dict(zip([*names, *(f"{name}.grpc" for name in names)], free_ports(8), strict=True))
    server = subprocess.Popen(
        [Path(sys.executable).parent / "weed", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
         "-filer=true", "-s3=true", f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-volume.max=100",
         "-master.volumeSizeLimitMB=64", *(f"-{name}={port}" for name, port in ports.items())],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{ports['s3.port']}"
    finally:
        server.kill()  # it takes ten seconds to end by itself
        server.wait()


def bucket_create(made: Bucket) -> None:
    """Make the bucket, as soon as the server answers."""
    end = time.monotonic() + 60
    while True:
        try:
            made.client.create_bucket(Bucket=made.bucket)
            return
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@pytest.fixture
def bucket(s3: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket that the settings name."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    settings.BACKUP_S3_ENDPOINT = s3
    settings.BACKUP_S3_BUCKET = f"backups-{time.time_ns()}"
    made = Bucket(settings.BACKUP_S3_BUCKET, "", s3)
    bucket_create(made)
    return made


def test_round_trip_through_s3(bucket: Bucket) -> None:
    fill()
    before = everything()
    backup = services.backup_create(by=None)
    assert Backup.objects.get().place == f"s3://{bucket.bucket}/backups"
    emptied()
    services.backup_restore(name=backup.name)
    assert everything() == before


def test_damage_in_s3_is_refused(bucket: Bucket) -> None:
    backup = services.backup_create(by=None)
    prefix = f"backups/{backup.name}/"
    bucket.client.put_object(Bucket=bucket.bucket, Key=prefix + "jobs.avro", Body=b"cut")
    with pytest.raises(Damaged, match=r"jobs\.avro"):
        services.backup_restore(name="latest")
    bucket.client.delete_object(Bucket=bucket.bucket, Key=prefix + "manifest.json")
    with pytest.raises(Incomplete):
        services.backup_restore(name=backup.name)


def test_old_backups_leave_s3(bucket: Bucket) -> None:
    young = services.backup_create(by=None)
    old = "20200101T030000Z-abcdef"  # broken off long ago
    bucket.client.put_object(Bucket=bucket.bucket, Key=f"backups/{old}/jobs.avro", Body=b"x")
    assert services.backups_tidy() == {"kept": 1, "removed": 0, "swept": 1}
    assert Bucket(bucket.bucket, "backups", bucket.client.meta.endpoint_url).names() == [young.name]


def test_storage_that_refuses_is_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StorageFailed, match=f"s3://{bucket.bucket}/backups refused"):
        services.backup_create(by=None)
    assert Backup.objects.count() == 0


def test_newest_of_seven_days_four_weeks_six_months_stay() -> None:
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)  # a Sunday
    times = [now - timedelta(hours=12 * n) for n in range(2 * 400)]
    stay = sorted(services.kept(times), reverse=True)
    assert [t.date().isoformat() for t in stay] == [
        "2026-11-22", "2026-11-21", "2026-11-20", "2026-11-19", "2026-11-18", "2026-11-17", "2026-11-16",
        "2026-11-15", "2026-11-08", "2026-11-01", "2026-10-31", "2026-09-30", "2026-08-31", "2026-07-31", "2026-06-30",
    ]  # fmt: skip
    a_day = [now - timedelta(minutes=n) for n in range(1500)]
    assert services.kept(a_day) == {t for t in a_day if now - t < timedelta(days=1)}
    assert services.kept([now - timedelta(days=3000)]) == {now - timedelta(days=3000)}


@pytest.fixture
def staff(settings: Any, tmp_path: Path) -> Client:
    settings.BACKUP_DIR = tmp_path
    client = Client()
    client.force_login(User.objects.create_user("s@example.com", None, role=Role.STAFF))
    return client


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_page_is_for_staff_only(role: Role) -> None:
    client = Client()
    client.force_login(User.objects.create_user("m@example.com", None, role=role))
    assert client.get(reverse("ingest:backup-list")).status_code == 403
    assert client.post(reverse("ingest:backup-new")).status_code == 403
    assert client.post(reverse("ingest:backup-rehearse", args=[1])).status_code == 403
    assert not Run.objects.exists()


def test_page_backs_up_and_rehearses(
    staff: Client, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> None:
    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", django_db_blocker._real_ensure_connection)
    assert b"No backup yet" in staff.get(reverse("ingest:backup-list")).content
    staff.post(reverse("ingest:backup-new"))
    again = staff.post(reverse("ingest:backup-new"), follow=True)
    assert b"This is under way already" in again.content and b'hx-trigger="every 2s"' in again.content
    assert Run.objects.count() == 1
    assert execute(Run.objects.get().pk) == State.DONE
    backup = Backup.objects.get()
    assert backup.by == User.objects.get()
    staff.post(reverse("ingest:backup-rehearse", args=[backup.pk]))
    assert execute(Run.objects.latest("id").pk) == State.DONE
    shown = staff.get(reverse("ingest:backup-list")).content.decode()
    assert backup.name in shown
    assert "Came back whole" in shown


def test_failed_and_late_backups_are_a_concern(staff: Client, settings: Any) -> None:
    assert services.concerns() == []
    settings.BACKUP_DIR = Path("/dev/null/nowhere")
    staff.post(reverse("ingest:backup-new"))
    assert execute(Run.objects.get().pk) == State.FAILED
    Backup.objects.create(name="x", place="y", created_at=timezone.now() - timedelta(days=3))
    assert [concern.tone for concern in services.concerns()] == ["bad", "warn"]
    shown = staff.get(reverse("ingest:backup-list")).content.decode()
    assert "The last backup failed" in shown
    assert "older than a day and a half" in shown
