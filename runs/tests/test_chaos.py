"""Kill -9 at random moments of real loads: nothing lost, nothing doubled, all ended within 30 s."""

import random

import pytest

from bench._storm import Storm
from bench._world import world


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
