"""Lines that do not load, held by columns: nothing of them changes on the way."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from ingest.refused import CellError, Refused, Rejected, together
from ingest.rejects import EXAMPLES, VALUES, Groups

CELLS = ["", "plain", 'a "quoted" one', "back\\slash", "line\nbreak\tand\x01", "ünï, €5", "\u2028"]


def error(field: str, value: str, code: str = "required") -> CellError:
    return CellError(field.title(), field, value, code, f"{field}: {value} is wrong")


def some(lines: range) -> list[Rejected]:
    """Lines of which each has one to three errors."""
    rng = np.random.default_rng(lines.start)
    made = []
    for line in lines:
        texts = [CELLS[n] for n in rng.integers(0, len(CELLS), 3)]
        wrong = [error(name, text) for name, text in zip("abc", texts, strict=True) if rng.random() < 0.4]
        made.append(Rejected(line, wrong or [error("a", texts[0])], texts))
    return made


def test_lines_of_columns_are_the_lines_that_they_were_made_of() -> None:
    columns = [pa.array(CELLS[:5]), pa.array(CELLS[1:6]), pa.array(CELLS[2:])]
    first, twice = error("b", "x"), error("a", "y", "unknown")
    wrong = [
        (np.array([1, 3, 4]), np.array([0, 0, 0]), [twice]),
        (np.array([0, 2, 3]), np.array([0, 1, 0]), [first, error("b", "z")]),
    ]
    refused = Refused.judged(np.array([4, 5, 8, 9, 12]), columns, wrong)
    assert len(refused) == 5
    found = list(refused)
    assert [one.line for one in found] == [4, 5, 8, 9, 12]
    assert [one.cells for one in found] == [
        list(row) for row in zip(CELLS, CELLS[1:], CELLS[2:], strict=False)
    ]
    assert [one.errors for one in found] == [[first], [twice], [error("b", "z")], [twice, first], [twice]]
    assert list(Refused.of(found)) == found
    told = [json.loads(text) for text in refused.errors_json().to_pylist()]
    assert [[e["value"] for e in errors] for errors in told] == [["x"], ["y"], ["z"], ["y", "x"], ["y"]]


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_lines_put_together_are_in_order(parts: int) -> None:
    made = [some(range(start, 60, parts)) for start in range(parts)]
    rejected = sorted((one for part in made for one in part), key=lambda one: one.line)
    assert list(together([Refused.of(part) for part in made])) == rejected


def test_groups_count_every_line_once_whatever_the_batches() -> None:
    rejected = some(range(500))
    rows = Counter(one.errors[0].field for one in rejected)
    for size in (1, 7, 500):
        groups = Groups()
        for start in range(0, 500, size):
            groups.add(Refused.of(rejected[start : start + size]))
        told = groups.to_json()
        assert {group["field"]: group["rows"] for group in told} == rows
        for group in told:
            alike = [one for one in rejected if one.errors[0].field == group["field"]]
            assert [e["line"] for e in group["examples"]] == [one.line for one in alike[:EXAMPLES]]
            values = Counter(one.errors[0].value for one in alike)
            assert group["values"] == [{"value": v, "rows": n} for v, n in values.most_common(VALUES)]
