"""Storage → database: everything is verified before the first row, and compared before the commit."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import connections, models, transaction
from django.utils.translation import gettext as _
from psycopg import sql

from ingest.backups import avro, declarations, manifest
from ingest.backups.manifest import Damaged, Incomplete, Manifest, Newer, Part
from ingest.backups.storages import Storage
from ingest.backups.tables import PLAIN_TEXT, Table, stored_tables
from skillora.lib.errors import Conflict

REHEARSAL = "rehearsal"  # the scratch schema, and the alias of the connection that sees only it
TELL_EVERY = 10_000

Tell = Callable[[int], None]  # rows restored so far; may raise, to stop


class NotEmpty(Conflict):
    """There are rows already where a backup is to be restored."""

    code = "database_not_empty"


class Different(Conflict):
    """What came back is not what was backed up; nothing was committed."""

    code = "backup_differs"


@contextmanager
def verified(storage: Storage, name: str) -> Iterator[tuple[Manifest, dict[str, Path]]]:
    """A backup's manifest and its files by table, every byte of them as it was written.

    Raises Incomplete, Damaged or Newer, whose message says what to do.
    """
    with tempfile.TemporaryDirectory(prefix="skillora-restore-") as folder:
        found = manifest_of(storage, name, Path(folder))
        manifest.refuse_newer(found)
        files = {}
        for part in found.tables:
            path = storage.fetch(f"{name}/{part.file}", Path(folder))
            files[part.table] = _sound(part, path)
        yield found, files


def manifest_of(storage: Storage, name: str, folder: Path) -> Manifest:
    """The manifest of a backup; its files are not looked at. Raises Incomplete, Damaged or Newer."""
    head = storage.fetch(f"{name}/{manifest.NAME}", folder)
    if head is None:
        raise Incomplete(
            _("%(name)s in %(place)s has no manifest: it was broken off. Use another backup.")
            % {"name": name, "place": storage.place}
        )
    return manifest.load(head.read_bytes())


def _sound(part: Part, path: Path | None) -> Path:
    if path is None:
        raise Damaged(_("%(file)s is missing: use another backup.") % {"file": part.file})
    if path.stat().st_size != part.size:
        raise Damaged(
            _("%(file)s has %(size)d of %(whole)d bytes: use another backup.")
            % {"file": part.file, "size": path.stat().st_size, "whole": part.size}
        )
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != part.sha256:
            raise Damaged(_("%(file)s is not as it was written: use another backup.") % {"file": part.file})
    return path


def into_empty(storage: Storage, name: str, tell: Tell = lambda rows: None) -> Manifest:
    """Restore a backup into the configured database, which must be empty, in one transaction.

    Raises NotEmpty, Different, or what `verified` raises; then nothing has changed.
    """
    with verified(storage, name) as (found, files):
        call_command("migrate", verbosity=0, interactive=False)
        with transaction.atomic():
            with connections["default"].cursor() as cursor:
                _refuse_rows(stored_tables(cursor))
                _empty(cursor)
            rows_restore(found, files, "default", tell)
            for work in declarations.rebuilds():
                work()
        ContentType.objects.clear_cache()
        emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    return found


def _refuse_rows(tables: list[Table]) -> None:
    """NotEmpty where somebody has worked here; what `migrate` writes does not count."""
    held = {
        table.name: count
        for table in tables
        if not declarations.is_seeded(table.label) and (count := table.model._base_manager.count())
    }
    if held:
        listed = ", ".join(f"{name}: {count}" for name, count in list(held.items())[:5])
        raise NotEmpty(
            _("The database is not empty (%(rows)s). Set DATABASE_URL or SKILLORA_HOME to an empty one.")
            % {"rows": listed}
        )


def _empty(cursor: Any) -> None:
    """One statement for all tables, so that references among them are no obstacle."""
    owned = [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]
    names = sql.SQL(", ").join(sql.Identifier(model._meta.db_table) for model in owned)
    cursor.execute(sql.SQL("TRUNCATE {}").format(names))


def rehearse(storage: Storage, name: str, tell: Tell = lambda rows: None) -> Manifest:
    """Restore a backup into a scratch schema that the migrations made, compare, and drop it.

    Raises what `into_empty` raises. The product's own tables are neither read nor written.
    """
    with verified(storage, name) as (found, files), _scratch():
        call_command("migrate", database=REHEARSAL, verbosity=0, interactive=False)
        with transaction.atomic(using=REHEARSAL):
            with connections[REHEARSAL].cursor() as cursor:
                _empty(cursor)
            rows_restore(found, files, REHEARSAL, tell)
    return found


@contextmanager
def _scratch() -> Iterator[None]:
    """A connection whose only schema is a new one; both are gone afterwards, whatever happens."""
    given = connections["default"].settings_dict
    options = dict(given.get("OPTIONS", {}))
    options["options"] = f"{options.get('options', '')} -c search_path={REHEARSAL}".strip()
    connections.databases[REHEARSAL] = {**given, "OPTIONS": options}
    drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(REHEARSAL))
    scratch = connections[REHEARSAL]
    try:
        with scratch.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", ["backup rehearsal"])
            if not cursor.fetchone()[0]:
                raise Conflict(_("Another rehearsal is under way: wait for it, then try again."))
            cursor.execute(drop)  # what a killed rehearsal has left
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(REHEARSAL)))
            try:
                yield
            finally:
                cursor.execute(drop)
    finally:
        scratch.close()
        del connections[REHEARSAL]
        del connections.databases[REHEARSAL]
        ContentType.objects.clear_cache()


def rows_restore(found: Manifest, files: dict[str, Path], using: str, tell: Tell) -> None:
    """Copy all rows into the empty tables that `using` sees, move sequences on, compare.

    Inside the caller's transaction. Raises Newer for tables or columns that are not there, Different where
    what the tables hold then is not what the manifest says.
    """
    parts = {part.table: part for part in found.tables if part.label not in declarations.left_out()}
    with connections[using].cursor() as cursor:
        cursor.execute(PLAIN_TEXT)
        tables = {table.name: table for table in stored_tables(cursor)}
        if unknown := parts.keys() - tables.keys():
            raise Newer(_("This version has no table %(name)s.") % {"name": ", ".join(sorted(unknown))})
        done = 0
        for name, table in tables.items():
            if part := parts.get(name):
                _copy(cursor, table, part, files[name], done, tell)
                done += part.rows
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name, part in parts.items():
            _compare(cursor, tables[name], part)
            _move_on(cursor, tables[name], part)


def _copy(cursor: Any, table: Table, part: Part, file: Path, before: int, tell: Tell) -> None:
    """Copy one table's rows, after `before` of other tables."""
    names, rows = avro.read(file)
    fixed = _defaults(table, part)
    if missing := set(names) - {column.name for column in table.columns}:
        raise Newer(
            _("%(table)s has no column %(name)s here: restore with the version that made the backup.")
            % {"table": table.name, "name": ", ".join(sorted(missing))}
        )
    if partitions := declarations.partitions(table.label):
        for value in part.parts:
            partitions.make(cursor, value)
    columns = sql.SQL(", ").join(map(sql.Identifier, (*names, *fixed)))
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
    rest = tuple(fixed.values())
    with cursor.copy(into) as copy:
        for count, row in enumerate(rows):
            copy.write_row(row + rest)
            if count % TELL_EVERY == 0:
                tell(before + count)


def _defaults(table: Table, part: Part) -> dict[str, Any]:
    """Column → value for those that came after the backup and that the database does not fill by itself."""
    fields = {field.column: field for field in table.model._meta.concrete_fields}
    editor = connections["default"].schema_editor()
    filled = {}
    for column in table.columns:
        field = fields.get(column.name)
        if column.name in part.columns or column.has_default or not isinstance(field, models.Field):
            continue
        filled[column.name] = editor.effective_default(field)
        if filled[column.name] is None and not column.nullable:
            raise Newer(
                _("%(table)s has a new column %(name)s: restore with the version that made the backup.")
                % {"table": table.name, "name": column.name}
            )
    return filled


def _compare(cursor: Any, table: Table, part: Part) -> None:
    restored = table.sum(cursor, tuple(part.columns))
    if restored != (part.rows, part.checksum):
        raise Different(
            _("%(table)s came back with %(rows)d rows of %(whole)d, or other values: nothing was restored.")
            % {"table": table.name, "rows": restored.rows, "whole": part.rows}
        )


def _move_on(cursor: Any, table: Table, part: Part) -> None:
    """No number is given twice: not one in use, and not one that a row had which is gone."""
    for column in table.columns:
        if column.sequence:
            cursor.execute(
                sql.SQL(
                    "SELECT setval({sequence}, top) FROM"
                    " (SELECT greatest(max({column}), {last}) AS top FROM {table}) used WHERE top > 0"
                ).format(
                    sequence=sql.Literal(column.sequence),
                    column=sql.Identifier(column.name),
                    last=sql.Literal(part.sequences.get(column.name, 0)),
                    table=sql.Identifier(table.name),
                )
            )
