"""Workbooks (XLSX, XLS, ODS): looked at, then turned into a clean CSV by a child process with limits.

A workbook of 1.5 KB can ask its reader for 550 GB and abort the process: never read one in this process.
"""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.utils.translation import gettext

from ingest import workbook_child
from skillora.lib.errors import DomainError

ENTRIES_MAX = 1000
INFLATED_MAX = 1 << 30
RATIO_MAX = 200
RATIO_FROM = 16 << 20  # inflated bytes below which no ratio is a danger
SECONDS_MAX = 600
MEMORY = 1 << 30  # bytes of address space for the child
ZIP, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class Sheets:
    """names of the workbook's sheets; table: the CSV of `chosen`."""

    names: list[str]
    chosen: str
    table: Path


def workbook_format(path: Path, head: bytes) -> str:
    """xlsx, xls or ods by content, "" where it is no workbook; DomainError where it is hostile or broken."""
    if head.startswith(COMPOUND):
        return "xls"
    if not head.startswith(ZIP):
        return ""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise unreadable() from error
    names = {entry.filename for entry in entries[: ENTRIES_MAX * 10]}
    kind = (
        "xlsx" if names & {"xl/workbook.xml", "xl/workbook.bin"} else "ods" if "content.xml" in names else ""
    )
    if not kind or "word/document.xml" in names:
        return ""
    inflated = sum(entry.file_size for entry in entries)
    packed = max(sum(entry.compress_size for entry in entries), 1)
    bomb = inflated > RATIO_FROM and inflated > RATIO_MAX * packed
    if len(entries) > ENTRIES_MAX or inflated > INFLATED_MAX or bomb:
        message = gettext(
            "This workbook unpacks to more than is safe to read; save its table as CSV and upload that"
        )
        raise DomainError(message, "unreadable_workbook", 422)
    return kind


def unreadable() -> DomainError:
    """What a workbook gets whose reading fails, whatever the cause."""
    message = gettext(
        "This file cannot be read as a workbook; open it, save it as XLSX or CSV and upload that"
    )
    return DomainError(message, "unreadable_workbook", 422)


def sheets_of(path: Path, chosen: str) -> Sheets:
    """The workbook's sheets and the table of the chosen one, "" = the first that has rows.

    Errors: DomainError unreadable_workbook, unknown_sheet, empty_file.
    """
    made = path.with_name(f"{path.stem}.{uuid4().hex}.part")
    try:
        answer = _child(path, chosen, made)
        names, error = list(answer.get("sheets", [])), answer.get("error")
        if error == "unknown_sheet":
            message = gettext("This workbook has no sheet %(sheet)s; it has: %(known)s")
            raise DomainError(
                message % {"sheet": chosen[:60], "known": ", ".join(names)}, "unknown_sheet", 422
            )
        if error == "empty":
            raise DomainError(
                gettext("This workbook is empty; choose a file with rows in it"), "empty_file", 422
            )
        if error == "password":
            message = gettext(
                "This workbook is protected by a password; save it without one and upload it again"
            )
            raise DomainError(message, "unreadable_workbook", 422)
        if error:
            raise unreadable()
        table = _table_path(path, str(answer["sheet"]))
        made.replace(table)
        return Sheets(names, str(answer["sheet"]), table)
    finally:
        made.unlink(missing_ok=True)


def table_of(path: Path, sheet: str) -> Path:
    """The UTF-8 CSV of a sheet, a record per row of the sheet from row 1 on; made once, kept beside the file."""
    table = _table_path(path, sheet)
    return table if table.exists() else sheets_of(path, sheet).table


def _table_path(path: Path, sheet: str) -> Path:
    return path.with_name(f"{path.stem}.{hashlib.sha256(sheet.encode()).hexdigest()[:12]}.csv")


def _child(path: Path, sheet: str, out: Path) -> dict[str, Any]:
    """What the child says; a crash, too much memory or time are DomainError."""
    command = [sys.executable, "-I", workbook_child.__file__, str(path), sheet, str(out), str(MEMORY)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS_MAX,
            check=True,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"},
            start_new_session=True,
        )
        answer = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError, OSError) as error:
        raise unreadable() from error
    return answer if isinstance(answer, dict) else {}
