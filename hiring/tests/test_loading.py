"""Files of departments, jobs and people through the whole engine: found by id, new, changed, the same, refused."""

from pathlib import Path
from typing import Any

import pytest

from hiring.models import Department, Job
from ingest import services
from ingest.models import Import, Previous
from runs import execution

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = "id,name,datetime,department_id,job_id\n"


@pytest.fixture(autouse=True)
def _uploads(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture
def places() -> None:
    Department.objects.bulk_create(Department(id=i, department=f"d{i}") for i in range(1, 6))
    Job.objects.bulk_create(Job(id=i, job=f"j{i}") for i in range(1, 6))


def mapped(dataset: str, text: str, tmp_path: Path, **more: Any) -> Import:
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode())
    source = services.import_create(by=None, dataset=dataset, upload=path, name=path.name)
    return services.import_map(source=source, by=None, fill=True, **more)


def loaded(dataset: str, text: str, tmp_path: Path, **more: Any) -> Import:
    run = services.import_submit(source=mapped(dataset, text, tmp_path, **more), by=None, force=True)
    execution.execute(run.pk)
    source = Import.objects.with_run().get(load=run)
    assert source.load is not None
    assert source.load.error_message == ""
    return source


def checked(dataset: str, text: str, tmp_path: Path, **more: Any) -> dict[str, Any]:
    run = services.import_check(source=mapped(dataset, text, tmp_path, **more), by=None)
    execution.execute(run.pk)
    run.refresh_from_db()
    assert run.error_message == ""
    return dict(run.result)


def counts(source: Import) -> tuple[int, ...]:
    return (
        source.rows_read, source.inserted, source.updated, source.unchanged, source.rejected, source.skipped,
    )  # fmt: skip


def test_departments_new_changed_and_the_same(tmp_path: Path) -> None:
    first = loaded("departments", "id,department\n1,Sales\n2,Legal\n3,Support\n", tmp_path)
    assert counts(first) == (3, 3, 0, 0, 0, 0)
    second = loaded("departments", "id,department\n3,Support\n2,Law\n4,Training\n", tmp_path)
    assert counts(second) == (3, 1, 1, 1, 0, 0)
    assert list(Department.objects.values_list("id", "department", "origin")) == [
        (1, "Sales", first.pk << 32 | 2),
        (2, "Law", second.pk << 32 | 3),
        (3, "Support", first.pk << 32 | 4),
        (4, "Training", second.pk << 32 | 4),
    ]
    (kept,) = Previous.objects.all()
    assert (kept.source_id, kept.dataset, kept.key, kept.line) == (second.pk, "departments", 2, 3)
    assert kept.row == {"id": 2, "department": "Legal", "origin": first.pk << 32 | 3}
