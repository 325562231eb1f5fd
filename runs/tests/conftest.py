import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from runs import doorbell, registry
from runs.registry import Handler

Table = Callable[[], int]
Declare = Callable[..., str]


@pytest.fixture(autouse=True)
def empty_queue() -> Iterator[None]:
    doorbell.client().flushdb()
    yield
    doorbell.client().flushdb()


@pytest.fixture
def declare() -> Iterator[Declare]:
    """Registers a handler as a task for the time of the test."""
    names = []

    def register(handler: Handler, name: str = "test.task", **options: Any) -> str:
        names.append(name)
        registry.task(name, **options)(handler)
        return name

    yield register
    for name in names:
        registry._tasks.pop(name, None)


@pytest.fixture
def rows(transactional_db: None) -> Iterator[Table]:
    """A table that tasks write to; gives the number of rows in it."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS test_row; CREATE TABLE test_row (run_id bigint)")

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM test_row")
            return int(cursor.fetchone()[0])

    yield count
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_row")


def write(run_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO test_row VALUES (%s)", [run_id])


def other_session() -> psycopg.Connection[tuple[Any, ...]]:
    """A database session beside Django's."""
    given = connection.get_connection_params()
    return psycopg.connect(
        **{k: given[k] for k in ("dbname", "user", "password", "host", "port") if k in given}
    )


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Run `work` beside the test, with a database session of its own; what it returned or raised."""
    outcome: list[Any] = []

    def call() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            outcome.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=call)
    thread.start()
    return thread, outcome
