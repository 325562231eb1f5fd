"""What the owners of tables say about them, in an app's `stored.py`, which is found like `admin.py`.

Imports no other module of ingest, so that everything may import it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import autodiscover_modules


@dataclass(frozen=True, kw_only=True)
class Partitions:
    """A partitioned table whose parts are made on demand.

    wanted: SQL whose one column numbers the parts that the rows need. make: called with a cursor and such a number.
    """

    wanted: str
    make: Callable[[Any, int], None]


# Tables whose rows are nobody's work: label → reason. Those of other packages; apps add their own.
_left_out: dict[str, str] = {
    "sessions.session": "people sign in again",
    "axes.accessattempt": "failed sign-ins of the last minutes",
    "axes.accessattemptexpiration": "failed sign-ins of the last minutes",
    "axes.accesslog": "a log of sign-ins",
    "axes.accessfailurelog": "a log of sign-ins",
    "accounts.idempotentreply": "answers to calls of the last day",
    "runs.scheduleslot": "due times that have passed",
}
# Written by `migrate` itself: an otherwise empty database has rows in them.
_seeded: set[str] = {"contenttypes.contenttype", "auth.permission"}
_partitions: dict[str, Partitions] = {}
_rebuilds: list[Callable[[], None]] = []


def leave_out(label: str, reason: str) -> None:
    """Do not store the rows of a model ("app.model"): they are short-lived, or follow from other rows."""
    _left_out[label] = reason


def seeded(*labels: str) -> None:
    """Models that have rows in an empty database; a restore replaces them."""
    _seeded.update(labels)


def partitioned(label: str, partitions: Partitions) -> None:
    """A restore makes these parts before it copies the rows."""
    _partitions[label] = partitions


def rebuild(work: Callable[[], None]) -> None:
    """`work` makes derived rows out of the restored ones, inside the restore's transaction."""
    _rebuilds.append(work)


def discover() -> None:
    """Let every app have its say, once."""
    autodiscover_modules("stored")


def left_out() -> dict[str, str]:
    """Label → reason of the models that no backup holds."""
    discover()
    return dict(_left_out)


def is_seeded(label: str) -> bool:
    """Whether a model has rows in an empty database."""
    return label in _seeded


def partitions(label: str) -> Partitions | None:
    """How the parts of a model's table are made; None for an ordinary table."""
    return _partitions.get(label)


def rebuilds() -> list[Callable[[], None]]:
    """What to run once the rows are there."""
    return list(_rebuilds)
