"""Staff look at runs and cancel them; nobody writes them by hand. RQ's own dashboard stands beside."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from runs.models import Run, State
from runs.services import run_start
from runs.tests.conftest import Declare

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("staff@example.com", "not-a-secret-1"))
    return client


def nothing(attempt: object) -> None:
    pass


def test_list_shows_searches_and_filters_runs(staff: Client, declare: Declare) -> None:
    run_start(task=declare(nothing, "test.seen"), by=None)
    hidden = run_start(task=declare(nothing, "test.other"), by=None)
    Run.objects.filter(pk=hidden.pk).update(state=State.FAILED)
    page = staff.get(reverse("admin:runs_run_changelist"), {"q": "test.", "state__exact": "queued"})
    assert page.status_code == 200
    assert b"test.seen</a>" in page.content or b"test.seen</td>" in page.content
    assert b"test.other</td>" not in page.content


def test_run_page_has_nothing_to_write(staff: Client, declare: Declare) -> None:
    run = run_start(task=declare(nothing), by=None, payload={"file": "a.csv"})
    page = staff.get(reverse("admin:runs_run_change", args=[run.pk]))
    assert page.status_code == 200
    assert b"a.csv" in page.content
    assert b'name="state"' not in page.content
    assert b'name="_save"' not in page.content


def test_chosen_runs_are_cancelled_and_ended_ones_named(staff: Client, declare: Declare) -> None:
    name = declare(nothing)
    waiting, ended = run_start(task=name, by=None), run_start(task=name, by=None)
    Run.objects.filter(pk=ended.pk).update(state=State.DONE)
    chosen = {"action": "cancel", "_selected_action": [waiting.pk, ended.pk]}
    page = staff.post(reverse("admin:runs_run_changelist"), chosen, follow=True)
    waiting.refresh_from_db()
    ended.refresh_from_db()
    assert (waiting.state, ended.state) == (State.CANCELLED, State.DONE)
    assert b"1 run is cancelled." in page.content
    assert b"1 had ended before." in page.content


@pytest.mark.parametrize("path", ["", "queues/0/", "queues/1/", "workers/0/", "queues/0/failed/"])
def test_queue_dashboard_is_there_for_staff_alone(client: Client, staff: Client, path: str) -> None:
    address = reverse("django_rq:home") + path
    assert staff.get(address).status_code == 200
    staff.logout()
    assert client.get(address).status_code == 302
