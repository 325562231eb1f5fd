"""Run alone, with limits: one sheet of a workbook → a CSV with a record per row of the sheet, from row 1 on.

    python -I workbook_child.py WORKBOOK SHEET OUT MEMORY        SHEET "" = the first shown that has rows

Prints a JSON object. Imports nothing but the reader, so that the memory limit is the workbook's. A row with
nothing in it is an empty line.
"""

import csv
import datetime
import json
import resource
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from ingest import workbook_sheet, workbook_stream, workbook_xml

SECONDS = 300  # of processor time
OUTPUT = 4 << 30  # bytes of the CSV


def limit(memory: int) -> None:
    """Give up all but what reading a workbook takes; `memory` in bytes of address space."""
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_FSIZE: OUTPUT,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 32,
    }
    for what, value in wanted.items():
        _, hard = resource.getrlimit(what)
        resource.setrlimit(
            what, (value, value) if hard == resource.RLIM_INFINITY else (min(value, hard), hard)
        )


def text(value: object) -> str:
    """A cell as text: whole numbers without ".0", dates in ISO form, one kind of line end."""
    if isinstance(value, str):
        return value if "\r" not in value else value.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def texts(rows: Iterable[Sequence[object]]) -> Iterator[list[str]]:
    """Rows as text; [] for a row with nothing in it."""
    for row in rows:
        cells = [cell if isinstance(cell, str) and "\r" not in cell else text(cell) for cell in row]
        yield cells if any(cells) else []


def convert(workbook: Path, wanted: str, out: Path) -> dict[str, object]:
    """{sheets: names, sheet: the one converted}; or {error: code}."""
    try:
        if workbook_stream.is_large(workbook):
            return streamed(workbook, wanted, out)
    except zipfile.BadZipFile:
        pass  # no XLSX
    except (workbook_xml.Damaged, OSError, ValueError, LookupError, ArithmeticError) as error:
        return {"error": "unreadable", "detail": str(error)[:200]}
    return converted(workbook, wanted, out)


def streamed(workbook: Path, wanted: str, out: Path) -> dict[str, object]:
    """What `convert` gives, of a large XLSX, in little memory."""
    book = workbook_stream.Workbook(workbook, text)
    names = list(book.sheets)
    shown = sorted(names, key=lambda name: name in book.hidden)
    if wanted and wanted not in names:
        return {"error": "unknown_sheet", "sheets": names}
    for name in [wanted] if wanted else shown:
        rows = widened(book.blocks(name), out)
        if rows > 1 or (rows and (wanted or name == shown[-1])):
            return {"sheets": names, "sheet": name}
    return {"error": "empty", "sheets": names}


def widened(blocks: Iterable[Sequence[Sequence[str]]], out: Path) -> int:
    """Write rows as long as the longest of them, without empty columns before the first; how many there are.

    A row with nothing in it is an empty line.
    A longest row that does not come among the first costs a second writing.
    """
    width = first = count = 0
    left = workbook_sheet.COLUMNS_MAX  # empty columns before the first
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for rows in blocks:
            count += len(rows)
            lengths = {*map(len, rows)}
            width = max(width, *lengths)
            first = first or width
            if left:
                left = min(left, *(next((at for at, cell in enumerate(row) if cell), left) for row in rows))
            if lengths == {width} and width > 1:
                file.write(joined(rows))
            else:
                writer.writerows([*row, *[""] * (width - len(row))] if any(row) else () for row in rows)
    if width > first or 0 < left < width:
        short = out.with_suffix(".short")
        out.replace(short)
        with (
            short.open(encoding="utf-8", newline="") as given,
            out.open("w", encoding="utf-8", newline="") as file,
        ):
            lines = csv.reader(given)
            csv.writer(file, lineterminator="\n").writerows(
                (row + [""] * (width - len(row)))[left:] if row else [] for row in lines
            )
        short.unlink()
    return count


def joined(rows: Sequence[Sequence[str]]) -> str:
    """Rows as `widened` writes them, in half the time: by columns; all have the same number of cells, above one."""
    columns: list[Sequence[str]] = []
    for column in zip(*rows, strict=True):
        every = "".join(column)
        plain = '"' not in every and "," not in every and "\n" not in every
        columns.append(column if plain else [quoted(cell) for cell in column])
    nothing = "," * (len(columns) - 1)
    return "".join(
        [f"{line}\n" if line != nothing else "\n" for line in map(",".join, zip(*columns, strict=True))]
    )


def quoted(cell: str) -> str:
    """A cell, in quotes where it needs them."""
    if '"' in cell:
        return '"' + cell.replace('"', '""') + '"'
    return f'"{cell}"' if "," in cell or "\n" in cell else cell


def converted(workbook: Path, wanted: str, out: Path) -> dict[str, object]:
    """What `convert` gives, by calamine: all formats, the whole sheet in memory."""
    import python_calamine as calamine  # noqa: PLC0415 (after the limits are set)

    try:
        book = calamine.CalamineWorkbook.from_path(str(workbook))
        kinds = calamine.SheetTypeEnum
        sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == kinds.WorkSheet]
        names = [sheet.name for sheet in sheets]
        visible = calamine.SheetVisibleEnum.Visible
        shown = [sheet.name for sheet in sorted(sheets, key=lambda sheet: sheet.visible != visible)]
        for name in [wanted] if wanted else shown:
            if name not in names:
                return {"error": "unknown_sheet", "sheets": names}
            sheet = book.get_sheet_by_name(name)
            if sheet.start is None or (not wanted and sheet.height < 2 and name != shown[-1]):
                continue
            with out.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerows(texts(sheet.iter_rows()))
            return {"sheets": names, "sheet": name}
    except calamine.PasswordError:
        return {"error": "password"}
    except (calamine.CalamineError, OSError, ValueError, UnicodeError) as error:
        return {"error": "unreadable", "detail": str(error)[:200]}
    return {"error": "empty", "sheets": names}


if __name__ == "__main__":
    limit(int(sys.argv[4]))
    json.dump(convert(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])), sys.stdout)
