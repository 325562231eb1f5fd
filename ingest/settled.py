"""An import that was loaded, and what is done to it afterwards: rows corrected and added, all of it undone."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from ingest import services
from ingest.models import Import
from ingest.rejects import groups_of
from runs.models import Run, State
from runs.services import run_settle
from skillora.lib.errors import Conflict

FIX_TASK, UNDO_TASK = "ingest.fix", "ingest.undo"
LOADED = (State.DONE, State.DONE_WITH_REJECTS)


def work_on(source: Import) -> Run | None:
    """The run that adds rows to the import, or undoes it, just now."""
    return Run.objects.open().filter(task__in=(FIX_TASK, UNDO_TASK), subject_id=source.pk).first()


def work_done(source: Import) -> list[Run]:
    """The runs that did so before, newest first."""
    runs = Run.objects.filter(task__in=(FIX_TASK, UNDO_TASK), subject_id=source.pk)
    return list(runs.exclude(finished_at=None).select_related("by").order_by("-id")[:20])


def import_twin(source: Import) -> Import | None:
    """The newest import of the very same file whose rows are in the same dataset."""
    loaded = Import.objects.filter(sha256=source.sha256, dataset=source.dataset, load__state__in=LOADED)
    return loaded.exclude(pk=source.pk).order_by("-pk").first() if source.sha256 else None


def loaded_import(*, source: Import, by: User | None) -> Import:
    """The import, locked until the transaction ends. NotAllowed; Conflict unless it is loaded and nobody is at it."""
    if by is not None:
        services.import_for(by=by, pk=source.pk, change=True)
    source = loaded_locked(source.pk)
    if work_on(source):
        message = _("Rows of this import are being loaded or undone just now: try again in a moment.")
        raise Conflict(message, "busy")
    return source


def loaded_locked(pk: int) -> Import:
    """The import, locked until the transaction ends. Conflict where it is not loaded (any more)."""
    assert transaction.get_connection().in_atomic_block  # noqa: S101 (a lock outside of one holds nothing)
    source = Import.objects.locked(pk)
    if source.load is None or source.load.is_open:
        raise Conflict(_("This import is not loaded yet: wait until it is."), "not_loaded")
    if source.load.state not in LOADED:
        message = _("Nothing of this import is in the table (it is %(state)s): load its file again.")
        raise Conflict(message % {"state": source.load.get_state_display()}, "not_loaded")
    return source


def counts_change(source: Import, **changes: int) -> None:
    """Add to the import's counters, inside the transaction that changes its rows; state and reasons follow."""
    for name, change in changes.items():
        setattr(source, name, getattr(source, name) + change)
    source.save(update_fields=list(changes))
    run = source.load
    assert run is not None  # noqa: S101 (a loaded import)
    state = State.DONE_WITH_REJECTS if source.rejected else State.DONE
    result: dict[str, Any] = {**run.result, "groups": groups_of(source)}
    source.load = run_settle(run=run, state=state, result=result)
