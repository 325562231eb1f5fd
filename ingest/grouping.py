"""Rejects by reason, in the reader's language: what is wrong, how often, and what corrects all of a kind at once."""

from dataclasses import dataclass
from typing import Any

from ingest import declarations, reasons
from ingest.kinds import CodeList


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
    options: list[str]  # what such a cell may say, where that is a short list


def reason_groups(dataset: str, found: list[dict[str, Any]]) -> list[ReasonGroup]:
    """The groups of a run's result, in the reader's language."""
    columns = {column.name: column for column in declarations.dataset(dataset).columns}
    groups = []
    for group in found:
        reason, column = reasons.reason(group["code"]), columns.get(group["field"])
        known = column.kind if column and isinstance(column.kind, CodeList) else None
        more = {
            "message": f"{column.label} {reason.message}" if column else str(reason.message),
            "fix": str(reason.fix),
            "options": known.options() if known else [],
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
