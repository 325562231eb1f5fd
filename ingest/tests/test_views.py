"""Who may open and change what, and what an error page answers; the way of a file is in the browser tests."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Role, User
from ingest import services, views
from ingest.declarations import datasets
from ingest.models import Import
from runs.execution import execute
from runs.models import Run

pytestmark = pytest.mark.django_db

CONTENT = b"Job title,Salary,Notes\nData Engineer,100000,a\nDesigner,80000,b\n"
PAGES = ("", "/map", "/check", "/rejects", "/rejects.csv")
CHANGES = ("/map", "/map/preview", "/facts", "/check", "/load", "/cancel")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner@example.com", role=Role.EDITOR)


@pytest.fixture
def source(owner: User, tmp_path: Path) -> Import:
    path = tmp_path / "pay.csv"
    path.write_bytes(CONTENT)
    return services.import_create(by=owner, dataset="salary_records", upload=path, name="pay.csv")


@pytest.mark.parametrize("path", ["/imports/", "/imports/new", "/imports/1", "/imports/1/rejects.csv"])
def test_page_without_signing_in(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/account/sign-in?next=")


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("/imports/{pk}/map/preview", "/imports/{pk}/map"),
        ("/imports/{pk}/facts", "/imports/{pk}"),
        ("/imports/{pk}/rejects/fix", "/imports/{pk}/rejects"),
        ("/backups/new", "/backups/"),
        ("/sample", "/"),
    ],
)
def test_session_that_ended_while_a_form_was_sent_comes_back_to_a_page(
    client: Client, owner: User, source: Import, path: str, above: str
) -> None:
    here = path.format(pk=source.pk)
    assert client.post(here)["Location"] == f"/account/sign-in?next={here}"
    response = client_of(owner).get(here)
    assert (response.status_code, response["Location"]) == (302, above.format(pk=source.pk))


def test_other_methods_and_programs_are_told_what_is_allowed(owner: User, source: Import) -> None:
    client = client_of(owner)
    assert client.put(f"/imports/{source.pk}/facts").status_code == 405
    assert client.get(f"/api/v1/imports/{source.pk}/load").status_code == 405


@pytest.mark.parametrize("page", PAGES)
def test_viewer_reads_the_import_of_others(source: Import, page: str) -> None:
    viewer = client_of(User.objects.create_user("viewer@example.com"))
    response = viewer.get(f"/imports/{source.pk}{page}", follow=True)
    assert response.status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
@pytest.mark.parametrize("change", CHANGES)
def test_import_of_somebody_else_is_not_changed(source: Import, change: str, role: Role) -> None:
    other = client_of(User.objects.create_user("other@example.com", role=role))
    response = other.post(f"/imports/{source.pk}{change}", {"to-0": "title"})
    assert response.status_code == 403
    assert "This is not yours to change" in response.content.decode()
    assert Import.objects.get() == source and not Import.objects.get().mapping


def test_staff_maps_the_import_of_somebody_else(source: Import) -> None:
    staff = client_of(User.objects.create_user("staff@example.com", role=Role.STAFF))
    response = staff.post(f"/imports/{source.pk}/map", {"to-0": "title", "to-1": "salary"})
    assert response.status_code == 302
    assert response["Location"] == f"/imports/{source.pk}/check"


def test_viewer_uploads() -> None:
    viewer = client_of(User.objects.create_user("viewer@example.com"))
    file = SimpleUploadedFile("pay.csv", CONTENT)
    response = viewer.post("/imports/new", {"dataset": "salary_records", "file": file})
    assert response.status_code == 403
    assert "ask for the editor role" in response.content.decode()
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"dataset": "salary_records"}, 422, "Choose a file first"),
        ({"dataset": "nonsense", "file": SimpleUploadedFile("a.csv", CONTENT)}, 404, "There is no dataset"),
        ({"dataset": "salary_records", "file": SimpleUploadedFile("a.pdf", b"%PDF-1.7")}, 400, "Unsupported"),
    ],
    ids=["no-file", "unknown-dataset", "not-a-table"],
)
def test_upload_that_is_refused(owner: User, form: dict[str, object], status: int, said: str) -> None:
    response = client_of(owner).post("/imports/new", form)
    assert response.status_code == status
    assert said in response.content.decode()
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (CONTENT, "salary_records"),
        (b"1,Ana Ruiz,2021-07-27T16:02:08Z,1,2\n2,Li Wei,2021-11-07T02:48:42Z,2,1\n" * 9, "hired_employees"),
        (b"Job title,Seniority,Remarks\nData Engineer,Senior,none\n", "salary_records"),
    ],
    ids=["by-headers", "by-shape", "nothing-takes-it-whole"],
)
def test_upload_finds_its_dataset(owner: User, content: bytes, slug: str) -> None:
    client_of(owner).post("/imports/new", {"dataset": "", "file": SimpleUploadedFile("file.csv", content)})
    assert Import.objects.get().dataset == slug


def test_upload_of_a_shape_that_two_datasets_have_is_asked_about(owner: User) -> None:
    client = client_of(owner)
    content = b"1,Engineering\n2,Sales\n3,Legal\n"
    client.post("/imports/new", {"dataset": "", "file": SimpleUploadedFile("file.csv", content)})
    source = Import.objects.get()
    page = client.get(f"/imports/{source.pk}/map").content.decode()
    assert "Nothing in it tells Departments from Jobs." in page and "Take it for Jobs" in page
    client.post(f"/imports/{source.pk}/facts", {"header_line": "1"})
    assert "Take it for Jobs" in client.get(f"/imports/{source.pk}/map").content.decode(), "still open"
    client.post(f"/imports/{source.pk}/facts", {"dataset": "jobs"})
    assert Import.objects.get().dataset == "jobs"
    assert "Which dataset" not in client.get(f"/imports/{source.pk}/map").content.decode()


def test_upload_that_says_nothing_is_offered_to_all_datasets(owner: User) -> None:
    client, content = client_of(owner), "بلد,راتب\nمصر,x\nمصر,y\n".encode()
    client.post("/imports/new", {"dataset": "", "file": SimpleUploadedFile("file.csv", content)})
    page = client.get(f"/imports/{Import.objects.get().pk}/map").content.decode()
    assert page.count("Take it for ") == len(datasets()) - 1


@pytest.mark.parametrize("form", [{"dataset": "", "name": "jobs.csv"}, {"dataset": "jobs", "name": "x.csv"}])
def test_upload_whose_dataset_is_said_is_not_asked_about(owner: User, form: dict[str, str]) -> None:
    file = SimpleUploadedFile(form["name"], b"1,Engineer\n2,Analyst\n")
    client_of(owner).post("/imports/new", {"dataset": form["dataset"], "file": file})
    source = Import.objects.get()
    assert source.dataset == "jobs"
    assert "Which dataset" not in client_of(owner).get(f"/imports/{source.pk}/map").content.decode()


def test_upload_larger_than_allowed(owner: User) -> None:
    response = client_of(owner).post(
        "/imports/new", CONTENT, "multipart/form-data; boundary=x", CONTENT_LENGTH=10**10
    )
    assert response.status_code == 413


def test_import_that_does_not_exist(owner: User) -> None:
    client = client_of(owner)
    for pk in (999_999, 2**63, 10**30):
        response = client.get(f"/imports/{pk}")
        assert response.status_code == 404
        assert "There is no such import" in response.content.decode()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"to-0": "title", "to-1": "title"}, "Two columns go to the same field"),
        ({"to-0": "title"}, "Say which column holds: Pay"),
        ({"to-0": "title", "to-1": "salary", "all-country": "Atlantis" * 50}, "/check"),
    ],
    ids=["doubled", "missing", "long-constant"],
)
def test_mapping_that_is_sent(owner: User, source: Import, form: dict[str, str], said: str) -> None:
    response = client_of(owner).post(f"/imports/{source.pk}/map", form)
    if said == "/check":
        assert response.status_code == 302 and response["Location"].endswith(said)
    else:
        assert response.status_code == 422 and said in response.content.decode()


def test_facts_that_cannot_be(owner: User, source: Import) -> None:
    client = client_of(owner)
    form = {"delimiter": "nonsense", "encoding": "klingon", "header_line": "99999999999", "numbers": "x"}
    response = client.post(f"/imports/{source.pk}/facts", form)
    assert response.status_code == 302
    assert Import.objects.get().facts["delimiter"] == ","


def test_header_line_beyond_the_end_is_refused_in_words(owner: User, source: Import) -> None:
    response = client_of(owner).post(f"/imports/{source.pk}/facts", {"header_line": "20"})
    last = CONTENT.count(b"\n")
    assert response.status_code == 422
    assert f"cannot be on line 20: choose one from 1 to {last}" in response.content.decode()
    assert Import.objects.get().facts["header_line"] == 1


def test_script_is_sent_on_by_a_header(owner: User) -> None:
    form = {"dataset": "salary_records", "file": SimpleUploadedFile("pay.csv", CONTENT)}
    response = client_of(owner).post("/imports/new", form, headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == f"/imports/{Import.objects.get().pk}/map"


def test_load_that_ends_while_its_progress_is_asked_for_sends_to_the_report(
    owner: User, source: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the run and the drawing of the page: the part that is drawn anew would be missing there."""
    source = services.import_map(source=source, by=owner, fill=True)
    run = services.import_submit(source=source, by=owner)
    page, script = f"/imports/{source.pk}", client_of(owner)
    assert 'id="live"' in script.get(page, headers={"HX-Request": "true"}).content.decode()
    look = views.work_done

    def ends(asked: Import) -> list[Run]:
        execute(run.pk)
        return look(asked)

    monkeypatch.setattr(views, "work_done", ends)
    response = script.get(page, headers={"HX-Request": "true"})
    assert response["HX-Redirect"] == page
    assert "Rows read" in script.get(page).content.decode()


def test_hostile_names_and_cells_are_text(owner: User, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    path = tmp_path / "x.csv"
    path.write_text(
        f'title,salary,"{hostile.replace(chr(34), chr(34) * 2)}"\na,1000,<b>b</b>\nb,2000,<i>c</i>\n'
    )
    source = services.import_create(by=owner, dataset="salary_records", upload=path, name=hostile + ".csv")
    client = client_of(owner)
    for page in ("/imports/", f"/imports/{source.pk}/map"):
        body = client.get(page).content.decode()
        assert "<script>alert" not in body and "<img src=x" not in body and "<b>b</b>" not in body


def test_template_has_the_columns_of_its_dataset(owner: User) -> None:
    for declared in datasets():
        response = client_of(owner).get(f"/imports/templates/{declared.slug}.csv")
        header = response.content.decode("utf-8-sig").strip()
        assert header.split(",") == [column.name for column in declared.columns]
        assert response["Content-Disposition"] == f'attachment; filename="{declared.slug}.csv"'


def test_list_by_state_and_dataset(owner: User, source: Import) -> None:
    client = client_of(owner)
    assert "pay.csv" in client.get("/imports/?state=uploaded&dataset=salary_records").content.decode()
    assert "No import fits this filter" in client.get("/imports/?state=done").content.decode()
    assert "No import fits this filter" in client.get("/imports/?dataset=other&page=zzz").content.decode()


def test_column_that_is_too_doubtful_to_be_taken_says_what_it_may_be(owner: User) -> None:
    client = client_of(owner)
    content = b"Job title,Salary,Notes\n" + b"".join(b"Designer,free %d,x\n" % n for n in range(50))
    client.post("/imports/new", {"dataset": "salary_records", "file": SimpleUploadedFile("a.csv", content)})
    page = f"/imports/{Import.objects.get().pk}/map"
    text = client.get(page).content.decode()
    assert "Perhaps Pay: The name fits, the values do not look like it" in text
    assert "1 column to check." in text and "Still without a column: Pay." in text
    text = client.post(f"{page}/preview", {"to-0": "title", "to-2": "salary"}).content.decode()
    assert "Perhaps Pay" not in text, "another column is"
