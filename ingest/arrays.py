"""Columns of a few rows as arrays in a statement, in the form that the database keeps: texts take both sides longer."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from ingest.copying import FIXED, missing_in, wire

# Column type → PostgreSQL's number of it, where an array's binary form is written here
NUMBERED = {
    "smallint": 21,
    "integer": 23,
    "bigint": 20,
    "double precision": 701,
    "date": 1082,
    "timestamp with time zone": 1184,
    "varchar": 1043,
    "character varying": 1043,
    "text": 25,
}
_LENGTH = struct.Struct(">i").pack
_NULL = _LENGTH(-1)


@dataclass(frozen=True)
class Packed:
    """An array in binary form."""

    data: bytes


class _Packed(Dumper):
    """Its type is the one that the statement casts it to."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: Packed) -> bytes:
        return obj.data


def accept(session: "psycopg.Connection[Any]") -> None:
    """Let the session's statements take packed arrays."""
    session.adapters.register_dumper(Packed, _Packed)


def array_of(kind: str, values: "np.ndarray[Any, Any]", *, reference: bool) -> "Packed | str":
    """A column as a parameter that is cast to an array of `kind`. reference: 0 is NULL."""
    missing = missing_in(values, reference)
    if kind not in NUMBERED:
        cells = zip(values.tolist(), missing.tolist(), strict=True)
        return f"{{{','.join('NULL' if null else _quoted(str(value)) for value, null in cells)}}}"
    header = struct.pack(">iiIii", 1, bool(missing.any()), NUMBERED[kind], len(values), 1)
    body = _numbers(kind, wire(values), missing) if kind in FIXED else _texts(values.tolist())
    return Packed(header + body)


def _numbers(kind: str, values: "np.ndarray[Any, Any]", missing: "np.ndarray[Any, Any]") -> bytes:
    """Each after its length; of a NULL the length alone, -1."""
    form, size = FIXED[kind]
    records = np.empty(len(values), [("length", ">i4"), ("value", form)])
    records["length"], records["value"] = np.where(missing, -1, size), values
    if not missing.any():
        return records.tobytes()
    raw = records.view(np.uint8).reshape(len(values), -1)
    kept = np.ones(raw.shape, np.bool_)
    kept[missing, len(_NULL) :] = False
    return raw[kept].tobytes()


def _texts(values: Iterable[str | None]) -> bytes:
    encoded = [None if value is None else value.encode() for value in values]
    return b"".join(
        chain.from_iterable((_NULL,) if text is None else (_LENGTH(len(text)), text) for text in encoded)
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
