"""Rejects are corrected on the page, by rule and by spreadsheet, and join the import that they came from."""

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from accounts.models import Role, User
from analytics.models import Segment
from ingest import fixing, joining, services, storage
from ingest.fixing import Fix, Rule
from ingest.models import Import, RejectState, row_id
from ingest.settled import work_done
from ingest.tests import faulty
from market.models import SalaryRecord
from runs.models import Run, State
from skillora.lib.errors import Conflict, DomainError, NotAllowed

pytestmark = pytest.mark.django_db(transaction=True)


def fix(source: Import, by: User, line: int, **changes: str) -> fixing.Verdict:
    at = {"title": 0, "salary": 1, "country": 2, "level": 3, "date": 4, "notes": 5, "more": 6}
    cells = {at[name]: text for name, text in changes.items()}
    return fixing.rejects_fix(source=source, by=by, fixes=[Fix(line, changes=cells)])[0]


def returned(source: Import, changes: dict[int, dict[str, str]], delimiter: str = ",") -> str:
    """The rejects as they are downloaded, some cells changed, as a spreadsheet saves them."""
    text = b"".join(services.rejects_csv(source)).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), restkey="more"))
    out = io.StringIO()
    headers = [name for name in rows[0] if name != "more"]
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(headers)
    for row in rows:
        cells = {**row, **changes.get(int(row["line"]), {})}
        writer.writerow([*(cells[name] for name in headers), *(cells.get("more") or [])])
    return out.getvalue()


def test_load_keeps_every_fault_with_its_line(source: Import) -> None:
    assert (source.inserted, source.rejected, source.rows_read) == (20, 8, 28)
    assert list(source.rejects.values_list("line", flat=True)) == list(faulty.FAULTS)


def test_cell_corrected_is_valid_and_waits(source: Import, owner: User) -> None:
    verdict = fix(source, owner, 22, salary="81000")
    assert verdict.word == "valid"
    reject = source.rejects.get(line=22)
    assert reject.state == RejectState.VALID and reject.current[1] == "81000" and reject.cells[1] == "abc"
    assert reject.edited_by == owner
    assert SalaryRecord.objects.count() == 20, "nothing is loaded yet"
    assert faulty.fresh(source).rejected == 8


def test_cell_still_wrong_says_why_now(source: Import, owner: User) -> None:
    verdict = fix(source, owner, 29, salary="90000")
    assert verdict.word == "open"
    reject = source.rejects.get(line=29)
    assert [error["code"] for error in reject.errors] == ["unknown_country"]
    assert (reject.code, reject.value) == ("unknown_country", "Atlantis")
    assert fix(source, owner, 29, country="Portugal").word == "valid"


def test_line_with_a_cell_too_many(source: Import, owner: User) -> None:
    assert fix(source, owner, 28, salary="1").word == "open"
    assert fix(source, owner, 28, more="").word == "valid"


def test_edits_discarded_bring_back_what_came(source: Import, owner: User) -> None:
    before = list(source.rejects.values("line", "errors", "code", "value", "message", "state"))
    fix(source, owner, 29, salary="90000")
    fix(source, owner, 22, salary="81000")
    assert fixing.rejects_discard_edits(source=source, by=owner) == 2
    assert list(source.rejects.values("line", "errors", "code", "value", "message", "state")) == before


def test_second_person_is_told(source: Import, owner: User) -> None:
    seen = source.rejects.get(line=22).version
    first = Fix(22, changes={1: "81000"}, version=seen)
    second = Fix(22, changes={1: "99000"}, version=seen)
    assert fixing.rejects_fix(source=source, by=owner, fixes=[first])[0].word == "valid"
    assert fixing.rejects_fix(source=source, by=owner, fixes=[second])[0].word == "stale"
    assert source.rejects.get(line=22).current[1] == "81000"


def test_others_may_not(source: Import) -> None:
    for role in (Role.VIEWER, Role.EDITOR):
        other = User.objects.create_user(f"{role}@example.com", role=role)
        with pytest.raises(NotAllowed):
            fix(source, other, 22, salary="81000")


def test_fixed_rows_join_their_import(source: Import, owner: User) -> None:
    fix(source, owner, 22, salary="81000")
    fix(source, owner, 26, title="Tech Lead")
    faulty.ran(joining.rejects_load(source=source, by=owner))
    after = faulty.fresh(source)
    assert (after.inserted, after.rejected, after.state) == (22, 6, State.DONE_WITH_REJECTS)
    assert faulty.conserved(after)
    row = SalaryRecord.objects.get(pk=row_id(source.pk, 22))
    assert row.pay == 81000 and str(row.title) == "Data Engineer"
    assert source.rejects.get(line=22).state == RejectState.FIXED
    assert sum(group["rows"] for group in after.load.result["groups"]) == 6
    assert sum(Segment.objects.values_list("rows", flat=True)) == 22


def test_fixed_rows_are_loaded_once(source: Import, owner: User) -> None:
    fix(source, owner, 22, salary="81000")
    run = joining.rejects_load(source=source, by=owner)
    with pytest.raises(Conflict, match="just now"):
        joining.rejects_load(source=source, by=owner)
    with pytest.raises(Conflict, match="just now"):
        fix(source, owner, 23, country="Brazil")
    faulty.ran(run)
    with pytest.raises(Conflict, match="correct one first"):
        joining.rejects_load(source=source, by=owner)
    assert fix(source, owner, 22, salary="1").word == "fixed"
    assert SalaryRecord.objects.count() == 21


def test_rule_for_all_of_a_kind(source: Import, owner: User) -> None:
    rule = Rule("unknown_country", "country", "replace", value="Brasill", text="Brazil")
    assert fixing.rejects_rule(source=source, by=owner, rule=rule) == {"rows": 2, "valid": 2}
    assert source.rejects.filter(state=RejectState.VALID).count() == 2


def test_rule_that_leaves_out_and_back(source: Import, owner: User) -> None:
    rule = Rule("unknown_country", "country", "skip")
    fixing.rejects_rule(source=source, by=owner, rule=rule)
    after = faulty.fresh(source)
    assert (after.rejected, after.skipped) == (6, 2) and faulty.conserved(after)
    assert fixing.rejects_unskip(source=source, by=owner) == 2
    after = faulty.fresh(source)
    assert (after.rejected, after.skipped) == (8, 0) and faulty.conserved(after)


def test_rule_on_whole_lines_only_leaves_out(source: Import, owner: User) -> None:
    with pytest.raises(DomainError, match="one by one"):
        fixing.rejects_rule(source=source, by=owner, rule=Rule("ragged_line", "", "replace", text="x"))


def test_import_without_rejects_left_is_done(source: Import, owner: User) -> None:
    fixing.rejects_skip(source=source, by=owner, lines=[22, 23, 24, 25, 26, 27, 28])
    assert faulty.fresh(source).state == State.DONE_WITH_REJECTS
    fix(source, owner, 29, salary="1000", country="Brazil")
    faulty.ran(joining.rejects_load(source=source, by=owner))
    after = faulty.fresh(source)
    assert (after.state, after.inserted, after.skipped, after.rejected) == (State.DONE, 21, 7, 0)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_sheet_sent_back(source: Import, owner: User, tmp_path: Path, delimiter: str) -> None:
    changes = {
        22: {"Salary": "81000"},
        25: {"Experience level": "nonsense"},
        27: {"Date": "2025-06-09"},
    }
    sheet = tmp_path / "rejects fixed.csv"
    text = returned(source, changes, delimiter)
    unknown = delimiter.join(["999", "", "", "Ghost", "1", "", "", "", ""])
    sheet.write_text(text + unknown + "\n", encoding="utf-8-sig")
    run = faulty.ran(joining.rejects_resubmit(source=source, by=owner, upload=sheet, name=sheet.name))
    assert run.state == State.DONE, run.error_message
    found = run.result
    assert (found["loaded"], found["still_wrong"], found["unknown"], found["same"]) == (2, 1, 1, 5)
    assert found["lines"]["unknown"] == ["999"]
    assert faulty.fresh(source).inserted == 22
    again = faulty.ran(joining.rejects_resubmit(source=source, by=owner, upload=sheet, name=sheet.name))
    assert (again.result["loaded"], again.result["already"]) == (0, 2)
    assert SalaryRecord.objects.count() == 22
    assert not list(Path(storage.settings.UPLOAD_DIR).glob(f"{run.payload['stored'][:36]}*"))


def test_workbook_sent_back(source: Import, owner: User, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(returned(source, {22: {"Salary": "81000.5"}, 28: {}}))))
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append([float(cell) if cell.replace(".", "").isdigit() else cell or None for cell in row])
    book.save(tmp_path / "back.xlsx")
    run = faulty.ran(
        joining.rejects_resubmit(source=source, by=owner, upload=tmp_path / "back.xlsx", name="back.xlsx")
    )
    assert run.state == State.DONE, run.error_message
    assert run.result["loaded"] == 1, run.result
    assert SalaryRecord.objects.get(pk=row_id(source.pk, 22)).pay == pytest.approx(81000.5)


@pytest.mark.parametrize(
    ("text", "code"),
    [("Job title,Salary\nA,1\n", "no_line_column"), ("line,Salary\n22,1\n", "column_missing")],
)
def test_sheet_of_another_shape(source: Import, owner: User, tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "other.csv").write_text(text)
    run = faulty.ran(
        joining.rejects_resubmit(source=source, by=owner, upload=tmp_path / "other.csv", name="other.csv")
    )
    assert (run.state, run.error_code) == (State.FAILED, code)
    assert not faulty.fresh(source).rejects.filter(state=RejectState.VALID).exists()
    assert work_done(source) == [run]


def test_rejects_of_an_import_that_is_undone(source: Import, owner: User) -> None:
    Run.objects.filter(pk=source.load_id).update(state=State.UNDONE)
    with pytest.raises(Conflict, match="load its file again"):
        fix(source, owner, 22, salary="1")
