"""How much may wait at once: a queue that only grows helps nobody."""

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from runs import doorbell
from runs.models import Run
from skillora.lib.errors import Busy

TASKS = ("ingest.load", "ingest.check", "ingest.fix", "ingest.undo")


def queue_checked(by: User | None) -> None:
    """Busy (429) where `by`, or everybody together, has as many loads and checks open as settings allow."""
    open_runs = Run.objects.open().filter(task__in=TASKS)
    mine = open_runs.filter(by=by).count() if by else 0
    if mine >= settings.IMPORTS_OPEN_PER_USER:
        message = _(
            "%(n)s of your files are waiting or loading, which is the most at once: wait for one to end."
        )
        raise Busy(message % {"n": mine}, code="too_many_of_yours")
    everybody = open_runs.count()
    if everybody >= settings.IMPORTS_OPEN:
        message = _("%(n)s files are waiting or loading, which is the most at once: try again in a minute.")
        raise Busy(message % {"n": everybody}, code="queue_full")


def queue_trouble() -> str:
    """What keeps files from being loaded, in words for staff; "" where nothing does."""
    found = doorbell.workers()
    if found is None:
        return _(
            "The queue server does not answer. Files are still loaded, a few seconds later: workers look for "
            "them themselves. Look at REDIS_URL and at the server's log."
        )
    if not found[0]:
        return _("No worker is running: files wait. Start one with manage.py worker, or make run.")
    return ""
