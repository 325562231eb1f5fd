"""Dialects: files spoilt in some 270 ways, read without a word about how they are written, beside pandas and DuckDB.

    python -m bench dialects [--path DIR] [--worst N]

DIR: a foreign corpus laid out as Pollock's: DIR/csv/NAME, DIR/clean/NAME, DIR/parameters/NAME_parameters.json,
with its weights in DIR/../pollock_weights.json or DIR/weights.json. A record counts where the product keeps it with
its cells: as a row, or as a reject that a person may fix; `simple_rows_alone` counts rows only. Remarks behind the
table and comments, kept as rejects too, are no records.
"""

import argparse
import csv
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import _alone
from bench._dirt import corpus
from bench._scoring import FAILED, Came, Table, points
from bench._tables import Dirty

OWN_SERVERS = True  # needs none
Reader = Callable[[Path], Came]


def run(argv: list[str]) -> dict[str, Any]:
    """Figures: simple, weighted, lost_lines; the same of pandas and DuckDB."""
    parser = argparse.ArgumentParser(prog="bench dialects")
    parser.add_argument("--path", type=Path, help="a corpus laid out as Pollock's")
    parser.add_argument("--worst", type=int, default=0, help="print the files with the lowest scores")
    asked = parser.parse_args(argv)
    _alone.setup()
    files = list(foreign(asked.path)) if asked.path else corpus()
    readers: dict[str, Reader] = {
        "skillora": lambda path: ours(path)[0],
        "rows_alone": lambda path: ours(path)[1],
        "pandas": with_pandas,
        "duckdb": with_duckdb,
    }
    scores: dict[str, list[float]] = {name: [] for name in readers}
    lost: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="skl-bench-dialects-") as folder:
        for number, dirty in enumerate(files):
            path = Path(folder) / f"{number}.csv"  # no name that could tell anything
            path.write_bytes(dirty.data)
            for name, reader in readers.items():
                scores[name].append(points(dirty.header, dirty.records, _tried(reader, path)))
            if missing := lost_lines(path):
                lost[dirty.name] = missing
            path.unlink()
    ranked = sorted(zip(scores["skillora"], files, strict=True), key=lambda pair: pair[0])
    for score, dirty in ranked[: asked.worst]:
        print(f"  {score:6.3f}  {dirty.name}")
    return _figures(files, scores, lost)


def _figures(files: list[Dirty], scores: dict[str, list[float]], lost: dict[str, int]) -> dict[str, Any]:
    weights = [dirty.weight for dirty in files]

    def simple(name: str) -> float:
        return round(statistics.fmean(scores[name]), 3)

    def weighted(name: str) -> float:
        return round(statistics.fmean(scores[name], weights), 3)

    return {
        "files": len(files),
        "simple": simple("skillora"),
        "weighted": weighted("skillora"),
        "simple_rows_alone": simple("rows_alone"),
        "weighted_rows_alone": weighted("rows_alone"),
        "pandas_simple": simple("pandas"),
        "pandas_weighted": weighted("pandas"),
        "duckdb_simple": simple("duckdb"),
        "duckdb_weighted": weighted("duckdb"),
        "perfect": sum(score > 9.999 for score in scores["skillora"]),
        "files_with_lost_lines": len(lost),
        "lost_lines": sum(lost.values()),
    }


def _tried(reader: Reader, path: Path) -> Came:
    try:
        return reader(path)
    except Exception:
        return FAILED


def ours(path: Path) -> tuple[Came, Came]:
    """(what is kept, what loads) of a file, read by the product as it comes."""
    from ingest.facts import facts_of
    from ingest.readers import read
    from skillora.lib.errors import DomainError

    try:
        facts = facts_of(path, "table.csv")
    except DomainError as error:
        if error.code in {"empty_file", "header_only"}:  # nothing to load, and said so
            return Came(True, [], []), Came(True, [], [])
        raise
    rows: list[tuple[int, list[str]]] = []
    kept: list[tuple[int, list[str]]] = []
    for batch in read(path, facts, set()):
        rows += [(int(line), batch.cells(i)) for i, line in enumerate(batch.lines)]
        kept += [(fault.line, fault.cells) for fault in batch.faults]
    header = [column.header for column in facts.columns] if facts.header_line else []
    header = ["" if name == f"column {n}" else name for n, name in enumerate(header, 1)]
    last = rows[-1][0] if rows else 0
    records = [cells for line, cells in sorted(rows + [r for r in kept if not _remark(*r, last)])]
    return Came(True, header, records), Came(True, header, [cells for _, cells in rows])


def _remark(line: int, cells: list[str], last: int) -> bool:
    """Whether a line that is no row only says something about the table."""
    return len(cells) == 1 and (line > last or cells[0].startswith("#"))


def lost_lines(path: Path) -> int:
    """Lines of the file, from its header's on, that are neither in a row nor in a reject."""
    from ingest.facts import facts_of
    from ingest.readers import read
    from ingest.readers.decoding import chunks_of
    from skillora.lib.errors import DomainError

    try:
        facts = facts_of(path, "table.csv")
    except DomainError:
        return 0
    text = b"".join(piece for piece, _ in chunks_of(path, facts.encoding, size=1 << 20)).decode()
    physical = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    held = set(range(1, facts.first_line))
    for batch in read(path, facts, set()):
        found = [(int(line), batch.cells(i)) for i, line in enumerate(batch.lines)]
        for line, cells in found + [(fault.line, fault.cells) for fault in batch.faults]:
            inside = "".join(cells).replace("\r\n", "\n").replace("\r", "\n").count("\n")
            held |= set(range(line, line + inside + 1))
    return sum(bool(line.strip()) and number not in held for number, line in enumerate(physical, 1))


def with_pandas(path: Path) -> Came:
    """pandas.read_csv with no word about how the file is written."""
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    header = ["" if str(name).startswith("Unnamed: ") else str(name) for name in frame.columns]
    return Came(True, header, [[str(cell) for cell in row] for row in frame.itertuples(index=False)])


def with_duckdb(path: Path) -> Came:
    """DuckDB's read_csv, which finds out by itself how the file is written."""
    import duckdb

    with duckdb.connect() as session:
        found = session.execute("SELECT * FROM read_csv(?, all_varchar = true)", [str(path)])
        header = [str(column[0]) for column in found.description or []]
        records = [["" if cell is None else str(cell) for cell in row] for row in found.fetchall()]
    made = all(name == f"column{n:0{len(str(len(header) - 1))}}" for n, name in enumerate(header))
    return Came(True, [] if made else header, records)


def foreign(folder: Path) -> Iterator[Dirty]:
    """The files of a corpus laid out as Pollock's."""
    weights: dict[str, float] = {}
    for path in (
        folder / "weights.json",
        folder.parent / "pollock_weights.json",
        folder / "pollock_weights.json",
    ):
        if path.is_file():
            weights = json.loads(path.read_text(encoding="utf-8"))
            break
    for path in sorted((folder / "csv").iterdir()):
        header, records = _clean(folder, path.name)
        yield Dirty(path.name, path.read_bytes(), header, records, float(weights.get(path.name, 1.0)))


def _clean(folder: Path, name: str) -> tuple[list[str], Table]:
    """(header, records) of a file's clean version, which is quoted strictly."""
    clean, said = folder / "clean" / name, folder / "parameters" / f"{name}_parameters.json"
    text = clean.read_text(encoding="utf-8-sig") if clean.is_file() else ""
    csv.field_size_limit(1 << 30)
    rows = list(csv.reader(text.splitlines(keepends=True)))
    parameters = json.loads(said.read_text(encoding="utf-8")) if said.is_file() else {}
    headed = int(parameters.get("header_lines", 1)) > 0
    return (rows[0], rows[1:]) if headed and rows else ([], rows)
