"""An import taken back: what it inserted is removed, what it changed is as it was; reported first, then done at once.

Reversed are the rows that still are as this import left them. Kept are those that somebody changed since: their
origin is another import, or the journal holds them for one. Blocked are those that rows of other tables refer to.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, connection, models, transaction
from django.utils.translation import gettext as _
from psycopg import sql

from accounts.models import User
from ingest import hooks
from ingest.declarations import Dataset, dataset
from ingest.hooks import Spans
from ingest.models import LINE_BITS, Import
from ingest.settled import LOADED, UNDO_TASK, loaded_import, loaded_locked, work_on
from ingest.upserting import alone
from runs.models import Run
from runs.services import run_start, run_undone
from skillora.lib.errors import Conflict

if TYPE_CHECKING:
    from runs.execution import Attempt

COUNTERS = ("rows_read", "inserted", "updated", "unchanged", "rejected", "skipped")


@dataclass(frozen=True)
class UndoReport:
    """Rows of an import: removed + restored = reversed; kept: changed since; blocked: others refer to them."""

    removed: int
    restored: int
    kept: int
    blocked: int

    @property
    def reversed(self) -> int:
        return self.removed + self.restored


@transaction.atomic
def import_undo(*, source: Import, by: User | None) -> Run:
    """Start to take an import back. Conflict while it is loading, once it is undone, or with nothing to reverse."""
    source = loaded_import(source=source, by=by)
    if not undo_report(source).reversed:
        message = _(
            "No row of this import can be taken back: all were changed since, or others refer to them."
        )
        raise Conflict(message, "nothing_to_undo")
    return run_start(task=UNDO_TASK, by=by, subject_id=source.pk)


def undo_report(source: Import) -> UndoReport:
    """What an undo would do now; changes nothing."""
    return _Undo(source, dataset(source.dataset)).report()


def undo_possible(source: Import) -> UndoReport | None:
    """The same; None where nothing of the import is in the table, or somebody is at it just now."""
    if source.load is None or source.load.state not in LOADED or work_on(source):
        return None
    return undo_report(source)


def undo(attempt: "Attempt") -> None:
    """The run: rows, derived data, the import's counters and its state in one transaction.

    Afterwards nothing counts as inserted: what was loaded counts as left out, and `result` keeps what it was.
    """
    started = time.monotonic()
    with transaction.atomic():
        source = loaded_locked(attempt.run.subject_id or 0)
        assert source.load is not None  # noqa: S101 (a loaded import)
        work = _Undo(source, dataset(source.dataset))
        report = work.report()
        attempt.progress(0, report.reversed)
        before = {name: getattr(source, name) for name in COUNTERS}
        try:
            spans = work.reverse()
        except IntegrityError as error:
            message = _("Other rows refer to rows of this import: take those back first.")
            raise Conflict(message, "referred_to") from error
        attempt.check()
        for listener in hooks.listeners(source.dataset):
            listener.rows_changed(source.dataset, spans)
        source.skipped += source.loaded
        source.inserted = source.updated = source.unchanged = 0
        source.save(update_fields=["inserted", "updated", "unchanged", "skipped"])
        run_undone(run=source.load, by=attempt.run.by)
        attempt.progress(report.reversed, report.reversed)
        seconds = round(time.monotonic() - started, 3)
        figures = {**vars(report), "reversed": report.reversed, "seconds": seconds}
        attempt.finish(result={**figures, "before": before})


class _Undo:
    """The statements of one undo. All rows of the import are a range of `id` (append) or `origin` (upsert)."""

    def __init__(self, source: Import, declared: Dataset) -> None:
        self.source, self.declared = source, declared
        self.upserts = declared.mode == "upsert"
        first, last = source.key_range()
        meta = declared.model._meta
        self.names: dict[str, sql.Composable] = {
            "table": sql.Identifier(meta.db_table),
            "key": sql.Identifier(str(meta.pk.column)),
            "mine": sql.Identifier("origin" if self.upserts else str(meta.pk.column)),
            "first": sql.Literal(first),
            "last": sql.Literal(last),
            "dataset": sql.Literal(declared.slug),
            "bits": sql.Literal(LINE_BITS),
            "columns": sql.SQL(", ").join(sql.Identifier(str(f.column)) for f in meta.concrete_fields),
            "values": sql.SQL(", ").join(
                sql.SQL("b.{}").format(sql.Identifier(str(f.column))) for f in meta.concrete_fields
            ),
        }
        self.names["touched"] = self._touched()
        self.names["referred"] = self._referred()

    def _touched(self) -> sql.Composed:
        """Whether another import changed the row `r` since."""
        return sql.SQL(
            "EXISTS (SELECT FROM ingest_journal j WHERE j.dataset = {dataset} AND j.key = r.{key}"
            " AND j.id > {last})"
        ).format(**self.names)

    def _referred(self) -> sql.Composable:
        """Whether a row of another table refers to the row `r`."""
        meta = self.declared.model._meta
        relations = [
            relation
            for relation in meta.get_fields(include_hidden=True)
            if isinstance(relation, models.ForeignObjectRel) and not relation.many_to_many
        ]
        found = [
            sql.SQL("EXISTS (SELECT FROM {} other WHERE other.{} = r.{})").format(
                sql.Identifier(relation.related_model._meta.db_table),
                sql.Identifier(str(relation.field.column)),
                self.names["key"],
            )
            for relation in relations
        ]
        return sql.SQL(" OR ").join(found) if found else sql.SQL("false")

    def _where(self) -> dict[str, sql.Composable]:
        """Conditions on a row `r`: of this import and as it left it; made by it; changed by it."""
        mine = sql.SQL("r.{mine} BETWEEN {first} AND {last}").format(**self.names)
        if self.upserts:  # a row that somebody wrote since has another origin
            changed = sql.SQL(
                "EXISTS (SELECT FROM ingest_journal b WHERE b.id BETWEEN {first} AND {last} AND b.key = r.{key})"
            ).format(**self.names)
        else:
            mine = sql.SQL("{} AND NOT {}").format(mine, self.names["touched"])
            changed = sql.Composed([sql.SQL("false")])
        made = sql.SQL("{} AND NOT {}").format(mine, changed)
        free = sql.SQL("{} AND NOT ({})").format(made, self.names["referred"])
        return {**self.names, "mine": mine, "changed": changed, "made": made, "free": free}

    def report(self) -> UndoReport:
        """Counts; where nothing can refer to rows, without looking whether anything does."""
        query = sql.SQL(
            "SELECT count(*) FILTER (WHERE NOT {changed} AND NOT ({referred})), count(*) FILTER (WHERE {changed}),"
            " count(*) FROM {table} r WHERE {mine}"
        )
        with connection.cursor() as cursor:
            cursor.execute(query.format(**self._where()).as_string())
            removed, restored, found = cursor.fetchone()
        written = self.source.inserted + self.source.updated
        return UndoReport(removed, restored, max(0, written - found), found - removed - restored)

    def reverse(self) -> Spans:
        """Remove and restore; the ids that this concerns, as ranges."""
        if not self.upserts:
            self._run("DELETE FROM {table} r WHERE {free}")
            return [self.source.key_range()]
        alone(self.declared)
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("SELECT min({key}), max({key}) FROM {table} r WHERE {mine}")
                .format(**self._where())
                .as_string()
            )
            first, last = cursor.fetchone()
        restored = sql.SQL(
            "UPDATE {table} r SET ({columns}) = ROW({values}) FROM ingest_journal j,"
            " LATERAL jsonb_populate_record(NULL::{table}, j.row) b"
            " WHERE j.id BETWEEN {first} AND {last} AND j.key = r.{key} AND {mine}"
        )
        self._run(restored)
        self._run("DELETE FROM {table} r WHERE {free}")
        return [(first, last)]

    def _run(self, statement: "str | sql.SQL") -> int:
        """One statement; what refers to its rows is looked at now and not at the commit."""
        query = sql.SQL(statement) if isinstance(statement, str) else statement
        with connection.cursor() as cursor:
            cursor.execute(query.format(**self._where()).as_string())
            changed = int(cursor.rowcount)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        return changed
