"""What a page tells of a run on its way: rate, time left and chart are of the moment that the run has told of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.live import BARS_MAX, live_of
from ingest.loading import RATES_KEPT
from runs.models import Run, State

BEGAN = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)  # long ago: what is told then must not depend on now


def run(*, seconds: float = 20, done: int = 400, rates: int = 0, **more: Any) -> Run:
    """A load of a thousand rows that has told of itself `seconds` after it began, and `rates` times before."""
    given: dict[str, Any] = {"state": State.RUNNING, "started_at": BEGAN, "progress_total": 1000}
    detail = {"good": done - 4, "rejected": 4, "rates": [20 + at % 2 for at in range(rates)]}
    told = BEGAN + timedelta(seconds=seconds)
    return Run(
        task="ingest.load", heartbeat_at=told, progress_done=done, progress_detail=detail, **given | more
    )


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (run(), "400 of 1,000 rows · about 30 s left"),
        (run(seconds=400), "400 of 1,000 rows · about 10 min left"),
        (run(done=1000), "1,000 of 1,000 rows · completing it"),
        (run(done=0), "under way"),
        (run(done=0, progress_note="Waits for the files that it refers to"), "Waits for the files"),
        (run(cancel_requested=True), "stopping"),
        (run(state=State.QUEUED), "waiting for a worker"),
    ],
    ids=["seconds", "minutes", "all-read", "nothing-read", "waits", "stops", "queued"],
)
def test_sentence_of_a_run(known: Run, said: str) -> None:
    assert live_of(known, label="Loading").sentence.startswith(said)


def test_speed_now_and_on_the_whole() -> None:
    assert live_of(run(rates=20), label="").speed == "21 rows a second now, 20 on the whole"
    assert live_of(run(), label="").speed == "20 rows a second on the whole"
    assert live_of(run(done=0), label="").speed == ""


@pytest.mark.parametrize(("rates", "now", "end"), [(20, "40.00%", "100.00%"), (6, "30.00%", "75.00%")])
def test_chart_is_as_wide_as_the_whole_load(rates: int, now: str, end: str) -> None:
    """20 of 50 seconds are two fifths of its width; a short load does not need the whole width."""
    chart = live_of(run(rates=rates), label="").rates
    assert chart is not None and len(chart.bars) == rates
    assert (chart.now, chart.end) == (now, end)
    assert (chart.since, chart.until) == (BEGAN, BEGAN + timedelta(seconds=50))


@pytest.mark.parametrize("known", [run(rates=20, done=2), run(rates=20, progress_total=None)])
def test_chart_without_an_end_that_can_be_foreseen(known: Run) -> None:
    chart = live_of(known, label="").rates
    assert chart is not None and (chart.now, chart.until) == ("100.00%", None)


def test_chart_of_a_load_longer_than_its_figures() -> None:
    chart = live_of(run(seconds=600, rates=RATES_KEPT + 5, done=999), label="").rates
    assert chart is not None and len(chart.bars) == RATES_KEPT < BARS_MAX
    assert chart.since == BEGAN + timedelta(seconds=600 - RATES_KEPT), "the first bar that is shown"


@pytest.mark.parametrize("known", [run(), run(rates=1, seconds=0)])
def test_no_chart_before_there_is_a_rate(known: Run) -> None:
    assert live_of(known, label="").rates is None
