"""Which tables a backup holds, their columns as the database has them, and what tells two tables apart."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.apps import apps
from django.db import models
from psycopg import sql

from ingest.backups import declarations

COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, NULL), NOT a.attnotnull, a.atthasdef OR a.attidentity <> '',
           coalesce(pg_get_serial_sequence(quote_ident(%(table)s), a.attname), '')
    FROM pg_attribute a
    WHERE a.attrelid = to_regclass(quote_ident(%(table)s))
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ORDER BY a.attnum
"""
# The text of a row must not depend on the session that asks.
PLAIN_TEXT = """
    SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL bytea_output = 'hex';
    SET LOCAL extra_float_digits = 1; SET LOCAL intervalstyle = 'postgres'; SET LOCAL xmloption = 'content';
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0
"""
# md5, because unlike PostgreSQL's own hashes it is the same in every version and on every machine.
CHECKSUM = """
    SELECT count(*), coalesce(sum(hash::bit(64)::bigint::numeric), 0)::text
    FROM (SELECT 'x' || left(md5(ROW({columns})::text), 16) AS hash FROM {table}) hashes
"""


class Column(NamedTuple):
    """A column: its type as PostgreSQL names it, e.g. "bigint[]"; sequence: "" where none feeds it."""

    name: str
    type: str
    nullable: bool
    has_default: bool
    sequence: str


class Sum(NamedTuple):
    """Rows of a table, and a checksum of them that their order does not change."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class Table:
    """One table of the product."""

    name: str
    model: type[models.Model]
    columns: tuple[Column, ...]

    @property
    def label(self) -> str:
        """ "app.model"."""
        return self.model._meta.label_lower

    def sum(self, cursor: Any, names: tuple[str, ...]) -> Sum:
        """Count and checksum over the columns `names`; the session wants PLAIN_TEXT."""
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        cursor.execute(sql.SQL(CHECKSUM).format(columns=columns, table=sql.Identifier(self.name)))
        return Sum(*cursor.fetchone())


def stored_models() -> list[type[models.Model]]:
    """Every model whose rows a backup holds, many-to-many tables included, each after those it refers to."""
    left_out = declarations.left_out()
    stored = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.label_lower not in left_out
    ]
    ordered: dict[type[models.Model], None] = {}

    def place(model: type[models.Model], above: tuple[type[models.Model], ...]) -> None:
        if model in ordered or model in above:
            return
        for field in model._meta.concrete_fields:
            if isinstance(target := field.related_model, type) and target in stored:
                place(target, (*above, model))
        ordered[model] = None

    for model in stored:
        place(model, ())
    return list(ordered)


def stored_tables(cursor: Any) -> list[Table]:
    """The tables of `stored_models` as the database of `cursor` has them now."""
    tables = []
    for model in stored_models():
        name = model._meta.db_table
        cursor.execute(COLUMNS, {"table": name})
        found = tuple(Column(*row) for row in cursor.fetchall())
        tables.append(Table(name, model, found))
    return tables
