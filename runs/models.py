"""One `Run` row per piece of background work. PostgreSQL holds the truth; the queue is a doorbell."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """queued → running → done | done_with_rejects | failed | cancelled; a done import may become undone."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    DONE_WITH_REJECTS = "done_with_rejects", _("done with rejects")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    UNDONE = "undone", _("undone")


OPEN_STATES = (State.QUEUED, State.RUNNING)
LIVE_STATES = (*OPEN_STATES, State.DONE, State.DONE_WITH_REJECTS)


class RunQuerySet(models.QuerySet["Run"]):
    def open(self) -> "RunQuerySet":
        """Work that is not in a final state."""
        return self.filter(state__in=OPEN_STATES)

    def due(self) -> "RunQuerySet":
        """Open work that does not wait for a later time."""
        return self.open().filter(Q(retry_at=None) | Q(retry_at__lte=Now()))


class Run(models.Model):
    """A piece of work: what, for whom, how far, how it ended.

    `progress_*` and `heartbeat_at` are written over a second connection while the work's own transaction is
    open; the final state is written inside that transaction, only if `attempt` is still ours.
    """

    task = models.CharField(max_length=60)  # a name in runs.registry
    subject_id = models.BigIntegerField(null=True)  # what it works on, e.g. an import's id
    payload = models.JSONField(default=dict, blank=True)
    queue = models.CharField(max_length=20, default="default")
    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED)
    unique_key = models.CharField(max_length=200, null=True, blank=True)  # at most one live run per key
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    attempt = models.PositiveIntegerField(default=0)
    stalls = models.PositiveIntegerField(default=0)  # attempts in a row that got no further
    high_water = models.BigIntegerField(default=0)  # the furthest progress of any attempt
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True)
    progress_note = models.CharField(max_length=200, blank=True)
    progress_detail = models.JSONField(
        default=dict, blank=True
    )  # counters so far, rates by second: for pages
    cancel_requested = models.BooleanField(default=False)
    worker = models.CharField(max_length=120, blank=True)
    log = models.JSONField(default=list, blank=True)  # [{"at": iso, "text": …}], newest last, at most 50
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    result = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    retry_at = models.DateTimeField(null=True)  # waits until then: see error_message
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["unique_key"], condition=Q(state__in=LIVE_STATES), name="runs_run_one_live_per_key"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state__in=OPEN_STATES), name="runs_run_open"),
            models.Index(fields=["task", "subject_id"], name="runs_run_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def percent(self) -> int | None:
        """0..100, or None while the total is unknown."""
        if not self.progress_total:
            return None
        return min(100, int(100 * self.progress_done / self.progress_total))

    @property
    def seconds(self) -> float | None:
        """How long the attempt has worked, as far as it has told; None before it started."""
        last = self.finished_at or self.heartbeat_at
        return max(0.0, (last - self.started_at).total_seconds()) if self.started_at and last else None

    @property
    def rate(self) -> float | None:
        """Units of progress per second of this attempt, or None before there is any."""
        return self.progress_done / self.seconds if self.seconds and self.progress_done else None

    @property
    def eta_seconds(self) -> float | None:
        """How long a running attempt still needs at that rate, or None while nobody can tell."""
        if self.state != State.RUNNING or not self.rate or self.progress_total is None:
            return None
        return max(0, self.progress_total - self.progress_done) / self.rate


class ScheduleSlot(models.Model):
    """One due time of one schedule: the unique row that lets only one scheduler start it."""

    name = models.CharField(max_length=60)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "due_at"], name="runs_schedule_slot_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.due_at:%Y-%m-%d %H:%M}"
