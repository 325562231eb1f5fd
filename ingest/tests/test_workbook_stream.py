"""Large workbooks, read a row at a time: the same table as the reader gives that holds all of a sheet."""

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from ingest import workbook_child, workbook_stream


def everything(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "A & B"
    moments = [dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 13, 5, 7), dt.time(8, 30)]
    sheet.append(["title", "pay", "day", "when", "time", "flag", "error", "formula", "note"])
    sheet.append(['Engenheiro, "Sr"\nline', 85000, *moments, True, "#N/A", "=1+1", "x\r\ny"])
    sheet.append(["007", 1234.5, dt.date(1900, 1, 15), dt.datetime(1999, 12, 31, 23, 59, 59), None, False])
    sheet.append([])
    sheet.append([None, None, "alone", 1e16, 0.1, -3, 1e-7, 12345678901234567890])
    sheet["L9"] = CellRichText("Hello ", TextBlock(InlineFont(b=True), "bold"), " end")
    formats = ["[h]:mm:ss", '"day" 0.00', "[Red]#,##0.00;[Blue]-#,##0", r"dd\-mm\-yyyy", "yyyy-mm-dd", "h:mm"]
    for column, code in enumerate(formats, 1):
        for row, value in ((10, 45000), (11, 45000.25), (12, 59), (13, 0.75), (14, 61)):
            sheet.cell(row, column, value).number_format = code
    book.create_sheet("second").append(["a"])
    book.save(path)
    return path


SHARED = b"""<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1" uniqueCount="1">
<si><r><t>tit</t></r><r><t>le</t></r><rPh sb="0" eb="1"><t>phonetic</t></rPh></si></sst>"""


def shared(path: Path) -> Path:
    """One text is kept apart, in pieces, as Excel does with all."""
    whole = everything(path.with_name("whole.xlsx"))
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(path, "w") as made:
        for entry in given.infolist():
            text = given.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                inline = b'<c r="A1" t="inlineStr"><is><t>title</t></is></c>'
                assert inline in text
                text = text.replace(inline, b'<c r="A1" t="s"><v>0</v></c>')
            if entry.filename != "xl/sharedStrings.xml":
                made.writestr(entry.filename, text)
        made.writestr("xl/sharedStrings.xml", SHARED)
    return path


def shifted(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    sheet: Any = book.active
    sheet["B3"], sheet["C4"], sheet["D5"] = "late", dt.date(2020, 1, 2), dt.datetime(2020, 1, 2, 3, 4, 5)
    book.save(path)
    return path


def prefixed(path: Path) -> Path:
    """The same cells, their elements written with a prefix as some programs do."""
    plain = everything(path.with_name("plain.xlsx"))
    with zipfile.ZipFile(plain) as given, zipfile.ZipFile(path, "w") as made:
        for entry in given.infolist():
            text = given.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                text = text.replace(b"</", b"</x:").replace(b"<", b"<x:").replace(b"<x:/x:", b"</x:")
                text = text.replace(b"<x:worksheet xmlns=", b"<x:worksheet xmlns:x=")
            made.writestr(entry.filename, text)
    return path


@pytest.mark.parametrize("make", [everything, shared, shifted, prefixed])
def test_large_workbook_gives_the_same_table(make: Any, tmp_path: Path) -> None:
    path = make(tmp_path / "book.xlsx")
    large, small = tmp_path / "large.csv", tmp_path / "small.csv"
    told = workbook_child.streamed(path, "", large)
    if make is prefixed:  # the other reader knows no prefixes
        path = path.with_name("plain.xlsx")
    assert told == workbook_child.converted(path, "", small)
    assert large.read_text() == small.read_text() != ""


def test_large_workbook_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = everything(tmp_path / "book.xlsx")
    assert not workbook_stream.is_large(path)
    monkeypatch.setattr(workbook_stream, "LARGE", 1000)
    assert workbook_stream.is_large(path)
    out = tmp_path / "out.csv"
    assert workbook_child.convert(path, "second", out) == {"sheets": ["A & B", "second"], "sheet": "second"}
    assert out.read_text() == "a\n"
    assert workbook_child.convert(path, "third", out)["error"] == "unknown_sheet"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="2"', b'<row r="9999999"'),
        (b'r="B2"', b'r="XFE2"'),
        (b"</sheetData>", b""),
        (b'<c r="A1" t="s"><v>0<', b'<c r="A1" t="s"><v>999<'),
    ],
)
def test_large_workbook_that_is_damaged(
    old: bytes, new: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook_stream, "LARGE", 1000)
    whole = shared(tmp_path / "book.xlsx")
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(broken, "w") as made:
        for entry in given.infolist():
            text = given.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                assert old in text
                text = text.replace(old, new, 1)
            made.writestr(entry.filename, text)
    assert workbook_child.convert(broken, "", tmp_path / "out.csv")["error"] == "unreadable"
