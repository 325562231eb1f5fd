"""Undo of what people have corrected since."""

import pytest
from django.test import Client

from accounts.models import Role, User
from hiring.models import Department, HiredEmployee
from hiring.tests.people import places_made
from ingest.batches import batch_load
from ingest.models import Import
from ingest.undoing import import_undo, undo_report
from runs import execution

pytestmark = pytest.mark.django_db(transaction=True)
HIRE = {"name": "Ana", "datetime": "2021-07-27T16:02:08Z", "department_id": 1, "job_id": 1}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_user("staff@example.com", None, role=Role.STAFF))
    return client


def loaded(dataset: str, *rows: dict[str, object]) -> Import:
    source = batch_load(by=None, dataset=dataset, rows=rows, mode="atomic").source
    assert source is not None
    return source


def test_person_corrected_by_hand_outlives_the_undo_of_the_import(staff: Client) -> None:
    places_made(["Sales", "Legal"], ["Clerk"])
    source = loaded("hired_employees", {**HIRE, "id": 1}, {**HIRE, "id": 2}, {**HIRE, "id": 3})
    at = {"hired_at_0": "2021-07-27", "hired_at_1": "16:02:08", "job": "1"}
    for pk, department in ((1, "2"), (2, "1")):  # the second is opened and saved as it was
        form = {"name": "Ana", "department": department, **at}
        assert staff.post(f"/admin/hiring/hiredemployee/{pk}/change/", form).status_code == 302
    report = undo_report(source)
    assert (report.removed, report.kept) == (2, 1)
    execution.execute(import_undo(source=source, by=None).pk)
    assert list(HiredEmployee.objects.values_list("pk", "department_id")) == [(1, 2)]


def test_department_corrected_by_hand_keeps_its_name_when_the_import_that_changed_it_is_undone(
    staff: Client,
) -> None:
    loaded("departments", {"id": 1, "department": "Sales"}, {"id": 2, "department": "Law"})
    source = loaded("departments", {"id": 1, "department": "Sale"}, {"id": 2, "department": "Lawyers"})
    posted = staff.post("/admin/hiring/department/1/change/", {"department": "Selling"})
    assert posted.status_code == 302
    assert undo_report(source).kept == 1
    execution.execute(import_undo(source=source, by=None).pk)
    assert list(Department.objects.values_list("department", flat=True)) == ["Selling", "Law"]
