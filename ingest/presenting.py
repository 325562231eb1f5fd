"""What the pages say about an import: counts that add up, a run on its way. No database, no request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ingest.declarations import Dataset
from ingest.lineage import Lineage
from ingest.models import Import
from ingest.settled import UNDO_TASK
from ingest.undoing import UndoReport
from runs.models import Run, State

GAP = 0.25  # percent of the width between two parts of the share bar


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
    figures: Mapping[str, int],
    *,
    appends: bool,
    loaded: bool,
    rows_url: str,
    rejects_url: str,
    undone: bool = False,
) -> Counts:
    """Counts of a dry run (`loaded` False) or a load, in the order and words of the page.

    Leaves out changed and unchanged where a dataset only appends, and what was left out where nothing was.
    """
    added = _("in the table now") if appends else _("added to the table")
    parts = [
        Part(
            _("Loaded") if loaded and appends else _("New"),
            figures["inserted"],
            added if loaded else _("will be added"),
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
    why = _("kept, each with its reason") if figures["rejected"] else _("nothing to fix")
    parts.append(Part(_("Rejected"), figures["rejected"], why, "bad", "alert", rejects_url))
    if figures["skipped"]:
        label = _("Not in the table") if undone else _("Left out")
        why = _("taken back or left out") if undone else _("as you chose")
        parts.append(
            Part(label, figures["skipped"], why, "" if undone else "warn", "undo" if undone else "minus")
        )
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


def lenient_said(known: Iterable[Dataset]) -> str:
    """What a lenient load of these datasets lets in."""
    names = dict.fromkeys(str(column.label) for one in known for column in one.columns if column.may_lack)
    if not names:
        return _("Load rows whose optional cells cannot be read, and leave those cells empty")
    return _("Lenient: also load rows that lack one of these: %(names)s") % {"names": ", ".join(names)}


def left_out(rows: int) -> str:
    """What has just been left out."""
    sentence = ngettext("%(n)s row is left out.", "%(n)s rows are left out.", rows)
    return sentence % {"n": intcomma(rows)}


def stored_rest(
    found: Lineage, declared: Dataset, stored: Mapping[str, Any], targets: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What a stored row holds beside the cells of its line, and why: said for all rows, assumed, computed."""
    shown = {targets.get(cell.field) for cell in found.cells if cell.field}
    by_name = {targets[column.name]: column for column in declared.columns}
    fields = {field.name: field for field in declared.model._meta.concrete_fields}
    rest = []
    for name, value in stored.items():
        if name in shown or name not in fields or name == "id":
            continue
        column = by_name.get(name)
        if column is None:
            why = _("computed")
        elif column.name in found.constants:
            why = _("said for all rows: %(text)s") % {"text": found.constants[column.name]}
        else:
            why = (
                _("assumed: %(text)s") % {"text": column.default} if column.default else _("not in the file")
            )
        label = column.label if column else fields[name].verbose_name
        rest.append({"label": label, "value": value, "why": why})
    return rest


@dataclass(frozen=True)
class Work:
    """Something done to an import after its load, in words."""

    title: str
    sentences: list[str]
    at: datetime | None
    by: str
    tone: str  # of its notice


def work_of(run: Run) -> Work:
    """What a run has added to an import, or taken out."""
    result, by = run.result, str(run.by or "—")
    if run.state == State.FAILED:
        title = _("The undo failed; nothing changed") if run.task == UNDO_TASK else _("Nothing was added")
        return Work(title, [run.error_message], run.finished_at, by, "bad")
    if run.state != State.DONE:
        return Work(_("Cancelled; nothing changed"), [], run.finished_at, by, "")
    if run.task == UNDO_TASK:
        n = int(result["reversed"])
        title = ngettext("%(n)s row was taken back", "%(n)s rows were taken back", n) % {"n": grouped(n)}
        return Work(title, undo_sentences(result, done=True), run.finished_at, by, "")
    n = int(result.get("loaded", 0))
    title = ngettext("%(n)s row joined this import", "%(n)s rows joined this import", n) % {"n": grouped(n)}
    sentences = []
    for name, one, many in _RETURNED:
        if count := int(result.get(name, 0)):
            lines = ", ".join(result.get("lines", {}).get(name, []))
            sentence = ngettext(one, many, count) % {"n": grouped(count)}
            sentences.append(f"{sentence} ({lines})" if lines and name != "same" else sentence)
    return Work(title, sentences, run.finished_at, by, "ok" if n else "warn")


_RETURNED = (
    ("wrong", "%(n)s row is not valid after all.", "%(n)s rows are not valid after all."),
    ("still_wrong", "%(n)s row of the file is still wrong.", "%(n)s rows of the file are still wrong."),
    ("same", "%(n)s row came back as it was.", "%(n)s rows came back as they were."),
    ("already", "%(n)s row was loaded or left out before.", "%(n)s rows were loaded or left out before."),
    ("unknown", "%(n)s row is none of the rejected ones.", "%(n)s rows are none of the rejected ones."),
    ("doubled", "%(n)s row has a line that came before.", "%(n)s rows have a line that came before."),
)


def undo_title(report: UndoReport) -> str:
    """What an undo comes to, in one line."""
    go, stay = report.reversed, report.kept + report.blocked
    title = ngettext("%(n)s row would go", "%(n)s rows would go", go) % {"n": grouped(go)}
    if not stay:
        return title
    return _("%(title)s, %(n)s would stay") % {"title": title, "n": grouped(stay)}


def undo_sentences(figures: Mapping[str, Any], *, done: bool) -> list[str]:
    """What an undo removes, restores, keeps, cannot touch."""
    wanted = _UNDONE if done else _UNDO
    return [
        ngettext(one, many, count) % {"n": grouped(count)}
        for name, one, many in wanted
        if (count := int(figures.get(name, 0)))
    ]


_UNDO = (
    ("removed", "%(n)s row is removed.", "%(n)s rows are removed."),
    ("restored", "%(n)s row gets its previous values back.", "%(n)s rows get their previous values back."),
    ("kept", "%(n)s row was changed since and is kept.", "%(n)s rows were changed since and are kept."),
    ("blocked", "%(n)s row stays: others refer to it.", "%(n)s rows stay: others refer to them."),
)
_UNDONE = (
    ("removed", "%(n)s row was removed.", "%(n)s rows were removed."),
    ("restored", "%(n)s row got its previous values back.", "%(n)s rows got their previous values back."),
    (
        "kept",
        "%(n)s row had been changed since and was kept.",
        "%(n)s rows had been changed since and were kept.",
    ),
    ("blocked", "%(n)s row stayed: others refer to it.", "%(n)s rows stayed: others refer to them."),
)
