"""Hiring in the admin: lists, edits past the guards of the database, files through the cleaning, what to look at."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from hiring.models import Department, HiredEmployee, HiresByQuarter, Job
from hiring.tests.people import crowd, hired, places_made

pytestmark = pytest.mark.django_db
ADMIN = "/admin/hiring/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_user("staff@example.com", None, role=Role.STAFF))
    return client


@pytest.fixture
def people() -> list[HiredEmployee]:
    places_made(["Sales", "Support"], ["Clerk", "Cook"])
    return crowd(60, years=(2020, 2021), departments=2, jobs=2)


def form(person: HiredEmployee, **changes: str) -> dict[str, str]:
    return {
        "name": person.name,
        "hired_at_0": f"{person.hired_at:%Y-%m-%d}",
        "hired_at_1": f"{person.hired_at:%H:%M:%S}",
        "department": str(person.department_id or ""),
        "job": str(person.job_id or ""),
        **changes,
    }


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", lambda p: True),
        ("?year=2021", lambda p: p.hired_at.year == 2021),
        ("?department__id__exact=1", lambda p: p.department_id == 1),
        ("?year=2020&job__id__exact=2", lambda p: p.hired_at.year == 2020 and p.job_id == 2),
        ("?incomplete=1", lambda p: not p.department_id or not p.job_id),
        ("?q=17", lambda p: p.pk == 17),
        ("?q=p1", lambda p: p.name.startswith("p1")),
        ("?year=99999", lambda p: False),
    ],
)
def test_people_are_found(staff: Client, people: list[HiredEmployee], query: str, wanted: object) -> None:
    text = staff.get(ADMIN + "hiredemployee/" + query).content.decode()
    shown = set(map(int, re.findall(r'value="(\d+)" class="action-select"', text)))
    expected = sorted((p.pk for p in people if wanted(p)), reverse=True)[:50]  # type: ignore[operator]
    assert shown == set(expected)


def test_list_of_people_asks_a_fixed_number_of_questions(staff: Client, people: list[HiredEmployee]) -> None:
    staff.get(ADMIN + "hiredemployee/")
    with CaptureQueriesContext(connection) as few:
        staff.get(ADMIN + "hiredemployee/?q=17")
    with CaptureQueriesContext(connection) as many:
        staff.get(ADMIN + "hiredemployee/")
    assert len(many) <= len(few) + 1


def test_edit_moves_the_person_to_another_year_and_the_counts_with_them(
    staff: Client, people: list[HiredEmployee]
) -> None:
    person = people[0]
    changed = form(person, hired_at_0="2024-02-29", name="Moved", department="2", job="1")
    response = staff.post(f"{ADMIN}hiredemployee/{person.pk}/change/", changed)
    assert response.status_code == 302
    assert [line.quarters for line in HiresByQuarter.objects.lines(2024)] == [(1, 0, 0, 0)]
    assert sum(sum(x.quarters) for y in (2020, 2021) for x in HiresByQuarter.objects.lines(y)) == 59
    assert LogEntry.objects.filter(object_id=str(person.pk)).count() == 1
    assert "Moved" in staff.get(f"{ADMIN}hiredemployee/{person.pk}/history/").content.decode()


def test_person_is_added_and_removed(staff: Client, people: list[HiredEmployee]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('hired_employees', 'id'), 60)")
    response = staff.post(f"{ADMIN}hiredemployee/add/", form(people[0], name="New", hired_at_0="2030-12-31"))
    assert response.status_code == 302
    new = HiredEmployee.objects.get(name="New")
    assert new.pk == 61
    assert staff.post(f"{ADMIN}hiredemployee/{new.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not HiresByQuarter.objects.lines(2030)


def test_id_that_is_taken_is_a_message_not_a_server_error(staff: Client, people: list[HiredEmployee]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('hired_employees', 'id'), 9)")
    response = staff.post(f"{ADMIN}hiredemployee/add/", form(people[0], name="Eleventh"), follow=True)
    assert response.status_code == 200
    assert "An employee with this id exists already" in response.content.decode()
    assert not HiredEmployee.objects.filter(name="Eleventh").exists()


@pytest.mark.parametrize("day", ["1850-01-01", "2300-01-01"])
def test_year_that_no_quarter_is_known_of_is_refused(
    staff: Client, people: list[HiredEmployee], day: str
) -> None:
    response = staff.post(f"{ADMIN}hiredemployee/add/", form(people[0], hired_at_0=day))
    assert response.status_code == 200
    assert "Choose a year from 1901 to 2198" in response.content.decode()


@pytest.mark.parametrize(("kind", "model"), [("department", Department), ("job", Job)])
def test_place_with_people_stays_and_one_without_goes(
    staff: Client, people: list[HiredEmployee], kind: str, model: type
) -> None:
    model.objects.create(pk=9, **{kind: "Empty"})
    page = staff.get(f"{ADMIN}{kind}/1/delete/").content.decode()
    assert re.search(r"\d+ people were hired", page)
    staff.post(f"{ADMIN}{kind}/1/delete/", {"post": "yes"})
    staff.post(
        f"{ADMIN}{kind}/", {"action": "delete_selected", "_selected_action": ["1", "2"], "post": "yes"}
    )
    assert staff.post(f"{ADMIN}{kind}/9/delete/", {"post": "yes"}).status_code == 302
    assert set(model.objects.values_list("pk", flat=True)) == {1, 2}


def upload(staff: Client, kind: str, text: str) -> str:
    """What the page says after the dry run."""
    file = SimpleUploadedFile(f"{kind}s.csv", text.encode(), "text/csv")
    response = staff.post(f"{ADMIN}{kind}/import/", {"import_file": file, "format": "0", "resource": "0"})
    assert response.status_code == 200
    return response.content.decode()


def confirm(staff: Client, page: str, kind: str) -> None:
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    assert staff.post(f"{ADMIN}{kind}/process_import/", hidden).status_code == 302


def test_departments_by_file_go_through_the_cleaning_of_every_file(staff: Client) -> None:
    places_made(["Sales", "Support"], [])
    page = upload(staff, "department", "id,department\n0001, Sales & more \n+7,Legal\n2,Support\n")
    assert "<del>Sales</del> <ins>Sales &amp; more</ins>" in page
    assert " style=" not in page[page.index('id="content"') :]
    confirm(staff, page, "department")
    found = dict(Department.objects.values_list("pk", "department"))
    assert found == {1: "Sales & more", 2: "Support", 7: "Legal"}
    assert Department.objects.create(department="after").pk == 8


def test_rows_that_cannot_be_used_are_said_one_by_one_and_nothing_is_written(staff: Client) -> None:
    page = upload(staff, "job", "id,job\nabc,Clerk\n3,\n4,Cook\n99999999999999999999,Lawyer\n")
    assert "is not a whole number" in page
    assert "is empty" in page or "is required" in page or "is missing" in page
    assert "is out of range" in page
    assert Job.objects.count() == 0


def test_panel_says_which_hires_lack_something(staff: Client) -> None:
    places_made(["Sales"], ["Clerk"])
    assert "lacks a name" not in staff.get("/admin/").content.decode()
    hired(1, "2021-01-01T00:00:00+00:00", name="")
    text = staff.get("/admin/").content.decode()
    assert "1 hire lacks a name, department or job" in text
    assert "?incomplete=1" in text


def test_export_runs_nothing_in_a_spreadsheet_and_comes_back_as_it_was(staff: Client) -> None:
    names = ["=HYPERLINK(1)", "@SUM(1)", "-2+3|cmd", "'=kept", "Sales", "+4930", "'"]
    places_made(names, [])
    exported = staff.get(f"{ADMIN}department/export/")
    text = exported.content.decode()
    assert not re.search(r",[=@]|,-2", text) and text.count("\n") == len(names) + 1
    page = upload(staff, "department", text)
    assert "<del>" not in page
    confirm(staff, page, "department")
    assert list(Department.objects.order_by("pk").values_list("department", flat=True)) == names
