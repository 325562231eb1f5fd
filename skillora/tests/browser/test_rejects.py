"""A faulty file, all the way: rejects corrected by hand, by rule and by spreadsheet, loaded, and all of it undone."""

import csv
from pathlib import Path

import openpyxl
import pytest

from accounts.models import User
from ingest.models import Import, Reject, RejectState
from ingest.tests import faulty
from market.models import SalaryRecord
from runs.models import State
from skillora.tests.browser.conftest import Visit, Visitor
from skillora.tests.browser.test_wizard import check, figures, load

pytestmark = pytest.mark.browser


def upload(visitor: Visitor, path: Path) -> None:
    """Send a file of salaries; ends on the mapping page."""
    visitor.go("/imports/new?dataset=salary_records")
    visitor.page.set_input_files("input[name=file]", path)
    visitor.page.click("main button.primary")
    visitor.page.wait_for_url("**/map")


def loaded(visitor: Visitor, path: Path) -> Import:
    """The file through the wizard, up to its report."""
    upload(visitor, faulty.write(path))
    check(visitor)
    load(visitor)
    return Import.objects.latest("pk")


def corrected(downloaded: Path, path: Path, changes: dict[str, dict[str, str]], kind: str) -> Path:
    """The downloaded rejects with some cells changed, as a spreadsheet program saves them."""
    with downloaded.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    table = [header]
    for row in rows:
        cells = dict(zip(header, row, strict=False)) | changes.get(row[0], {})
        table.append([*(cells[name] for name in header), *row[len(header) :]])
    if kind == "csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerows(table)
        return path
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in table:
        book.active.append([int(cell) if cell.isdecimal() else cell or None for cell in row])
    book.save(path)
    return path


def typed(visitor: Visitor, label: str, text: str, *, js: bool) -> None:
    """One cell corrected; its line is then valid."""
    cell = visitor.page.get_by_label(label)
    cell.fill(text)
    if js:
        cell.press("Tab")
        line = label.rpartition(" ")[2]
        visitor.page.locator(f"#r{line}").get_by_text("Valid now").wait_for()
    else:
        visitor.page.get_by_role("button", name="Check what I typed").click()


def correct_four_rows(visitor: Visitor, js: bool) -> None:
    """Two rows at once by a rule, two by hand, on the report."""
    page = visitor.page
    page.get_by_role("button", name="Read “Brasill” as Brazil in 2 rows").click()
    page.get_by_text("2 rows are valid now").wait_for()
    typed(visitor, "Salary on line 22", "81000", js=js)
    page.get_by_text("3 rows are valid now").wait_for()
    typed(visitor, "Job title on line 26", "Tech Lead", js=js)
    page.get_by_text("4 rows are valid now").wait_for()


def correct_the_rest(visitor: Visitor, js: bool) -> None:
    """A cell too many, and the last of two errors in one line; without scripts both in one form."""
    cell = visitor.page.get_by_label("cell 7, beyond the header on line 28")
    cell.fill("")
    if js:
        cell.press("Tab")
        visitor.page.locator("#r28").get_by_text("Valid now").wait_for()
    typed(visitor, "Country on line 29", "Portugal", js=js)


@pytest.mark.parametrize(("js", "kind"), [(True, "csv"), (False, "xlsx")], ids=["js-csv", "no-js-xlsx"])
def test_seven_faults_are_fixed_and_then_all_is_undone(
    visit: Visit, editor: User, tmp_path: Path, js: bool, kind: str
) -> None:
    visitor = visit(js=js)
    page = visitor.sign_in(editor)
    loaded(visitor, tmp_path / "before.csv")
    before = faulty.checksum("market_salaryrecord")
    upload(visitor, faulty.write(tmp_path / "pay.csv", more=["Architect,88000,PT,Mid,2025-06-01,another"]))
    check(visitor)
    load(visitor)
    source = Import.objects.latest("pk")
    assert (source.inserted, source.rejected) == (21, 8)
    assert len({r.code for r in Reject.objects.filter(source=source)}) >= 7

    correct_four_rows(visitor, js)
    assert SalaryRecord.objects.filter(pk__range=source.key_range()).count() == 21, "nothing is loaded yet"
    page.get_by_role("button", name="Load 4 fixed rows").click()
    page.get_by_role("status").get_by_text("4 rows joined this import").wait_for()
    assert "Loaded 25" in figures(visitor) and "Rejected 4" in figures(visitor)

    # By spreadsheet: what is left, one of it still wrong the first time.
    changes = {
        "25": {"Experience level": "Intern"},
        "27": {"Date": "2025-06-09"},
        "29": {"Salary": "90000", "Country": "Atlantida"},
    }
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV with reasons").click()
    downloaded = waiting.value.path()
    send_back(visitor, corrected(downloaded, tmp_path / f"back.{kind}", changes, kind))
    page.get_by_role("status").get_by_text("2 rows joined this import").wait_for()
    assert page.get_by_text("1 row of the file is still wrong.").first.is_visible()

    correct_the_rest(visitor, js)
    page.get_by_role("button", name="Load 2 fixed rows").click()
    page.get_by_text("No rejected row is left").wait_for()
    source.refresh_from_db()
    assert (source.inserted, source.rejected, source.rows_read) == (29, 0, 29)
    assert Import.objects.with_run().get(pk=source.pk).state == State.DONE
    assert SalaryRecord.objects.filter(pk__range=source.key_range()).count() == 29
    assert set(source.rejects.values_list("state", flat=True)) == {RejectState.FIXED}

    page.get_by_role("button", name="Undo 29 rows").click()
    page.get_by_role("status").get_by_text("29 rows were taken back").wait_for()
    assert faulty.checksum("market_salaryrecord") == before
    page.get_by_role("button", name="Load it again").wait_for()


def send_back(visitor: Visitor, path: Path) -> None:
    """Open the menu, choose the file, send it."""
    visitor.page.locator("summary", has_text="Send it back fixed").click()
    visitor.page.set_input_files("input[name=file]", path)
    visitor.page.get_by_role("button", name="Send it back", exact=True).click()


@pytest.mark.parametrize(
    ("width", "dark"), [(1280, False), (1280, True), (390, False)], ids=["wide", "dark", "phone"]
)
def test_pages_of_rejects_can_be_read_by_everybody(
    visit: Visit, editor: User, tmp_path: Path, width: int, dark: bool
) -> None:
    visitor = visit(width=width, dark=dark)
    page = visitor.sign_in(editor)
    source = loaded(visitor, tmp_path / "pay.csv")
    look = f"{'phone' if width < 600 else 'wide'}{'-dark' if dark else ''}"
    page.get_by_label("Salary on line 22").fill("81000")
    page.get_by_label("Salary on line 22").press("Tab")
    page.get_by_text("1 row is valid now").wait_for()
    for path, name in (
        (f"/imports/{source.pk}", "report-rejects"),
        (f"/imports/{source.pk}/rejects", "rejects"),
        (f"/imports/{source.pk}/rejects?code=unknown_country&field=country", "rejects-rule"),
        (f"/imports/{source.pk}/rows/22", "row-reject"),
        (f"/imports/{source.pk}/rows/2", "row"),
    ):
        visitor.go(path)
        assert visitor.violations() == "", path
        assert visitor.overflow() <= 0, path
        visitor.picture(f"{name}-{look}")


def test_long_list_on_a_phone_ends_after_five(visit: Visit, editor: User, tmp_path: Path) -> None:
    visitor = visit(width=390, js=False)
    visitor.sign_in(editor)
    loaded(visitor, tmp_path / "pay.csv")
    rows = visitor.page.locator("#reasons tbody tr")
    assert rows.count() > 6
    assert [row.is_visible() for row in rows.all()] == [at < 5 for at in range(rows.count())]
    visitor.page.get_by_role("link", name=f"Show all {rows.count()}").click()
    assert all(row.is_visible() for row in rows.all())
    assert not visitor.page.get_by_role("link", name="Show all").is_visible()


def test_two_people_on_the_same_line(visit: Visit, editor: User, tmp_path: Path) -> None:
    one, two = visit(), visit()
    one.sign_in(editor)
    source = loaded(one, tmp_path / "pay.csv")
    two.sign_in(editor, then=f"/imports/{source.pk}/rejects")
    one.page.get_by_label("Salary on line 22").fill("81000")
    one.page.get_by_label("Salary on line 22").press("Tab")
    one.page.locator("#r22").get_by_text("Valid now").wait_for()
    two.page.get_by_label("Salary on line 22").fill("99000")
    two.page.get_by_label("Salary on line 22").press("Tab")
    two.page.get_by_text("Inês Duarte has changed line 22 meanwhile").wait_for()
    assert two.page.get_by_label("Salary on line 22").input_value() == "81000"
    two.page.get_by_label("Salary on line 22").fill("99000")
    two.page.get_by_label("Salary on line 22").press("Tab")
    two.page.get_by_text("meanwhile").wait_for(state="hidden")
    assert Reject.objects.get(source=source, line=22).current[1] == "99000"


def test_spelling_is_read_as_another_on_the_check_page(visit: Visit, editor: User, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.sign_in(editor)
    upload(visitor, faulty.write(tmp_path / "pay.csv"))
    check(visitor)
    assert "New 20" in figures(visitor)
    page.get_by_role("button", name="Read “Brasill” as Brazil in 2 rows").click()
    page.get_by_role("button", name="Load 22 rows").click()
    page.get_by_text("Rows read").wait_for()
    assert (Import.objects.get().inserted, Import.objects.get().rejected) == (22, 6)


def test_keyboard_finds_its_place_after_a_correction(visit: Visit, editor: User, tmp_path: Path) -> None:
    """A line is drawn anew once its cell is left: the focus stays where it went, what was open stays open."""
    visitor = visit()
    page = visitor.sign_in(editor)
    loaded(visitor, tmp_path / "pay.csv")
    page.get_by_label("Salary on line 22").fill("81000")
    page.keyboard.press("Tab")
    page.locator("#r22").get_by_text("Valid now").wait_for()
    assert page.evaluate("document.activeElement.id") == "more-of-22"
    page.keyboard.press("Enter")
    page.get_by_label("Job title on line 22").fill("")
    page.keyboard.press("Tab")
    page.locator("#r22").get_by_text("Still wrong").wait_for()
    assert page.evaluate("document.activeElement.name.startsWith('c22.')")
    assert page.get_by_label("Notes on line 22").is_visible()


def test_two_windows_load_what_was_fixed(visit: Visit, editor: User, tmp_path: Path) -> None:
    first = visit()
    page = first.sign_in(editor)
    source = loaded(first, tmp_path / "pay.csv")
    typed(first, "Salary on line 22", "81000", js=True)
    second = page.context.new_page()
    second.goto(page.url)
    page.get_by_role("button", name="Load 1 fixed row").click()
    page.get_by_role("status").get_by_text("1 row joined this import").wait_for()
    second.get_by_role("button", name="Load 1 fixed row").click()
    notice = second.get_by_role("alert")
    assert "No rejected row is valid yet: correct one first." in notice.inner_text()
    assert notice.evaluate("element => element === document.activeElement")
    source.refresh_from_db()
    assert source.inserted == 21
