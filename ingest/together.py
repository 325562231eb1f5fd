"""Several files at once: each finds its dataset, and those that others refer to are loaded first."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from ingest import services, storage
from ingest.declarations import Dataset
from ingest.declarations import dataset as declared
from ingest.facts import Facts
from ingest.kinds import References
from ingest.models import Import
from ingest.recognition import recognise_together
from runs import execution
from runs.models import OPEN_STATES, Run
from skillora.lib.errors import DomainError

if TYPE_CHECKING:
    from runs.execution import Attempt

FILES_MAX = 20
POLL_SECONDS = 0.2


def imports_create_together(
    *, by: User | None, files: Sequence[tuple["UploadedFile[Any] | Path", str]], fallback: str
) -> list[Import]:
    """An import for each (upload, name), in the dataset that its shape says; `fallback` where it says nothing.

    All or none. Errors as for `import_create`, with the file's name.
    """
    if not 1 <= len(files) <= FILES_MAX:
        raise DomainError(_("Choose 1 to %(n)s files.") % {"n": FILES_MAX}, code="files_count")
    made: list[Import] = []
    try:
        for upload, name in files:
            try:
                made.append(services.import_create(by=by, dataset=fallback, upload=upload, name=name))
            except DomainError as error:
                raise DomainError(
                    f"{name}: {error.message}", error.code, error.status, error.errors
                ) from error
        known = [(storage.stored_path(one), Facts.from_json(one.facts), one.name) for one in made]
        with transaction.atomic():
            for source, found in zip(made, recognise_together(known), strict=True):
                if found is not None:
                    source.dataset, source.suggestion = found.dataset.slug, found.suggestion.to_json()
                    source.save(update_fields=["dataset", "suggestion"])
    except BaseException:
        for source in made:
            services.import_delete(source=source, by=by)
        raise
    return in_order(made)


def imports_submit_together(
    *, by: User | None, sources: Sequence[Import], lenient: bool = False, force: bool = False
) -> list[Run]:
    """Map each import as suggested and start its load; those that refer to others wait for them."""
    runs: dict[str, list[Run]] = {}
    started = []
    with transaction.atomic():
        for source in in_order(sources):
            mapped = services.import_map(source=source, by=by, fill=True, column_map={}, lenient=lenient)
            after = [run for slug in _needed(declared(source.dataset)) for run in runs.get(slug, [])]
            run = services.import_submit(source=mapped, by=by, force=force, after=after)
            runs.setdefault(source.dataset, []).append(run)
            started.append(run)
    return started


def in_order(sources: Sequence[Import]) -> list[Import]:
    """Those first that others refer to, otherwise as given."""
    slugs = {source.dataset for source in sources}
    placed: list[str] = []

    def place(slug: str, above: tuple[str, ...] = ()) -> None:
        for other in sorted(_needed(declared(slug)) & slugs):
            if other not in placed and other not in above:
                place(other, (*above, slug))
        if slug not in placed:
            placed.append(slug)

    for source in sources:
        place(source.dataset)
    return sorted(sources, key=lambda source: placed.index(source.dataset))


def _needed(dataset: Dataset) -> set[str]:
    """Datasets whose rows it refers to."""
    return {c.kind.dataset for c in dataset.columns if isinstance(c.kind, References)} - {dataset.slug}


def finish_first(attempt: "Attempt", ids: Sequence[int]) -> None:
    """Until these runs have ended: does what nobody has begun, waits for what others do."""
    for pk in ids:
        while Run.objects.filter(pk=pk, state__in=OPEN_STATES).exists():
            attempt.check()
            attempt.progress(0, note=_("Waits for the files that it refers to"))
            if execution.execute(pk) is None:
                time.sleep(POLL_SECONDS)
