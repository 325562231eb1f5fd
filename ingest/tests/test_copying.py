"""COPY payloads: what is written comes back, in binary and in text, with nulls."""

import json

import numpy as np
import pytest
from django.db import connection

from ingest.copying import Target, copying

COLUMNS = ("id", "small", "amount", "day", "at")
TYPES = ("bigint", "smallint", "double precision", "date", "timestamp with time zone")


def table(cursor: object, types: tuple[str, ...], names: tuple[str, ...]) -> Target:
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
    cursor.execute(f"CREATE TEMPORARY TABLE copied ({columns}) ON COMMIT DROP")  # type: ignore[attr-defined]
    return Target(
        "copied", names, names, types, tuple(name != "id" for name in names), tuple("ref" in n for n in names)
    )


@pytest.mark.django_db
def test_binary_rows_with_any_pattern_of_nulls_come_back() -> None:
    rng = np.random.default_rng(3)
    rows = 9000  # more than one block
    days = np.datetime64("1995-01-01") + rng.integers(0, 20_000, rows)
    days[rng.random(rows) < 0.3] = np.datetime64("NaT")
    amounts = np.where(rng.random(rows) < 0.2, np.nan, rng.random(rows))
    moments = np.datetime64("2024-02-29T23:59:59.123456", "us") + np.arange(rows)
    columns = {
        "id": np.arange(rows, dtype=np.int64) << 32,
        "small": np.full(rows, 7, np.int16),
        "amount": amounts,
        "day": days.astype("datetime64[D]"),
        "at": moments,
    }
    with connection.cursor() as cursor:
        target = table(cursor, TYPES, COLUMNS)
        assert target.is_binary
        with copying(target) as write:
            write(target.payload(columns))
        cursor.execute("SELECT array_agg(id ORDER BY ctid) = array_agg(id ORDER BY id) FROM copied")
        assert cursor.fetchone() == (True,)
        cursor.execute("SELECT id, small, amount, day, at AT TIME ZONE 'UTC' FROM copied ORDER BY id")
        found = cursor.fetchall()
    assert len(found) == rows
    for at in range(0, rows, 97):
        expected = (
            int(columns["id"][at]),
            7,
            None if np.isnan(amounts[at]) else amounts[at],
            columns["day"][at].item(),
            moments[at].item(),
        )
        assert found[at] == expected


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["bigint", "numeric"])  # binary records, lines of text
def test_texts_keep_every_sign(other: str) -> None:
    texts = np.array(["plain", "tab\tline\nreturn\rback\\slash", "\\N", "", None, "é😀"], object)
    moments = np.datetime64("2024-02-29T23:59:59.123456", "us") + np.arange(6)
    columns = {"id": np.arange(6), "name": texts, "ref": np.arange(6) % 2, "at": moments}
    with connection.cursor() as cursor:
        target = table(
            cursor, (other, "text", "bigint", "timestamp with time zone"), ("id", "name", "ref", "at")
        )
        assert target.is_binary == (other == "bigint")
        with copying(target) as write:
            write(target.payload(columns))
        cursor.execute("SELECT name, ref, at AT TIME ZONE 'UTC' FROM copied ORDER BY id")
        assert cursor.fetchall() == [
            (text, at % 2 or None, moments[at].item()) for at, text in enumerate(texts.tolist())
        ]


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["bigint", "numeric"])
def test_json_comes_back(other: str) -> None:
    values = [["a", 'quoted "b"\n'], {"é": None}, None, []]
    texts = np.array([None if value is None else json.dumps(value) for value in values], object)
    with connection.cursor() as cursor:
        target = table(cursor, (other, "jsonb"), ("id", "value"))
        assert target.is_binary == (other == "bigint")
        with copying(target) as write:
            write(target.payload({"id": np.arange(4), "value": texts}))
        cursor.execute("SELECT value FROM copied ORDER BY id")
        assert [value and json.loads(value) for (value,) in cursor.fetchall()] == values


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["bigint", "numeric"])
def test_no_row_at_all(other: str) -> None:
    with connection.cursor() as cursor:
        target = table(cursor, (other, "text"), ("id", "name"))
        with copying(target) as write:
            write(target.payload({"id": np.arange(0), "name": np.empty(0, object)}))
        cursor.execute("SELECT count(*) FROM copied")
        assert cursor.fetchone() == (0,)
