"""The line behind a row, whatever the file looks like."""

from pathlib import Path

import openpyxl
import pytest

from accounts.models import User
from ingest import undoing
from ingest.lineage import row_lineage
from ingest.tests import faulty
from skillora.lib.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)


def test_line_of_a_file_with_line_ends_in_cells(owner: User, tmp_path: Path) -> None:
    path = tmp_path / "pay.csv"
    rows = ['Engineer,50000,"two\nlines"', "Designer,60000,plain", 'Clerk,70000,"three\n\nlines"']
    path.write_bytes(("title,salary,notes\r\n" + "\r\n".join(rows) + "\r\n").encode("utf-16"))
    source = faulty.loaded(path, owner)
    assert source.inserted == 3
    found = row_lineage(source=source, line=4)
    assert found.raw == rows[1] and [cell.text for cell in found.cells] == ["Designer", "60000", "plain"]
    assert row_lineage(source=source, line=5).raw == rows[2]
    with pytest.raises(NotFound):
        row_lineage(source=source, line=3)


def test_line_far_into_a_file(owner: User, tmp_path: Path) -> None:
    path = tmp_path / "pay.csv"
    lines = [f"Engineer {n % 7},{40_000 + n},{'x' * 80}" for n in range(120_000)]
    path.write_text("title,salary,notes\n" + "\n".join(lines) + "\n")
    source = faulty.loaded(path, owner)
    found = row_lineage(source=source, line=100_002)
    assert found.raw == lines[100_000] and found.word == "loaded"
    assert found.row is not None and found.row.pay == 140_000  # type: ignore[attr-defined]


def test_row_of_a_workbook(owner: User, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "Pay 2025"
    for row in (["title", "salary", "notes"], ["A job", 50000, "two\nlines"], ["B job", 60000, None]):
        book.active.append(row)
    book.save(tmp_path / "pay.xlsx")
    source = faulty.loaded(tmp_path / "pay.xlsx", owner)
    found = row_lineage(source=source, line=3)
    assert (found.sheet, found.raw) == ("Pay 2025", "")
    assert [cell.text for cell in found.cells] == ["B job", "60000", ""] and found.word == "loaded"


def test_line_of_an_upsert_that_another_wrote_since(owner: User, tmp_path: Path) -> None:
    imports = []
    for name, rows in (("a.csv", "1,Sales\n2,Legal\n"), ("b.csv", "2,Legal\n1,Selling\n")):
        (tmp_path / name).write_text("id,department\n" + rows)
        imports.append(faulty.loaded(tmp_path / name, owner, "departments"))
    first, second = imports
    found = row_lineage(source=first, line=2)
    assert found.word == "same" and found.writer == (second.pk, 3)
    assert row_lineage(source=second, line=3).word == "loaded"
    assert row_lineage(source=second, line=2).writer == (first.pk, 3), "unchanged: not written again"


def test_line_of_an_import_that_is_undone(owner: User, tmp_path: Path) -> None:
    source = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    faulty.ran(undoing.import_undo(source=source, by=owner))
    found = row_lineage(source=faulty.fresh(source), line=2)
    assert found.word == "gone" and found.raw == faulty.GOOD[0]
