"""The whole way of a file, by hand: sign in, upload, map, check, load, report, answers."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db.models import Sum

from accounts.models import User
from ingest.models import Import, Reject
from market.models import SalaryRecord
from runs.models import Run, State
from skillora.tests.browser import files
from skillora.tests.browser.conftest import Product, Visit, Visitor

pytestmark = pytest.mark.browser


def upload(visitor: Visitor, path: Path) -> None:
    """Send a file from the upload page; ends on the mapping page."""
    visitor.go("/imports/new?dataset=salary_records")
    visitor.page.set_input_files("input[name=file]", path)
    visitor.page.click("main button.primary")
    visitor.page.wait_for_url("**/map")


def check(visitor: Visitor) -> None:
    """From the mapping page to the finished check."""
    visitor.page.click("main button.primary")
    visitor.page.wait_for_url("**/check")
    visitor.page.get_by_role("button", name="Load").wait_for()


def figures(visitor: Visitor) -> str:
    """The counts of the page, as one line."""
    return " ".join(visitor.page.locator("dl.stats").inner_text().split())


def load(visitor: Visitor) -> None:
    """From the finished check to the report."""
    visitor.page.get_by_role("button", name="Load").click()
    visitor.page.get_by_text("Rows read").wait_for()


@pytest.mark.parametrize("js", [True, False], ids=["js", "no-js"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_wizard_from_sign_in_to_answers(
    visit: Visit, editor: User, tmp_path: Path, kind: str, js: bool
) -> None:
    content = files.rows()
    make = files.csv_file if kind == "csv" else files.xlsx_file
    path = make(tmp_path / f"salários (cópia final).{kind}", content)
    visitor = visit(js=js)
    page = visitor.sign_in(editor, then="/imports/")
    page.get_by_role("link", name="Upload a file").first.click()
    page.set_input_files("input[name=file]", path)
    page.click("main button.primary")
    page.wait_for_url("**/map")
    assert page.get_by_label("Job title goes to").input_value() == "title"
    assert page.get_by_label("Salary goes to").input_value() == "salary"
    assert page.get_by_label("Notes goes to").input_value() == ""
    check(visitor)
    assert (
        figures(visitor) == "New 55 will be added Rejected 5 kept, each with its reason Rows read 60 55 + 5"
    )
    assert SalaryRecord.objects.count() == 0, "a check writes nothing"
    load(visitor)
    assert page.locator(".steps [aria-current=step]").inner_text().split() == ["5", "Report"]
    assert page.get_by_text("Loaded in part").is_visible()
    assert (
        figures(visitor)
        == "Loaded 55 in the table now Rejected 5 kept, each with its reason Rows read 60 55 + 5"
    )
    source = Import.objects.get()
    assert (source.inserted, source.rejected, source.rows_read) == (55, 5, 60)
    expected = sum(int(row[1]) for row in content[:55])
    assert SalaryRecord.objects.aggregate(total=Sum("pay"))["total"] == expected
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV with reasons").click()
    lines = waiting.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 6 and lines[0].startswith("line,reason,message,Job title")
    page.get_by_role("link", name="See the answers").click()
    page.wait_for_url("**/salaries/**")
    assert page.get_by_text("n = 55").first.is_visible()


def test_load_button_pressed_twice_and_then_the_back_button(
    visit: Visit, editor: User, tmp_path: Path
) -> None:
    visitor = visit()
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "pay.csv", files.rows()))
    check(visitor)
    page.get_by_role("button", name="Load").dblclick()
    page.get_by_text("Rows read").wait_for()
    page.go_back()
    page.get_by_text("Loaded in part").wait_for()
    assert page.get_by_role("button", name="Load").count() == 0
    assert Run.objects.filter(task="ingest.load").count() == 1
    assert SalaryRecord.objects.count() == 55


@pytest.mark.parametrize("js", [True, False], ids=["js", "no-js"])
def test_file_loaded_before(visit: Visit, editor: User, tmp_path: Path, js: bool) -> None:
    path = files.csv_file(tmp_path / "pay.csv", files.rows())
    visitor = visit(js=js)
    page = visitor.sign_in(editor)
    for _time in range(2):
        upload(visitor, path)
        check(visitor)
        with page.expect_navigation() as went:
            page.get_by_role("button", name="Load").click()
    response = went.value
    assert response is not None and response.status == 409
    notice = page.get_by_role("alert")
    assert "Already imported by Inês Duarte" in notice.inner_text()
    if js:
        assert notice.evaluate("element => element === document.activeElement")
    page.get_by_role("button", name="Load it again anyway").click()
    page.get_by_text("Rows read").wait_for()
    assert SalaryRecord.objects.count() == 110


@pytest.mark.parametrize("js", [True, False], ids=["js", "no-js"])
def test_two_columns_to_one_field(visit: Visit, editor: User, tmp_path: Path, js: bool) -> None:
    visitor = visit(js=js)
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "pay.csv", files.rows()))
    page.get_by_label("Notes goes to").focus()
    page.get_by_label("Notes goes to").select_option("title")
    if not js:
        page.click("main button.primary")
    page.get_by_text("Another column goes there too").first.wait_for()
    assert page.get_by_text("Another column goes there too").count() == 2
    if js:
        assert page.get_by_label("Notes goes to").evaluate("element => element === document.activeElement")
        page.click("main button.primary")
    page.get_by_role("alert").wait_for()
    assert "Two columns go to the same field: Title" in page.get_by_role("alert").inner_text()
    assert Run.objects.count() == 0


COVERED = """() => {
  const element = document.activeElement, box = element.getBoundingClientRect();
  const above = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return above && !above.closest(".page-actions") === !element.closest(".page-actions") ? "" : element.outerHTML;
}"""


def test_required_field_without_a_column(visit: Visit, editor: User, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "pay.csv", files.rows()))
    for width, height in ((390, 700), (640, 400)):  # a phone; a window at 200 %
        page.set_viewport_size({"width": width, "height": height})
        page.locator("main").focus()
        for _press in range(24):
            page.keyboard.press("Tab")
            assert page.evaluate(COVERED) == "", "what has the focus is seen"
    page.get_by_label("Salary goes to").select_option("")
    page.get_by_text("Still without a column: Pay.").wait_for()
    page.click("main button.primary")
    page.get_by_role("alert").wait_for()
    assert "Say which column holds: Pay" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("js", [True, False], ids=["js", "no-js"])
def test_separator_changed_by_hand(visit: Visit, editor: User, tmp_path: Path, js: bool) -> None:
    visitor = visit(js=js)
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "pay.csv", files.rows()))
    assert page.locator("table.mapping tbody tr").count() == 7
    for separator, first in (("pipe", "Job title;Salary"), ("semicolon", "Job title")):
        page.get_by_label("Separator").select_option(separator)
        if not js:
            page.get_by_role("button", name="Read the file again").click()
        page.locator("table.mapping tbody th .strong", has_text=first).first.wait_for()
    page.get_by_label("Salary goes to").wait_for()
    assert page.locator("table.mapping tbody tr").count() == 7


@pytest.mark.parametrize("js", [True, False], ids=["js", "no-js"])
def test_file_that_cannot_be_loaded(visit: Visit, editor: User, tmp_path: Path, js: bool) -> None:
    path = tmp_path / "pay.csv"
    visitor = visit(js=js)
    page = visitor.sign_in(editor, then="/imports/new")
    for content, said in (
        (b"%PDF-1.7 not a table", "Unsupported file type"),
        (b"", "empty"),
        (b"Title;Salary\n", "no rows"),
    ):
        path.write_bytes(content)
        page.set_input_files("input[name=file]", path)
        page.click("main button.primary")
        notice = page.get_by_role("alert").and_(page.locator("[data-focus]")).get_by_text(said)
        notice.wait_for()
        if js:
            assert notice.evaluate("element => document.activeElement.contains(element)")
        assert Import.objects.count() == 0
    good = files.csv_file(tmp_path / "good.csv", files.rows())
    page.set_input_files("input[name=file]", good)
    page.click("main button.primary")
    page.wait_for_url("**/map")


@pytest.mark.parametrize("js", [True, False], ids=["js", "no-js"])
def test_load_cancelled_while_it_waits(
    visit: Visit, product: Product, editor: User, tmp_path: Path, js: bool
) -> None:
    visitor = visit(js=js)
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "pay.csv", files.rows()))
    check(visitor)
    product.rest()
    try:
        page.get_by_role("button", name="Load").click()
        page.get_by_text("waiting for a worker").first.wait_for()
        assert page.get_by_text("You may close this tab").is_visible()
        page.get_by_role("button", name="Cancel the import").click()
        page.get_by_text("Cancelled; nothing of it was written").wait_for()
    finally:
        product.wake()
    assert SalaryRecord.objects.count() == 0
    page.get_by_role("button", name="Run it again").click()
    page.get_by_text("Rows read").wait_for()
    assert SalaryRecord.objects.count() == 55


def test_rejects_by_reason_then_remap_and_run_again(visit: Visit, editor: User, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "pay.csv", files.rows()))
    check(visitor)
    load(visitor)
    report = page.url
    page.get_by_role("link", name="All 5 rejected rows").click()
    page.wait_for_url("**/rejects")
    assert page.locator("table.rejects tbody tr").count() == Reject.objects.count() == 5
    group = Reject.objects.filter(code="not_an_amount").count()
    page.get_by_label("Reason", exact=True).get_by_role("link", name=f" {group}").last.click()
    page.wait_for_url("**/rejects?code=*")
    (code,) = parse_qs(urlsplit(page.url).query)["code"]
    assert page.locator("table.rejects tbody tr").count() == Reject.objects.filter(code=code).count() == group

    page.goto(report)
    page.get_by_role("button", name="Remap and run again").click()
    page.wait_for_url("**/map")
    page.get_by_label("Tech stack goes to").select_option("")
    page.get_by_text("5 of 7 columns mapped").wait_for()
    check(visitor)
    load(visitor)
    assert Import.objects.count() == 2
    assert SalaryRecord.objects.filter(stack_id=0).count() == 55


def test_import_of_somebody_else(visit: Visit, editor: User, viewer: User, tmp_path: Path) -> None:
    owner, reader = visit(), visit()
    owner.sign_in(editor)
    upload(owner, files.csv_file(tmp_path / "pay.csv", files.rows()))
    page = reader.sign_in(viewer, then=f"/imports/{Import.objects.get().pk}/map")
    assert page.get_by_text("Only its owner or staff can change the mapping").is_visible()
    assert page.locator("main button").count() == 0
    reader.go("/imports/new")
    assert page.get_by_text("Your role is viewer: you may read, not upload").is_visible()
    assert page.locator("input[type=file]").count() == 0


def test_failed_load_says_why(visit: Visit, product: Product, editor: User, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "pay.csv", files.rows()))
    check(visitor)
    load(visitor)
    Run.objects.filter(task="ingest.load").update(
        state=State.FAILED, error_message="The disk is full: free some."
    )
    Import.objects.update(inserted=0, rejected=0, rows_read=0)
    page.reload()
    assert page.get_by_text("The load failed; nothing of it was written").is_visible()
    assert page.get_by_text("The disk is full: free some.").is_visible()
