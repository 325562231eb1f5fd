"""Workbooks (XLSX, XLS, ODS): looked at, then turned into a clean CSV by a child process with limits."""

from pathlib import Path


def workbook_format(path: Path, head: bytes) -> str:
    """xlsx, xls or ods by content; "" where the file is no workbook."""
    return ""


def sheets_of(path: Path) -> list[str]:
    """Names of the sheets, in the workbook's order."""
    raise NotImplementedError


def table_of(path: Path, sheet: str) -> Path:
    """The UTF-8 CSV of one sheet: a record per row of the sheet, from row 1 on; made once, kept beside the file."""
    raise NotImplementedError
