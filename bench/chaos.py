"""Random kill -9 of workers, work-horses, web and PostgreSQL, and queue flushes: lines lost or doubled.

Each kill breaks a real load, or an upload over HTTP, off; an upload without an answer is sent again. The control
is a naive loader (a commit per 5,000 rows), its work-horse killed too: it must double rows, or the benchmark would
not bite.
"""

import argparse
import random
import time
from typing import Any

from bench._storm import FINAL_SECONDS, Storm
from bench._world import World, world

OWN_SERVERS = True
NAIVE_KILLS = 6


def start(here: World, task: str, runs: int, rows: int, seconds: float) -> list[int]:
    """Start `runs` loads of `rows` rows into a table without a key, `seconds` each; their ids."""
    started = here.command("workload_start", task, f"--runs={runs}", f"--rows={rows}", f"--seconds={seconds}")
    return [int(pk) for pk in started.split()]


def tally(here: World, ids: list[int], rows: int) -> dict[str, int]:
    """Rows that these runs should have written and did not, and rows that are there more than once."""
    sql = "SELECT run_id, count(*), count(DISTINCT line) FROM workload_row WHERE run_id = ANY(%s) GROUP BY 1"
    found = {run_id: (total, distinct) for run_id, total, distinct in here.query(sql, ids)}
    return {
        "rows": sum(total for total, _ in found.values()),
        "lost": sum(rows - found.get(run_id, (0, 0))[1] for run_id in ids),
        "duplicated": sum(total - distinct for total, distinct in found.values()),
    }


def control(here: World, rows: int, kills: int) -> dict[str, int]:
    """The naive loader, its work-horse killed `kills` times when it has just committed something."""
    ids = start(here, "workload.naive", 1, rows, seconds=4.0)
    before, left = 0, kills
    sql = (
        "SELECT (SELECT count(*) FROM workload_row WHERE run_id = r.id), state FROM runs_run r WHERE id = %s"
    )
    while left:
        written, state = here.query(sql, ids[0])[0]
        if state not in {"queued", "running"}:
            break
        if written > before and any(here.kill_horse(pid) for pid in here.horses()):
            before, left = written, left - 1
        time.sleep(0.02)
    here.until_final(FINAL_SECONDS)
    return tally(here, ids, rows)


def run(argv: list[str]) -> dict[str, Any]:
    """`--kills` in all, a fifth of web, and `--postgres` of the server; `--flushes`; loads of `--rows`; `--full`."""
    parser = argparse.ArgumentParser(prog="python -m bench chaos")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--postgres", type=int, default=4)
    parser.add_argument("--flushes", type=int, default=4)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full", action="store_true", help="205 kills, 5 of the server, and 10 flushes")
    given = parser.parse_args(argv)
    if given.full:
        given.kills, given.postgres, given.flushes = 205, 5, 10
    sizes = [max(1, round(given.rows * share)) for share in (0.5, 1.0, 1.5)]
    web = (given.kills - given.postgres) // 5
    parents = (given.kills - given.postgres - web) // 2
    with world(web=1) as here:
        storm = Storm(here, sizes, random.Random(given.seed))
        began = time.monotonic()
        horses = given.kills - given.postgres - parents - web
        storm.rage(horses=horses, parents=parents, postgres=given.postgres, flushes=given.flushes, web=web)
        seconds = time.monotonic() - began
        ours = storm.verdict()
        naive = control(here, rows=50_000, kills=NAIVE_KILLS)
    return {
        **ours,
        "storm_seconds": round(seconds, 1),
        "naive_kills": NAIVE_KILLS,
        "naive_rows": naive["rows"],
        "naive_lost": naive["lost"],
        "naive_duplicated": naive["duplicated"],
    }
