"""Rows of a table as column arrays: the way back from PostgreSQL that rebuilding an index takes.

The server gathers each column into one binary array: the client handles a few values and not a million rows.
"""

from collections.abc import Iterator

import numpy as np
import psycopg
from django.db import connection, models
from psycopg import sql

from analytics.segments import MAX_ROWS, Array
from ingest.declarations import Arrays
from ingest.hooks import Spans

_NO_DATE = -(1 << 31)
_HEADER = 20  # bytes: dimensions, flags, type, length, lower bound
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])


def table_columns(model: type[models.Model], wanted: tuple[str, ...], spans: Spans) -> Iterator[Arrays]:
    """Rows with ids in `spans` in order of id, at most MAX_ROWS at a time: "id" and the wanted attnames.

    Numbers come as int64, dates as datetime64[D]; other types are not for an index.
    """
    fields = {f.attname: f for f in model._meta.concrete_fields}
    names = ("id", *wanted)
    dates = [name for name in wanted if isinstance(fields[name], models.DateField)]
    picked = sql.SQL(", ").join(_number(fields[name], date=name in dates) for name in names)
    gathered = sql.SQL(", ").join(
        sql.SQL("array_send(array_agg({} ORDER BY id))").format(sql.Identifier(name)) for name in names
    )
    while spans:
        query = sql.SQL("SELECT {} FROM (SELECT {} FROM {} WHERE {} ORDER BY id LIMIT {}) AS rows").format(
            gathered, picked, sql.Identifier(model._meta.db_table), _within(spans), sql.Literal(MAX_ROWS)
        )
        columns = dict(zip(names, _arrays(query), strict=True))
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
    name = sql.Identifier(str(column.column))
    if date:
        number = sql.SQL("coalesce({} - DATE '1970-01-01', {})").format(name, sql.Literal(_NO_DATE))
    else:
        number = sql.Composed([name])
    return sql.SQL("({})::bigint AS {}").format(number, sql.Identifier(column.attname))


def _within(spans: Spans) -> sql.Composed:
    return sql.SQL(" OR ").join(
        sql.SQL("id BETWEEN {} AND {}").format(sql.Literal(first), sql.Literal(last)) for first, last in spans
    )


def _arrays(query: sql.Composed) -> list[Array]:
    """The bigint arrays of the one row that `query` gives, as `array_send` writes them; empty for NULL."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        row = cursor.execute(query, binary=True).fetchone() or ()
    return [
        np.frombuffer(data, _ELEMENT, offset=_HEADER)["value"].astype(np.int64)
        if data
        else np.zeros(0, np.int64)
        for data in row
    ]
