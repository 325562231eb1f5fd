"""How much of a table came through: success, and precision, recall and F1 of header, records and cells.

Ten points a file, as the Pollock benchmark counts them. Cells are compared without outer blanks, records without
empty cells at their end, both without regard to order.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

Table = list[list[str]]


@dataclass(frozen=True)
class Came:
    """What a reader made of a file; ok: it did not fail."""

    ok: bool
    header: list[str]
    records: Table


FAILED = Came(False, [], [])


def points(header: list[str], records: Table, came: Came) -> float:
    """0..10."""
    if not came.ok:
        return 0.0
    wanted, found = [_bare(row) for row in records], [_bare(row) for row in came.records]
    return (
        1.0
        + _measure(_bare(header), _bare(came.header))
        + _measure([tuple(row) for row in wanted], [tuple(row) for row in found])
        + _measure([cell for row in wanted for cell in row], [cell for row in found for cell in row])
    )


def _bare(cells: list[str]) -> list[str]:
    bare = [cell.replace("\r\n", "\n").replace("\r", "\n").strip() for cell in cells]
    while bare and not bare[-1]:
        bare.pop()
    return bare


def _measure(wanted: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """Precision + recall + F1 of one multiset against another: 0..3; all of it where nothing is wanted."""
    if not wanted:
        return 3.0
    both = sum((Counter(wanted) & Counter(found)).values())
    if not both:
        return 0.0
    precision, recall = both / len(found), both / len(wanted)
    return precision + recall + 2 * precision * recall / (precision + recall)
