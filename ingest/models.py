"""What came in: an `Import` per file (or batch, or admin edit), and a `Reject` per line that did not load."""

import uuid
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from runs.models import State
from skillora.lib.errors import DomainError, NotFound
from skillora.lib.prepared import asked

LINE_BITS = 32  # a stored row's id is import << 32 | line: unique by construction, and its own lineage
LINE_MASK = (1 << LINE_BITS) - 1
APART = 1 << 52  # set in ids of rows that lie in tables of their own (ingest.apart)
IMPORT_MAX = (1 << 20) - 1  # keeps ids under 2**53, so that JSON numbers hold them
ID_FITS = "ingest_import_id_fits_row_ids"


def row_id(import_id: int, line: int) -> int:
    """The id of the row that `line` of the import became."""
    return import_id << LINE_BITS | line


def row_origin(pk: int) -> tuple[int, int]:
    """(import id, line) of a stored row's id, or of what wrote it."""
    if APART <= pk < 2 * APART:
        pk -= APART
    return pk >> LINE_BITS, pk & LINE_MASK


class Origin(models.TextChoices):
    FILE = "file", _("file")
    BATCH = "batch", _("batch")
    ADMIN = "admin", _("admin")
    SOURCE = "source", _("source")


class Stage(models.TextChoices):
    """Where an import stands before its load has a run; afterwards the run's state is the truth."""

    UPLOADED = "uploaded", _("uploaded")
    MAPPED = "mapped", _("mapped")


class ImportQuerySet(models.QuerySet["Import"]):
    def with_run(self) -> "ImportQuerySet":
        """Imports with their load's run and their owner, for lists."""
        return self.select_related("load", "by")

    def locked(self, pk: int) -> "Import":
        """One import, locked until the transaction ends. NotFound where it was deleted, perhaps a moment ago."""
        found = self.select_for_update(of=("self",)).with_run().filter(pk=pk).first()
        if found is None:
            raise NotFound(gettext("There is no import %(id)s.") % {"id": pk})
        return found

    def draw_id(self) -> int:
        """The id of an import that is saved later, once it is known what became of its rows. DomainError 507."""
        pk = int(asked("SELECT nextval(pg_get_serial_sequence('ingest_import', 'id'))")[0][0])
        if pk > IMPORT_MAX:
            raise _ids_used()
        return pk


def _ids_used() -> DomainError:
    message = gettext(
        "All %(n)s import ids are used: nothing more can be taken in. Tell the operators: "
        "docs/operations.md says what to do."
    )
    return DomainError(message % {"n": f"{IMPORT_MAX:,}"}, "import_ids_used", 507)


class Import(models.Model):
    """One file (batch, edit) on its way into one dataset. Nothing is written before its load is submitted.

    read = inserted + updated + unchanged + rejected + skipped, at every moment, held by the database.
    """

    dataset = models.CharField(_("dataset"), max_length=40)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.FILE)
    name = models.CharField(_("file name"), max_length=255)
    stored = models.CharField(
        max_length=60, blank=True
    )  # "<uuid>.<ext>" in UPLOAD_DIR: an identifier, never a path
    size = models.BigIntegerField(default=0)  # bytes
    sha256 = models.CharField(max_length=64, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="imports"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.UPLOADED)
    facts = models.JSONField(default=dict, blank=True)  # ingest.facts.Facts: how the file is written
    suggestion = models.JSONField(default=dict, blank=True)  # ingest.mapping.Suggestion
    mapping = models.JSONField(default=dict, blank=True)  # ingest.mapping.Mapping: what goes where
    lenient = models.BooleanField(default=False)
    apart = models.BooleanField(default=False)  # its rows lie in tables of their own (ingest.apart)
    check_run = models.OneToOneField("runs.Run", null=True, on_delete=models.SET_NULL, related_name="+")
    load = models.OneToOneField("runs.Run", null=True, on_delete=models.PROTECT, related_name="loaded_import")
    rows_read = models.BigIntegerField(default=0)
    inserted = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)

    objects = ImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    rows_read=F("inserted") + F("updated") + F("unchanged") + F("rejected") + F("skipped")
                ),
                name="ingest_import_rows_conserved",
            ),
            models.CheckConstraint(condition=Q(id__lte=IMPORT_MAX), name=ID_FITS),
        ]
        indexes = [models.Index(fields=["sha256"], name="ingest_import_sha256")]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """DomainError 507 where all ids that rows can carry are used up."""
        try:
            super().save(*args, **kwargs)
        except IntegrityError as error:
            if ID_FITS not in str(error):
                raise
            raise _ids_used() from error

    @property
    def state(self) -> str:
        """uploaded, mapped, or the state of the load's run."""
        return self.load.state if self.load else self.stage

    @property
    def loaded(self) -> int:
        """Rows of the file that the table has, whoever wrote them first."""
        return self.inserted + self.updated + self.unchanged

    def row_id(self, line: int) -> int:
        """The id of the row that a line became, where rows are appended."""
        return row_id(self.pk, line) | (APART if self.apart else 0)

    def key_range(self) -> tuple[int, int]:
        """First and last id that rows of this import can have, or `origin` where they are found by a key."""
        return self.row_id(0), self.row_id(LINE_MASK)


class Upload(models.Model):
    """A file that comes in parts (ingest.resumable); what has arrived lies in UPLOAD_DIR as `<id>.part`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    dataset = models.CharField(max_length=40)
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()  # bytes, of the whole file
    sha256 = models.CharField(max_length=64, blank=True)  # of the whole file, where the sender said it
    source = models.ForeignKey(
        Import, null=True, on_delete=models.CASCADE, related_name="+"
    )  # once it is whole
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class RejectState(models.TextChoices):
    OPEN = "open", _("rejected")
    VALID = "valid", _("valid now")  # as edited; not loaded yet
    FIXED = "fixed", _("fixed")
    DISCARDED = "discarded", _("left out")


class RejectQuerySet(models.QuerySet["Reject"]):
    def pending(self) -> "RejectQuerySet":
        """Those that count as rejected: not loaded since, not left out."""
        return self.filter(state__in=(RejectState.OPEN, RejectState.VALID))

    def to_fix(self) -> "RejectQuerySet":
        """Those of them that can be corrected: of an import that was taken back none can."""
        return self.pending().filter(source__load__state=State.DONE_WITH_REJECTS)


class Reject(models.Model):
    """One line of a file that did not load, with its first error in columns of its own, and all in `errors`.

    id is import and line packed, as for stored rows. `cells` are the line's cells as text, by position; a line
    that could not be cut into cells is one cell.
    """

    id = models.BigIntegerField(primary_key=True)
    source = models.ForeignKey(
        Import,
        on_delete=models.CASCADE,
        related_name="rejects",
        db_column="import_id",
        db_index=False,  # the index below starts with it
        db_constraint=False,  # written by the load of that import alone, in its own transaction
    )
    line = models.BigIntegerField()
    column = models.CharField(max_length=200, blank=True)  # the file's own header; "" means the whole line
    field = models.CharField(max_length=60, blank=True)  # the canonical column
    value = models.TextField(blank=True)
    code = models.CharField(max_length=40)  # ingest.reasons
    message = models.CharField(max_length=300)
    errors = models.JSONField(default=list)  # [{column, field, value, code, message}]
    cells = models.JSONField(default=list)  # [text]
    state = models.CharField(max_length=10, choices=RejectState.choices, default=RejectState.OPEN)
    # {"cells": as somebody corrected them, "errors": those it came with}; `errors` are then those of the correction
    edited = models.JSONField(null=True, blank=True)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    version = models.IntegerField(default=0, db_default=0)  # how often it was edited

    objects = RejectQuerySet.as_manager()

    class Meta:
        verbose_name = _("reject")
        verbose_name_plural = _("rejects")
        ordering = ["id"]
        indexes = [models.Index(fields=["source", "code", "id"], name="ingest_reject_by_reason")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"

    @property
    def current(self) -> list[str]:
        """Its cells as they would load: corrected, where somebody did."""
        return list(self.edited["cells"] if self.edited else self.cells)


class RememberedMapping(models.Model):
    """What was decided the last time that a file with these headers was loaded into a dataset."""

    dataset = models.CharField(_("dataset"), max_length=40)
    fingerprint = models.CharField(max_length=64)  # of the folded headers in their order (ingest.remembering)
    mapping = models.JSONField(default=dict)  # ingest.mapping.Mapping
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(_("decided"))

    class Meta:
        verbose_name = _("remembered mapping")
        verbose_name_plural = _("remembered mappings")
        ordering = ["-decided_at"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "fingerprint"], name="ingest_remembered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} {self.fingerprint[:8]}"


class Previous(models.Model):
    """What a stored row was before an upsert changed it: the journal that an undo restores from.

    id is import and line packed, of the line that changed the row. Rows that an upsert made have none: their
    `origin` alone says who made them. Of a row that one import changes twice, only the first state is here.
    """

    id = models.BigIntegerField(primary_key=True)
    source = models.ForeignKey(
        Import,
        on_delete=models.CASCADE,
        related_name="previous",
        db_column="import_id",
        db_index=False,  # the rows of an import are a range of the key
        db_constraint=False,  # half a million rows at once; an import that was loaded is never deleted
    )
    dataset = models.CharField(max_length=40)
    key = models.BigIntegerField()  # of the stored row
    line = models.BigIntegerField()
    row = models.JSONField()  # column of the table → value, all of them

    class Meta:
        db_table = "ingest_journal"
        verbose_name = _("previous value")
        verbose_name_plural = _("previous values")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.dataset} {self.key}"


class Backup(models.Model):
    """A finished backup, as its manifest in the storage says; the storage is the truth (ingest.backups)."""

    name = models.CharField(_("name"), max_length=60, unique=True)  # "20261122T030000Z-3fa9c1", its folder
    place = models.CharField(_("place"), max_length=300)  # of the storage: a folder, or s3://bucket/prefix
    created_at = models.DateTimeField(_("made"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    tables = models.IntegerField(_("tables"), default=0)
    rows = models.BigIntegerField(_("rows"), default=0)
    size = models.BigIntegerField(_("size"), default=0)  # bytes
    seconds = models.FloatField(_("seconds"), default=0)
    rehearsed_at = models.DateTimeField(
        _("restored in rehearsal"), null=True
    )  # last time, whatever came of it
    rehearsal_error = models.TextField(_("what the rehearsal found"), blank=True)  # "": it came back whole

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name
