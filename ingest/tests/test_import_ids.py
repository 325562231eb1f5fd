"""Import ids that are used up: said early, refused in words, nothing written."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from ingest import services
from ingest.batches import batch_load
from ingest.models import IMPORT_MAX, Import
from market.models import SalaryRecord
from skillora.lib.errors import DomainError

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


def next_id(value: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('ingest_import', 'id'), %s, false)",
            [value],
        )


def batch() -> Any:
    return batch_load(
        by=None, dataset="salary_records", rows=[{"title": "Dev", "salary": 100_000}], mode="atomic"
    )


def test_last_id_is_taken_and_the_next_is_refused(tmp_path: Path, settings: Any) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    next_id(IMPORT_MAX)
    assert batch().source.pk == IMPORT_MAX
    assert SalaryRecord.objects.get().pk < 2**53
    file = tmp_path / "pay.csv"
    file.write_text("title,salary\nDev,100000\n")
    with pytest.raises(DomainError, match="import ids are used") as refused:
        services.import_create(by=None, dataset="salary_records", upload=file, name=file.name)
    assert refused.value.status == 507
    assert not list(settings.UPLOAD_DIR.iterdir())


def test_batch_without_an_id_writes_nothing() -> None:
    next_id(IMPORT_MAX + 1)
    with pytest.raises(DomainError, match="import ids are used"):
        batch()
    assert not SalaryRecord.objects.exists()


def test_staff_are_told_before_they_are_used_up(client: Client) -> None:
    client.force_login(User.objects.create_user("staff@example.com", None, role=Role.STAFF))
    assert "import ids" not in client.get(reverse("admin:index")).content.decode()
    Import.objects.create(id=IMPORT_MAX * 9 // 10, dataset="salary_records", name="x.csv")
    assert "import ids are used" in client.get(reverse("admin:index")).content.decode()
