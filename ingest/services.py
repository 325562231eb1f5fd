"""The verbs of an import: create, map, check, submit, cancel. Pages, API and commands share them.

All are keyword-only and atomic; what cannot be done raises a DomainError that says what to do next.
"""

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet

from accounts.models import User
from ingest.models import Import
from runs.models import Run

if TYPE_CHECKING:
    from ingest.mapping import Mapping


@dataclass(frozen=True)
class ReasonGroup:
    """Rejects that share a reason."""

    code: str
    field: str  # canonical column; "" = the whole line
    column: str  # the file's header
    message: str  # what is wrong, in the reader's language
    fix: str  # what to do about it
    rows: int
    examples: list[dict[str, Any]]  # [{"line": 3, "value": "abc"}], at most three


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


def import_create(*, by: User | None, dataset: str, upload: UploadedFile | Path, name: str) -> Import:
    """Store a file and find out how it is written. 413 too large; 400 not a table, empty, header only."""
    raise NotImplementedError


def import_facts_change(*, source: Import, by: User | None, overrides: MappingOf[str, Any]) -> Import:
    """Read the stored file anew with what the user says: delimiter, encoding, header_line, sheet, …"""
    raise NotImplementedError


def import_map(
    *,
    source: Import,
    by: User | None,
    mapping: "Mapping | None" = None,
    column_map: MappingOf[str, str] | None = None,
    fill: bool = False,
    constants: MappingOf[str, str] | None = None,
    lenient: bool = False,
) -> Import:
    """Say what goes where: a whole mapping, or canonical name → header; `fill` suggests the rest."""
    raise NotImplementedError


def import_check(*, source: Import, by: User | None) -> Run:
    """Start the dry run; its result holds a Summary's counts and groups. Writes nothing else."""
    raise NotImplementedError


def import_submit(*, source: Import, by: User | None, force: bool = False) -> Run:
    """Start the load. The same file and mapping loaded before: Conflict with `.existing`, unless `force`."""
    raise NotImplementedError


def import_cancel(*, source: Import, by: User | None) -> Import:
    """Ask the import's load to stop; nothing of it stays."""
    raise NotImplementedError


def import_remap(*, source: Import, by: User | None) -> Import:
    """An import of the same stored file to map again: a new one, or the same while nothing was loaded."""
    raise NotImplementedError


def imports_visible(by: User) -> QuerySet[Import]:
    """The imports that `by` may read: all, for every member."""
    raise NotImplementedError


def import_for(*, by: User, pk: int, change: bool = False) -> Import:
    """One import. NotFound; with `change`, NotAllowed unless `by` is its owner and an editor, or staff."""
    raise NotImplementedError


def import_delete(*, source: Import, by: User | None) -> None:
    """Forget an upload of which nothing was ever loaded, and its file."""
    raise NotImplementedError


def import_summary(source: Import) -> Summary:
    """What page and API say about an import now."""
    raise NotImplementedError


def rejects_csv(source: Import) -> Iterator[bytes]:
    """Rejects as CSV, UTF-8 with BOM: line, reason, message, the original columns; safe in a spreadsheet."""
    raise NotImplementedError
