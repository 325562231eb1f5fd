"""What workers do for imports."""

from datetime import time, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from ingest import apart, checking, declarations, joining, loading, resumable, together, undoing, upserting
from ingest.backups import services as backups
from ingest.forms import FactsForm
from ingest.models import Backup, Import
from ingest.settled import FIX_TASK, UNDO_TASK
from ingest.storage import stored_path
from runs.registry import before_fork, task
from skillora.lib.errors import NotFound

if TYPE_CHECKING:
    from runs.execution import Attempt

before_fork(declarations.datasets)  # found and built once a worker, not once a load
LOADS = {"append": loading.load, "upsert": upserting.load}  # by a dataset's mode


@task("ingest.load", queue="loads")
def import_load(attempt: "Attempt") -> None:
    """Load the import that is the run's subject."""
    source = _subject(attempt)
    together.finish_first(attempt, attempt.run.payload.get("after", []))
    dataset = declarations.dataset(source.dataset)
    attempt.log(FactsForm(source).said())
    LOADS[dataset.mode](source, dataset, stored_path(source), attempt)


@task("ingest.sweep", every=timedelta(hours=1))
def leftovers_sweep(attempt: "Attempt") -> None:
    """Remove what uploads that broke off have left, and large imports that were undone."""
    parts = sum(apart.parts_sweep(one.model) for one in declarations.datasets() if one.apart)
    attempt.finish(result={"swept": resumable.uploads_sweep(), "parts": parts})


@task("ingest.check", queue="default")
def import_dry_run(attempt: "Attempt") -> None:
    """Clean the whole file and write nothing but the run's result."""
    source = _subject(attempt)
    checking.check(source, declarations.dataset(source.dataset), stored_path(source), attempt)


@task(FIX_TASK, queue="loads")
def import_fix(attempt: "Attempt") -> None:
    """Load corrected rejects into the import that they came from."""
    joining.join(attempt)


@task(UNDO_TASK, queue="loads")
def import_undo(attempt: "Attempt") -> None:
    """Take an import's rows out again."""
    undoing.undo(attempt)


def _subject(attempt: "Attempt") -> Import:
    """The import that a run is about. NotFound where it was deleted meanwhile."""
    source = Import.objects.filter(pk=attempt.run.subject_id or 0).first()
    if source is None:
        raise NotFound(_("This import does not exist any more."))
    return source


@task(backups.BACKUP_TASK, at=time(3, 0))
def backup(attempt: "Attempt") -> None:
    """Back every table up, then let old backups go."""

    def tell(rows: int) -> None:
        attempt.check()
        attempt.progress(rows)

    made = backups.backup_create(by=attempt.run.by, tell=tell)
    attempt.finish(result={"name": made.name, "rows": made.rows, **backups.backups_tidy()})


@task(backups.REHEARSAL_TASK, every=timedelta(weeks=1))
def rehearsal(attempt: "Attempt") -> None:
    """Restore the chosen backup, or the newest, into a scratch schema, and drop it."""

    def tell(rows: int) -> None:
        attempt.check()
        attempt.progress(rows)

    name = attempt.run.payload.get("name") or Backup.objects.values_list("name", flat=True).first()
    if name is None:
        return  # nothing has been backed up yet
    found = backups.backup_rehearse(name=str(name), tell=tell)
    attempt.finish(result={"name": found.name, "rows": found.rows})
