"""What many cells show of a column is what each of them shows."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ingest.facts import facts_of
from ingest.facts.profiling import NUMBER_SIGNS, _Column
from ingest.kinds.shapes import shapes_of


@pytest.mark.parametrize(
    ("form", "style", "asks"),
    [
        ("{0:,}.{1:02d}", (".", ","), False),
        ("€{0:.}", (",", "."), False),
        ("R$ {0:.},{1:02d}", (",", "."), False),
        ("{0}.{1:02d}", (".", ""), False),
        ("{0:'}.{1:02d} CHF", (".", "'"), False),
        ("{0}", (".", ""), False),
    ],
)
def test_number_style_of_many_amounts(
    tmp_path: Path, form: str, style: tuple[str, str], *, asks: bool
) -> None:
    rng = np.random.default_rng(3)
    lines = ["title;pay"]
    for whole, cents in zip(rng.integers(1000, 900_000, 9000), rng.integers(0, 100, 9000), strict=True):
        grouped = {sign: f"{whole:,}".replace(",", sign) for sign in ",.'"}
        text = form
        for sign, written in grouped.items():
            text = text.replace("{0:" + sign + "}", written)
        lines.append("Dev;" + text.replace("{0}", str(whole)).replace("{1:02d}", f"{cents:02d}"))
    path = tmp_path / "pay.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    column = facts_of(path, path.name).columns[1]
    assert column.number_style == style
    assert bool(column.question) is asks


def test_signs_of_many_numbers_are_those_of_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    parts = [
        "1.",
        "0.",
        ",000",
        ".500",
        "'",
        "12",
        "007",
        "€",
        " ",
        "99,",
        "k",
        "\u00a0",
        "a very long text ",
    ]
    texts = ["".join(rng.choice(parts, 5)).strip() for _ in range(3000)]
    together, apart = _Column(kind="number"), _Column(kind="number")
    together.look(pa.array(texts))
    together.settle()
    for text in texts:
        apart.look(pa.array([text]))
        apart.settle()
    assert together.signs == apart.signs
    assert all(together.signs[sign] > 0 for sign in NUMBER_SIGNS if sign not in {"round ."})


def test_shapes_of_texts() -> None:
    texts = pa.array(["skipped", "$1,050.5", "€7", "", "x" * 25, "2024"]).slice(1)
    found = shapes_of(texts)
    assert found.short.tolist() == [0, 1, 2, 4]
    shapes = [shape.lstrip(b"\0").decode() for shape in found.shapes.to_pylist()]
    assert shapes == ["$0,000.0", "€0", "", "0000"]
    told = [shape.lstrip(b"\0").decode() for shape in shapes_of(texts, zeros=True).shapes.to_pylist()]
    assert told == ["$1,010.1", "€1", "", "1011"]


def test_spellings_of_a_last_line_without_end_count(tmp_path: Path) -> None:
    path = tmp_path / "departments.csv"
    path.write_bytes("\n".join(f"{number},{name}" for number, name in enumerate("ABCDEFGHIJKL")).encode())
    assert [len(column.distinct) for column in facts_of(path, path.name).columns] == [12, 12]
