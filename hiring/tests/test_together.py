"""Files without header, dropped together: each finds its table, and they are loaded in the right order."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Role, User
from hiring.models import Department, HiredEmployee, Job
from ingest import samples, services, together
from ingest.declarations import dataset
from ingest.mapping import suggest
from ingest.models import Import
from ingest.recognition import recognise
from runs import execution
from runs.models import State
from runs.services import run_cancel
from skillora.lib.errors import DomainError

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = {"departments": 12, "jobs": 183, "hired_employees": 1999}


@pytest.fixture(autouse=True)
def _uploads(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Three files in the shape of the public ones, under names that say nothing."""
    made = {}
    for at, (slug, rows) in enumerate(ROWS.items()):
        made[slug] = tmp_path / f"{at}.csv"
        faults = 0.035 if slug == "hired_employees" else 0
        made[slug].write_bytes(b"".join(samples.sample(dataset(slug), rows=rows, seed=3, faults=faults)))
    return made


def test_sample_has_the_shape_of_the_public_files(files: dict[str, Path]) -> None:
    lines = files["hired_employees"].read_text().splitlines()
    cells = [line.split(",") for line in lines]
    assert [row[0].strip() for row in cells] == [str(at) for at in range(1, 2000)]
    assert {len(row) for row in cells} == {5}
    assert 30 < sum("" in row for row in cells) < 120
    assert {row.count("") for row in cells} == {0, 1}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_files_without_header_find_their_tables_and_load_in_order(
    files: dict[str, Path], order: tuple[int, ...]
) -> None:
    chosen = [list(files.values())[at] for at in order]
    made = together.imports_create_together(
        by=None, files=[(path, path.name) for path in chosen], fallback="salary_records"
    )
    assert {source.dataset: source.name for source in made} == {s: path.name for s, path in files.items()}
    assert made[-1].dataset == "hired_employees"
    runs = together.imports_submit_together(by=None, sources=made)
    assert (
        execution.execute(runs[-1].pk) == State.DONE_WITH_REJECTS
    )  # the last first: it lets the others go before
    sources = {source.dataset: source for source in Import.objects.with_run()}
    assert [sources[slug].state for slug in ("departments", "jobs")] == [State.DONE, State.DONE]
    assert (Department.objects.count(), Job.objects.count()) == (12, 183)
    people = sources["hired_employees"]
    assert people.rows_read == 1999 == people.inserted + people.rejected
    assert HiredEmployee.objects.count() == people.inserted
    assert {r.code for r in people.rejects.all()} == {"required"}
    assert {r.field for r in people.rejects.all()} == {"name", "datetime", "department_id", "job_id"}


def test_load_goes_on_where_a_file_before_it_was_cancelled(files: dict[str, Path]) -> None:
    made = together.imports_create_together(
        by=None, files=[(path, path.name) for path in files.values()], fallback="jobs"
    )
    runs = together.imports_submit_together(by=None, sources=made)
    run_cancel(run=runs[0], by=None)
    assert execution.execute(runs[-1].pk) == State.DONE_WITH_REJECTS
    people = Import.objects.get(dataset="hired_employees")
    assert (people.inserted, people.rejected) == (0, 1999)
    assert people.rejects.filter(code="unknown_department").count() > 1900


def test_one_file_that_cannot_be_read_makes_nothing(files: dict[str, Path], tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    with pytest.raises(DomainError, match=r"empty\.csv: "):
        together.imports_create_together(
            by=None, files=[(files["jobs"], "a.csv"), (empty, "empty.csv")], fallback="jobs"
        )
    assert not Import.objects.exists()


def test_file_with_a_header_or_of_another_shape_is_known_too(tmp_path: Path) -> None:
    def best(text: str) -> list[str]:
        path = tmp_path / "x.csv"
        path.write_text(text)
        facts = services._facts(path, path.name, {})
        return [one.dataset.slug for one in recognise(facts)]

    assert (
        best("id,name,hire_datetime,department_id,job_id\n1,Ann,2021-01-01T00:00:00Z,1,1\n")[0]
        == "hired_employees"
    )
    assert best("Job title,Salary,Currency\nEngineer,1000,USD\nAnalyst,2000,USD\n") == ["salary_records"]
    assert best("a,b\nx,y\nz,w\n") == []
    many = (
        "work_year,job_title,salary,salary_currency,company_location,remote_ratio,size,shift,team,badge,floor"
    )
    assert best(f"{many}\n2024,Engineer,1000,USD,US,50,S,b,x,17,3\n2023,Cook,900,EUR,DE,0,M,a,y,18,4\n") == [
        "salary_records"
    ]


def test_header_in_german_is_known(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "Personalnummer;Name;Eingestellt am;Abteilungsnummer;Stellennummer\n1;Ann;2021-01-01;1;2\n"
    )
    found = suggest(dataset("hired_employees"), services._facts(path, path.name, {}))
    assert found.mapping.columns == {"id": 0, "name": 1, "datetime": 2, "department_id": 3, "job_id": 4}


@pytest.fixture
def client_editor(client: Any) -> Any:
    editor = User.objects.create_user("ed@example.com", "a long pass-word 1", role=Role.EDITOR)
    client.force_login(editor)
    return client


def test_files_dropped_together_on_the_page_load_without_a_mapping_made_by_hand(
    client_editor: Any, files: dict[str, Path]
) -> None:
    uploads = [SimpleUploadedFile(path.name, path.read_bytes()) for path in reversed(files.values())]
    sent = client_editor.post("/imports/new", {"file": uploads, "dataset": ""})
    assert sent.status_code == 302
    where = sent["Location"]
    page = client_editor.get(where).content.decode()
    assert page.index("Departments") < page.index("Hired employees")
    assert client_editor.post(where).status_code == 302
    execution.execute(Import.objects.get(dataset="hired_employees").load_id or 0)
    after = client_editor.get(where).content.decode()
    people = Import.objects.get(dataset="hired_employees")
    assert HiredEmployee.objects.count() == people.inserted > 1900
    assert f"/imports/{people.pk}/rejects" in after
    assert "hx-trigger" not in after.split('id="files"')[1].split("</table>")[0]


def test_page_of_files_together_is_of_existing_imports(client_editor: Any) -> None:
    for wrong in ("", "?id=99", "?id=x", "?id=" + "9" * 40, "?id=-1"):
        assert client_editor.get(f"/imports/together{wrong}").status_code == 404


def test_files_of_somebody_else_are_not_loaded(client_editor: Any, files: dict[str, Path]) -> None:
    path = files["jobs"]
    made = together.imports_create_together(by=None, files=[(path, "a.csv")], fallback="jobs")
    where = f"/imports/together?id={made[0].pk}"
    assert client_editor.get(where).status_code == 200
    assert client_editor.post(where).status_code == 403
    assert Job.objects.count() == 0


def test_files_of_one_shape_that_nothing_tells_apart_are_to_be_checked(
    client_editor: Any, tmp_path: Path
) -> None:
    uploads = [
        SimpleUploadedFile("a.csv", b"1,Sales\n2,Legal\n"),
        SimpleUploadedFile("b.csv", b"1,Clerk\n2,Cook\n3,Judge\n"),
    ]
    where = client_editor.post("/imports/new", {"file": uploads, "dataset": ""})["Location"]
    page = client_editor.get(where).content.decode()
    assert page.count("It could be one of these as well: Departments, Jobs") == 2
    one, two = Import.objects.order_by("pk")
    into = {f"into-{one.pk}": "departments", f"into-{two.pk}": "jobs"}
    assert client_editor.post(where, into).status_code == 302
    assert not Import.objects.exclude(load=None).exists()  # first the page with what was changed
    assert "It could be" in client_editor.get(where).content.decode()
    client_editor.post(where, into)
    for source in Import.objects.select_related("load").order_by("pk"):
        execution.execute(source.load_id or 0)
    assert (Department.objects.count(), Job.objects.count()) == (2, 3)
    done = client_editor.get(where)
    assert done.context["counts"].sum == "5 + 0 + 0 + 0"
    assert done.context["answers"] == ["/hiring/"]


def test_dataset_that_is_none_is_refused(client_editor: Any, files: dict[str, Path]) -> None:
    by = User.objects.get()
    paths = [files["jobs"], files["departments"]]
    made = together.imports_create_together(by=by, files=[(p, p.name) for p in paths], fallback="jobs")
    where = "/imports/together?" + "&".join(f"id={source.pk}" for source in made)
    assert client_editor.post(where, {f"into-{made[0].pk}": "users"}).status_code == 404
    assert not Import.objects.exclude(load=None).exists()
