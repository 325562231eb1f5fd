"""Kill -9 at random moments of real loads: nothing lost, nothing doubled, all ended within 30 s."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench._storm import Storm
from bench._world import world
from skillora.tests.serving import WAIT_SECONDS


@pytest.mark.slow
@pytest.mark.integration
def test_ten_random_kills_lose_and_double_nothing() -> None:
    with world() as here:
        storm = Storm(here, [60_000, 80_000, 100_000], random.Random(2))
        storm.rage(horses=4, parents=4, postgres=2)
        found = storm.verdict()
    assert found["kills"] == 10
    assert found["attempts"] >= found["loads"] + 10
    assert found["stuck"] == 0
    assert (found["lost"], found["duplicated"], found["miscounted"], found["index_off_by"]) == (0, 0, 0, 0)
    assert found["rows"] == sum(storm.imports.values()) > 0


HELD = """
import signal, time
from bench.__main__ import end_by_signal
from bench._world import world
signal.signal(signal.SIGTERM, end_by_signal)
with world(workers=1, web=1) as here:
    print(here.home.path, flush=True)
    time.sleep(600)
"""


def living(home: str) -> list[int]:
    """Processes that were started with this home."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"SKILLORA_HOME={home}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.integration
def test_world_that_is_told_to_end_leaves_no_process_and_no_folder() -> None:
    own = {"DATABASE_URL", "REDIS_URL", "SKILLORA_HOME"}
    environment = {key: value for key, value in os.environ.items() if key not in own}
    with subprocess.Popen(
        [sys.executable, "-c", HELD], stdout=subprocess.PIPE, text=True, env=environment
    ) as held:
        assert held.stdout is not None
        home = held.stdout.readline().strip()
        assert len(living(home)) >= 3  # a worker, the web's parent and one of its processes
        held.terminate()
        assert held.wait(WAIT_SECONDS) == 128 + signal.SIGTERM
    end = time.monotonic() + WAIT_SECONDS
    while living(home) and time.monotonic() < end:
        time.sleep(0.1)
    assert living(home) == []
    assert not Path(home).exists()
