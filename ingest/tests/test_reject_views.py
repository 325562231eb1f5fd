"""Pages of rejects without a browser: what a form without scripts does, and what it says."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from ingest import services, storage
from ingest.models import Import, RejectState
from ingest.tests import faulty
from runs.models import Run, State

pytestmark = pytest.mark.django_db(transaction=True)


def body(client: Client, address: str) -> str:
    response = client.get(address, follow=True)
    assert response.status_code == 200, address
    return " ".join(response.content.decode().split())


def test_check_offers_what_a_spelling_may_mean(signed_in: Client, owner: User, tmp_path: Path) -> None:
    path = faulty.write(tmp_path / "pay.csv")
    source = services.import_create(by=owner, dataset="salary_records", upload=path, name=path.name)
    source = services.import_map(source=source, by=owner, fill=True)
    faulty.ran(services.import_check(source=source, by=owner))
    page = body(signed_in, f"/imports/{source.pk}/check")
    assert "Load 20 rows" in page and "Read “Brasill” as Brazil in 2 rows" in page
    form = {"field": "country", "value": "Brasill", "text": "Brazil"}
    response = signed_in.post(f"/imports/{source.pk}/check/translate", form)
    assert response["Location"] == f"/imports/{source.pk}/check"
    faulty.ran(faulty.fresh(source).check_run)  # type: ignore[arg-type]
    assert "Load 22 rows" in body(signed_in, f"/imports/{source.pk}/check")


@pytest.mark.parametrize("dataset", ["salary_records", "departments"])
def test_check_hands_out_the_rejects_that_the_load_will_have(
    signed_in: Client, owner: User, tmp_path: Path, dataset: str
) -> None:
    path = faulty.write(tmp_path / "pay.csv")
    if dataset == "departments":
        path.write_text("id,department\n1,Sales\nx,=cmd()\n3,\n4,Law\n")
    source = services.import_create(by=owner, dataset=dataset, upload=path, name=path.name)
    source = services.import_map(source=source, by=owner, fill=True)
    faulty.ran(services.import_check(source=source, by=owner))
    address = f"/imports/{source.pk}/rejects.csv"
    assert f'href="{address}"' in body(signed_in, f"/imports/{source.pk}/check")
    before = signed_in.get(address).getvalue()
    assert not source.rejects.exists() and (b"'=cmd()" in before) is (dataset == "departments")
    faulty.ran(services.import_submit(source=source, by=owner))
    assert before.count(b"\n") == faulty.fresh(source).rejected + 1 > 2
    assert signed_in.get(address).getvalue() == before


def test_rejects_of_an_upload_whose_file_is_gone(signed_in: Client, owner: User, tmp_path: Path) -> None:
    path = faulty.write(tmp_path / "pay.csv")
    source = services.import_create(by=owner, dataset="salary_records", upload=path, name=path.name)
    assert signed_in.get(f"/imports/{source.pk}/rejects.csv").getvalue().count(b"\n") == 1, (
        "nothing is mapped"
    )
    source = services.import_map(source=source, by=owner, fill=True)
    storage.file_forget(source.stored)
    assert signed_in.get(f"/imports/{source.pk}/rejects.csv").status_code == 404


@pytest.mark.parametrize("form", ["load", "undo", "return", "rule", "fix"])
def test_window_that_was_too_slow_is_told_on_its_page(signed_in: Client, source: Import, form: str) -> None:
    """Somebody has taken the import back meanwhile."""
    Run.objects.filter(pk=source.load_id).update(state=State.UNDONE)
    address = f"/imports/{source.pk}/" + (form if form == "undo" else f"rejects/{form}")
    sent = {"next": "list", "c22.1": "1", "code": "required", "field": "title", "text": "x"}
    if form == "return":
        sent = {"file": SimpleUploadedFile("a.csv", b"line,reason\n1,x\n")}  # type: ignore[dict-item]
    page = signed_in.post(address, sent, follow=True)
    assert page.status_code == 200 and "#" not in page.redirect_chain[0][0]
    text = page.content.decode()
    assert "load its file again" in text and 'role="alert" tabindex="-1" data-focus' in text


def test_every_reason_says_what_is_wrong_and_what_helps(signed_in: Client, source: Import) -> None:
    page = body(signed_in, f"/imports/{source.pk}/rejects")
    assert "The line has more or fewer cells than the header" in page
    assert "Use one of these: Intern, Junior, Mid, Senior, Staff, Lead, Executive." in page
    assert "cannot be read" not in page and "known values.</span>" not in page
    assert "<li> <small>line 28</small></li>" in page, "a whole line has no value"


def test_check_tells_of_the_same_file_that_was_loaded_before(
    signed_in: Client, source: Import, owner: User, tmp_path: Path
) -> None:
    path = faulty.write(tmp_path / "again.csv")
    again = services.import_create(by=owner, dataset="salary_records", upload=path, name=path.name)
    again = services.import_map(source=again, by=owner, fill=True)
    faulty.ran(services.import_check(source=again, by=owner))
    page = body(signed_in, f"/imports/{again.pk}/check")
    assert f"This very file was loaded before: import {source.pk} of" in page
    assert "adds its rows once more" in page
    Run.objects.filter(pk=source.load_id).update(state=State.UNDONE)
    assert "loaded before" not in body(signed_in, f"/imports/{again.pk}/check")


@pytest.mark.parametrize("more", [[], ["Data Engineer,70000,Narnia,Mid,2025-06-01,x"]], ids=["one", "two"])
def test_rule_says_beforehand_only_what_one_spelling_may_mean(
    signed_in: Client, owner: User, tmp_path: Path, more: list[str]
) -> None:
    """What one of two refused spellings seems to mean is not offered for both."""
    source = faulty.loaded(faulty.write(tmp_path / "more.csv", more), owner)
    page = body(signed_in, f"/imports/{source.pk}/rejects?code=unknown_country&field=country")
    assert "Read “Brasill” as Brazil in 2 rows" in page
    assert ('name="text" autocomplete="off" value="Brazil"' in page) is (not more)


def test_form_without_scripts_corrects_what_was_typed(signed_in: Client, source: Import) -> None:
    page = body(signed_in, f"/imports/{source.pk}/rejects")
    assert page.count("<tr id=") == 8 and 'name="c22.1"' in page
    form = {"next": "list", "c22.1": "81000", "v22": "0", "c23.2": "Brasill", "v23": "0"}
    response = signed_in.post(f"/imports/{source.pk}/rejects/fix", form)
    assert response["Location"] == f"/imports/{source.pk}/rejects#r22"
    assert source.rejects.get(line=22).state == RejectState.VALID
    assert source.rejects.get(line=23).edited is None, "as it was: nobody corrected it"
    page = body(signed_in, f"/imports/{source.pk}/rejects")
    assert "1 row is valid now." in page and "Load 1 fixed row" in page


def test_suggestion_is_taken_by_its_button(signed_in: Client, source: Import) -> None:
    signed_in.post(f"/imports/{source.pk}/rejects/fix", {"take": "23.2.Brazil"})
    assert source.rejects.get(line=23).state == RejectState.VALID


def test_line_left_out_and_taken_back(signed_in: Client, source: Import) -> None:
    signed_in.post(f"/imports/{source.pk}/rejects/fix", {"skip": "22"})
    assert faulty.fresh(source).skipped == 1
    assert "Take them back" in body(signed_in, f"/imports/{source.pk}")
    signed_in.post(f"/imports/{source.pk}/rejects/unskip")
    assert faulty.fresh(source).skipped == 0


def test_script_gets_the_line_and_the_actions(signed_in: Client, source: Import) -> None:
    form = {"c22.1": "still wrong", "v22": "0"}
    response = signed_in.post(
        f"/imports/{source.pk}/rejects/fix?line=22", form, headers={"HX-Request": "true"}
    )
    page = response.content.decode()
    assert response.status_code == 200 and 'id="r22"' in page and 'id="fix-actions"' in page
    assert "Still wrong" in page and 'id="r23"' not in page


def test_report_says_what_joined_and_what_was_undone(signed_in: Client, source: Import) -> None:
    signed_in.post(f"/imports/{source.pk}/rejects/rule", {
        "code": "unknown_country", "field": "country", "value": "Brasill", "text": "Brazil",
    })  # fmt: skip
    signed_in.post(f"/imports/{source.pk}/rejects/load")
    page = body(signed_in, f"/imports/{source.pk}")
    assert "Adding corrected rows" in page and "Undo" not in page.split("<main")[1].split("<h2>")[0]
    faulty.ran(Run.objects.get(task="ingest.fix"))
    page = body(signed_in, f"/imports/{source.pk}")
    assert "2 rows joined this import" in page and "22 rows would go" in page
    signed_in.post(f"/imports/{source.pk}/undo")
    faulty.ran(Run.objects.get(task="ingest.undo"))
    page = body(signed_in, f"/imports/{source.pk}")
    assert "22 rows were taken back" in page and "Load it again" in page and "Rejects to fix" not in page
    assert "Not in the table" in page and "as you chose" not in page


def test_sheet_without_a_file(signed_in: Client, source: Import) -> None:
    response = signed_in.post(f"/imports/{source.pk}/rejects/return", follow=True)
    assert "Choose the corrected file first" in response.content.decode()
    file = SimpleUploadedFile("back.pdf", b"%PDF-1.7")
    response = signed_in.post(f"/imports/{source.pk}/rejects/return", {"file": file}, follow=True)
    assert "Unsupported" in response.content.decode()


@pytest.mark.parametrize("line", [2, 22, 28])
def test_line_on_a_page(signed_in: Client, source: Import, line: int) -> None:
    page = body(signed_in, f"/imports/{source.pk}/rows/{line}")
    assert "As it stands in the file" in page and f"Line {line}" in page


def test_hostile_cells_stay_text(signed_in: Client, owner: User, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    (tmp_path / "x.csv").write_text(f'title,salary,"{hostile}"\n{hostile},{hostile},{hostile}\nA,1000,b\n')
    source = faulty.loaded(tmp_path / "x.csv", owner)
    for address in ("", "/rejects", "/rows/2"):
        assert hostile not in signed_in.get(f"/imports/{source.pk}{address}").content.decode(), address
