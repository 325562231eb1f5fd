"""A run on its way, as pages tell of it: how far, how fast, until when, what has happened. All of one moment.

What a run has told (its progress, its log) is of its last heartbeat; so rate and time left are measured up to
that, not up to now. No database, no request.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from ingest.loading import RATES_KEPT
from runs.models import Run, State

BARS_MIN, BARS_MAX = 20, 120  # the width of the chart, in bars
HEIGHT, BASE = 64, 76.5  # px, of 96
ROOM = 25  # percent, between "now" and the expected end


@dataclass(frozen=True)
class Rates:
    """Rows a second as bars: x and width in percent, y and height in px; times under them."""

    bars: list[dict[str, str | int]]
    since: datetime | None
    now: str  # where the newest bar ends, in percent
    end: str  # where the load ends, as it seems
    until: datetime | None  # when that is, where there is room to say so
    spoken: str


@dataclass(frozen=True)
class Live:
    """A run on its way."""

    label: str
    percent: int | None
    done: int
    sentence: str
    spoken: str  # said by screen readers: changes every tenth, not every second
    speed: str
    rates: Rates | None
    good: int
    rejected: int
    good_share: str
    rejected_share: str
    note: str
    log: list[dict[str, Any]]


def live_of(run: Run, *, label: str) -> Live:
    """What the progress part of a page says about `run`."""
    rejected = int(run.progress_detail.get("rejected", 0))
    good = max(0, int(run.progress_detail.get("good", run.progress_done - rejected)))
    rates = [max(0, int(rate)) for rate in run.progress_detail.get("rates") or []][-RATES_KEPT:]
    return Live(
        label=label,
        percent=run.percent,
        done=run.progress_done,
        sentence=_sentence(run),
        spoken=_spoken(run, label),
        speed=_speed(run, rates),
        rates=_rates(run, rates),
        good=good,
        rejected=rejected,
        good_share=_share(good, good + rejected),
        rejected_share=_share(rejected, good + rejected),
        note=run.progress_note,
        log=log_of(run.log),
    )


def log_of(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A run's log, newest first, with times that templates can format."""
    read = [{"at": parse_datetime(str(entry["at"])), "text": str(entry["text"])} for entry in entries]
    return list(reversed(read))


def _sentence(run: Run) -> str:
    if run.state == State.QUEUED:
        return run.error_message or _("waiting for a worker")
    if run.cancel_requested:
        return _("stopping; nothing of it will stay")
    if not run.progress_total or not run.progress_done:
        return run.progress_note or _("under way")
    sentence = _("%(done)s of %(total)s rows") % {
        "done": intcomma(run.progress_done),
        "total": intcomma(run.progress_total),
    }
    if (left := _left(run)) is None:
        return sentence
    return _("%(sentence)s · %(left)s") % {"sentence": sentence, "left": left}


def _left(run: Run) -> str | None:
    left = run.eta_seconds
    if left is None:
        return None
    if not left:
        return _("completing it")
    if left < 90:
        return _("about %(n)s s left") % {"n": max(1, round(left))}
    return _("about %(n)s min left") % {"n": round(left / 60)}


def _spoken(run: Run, label: str) -> str:
    if run.state == State.QUEUED:
        return _("%(what)s: waiting for a worker") % {"what": label}
    if run.percent is None:
        return label
    return _("%(what)s: %(percent)s percent") % {"what": label, "percent": run.percent // 10 * 10}


def _speed(run: Run, rates: list[int]) -> str:
    """Rows a second, now and on the whole; "" before there are any."""
    if not run.rate:
        return ""
    whole = intcomma(round(run.rate))
    if not rates:
        return _("%(n)s rows a second on the whole") % {"n": whole}
    return _("%(now)s rows a second now, %(n)s on the whole") % {"now": intcomma(rates[-1]), "n": whole}


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%" if whole else ""


def _rates(run: Run, rates: list[int]) -> Rates | None:
    """The chart of the last rates, as wide as the whole load where that is to be foreseen."""
    top = max(rates, default=0)
    if not top or not run.started_at or not run.heartbeat_at or not run.seconds:
        return None
    whole = len(rates) < RATES_KEPT  # none was let go: the first is of the start
    each = run.seconds / len(rates) if whole else 1.0
    slots = len(rates) + math.ceil((run.eta_seconds or 0) / each)
    fits = run.eta_seconds is not None and len(rates) < slots <= BARS_MAX
    wide = 100 / (max(slots, BARS_MIN) if fits else max(len(rates), BARS_MIN))
    gap = min(0.4, wide / 5)
    end, room = slots * wide, (slots - len(rates)) * wide >= ROOM
    heights = [max(1, round(HEIGHT * rate / top)) for rate in rates]
    return Rates(
        bars=[
            {
                "x": f"{at * wide + gap / 2:.2f}%",
                "width": f"{wide - gap:.2f}%",
                "y": int(BASE) - height,
                "height": height,
                "rate": rate,
            }
            for at, (rate, height) in enumerate(zip(rates, heights, strict=True))
        ],
        since=run.started_at if whole else run.heartbeat_at - timedelta(seconds=len(rates)),
        now=f"{len(rates) * wide:.2f}%",
        end=f"{end:.2f}%",
        until=run.heartbeat_at + timedelta(seconds=run.eta_seconds or 0) if fits and room else None,
        spoken=_("Rows a second since the start: %(rates)s")
        % {"rates": ", ".join(intcomma(rate) for rate in rates[-5:])},
    )
