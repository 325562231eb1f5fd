"""Lines that do not load, by columns: of a messy file there are so many that one object each costs as much as a load.

What is wrong with a cell is said once for all cells that say the same; a line is its numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

_TO_ESCAPE = np.zeros(256, np.bool_)  # bytes that JSON writes otherwise
_TO_ESCAPE[[*range(32), *b'"\\']] = True


@dataclass(slots=True)  # frozen ones take four times as long to make
class CellError:
    """One refused cell (column "" and field "": the whole line)."""

    column: str
    field: str
    value: str
    code: str
    message: str


@dataclass(slots=True)
class Rejected:
    """One line that does not load."""

    line: int
    errors: list[CellError]
    cells: list[str]


@dataclass(frozen=True)
class Refused:
    """Some lines that do not load, each with one error or more.

    lines: int64 (n,); cells: of each line, as a JSON list. errors: those that differ; which: int (m,), the numbers
    of each line's errors, line by line; firsts: int32 (n + 1,), where those of a line begin.
    """

    lines: Any
    cells: pa.StringArray
    errors: list[CellError]
    which: Any
    firsts: Any

    @classmethod
    def of(cls, rejected: Sequence[Rejected]) -> "Refused":
        """The same, of single lines."""
        errors = [error for one in rejected for error in one.errors]
        return cls(
            np.array([one.line for one in rejected], np.int64),
            pa.array([orjson.dumps(one.cells) for one in rejected], pa.binary()).cast(pa.utf8()),
            errors,
            np.arange(len(errors)),
            np.cumsum([0, *(len(one.errors) for one in rejected)], dtype=np.int32),
        )

    @classmethod
    def judged(
        cls, lines: Any, columns: Sequence[pa.StringArray], wrong: Sequence[tuple[Any, Any, list[CellError]]]
    ) -> "Refused":
        """Of a table of texts. wrong: by canonical column (rows, numbers of their errors, those errors)."""
        rows = np.concatenate([rows for rows, _which, _errors in wrong])
        errors: list[CellError] = []
        numbers = []
        for _rows, which, found in wrong:
            numbers.append(which + len(errors))
            errors += found
        order = np.argsort(rows, kind="stable")
        firsts = np.searchsorted(rows[order], np.arange(len(lines) + 1)).astype(np.int32)
        return cls(lines, _json_lists(columns, len(lines)), errors, np.concatenate(numbers)[order], firsts)

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Rejected]:
        ends = self.firsts.tolist()
        which = self.which.tolist()
        for at, (line, cells) in enumerate(zip(self.lines.tolist(), self.cells.to_pylist(), strict=True)):
            errors = [self.errors[n] for n in which[ends[at] : ends[at + 1]]]
            yield Rejected(line, errors, orjson.loads(cells))

    @property
    def first(self) -> Any:
        """The number of each line's first error."""
        return self.which[self.firsts[:-1]]

    def errors_json(self) -> pa.StringArray:
        """Each line's errors as a JSON list of objects."""
        texts = pa.array([orjson.dumps(error) for error in self.errors], pa.binary()).cast(pa.utf8())
        told = texts.take(pa.array(self.which))
        if len(told) > len(self):
            told = pc.binary_join(pa.ListArray.from_arrays(pa.array(self.firsts), told), ",")
        return pc.binary_join_element_wise("[", told, "]", "")


@cache
def none() -> Refused:
    """No line at all."""
    return Refused.of([])


def together(some: Sequence[Refused]) -> Refused:
    """All of them, in the order of lines."""
    some = [refused for refused in some if len(refused)]
    if len(some) < 2:
        return some[0] if some else none()
    return Refused.of(sorted((one for refused in some for one in refused), key=lambda one: one.line))


def bytes_of(texts: pa.StringArray) -> Any:
    """uint8: all of them, one after the other."""
    _validity, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data or b"", np.uint8)[int(ends[0]) : int(ends[-1])]


def _json_lists(columns: Sequence[pa.StringArray], rows: int) -> pa.StringArray:
    """One row of texts after the other, each as a JSON list."""
    if not columns:
        return pa.array(["[]"] * rows, pa.utf8())
    if _TO_ESCAPE[bytes_of(pa.concat_arrays(columns))].any():
        columns = [_escaped(texts) for texts in columns]
    return pc.binary_join_element_wise('["', pc.binary_join_element_wise(*columns, '","'), '"]', "")


def _escaped(texts: pa.StringArray) -> pa.StringArray:
    """As they stand between quotation marks in JSON."""
    if not _TO_ESCAPE[bytes_of(texts)].any():
        return texts
    return pa.array([orjson.dumps(text)[1:-1] for text in texts.to_pylist()], pa.binary()).cast(pa.utf8())
