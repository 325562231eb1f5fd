"""Tables of their own for the rows of a large import.

A key that is kept row by row costs a load as much as the rows; made in one go, a fifth of that. So where a dataset's
table is partitioned by ranges of its id, a large import fills tables that nobody else sees yet. A full one gets its
key while further rows are cleaned; all are attached before the commit, which waits for nobody who reads or writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connection, models, transaction
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
# Without helpers: the other cores clean what comes next, and starting some costs a third more than it saves.
_KEY = sql.SQL("SET LOCAL max_parallel_maintenance_workers = 0; ALTER TABLE {part} ADD PRIMARY KEY ({key})")
_ATTACH = sql.SQL(
    "ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({first}) TO ({end});"
    "ALTER TABLE {part} DROP CONSTRAINT apart"
)


def parts_made(cursor: Any, model: type[models.Model], parts: Iterable[int]) -> None:
    """Tables for a few rows of a large import that come later: where all around them was refused, there is none.

    Inside the caller's transaction: until it ends, none of those that are there is dropped.
    """
    cursor.execute(_KEEP.format(table=sql.Identifier(model._meta.db_table)).as_string())
    apart = Apart(cursor, model)
    for part in parts:
        apart.enter(part)
    apart.end()


_KEEP = sql.SQL("LOCK TABLE ONLY {table} IN ROW EXCLUSIVE MODE")


def parts_sweep(model: type[models.Model]) -> int:
    """Drop what undone imports have left: tables without a page, in which no snapshot can find a row; how many.

    Waits for nobody and keeps nobody waiting: what is in use just now is dropped another time. Outside of transactions.
    """
    table = model._meta.db_table
    dropped = 0
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [f"^{table}_[0-9]+_[0-9]+$", table])
        for (part,) in cursor.fetchall():
            names = {"table": sql.Identifier(table), "part": sql.Identifier(part)}
            cursor.execute(_ANY_ROW.format(**names).as_string())
            if cursor.fetchone()[0]:
                continue
            cursor.execute(_SHRINK.format(**names).as_string())
            dropped += _dropped(cursor, part, names)
    return dropped


def _dropped(cursor: Any, part: str, names: dict[str, sql.Identifier]) -> bool:
    """Whether it had no page, and is gone."""
    try:
        with transaction.atomic():
            cursor.execute(_ALONE.format(**names).as_string())
            cursor.execute("SELECT pg_relation_size(%s) = 0", [part])
            if empty := bool(cursor.fetchone()[0]):
                cursor.execute(_DROP.format(**names).as_string())
            return empty
    except OperationalError:  # somebody reads it, or loads
        return False


_PARTS = """
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE relname ~ %s AND inhparent = %s::regclass ORDER BY 1
"""
_ANY_ROW = sql.SQL("SELECT EXISTS (SELECT FROM {part})")
_SHRINK = sql.SQL(
    "VACUUM (SKIP_LOCKED, TRUNCATE, INDEX_CLEANUP ON) {part}"
)  # keeps what an old snapshot still sees
_ALONE = sql.SQL("LOCK TABLE ONLY {table}, {part} IN ACCESS EXCLUSIVE MODE NOWAIT")
_DROP = sql.SQL("DROP TABLE {part}")


def partitions(model: type[models.Model]) -> Partitions:
    """What a backup has to know of a table that large imports add parts to."""
    meta = model._meta
    return Partitions(
        wanted=f"SELECT DISTINCT {meta.pk.column} >> {PART_BITS} FROM {meta.db_table}"  # noqa: S608 (our names)
        f" WHERE {meta.pk.column} >= {APART}",
        make=lambda cursor, part: parts_made(cursor, model, [part]),
    )
