"""Columns → the bytes that COPY reads: numbers, times and texts as binary records, tables with more as text.

The only place of the repository that writes COPY.
"""

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, models
from psycopg import sql

from ingest.declarations import Arrays

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
BLOCK_ROWS = 4096  # some 400 KB of records
EPOCH = np.datetime64("2000-01-01", "D")  # PostgreSQL's
# Column type → (numpy type on the wire, bytes)
FIXED = {
    "smallint": (">i2", 2),
    "integer": (">i4", 4),
    "bigint": (">i8", 8),
    "double precision": (">f8", 8),
    "date": (">i4", 4),
    "timestamp with time zone": (">i8", 8),
}
TEXTS = {"varchar", "character varying", "text", "jsonb"}
MESSAGE_BYTES = 1 << 20  # of COPY data in one message to the server
JSON_VERSION = b"\x01"  # before a jsonb on the wire


@dataclass(frozen=True)
class Target:
    """The columns of one table that a load fills."""

    table: str
    names: tuple[str, ...]  # columns of the table
    attnames: tuple[str, ...]  # of the arrays, in the same order
    types: tuple[str, ...]  # PostgreSQL's names for them
    nullable: tuple[bool, ...]
    references: tuple[bool, ...]  # nullable keys of other tables: 0 is NULL

    @staticmethod
    def of(model: type[models.Model], attnames: Iterable[str]) -> "Target":
        """Those of the model's columns that `attnames` holds, in the model's order."""
        return _target(model, frozenset(attnames))

    @property
    def is_binary(self) -> bool:
        """Whether `payload` gives the binary format."""
        return all(t in FIXED or t in TEXTS for t in self.types)

    def statement(self) -> sql.Composed:
        """COPY … FROM STDIN in the format that `payload` gives."""
        return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT {})").format(
            sql.Identifier(self.table),
            sql.SQL(", ").join(map(sql.Identifier, self.names)),
            sql.SQL("BINARY" if self.is_binary else "TEXT"),
        )

    def payload(self, columns: Arrays) -> bytes | memoryview:
        """Rows as COPY data: no header, no trailer. Texts that are never null may be Arrow's."""
        return _binary(self, columns) if self.is_binary else _text(self, columns)


@cache
def _target(model: type[models.Model], given: frozenset[str]) -> Target:
    fields = [f for f in model._meta.concrete_fields if f.attname in given]
    return Target(
        model._meta.db_table,
        tuple(str(f.column) for f in fields),
        tuple(f.attname for f in fields),
        tuple(str(f.db_type(connection)).split("(")[0] for f in fields),
        tuple(bool(f.null) for f in fields),
        tuple(bool(f.null and f.is_relation) for f in fields),
    )


@contextmanager
def copying(target: Target) -> Iterator[Any]:
    """`with copying(target) as write: write(target.payload(…))`, inside the caller's transaction.

    Errors of the database are Django's, as everywhere else: by itself Django does not know of COPY.
    """
    errors = connection.wrap_database_errors
    with errors, connection.cursor() as cursor, cursor.copy(target.statement()) as copy:
        session = connection.connection
        write = partial(_straight, session) if is_local(session) else copy.write
        if target.is_binary:
            write(HEADER)
        yield write
        if target.is_binary:
            copy.write(TRAILER)  # by psycopg, which takes it for a COPY of nothing otherwise


def is_local(session: "psycopg.Connection[Any]") -> bool:
    """Whether the server is reached by a socket of this machine, which nothing encrypts."""
    return session.info.host.startswith("/")


def _straight(session: "psycopg.Connection[Any]", payload: bytes | memoryview) -> None:
    """COPY data to the server by the socket itself, as messages of the protocol (CopyData, "d").

    libpq sends what the socket holds, 200 KB, and comes back for more; each time Python has to get its turn from the
    threads that compute, and the server waits. Here the kernel sends a message to its end.
    """
    data = memoryview(payload)
    with socket.socket(fileno=os.dup(session.fileno())) as line:
        line.setblocking(True)  # libpq has it the other way
        try:
            for at in range(0, len(data), MESSAGE_BYTES):
                piece = data[at : at + MESSAGE_BYTES]
                line.sendall(struct.pack(">ci", b"d", len(piece) + 4))
                line.sendall(piece)
        except BaseException as error:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # part of a message was sent: nothing can be said after it
            session.close()
            if isinstance(error, OSError):
                raise psycopg.OperationalError(f"the connection to the database was lost: {error}") from error
            raise
        finally:
            line.setblocking(False)


def missing_in(values: Any, reference: bool) -> Any:
    """Which values are NULL: NaT, NaN, None, and 0 where the column refers to another table."""
    if reference:
        return values == 0
    if values.dtype.kind == "M":
        return np.isnat(values)
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "O":
        return np.array([v is None for v in values], np.bool_)
    return np.zeros(len(values), np.bool_)


def wire(values: Any) -> Any:
    """Numbers as PostgreSQL counts them: dates in days, times in microseconds since 2000; texts as they are."""
    if isinstance(values, pa.Array) or values.dtype.kind != "M":
        return values
    unit = "D" if values.dtype == np.dtype("datetime64[D]") else "us"
    return (values.astype(f"datetime64[{unit}]") - EPOCH.astype(f"datetime64[{unit}]")).astype(np.int64)


def _binary(target: Target, columns: Arrays) -> bytes | memoryview:
    """One record type per pattern of nulls: a null column is a length of -1 and no bytes."""
    arrays = [columns[attname] for attname in target.attnames]
    if not len(arrays[0]):
        return b""
    pattern = np.zeros(len(arrays[0]), np.int64)
    nullable = zip(arrays, target.nullable, target.references, strict=True)
    for bit, (values, is_nullable, reference) in enumerate(nullable):
        if is_nullable:
            pattern |= missing_in(values, reference).astype(np.int64) << bit
    numbers = [wire(values) for values in arrays]
    patterns = np.unique(pattern)
    fixed = all(t in FIXED for t in target.types)
    if len(patterns) == 1:
        nulls = int(patterns[0])
        return (
            _records(target, numbers, nulls).view(np.uint8).data
            if fixed
            else _buffer(_joined(target, numbers, nulls))
        )
    parts, rows = [], []
    for nulls in patterns.tolist():
        chosen = np.flatnonzero(pattern == nulls)
        some = [values[chosen] for values in numbers]
        parts.append(_varying(_records(target, some, nulls)) if fixed else _joined(target, some, nulls))
        rows.append(chosen)
    # In the rows' order, because keys that do not ascend cost an index far more than this.
    return _buffer(pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate(rows)))))


def _records(target: Target, numbers: list[Any], nulls: int) -> np.ndarray[Any, Any]:
    """Rows made from the first one as a template: only what differs is written, in blocks that stay in cache."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    given: list[tuple[str, str, Any]] = []
    for at, (kind, values) in enumerate(zip(target.types, numbers, strict=True)):
        layout.append((f"length{at}", ">i4"))
        if not nulls >> at & 1:
            layout.append((f"value{at}", FIXED[kind][0]))
            given.append((f"length{at}", f"value{at}", values))
    first = np.zeros(1, np.dtype(layout))
    first["fields"] = len(numbers)
    for name, _type in layout:
        if name.startswith("length"):
            first[name] = -1
    for length, name, values in given:
        first[length] = first.dtype[name].itemsize
        first[name] = values[0]
    rows = len(numbers[0])
    records = np.tile(first.view(np.uint8), rows).view(first.dtype)
    varied = [(name, values) for _length, name, values in given if (values != values[0]).any()]
    for start in range(0, rows, BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        for name, values in varied:
            records[name][block] = values[block]
    return records


def _joined(target: Target, arrays: list[Any], nulls: int) -> pa.BinaryArray:
    """Rows with texts: stretches of fixed width between them, joined by Arrow."""
    rows = len(arrays[0])
    pieces: list[pa.Array] = []
    stretch: list[tuple[str, Any]] = [(">i2", len(arrays))]
    for at, (kind, values) in enumerate(zip(target.types, arrays, strict=True)):
        if nulls >> at & 1:
            stretch.append((">i4", -1))
        elif kind in FIXED:
            wire, size = FIXED[kind]
            stretch += [(">i4", size), (wire, values)]
        else:
            texts = values if isinstance(values, pa.Array) else pa.array(values, pa.utf8())
            texts = texts.cast(pa.binary())
            if kind == "jsonb":
                texts = pc.binary_join_element_wise(JSON_VERSION, texts, b"")
            stretch.append((">i4", np.asarray(pc.binary_length(texts))))
            pieces += [_stretch(stretch, rows), texts]
            stretch = []
    if stretch:
        pieces.append(_stretch(stretch, rows))
    return pc.binary_join_element_wise(*pieces, b"")


def _stretch(fields: list[tuple[str, Any]], rows: int) -> pa.Array:
    """Columns of fixed width side by side, a binary value a row."""
    records = np.empty(rows, np.dtype([(f"f{at}", wire) for at, (wire, _values) in enumerate(fields)]))
    for at, (_wire_type, values) in enumerate(fields):
        records[f"f{at}"] = values
    return _varying(records)


def _varying(records: np.ndarray[Any, Any]) -> pa.BinaryArray:
    """Each record as a binary value."""
    width = pa.binary(records.dtype.itemsize)
    fixed = pa.FixedSizeBinaryArray.from_buffers(width, len(records), [None, pa.py_buffer(records)])
    return fixed.cast(pa.binary())


def _text(target: Target, columns: Arrays) -> memoryview:
    """Tab-separated lines, for columns that have no binary form here."""
    described = zip(target.attnames, target.nullable, target.references, strict=True)
    cells = [_escaped(columns[name], null, reference) for name, null, reference in described]
    lines = pc.binary_join_element_wise(*cells, "\t")
    return _buffer(pc.binary_join_element_wise(lines, "", "\n"))


def _buffer(lines: pa.Array) -> memoryview:
    """The joined column's own bytes."""
    _validity, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])] if len(lines) else memoryview(b"")


def _escaped(values: Any, nullable: bool, reference: bool) -> pa.StringArray:
    """As COPY's text format wants it: backslash, tab and line ends escaped, NULL as \\N."""
    kind = values.dtype.kind
    if kind == "O":
        texts = pa.array(values, pa.utf8(), from_pandas=nullable)
        if pc.any(pc.match_substring_regex(texts, r"[\\\t\r\n]")).as_py():
            for sign, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
                texts = pc.replace_substring(texts, sign, written)
    elif kind == "M":
        texts = pc.cast(pa.array(values), pa.utf8())
    else:
        nulls = values == 0 if reference else None
        texts = pc.cast(pa.array(values, from_pandas=True, mask=nulls), pa.utf8())
    return pc.fill_null(texts, "\\N")
