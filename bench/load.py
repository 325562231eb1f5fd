"""Load: a messy file through the whole engine, claim to commit, against bare COPY of its clean rows.

Same run, same server, same table and indexes; the median of a few rounds, in turns. Up to 250,000 rows the
peers load the clean texts into a plain table, and `post_to_done_s` is the time through a real worker process.
"""

import argparse
import contextlib
import csv
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import connection

REPEATED = 1_000_000  # rows that are generated; more are the same again
OWN_TABLES = """
    SELECT inhrelid::regclass::text FROM pg_inherits
    WHERE inhparent = 'market_salaryrecord'::regclass AND inhrelid <> 'market_salaryrecord_shared'::regclass
"""
PEERS_TO = 250_000  # rows up to which the slow peers run too


def run(argv: list[str]) -> dict[str, Any]:
    """Figures: ratio_to_bare_copy, ratio_with_detection, ratio_to_psql_copy, rows_per_s, us_per_row, times_…"""
    parser = argparse.ArgumentParser(prog="bench load")
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--xlsx", action="store_true", help="a workbook, beside pandas with openpyxl")
    asked = parser.parse_args(argv)
    with TemporaryDirectory(prefix="skl-bench-load-") as folder:
        Path(folder).chmod(0o755)
        messy = Path(folder) / "messy.csv"
        _write(messy, asked.rows)
        from django.test.utils import override_settings

        with override_settings(UPLOAD_DIR=Path(folder) / "uploads"):
            if asked.xlsx:
                return _workbook(messy, asked.rows)
            return _measured(messy, asked.rows, asked.rounds)


def _write(path: Path, rows: int) -> None:
    """Eight text columns, spelling variants, `$1,234.50`, 2 % faults; a million rows, again and again."""
    from ingest import declarations, samples

    dataset = declarations.dataset("salary_records")
    once = min(rows, REPEATED)
    with path.open("wb") as file:
        file.writelines(samples.sample(dataset, rows=once, seed=11, without="period,city"))
    with path.open("rb") as file:
        file.readline()
        body = file.read()
    with path.open("ab") as file:
        for _again in range(rows // once - 1):
            file.write(body)


def _measured(messy: Path, rows: int, rounds: int) -> dict[str, Any]:
    from bench import _peers  # holds a model: only once Django is set up

    ours, bare, psql, detected = [], [], [], []
    first = _load(messy)
    payload = _clean_rows(first)
    texts = messy.parent / "texts.csv"
    if rows <= REPEATED:
        texts.write_bytes(_peers.texts(messy))
    for _round in range(rounds):
        _empty()
        one = _load(messy)
        ours.append(one["seconds"])
        detected.append(one["seconds"] + one["detection"])
        _empty()
        bare.append(_bare_copy(payload))
        if texts.exists():
            psql.append(_peers.psql_copy(texts))
    _empty()
    seconds, plain = statistics.median(ours), statistics.median(bare)
    figures = {
        "rows": rows,
        "good": first["inserted"],
        "seconds": round(seconds, 3),
        "bare_copy_seconds": round(plain, 3),
        "ratio_to_bare_copy": round(seconds / plain, 2),
        "best_ratio_to_bare_copy": round(min(ours) / min(bare), 2),
        "ratio_with_detection": round(statistics.median(detected) / plain, 2),
        "rows_per_s": round(rows / seconds),
        "us_per_row": round(seconds / rows * 1e6, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    figures["startup_s"] = _startup(messy)
    if psql:
        figures["psql_copy_seconds"] = round(statistics.median(psql), 3)
        figures["ratio_to_psql_copy"] = round(seconds / statistics.median(psql), 2)
    if rows <= PEERS_TO:
        figures |= _peers.measured(texts.read_bytes(), messy.parent, rows, seconds)
        _empty()
        figures["post_to_done_s"] = _post_to_done(messy)
    return figures


def _startup(messy: Path) -> float:
    """Seconds from claim to commit of a file of ten rows: what every load costs, however small."""
    path = messy.parent / "few.csv"
    with messy.open("rb") as file:
        path.write_bytes(b"".join(file.readline() for _line in range(11)))
    return round(statistics.median(_executed(_mapped(path))["seconds"] for _round in range(5)), 3)


def _workbook(messy: Path, rows: int) -> dict[str, Any]:
    """A workbook from raw file to commit, beside pandas with openpyxl up to a DataFrame: it need not even load."""
    import openpyxl
    import pandas as pd

    path = messy.with_suffix(".xlsx")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("pay")
    with messy.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            sheet.append(row)
    book.save(path)
    start = time.perf_counter()
    source = _mapped(path)
    known = time.perf_counter() - start
    one = _executed(source)
    _empty()
    start = time.perf_counter()
    frame = pd.read_excel(path, engine="openpyxl", dtype=str)
    pandas = time.perf_counter() - start
    assert len(frame) == rows
    seconds = known + one["seconds"]
    return {
        "rows": rows,
        "good": one["inserted"],
        "seconds": round(seconds, 3),
        "seconds_to_facts": round(known, 3),
        "rows_per_s": round(rows / seconds),
        "pandas_openpyxl_seconds": round(pandas, 3),
        "times_pandas_openpyxl": round(pandas / seconds, 1),
    }


def _mapped(path: Path) -> Any:
    from ingest import services

    source = services.import_create(by=None, dataset="salary_records", upload=path, name=path.name)
    return services.import_map(source=source, by=None, fill=True)


def _load(path: Path) -> dict[str, Any]:
    """What `_executed` gives, and seconds of detection."""
    from ingest import facts

    start = time.perf_counter()
    facts.facts_of(path, path.name)
    detection = time.perf_counter() - start
    return {**_executed(_mapped(path)), "detection": detection}


def _executed(mapped: Any) -> dict[str, Any]:
    """Claim to commit, as a worker does it. {seconds, inserted, import}."""
    from ingest import services
    from ingest.models import Import
    from runs import execution

    submitted = services.import_submit(source=mapped, by=None, force=True)
    start = time.perf_counter()
    state = execution.execute(submitted.pk)
    seconds = time.perf_counter() - start
    source = Import.objects.get(load=submitted)
    assert state in {"done", "done_with_rejects"}, state
    return {"seconds": seconds, "inserted": source.inserted, "import": source.pk}


def _empty() -> None:
    from bench import _peers

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE market_salaryrecord, ingest_reject, analytics_segment")
        cursor.execute(OWN_TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {table}")
    _peers.empty()
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def _clean_rows(first: dict[str, Any]) -> bytes:
    """What the load wrote, as CSV, with ids of the table that all small imports share."""
    from ingest.models import APART
    from market.models import SalaryRecord

    names = ", ".join(str(field.column) for field in SalaryRecord._meta.concrete_fields)
    names = names.replace("id", f"id & {APART - 1}", 1)
    query = f"COPY (SELECT {names} FROM market_salaryrecord ORDER BY id) TO STDOUT (FORMAT csv)"
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        return b"".join(bytes(piece) for piece in copy)


def _bare_copy(payload: bytes) -> float:
    from market.models import SalaryRecord

    names = ", ".join(str(field.column) for field in SalaryRecord._meta.concrete_fields)
    return _copied(f"COPY market_salaryrecord ({names}) FROM STDIN (FORMAT csv)", payload)


def _copied(statement: str, payload: bytes) -> float:
    """Seconds of one COPY in 64 KB pieces, as psql sends them, with its commit."""
    start = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for at in range(0, len(payload), 65_536):
            copy.write(payload[at : at + 65_536])
    return time.perf_counter() - start


@contextlib.contextmanager
def _worker() -> Iterator[None]:
    """One worker process of the product."""
    from django.conf import settings

    env = {**os.environ, "UPLOAD_DIR": str(settings.UPLOAD_DIR)}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(6)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _post_to_done(path: Path) -> float:
    """Seconds from submit to the final state, by a worker, seen by polling every 10 ms; the median of three."""
    from ingest import services

    seconds = []
    with _worker():
        for _round in range(4):
            _empty()
            source = _mapped(path)
            start = time.perf_counter()
            submitted = services.import_submit(source=source, by=None, force=True)
            while submitted.is_open:
                time.sleep(0.01)
                submitted.refresh_from_db()
            seconds.append(time.perf_counter() - start)
            assert submitted.state == "done_with_rejects", submitted.error_message
    return round(statistics.median(seconds[1:]), 3)  # the first is the worker's warming up
