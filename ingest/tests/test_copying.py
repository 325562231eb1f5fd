"""COPY payloads: what is written comes back, in binary and in text, with nulls."""

import json
import signal
import threading

import numpy as np
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from ingest.copying import Target, copying
from ingest.models import Import

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


def stuck(cursor: object) -> Target:
    """A table whose first row takes the server two seconds."""
    target = table(cursor, ("bigint",), ("id",))
    cursor.execute(  # type: ignore[attr-defined]
        "CREATE FUNCTION pg_temp.slow() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN IF NEW.id = 0 THEN PERFORM pg_sleep(2); END IF; RETURN NEW; END';"
        "CREATE TRIGGER slow BEFORE INSERT ON copied FOR EACH ROW EXECUTE FUNCTION pg_temp.slow()"
    )
    return target


@pytest.mark.django_db
def test_the_same_through_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it goes to a server on another machine."""
    monkeypatch.setattr("ingest.copying.is_local", lambda session: False)
    with connection.cursor() as cursor:
        target = table(cursor, ("bigint", "text"), ("id", "name"))
        with copying(target) as write:
            write(target.payload({"id": np.arange(50_000), "name": np.array(["x" * 50] * 50_000, object)}))
        cursor.execute("SELECT count(*), sum(id), sum(length(name)) FROM copied")
        assert cursor.fetchone() == (50_000, 1_249_975_000, 2_500_000)


@pytest.mark.django_db
def test_session_works_on_after_large_data_and_after_refused_data() -> None:
    with connection.cursor() as cursor:
        target = table(cursor, ("bigint", "text"), ("id", "name"))
        cursor.execute("ALTER TABLE copied ADD PRIMARY KEY (id)")
        columns = {"id": np.arange(200_000), "name": np.array(["é" * 50] * 200_000, object)}
        with copying(target) as write:
            write(target.payload(columns))  # some 20 messages
        with pytest.raises(IntegrityError), transaction.atomic(), copying(target) as write:
            for _again in range(3):
                write(target.payload(columns))
        cursor.execute("SELECT count(*), sum(id) FROM copied")
        assert cursor.fetchone() == (200_000, 19_999_900_000)


@pytest.mark.django_db(transaction=True)
def test_server_that_ends_the_session_is_an_error_of_the_database() -> None:
    with pytest.raises(OperationalError), transaction.atomic(), connection.cursor() as cursor:
        target = stuck(cursor)
        ending = threading.Timer(0.3, ended, [connection.connection.info.backend_pid])
        ending.start()
        with copying(target) as write:
            write(target.payload({"id": np.arange(500_000)}))
    ending.join()
    connection.close()
    assert Import.objects.count() == 0, "a new session is opened"


def ended(pid: int) -> None:
    """End a session from another one."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    finally:
        connection.close()


class Interrupted(Exception):
    """As a signal's handler raises it."""


@pytest.mark.django_db(transaction=True)
def test_session_in_which_half_a_message_was_sent_is_given_up() -> None:
    def interrupt(_number: int, _frame: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with (
            pytest.raises((Interrupted, OperationalError)),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            target = stuck(cursor)
            given_up = connection.connection
            with copying(target) as write:
                write(target.payload({"id": np.arange(500_000)}))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert given_up.closed
    assert Import.objects.count() == 0, "a new session is opened"
