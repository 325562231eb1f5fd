"""Lines that did not load: into their table by COPY, out of it as CSV that a spreadsheet opens safely."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from django.db.models import Count

from ingest.cleaning import Rejected
from ingest.copying import Target, copying
from ingest.models import Import, Reject, RejectState, row_id

_ATTNAMES = (
    *("id", "source_id", "line", "column", "field", "value"),
    *("code", "message", "errors", "cells", "state"),
)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_ONCE = 2_000
ADDED = ("line", "reason", "message")  # columns before the file's own, in the file that people correct
EXAMPLES = 3
VALUES = 5  # refused spellings that a group names, each to be corrected in all of its rows at once
VALUES_COUNTED = 1_000  # distinct spellings of a group that are counted


class Groups:
    """Rejected lines counted by their first reason, each group with its first examples: they add up."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], dict[str, Any]] = {}
        self._values: dict[tuple[str, str], Counter[str]] = {}

    def add(self, rejected: Rejected) -> None:
        """Count one rejected line."""
        error = rejected.errors[0]
        key = (error.code, error.field)
        if key not in self._rows:
            self._first[key] = {"column": error.column, "examples": []}
            self._values[key] = Counter()
        self._rows[key] += 1
        group, values = self._first[key], self._values[key]
        if error.value in values or len(values) < VALUES_COUNTED:
            values[error.value] += 1
        if len(group["examples"]) < EXAMPLES:
            example = {"line": rejected.line, "value": error.value[:200], "message": error.message}
            group["examples"].append(example)

    def to_json(self) -> list[dict[str, Any]]:
        """[{code, field, column, rows, examples, values: [{value, rows}]}], most frequent first."""
        return [
            {
                "code": code,
                "field": name,
                "rows": rows,
                **self._first[code, name],
                "values": [{"value": v, "rows": n} for v, n in self._values[code, name].most_common(VALUES)],
            }
            for (code, name), rows in self._rows.most_common()
        ]


def groups_of(source: Import) -> list[dict[str, Any]]:
    """What `Groups.to_json` says, of the rejects that an import has now."""
    rows = source.rejects.pending().order_by()
    found = []
    for group in rows.values("code", "field").annotate(rows=Count("id")).order_by("-rows", "code", "field"):
        of_kind = rows.filter(code=group["code"], field=group["field"])
        first = of_kind.order_by("id").values("line", "value", "message", "column")[:EXAMPLES]
        values = of_kind.values("value").annotate(rows=Count("id")).order_by("-rows", "value")[:VALUES]
        examples = [{**one, "value": one["value"][:200]} for one in first]
        columns = [one.pop("column") for one in examples]
        found.append({**group, "column": columns[0], "examples": examples, "values": list(values)})
    return found


@dataclass(frozen=True)
class Encoded:
    """Rejects as COPY data: made on one thread, written on another."""

    target: Target
    payload: bytes | memoryview

    @classmethod
    def of(
        cls, source_id: int, rejected: Sequence[Rejected], *, state: RejectState = RejectState.OPEN
    ) -> "Encoded":
        """The rejects of an import, of which there is at least one."""
        target = Target.of(Reject, _ATTNAMES)
        stands = state.value  # reading it costs as much as half a row
        rows = [_row(source_id, one, stands) for one in rejected]
        columns = {
            name: np.array(values) if name in {"id", "source_id", "line"} else np.array(values, object)
            for name, values in zip(_ATTNAMES, zip(*rows, strict=True), strict=True)
        }
        return cls(target, target.payload(columns))

    def write(self) -> None:
        """Into their table, inside the caller's transaction."""
        with copying(self.target) as write:
            write(self.payload)


def rejects_copy(
    source_id: int, rejected: Sequence[Rejected], *, state: RejectState = RejectState.OPEN
) -> None:
    """Write the rejects of an import, inside the caller's transaction."""
    if rejected:
        Encoded.of(source_id, rejected, state=state).write()


def _row(source_id: int, one: Rejected, state: str) -> tuple[object, ...]:
    first = one.errors[0]
    return (
        row_id(source_id, one.line),
        source_id,
        one.line,
        first.column[:200],
        first.field,
        first.value,
        first.code,
        first.message,
        orjson.dumps(one.errors).decode(),
        orjson.dumps(one.cells).decode(),
        state,
    )


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula; negative numbers stay as they are."""
    if not text.startswith(_DANGEROUS):
        return text
    number = text[1:].replace(".", "").replace(",", "")
    if text[0] in "+-" and number.isascii() and number.isdigit():
        return text
    return "'" + text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text


def rejects_lines(source: Import, headers: Sequence[str]) -> Iterator[bytes]:
    """CSV in pieces, UTF-8 with BOM: line, reason, message, then the file's own columns."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([*ADDED, *map(guarded, headers)])
    rows = source.rejects.pending().order_by("id")
    for count, one in enumerate(rows.iterator(chunk_size=_ROWS_AT_ONCE), start=1):
        codes = " ".join(dict.fromkeys(error["code"] for error in one.errors))
        messages = " | ".join(error["message"] for error in one.errors)
        writer.writerow([one.line, codes, guarded(messages), *map(guarded, one.current)])
        if count % _ROWS_AT_ONCE == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
