"""The one extension point: who registered for a dataset gets its changed rows, and writes in the same transaction.

Ingest does not know who listens. A listener raising rolls the whole change back.
"""

from collections.abc import Callable
from typing import Protocol

from ingest.declarations import Arrays

Spans = list[tuple[int, int]]  # inclusive id ranges


class Listener(Protocol):
    @property
    def attnames(self) -> frozenset[str]:
        """The columns that `rows_loaded` looks at, beside ids; it may be given more."""
        ...

    def rows_loaded(self, dataset: str, spans: Spans, columns: Arrays) -> Callable[[], None]:
        """Rows about to be copied, at most a million a call: column arrays of equal length, ids under "id".

        Called while the server is still copying, on another thread: compute here, read at most what is committed
        (names of small tables are). The function it returns is called inside the changing transaction, on its
        connection: write there. Dates are datetime64[D] with NaT, money is int64 cents, references end in "_id".
        """
        ...

    def rows_changed(self, dataset: str, spans: Spans) -> None:
        """Rows with ids in `spans` were removed or edited; what is in the table now is the truth."""
        ...


_listeners: dict[str, list[Listener]] = {}


def listen(dataset: str, listener: Listener) -> None:
    """Hand every later change of `dataset` to `listener`."""
    _listeners.setdefault(dataset, []).append(listener)


def listeners(dataset: str) -> list[Listener]:
    """Who listens to `dataset`."""
    return _listeners.get(dataset, [])


def attnames(dataset: str) -> frozenset[str]:
    """The columns that those who listen to `dataset` look at."""
    return frozenset().union(*(listener.attnames for listener in listeners(dataset)))
