"""What staff should look at first, for the admin's first page."""

from datetime import timedelta

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ingest.attention import Matter, matters_found
from ingest.models import IMPORT_MAX, Import, Reject, RejectState
from runs.models import Run, State

register = template.Library()
COUNT_LIMIT = 10_000
RECENT = timedelta(days=7)
WAITING = timedelta(minutes=5)
IDS_LOW = 0.8  # of the import ids that there are


@register.simple_tag
def needs_attention() -> list[Matter]:
    """Failed runs of the last seven days, runs that nobody takes, open rejects; [] when all is well."""
    now = timezone.now()
    found = []
    runs = reverse("admin:runs_run_changelist")
    if failed := Run.objects.filter(state=State.FAILED, finished_at__gte=now - RECENT).count():
        text = ngettext("%(n)s run failed in the last 7 days", "%(n)s runs failed in the last 7 days", failed)
        found.append(Matter(text % {"n": f"{failed:,}"}, f"{runs}?state__exact={State.FAILED}"))
    if waiting := Run.objects.filter(state=State.QUEUED, created_at__lt=now - WAITING).count():
        text = ngettext(
            "%(n)s run waits for more than 5 minutes: is a worker up?",
            "%(n)s runs wait for more than 5 minutes: is a worker up?",
            waiting,
        )
        found.append(Matter(text % {"n": f"{waiting:,}"}, f"{runs}?state__exact={State.QUEUED}"))
    if rejects := Reject.objects.filter(state=RejectState.OPEN).order_by()[:COUNT_LIMIT].count():
        more = "+" if rejects == COUNT_LIMIT else ""
        text = _("%(n)s lines were rejected and are not fixed") % {"n": f"{rejects:,}{more}"}
        found.append(
            Matter(text, f"{reverse('admin:ingest_reject_changelist')}?state__exact={RejectState.OPEN}")
        )
    last = Import.objects.order_by("-id").values_list("id", flat=True).first() or 0
    if last > IMPORT_MAX * IDS_LOW:
        text = _("%(n)s of %(most)s import ids are used: see docs/operations.md") % {
            "n": f"{last:,}",
            "most": f"{IMPORT_MAX:,}",
        }
        found.append(Matter(text, reverse("admin:ingest_import_changelist")))
    return [*found, *matters_found()]
