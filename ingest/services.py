"""The verbs of an import: create, map, check, submit, cancel. Pages, API and commands share them.

All are keyword-only and atomic; what cannot be done raises a DomainError that says what to do next.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from ingest import checking, declarations, loading, rejects, storage
from ingest.facts import Facts, facts_of
from ingest.grouping import ReasonGroup, reason_groups
from ingest.mapping import Mapping, Suggestion, from_headers, suggest
from ingest.models import Import, Origin, Stage
from ingest.pressure import queue_checked
from ingest.recognition import likeliest
from ingest.remembering import mapping_recall, mapping_remember
from runs.models import OPEN_STATES, Run, State
from runs.services import DuplicateRun, run_cancel, run_start
from skillora.lib.errors import Conflict, DomainError, NotAllowed, NotFound

NOTHING_LOADED = (State.FAILED, State.CANCELLED)


class AlreadyImported(Conflict):
    """The same file was loaded with the same mapping: `existing`."""

    code = "already_imported"

    def __init__(self, existing: Import) -> None:
        when = date_format(timezone.localtime(existing.created_at), "DATETIME_FORMAT")
        who = str(existing.by) if existing.by else _("somebody")
        super().__init__(
            _("Already imported by %(who)s on %(when)s: import %(id)s, “%(name)s”; force loads it again.")
            % {"who": who, "when": when, "id": existing.pk, "name": existing.name}
        )
        self.existing = existing


@dataclass(frozen=True)
class Summary:
    """One import in figures, for page and API. rate: rows a second. None: not known yet."""

    state: str
    rows_read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    skipped: int
    percent: int | None
    rate: float | None
    eta_seconds: float | None
    seconds: float | None
    message: str  # "" unless there is something to say, e.g. why it failed
    groups: list[ReasonGroup]  # rejects by reason, most frequent first


def import_create(*, by: User | None, dataset: str, upload: "UploadedFile[Any] | Path", name: str) -> Import:
    """Store a file and find out how it is written, and where `dataset` is "", which it is for.

    413 too large; 400 not a table, empty, header only.
    """
    _editor(by)
    declared = declarations.dataset(dataset) if dataset else None
    stored = storage.file_store(upload, name)
    try:
        facts = _facts(stored.path, name, {})
        if declared is None:
            likely, *others = likeliest(facts, name)
            declared, suggestion = likely.dataset, mapping_recall(likely.dataset, facts) or likely.suggestion
            suggestion.others = [other.dataset.slug for other in others]
        else:
            suggestion = _suggested(declared, facts)
        return Import.objects.create(
            dataset=declared.slug,
            origin=Origin.FILE,
            name=_shown_name(name),
            stored=stored.name,
            size=stored.size,
            sha256=stored.sha256,
            by=by,
            facts=_storable(facts.to_json()),
            suggestion=_storable(suggestion.to_json()),
        )
    except BaseException:
        storage.file_forget(stored.name)
        raise


def import_facts_change(*, source: Import, by: User | None, overrides: MappingOf[str, Any]) -> Import:
    """Read the stored file anew with what the user says: delimiter, encoding, header_line, sheet, …"""
    facts = _facts(storage.stored_path(source), source.name, dict(overrides))
    with transaction.atomic():
        source = _for_mapping(source, by)
        return _suggested_anew(source, facts, Suggestion.from_json(source.suggestion).others)


@transaction.atomic
def import_into(*, source: Import, by: User | None, dataset: str) -> Import:
    """Take the file for rows of another dataset. NotFound where there is none of that name."""
    source = _for_mapping(source, by)
    source.dataset = declarations.dataset(dataset).slug
    return _suggested_anew(source, Facts.from_json(source.facts), others=[])


def _suggested_anew(source: Import, facts: Facts, others: list[str]) -> Import:
    suggestion = _suggested(declarations.dataset(source.dataset), facts)
    suggestion.others = others
    source.facts, source.suggestion = _storable(facts.to_json()), _storable(suggestion.to_json())
    source.mapping, source.stage, source.check_run = {}, Stage.UPLOADED, None
    source.save(update_fields=["dataset", "facts", "suggestion", "mapping", "stage", "check_run"])
    return source


def import_map(
    *,
    source: Import,
    by: User | None,
    mapping: Mapping | None = None,
    column_map: MappingOf[str, str] | None = None,
    fill: bool = False,
    constants: MappingOf[str, str] | None = None,
    lenient: bool = False,
) -> Import:
    """Say what goes where: a whole mapping, or canonical name → header; `fill` suggests the rest."""
    declared = declarations.dataset(source.dataset)
    facts = Facts.from_json(source.facts)
    if mapping is None:
        mapping = from_headers(declared, facts, dict(column_map or {}), fill=fill)
    if constants:
        mapping.constants = {**mapping.constants, **constants}
    _mapping_checked(declared, facts, mapping, lenient=lenient)
    with transaction.atomic():
        source = _for_mapping(source, by)
        source.mapping, source.lenient = _storable(mapping.to_json()), lenient
        source.stage, source.check_run, source.load = Stage.MAPPED, None, None
        source.save(update_fields=["mapping", "lenient", "stage", "check_run", "load"])
    return source


def import_translate(*, source: Import, by: User | None, field: str, value: str, text: str) -> Import:
    """Read a spelling of a column as another one, in the whole file; the rest of the mapping stays."""
    mapping = Mapping.from_json(source.mapping)
    if field not in mapping.columns:
        raise DomainError(_("No column of the file is mapped to this: change the mapping."), "not_in_file")
    mapping.values = {**mapping.values, field: {**mapping.values.get(field, {}), value.strip(): text}}
    return import_map(source=source, by=by, mapping=mapping, lenient=source.lenient)


@transaction.atomic
def import_check(*, source: Import, by: User | None, again: bool = False) -> Run:
    """Start the dry run; its result holds a Summary's counts and groups. Writes nothing else.

    One that is there is taken as it is; with `again` only one that is not done yet: other tables change meanwhile.
    """
    source = _for_mapping(source, by)
    _mapped(source)
    found = source.check_run
    if found and found.state not in NOTHING_LOADED and (found.is_open or not again):
        return found
    queue_checked(by)
    source.check_run = run_start(task="ingest.check", by=by, subject_id=source.pk)
    source.save(update_fields=["check_run"])
    return source.check_run


@transaction.atomic
def import_submit(*, source: Import, by: User | None, force: bool = False, after: Sequence[Run] = ()) -> Run:
    """Start the load; it begins once `after` have ended, however they end.

    The same file and mapping loaded before: AlreadyImported, unless `force`.
    """
    source = _for_mapping(source, by)
    _mapped(source)
    facts, mapping = Facts.from_json(source.facts), Mapping.from_json(source.mapping)
    if not loading.lines_fit(facts):
        raise DomainError(_("This file has more than 4,294,967,295 lines: split it."), "too_many_lines")
    storage.stored_path(source)
    queue_checked(by)
    key = f"{source.dataset}:{source.sha256}:{mapping.digest(facts)}:{int(source.lenient)}"
    if force:
        key += f":{source.pk}"
    try:
        payload = {"after": [run.pk for run in after]}
        run = run_start(task="ingest.load", by=by, subject_id=source.pk, payload=payload, unique_key=key)
    except DuplicateRun as error:
        existing = Import.objects.with_run().filter(load=error.run).first()
        if existing is None:
            raise
        raise AlreadyImported(existing) from None
    source.load = run
    source.save(update_fields=["load"])
    mapping_remember(source, facts, mapping)
    return run


def import_cancel(*, source: Import, by: User | None) -> Import:
    """Ask the import's load to stop; nothing of it stays."""
    _may_change(source, by)
    if source.load is None:
        raise Conflict(_("This import is not being loaded: there is nothing to cancel."))
    source.load = run_cancel(run=source.load, by=by)
    return source


@transaction.atomic
def import_remap(*, source: Import, by: User | None) -> Import:
    """An import of the same stored file to map again: a new one, or the same while nothing was loaded."""
    _editor(by)
    storage.stored_path(source)
    source = Import.objects.locked(source.pk)
    if source.load is not None and source.load.state in OPEN_STATES:
        raise Conflict(_("This import is being loaded: wait for its end, or cancel it first."))
    if source.load is None or source.load.state in NOTHING_LOADED:
        _may_change(source, by)
        source.load, source.check_run, source.stage = None, None, Stage.UPLOADED
        source.save(update_fields=["load", "check_run", "stage"])
        return source
    return Import.objects.create(
        dataset=source.dataset,
        origin=source.origin,
        name=source.name,
        stored=source.stored,
        size=source.size,
        sha256=source.sha256,
        by=by,
        facts=source.facts,
        suggestion=source.suggestion,
        mapping=source.mapping,
        lenient=source.lenient,
    )


def imports_visible(by: User) -> QuerySet[Import]:
    """The imports that `by` may read: all, for every member."""
    return Import.objects.with_run() if by.is_active else Import.objects.none()


def import_for(*, by: User, pk: int, change: bool = False) -> Import:
    """One import. NotFound; with `change`, NotAllowed unless `by` is its owner and an editor, or staff."""
    source = imports_visible(by).filter(pk=pk).first() if 0 < pk < 2**63 else None
    if source is None:
        raise NotFound(_("There is no import %(id)s.") % {"id": pk})
    if change:
        _may_change(source, by)
    return source


@transaction.atomic
def import_delete(*, source: Import, by: User | None) -> None:
    """Forget an upload of which nothing was ever loaded, and its file."""
    _may_change(source, by)
    source = Import.objects.locked(source.pk)
    if source.load is not None:
        raise Conflict(_("This import has been loaded or tried: it stays in the list."))
    stored = source.stored
    source.delete()
    if not Import.objects.filter(stored=stored).exists():
        transaction.on_commit(lambda: storage.file_forget(stored))


def import_summary(source: Import) -> Summary:
    """What page and API say about an import now."""
    run = source.load
    counts = {name: getattr(source, name) for name in _COUNTERS}
    if run is not None and run.is_open:
        counts["rows_read"] = run.progress_done
        counts["inserted"] = int(run.progress_detail.get("good", 0))
        counts["rejected"] = int(run.progress_detail.get("rejected", 0))
    seconds = run.seconds if run else None
    return Summary(
        state=source.state,
        **counts,
        percent=(run.percent if run.is_open else 100) if run else None,
        rate=counts["rows_read"] / max(seconds, 0.001) if seconds is not None else None,
        eta_seconds=run.eta_seconds if run else None,
        seconds=seconds,
        message=_message(source, run),
        groups=reason_groups(source.dataset, run.result.get("groups", []) if run else []),
    )


def rejects_csv(source: Import) -> Iterator[bytes]:
    """Rejects as CSV, UTF-8 with BOM: line, reason, message, the original columns; safe in a spreadsheet.

    Of a mapped import that is not loaded yet: what its load would refuse.
    """
    planned = source.load is None and source.stage == Stage.MAPPED
    found = checking.rejects_found(source) if planned else rejects.rejects_kept(source)
    return rejects.rejects_lines(Facts.from_json(source.facts).headers, found)


_COUNTERS = ("rows_read", "inserted", "updated", "unchanged", "rejected", "skipped")


def _suggested(declared: declarations.Dataset, facts: Facts) -> Suggestion:
    """What was decided for these headers before, else what their names and values suggest."""
    return mapping_recall(declared, facts) or suggest(declared, facts)


def _editor(by: User | None) -> None:
    if by is not None and not by.is_editor:
        raise NotAllowed(_("You may read imports, not make them: ask for the editor role."))


def _may_change(source: Import, by: User | None) -> None:
    _editor(by)
    if by is not None and not by.is_staff and source.by_id != by.pk:
        raise NotAllowed(_("This is somebody else's import: only they and staff may change it."))


def _for_mapping(source: Import, by: User | None) -> Import:
    """The import, locked, if it may be mapped, checked and submitted (again)."""
    _may_change(source, by)
    source = Import.objects.locked(source.pk)
    if source.load is not None and source.load.state not in NOTHING_LOADED:
        raise Conflict(_("This import was submitted already. To map its file anew, choose “remap”."))
    return source


def _mapped(source: Import) -> None:
    if source.stage != Stage.MAPPED:
        raise Conflict(_("Say first which column is which: this import is not mapped yet."), "not_mapped")


def _facts(path: Path, name: str, overrides: dict[str, Any]) -> Facts:
    facts = facts_of(path, name, overrides=overrides)
    if facts.rows == 0:
        message = _("This file has a header but no rows: add rows, or choose another file.")
        raise DomainError(message, "no_rows", 400)
    return facts


def _mapping_checked(
    declared: declarations.Dataset, facts: Facts, mapping: Mapping, *, lenient: bool
) -> None:
    """Columns known, none used twice, required ones filled; otherwise DomainError with a pointer each."""
    errors: list[dict[str, object]] = []

    def wrong(name: str, code: str, detail: str) -> None:
        errors.append({"pointer": f"/column_map/{name}", "code": code, "detail": detail, "value": None})

    used: dict[int, str] = {}
    for name, index in mapping.columns.items():
        declared.column(name)
        if not 0 <= index < len(facts.columns):
            wrong(name, "unknown_header", _("The file has no such column."))
        elif index in used:
            detail = _("“%(header)s” is mapped to both %(first)s and %(second)s: choose one.")
            header = facts.headers[index]
            wrong(name, "header_twice", detail % {"header": header, "first": used[index], "second": name})
        used.setdefault(index, name)
    for name in mapping.constants:
        declared.column(name)
    for column in declared.columns:
        said = mapping.constants.get(column.name) or column.default
        given = column.name in mapping.columns or said or column.made or (lenient and column.may_lack)
        if column.required and not given:
            detail = _("No column of the file is mapped to %(label)s: say which holds it.")
            wrong(column.name, "required", detail % {"label": f"{column.label} ({column.name})"})
    if errors:
        message = " ".join(str(error["detail"]) for error in errors)
        raise DomainError(message, str(errors[0]["code"]), 422, errors)


def _shown_name(name: str) -> str:
    """A file's name as it can be stored and shown."""
    plain = "".join(c for c in name.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable())
    return plain.encode("utf-8", "replace").decode().strip()[-255:] or "file"


def _storable(value: Any) -> Any:
    """JSON that PostgreSQL keeps: no NUL, no lone surrogates."""
    if isinstance(value, str):
        return value.replace("\x00", "\u2400").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list | tuple) else value


def _message(source: Import, run: Run | None) -> str:
    if run is None:
        return ""
    if run.state == State.FAILED:
        return run.error_message
    if run.state == State.DONE_WITH_REJECTS and not source.loaded:
        return _("No row was loaded: each has something to fix. Look at the reasons, or map it anew.")
    return ""
