"""What workers do for imports."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from ingest import checking, declarations
from ingest.loading import load
from ingest.models import Import
from ingest.storage import stored_path
from runs.registry import task
from skillora.lib.errors import NotFound

if TYPE_CHECKING:
    from runs.execution import Attempt


@task("ingest.load", queue="loads")
def import_load(attempt: "Attempt") -> None:
    """Load the import that is the run's subject."""
    source = _subject(attempt)
    load(source, declarations.dataset(source.dataset), stored_path(source), attempt)


@task("ingest.check", queue="default")
def import_dry_run(attempt: "Attempt") -> None:
    """Clean the whole file and write nothing but the run's result."""
    source = _subject(attempt)
    checking.check(source, declarations.dataset(source.dataset), stored_path(source), attempt)


def _subject(attempt: "Attempt") -> Import:
    """The import that a run is about. NotFound where it was deleted meanwhile."""
    source = Import.objects.filter(pk=attempt.run.subject_id or 0).first()
    if source is None:
        raise NotFound(_("This import does not exist any more."))
    return source
