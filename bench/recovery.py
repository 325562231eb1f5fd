"""How long after kill -9 of a work-horse, or of a worker with its horse, another attempt has started."""

import argparse
import statistics
import time
from typing import Any

from bench._world import World, world
from bench.chaos import start

OWN_SERVERS = True


def recovery(here: World, run: int, attempt: int, whole_worker: bool) -> float:
    """Seconds from the kill of this attempt to the claim of the next."""
    state = "SELECT progress_done, attempt, worker FROM runs_run WHERE id = %s"
    while True:
        done, now, worker = here.query(state, run)[0]
        if now == attempt and done > 0:
            break
        time.sleep(0.02)
    began = time.monotonic()
    horse = int(worker.rpartition(":")[2])
    assert here.kill_parent(horse) if whole_worker else here.kill_horse(horse)
    while here.query(state, run)[0][1] == attempt:
        time.sleep(0.02)
    return time.monotonic() - began


def run(argv: list[str]) -> dict[str, Any]:
    """`--kills` in all, of horses and of whole workers in turn; settings as delivered."""
    parser = argparse.ArgumentParser(prog="python -m bench recovery")
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args(argv)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with world() as here:
        (pk,) = start(here, "workload.copy", 1, rows=50_000, seconds=600.0)
        for n in range(given.kills):
            seconds[n % 2 == 1].append(recovery(here, pk, n + 1, whole_worker=n % 2 == 1))
    both = sorted(seconds[False] + seconds[True])
    return {
        "kills": given.kills,
        "p50_s": round(statistics.median(both), 2),
        "p95_s": round(both[min(len(both) - 1, int(0.95 * len(both)))], 2),
        "max_s": round(both[-1], 2),
        "horse_p50_s": round(statistics.median(seconds[False]), 2),
        "worker_p50_s": round(statistics.median(seconds[True] or [0.0]), 2),
    }
