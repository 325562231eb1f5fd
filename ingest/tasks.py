"""What workers do for imports."""

from typing import TYPE_CHECKING

from ingest import checking, declarations
from ingest.loading import load
from ingest.models import Import
from ingest.storage import stored_path
from runs.registry import task

if TYPE_CHECKING:
    from runs.execution import Attempt


@task("ingest.load", queue="loads")
def import_load(attempt: "Attempt") -> None:
    """Load the import that is the run's subject."""
    source = Import.objects.get(pk=attempt.run.subject_id)
    load(source, declarations.dataset(source.dataset), stored_path(source), attempt)


@task("ingest.check", queue="default")
def import_dry_run(attempt: "Attempt") -> None:
    """Clean the whole file and write nothing but the run's result."""
    source = Import.objects.get(pk=attempt.run.subject_id)
    checking.check(source, declarations.dataset(source.dataset), stored_path(source), attempt)
