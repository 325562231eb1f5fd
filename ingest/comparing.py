"""Rows that came in beside those that are stored: found by key, compared by the database, doubles decided.

Where a key comes twice in one file the last line counts, as if the lines were written one after the other.
Reads only what is committed, on the session of the thread that asks; who writes has to look whether it still holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, LiteralString

import numpy as np
import psycopg
from django.db import connection
from psycopg import sql

from ingest import arrays
from ingest.copying import EPOCH, Target, copying
from ingest.declarations import Arrays, Dataset, Keys
from ingest.models import LINE_BITS, LINE_MASK
from skillora.lib.prepared import executed

FEW = 2_000  # rows up to which arrays in the statement are cheaper than a temporary table
SPARSE = 5  # times as many keys as rows: to look each up costs less than to read all between
STAGE = "upsert_stage"
WAS = "was"  # where a stored row lies now: its value of the partition column
NEW, CHANGED, SAME = 1, 2, 3
Flags = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Shape:
    """What an upsert reads and writes: columns of one table, by the names that the arrays have too."""

    target: Target  # key, given columns, origin
    stage: Target  # the same, and where the stored row lies
    key: str
    written: tuple[str, ...]  # columns that a known row takes over
    partition: str

    @classmethod
    def of(cls, dataset: Dataset, given: set[str], attnames: set[str]) -> "Shape":
        """`given`: what the file says anything about; the others stay as they are in rows that are known."""
        key = dataset.column(dataset.key[0]).target
        target = Target.of(dataset.model, {*attnames, "origin"})
        stage = replace(target, table=STAGE)
        partition = dataset.parts.column if dataset.parts else ""
        if partition:
            at = target.names.index(partition)
            stage = Target(
                STAGE,
                (*target.names, WAS),
                (*target.attnames, WAS),
                (*target.types, target.types[at]),
                (*target.nullable, True),
                (*target.references, False),
            )
        written = tuple(n for n in target.names if n in given and n != key)
        return cls(target, stage, key, written, partition)

    @property
    def names(self) -> dict[str, sql.Composable]:
        """For statements: {table}, {key}, {differs}, {taken}, {lies} (where it was), {here} (where it will be), …"""
        stored, staged = ([sql.Identifier(side, n) for n in self.written] for side in ("t", "s"))
        comma = sql.SQL(", ")
        differs = sql.SQL("({}) IS DISTINCT FROM ({})").format(comma.join(stored), comma.join(staged))
        pairs = [sql.SQL("{} = s.{}").format(sql.Identifier(n), sql.Identifier(n)) for n in self.written]
        part = sql.Identifier(self.partition)
        return {
            "table": sql.Identifier(self.target.table),
            "key": sql.Identifier(self.key),
            "differs": differs if self.written else sql.SQL("false"),
            "taken": comma.join([*pairs, sql.SQL("origin = s.origin")]),
            "lies": sql.SQL("AND t.{} = s.{}").format(part, sql.Identifier(WAS))
            if self.partition
            else sql.SQL(""),
            "here": sql.SQL("t.{0} = s.{0}").format(part) if self.partition else sql.SQL("true"),
            "bits": sql.Literal(LINE_BITS),
            "mask": sql.Literal(LINE_MASK),
            "was": sql.SQL(" || timestamptz_send(t.{})").format(part) if self.partition else sql.SQL(""),
        }

    @property
    def within(self) -> sql.Composed:
        """Stored rows between %(first)s and %(last)s."""
        return sql.SQL("t.{} BETWEEN %(first)s::bigint AND %(last)s::bigint").format(sql.Identifier(self.key))


def dense(keys: Keys) -> bool:
    """Whether sorted keys are neighbours, as in most files: then all stored rows between are read, not each alone."""
    return bool(keys[-1] - keys[0] < SPARSE * len(keys))


# What the planner is told, whatever the statistics say: they know nothing of pruned partitions.
ALONE = {"enable_hashjoin": "off", "enable_mergejoin": "off"}  # one look into the key for each row
TOGETHER = {"enable_nestloop": "off"}  # all rows between are read and hashed
# Few rows: for any values and however small the table is, because these plans stay. To plan for twenty partitions
# takes as long as to work on a few hundred rows.
KEPT = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}


@contextmanager
def planned(settings: dict[str, str]) -> Iterator[None]:
    """Statements that are planned with these settings."""
    with connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET {name} = {value}" for name, value in settings.items()))
        yield
        cursor.execute("; ".join(f"RESET {name}" for name in settings))


@dataclass(frozen=True)
class Given:
    """Rows as something to select from, called s: arrays where there are few, else a temporary table.

    alone: each is looked up alone; otherwise all stored rows from the first to the last.
    """

    shape: Shape
    target: Target
    alone: bool
    few: bool
    params: dict[str, Any]

    def ask(self, statement: LiteralString, **params: str) -> "psycopg.Cursor[Any]":
        """A statement that selects from {given}, {within} the stored rows that they can be."""
        text = _said(statement, self.shape, self.target, alone=self.alone, few=self.few)
        if self.few:
            arrays.accept(connection.connection)
            return executed(text, self.params | params)
        with connection.wrap_database_errors:
            return psycopg.ClientCursor(connection.connection).execute(text, self.params | params)


@lru_cache(maxsize=256)  # to write it takes longer than to send it
def _said(statement: LiteralString, shape: Shape, target: Target, *, alone: bool, few: bool) -> str:
    """The text of a statement."""
    table, columns = sql.Identifier(target.table), sql.SQL(", ").join(map(sql.Identifier, target.names))
    given = sql.SQL("{} AS s").format(table)
    if few:
        items = [
            sql.SQL(f"{{}}::{kind}[]").format(sql.Placeholder(name))
            for name, kind in zip(target.attnames, target.types, strict=True)
        ]
        given = sql.SQL("unnest({}) AS s ({})").format(sql.SQL(", ").join(items), columns)
    within = sql.SQL("true") if alone else shape.within
    return sql.SQL(statement).format(given=given, within=within, **shape.names).as_string()


@contextmanager
def staged(shape: Shape, target: Target, rows: Arrays, *, alone: bool) -> Iterator[Given]:
    """Rows sorted by key to join with the stored ones. alone: each is looked up alone."""
    connection.ensure_connection()
    keys = rows[shape.key]
    params: dict[str, Any] = {} if alone else {"first": str(keys[0]), "last": str(keys[-1])}
    columns = list(zip(target.attnames, target.names, target.types, target.references, strict=True))
    if len(keys) <= FEW:
        for name, _column, kind, reference in columns:
            params[name] = arrays.array_of(kind, rows[name], reference=reference)
        with planned(KEPT | (ALONE if alone else TOGETHER)):
            yield Given(shape, target, alone, True, params)
        return
    described = [sql.SQL("{} " + kind).format(sql.Identifier(column)) for _n, column, kind, _r in columns]
    table = sql.Identifier(target.table)
    with connection.cursor() as cursor:
        create = sql.SQL("CREATE TEMPORARY TABLE {} ({})").format(table, sql.SQL(", ").join(described))
        cursor.execute(create.as_string())
        with copying(target) as write:
            write(target.payload(rows))
        cursor.execute(sql.SQL("ANALYZE {}").format(table).as_string())
        with planned(ALONE) if alone else nullcontext():
            yield Given(shape, target, alone, False, params)
        cursor.execute(sql.SQL("DROP TABLE {}").format(table).as_string())


@dataclass(frozen=True)
class Stored:
    """Which of the given keys are stored. at: positions among them; changed: whether a value differs."""

    at: Keys
    changed: np.ndarray[Any, np.dtype[np.bool_]]
    was: Any  # datetime64[us] (len(at),): where the row lies; zeros without partitions


def stored(dataset: Dataset, shape: Shape, rows: Arrays) -> Stored:
    """Look the rows, sorted by key, up in the table."""
    keys = rows[shape.key]
    asked = np.flatnonzero(dataset.used(keys)) if dataset.used else np.arange(len(keys))
    found = np.empty(0, np.dtype(_FOUND if shape.partition else _FOUND[:2]))
    if shape.partition and 0 < len(asked) <= FEW and not dense(keys[asked]):
        found = _found(shape, rows, asked, found.dtype, here=True)
        asked = asked[~np.isin(keys[asked], found["key"])]
    if len(asked):
        found = np.concatenate([found, _found(shape, rows, asked, found.dtype)])
    at = np.searchsorted(keys, found["key"])
    was = found["was"].astype(np.int64).astype("timedelta64[us]") if shape.partition else 0
    moments = EPOCH.astype("datetime64[us]") + np.zeros(len(at), "timedelta64[us]") + was
    return Stored(at, found["changed"].astype(np.bool_), moments)


def _found(
    shape: Shape, rows: Arrays, asked: Keys, kind: "np.dtype[Any]", *, here: bool = False
) -> np.ndarray[Any, Any]:
    """Those of the asked rows that are stored; here: with the same value of the partition column."""
    some = {name: values[asked] for name, values in rows.items()}
    keys = some[shape.key]
    alone = len(keys) <= FEW and not dense(keys)
    with staged(shape, replace(shape.target, table=STAGE), some, alone=alone) as given:
        found = given.ask(_LOOK_HERE if here else _LOOK).fetchone()
        return np.frombuffer(bytes(found[0] or b"") if found else b"", kind)


# One value: reading a COPY row by row costs more than the join.
_LOOK: LiteralString = (
    "SELECT string_agg(int8send(t.{key}) || boolsend({differs}){was}, ''::bytea)"
    " FROM {given} JOIN {table} t ON t.{key} = s.{key} AND {within}"
)
_LOOK_HERE: LiteralString = _LOOK + " AND {here}"
_FOUND = [("key", ">i8"), ("changed", "u1"), ("was", ">i8")]


@dataclass
class Chunk:
    """Rows of a file, one for each key, sorted by key, and what becomes of each: positions in `rows`.

    again: an earlier chunk of the file wrote the row; it is written over. left_out: (line, the line that counts).
    """

    rows: Arrays
    new: Keys
    changed: Keys
    again: Keys
    same: int
    was_same: int  # rows that an earlier chunk counted as unchanged and that are now changed
    left_out: list[tuple[Keys, Keys]]
    was: Any

    def part(self, at: Keys) -> Arrays:
        """Some of the rows."""
        return {name: values[at] for name, values in self.rows.items()}


@dataclass
class _Earlier:
    """Keys of one earlier chunk, sorted, with the line that counts so far and what became of it: 13 bytes a row."""

    keys: Keys
    lines: np.ndarray[Any, np.dtype[np.uint32]]
    fates: Flags


@dataclass
class Deciding:
    """What becomes of the rows of one file, chunk by chunk."""

    dataset: Dataset
    shape: Shape
    dry: bool = False  # keys that the database would make are not made
    _earlier: list[_Earlier] = field(default_factory=list)

    def chunk(self, lines: Keys, columns: Arrays) -> Chunk:
        """Decide the next rows of the file, in their order."""
        keys = columns[self.shape.key]
        if len(keys) and not keys.all():
            if self.dry:
                return self._unmade(columns)
            keys = self._made(keys)
        order = np.argsort(keys, kind="stable")
        last = np.ones(len(keys), np.bool_)
        last[:-1] = keys[order][1:] != keys[order][:-1]
        left_out = []
        if not last.all():  # each line but the last of its key is left out for the next one
            left_out.append((lines[order[~last]], lines[order[np.flatnonzero(~last) + 1]]))
        order = order[last]
        rows = {name: values[order] for name, values in {**columns, self.shape.key: keys}.items()}
        return self._decided(rows, lines[order], left_out)

    def _decided(self, rows: Arrays, lines: Keys, left_out: list[tuple[Keys, Keys]]) -> Chunk:
        keys = rows[self.shape.key]
        found = stored(self.dataset, self.shape, rows)
        fates = np.full(len(keys), NEW, np.uint8)
        fates[found.at] = np.where(found.changed, CHANGED, SAME)
        was = np.zeros(len(keys), "datetime64[us]")
        was[found.at] = found.was
        before = np.zeros(len(keys), np.uint8)
        for earlier in self._earlier:
            at, hit = _positions(earlier.keys, keys)
            if len(hit):
                left_out.append((earlier.lines[at].astype(np.int64), lines[hit]))
                before[hit] = earlier.fates[at]
                earlier.lines[at] = lines[hit]
                earlier.fates[at] = np.where(before[hit] == SAME, fates[hit], before[hit])
        first = before == 0
        again = (before == NEW) | (before == CHANGED)
        self._earlier.append(_Earlier(keys[first], lines[first].astype(np.uint32), fates[first]))
        return Chunk(
            rows,
            new=np.flatnonzero(first & (fates == NEW)),
            changed=np.flatnonzero(~again & (fates == CHANGED)),
            again=np.flatnonzero(again),
            same=int((first & (fates == SAME)).sum()),
            was_same=int(((before == SAME) & (fates == CHANGED)).sum()),
            left_out=left_out,
            was=was,
        )

    def _unmade(self, rows: Arrays) -> Chunk:
        """Rows whose keys the database would make are new, whatever they say."""
        nothing = np.empty(0, np.int64)
        new = np.arange(len(rows[self.shape.key]))
        return Chunk(rows, new, nothing, nothing, 0, 0, [], nothing)

    def _made(self, keys: Keys) -> Keys:
        """With keys from the table's sequence where there are none, past those that are in use."""
        keys = keys.copy()
        while len(missing := np.flatnonzero(keys == 0)):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                    [self.shape.target.table, self.shape.key, len(missing)],
                )
                drawn = np.array([number for (number,) in cursor.fetchall()], np.int64)
            drawn[np.isin(drawn, keys)] = 0
            keys[missing] = drawn
            drawn = np.sort(drawn[drawn > 0])
            keys[np.isin(keys, self._in_use(drawn))] = 0
        return keys

    def _in_use(self, drawn: Keys) -> Keys:
        query = sql.SQL("SELECT {key} FROM {table} WHERE {key} = ANY(%s)").format(
            key=sql.Identifier(self.shape.key), table=sql.Identifier(self.shape.target.table)
        )
        if self.dataset.used:
            drawn = drawn[self.dataset.used(drawn)]
        if not len(drawn):
            return drawn
        with connection.cursor() as cursor:
            cursor.execute(query.as_string(), [drawn.tolist()])
            return np.array([key for (key,) in cursor.fetchall()], np.int64)


def _positions(known: Keys, keys: Keys) -> tuple[Keys, Keys]:
    """(where in `known`, where in `keys`) the two sorted arrays agree."""
    nothing = np.empty(0, np.int64)
    if not len(known) or not len(keys) or known[-1] < keys[0] or keys[-1] < known[0]:
        return nothing, nothing
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    hit = np.flatnonzero(known[at] == keys)
    return at[hit], hit
