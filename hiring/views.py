"""Pages about hires: the matrix of a year, departments and their mean, the people behind every number."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from analytics.presenting import Shown, shown
from hiring import reports
from hiring.filters import ID_MAX, AboveMeanForm, MatrixFilters, PeopleFilters, YearForm
from hiring.models import Department, HiredEmployee, HiresByQuarter, Job, Lines, Quarters
from hiring.reports import address
from ingest.grouping import reason_said
from ingest.lineage import source_said
from ingest.models import Import, Reject, row_id, row_origin
from runs.models import State

PEOPLE = "hired_employees"  # the dataset
SWITCH_YEARS = 6  # more than these are a list to choose from
JOBS = 10  # of an open department, before "show all"
COUNT_LIMIT = 10_000
REASONS = 4  # said of rows that did not load
PAGE_ROWS = 50
SORTED = 20_000  # people of an import up to which sorting them costs less than finding them in order


@dataclass(frozen=True)
class Cell:
    """A number that opens its people."""

    n: int
    url: str


@dataclass(frozen=True)
class Row:
    """One department or job of the matrix: the four quarters, the year, and its share of the widest in percent."""

    name: str
    cells: list[Cell]
    width: float

    @property
    def bar(self) -> str:
        """The width as SVG takes it, with a point in every language."""
        return f"{self.width:.2f}%"


@dataclass(frozen=True)
class Group:
    """A department; `jobs` only where it is open, `more_url` where not all are shown."""

    row: Row
    anchor: str
    toggle_url: str
    size: int
    jobs: list[Row] | None
    more_url: str


View = Callable[[HttpRequest], HttpResponse]
Contents = Callable[[HttpRequest, dict[str, Any]], dict[str, Any]]


def _answering(asked: type[YearForm], template: str) -> Callable[[Contents], View]:
    """A page whose query string is a form: the function gives the context for its cleaned data; else 422."""

    def made(contents: Contents) -> View:
        @login_required
        @require_safe
        @wraps(contents)
        def view(request: HttpRequest) -> HttpResponse:
            form = asked(request.GET)
            if not form.is_valid():
                return _page(request, template, form, {}, status=422)
            return _page(request, template, form, contents(request, form.cleaned_data))

        return view

    return made


@_answering(MatrixFilters, "hiring/hire_list.html")
def hire_list(request: HttpRequest, params: dict[str, Any]) -> dict[str, Any]:
    """Department by job by quarter. `?open=<id>` opens departments, `?all=1` shows all their jobs."""
    lines = reports.passing(params)
    year = params["year"]
    return {
        "figure": _sourced(shown(request, reports.BY_QUARTER, params, query=_asked(request, year))),
        "groups": _groups(request, params, lines),
        "all": _row(str(_("All departments")), lines.total, {"year": year, "title": params["title"]}, 0),
        "jobs": len({*lines.column("job")}),
        "zeros": params["zeros"],
        "missing": reports.missing(lines),
        "rejects": _rejects(),
        "departments": Department.objects.order_by("department", "pk"),
    }


def _groups(request: HttpRequest, params: dict[str, Any], lines: Lines) -> list[Group]:
    found = reports.by_department(lines)
    asked = request.GET.getlist("open")[:50]
    opened = {int(text) for text in asked if text.isascii() and text.isdigit() and len(text) < 20}
    if params["department"] is not None or params["title"]:
        opened |= set(found) if len(found) <= JOBS else {params["department"]}
    whole = request.GET.get("all") == "1" or params["department"] is not None
    top = max((sum(group.total) for group in found.values()), default=0)
    groups = []
    for key, group in found.items():
        at = {"year": params["year"], "department": key, "title": params["title"]}
        row = _row(reports.named(group[0])[0], group.total, at, top)
        jobs = None
        if key in opened:
            shown_lines = group if whole else group[:JOBS]
            jobs = [
                _row(reports.named(x)[1], x.quarters, {**at, "title": "", "job": x.job_id}, top)
                for x in shown_lines
            ]
        others = opened - {key} if key in opened else opened | {key}
        more = _query(request, all="1") if jobs is not None and len(jobs) < len(group) else ""
        toggle = f"{_query(request, open=sorted(others))}#d{key}"
        groups.append(Group(row, f"d{key}", toggle, len(group), jobs, more))
    return groups


def _row(name: str, counts: Quarters, at: dict[str, Any], top: int) -> Row:
    cells = [
        Cell(count, address("hiring:person-list", **at, quarter=quarter) if count else "")
        for quarter, count in enumerate(counts, start=1)
    ]
    n = sum(counts)
    cells.append(Cell(n, address("hiring:person-list", **at) if n else ""))
    return Row(name, cells, 100 * n / top if top else 0)


@_answering(AboveMeanForm, "hiring/department_list.html")
def department_list(request: HttpRequest, params: dict[str, Any]) -> dict[str, Any]:
    """Departments by hires, with the line of their mean."""
    query = _asked(request, params["year"])
    figure = _sourced(shown(request, reports.ABOVE_MEAN, params, query=query))
    size, hires = figure.answer.summary["departments"], figure.answer.n
    idle = 0 if params["include_zero"] else Department.objects.count() - size
    return {
        "figure": figure,
        "idle": idle,
        "mean_with_idle": f"{hires / (size + idle):,.1f}" if size else "",
        "summary": figure.answer.summary,
        "above": len(figure.answer.rows),
        "mean": f"{figure.answer.summary['mean_hires']:,.1f}",
        "hires": hires,
        "hires_said": reports.hires_said(hires),
    }


@_answering(PeopleFilters, "hiring/person_list.html")
def person_list(request: HttpRequest, params: dict[str, Any]) -> dict[str, Any]:
    """The people behind a number, by id, each with the import and line that wrote them last."""
    after = _cursor(request.GET.get("after", ""))
    n = _counted(params)
    # Few of one import are found by it and sorted: planned to walk along the ids, everybody is read for the last ones.
    by_id = F("pk") + 0 if params["import"] and n <= SORTED else F("pk")
    found = people_wanted(params).filter(pk__gt=after).order_by(by_id)
    rows = list(found.select_related("department", "job")[: PAGE_ROWS + 1])
    page, more = rows[:PAGE_ROWS], len(rows) > PAGE_ROWS
    origins = {row.pk: row_origin(row.origin) for row in page}
    imports = Import.objects.in_bulk({source for source, _line in origins.values()})
    return {
        "rows": [(row, imports.get(origins[row.pk][0]), origins[row.pk][1]) for row in page],
        "first_url": _query(request, after=None) if after >= 0 else "",
        "next_url": _query(request, after=str(page[-1].pk)) if more else "",
        "n": n,
        "chips": _chips(request, params),
        "departments": Department.objects.order_by("department", "pk"),
    }


def people_wanted(params: dict[str, Any]) -> QuerySet[HiredEmployee]:
    """Everybody hired in the year (and quarter) who passes the filters; 0 means that none is named, as a year: all."""
    found = HiredEmployee.objects.all()
    if params["year"]:
        found = found.for_year(params["year"], params.get("quarter"))
    elif quarter := params.get("quarter"):
        found = found.filter(hired_at__quarter=quarter)
    if pk := params.get("import"):
        found = found.filter(origin__gte=row_id(pk, 0), origin__lt=row_id(pk + 1, 0))
    for name in ("department", "job"):
        if (wanted := params.get(name)) is not None:
            found = found.filter(**{f"{name}_id": wanted} if wanted else {name: None})
    if title := (params.get("title") or "").casefold():
        named = Job.objects.values_list("pk", "job")
        found = found.filter(job__in=[pk for pk, name in named if title in name.casefold()])
    return found


def _counted(params: dict[str, Any]) -> int:
    """How many they are, out of the rollup: no person is read for it, but for those of one import."""
    if params["import"]:
        return people_wanted(params).count()
    lines = reports.passing(params)
    counts = (lines if params["job"] is None else lines[lines.found["job"] == params["job"]]).total
    return counts[params["quarter"] - 1] if params["quarter"] else sum(counts)


@dataclass(frozen=True)
class Chip:
    """A filter that is set, and the page without it."""

    text: str
    url: str


def _chips(request: HttpRequest, params: dict[str, Any]) -> list[Chip]:
    said = {
        "department": _name_of(Department, params["department"], _("no department given")),
        "job": _name_of(Job, params["job"], _("no job given")),
        "title": params["title"],
        "quarter": f"Q{params['quarter']}" if params["quarter"] else "",
        "import": _source_named(params["import"]),
    }
    labels = PeopleFilters().fields
    return [
        Chip(f"{labels[name].label}: {word}"[:120], _query(request, **{name: None}))
        for name, word in said.items()
        if word
    ]


def _name_of(model: type[Department] | type[Job], pk: int | None, missing: str) -> str:
    if not pk:
        return missing if pk == 0 else ""
    return str(model._default_manager.filter(pk=pk).first() or pk)


def _source_named(pk: int | None) -> str:
    found = Import.objects.filter(pk=pk).values_list("name", flat=True).first() if pk else None
    return f"{pk}, {found}" if found else str(pk or "")


def _sourced(figure: Shown) -> Shown:
    """With the files that the people came from at its foot."""
    said = source_said(PEOPLE) if figure.answer.n else ""
    facts = (*figure.answer.facts, *([said] if said else []))
    return replace(figure, answer=replace(figure.answer, facts=facts))


def _page(
    request: HttpRequest, template: str, form: YearForm, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """What all three pages share: which years there are, and the way to them."""
    years = HiresByQuarter.objects.years()
    year = form.cleaned_data.get("year") if form.is_bound else None
    kept = {
        name: request.GET.get(name, "") for name in form.fields if name != "year" and request.GET.get(name)
    }
    shared = {
        "form": form,
        "year": year if year is not None else (years[-1] if years else ""),
        "years": years,
        "links": [(y, _query(request, year=str(y), after=None, open=None)) for y in years]
        if len(years) <= SWITCH_YEARS else [],
        "kept": kept,
        "empty": not years,
    }  # fmt: skip
    return render(request, template, {**shared, **context}, status=status)


@dataclass(frozen=True)
class Waiting:
    """Lines of people that did not load and are not fixed, counted so far and no further; why; where to fix them."""

    n: int
    reasons: list[tuple[int, str]]
    url: str


def _rejects() -> Waiting:
    waiting = Reject.objects.to_fix().filter(source__dataset=PEOPLE)
    some = Reject.objects.filter(pk__in=waiting.order_by().values("pk")[:COUNT_LIMIT])
    found = some.order_by().values_list("code", "field").annotate(n=Count("pk")).order_by("-n", "code")
    reasons = [(n, reason_said(PEOPLE, code, field)) for code, field, n in found]
    imports = list(waiting.order_by().values_list("source_id", flat=True).distinct()[:2]) if reasons else []
    url = address("ingest:import-list", dataset=PEOPLE, state=State.DONE_WITH_REJECTS)
    if len(imports) == 1:
        url = reverse("ingest:reject-list", args=imports)
    return Waiting(sum(n for n, _why in reasons), reasons[:REASONS], url)


def _asked(request: HttpRequest, year: int) -> QueryDict:
    """The query string with its year, so that what is linked and exported stays this year's."""
    query = request.GET.copy()
    query["year"] = str(year)
    return query


def _query(request: HttpRequest, **changes: Any) -> str:
    """This page with another query string; None takes a name away, a list repeats it."""
    query = request.GET.copy()
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        elif isinstance(value, list):
            query.setlist(name, [str(one) for one in value])
        else:
            query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _cursor(text: str) -> int:
    return min(int(text), ID_MAX) if text.isascii() and text.isdigit() and len(text) < 20 else -1
