"""What the pages say about an import: counts that add up, a run on its way. No database, no request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ingest import reasons
from ingest.declarations import Dataset
from ingest.models import Import, Reject
from runs.models import Run, State

GAP = 0.25  # percent of the width between two parts of the share bar
RATE_BARS = 60
RATE_HEIGHT = 64  # px, of 96


@dataclass(frozen=True)
class Part:
    """One outcome and how many rows had it."""

    label: str | Promise
    count: int
    note: str | Promise
    tone: str = ""
    icon: str = ""
    url: str = ""


@dataclass(frozen=True)
class Bar:
    """One part of the share bar; x and width in percent of it, e.g. "12.50%"."""

    tone: str
    label: str | Promise
    count: int
    x: str
    width: str


@dataclass(frozen=True)
class Counts:
    """The outcomes of all rows; `sum` writes them out as they stand on the page."""

    parts: list[Part]
    total: int

    @property
    def sum(self) -> str:
        return " + ".join(intcomma(part.count) for part in self.parts)

    @property
    def spoken(self) -> str:
        """For who cannot see the share bar."""
        return "; ".join(f"{part.label}: {intcomma(part.count)}" for part in self.parts)

    @property
    def bars(self) -> list[Bar]:
        shown = [part for part in self.parts if part.count]
        room = 100 - GAP * max(0, len(shown) - 1)
        bars, x = [], 0.0
        for part in shown:
            width = room * part.count / self.total if self.total else 0
            bars.append(Bar(part.tone or "grey", part.label, part.count, f"{x:.2f}%", f"{width:.2f}%"))
            x += width + GAP
        return bars


def counts_of(
    figures: Mapping[str, int], *, appends: bool, loaded: bool, rows_url: str, rejects_url: str
) -> Counts:
    """Counts of a dry run (`loaded` False) or a load, in the order and words of the page.

    Leaves out changed and unchanged where a dataset only appends, and what was left out where nothing was.
    """
    parts = [
        Part(
            _("Loaded") if loaded else _("New"),
            figures["inserted"],
            _("in the table now") if loaded else _("will be added"),
            "ok",
            "check",
            rows_url,
        )
    ]
    if not appends:
        parts.append(
            Part(_("Changed"), figures["updated"], _("new values for known rows"), "info", "refresh")
        )
        parts.append(Part(_("Unchanged"), figures["unchanged"], _("the same as before"), "", ""))
    parts.append(
        Part(_("Rejected"), figures["rejected"], _("kept, each with its reason"), "bad", "alert", rejects_url)
    )
    if figures["skipped"]:
        parts.append(Part(_("Left out"), figures["skipped"], _("as you chose"), "warn", "minus"))
    return Counts(parts, figures["rows_read"])


def url_or_none(name: str) -> str:
    """The address called `name`, or "" where this installation has no such page."""
    try:
        return reverse(name) if name else ""
    except NoReverseMatch:
        return ""


def grouped(count: int) -> str:
    """A quantity with the separators of the page's language."""
    return str(intcomma(count))


def headline(source: Import, run: Run, title: str | Promise) -> str:
    """When, by whom and how long: the line under a report's title."""
    values = {
        "title": title,
        "when": date_format(run.finished_at, "DATETIME_FORMAT") if run.finished_at else "",
        "who": source.by or "—",
        "seconds": f"{(run.finished_at - run.started_at).total_seconds():.2f}"
        if run.finished_at and run.started_at
        else "",
    }
    if not values["seconds"]:
        return _("Into %(title)s, %(when)s UTC, by %(who)s.") % values
    return _("Into %(title)s, %(when)s UTC, by %(who)s, in %(seconds)s\u00a0s.") % values


def reasons_title(reasons: int, rows: int) -> str:
    """The heading above rejects by reason."""
    why = ngettext("%(n)s reason", "%(n)s reasons", reasons) % {"n": intcomma(reasons)}
    what = ngettext("%(n)s rejected row", "%(n)s rejected rows", rows) % {"n": intcomma(rows)}
    return _("%(why)s for %(what)s") % {"why": why, "what": what}


def blanked(cells: int) -> str:
    """What a lenient load does to optional cells that cannot be read; "" where there are none."""
    sentence = ngettext(
        "%(n)s optional cell cannot be read and is left empty.",
        "%(n)s optional cells cannot be read and are left empty.",
        cells,
    )
    return sentence % {"n": intcomma(cells)} if cells else ""


def rejects_of(rows: Iterable[Reject], declared: Dataset) -> list[dict[str, Any]]:
    """Rejects as the page shows them: the first error with what helps, the others under it."""
    kinds = {column.name: column.kind for column in declared.columns}
    shown = []
    for row in rows:
        helped = kinds[row.field].help(row.value) if row.field in kinds and row.value else ""
        others = [e for e in row.errors if (e.get("field"), e.get("code")) != (row.field, row.code)]
        shown.append({"row": row, "help": helped or reasons.reason(row.code).fix, "others": others})
    return shown


def log_of(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A run's log, newest first, with times that templates can format."""
    read = [{"at": parse_datetime(str(entry["at"])), "text": str(entry["text"])} for entry in entries]
    return list(reversed(read))


@dataclass(frozen=True)
class Live:
    """A run on its way."""

    label: str
    percent: int | None
    done: int
    sentence: str
    spoken: str  # said by screen readers: changes every tenth, not every second
    speed: str
    bars: list[dict[str, str | int]]
    good: int
    rejected: int
    good_share: str
    rejected_share: str
    log: list[dict[str, Any]]


def live_of(run: Run, *, label: str, now: datetime | None = None) -> Live:
    """What the progress part of a page says about `run`."""
    now = now or timezone.now()
    done, percent = run.progress_done, run.percent
    seconds = (now - run.started_at).total_seconds() if run.started_at else 0.0
    rate = done / seconds if seconds > 0 else 0.0
    rejected = int(run.progress_detail.get("rejected", 0))
    good = max(0, int(run.progress_detail.get("good", done - rejected)))
    return Live(
        label=label,
        percent=percent,
        done=done,
        sentence=_sentence(run, rate),
        spoken=_spoken(run, label),
        speed=intcomma(int(rate)) if rate else "-",
        bars=_rate_bars(run.progress_detail.get("rates") or []),
        good=good,
        rejected=rejected,
        good_share=_share(good, good + rejected),
        rejected_share=_share(rejected, good + rejected),
        log=log_of(run.log),
    )


def _sentence(run: Run, rate: float) -> str:
    if run.state == State.QUEUED:
        return _("waiting for a worker")
    if run.cancel_requested:
        return _("stopping; nothing of it will stay")
    if not run.progress_total:
        return _("reading")
    sentence = _("%(done)s of %(total)s rows") % {
        "done": intcomma(run.progress_done),
        "total": intcomma(run.progress_total),
    }
    left = (run.progress_total - run.progress_done) / rate if rate else None
    if left is None:
        return sentence
    if left < 90:
        return _("%(sentence)s · about %(n)s s left") % {"sentence": sentence, "n": max(1, round(left))}
    return _("%(sentence)s · about %(n)s min left") % {"sentence": sentence, "n": round(left / 60)}


def _spoken(run: Run, label: str) -> str:
    if run.state == State.QUEUED:
        return _("%(what)s: waiting for a worker") % {"what": label}
    if run.percent is None:
        return label
    return _("%(what)s: %(percent)s percent") % {"what": label, "percent": run.percent // 10 * 10}


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}%" if whole else ""


def _rate_bars(rates: list[Any]) -> list[dict[str, str | int]]:
    """Geometry of the last rows-per-second figures: x and width in percent, y and height in px."""
    shown = [max(0, int(rate)) for rate in rates][-RATE_BARS:]
    top = max(shown, default=0)
    if not top:
        return []
    slot = 100 / max(len(shown), 20)
    return [
        {
            "x": f"{i * slot + 0.2:.2f}%",
            "width": f"{slot - 0.4:.2f}%",
            "y": 76 - max(1, round(RATE_HEIGHT * rate / top)),
            "height": max(1, round(RATE_HEIGHT * rate / top)),
            "rate": rate,
        }
        for i, rate in enumerate(shown)
    ]
