"""Workbooks become tables with the sheet's own row numbers; hostile and broken ones a clear message."""

import datetime
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt

from ingest import workbook_child, workbook_stream
from ingest.facts import facts_of
from ingest.readers import read
from skillora.lib.errors import DomainError

Cells = dict[tuple[int, int], Any]  # (row, column), both from 1


def workbook(path: Path, sheets: dict[str, Cells]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for (row, column), value in cells.items():
            sheet.cell(row, column, value)
    book.save(path)
    return path


def table(rows: list[list[Any]], first: int = 1) -> Cells:
    return {(r, c): value for r, row in enumerate(rows, first) for c, value in enumerate(row, 1)}


def rows_of(path: Path, **overrides: object) -> list[tuple[int, list[str]]]:
    facts = facts_of(path, path.name, overrides=overrides)
    return [(int(n), b.cells(i)) for b in read(path, facts, {0}) for i, n in enumerate(b.lines)]


def test_workbook_cells_as_text(tmp_path: Path) -> None:
    rows = [
        ["title", "pay", "rate", "day", "at", "on"],
        ["Dev", 1000, 12.5, datetime.date(2024, 1, 31), datetime.datetime(2024, 1, 31, 10, 30), True],
        ['a "b", c\nd', 2, 0.1, datetime.datetime(2024, 2, 1), None, False],
    ]
    path = workbook(tmp_path / "a.xlsx", {"Pay": table(rows)})
    assert rows_of(path) == [
        (2, ["Dev", "1000", "12.5", "2024-01-31", "2024-01-31 10:30:00", "TRUE"]),
        (3, ['a "b", c\nd', "2", "0.1", "2024-02-01", "", "FALSE"]),
    ]


def test_workbook_lines_are_rows_of_the_sheet(tmp_path: Path) -> None:
    cells = (
        table([["title", "note"], ["A", "two\nlines"]], 5) | table([["B", "x"]], 9) | table([["C", "y"]], 10)
    )
    path = workbook(tmp_path / "a.xlsx", {"Pay": cells})
    facts = facts_of(path, "a.xlsx")
    assert (facts.format, facts.header_line, facts.first_line) == ("xlsx", 5, 6)
    assert [line for line, _ in rows_of(path)] == [6, 9, 10]


def test_workbook_sheets_are_listed_and_chosen(tmp_path: Path) -> None:
    sheets = {
        "Cover": {},
        "Pay": table([["a", "b"], ["1", "x"]]),
        "Größe, 2": table([["c", "d"], ["2", "y"]]),
    }
    path = workbook(tmp_path / "a.xlsx", sheets)
    facts = facts_of(path, "a.xlsx")
    assert (facts.sheets, facts.sheet, facts.headers) == (["Cover", "Pay", "Größe, 2"], "Pay", ["a", "b"])
    assert rows_of(path, sheet="Größe, 2") == [(2, ["2", "y"])]
    with pytest.raises(DomainError) as caught:
        facts_of(path, "a.xlsx", overrides={"sheet": "Pay 2"})
    assert caught.value.code == "unknown_sheet"
    assert "Cover, Pay" in caught.value.message


@pytest.mark.parametrize("large", [1, 1 << 30])
def test_workbook_hidden_sheets_come_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    rows = table([["a", "b"], ["1", "x"], ["2", "y"]])
    path = workbook(tmp_path / "a.xlsx", {"Lists": rows, "Pay": rows, "Old": rows})
    book = openpyxl.load_workbook(path)
    book["Lists"].sheet_state, book["Old"].sheet_state = "veryHidden", "hidden"
    book.active = 1
    book.save(path)
    monkeypatch.setattr(workbook_stream, "LARGE", large)
    told = workbook_child.convert(path, "", tmp_path / "out.csv")
    assert told == {"sheets": ["Lists", "Pay", "Old"], "sheet": "Pay"}
    assert workbook_child.convert(path, "Old", tmp_path / "out.csv")["sheet"] == "Old"


def test_workbook_is_converted_once(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Pay": table([["a", "b"], ["1", "x"]])})
    first = rows_of(path)
    made = [p for p in tmp_path.iterdir() if p != path]
    assert len(made) == 1
    stamp = made[0].stat().st_mtime_ns
    facts = facts_of(path, "a.xlsx")
    written = made[0].stat().st_mtime_ns
    assert written >= stamp
    assert [b.cells(0) for b in read(path, facts, set())] == [cells for _, cells in first]
    assert made[0].stat().st_mtime_ns == written
    assert [p for p in tmp_path.iterdir() if p != path] == made


def test_workbook_by_content_not_by_name(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Pay": table([["a", "b"], ["1", "x"]])})
    stored = path.rename(tmp_path / "stored.csv")
    assert facts_of(stored, "pay.csv").format == "xlsx"
    (tmp_path / "b").write_text("title,pay\nDev,10\n")
    assert facts_of(tmp_path / "b", "pay.xlsx").format == "csv"


def test_workbook_of_two_cells_that_would_take_all_memory(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Pay": {(1, 1): "a", (1_048_576, 16_384): "z"}})
    with pytest.raises(DomainError) as caught:
        facts_of(path, "a.xlsx")
    assert caught.value.code == "unreadable_workbook"
    assert [p for p in tmp_path.iterdir() if p != path] == []


@pytest.mark.parametrize("trap", ["bomb", "entries", "cut", "garbage", "compound"])
def test_workbook_hostile_or_broken(tmp_path: Path, trap: str) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Pay": table([["a", "b"], ["1", "x"]])})
    if trap in ("bomb", "entries"):
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            if trap == "bomb":
                archive.writestr("xl/media/x", b"0" * (40 << 20))
            for number in range(1001 if trap == "entries" else 0):
                archive.writestr(f"xl/media/{number}", b"")
    else:
        data = {
            "cut": path.read_bytes()[:2000],
            "garbage": b"PK\3\4" + b"x" * 99,
            "compound": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1x",
        }
        path.write_bytes(data[trap])
    with pytest.raises(DomainError) as caught:
        facts_of(path, "a.xlsx")
    assert (caught.value.code, caught.value.status) == ("unreadable_workbook", 422)


def test_workbook_without_cells(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Pay": {}})
    with pytest.raises(DomainError) as caught:
        facts_of(path, "a.xlsx")
    assert caught.value.code == "empty_file"


def test_archive_that_is_no_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(DomainError) as caught:
        facts_of(tmp_path / "a.xlsx", "a.xlsx")
    assert (caught.value.code, caught.value.status) == ("not_tabular", 400)


def test_workbook_of_the_old_kind(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Pay")
    for r, row in enumerate([["title", "pay", "day"], ["Dev", 1000, "2024-01-31"], ["Ops", 12.5, None]]):
        for c, value in enumerate(row):
            sheet.write(r, c, value)
    book.save(str(tmp_path / "a.xls"))
    assert facts_of(tmp_path / "a.xls", "a.xls").format == "xls"
    assert rows_of(tmp_path / "a.xls") == [(2, ["Dev", "1000", "2024-01-31"]), (3, ["Ops", "12.5", ""])]


def test_workbook_of_open_documents(tmp_path: Path) -> None:
    def row(*texts: str) -> str:
        cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
        return f"<table:table-row>{''.join(map(cell.format, texts))}</table:table-row>"

    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f'<office:document-content {spaces} office:version="1.2"><office:body><office:spreadsheet>'
        f'<table:table table:name="Pay">{row("title", "pay")}{row("Dev", "10")}{row("Ops", "20")}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", content)
    facts = facts_of(tmp_path / "a.ods", "a.ods")
    assert (facts.format, facts.sheets) == ("ods", ["Pay"])
    assert rows_of(tmp_path / "a.ods") == [(2, ["Dev", "10"]), (3, ["Ops", "20"])]
