"""The first page: the sample by one press, hires beside pay."""

import pytest
from django.test import Client

from accounts.models import Role, User
from hiring.tests.people import hired, places_made
from ingest.models import Import, Reject
from runs.models import Run, State

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client: Client, settings: pytest.FixtureRequest, tmp_path: object) -> Client:
    settings.UPLOAD_DIR = tmp_path / "uploads"  # type: ignore[attr-defined,operator]
    settings.UPLOAD_DIR.mkdir()  # type: ignore[attr-defined]
    client.force_login(User.objects.create_user("editor@example.com", None, role=Role.EDITOR))
    return client


def test_sample_is_mapped_and_queued_as_the_editor_once(editor: Client) -> None:
    assert 'action="/sample"' in editor.get("/").content.decode()
    first = editor.post("/sample")
    source = Import.objects.get()
    assert first["Location"] == f"/imports/{source.pk}"
    assert (source.by.email, source.state, source.facts["rows"]) == ("editor@example.com", "queued", 20_000)
    assert editor.post("/sample")["Location"] == f"/imports/{source.pk}"
    assert (Import.objects.count(), Run.objects.count()) == (1, 1)


def test_sample_is_not_for_viewers(client: Client) -> None:
    client.force_login(User.objects.create_user("viewer@example.com", None))
    assert 'action="/sample"' not in client.get("/").content.decode()
    assert client.post("/sample").status_code == 403
    assert not Import.objects.exists()


def test_hires_are_on_the_overview_with_their_quarters(client: Client) -> None:
    client.force_login(User.objects.create_user("viewer@example.com", None))
    places_made(["Sales"], ["Clerk"])
    for pk, day in enumerate(("2019-05-01", "2021-01-01", "2021-11-01", "2021-12-01"), start=1):
        hired(pk, f"{day}T00:00:00+00:00")
    text = client.get("/").content.decode()
    assert 'Hired in 2021</dt><dd><a href="/hiring/?year=2021">3</a>' in text
    assert "Hires by quarter: 2019 Q1: 0, 2019 Q2: 1," in text
    assert text.count("<title>2021 Q") == 4


def test_rows_count_as_loaded_also_where_the_table_had_them(editor: Client) -> None:
    run = Run.objects.create(task="ingest.load", state=State.DONE)
    Import.objects.create(
        dataset="departments", name="d.csv", load=run, rows_read=12, inserted=1, updated=4, unchanged=7
    )
    for page in ("/", "/imports/"):
        text = editor.get(page).content.decode()
        assert '<td class="num" data-label="Loaded">12</td>' in text, page


def test_rejects_of_what_was_taken_back_are_nobodys_work(editor: Client) -> None:
    run = Run.objects.create(task="ingest.load", state=State.DONE_WITH_REJECTS)
    source = Import.objects.create(
        dataset="hired_employees", name="h.csv", load=run, rows_read=3, inserted=2, rejected=1
    )
    Reject.objects.create(id=1, source=source, line=2, code="required", field="name")
    assert "1 of 3 rows rejected" in editor.get("/").content.decode()
    assert '<a href="#attention">1</a>' in editor.get("/").content.decode()
    Run.objects.update(state=State.UNDONE)
    text = editor.get("/").content.decode()
    assert "rows rejected" not in text and "#attention" not in text
    assert "<dt>Rows to fix</dt><dd>0</dd>" in text
