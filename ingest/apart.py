"""Tables of their own for the rows of a large import.

A key that is kept row by row costs a load as much as the rows; made in one go, a fifth of that. So where a dataset's
table is partitioned by ranges of its id, a large import fills tables that nobody else sees yet. A full one gets its
key while further rows are cleaned; all are attached before the commit, which waits for nobody who reads or writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from psycopg import sql

from ingest.backups.declarations import Partitions
from ingest.declarations import Dataset
from ingest.models import APART, LINE_BITS, Import, row_origin

PART_BITS = 19  # of a line's number: its place in its table
ROWS = 1 << 17  # of an import, from which on the tables pay


def is_large(source: Import, declared: Dataset, rows: int) -> bool:
    """Whether an import of so many rows has tables of its own."""
    return declared.apart and rows >= ROWS and source.pk << LINE_BITS < APART


def part_of(ids: Any) -> Any:
    """The numbers of the tables in which rows lie, of ids or one id."""
    return ids >> PART_BITS


def table_of(table: str, part: int) -> str:
    """The name of one of an import's tables: market_salaryrecord_12_0."""
    import_id, line = row_origin(part << PART_BITS)
    return f"{table}_{import_id}_{line >> PART_BITS}"


@dataclass
class Apart:
    """Tables that one transaction fills, one after the other: `enter` each, `end`.

    cursor: of the session that fills them. model: whose table is partitioned by ranges of its key.
    """

    cursor: Any
    model: type[models.Model]
    _last: int | None = None
    _made: list[int] = field(default_factory=list)  # and not yet part of the model's table
    _keyless: int | None = None

    def enter(self, part: int) -> None:
        """Rows of this part come now. One that is there already is left as it is."""
        if part == self._last:
            return
        self._key()
        self._last = part
        self.cursor.execute("SELECT to_regclass(%s) IS NULL", [table_of(self.model._meta.db_table, part)])
        if self.cursor.fetchone()[0]:
            self._run(_MAKE, part)
            self._made.append(part)
            self._keyless = part

    def end(self) -> None:
        """All parts belong to the model's table."""
        self._key()
        for part in self._made:
            self._run(_ATTACH, part)
        self._made = []

    def _key(self) -> None:
        if self._keyless is not None:
            self._run(_KEY, self._keyless)
        self._keyless = None

    def _run(self, statement: sql.SQL, part: int) -> None:
        meta = self.model._meta
        names = {
            "table": sql.Identifier(meta.db_table),
            "part": sql.Identifier(table_of(meta.db_table, part)),
            "key": sql.Identifier(str(meta.pk.column)),
            "first": sql.Literal(part << PART_BITS),
            "end": sql.Literal((part + 1) << PART_BITS),
        }
        self.cursor.execute(statement.format(**names).as_string())


# The check spares ATTACH a look at every row.
_MAKE = sql.SQL(
    "CREATE TABLE {part} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS,"
    " CONSTRAINT apart CHECK ({key} >= {first} AND {key} < {end}))"
)
_KEY = sql.SQL("ALTER TABLE {part} ADD PRIMARY KEY ({key})")
_ATTACH = sql.SQL(
    "ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({first}) TO ({end});"
    "ALTER TABLE {part} DROP CONSTRAINT apart"
)


def parts_made(cursor: Any, model: type[models.Model], parts: Iterable[int]) -> None:
    """Tables for a few rows of a large import that come later: where all around them was refused, there is none."""
    apart = Apart(cursor, model)
    for part in parts:
        apart.enter(part)
    apart.end()


def partitions(model: type[models.Model]) -> Partitions:
    """What a backup has to know of a table that large imports add parts to."""
    meta = model._meta
    return Partitions(
        wanted=f"SELECT DISTINCT {meta.pk.column} >> {PART_BITS} FROM {meta.db_table}"  # noqa: S608 (our names)
        f" WHERE {meta.pk.column} >= {APART}",
        make=lambda cursor, part: parts_made(cursor, model, [part]),
    )
