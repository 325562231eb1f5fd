"""Random kill -9 of workers, work-horses, PostgreSQL, and queue flushes during loads: rows lost or doubled.

The control is a naive loader (a commit per 5,000 rows) under the same treatment: it must fail, or the test
would not bite.
"""

import argparse
import random
import time
from typing import Any

from bench._world import World, world

OWN_SERVERS = True
FINAL_SECONDS = 30.0


def storm(
    here: World, *, kills: int, postgres: int, flushes: int, pause: tuple[float, float]
) -> dict[str, int]:
    """Kill workers and horses, kill PostgreSQL, flush the queue: so often each, in random order."""
    deeds = [here.kill_postgres] * postgres + [here.flush] * flushes
    deeds += [random.choice([here.kill_horse, here.kill_horse, here.kill_parent]) for _ in range(kills)]
    random.shuffle(deeds)
    done = {"kill_horse": 0, "kill_parent": 0, "kill_postgres": 0, "flush": 0}
    for deed in deeds:
        time.sleep(random.uniform(*pause))
        end = time.monotonic() + 3.0
        while not (hit := deed()) and time.monotonic() < end:
            time.sleep(0.05)
        if not hit:  # no horse at work, no server up
            deed = here.kill_parent  # noqa: PLW2901
            deed()
        done[deed.__name__] += 1
    return done


def tally(here: World, ids: list[int], rows: int) -> dict[str, int]:
    """Rows that these runs should have written and did not, and rows that are there more than once."""
    sql = "SELECT run_id, count(*), count(DISTINCT line) FROM workload_row WHERE run_id = ANY(%s) GROUP BY 1"
    found = {run_id: (total, distinct) for run_id, total, distinct in here.query(sql, ids)}
    return {
        "rows": sum(total for total, _ in found.values()),
        "lost": sum(rows - found.get(run_id, (0, 0))[1] for run_id in ids),
        "duplicated": sum(total - distinct for total, distinct in found.values()),
    }


def start(here: World, task: str, runs: int, rows: int, seconds: float) -> list[int]:
    """Start `runs` loads of `rows` rows that take `seconds` each; their ids."""
    started = here.command("workload_start", task, f"--runs={runs}", f"--rows={rows}", f"--seconds={seconds}")
    return [int(pk) for pk in started.split()]


def trial(here: World, runs: int, *, rows: int, seconds: float, **deeds: Any) -> dict[str, int]:
    """Start loads, let the storm pass over them, wait for the last, count."""
    ids = start(here, "workload.copy", runs, rows, seconds)
    done = storm(here, **deeds)
    open_after_storm = len(ids) - len(
        here.query("SELECT 1 FROM runs_run WHERE id = ANY(%s) AND state NOT IN ('queued', 'running')", ids)
    )
    began = time.monotonic()
    stuck = here.until_final(ids, FINAL_SECONDS)
    failed = here.query("SELECT id FROM runs_run WHERE id = ANY(%s) AND state = 'failed'", ids)
    return {
        **done,
        **tally(here, ids, rows),
        "stuck": len(stuck) + len(failed),
        "open_after_storm": open_after_storm,
        "final_after_ms": round((time.monotonic() - began) * 1000),
    }


def control(here: World, rows: int, kills: int) -> dict[str, int]:
    """The naive loader, its work-horse killed `kills` times when it has just committed something."""
    ids = start(here, "workload.naive", 1, rows, seconds=4.0)
    before, left = 0, kills
    sql = (
        "SELECT (SELECT count(*) FROM workload_row WHERE run_id = r.id), state FROM runs_run r WHERE id = %s"
    )
    while left:
        rows_now, state = here.query(sql, ids[0])[0]
        if state not in {"queued", "running"}:
            break
        if rows_now > before and here.kill_horse():
            before, left = rows_now, left - 1
        time.sleep(0.02)
    here.until_final(ids, FINAL_SECONDS)
    return tally(here, ids, rows)


def run(argv: list[str]) -> dict[str, Any]:
    """`--kills` of workers and horses, `--postgres` kills of the server, `--flushes`; `--rows` per load."""
    parser = argparse.ArgumentParser(prog="python -m bench chaos")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--postgres", type=int, default=3)
    parser.add_argument("--flushes", type=int, default=4)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    random.seed(given.seed)
    loads = max(6, given.kills // 3)
    deeds: dict[str, Any] = {"flushes": given.flushes, "pause": (0.2, 1.2)}
    deeds |= {"kills": given.kills, "postgres": given.postgres}
    with world(RUN_SWEEP_SECONDS="1", RUN_STALE_SECONDS="3", RUN_HEARTBEAT_SECONDS="1") as here:
        ours = trial(here, loads, rows=given.rows, seconds=1.5, **deeds)
        naive = control(here, given.rows, kills=6)
    return {
        "kills": ours["kill_horse"] + ours["kill_parent"] + ours["kill_postgres"],
        **ours,
        "naive_kills": 6,
        "naive_rows": naive["rows"],
        "naive_lost": naive["lost"],
        "naive_duplicated": naive["duplicated"],
    }
