"""Rows of a table as column arrays: the way back from PostgreSQL that rebuilding an index takes."""

from collections.abc import Iterator

import numpy as np
from django.db import connection, models
from psycopg import sql

from analytics.segments import MAX_ROWS, Array
from ingest.declarations import Arrays
from ingest.hooks import Spans

_NO_DATE = -(1 << 31)
_HEADER, _TRAILER = 19, 2  # bytes of binary COPY around its records


def table_columns(model: type[models.Model], wanted: tuple[str, ...], spans: Spans) -> Iterator[Arrays]:
    """Rows with ids in `spans` in order of id, at most MAX_ROWS at a time: "id" and the wanted attnames.

    Numbers come as int64, dates as datetime64[D]; other types are not for an index.
    """
    fields = {f.attname: f for f in model._meta.concrete_fields}
    names = ("id", *wanted)
    dates = [name for name in wanted if isinstance(fields[name], models.DateField)]
    picked = sql.SQL(", ").join(_number(fields[name], date=name in dates) for name in names)
    while spans:
        query = sql.SQL(
            "COPY (SELECT {} FROM {} WHERE {} ORDER BY id LIMIT {}) TO STDOUT (FORMAT binary)"
        ).format(picked, sql.Identifier(model._meta.db_table), _within(spans), sql.Literal(MAX_ROWS))
        columns = dict(zip(names, _copied(query, len(names)), strict=True))
        rows = len(columns["id"])
        for name in dates:
            known = columns[name] != _NO_DATE
            columns[name] = np.where(known, columns[name].astype("datetime64[D]"), np.datetime64("NaT", "D"))
        if rows:
            yield columns
        if rows < MAX_ROWS:
            return
        last = int(columns["id"][-1])
        spans = [(max(a, last + 1), b) for a, b in spans if b > last]


def _number(column: "models.Field[object, object]", *, date: bool) -> sql.Composed:
    name = sql.Identifier(column.column)
    if date:
        return sql.SQL("coalesce({} - DATE '1970-01-01', {})::bigint").format(name, sql.Literal(_NO_DATE))
    return sql.SQL("{}::bigint").format(name)


def _within(spans: Spans) -> sql.Composed:
    return sql.SQL(" OR ").join(
        sql.SQL("id BETWEEN {} AND {}").format(sql.Literal(first), sql.Literal(last)) for first, last in spans
    )


def _copied(query: sql.Composed, width: int) -> list[Array]:
    """Columns of a binary COPY whose fields are all bigint and never null, so that records have one fixed size."""
    connection.ensure_connection()
    with connection.connection.cursor().copy(query) as copy:
        data = b"".join(copy)
    layout = [("fields", ">i2")]
    for i in range(width):
        layout += [(f"length{i}", ">i4"), (f"value{i}", ">i8")]
    rows = np.frombuffer(data[_HEADER : len(data) - _TRAILER], dtype=np.dtype(layout))
    return [rows[f"value{i}"].astype(np.int64) for i in range(width)]
