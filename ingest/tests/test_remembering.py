"""What was decided for a file's headers is there the next time, before any guess; unknown choices are asked about."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from ingest import services
from ingest.mapping import Mapping
from ingest.models import Import, RememberedMapping

pytestmark = pytest.mark.django_db
HEADERS = "Bezeichnung,Betrag,Stufe,Land"


@pytest.fixture
def editor() -> User:
    return User.objects.create_user("ed@example.org", "long enough 1", role=Role.EDITOR)


def uploaded(path: Path, by: User, headers: str = HEADERS, name: str = "pay.csv") -> Import:
    rows = [f"Dev,{n}000,{'Mittel' if n % 2 else 'Senior'},BR" for n in range(40, 60)]
    (path / name).write_text("\n".join([headers, *rows]))
    return services.import_create(by=by, dataset="salary_records", upload=path / name, name=name)


def decided(source: Import, by: User) -> Import:
    columns = {"title": 0, "salary": 1, "seniority": 2}
    mapping = Mapping(columns, {"period": "month"}, {"seniority": {"Mittel": "Mid"}}, {})
    services.import_map(source=source, by=by, mapping=mapping)
    services.import_submit(source=source, by=by, force=True)
    return source


def test_mapping_remembered_for_the_same_headers(tmp_path: Path, editor: User) -> None:
    first = decided(uploaded(tmp_path, editor), editor)
    again = uploaded(tmp_path, editor, "BEZEICHNUNG, betrag ,stufe,Land", "other.csv")
    kept = Import.objects.get(pk=first.pk).mapping
    assert again.suggestion["mapping"] == kept
    assert {guess["word"] for guess in again.suggestion["guesses"] if guess["canonical"]} == {"remembered"}
    assert again.suggestion["guesses"][0]["why"].startswith("As on ")


def test_mapping_not_remembered_for_other_headers(tmp_path: Path, editor: User) -> None:
    decided(uploaded(tmp_path, editor), editor)
    other = uploaded(tmp_path, editor, "Betrag,Bezeichnung,Stufe,Land", "other.csv")
    assert "remembered" not in {guess["word"] for guess in other.suggestion["guesses"]}


def test_mapping_decided_anew_replaces_the_old(tmp_path: Path, editor: User) -> None:
    decided(uploaded(tmp_path, editor), editor)
    second = uploaded(tmp_path, editor, name="second.csv")
    services.import_map(source=second, by=editor, mapping=Mapping({"title": 0, "salary": 1, "country": 3}))
    services.import_submit(source=second, by=editor, force=True)
    assert RememberedMapping.objects.count() == 1
    third = uploaded(tmp_path, editor, name="third.csv")
    assert third.suggestion["mapping"]["columns"] == {"title": 0, "salary": 1, "country": 3}


def test_mapping_that_lacks_a_required_column_is_not_recalled(tmp_path: Path, editor: User) -> None:
    decided(uploaded(tmp_path, editor), editor)
    kept = RememberedMapping.objects.get()
    kept.mapping["columns"].pop("salary")
    kept.save()
    again = uploaded(tmp_path, editor, name="again.csv")
    assert "Remembered" not in again.suggestion["guesses"][0]["why"]


def test_map_page_asks_what_unknown_choices_mean(tmp_path: Path, editor: User, client: Client) -> None:
    source = uploaded(tmp_path, editor, "title,salary,seniority,country")
    client.force_login(editor)
    url = reverse("ingest:import-map", args=[source.pk])
    page = client.get(url).content.decode()
    assert "Mittel" in page
    assert 'name="value-seniority-0"' in page
    sent = {
        "to-0": "title",
        "to-1": "salary",
        "to-2": "seniority",
        "to-3": "country",
        "value-seniority-0": "Mid",
    }
    assert client.post(url, sent).status_code == 302
    source.refresh_from_db()
    assert source.mapping["values"] == {"seniority": {"Mittel": "Mid"}}
    assert '<option value="Mid" selected>' in client.get(url).content.decode()


def test_map_page_ignores_a_choice_that_does_not_exist(tmp_path: Path, editor: User, client: Client) -> None:
    source = uploaded(tmp_path, editor, "title,salary,seniority,country")
    client.force_login(editor)
    sent = {"to-0": "title", "to-1": "salary", "to-2": "seniority", "value-seniority-0": "Emperor"}
    client.post(reverse("ingest:import-map", args=[source.pk]), sent)
    source.refresh_from_db()
    assert source.mapping["values"] == {}
