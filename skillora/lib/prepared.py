"""Statements that are asked again and again: planned once for each session, which takes as long as to answer them."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

Params = Sequence[Any] | Mapping[str, Any]


def executed(statement: str, params: Params = (), *, using: str = DEFAULT_DB_ALIAS) -> "psycopg.Cursor[Any]":
    """A statement whose text never varies, on the session of this thread. Errors are Django's."""
    wrapper = connections[using]
    wrapper.ensure_connection()
    session = wrapper.connection
    session.prepare_threshold = 0  # Django's own statements have their values in them and are not prepared
    with wrapper.wrap_database_errors:
        return psycopg.Cursor(session).execute(statement, params, prepare=True)


def asked(statement: str, params: Params = (), *, using: str = DEFAULT_DB_ALIAS) -> list[tuple[Any, ...]]:
    """The rows that such a statement finds."""
    found: list[tuple[Any, ...]] = executed(statement, params, using=using).fetchall()
    return found
