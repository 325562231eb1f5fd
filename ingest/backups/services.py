"""Verbs on backups that commands, pages and tasks share."""

import re
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from ingest.backups import manifest, restoring, writing
from ingest.backups.manifest import Manifest
from ingest.backups.storages import Storage, storage
from ingest.models import Backup
from runs.models import OPEN_STATES, Run, State
from runs.services import run_start
from skillora.lib.errors import Conflict, DomainError, NotFound

BACKUP_TASK = "ingest.backup"
REHEARSAL_TASK = "ingest.rehearsal"
DAYS, WEEKS, MONTHS = 7, 4, 6  # the newest of each is kept
UNFINISHED = timedelta(days=1)  # afterwards a backup without a manifest is swept
STALE = timedelta(hours=36)  # older than this, the last backup is a reason to look
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


def backup_create(*, by: User | None, to: str = "", tell: writing.Tell = lambda rows: None) -> Manifest:
    """Back every table up, to the configured storage unless `to` names another; its manifest.

    Raises DomainError where the storage refuses.
    """
    place = storage(to)
    made = writing.write(place, tell)
    if not to:
        _record(made, place, by)
    return made


def _record(made: Manifest, place: Storage, by: User | None = None) -> None:
    fields = {
        "place": place.place,
        "created_at": datetime.fromisoformat(made.created_at),
        "tables": len(made.tables),
        "rows": made.rows,
        "size": made.size,
        "seconds": made.seconds,
    }
    Backup.objects.get_or_create(name=made.name, defaults={**fields, "by": by})


def backup_start(*, by: User) -> Run:
    """Back up in the background. Raises Conflict while a backup is under way."""
    return _start(BACKUP_TASK, by, {})


def rehearsal_start(*, backup: Backup, by: User) -> Run:
    """Rehearse the restore of a backup in the background. Raises Conflict while one is under way."""
    return _start(REHEARSAL_TASK, by, {"name": backup.name})


def _start(task: str, by: User, payload: dict[str, object]) -> Run:
    if not by.is_staff:
        raise DomainError(_("Only staff may do this."), "not_allowed", 403)
    with transaction.atomic():
        if Run.objects.open().filter(task=task).exists():
            raise Conflict(_("This is under way already: its result will be on this page."))
        return run_start(task=task, by=by, payload=payload)


def located(name: str) -> tuple[Storage, str]:
    """The storage and the name of a backup: its name, "latest", its folder, or s3://bucket/prefix/name.

    Raises NotFound where there is none.
    """
    address, _slash, last = name.rstrip("/").rpartition("/")
    place = storage(address)
    if not address and not _NAME.fullmatch(last) and Path(last).is_dir():
        place = storage(str(Path.cwd()))
    if last == "latest":
        whole = [n for n in place.names() if _NAME.fullmatch(n)]
        last = whole[-1] if whole else last
    if last not in place.names():
        raise NotFound(
            _("There is no backup %(name)s in %(place)s: see /backups/ for those there are.")
            % {"name": last[:80], "place": place.place}
        )
    return place, last


def backup_restore(*, name: str, tell: restoring.Tell = lambda rows: None) -> Manifest:
    """Restore a backup into the configured, empty database."""
    place, name = located(name)
    return restoring.into_empty(place, name, tell)


def backup_rehearse(*, name: str, tell: restoring.Tell = lambda rows: None) -> Manifest:
    """Restore a backup into a scratch schema, and note what came of it. Raises what is wrong with it."""
    place, name = located(name)
    error = ""
    try:
        return restoring.rehearse(place, name, tell)
    except DomainError as raised:
        error = raised.message
        raise
    finally:
        Backup.objects.filter(name=name).update(rehearsed_at=timezone.now(), rehearsal_error=error)


def kept(times: list[datetime]) -> set[datetime]:
    """Which of the backups of these moments stay: the newest of each of the last days, weeks and months that
    have one, and all of the last 24 hours before the newest of all: who makes two in a row finds both.
    """
    since = max(times, default=timezone.now()) - timedelta(days=1)
    stay = {moment for moment in times if moment > since}
    spans = (("%Y-%m-%d", DAYS), ("%G-%V", WEEKS), ("%Y-%m", MONTHS))
    for span, count in spans:
        newest: dict[str, datetime] = {}
        for moment in sorted(times, reverse=True):
            newest.setdefault(moment.astimezone(UTC).strftime(span), moment)
        stay.update(list(newest.values())[:count])
    return stay


def backups_tidy() -> dict[str, int]:
    """Make the rows agree with the storage, remove backups that are too old and what broken-off ones left.

    Safe at any time: a backup under way is younger than a day.
    """
    place = storage()
    moments = {_made_at(name): name for name in place.names() if _NAME.fullmatch(name)}
    whole = {moment: name for moment, name in moments.items() if _finished(place, name)}
    stay = kept(list(whole))
    old = [name for moment, name in whole.items() if moment not in stay]
    broken = [
        name
        for moment, name in moments.items()
        if moment not in whole and timezone.now() - moment > UNFINISHED
    ]
    for name in (*old, *broken):
        place.remove(name)
    Backup.objects.filter(place=place.place).exclude(name__in=[whole[moment] for moment in stay]).delete()
    return {"kept": len(stay), "removed": len(old), "swept": len(broken)}


def _made_at(name: str) -> datetime:
    return datetime.strptime(name.partition("-")[0], writing.TIME_FORMAT).replace(tzinfo=UTC)


def _finished(place: Storage, name: str) -> bool:
    """Whether the backup has a manifest; a row is made where it is missing (after a restore it is)."""
    if Backup.objects.filter(name=name, place=place.place).exists():
        return True
    try:
        with tempfile.TemporaryDirectory() as folder:
            _record(restoring.manifest_of(place, name, Path(folder)), place)
    except manifest.Incomplete:
        return False
    except DomainError:
        return True  # damaged or newer: not ours to judge here, and never a reason to remove it early
    return True


class Concern(NamedTuple):
    """A reason for staff to look at the backups; tone: "bad" or "warn"."""

    tone: str
    title: str
    text: str


def concerns() -> list[Concern]:
    """What is wrong with the backups now; empty while all is well. For the page, and for the admin's index."""
    found = []
    for task, title in (
        (BACKUP_TASK, _("The last backup failed")),
        (REHEARSAL_TASK, _("The last rehearsal failed")),
    ):
        last = Run.objects.filter(task=task).exclude(state__in=(*OPEN_STATES, State.CANCELLED)).first()
        if last and last.state == State.FAILED:
            found.append(Concern("bad", title, last.error_message))
    newest = Backup.objects.first()
    if newest and newest.created_at < timezone.now() - STALE:
        text = _("Is the scheduler running? A backup is due each day at 03:00 UTC.")
        found.append(Concern("warn", _("The last backup is older than a day and a half"), text))
    return found


def under_way() -> list[Run]:
    """Backups and rehearsals that have not ended."""
    return list(Run.objects.open().filter(task__in=(BACKUP_TASK, REHEARSAL_TASK)))
