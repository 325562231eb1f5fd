"""Work-horses stopped (SIGSTOP) mid-load, taken over and woken up again: what a zombie managed to write."""

import argparse
import time
from typing import Any

from bench._world import World, world
from bench.chaos import start, tally
from skillora import processes

OWN_SERVERS = True
FINAL_SECONDS = 60.0  # of those that stand still together
AT_ONCE = 3  # that stand still; one worker more is there to take over
RUNS = "SELECT id, state, attempt, progress_done, worker FROM runs_run WHERE id = ANY(%s)"


def take_over(here: World, ids: list[int]) -> int:
    """Stop the first attempt at each run, wake it once a second one has begun; how many woke up as zombies.

    The worker of a stopped work-horse stands still too, as on a machine that hangs: it would end the zombie.
    """
    stopped: dict[int, list[int]] = {}
    woken: dict[int, bool] = {}
    end = time.monotonic() + FINAL_SECONDS
    while here.until_final(0) and time.monotonic() < end:
        for pk, state, attempt, done, worker in here.query(RUNS, ids):
            if pk not in stopped and state == "running" and attempt == 1 and done:
                horse = int(worker.rpartition(":")[2])
                if parent := processes.status_of(horse)[1:2]:
                    stopped[pk] = [int(parent[0]), horse]
                    for pid in stopped[pk]:
                        here.pause_process(pid)
            elif pk in stopped and pk not in woken and attempt > 1:
                woken[pk] = processes.alive(stopped[pk][1])
                for pid in stopped[pk][::-1]:
                    here.wake_process(pid)
        time.sleep(0.02)
    return sum(woken.values())


def run(argv: list[str]) -> dict[str, Any]:
    """`--takeovers`, of a load of `--rows` each."""
    parser = argparse.ArgumentParser(prog="python -m bench zombie")
    parser.add_argument("--takeovers", type=int, default=30)
    parser.add_argument("--rows", type=int, default=30_000)
    given = parser.parse_args(argv)
    began = time.monotonic()
    with world(AT_ONCE + 1, RUN_STALE_SECONDS="3", RUN_SWEEP_SECONDS="1", RUN_HEARTBEAT_SECONDS="1") as here:
        ids, woken = [], 0
        while len(ids) < given.takeovers:
            some = start(here, "workload.copy", AT_ONCE, given.rows, seconds=2.0)
            woken += take_over(here, some)
            ids += some
        counted = tally(here, ids, given.rows)
        attempts = here.query("SELECT min(attempt), max(attempt) FROM runs_run WHERE id = ANY(%s)", ids)[0]
        open_ = here.until_final(0)
    return {
        "takeovers": woken,
        "rows": counted["rows"],
        "zombie_rows": counted["duplicated"],
        "lost": counted["lost"],
        "stuck": len(open_),
        "attempts_least": attempts[0],
        "attempts_most": attempts[1],
        "seconds_per_takeover": round((time.monotonic() - began) / given.takeovers, 1),
    }
