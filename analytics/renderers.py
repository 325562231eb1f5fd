"""An answer as JSON and CSV."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from analytics.declarations import Answer, Params, Report

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run these


def as_json(report: Report, params: Params, answer: Answer, version: str) -> dict[str, Any]:
    """The answer with its figures, its rows as objects, and what it was asked with."""
    names = [column.name for column in answer.columns]
    return {
        "report": report.slug,
        "title": str(report.title),
        "question": str(answer.question or report.question),
        "params": {name: _plain(value) for name, value in params.items() if value not in ("", None)},
        "data_version": version,
        "n": answer.n,
        **answer.summary,
        "reading": str(answer.reading),
        "columns": [{"name": c.name, "label": str(c.label)} for c in answer.columns],
        "data": [dict(zip(names, row, strict=True)) for row in answer.rows],
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def csv_lines(answer: Answer) -> Iterator[str]:
    """A header of column names, then the rows; text that a spreadsheet would run gets an apostrophe."""
    line = io.StringIO()
    writer = csv.writer(line)
    for row in ([c.name for c in answer.columns], *answer.rows):
        writer.writerow([guarded(value) for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def guarded(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers, None is empty."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
