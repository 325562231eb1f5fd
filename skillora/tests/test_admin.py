"""The admin as staff work with it: every list and form opens, searches, sorts and filters; actions act."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, Role, User
from ingest import services
from ingest.batches import batch_load
from runs.execution import execute

pytestmark = pytest.mark.django_db
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.managed), key=lambda model: model._meta.label
)


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_user("staff@example.com", None, role=Role.STAFF)


@pytest.fixture
def inside(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


@pytest.fixture
def rows(staff: User, settings: Any, tmp_path: Path) -> None:
    """A row in most tables: an import with rejects, people, departments."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    file = tmp_path / "pay.csv"
    file.write_text(
        "title,salary,country,company,city\nEngineer,120000,BR,Acme,Lisbon\nAnalyst,n/a,US,Acme,Lisbon\n"
    )
    source = services.import_create(by=staff, dataset="salary_records", upload=file, name="pay.csv")
    services.import_map(source=source, by=staff, fill=True)
    services.import_submit(source=source, by=staff)
    batch_load(by=staff, dataset="departments", rows=[{"id": 1, "department": "Sales"}], mode="atomic")
    batch_load(by=staff, dataset="jobs", rows=[{"id": 1, "job": "Recruiter"}], mode="atomic")
    hire = {"id": 1, "name": "Ana", "datetime": "2021-07-27T16:02:08Z", "department_id": 1, "job_id": 1}
    batch_load(by=staff, dataset="hired_employees", rows=[hire], mode="atomic")
    User.objects.create_user("ana@example.com", None, full_name="Ana Luz")


def address(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_list_opens_searches_sorts_and_filters(inside: Client, rows: None, model: Any) -> None:
    options: ModelAdmin[Any] = admin.site._registry[model]
    url = address(model, "changelist")
    page = inside.get(url)
    assert page.status_code == 200
    request = page.wsgi_request
    if options.get_search_fields(request):
        for words in ("ana", "%_'\"\\", "1", "x" * 500):
            assert inside.get(url, {"q": words}).status_code == 200
    for number in range(1, len(options.get_list_display(request)) + 1):
        assert inside.get(url, {"o": str(number)}).status_code == 200
    found = set(re.findall(r'href="(\?[^"]+)"', page.content.decode()))
    for query in sorted(found)[:12]:
        assert inside.get(url + query.replace("&amp;", "&")).status_code in {200, 302}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_form_of_a_row_opens(inside: Client, rows: None, model: Any) -> None:
    first = model._default_manager.first()
    if first is not None:
        assert inside.get(address(model, "change", first.pk)).status_code == 200
        assert inside.get(address(model, "history", first.pk)).status_code == 200
    options: ModelAdmin[Any] = admin.site._registry[model]
    request = inside.get("/admin/").wsgi_request
    expected = 200 if options.has_add_permission(request) else 403
    assert inside.get(address(model, "add")).status_code == expected
    assert inside.get(address(model, "change", 2**62)).status_code == 302


def test_index_opens(inside: Client, rows: None) -> None:
    assert inside.get("/admin/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_actions_of_imports_act(client: Client, settings: Any, tmp_path: Path) -> None:
    staff = User.objects.create_user("staff@example.com", None, role=Role.STAFF)
    client.force_login(staff)
    settings.UPLOAD_DIR = tmp_path / "uploads"
    file = tmp_path / "pay.csv"
    file.write_text("title,salary\nEngineer,120000\n")
    source = services.import_create(by=staff, dataset="salary_records", upload=file, name="pay.csv")
    services.import_map(source=source, by=staff, fill=True)
    run = services.import_submit(source=source, by=staff)
    model = type(source)
    options = admin.site._registry[model]
    page = client.get(address(model, "changelist"))
    actions = list(options.get_actions(page.wsgi_request))
    assert actions
    for action in actions:
        body = {"action": action, "_selected_action": [str(source.pk)], "index": "0"}
        assert client.post(address(model, "changelist"), body).status_code in {200, 302}, action
    execute(run.pk)


def test_tokens_in_the_admin_show_no_secret(inside: Client, staff: User) -> None:
    row, text = ApiToken.issue(user=staff, lifetime=timedelta(days=1))
    page = inside.get(address(ApiToken, "change", row.pk)) if ApiToken in admin.site._registry else None
    assert page is None or (text not in page.content.decode() and row.digest not in page.content.decode())
