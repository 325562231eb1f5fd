"""Two questions about hires, answered from the rollup that triggers keep: right at once, at any number of people."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analytics import charts
from analytics.declarations import Answer, Column, Params, Report, register
from hiring.filters import AboveMeanForm, HiringFilters
from hiring.models import Department, HiresByQuarter, Line, Lines

QUARTERS = ("Q1", "Q2", "Q3", "Q4")
PANELS = 24  # departments with a small chart of their own
BARS = 60  # departments in the bars
IN_UTC = gettext_lazy("A hire belongs to the quarter and year of its hire time in UTC.")


def hires_said(n: int) -> str:
    """1 hire, 1,644 hires."""
    return ngettext("%(n)s hire", "%(n)s hires", n) % {"n": f"{n:,}"}


def version(params: Params) -> str:
    """Of all that the year's answers are made from: the counts and the names. The same data, the same version."""
    return _version(HiresByQuarter.objects.fingerprint(params["year"]))


def _version(fingerprint: tuple[object, ...]) -> str:
    return hashlib.blake2b(repr(fingerprint).encode(), digest_size=6).hexdigest()


def named(line: Line) -> tuple[str, str]:
    """Department and job in words, also where there is none."""
    return line.department or _("no department given"), line.job or _("no job given")


def passing(params: Params) -> Lines:
    """The year's counts under the filters, by department, then job, in byte order; what names none comes last."""
    lines = HiresByQuarter.objects.lines(params["year"])
    department, title = params.get("department"), (params.get("title") or "").casefold()
    if department is not None:
        lines = lines[lines.found["department"] == department]
    if not title:
        return lines
    wanted = [pk for pk, name in lines.jobs.items() if title in name.casefold()]
    return lines[np.isin(lines.found["job"], wanted)]


def by_department(lines: Lines) -> dict[int, Lines]:
    """Department id → its lines, departments in the order in which they come."""
    places = lines.found["department"]
    ids, firsts = np.unique(places, return_index=True)
    return {pk: lines[places == pk] for pk in ids[np.argsort(firsts)].tolist()}


def address(name: str, **query: Any) -> str:
    """A hiring page with a query string; None leaves out."""
    kept = {key: value for key, value in query.items() if value not in (None, "")}
    return f"{_path(name)}?{urlencode(kept)}"


@cache
def _path(name: str) -> str:
    """Asked for again and again for every number of a page."""
    return reverse(name)


def _totals(counts: Sequence[int]) -> dict[str, int]:
    return {**dict(zip(QUARTERS, counts, strict=True)), "total": sum(counts)}


# ---- hires by quarter

QUARTER_COLUMNS = (
    Column("department", gettext_lazy("Department")),
    Column("job", gettext_lazy("Job")),
    *(Column(quarter, quarter, "count") for quarter in QUARTERS),
)


def by_quarter_query(params: Params) -> Answer:
    """Every department and job that hired in the year, with the four quarters, zeros too."""
    lines = passing(params)
    groups = by_department(lines)
    counted = {key: group.total for key, group in groups.items()}
    totals = lines.total
    n, year = sum(totals), params["year"]
    summary = {
        "year": year,
        "totals": _totals(totals),
        "departments": [
            {"id": key or None, "department": named(group[0])[0], **_totals(counted[key])}
            for key, group in groups.items()
        ],
    }
    version_read = _version(lines.fingerprint)
    if not n:
        return Answer(
            columns=QUARTER_COLUMNS, rows=[], n=0, version=version_read, summary=summary,
            reading=_nobody(params), guarded=True,
        )  # fmt: skip
    shown = sorted(counted, key=lambda key: -sum(counted[key]))[:PANELS]
    panels = [
        charts.PanelRow(
            named(groups[key][0])[0], counts, address("hiring:hire-list", year=year, department=key)
        )
        for key, counts in counted.items()
        if key in shown
    ]
    label = _("Hires of %(year)s per department and quarter") % {"year": year}
    more = len(groups) - len(panels)
    facts = (
        [_("%(count)s more departments, with fewer hires, in the table") % {"count": more}] if more else []
    )
    return Answer(
        columns=QUARTER_COLUMNS,
        rows=_rows(lines),
        n=n,
        version=version_read,
        summary=summary,
        chart=charts.multiples(panels, steps=QUARTERS, label=label, words=lambda count: f"{count:,}"),
        question=_("When in %(year)s did each department hire?") % {"year": year},
        reading=_("Hires per quarter, all departments on one scale."),
        facts=(*facts, *missing(lines)),
    )


def _rows(lines: Lines) -> list[tuple[Any, ...]]:
    """The table: names, and the four quarters."""
    nowhere, nothing = _("no department given"), _("no job given")
    places, jobs = lines.column("department"), lines.column("job")
    place_said = {pk: lines.departments.get(pk) or nowhere for pk in {*places}}
    job_said = {pk: lines.jobs.get(pk) or nothing for pk in {*jobs}}
    names = map(place_said.get, places), map(job_said.get, jobs)
    return list(zip(*names, *lines.found["quarters"].T.tolist(), strict=True))


def _nobody(params: Params) -> str:
    if params.get("title") or params.get("department") is not None:
        return _("No hire of %(year)s passes these filters.") % {"year": params["year"]}
    return _("Nobody was hired in %(year)s.") % {"year": params["year"]}


def missing(lines: Lines) -> list[str]:
    """What of the counts names no department or no job."""
    place, job = (sum(lines[lines.found[name] == 0].total) for name in ("department", "job"))
    facts = [_("%(hires)s without a department") % {"hires": hires_said(place)}] if place else []
    return [*facts, _("%(hires)s without a job") % {"hires": hires_said(job)}] if job else facts


# ---- departments above the mean

MEAN_COLUMNS = (
    Column("id", gettext_lazy("Id")),
    Column("department", gettext_lazy("Department")),
    Column("hired", gettext_lazy("Hired"), "count"),
)


def above_mean_query(params: Params) -> Answer:
    """Departments that hired more than the mean, most hires first; the others are in the summary."""
    year, zero = params["year"], bool(params.get("include_zero"))
    counts = HiresByQuarter.objects.by_department(year)
    nowhere = counts.pop(0, ("", 0))[1]
    if zero:
        others = Department.objects.exclude(pk__in=counts).values_list("pk", "department")
        counts |= {pk: (name, 0) for pk, name in others}
    total, size = sum(hired for _name, hired in counts.values()), len(counts)
    ranked = sorted(((pk, *said) for pk, said in counts.items()), key=lambda row: (-row[2], row[0]))
    above = [row for row in ranked if row[2] * size > total]
    mean = total / size if size else 0.0
    names = ("id", "department", "hired")
    summary = {
        "year": year,
        "mean_hires": mean,
        "departments": size,
        "include_zero": zero,
        "hires_without_department": nowhere,
        "not_above": [dict(zip(names, row, strict=True)) for row in ranked[len(above) :]],
    }
    if not total:
        reading = _nobody({"year": year})
        return Answer(columns=MEAN_COLUMNS, rows=[], n=0, summary=summary, reading=reading, guarded=True)
    facts = [_("%(hires)s without a department, in no figure here") % {"hires": hires_said(nowhere)}]
    more = [_("%(count)s more departments, with fewer hires") % {"count": size - BARS}] if size > BARS else []
    return Answer(
        columns=MEAN_COLUMNS,
        rows=list(above),
        n=total,
        summary=summary,
        chart=_bars(ranked[:BARS], len(above), summary),
        question=_("Which departments hired more than the mean in %(year)s?") % {"year": year},
        reading=_("Dashed line: the mean, %(mean)s. Equal numbers are ordered by department id.")
        % {"mean": f"{mean:,.1f}"},
        facts=(*(facts if nowhere else []), *more),
    )


def _bars(ranked: Sequence[tuple[int, str, int]], above: int, summary: Mapping[str, Any]) -> charts.MeanBars:
    year = summary["year"]
    rows = [
        charts.MeanRow(
            name, str(pk), hired, i < above,
            link=address("hiring:hire-list", year=year, department=pk),
            value_link=address("hiring:person-list", year=year, department=pk) if hired else "",
        )
        for i, (pk, name, hired) in enumerate(ranked)
    ]  # fmt: skip
    label = _("Hires of %(year)s per department, and their mean %(mean)s") % {
        "year": year, "mean": f"{summary['mean_hires']:,.1f}"
    }  # fmt: skip
    return charts.mean_bars(
        rows, summary["mean_hires"], label=label, heading=_("Department"), value_heading=_("Hired"),
        mean_word=_("mean"),
    )  # fmt: skip


BY_QUARTER = register(
    Report(
        slug="hires-by-quarter",
        title=gettext_lazy("Hires by quarter"),
        question=gettext_lazy("When in the year did each department hire?"),
        definition=gettext_lazy(
            "People hired per department, job and quarter. A hire belongs to the quarter and year of its hire "
            "time in UTC. Every department and job that hired somebody in the year has a row; a quarter without "
            "a hire is 0. Rows are in byte order of department, then job, equal names by id. People whose file "
            "names no department or job (lenient imports) are counted under “no department given” and “no job "
            "given”, at the end."
        ),
        form=HiringFilters,
        query=by_quarter_query,
        version=version,
        rows_url="hiring:person-list",
    )
)
ABOVE_MEAN = register(
    Report(
        slug="departments-above-mean",
        title=gettext_lazy("Departments above the mean"),
        question=gettext_lazy("Which departments hired more than the mean?"),
        definition=gettext_lazy(
            "The mean is the number of people hired in the year, in UTC, divided by the number of departments "
            "that hired somebody in that year; with include_zero=1 by the number of all departments. A "
            "department is above if it hired more than that, compared without rounding. People hired without a "
            "department are in neither number. Most hires first, equal numbers by department id. The mean is "
            "given even when no department is above it."
        ),
        form=AboveMeanForm,
        query=above_mean_query,
        version=version,
        rows_url="hiring:person-list",
    )
)
