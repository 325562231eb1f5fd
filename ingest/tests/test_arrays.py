"""Columns as arrays in a statement: the database finds in them what they held."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from django.db import connection

from ingest.arrays import accept, array_of
from skillora.lib.prepared import asked

pytestmark = pytest.mark.django_db

TEXTS = ["", None, "NULL", 'a "b"\\', "ümlaut 😀"]
NAT = np.datetime64("NaT")
CASES: list[tuple[str, Any, bool, list[Any]]] = [
    ("smallint", np.array([-1, 300], np.int64), False, [-1, 300]),
    ("integer", np.array([-1, 2**31 - 1], np.int64), False, [-1, 2**31 - 1]),
    ("bigint", np.array([0, 2**53 - 1], np.int64), False, [0, 2**53 - 1]),
    ("bigint", np.array([0, 7, 0, 9], np.int64), True, [None, 7, None, 9]),
    ("double precision", np.array([0.1, np.nan]), False, [0.1, None]),
    ("date", np.array(["1900-01-01", NAT], "datetime64[D]"), False, [date(1900, 1, 1), None]),
    (
        "timestamp with time zone",
        np.array(["2021-07-27T16:02:08.000001", NAT], "datetime64[us]"),
        False,
        [datetime(2021, 7, 27, 16, 2, 8, 1, UTC), None],
    ),
    ("varchar", np.array(TEXTS, object), False, TEXTS),
    ("character varying", np.array(TEXTS[:1], object), False, TEXTS[:1]),
    ("text", np.array(["a"], object), False, ["a"]),
    ("boolean", np.array([True, False]), False, [True, False]),
    ("numeric", np.array(["1.50", None, "2"], object), False, [1.5, None, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "reference", "found"), CASES)
def test_array_holds_what_the_column_held(kind: str, values: Any, reference: bool, found: list[Any]) -> None:
    connection.ensure_connection()
    accept(connection.connection)
    statement = f"SELECT v FROM unnest(%s::{kind}[]) WITH ORDINALITY AS a (v, n) ORDER BY n"
    for _again in range(2):  # the second time it is prepared
        rows = asked(statement, [array_of(kind, values, reference=reference)])
        assert [value for (value,) in rows] == found
