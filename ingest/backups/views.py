"""The page of backups, for staff: what there is, how old, and whether it came back in rehearsal."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts.models import User
from ingest.backups import services
from ingest.backups.declarations import left_out
from ingest.models import Backup
from ingest.pages import member, page
from skillora.lib.errors import Conflict, NotAllowed


def staff(request: HttpRequest) -> User:
    """Who asks. NotAllowed for everybody but staff: a backup holds everything."""
    user = member(request)
    if not user.is_staff:
        raise NotAllowed(_("Backups hold everybody's data: only staff see them. Ask a member of staff."))
    return user


@page("GET")
def backup_list(request: HttpRequest) -> HttpResponse:
    """All backups, newest first, with the last one's age and what is wrong."""
    staff(request)
    backups = list(Backup.objects.select_related("by")[:100])
    context = {
        "backups": backups,
        "last": backups[0] if backups else None,
        "rehearsed": Backup.objects.exclude(rehearsed_at=None).order_by("-rehearsed_at").first(),
        "concerns": services.concerns(),
        "under_way": services.under_way(),
        "left_out": sorted(left_out().items()),
        "kept": {"days": services.DAYS, "weeks": services.WEEKS, "months": services.MONTHS},
    }
    return render(request, "ingest/backup_list.html", context)


@page("POST")
def backup_new(request: HttpRequest) -> HttpResponse:
    """Back up now, in the background."""
    user = staff(request)
    try:
        services.backup_start(by=user)
    except Conflict as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The backup has begun; it will be on this page when it is whole."))
    return redirect("ingest:backup-list")


@page("POST")
def backup_rehearse(request: HttpRequest, pk: int) -> HttpResponse:
    """Rehearse the restore of one backup, in the background."""
    user, backup = staff(request), get_object_or_404(Backup, pk=pk)
    try:
        services.rehearsal_start(backup=backup, by=user)
    except Conflict as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The rehearsal has begun; what it finds will be on this page."))
    return redirect("ingest:backup-list")
