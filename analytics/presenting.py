"""A report's answer as a page shows it: which form of it, and the addresses of its other forms."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, QueryDict
from django.urls import NoReverseMatch, reverse

from analytics.declarations import Answer, Params, Report, Text


@dataclass(frozen=True)
class Shown:
    """What `components/figure.html` draws. table: the person asked for the table instead of the chart."""

    report: Report
    answer: Answer
    table: bool
    query: str  # of the page, without what only changes how this figure is shown
    chart_url: str
    table_url: str
    narrow: bool = False

    @property
    def question(self) -> Text:
        """The title of the figure."""
        return self.answer.question or self.report.question

    @property
    def files(self) -> list[tuple[str, str]]:
        """(CSV, address), and so on; the same query string as the page's."""
        base = reverse("api:report", args=[self.report.slug, "json"]).removesuffix("json")
        return [(suffix.upper(), f"{base}{suffix}{self.query}") for suffix in ("csv", "json", "svg", "png")]

    @property
    def rows_url(self) -> str:
        """The rows behind the numbers, or "" where the report names no such page."""
        try:
            return f"{reverse(self.report.rows_url)}{self.query}" if self.report.rows_url else ""
        except NoReverseMatch:
            return ""

    @property
    def cells(self) -> list[list[tuple[Any, str]]]:
        """Rows of the table, each cell with the kind of its column."""
        kinds = [column.kind for column in self.answer.columns]
        return [list(zip(row, kinds, strict=True)) for row in self.answer.rows]


def shown(
    request: HttpRequest,
    report: Report,
    params: Params,
    *,
    path: str = "",
    narrow: bool = False,
    query: QueryDict | None = None,
) -> Shown:
    """The report's answer for a page; `?table=<slug>` (any number of them) asks for tables.

    query: what its links keep, where that is not the page's own query string.
    """
    tables = request.GET.getlist("table")[:20]
    kept = (query or request.GET).copy()
    kept.pop("table", None)
    for name in [name for name in kept if name not in report.form.base_fields or not kept[name]]:
        kept.pop(name)
    others = [slug for slug in tables if slug != report.slug]
    page = path or request.path
    anchor = f"#{report.slug}"
    return Shown(
        report=report,
        answer=report.answer(params, report.version(params)),
        table=report.slug in tables,
        query=_query(kept, []),
        chart_url=page + _query(kept, others) + anchor,
        table_url=page + _query(kept, [*others, report.slug]) + anchor,
        narrow=narrow,
    )


def _query(kept: QueryDict, tables: list[str]) -> str:
    full = kept.copy()
    full.setlist("table", tables)
    encoded = full.urlencode()
    return f"?{encoded}" if encoded else ""
