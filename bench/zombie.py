"""Work-horses stopped (SIGSTOP) mid-load, taken over and woken up again: what a zombie managed to write."""

import argparse
import time
from typing import Any

from bench._world import World, world
from bench.chaos import start, tally

OWN_SERVERS = True


def takeover(here: World, run: int) -> int:
    """Stop the horse of `run`, wait until another attempt has ended it, wake the horse; attempts needed."""
    state = "SELECT state, attempt, progress_done, worker FROM runs_run WHERE id = %s"
    while here.query(state, run)[0][2] == 0:
        time.sleep(0.02)
    horse = int(here.query(state, run)[0][3].rpartition(":")[2])
    here.pause_process(horse)
    while here.query(state, run)[0][1] == 1:
        time.sleep(0.05)
    here.wake_process(horse)
    here.until_final(60)
    return int(here.query(state, run)[0][1])


def run(argv: list[str]) -> dict[str, Any]:
    """`--takeovers`, of a load of `--rows` each."""
    parser = argparse.ArgumentParser(prog="python -m bench zombie")
    parser.add_argument("--takeovers", type=int, default=30)
    parser.add_argument("--rows", type=int, default=30_000)
    given = parser.parse_args(argv)
    ids = []
    began = time.monotonic()
    with world(RUN_STALE_SECONDS="3", RUN_SWEEP_SECONDS="1", RUN_HEARTBEAT_SECONDS="1") as here:
        for _ in range(given.takeovers):
            (pk,) = start(here, "workload.copy", 1, given.rows, seconds=2.0)
            assert takeover(here, pk) > 1
            ids.append(pk)
        counted = tally(here, ids, given.rows)
    return {
        "takeovers": given.takeovers,
        "rows": counted["rows"],
        "zombie_rows": counted["duplicated"],
        "lost": counted["lost"],
        "seconds_per_takeover": round((time.monotonic() - began) / given.takeovers, 1),
    }
