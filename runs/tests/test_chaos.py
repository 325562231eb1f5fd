"""Kill -9 at random moments during loads: nothing lost, nothing doubled, all ended within 30 s."""

import random

import pytest

from bench._world import world
from bench.chaos import control, trial

FAST = {"RUN_SWEEP_SECONDS": "1", "RUN_STALE_SECONDS": "5", "RUN_HEARTBEAT_SECONDS": "1"}


@pytest.mark.slow
@pytest.mark.integration
def test_ten_random_kills_lose_and_double_nothing() -> None:
    random.seed(2)
    with world(**FAST) as here:
        ours = trial(here, 6, rows=40_000, seconds=1.5, kills=8, postgres=2, flushes=1, pause=(0.2, 0.8))
        # A loader that commits every 5,000 rows, killed too: the test bites.
        naive = control(here, rows=40_000, kills=2)
    assert ours["kill_horse"] + ours["kill_parent"] + ours["kill_postgres"] == 10
    assert (ours["rows"], ours["lost"], ours["duplicated"], ours["stuck"]) == (6 * 40_000, 0, 0, 0)
    assert naive["duplicated"] > 0
