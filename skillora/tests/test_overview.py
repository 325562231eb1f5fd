"""The first page: the sample by one press, hires beside pay."""

import pytest
from django.test import Client

from accounts.models import Role, User
from hiring.tests.people import hired, places_made
from ingest.models import Import
from runs.models import Run

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
