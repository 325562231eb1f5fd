"""What staff should look at first: domains add their own matters to those of the engines."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Matter:
    """One line of the panel."""

    text: str
    url: str


Source = Callable[[], list[Matter]]
_sources: list[Source] = []


def matters(source: Source) -> Source:
    """Ask `source` whenever the panel is shown."""
    _sources.append(source)
    return source


def matters_found() -> list[Matter]:
    """What all sources say now."""
    return [matter for source in _sources for matter in source()]
