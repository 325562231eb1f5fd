"""Rejects by reason, in the reader's language: what is wrong, how often, and what corrects all of a kind at once."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from ingest import declarations, reasons
from ingest.declarations import Column, Dataset
from ingest.kinds import CodeList, References

OPTIONS_MAX = 250  # rows of another table to choose from


@dataclass(frozen=True)
class Missing:
    """The table in which rows are not there that a column refers to, and what such a row needs beside its key."""

    dataset: Dataset
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class ReasonGroup:
    """Rejects that share a reason."""

    code: str
    field: str  # canonical column; "" = the whole line
    column: str  # the file's header
    message: str  # what is wrong, in the reader's language
    fix: str  # what to do about it
    rows: int
    examples: list[dict[str, Any]]  # [{"line": 3, "value": "abc"}], at most three
    values: list[
        dict[str, Any]
    ]  # [{"value": "Brasill", "rows": 312, "help": …, "suggestion": "Brazil"}], at most five
    options: list[
        tuple[str, str]
    ]  # what such a cell may say and what that means, where they are not too many
    missing: Missing | None  # where the reason is that rows of another table are not there
    hint: str  # how such a cell is written
    valid: int = 0  # rows among them that are corrected and wait to be loaded


def reason_groups(dataset: str, found: list[dict[str, Any]]) -> list[ReasonGroup]:
    """The groups of a run's result, in the reader's language."""
    columns = {column.name: column for column in declarations.dataset(dataset).columns}
    groups = []
    for group in found:
        column = columns.get(group["field"])
        known = column.kind if column and isinstance(column.kind, CodeList) else None
        more = {
            "message": reason_said(dataset, group["code"], group["field"]),
            "fix": fix_said(column, group["code"]),
            "options": options_of(column) if column else [],
            "missing": missing_of(column, group["code"]) if column else None,
            "hint": str(column.help_text) if column else "",
            "values": [
                {
                    **value,
                    "help": column.kind.help(value["value"]) if column and value["value"] else "",
                    "suggestion": known.suggestion(value["value"]) if known else "",
                }
                for value in group.get("values", [])
            ],
        }
        groups.append(ReasonGroup(**{**group, **more}))
    return groups


def reason_said(dataset: str, code: str, field: str) -> str:
    """What is wrong, with the name of the column."""
    labels = {column.name: column.label for column in declarations.dataset(dataset).columns}
    message = reasons.reason(code).message
    return f"{labels[field]} {message}" if field in labels else str(message)


def fix_said(column: Column | None, code: str) -> str:
    """What to do about it; known values by their names, where they are not too many."""
    if code == "unknown_value" and column and isinstance(column.kind, CodeList) and column.kind.options():
        return _("Use one of these: %(names)s.") % {"names": ", ".join(column.kind.options())}
    return str(reasons.reason(code).fix)


def options_of(column: Column) -> list[tuple[str, str]]:
    """What a cell of the column may say, and its name; none where they are too many to choose from."""
    if isinstance(column.kind, CodeList):
        return [(name, name) for name in column.kind.options()]
    if isinstance(column.kind, References):
        return [(str(key), name) for key, name in column.kind.stored(OPTIONS_MAX)]
    return []


def missing_of(column: Column, code: str) -> Missing | None:
    """What would have to be created, where a cell is refused because its row is not there."""
    if not isinstance(column.kind, References) or column.kind.reason != code:
        return None
    other = declarations.dataset(column.kind.dataset)
    return Missing(other, tuple(c for c in other.columns if c.required and c.name not in other.key))
