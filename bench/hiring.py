"""Hiring: people into yearly partitions with every guard on, beside bare COPY with row-level foreign keys.

New rows into years that are not there yet, an upsert of half-known rows, more new rows into the years that are there
by then, batches of 1000, and both reports, over twenty years of hires. The bare table has the same columns,
partitions, key and (department, job, time) index, and enforced foreign keys; both are filled in the same run, on the
same server.
"""

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from django.db import connection

FIRST_YEAR, YEARS = 2006, 20
BATCH, BATCHES = 1_000, 60
BARE_ROWS = 1_000_000  # as many as the bare table gets: its speed hardly changes with more, but it is slow
BARE = """
CREATE TABLE bare_employees (
    id bigint NOT NULL, name varchar(200) NOT NULL, hired_at timestamptz NOT NULL,
    department_id bigint REFERENCES departments, job_id bigint REFERENCES jobs, origin bigint NOT NULL,
    PRIMARY KEY (id, hired_at)
) PARTITION BY RANGE (hired_at);
CREATE INDEX bare_employees_place ON bare_employees (department_id, job_id, hired_at);
"""


def run(argv: list[str]) -> dict[str, Any]:
    """Figures per size: new_rows_per_s, bare_rows_per_s, half_known_rows_per_s, batch_p95_ms, report_p95_ms, …"""
    parser = argparse.ArgumentParser(prog="bench hiring")
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 5_000_000])
    asked = parser.parse_args(argv)
    figures: dict[str, Any] = {}
    with TemporaryDirectory(prefix="skl-bench-hiring-") as folder:
        from django.test.utils import override_settings

        with override_settings(UPLOAD_DIR=Path(folder) / "uploads"):
            _places()
            gc.collect()
            gc.freeze()  # as the web's processes do
            for rows in asked.rows:
                found = _measured(Path(folder), rows)
                figures |= {f"{_short(rows)}_{name}": value for name, value in found.items()}
                print(f"{rows:,} rows: {found}", flush=True)
    return figures


def _short(rows: int) -> str:
    return f"{rows // 1_000_000}m" if rows % 1_000_000 == 0 else f"{rows // 1000}k"


def _places() -> None:
    from hiring.models import Department, Job

    Department.objects.bulk_create(Department(id=at, department=f"Department {at}") for at in range(1, 13))
    Job.objects.bulk_create(Job(id=at, job=f"Job {at}") for at in range(1, 184))


def _measured(folder: Path, rows: int) -> dict[str, Any]:
    _empty()
    whole, half = folder / "new.csv", folder / "half.csv"
    people = _people(rows, seed=1)
    _write(whole, people)
    _write(half, _half_known(people))
    new = _load(whole)
    assert new["inserted"] == rows, new
    reports = _reports()
    batches = _batches(rows * 2)
    after = _reports_after_a_row(rows * 3)
    known = _load(half)
    few = min(rows, BARE_ROWS)
    more = folder / "more.csv"
    _write(more, {**(others := _people(few, seed=5)), "id": others["id"] + 4 * rows})
    added = _load(more)
    payload = _clean_rows(few)
    _empty()
    bare = _bare(payload) * rows / few
    return {
        "new_rows_per_s": round(rows / new["seconds"]),
        "more_rows_per_s": round(few / added["seconds"]),
        "bare_rows_per_s": round(rows / bare),
        "times_bare": round(bare / new["seconds"], 2),
        "half_known_rows_per_s": round(known["read"] / known["seconds"]),
        "half_known": {n: known[n] for n in ("inserted", "updated", "unchanged")},
        **batches,
        **reports,
        **after,
    }


def _people(rows: int, *, seed: int) -> dict[str, Any]:
    """Ids in order, as files have them; twenty years in any order."""
    rng = np.random.default_rng(seed)
    seconds = rng.integers(0, YEARS * 365 * 86_400, rows)
    return {
        "id": np.arange(1, rows + 1),
        "name": rng.integers(0, 90_000, rows),
        "at": np.datetime64(f"{FIRST_YEAR}-01-01T00:00:00", "s") + seconds,
        "department": rng.integers(1, 13, rows),
        "job": rng.integers(1, 184, rows),
    }


def _half_known(people: dict[str, Any]) -> dict[str, Any]:
    """The later half as it is but one tenth with another job, and as many new people."""
    rows = len(people["id"])
    half = {name: values[rows // 2 :].copy() for name, values in people.items()}
    changed = np.random.default_rng(2).random(len(half["id"])) < 0.1
    half["job"][changed] = half["job"][changed] % 183 + 1
    new = {name: values[: rows // 2] for name, values in _people(rows, seed=3).items()}
    new["id"] = new["id"] + rows
    return {name: np.concatenate([half[name], new[name]]) for name in people}


def _write(path: Path, people: dict[str, Any]) -> None:
    """CSV as the public files: no header, incomplete rows left out."""
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(people["id"]), 100_000):
            part = slice(start, start + 100_000)
            texts = np.datetime_as_string(people["at"][part]).tolist()
            cells = zip(
                *(people[n][part].tolist() for n in ("id", "name", "department", "job")), texts, strict=True
            )
            file.writelines(f"{pk},Person {name} Silva,{at}Z,{d},{j}\n" for pk, name, d, j, at in cells)


def _load(path: Path) -> dict[str, Any]:
    """Claim to commit, as a worker does it: detection before, reading and cleaning within."""
    from ingest import services
    from ingest.models import Import
    from runs import execution

    source = services.import_create(by=None, dataset="hired_employees", upload=path, name=path.name)
    source = services.import_map(source=source, by=None, fill=True)
    submitted = services.import_submit(source=source, by=None, force=True)
    connection.close()
    start = time.perf_counter()
    state = execution.execute(submitted.pk)
    seconds = time.perf_counter() - start
    source = Import.objects.with_run().get(load=submitted)
    assert state == "done", source.load and source.load.error_message
    return {
        "seconds": seconds,
        "read": source.rows_read,
        "inserted": source.inserted,
        "updated": source.updated,
        "unchanged": source.unchanged,
    }


def _p95(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=20)[-1] * 1000, 2)


def _timed(work: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _time in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def _batches(first: int) -> dict[str, float]:
    """1000 new people a batch, then batches of which half are known: the service that the API calls."""
    from ingest.batches import batch_load

    people = _people(BATCHES * BATCH, seed=4)
    taken: dict[str, list[float]] = {"batch_p95_ms": [], "batch_half_known_p95_ms": []}
    for name, again in (("batch_p95_ms", False), ("batch_half_known_p95_ms", True)):
        for at in range(0, BATCHES * BATCH, BATCH):
            part = slice(at, at + BATCH)
            texts = np.datetime_as_string(people["at"][part]).tolist()
            ids = people["id"][part] + first
            if again:  # the first half of each batch was there, and changes its job; the other half is new
                ids[BATCH // 2 :] += BATCHES * BATCH
            rows = [
                {
                    "id": pk,
                    "name": "Ann",
                    "datetime": f"{text}Z",
                    "department_id": 1 + pk % 12,
                    "job_id": 1 + again,
                }
                for pk, text in zip(ids.tolist(), texts, strict=True)
            ]
            start = time.perf_counter()
            loaded = batch_load(by=None, dataset="hired_employees", rows=rows, mode="atomic")
            taken[name].append(time.perf_counter() - start)
            assert loaded.counts.updated == again * BATCH // 2, loaded.counts
    return {name: _p95(times) for name, times in taken.items()}


def _questions() -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Name → (as pages and API ask: the kept answer of this data version, else a query; always a query)."""
    from analytics.declarations import report

    def asked(slug: str) -> tuple[Callable[[], object], Callable[[], object]]:
        known = report(slug)
        params = known.params({"year": "2021"})
        return lambda: known.answer(params, known.version(params)), lambda: known.query(params)

    return {"quarters": asked("hires-by-quarter"), "departments": asked("departments-above-mean")}


def _reports() -> dict[str, float]:
    figures = {}
    for name, (answer, query) in _questions().items():
        figures[f"{name}_p95_ms"] = _p95(_timed(answer, 200))
        figures[f"{name}_query_p95_ms"] = _p95(_timed(query, 200))
    return figures


def _reports_after_a_row(first: int) -> dict[str, float]:
    """Asked right after a batch of one row: no answer is kept."""
    from ingest.batches import batch_load

    taken: dict[str, list[float]] = {"quarters": [], "departments": []}
    questions = _questions()
    for at in range(40):
        row = {
            "id": first + at,
            "name": "Ann",
            "datetime": "2021-05-01T00:00:00Z",
            "department_id": 1,
            "job_id": 1,
        }
        batch_load(by=None, dataset="hired_employees", rows=[row], mode="atomic")
        for name, (answer, _query) in questions.items():
            taken[name] += _timed(answer, 1)
    return {f"{name}_after_a_row_p95_ms": _p95(times) for name, times in taken.items()}


def _clean_rows(rows: int) -> bytes:
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY (SELECT id, name, hired_at, department_id, job_id, origin FROM hired_employees"
            f" ORDER BY id LIMIT {rows}) TO STDOUT (FORMAT csv)"
        ) as copy,
    ):
        return b"".join(bytes(piece) for piece in copy)


def _bare(payload: bytes) -> float:
    """Seconds of one COPY of clean rows in 64 KB pieces into the bare table, with its commit."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare_employees")
        cursor.execute(BARE)
        for year in range(FIRST_YEAR, FIRST_YEAR + YEARS + 1):
            cursor.execute(
                f"CREATE TABLE bare_employees_{year} PARTITION OF bare_employees"
                f" FOR VALUES FROM ('{year}-01-01Z') TO ('{year + 1}-01-01Z')"
            )
        start = time.perf_counter()
        with cursor.copy("COPY bare_employees FROM STDIN (FORMAT csv)") as copy:
            for at in range(0, len(payload), 65_536):
                copy.write(payload[at : at + 65_536])
        seconds = time.perf_counter() - start
        cursor.execute("DROP TABLE bare_employees")
    return seconds


def _empty() -> None:
    """Nobody, and no year."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE hired_employees, ingest_reject, ingest_journal")
        cursor.execute("SELECT relid FROM pg_partition_tree('hired_employees') WHERE isleaf")
        for (year,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {year}")
        cursor.execute("CHECKPOINT")
    connection.close()
