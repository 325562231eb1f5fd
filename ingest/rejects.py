"""Lines that did not load: into their table by COPY, out of it as CSV that a spreadsheet opens safely."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ingest.cleaning import Rejected
from ingest.copying import Target, copying
from ingest.models import Import, Reject, RejectState, row_id

_ATTNAMES = (
    *("id", "source_id", "line", "column", "field", "value"),
    *("code", "message", "errors", "cells", "state"),
)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_ONCE = 2_000
EXAMPLES = 3


class Groups:
    """Rejected lines counted by their first reason, each group with its first examples: they add up."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], dict[str, Any]] = {}

    def add(self, rejected: Rejected) -> None:
        """Count one rejected line."""
        error = rejected.errors[0]
        key = (error.code, error.field)
        self._rows[key] += 1
        group = self._first.setdefault(key, {"column": error.column, "examples": []})
        if len(group["examples"]) < EXAMPLES:
            example = {"line": rejected.line, "value": error.value[:200], "message": error.message}
            group["examples"].append(example)

    def to_json(self) -> list[dict[str, Any]]:
        """[{code, field, column, rows, examples}], most frequent first."""
        return [
            {"code": code, "field": name, "rows": rows, **self._first[code, name]}
            for (code, name), rows in self._rows.most_common()
        ]


def rejects_copy(source_id: int, rejected: Sequence[Rejected]) -> None:
    """Write the rejects of an import, inside the caller's transaction."""
    if not rejected:
        return
    target = Target.of(Reject, _ATTNAMES)
    rows = [_row(source_id, one) for one in rejected]
    columns = {
        name: np.array(values) if name in {"id", "source_id", "line"} else np.array(values, object)
        for name, values in zip(_ATTNAMES, zip(*rows, strict=True), strict=True)
    }
    with copying(target) as write:
        write(target.payload(columns))


def _row(source_id: int, one: Rejected) -> tuple[object, ...]:
    first = one.errors[0]
    errors = [
        {"column": e.column, "field": e.field, "value": e.value, "code": e.code, "message": e.message}
        for e in one.errors
    ]
    return (
        row_id(source_id, one.line),
        source_id,
        one.line,
        first.column[:200],
        first.field,
        first.value,
        first.code,
        first.message,
        json.dumps(errors, ensure_ascii=False),
        json.dumps(one.cells, ensure_ascii=False),
        RejectState.OPEN.value,
    )


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula; negative numbers stay as they are."""
    if not text.startswith(_DANGEROUS):
        return text
    number = text[1:].replace(".", "").replace(",", "")
    if text[0] in "+-" and number.isascii() and number.isdigit():
        return text
    return "'" + text


def rejects_lines(source: Import, headers: Sequence[str]) -> Iterator[bytes]:
    """CSV in pieces, UTF-8 with BOM: line, reason, message, then the file's own columns."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(["line", "reason", "message", *map(guarded, headers)])
    rows = source.rejects.filter(state=RejectState.OPEN).order_by("id").values_list("line", "errors", "cells")
    for count, (line, errors, cells) in enumerate(rows.iterator(chunk_size=_ROWS_AT_ONCE), start=1):
        codes = " ".join(dict.fromkeys(error["code"] for error in errors))
        messages = " | ".join(error["message"] for error in errors)
        writer.writerow([line, codes, guarded(messages), *map(guarded, cells)])
        if count % _ROWS_AT_ONCE == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
