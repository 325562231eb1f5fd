"""Corrected rejects into the import that they came from: same lines, same ids, in one transaction.

`rejects_load` starts it for what was corrected on the page; `rejects_resubmit` for a spreadsheet sent back.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from ingest import storage
from ingest.cleaning import Clean
from ingest.declarations import Dataset, dataset
from ingest.fixing import Judge, pieces, rejects_rejudge
from ingest.loading import Counts, rows_append
from ingest.models import Import, RejectState
from ingest.resubmitting import Returned, sheet_apply
from ingest.settled import FIX_TASK, counts_change, loaded_import, loaded_locked
from ingest.upserting import alone, batch_write
from runs.models import Run
from runs.services import run_start
from skillora.lib.errors import Conflict

if TYPE_CHECKING:
    from runs.execution import Attempt


@dataclass
class Joined:
    """What a run added. wrong: corrected rows that are not valid after all."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0  # of an upsert dataset: a later corrected line has the same key
    wrong: int = 0

    @property
    def loaded(self) -> int:
        """Rejects that are none any more."""
        return self.inserted + self.updated + self.unchanged + self.skipped


@transaction.atomic
def rejects_load(*, source: Import, by: User | None) -> Run:
    """Start to load the rows that are valid now. Conflict where none is, or somebody else has just begun."""
    source = loaded_import(source=source, by=by)
    if not source.rejects.filter(state=RejectState.VALID).exists():
        raise Conflict(_("No rejected row is valid yet: correct one first."), "nothing_fixed")
    return run_start(task=FIX_TASK, by=by, subject_id=source.pk)


def rejects_resubmit(
    *, source: Import, by: User | None, upload: "UploadedFile[Any] | Path", name: str
) -> Run:
    """Take the rejects back as a corrected CSV or workbook, and load what is valid in it."""
    stored = storage.file_store(upload, name)
    try:
        with transaction.atomic():
            source = loaded_import(source=source, by=by)
            payload = {"stored": stored.name, "name": name[-200:]}
            return run_start(task=FIX_TASK, by=by, subject_id=source.pk, payload=payload)
    except BaseException:
        storage.file_forget(stored.name)
        raise


def join(attempt: "Attempt") -> None:
    """The run: a sheet's corrections first, where one was sent; then all rows that are valid, into the table."""
    run = attempt.run
    sheet = str(run.payload.get("stored", ""))
    with transaction.atomic():
        source = loaded_locked(run.subject_id or 0)
        declared = dataset(source.dataset)
        returned = (
            sheet_apply(source, run.by, sheet, str(run.payload.get("name", ""))) if sheet else Returned()
        )
        joined = _join_valid(source, declared, attempt)
        counts_change(
            source,
            inserted=joined.inserted,
            updated=joined.updated,
            unchanged=joined.unchanged,
            skipped=joined.skipped,
            rejected=-joined.loaded,
        )
        attempt.log(_("%(n)s corrected rows joined this import") % {"n": joined.loaded})
        attempt.finish(result={**vars(joined), "loaded": joined.loaded, **vars(returned)})
    if sheet:
        storage.file_forget(sheet)


def _join_valid(source: Import, declared: Dataset, attempt: "Attempt") -> Joined:
    """Load the rows that are valid now, and mark their rejects."""
    judge, joined = Judge(source, declared, dry=False), Joined()
    if declared.mode == "upsert":
        alone(declared)
    valid = source.rejects.filter(state=RejectState.VALID).order_by("id")
    for some in pieces(list(valid.select_for_update(of=("self",)))):
        attempt.check()
        clean = judge.clean([(reject.line, reject.current) for reject in some])
        rejects_rejudge(list(some), clean.rejected)
        joined.wrong += len(clean.rejected)
        if len(clean.lines):
            counts = rows_join(source, declared, judge, clean)
            joined.inserted += counts.inserted
            joined.updated += counts.updated
            joined.unchanged += counts.unchanged
            joined.skipped += counts.skipped
            source.rejects.filter(line__in=clean.lines.tolist()).update(state=RejectState.FIXED)
        attempt.progress(joined.loaded)
    return joined


def rows_join(source: Import, declared: Dataset, judge: Judge, clean: Clean) -> Counts:
    """Add cleaned rows to a dataset as lines of an import, and tell the listeners."""
    if declared.mode == "upsert":
        return batch_write(source.pk, declared, judge.cleaner.given, clean).counts
    return Counts(inserted=len(rows_append(source, declared, clean)))
