"""Back up a million rows while others write; restore; damage the backup: is every damage refused?

The restored database must give the checksums that the snapshot gave, and every transaction of the writers must
be in it whole or not at all (each puts one number into two tables).
"""

import argparse
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection

Figures = dict[str, Any]

FILL = """
    INSERT INTO departments (id, department) SELECT n, 'Department ' || n FROM generate_series(1, 50) n;
    INSERT INTO jobs (id, job) SELECT n, 'Job ' || n FROM generate_series(1, 200) n;
    INSERT INTO market_title (name) SELECT 'Title ' || n FROM generate_series(1, 5000) n;
    SELECT hired_employees_year(y) FROM generate_series(2015, 2024) y;
    INSERT INTO hired_employees (name, hired_at, department_id, job_id)
        SELECT 'Zoë ' || n, timestamptz '2015-01-01Z' + n * interval '3 minutes', 1 + n %% 50, 1 + n %% 200
        FROM generate_series(1, %(hires)s) n;
    INSERT INTO market_salaryrecord (id, title_id, company_id, city_id, stack_id, country_id, currency_id,
                                     seniority, period, pay, pay_max, pay_year_usd, day)
        SELECT (1::bigint << 32) | n, n %% 5000, 0, 0, 0, 840, 840, n %% 8, 1,
               3000000 + (n * 7919::bigint) %% 20000000, 0, 3000000 + (n * 7919::bigint) %% 20000000,
               CASE WHEN n %% 10 > 0 THEN date '1965-01-01' + n %% 20000 END
        FROM generate_series(1, %(salaries)s) n;
"""


class Writers:
    """A process that makes so many transactions a second; each writes one number into two tables."""

    def __init__(self, rate: int) -> None:
        processes = multiprocessing.get_context("spawn")
        self.count = processes.Value("q", 0)
        self.stopping = processes.Event()
        self.process = processes.Process(target=write, args=(rate, self.count, self.stopping), daemon=True)
        self.process.start()

    @property
    def done(self) -> int:
        return int(self.count.value)

    def stop(self) -> None:
        self.stopping.set()
        self.process.join()


def write(rate: int, count: Any, stopping: Any) -> None:
    """What the process does."""
    rng = random.Random(5)
    start, done = time.monotonic(), 0
    with psycopg.connect(os.environ["DATABASE_URL"]) as session:
        while not stopping.wait(max(0.0, start + done / rate - time.monotonic())):
            number = 1_000_000 + done
            with session.transaction():
                session.execute("INSERT INTO departments (id, department) VALUES (%s, 'new')", [number])
                session.execute(
                    "UPDATE market_salaryrecord SET pay = pay + 1 WHERE id = %s",
                    [1 << 32 | rng.randint(1, 1000)],
                )
                session.execute("INSERT INTO jobs (id, job) VALUES (%s, 'new')", [number])
            done += 1
            count.value = done


def run(argv: list[str]) -> Figures:
    """Fill, back up under writes, restore into a database of its own, compare; then flip and cut."""
    from ingest.backups import services, writing
    from ingest.backups.storages import Folder

    parser = argparse.ArgumentParser(prog="bench backup")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--writes", type=int, default=200, help="transactions a second meanwhile")
    parser.add_argument("--flips", type=int, default=500)
    parser.add_argument("--cuts", type=int, default=100)
    asked = parser.parse_args(argv)

    with connection.cursor() as cursor:
        cursor.execute(FILL, {"hires": asked.rows // 5, "salaries": asked.rows - asked.rows // 5})
    with tempfile.TemporaryDirectory(prefix="skl-bench-backup-") as root:
        writers = Writers(asked.writes)
        while not writers.done:
            time.sleep(0.05)
        before, start = writers.done, time.perf_counter()
        made = writing.write(Folder(Path(root)))
        seconds = time.perf_counter() - start
        during = writers.done - before
        writers.stop()

        start = time.perf_counter()
        address = restored(Path(root) / made.name)
        seconds_restore = time.perf_counter() - start
        sums, torn = compared(address, made)

        rng = random.Random(20)
        folder = Path(root) / made.name
        refused = [sum(refused_when(services, folder, damage, rng) for _ in range(count)) for damage, count in
                   ((flip, asked.flips), (cut, asked.cuts))]  # fmt: skip
    return {
        "rows": made.rows,
        "bytes": made.size,
        "seconds_backup": round(seconds, 2),
        "rows_per_second_backup": round(made.rows / seconds),
        "seconds_restore": round(seconds_restore, 2),
        "rows_per_second_restore": round(made.rows / seconds_restore),
        "writes_per_second": round(during / seconds),
        "checksum_equal": sums,
        "torn_writes": torn,
        "flipped": asked.flips,
        "flipped_refused": refused[0],
        "cut": asked.cuts,
        "cut_refused": refused[1],
    }


def restored(backup: Path) -> str:
    """Restore by the command, as an operator would, into a new database; its address."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as session:
        session.execute("CREATE DATABASE restored")
    # Not urlunsplit alone: it would lose the slashes of an address without a host.
    query = f"?{parts.query}" if parts.query else ""
    address = urlunsplit(parts._replace(path="", query="")).rstrip("/") + f"/restored{query}"
    if not parts.netloc:
        address = f"{parts.scheme}:///restored{query}"
    subprocess.run(
        [sys.executable, "manage.py", "restore", str(backup)],
        check=True,
        env={**os.environ, "DATABASE_URL": address},
        stdout=subprocess.DEVNULL,
    )
    return address


def compared(address: str, made: Any) -> tuple[bool, int]:
    """Whether every table of the restored database has the snapshot's count and checksum; torn transactions."""
    from ingest.backups.tables import PLAIN_TEXT, stored_tables

    expected = {part.table: (part.rows, part.checksum, tuple(part.columns)) for part in made.tables}
    equal = True
    with psycopg.connect(address) as session, session.cursor() as cursor:
        cursor.execute(PLAIN_TEXT)
        for table in stored_tables(cursor):
            rows, checksum, columns = expected.pop(table.name)
            equal = equal and table.sum(cursor, columns) == (rows, checksum)
        torn = cursor.execute(
            "SELECT count(*) FROM departments d FULL JOIN jobs j ON j.id = d.id"
            " WHERE greatest(d.id, j.id) >= 1000000 AND (d.id IS NULL OR j.id IS NULL)"
        ).fetchone()
    return equal and not expected, torn[0] if torn else -1


def flip(path: Path, rng: random.Random) -> None:
    """One bit of the file, anywhere."""
    at, bit = rng.randrange(path.stat().st_size), 1 << rng.randrange(8)
    with path.open("r+b") as file:
        file.seek(at)
        old = file.read(1)[0]
        file.seek(at)
        file.write(bytes([old ^ bit]))


def cut(path: Path, rng: random.Random) -> None:
    """The file ends early, or is gone."""
    if rng.random() < 0.1:
        path.unlink()
    else:
        os.truncate(path, rng.randrange(path.stat().st_size))


def refused_when(services: Any, backup: Path, damage: Any, rng: random.Random) -> bool:
    """Damage one file, ask for a restore, mend the file; whether the restore was refused for the damage."""
    from skillora.lib.errors import DomainError

    file = rng.choice(sorted(backup.iterdir()))
    whole = file.read_bytes()
    damage(file, rng)
    try:
        services.backup_restore(name=str(backup))
    except DomainError as error:
        return error.code in {"backup_damaged", "backup_incomplete"}
    finally:
        file.write_bytes(whole)
    return False
