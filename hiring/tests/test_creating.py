"""Departments and jobs that a file refers to and that are not there: created where the refused rows stand."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Role, User
from hiring.models import Department, HiredEmployee
from hiring.tests.people import places_made
from ingest import joining, services
from ingest.models import Import, RejectState
from runs.execution import execute

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = "id,name,datetime,department_id,job_id\n"


@pytest.fixture
def editor(transactional_db: None) -> User:
    return User.objects.create_user("ana@example.com", None, role=Role.EDITOR)


@pytest.fixture
def client(client: Client, editor: User) -> Client:
    client.force_login(editor)
    return client


@pytest.fixture
def source(editor: User, tmp_path: Path, settings: Any) -> Import:
    """Mapped: lines 2 to 9 name department 99 (one as 0099), 10 and 11 another, 3 a job that is not there either."""
    settings.UPLOAD_DIR = tmp_path / "kept"
    settings.UPLOAD_DIR.mkdir()
    places_made(["Sales"], ["Clerk"])
    departments = ["99"] * 7 + ["0099", "98", "98", "1"]
    lines = [
        f"{n},Ann {n},2021-03-0{n % 9 + 1}T10:00:00Z,{department},{7 if n == 2 else 1}"
        for n, department in enumerate(departments, start=1)
    ]
    path = tmp_path / "people.csv"
    path.write_text(HEADER + "\n".join(lines))
    made = services.import_create(by=editor, dataset="hired_employees", upload=path, name=path.name)
    return services.import_map(source=made, by=editor, fill=True, column_map={})


@pytest.fixture
def loaded(source: Import, editor: User) -> Import:
    execute(services.import_submit(source=source, by=editor).pk)
    source = Import.objects.get(pk=source.pk)
    assert (source.inserted, source.rejected) == (1, 10)
    return source


def create(client: Client, source: Import, value: str, **more: str) -> Any:
    given = {"code": "unknown_department", "field": "department_id", "value": value, "next": "list"}
    return client.post(f"/imports/{source.pk}/create", {**given, "new-department": "Research", **more})


def test_department_is_created_and_its_rows_are_valid(client: Client, loaded: Import, editor: User) -> None:
    page = client.get(f"/imports/{loaded.pk}/rejects").content.decode()
    assert page.count("Create it") == 3  # 99, 0099, 98
    assert create(client, loaded, "99").status_code == 302
    assert Department.objects.get(pk=99).department == "Research"
    assert loaded.rejects.filter(state=RejectState.VALID).count() == 7  # one lacks its job still
    said = client.get(f"/imports/{loaded.pk}/rejects").content.decode()
    assert "Departments: 99 is there now. 7 rows are valid now." in said
    assert "Job number is not a known job" in said
    execute(joining.rejects_load(source=loaded, by=editor).pk)
    loaded.refresh_from_db()
    assert (loaded.inserted, loaded.rejected) == (8, 3)
    assert HiredEmployee.objects.filter(department=99).count() == 7


def test_created_department_has_an_import_of_its_own_that_can_be_undone(
    client: Client, loaded: Import, editor: User
) -> None:
    create(client, loaded, "98")
    made = Import.objects.get(dataset="departments")
    assert (made.inserted, made.by, made.state) == (1, editor, "done")
    assert Department.objects.get(pk=98).origin >> 32 == made.pk


def test_department_that_somebody_made_meanwhile_stays_as_it_is(client: Client, loaded: Import) -> None:
    Department.objects.create(pk=98, department="Legal")
    create(client, loaded, "98")
    assert Department.objects.get(pk=98).department == "Legal"
    assert loaded.rejects.filter(state=RejectState.VALID).count() == 2


def test_before_the_load_it_is_created_and_the_file_checked_again(
    client: Client, source: Import, editor: User
) -> None:
    execute(services.import_check(source=source, by=editor).pk)
    page = client.get(f"/imports/{source.pk}/check").content.decode()
    assert page.count("Create it") == 3
    answer = create(client, source, "99")
    assert answer["Location"] == f"/imports/{source.pk}/check"
    checked = Import.objects.get(pk=source.pk).check_run
    assert checked is not None
    execute(checked.pk)
    checked.refresh_from_db()
    assert (checked.result["inserted"], checked.result["rejected"]) == (8, 3)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"new-department": " "}, "Department is empty"),
        ({"new-department": "x" * 201}, "too long"),
        ({"new-nothing": "x"}, "There is no column of this name"),
        ({"value": "x"}, "from 1 to"),
        ({"value": "9" * 30}, "from 1 to"),
        ({"code": "required"}, "There is nothing to create"),
        ({"field": "name"}, "There is nothing to create"),
    ],
)
def test_what_cannot_be_created_is_said_and_changes_nothing(
    client: Client, loaded: Import, more: dict[str, str], said: str
) -> None:
    answer = create(client, loaded, more.pop("value", "98"), **more)
    assert said in client.get(answer["Location"]).content.decode()
    assert Department.objects.count() == 1
    assert not loaded.rejects.exclude(state=RejectState.OPEN).exists()


def test_only_who_may_change_the_import_creates(client: Client, loaded: Import) -> None:
    other = Client()
    other.force_login(User.objects.create_user("bo@example.com", None, role=Role.EDITOR))
    assert "Create it" not in other.get(f"/imports/{loaded.pk}/rejects").content.decode()
    assert create(other, loaded, "98").status_code == 403
    assert Department.objects.count() == 1


def test_rule_offers_the_departments_by_name(client: Client, loaded: Import) -> None:
    page = client.get(f"/imports/{loaded.pk}/rejects").content.decode()
    assert '<option value="1">1 · Sales</option>' in page
    assert '<datalist id="known-department_id"><option value="1">Sales</option></datalist>' in page


def test_program_is_told_which_row_of_which_dataset_is_missing(client: Client, loaded: Import) -> None:
    answer = client.get(f"/api/v1/imports/{loaded.pk}")
    assert answer.status_code == 200
    missing = {reason["field"]: reason["missing"] for reason in answer.json()["reasons"]}
    assert missing["department_id"] == {"dataset": "departments", "columns": ["department"]}
