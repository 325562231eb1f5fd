"""The one extension point: who registered for a dataset gets its changed rows inside the changing transaction.

Ingest does not know who listens. A listener raising rolls the whole change back.
"""

from typing import Protocol

from ingest.declarations import Arrays

Spans = list[tuple[int, int]]  # inclusive id ranges


class Listener(Protocol):
    def rows_loaded(self, dataset: str, spans: Spans, columns: Arrays) -> None:
        """Rows just copied, at most a million a call: column arrays of equal length, ids under "id"."""
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
