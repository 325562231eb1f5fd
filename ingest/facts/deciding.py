"""Facts of a file, step by step: content, encoding, layout, columns."""

from collections import Counter
from pathlib import Path
from typing import Any

from django.utils.translation import gettext

from ingest.facts.layouts import layout_of
from ingest.facts.profiling import profile
from ingest.facts.record import ColumnFacts, Facts
from ingest.facts.sniffing import encoding_of, format_of, not_tabular, scan
from ingest.packing import members_of, unpacked
from ingest.readers.decoding import chunks_of
from ingest.spreadsheets import sheets_of
from skillora.lib.errors import DomainError

HEAD_BYTES = 1 << 18  # from which delimiter and header are decided
COLUMNS_MAX = 1000


def facts_of(path: Path, name: str, *, overrides: dict[str, Any] | None = None) -> Facts:
    """How the file is written, decided from all of it; needs a few MB of memory for any size.

    overrides: what a person decided (delimiter, quote, encoding, header_line, sheet, member; and per column, under
    "columns", {index: {decimal, thousands, date_order}}); all else is derived again. Errors: DomainError
    not_tabular (400), empty_file, header_only, unreadable_workbook, unreadable_archive, bad_encoding,
    unknown_sheet, unknown_member, unknown_header_line, too_many_columns.
    """
    chosen = overrides or {}
    if members := members_of(path, name):
        return _inside(path, members, chosen)
    facts = Facts(size=path.stat().st_size)
    facts.format = format_of(path, name)  # type: ignore[assignment]
    source = path
    if facts.format == "csv":
        seen = scan(path)
        facts.encoding, facts.newline = encoding_of(seen, str(chosen.get("encoding") or "")), seen.newline
    else:
        sheets = sheets_of(path, str(chosen.get("sheet") or ""))
        facts.sheets, facts.sheet, source = sheets.names, sheets.chosen, sheets.table
        chosen = {**chosen, "delimiter": ",", "quote": '"'}
    _lay_out(source, facts, chosen)
    if len(facts.columns) < 2 and name.lower().endswith(".txt"):
        raise not_tabular()
    profile(path, facts)
    _styled(facts, chosen.get("columns") or {})
    if facts.rows == 0:
        message = gettext("This file has a header and no rows; add rows under the header")
        raise DomainError(message, "header_only", 422)
    return facts


def _inside(path: Path, members: list[str], chosen: dict[str, Any]) -> Facts:
    """Facts of a table inside a .gz or .zip: the chosen one, else the first."""
    member = str(chosen.get("member") or members[0])
    if member not in members:
        message = gettext("This archive has no table %(name)s; it has: %(known)s")
        known = ", ".join(members[:30])
        raise DomainError(message % {"name": member[:60], "known": known}, "unknown_member", 422)
    table = unpacked(path, member)
    if members_of(table, member):
        raise not_tabular()
    facts = facts_of(table, member, overrides={**chosen, "member": ""})
    facts.member, facts.members = member, members
    return facts


def _lay_out(source: Path, facts: Facts, chosen: dict[str, Any]) -> None:
    """Delimiter, quote, header and columns from the head of the text."""
    encoding = "utf-8" if facts.sheet else facts.encoding
    head, _ = next(chunks_of(source, encoding, size=HEAD_BYTES), (b"", 0))
    whole = source.stat().st_size <= HEAD_BYTES and not head.endswith((b"\n", b"\r"))
    layout = layout_of(head.decode(errors="replace") + "\n" * whole, chosen)
    facts.delimiter, facts.quote, facts.escape = layout.delimiter, layout.quote, layout.escape
    facts.header_line, facts.first_line = layout.header_line, layout.first_line
    headers = unique([cell.strip() for cell in layout.header] or [""] * layout.width)
    if len(headers) > COLUMNS_MAX:
        message = gettext("This file has %(found)s columns; leave out some, up to %(most)s can be read")
        known = {"found": len(headers), "most": COLUMNS_MAX}
        raise DomainError(message % known, "too_many_columns", 422)
    facts.columns = [ColumnFacts(index, header) for index, header in enumerate(headers)]
    if not facts.columns:
        raise DomainError(gettext("This file is empty; choose a file with rows in it"), "empty_file", 422)


def unique(headers: list[str]) -> list[str]:
    """Names for all columns, no two alike: "" becomes "column 3", a second "pay" becomes "pay (2)"."""
    seen: Counter[str] = Counter()
    names = []
    for index, header in enumerate(headers):
        name = header[:200] or gettext("column %(number)s") % {"number": index + 1}
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _styled(facts: Facts, chosen: dict[Any, dict[str, str]]) -> None:
    """What a person decided about single columns goes before what their cells show."""
    for index, style in chosen.items():
        column = facts.columns[int(index)]
        if "decimal" in style:
            column.number_style = (style["decimal"], style.get("thousands", ""))
        if style.get("date_order"):
            column.date_order = style["date_order"]  # type: ignore[assignment]
        column.question = ""
