"""Lines that did not load: into their table by COPY, out of it as CSV that a spreadsheet opens safely."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from django.db.models import Count

from ingest.copying import Target, copying
from ingest.declarations import Arrays
from ingest.models import Import, Reject, RejectState, row_id
from ingest.refused import Refused

_ATTNAMES = (
    *("id", "source_id", "line", "column", "field", "value"),
    *("code", "message", "errors", "cells", "state"),
)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_ONCE = 2_000
ADDED = ("line", "reason", "message")  # columns before the file's own, in the file that people correct
ListedRow = tuple[int, Sequence[tuple[str, str]], Sequence[str]]  # line, (code, message) of each error, cells
EXAMPLES = 3
VALUES = 5  # refused spellings that a group names, each to be corrected in all of its rows at once
VALUES_COUNTED = 1_000  # distinct spellings of a group that are counted


class Groups:
    """Rejected lines counted by their first reason, each group with its first examples: they add up."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], dict[str, Any]] = {}
        self._values: dict[tuple[str, str], Counter[str]] = {}

    def add(self, refused: Refused) -> None:
        """Count rejected lines."""
        first = refused.first
        kinds, at, rows = np.unique(first, return_index=True, return_counts=True)
        wanting: dict[
            tuple[str, str], list[int]
        ] = {}  # groups without all of their examples: the kinds of error
        for place in np.argsort(at).tolist():  # as they come
            kind = int(kinds[place])
            error = refused.errors[kind]
            key = (error.code, error.field)
            if key not in self._rows:
                self._first[key] = {"column": error.column, "examples": []}
                self._values[key] = Counter()
            self._rows[key] += int(rows[place])
            if error.value in self._values[key] or len(self._values[key]) < VALUES_COUNTED:
                self._values[key][error.value] += int(rows[place])
            if len(self._first[key]["examples"]) < EXAMPLES:
                wanting.setdefault(key, []).append(kind)
        for key, some in wanting.items():
            examples = self._first[key]["examples"]
            for row in np.flatnonzero(np.isin(first, some))[: EXAMPLES - len(examples)].tolist():
                error = refused.errors[first[row]]
                told = {"value": error.value[:200], "message": error.message}
                examples.append({"line": int(refused.lines[row]), **told})

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
    payloads: list[bytes | memoryview]

    @classmethod
    def of(
        cls, source_id: int, some: Sequence[Refused], *, state: RejectState = RejectState.OPEN
    ) -> "Encoded":
        """Rejects of an import."""
        target = Target.of(Reject, _ATTNAMES)
        return cls(target, [target.payload(_columns(source_id, refused, state)) for refused in some])

    def write(self) -> None:
        """Into their table, inside the caller's transaction."""
        with copying(self.target) as write:
            for payload in self.payloads:
                write(payload)


def rejects_copy(source_id: int, refused: Refused, *, state: RejectState = RejectState.OPEN) -> None:
    """Write the rejects of an import, inside the caller's transaction."""
    if len(refused):
        Encoded.of(source_id, [refused], state=state).write()


def _columns(source_id: int, refused: Refused, state: RejectState) -> Arrays:
    """What the table holds of them, the first error in columns of its own."""
    first = pa.array(refused.first)

    def told(texts: Iterable[str]) -> pa.StringArray:
        return pa.array(list(texts), pa.utf8()).take(first)

    errors = refused.errors
    return {
        "id": row_id(source_id, 0) | refused.lines,
        "source_id": np.full(len(refused), source_id),
        "line": refused.lines,
        "column": told(error.column[:200] for error in errors),
        "field": told(error.field for error in errors),
        "value": told(error.value for error in errors),
        "code": told(error.code for error in errors),
        "message": told(error.message for error in errors),
        "errors": refused.errors_json(),
        "cells": refused.cells,
        "state": pa.repeat(state.value, len(refused)),
    }


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula; negative numbers stay as they are."""
    return "'" + text if _runs(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text.startswith("'") and _runs(text) else text


def _runs(text: str) -> bool:
    """Whether a spreadsheet takes it for a formula, apostrophes before it left aside: they come back as they were."""
    bare = text.lstrip("'")
    number = bare[1:].replace(".", "").replace(",", "")
    signed = bare.startswith(("+", "-")) and number.isascii() and number.isdigit()
    return bare.startswith(_DANGEROUS) and not signed


def rejects_kept(source: Import) -> Iterator[ListedRow]:
    """The rejects that an import has, each with what its cells say now."""
    for one in source.rejects.pending().order_by("id").iterator(chunk_size=_ROWS_AT_ONCE):
        said = [(error["code"], error["message"]) for error in one.errors]
        yield one.line, said, one.current


def rejects_lines(headers: Sequence[str], rows: Iterable[ListedRow]) -> Iterator[bytes]:
    """CSV in pieces, UTF-8 with BOM: line, reason, message, then the file's own columns."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([*ADDED, *map(guarded, headers)])
    for count, (number, said, cells) in enumerate(rows, start=1):
        codes = " ".join(dict.fromkeys(code for code, _message in said))
        messages = " | ".join(message for _code, message in said)
        writer.writerow([number, codes, guarded(messages), *map(guarded, cells)])
        if count % _ROWS_AT_ONCE == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
