"""Analytics under the paths of other hiring systems: thin aliases over the two reports, with their own shapes."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from analytics.api import answered, encoded, kept, report_file
from analytics.declarations import Answer, Params, Report, cleaned
from analytics.renderers import csv_lines
from hiring.filters import SEED_FIRST, SEED_LAST, SEED_YEAR, SeedYear
from hiring.reports import ABOVE_MEAN, BY_QUARTER
from skillora.lib.errors import DomainError

JSON = "application/json"
YEAR = OpenApiParameter(
    "year",
    int,
    default=SEED_YEAR,
    description=f"In UTC, {SEED_FIRST} to {SEED_LAST}; {SEED_YEAR} if not given",
)
# What the reports' own forms make of a year alone: the answers are shared with pages and /api/v1/analytics.
PARAMS: dict[str, dict[str, Any]] = {
    BY_QUARTER.slug: {"department": None, "title": ""},
    ABOVE_MEAN.slug: {"include_zero": False},
}
Make = Callable[[Params, Answer, str], HttpResponse]


class AsAsked(BaseContentNegotiation):
    """`?format=` is the view's own parameter, not DRF's."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class YearView(APIView):
    """One year of one report, in the shape of an older client. 422 for a year out of bounds."""

    content_negotiation_class = AsAsked

    def respond(self, request: Request, report: Report, make: Make) -> HttpResponseBase:
        """What `make` makes of the answer, with the ETag of its data version."""
        params = {**cleaned(SeedYear(request.query_params)), **PARAMS[report.slug]}
        version = report.version(params)
        return answered(request, version, lambda: make(params, report.answer(params, version), version))


def format_asked(request: Request, *known: str) -> str:
    """`?format=`, the first of `known` where it is not given."""
    asked = request.query_params.get("format", known[0])
    if asked not in known:
        message = _("format: use %(known)s") % {"known": ", ".join(known)}
        raise DomainError(message, code="invalid_parameter")
    return asked


def objects(answer: Answer, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows as objects under other names."""
    return [dict(zip(names, row, strict=True)) for row in answer.rows]


class HiredByQuarter(YearView):
    """GET /api/v1/analytics/hired/by-quarter"""

    @extend_schema(parameters=[YEAR], responses={200: OpenApiTypes.OBJECT, 422: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> HttpResponseBase:
        """`{year, data: [{department, job, Q1, Q2, Q3, Q4}], total_rows}`, by department and job."""

        def make(params: Params, answer: Answer, version: str) -> HttpResponse:
            names = ("department", "job", "Q1", "Q2", "Q3", "Q4")
            body = kept(
                answer,
                "by-quarter",
                lambda: encoded(
                    {"year": params["year"], "data": objects(answer, names), "total_rows": len(answer.rows)}
                ),
            )
            return HttpResponse(body, content_type=JSON)

        return self.respond(request, BY_QUARTER, make)


class DepartmentsAboveAverage(YearView):
    """GET /api/v1/analytics/departments/above-average"""

    @extend_schema(
        parameters=[YEAR, OpenApiParameter("format", str, enum=["json", "csv"])],
        responses={
            (200, JSON): OpenApiTypes.OBJECT,
            (200, "text/csv"): OpenApiTypes.STR,
            422: OpenApiTypes.OBJECT,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """`{year, mean_hires, data: [{id, department, hired}], total_departments}`, most hires first; or CSV."""
        asked = format_asked(request, "json", "csv")

        def make(params: Params, answer: Answer, version: str) -> HttpResponse:
            if asked == "csv":
                response = HttpResponse("".join(csv_lines(answer)), content_type="text/csv; charset=utf-8")
                name = f"departments_above_average_{params['year']}.csv"
                response["Content-Disposition"] = f'attachment; filename="{name}"'
                return response
            body = {
                "year": params["year"],
                "mean_hires": answer.summary["mean_hires"],
                "data": objects(answer, ("id", "department", "hired")),
                "total_departments": len(answer.rows),
            }
            return HttpResponse(encoded(body), content_type=JSON)

        return self.respond(request, ABOVE_MEAN, make)


class QuarterMetrics(YearView):
    """GET /metrics/hired-employees-by-quarter"""

    @extend_schema(parameters=[YEAR], responses={200: OpenApiTypes.OBJECT, 422: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> HttpResponseBase:
        """`[{department, job, q1, q2, q3, q4}]`, by department and job."""

        def make(params: Params, answer: Answer, version: str) -> HttpResponse:
            names = ("department", "job", "q1", "q2", "q3", "q4")
            body = kept(answer, "metrics", lambda: encoded(objects(answer, names)))
            return HttpResponse(body, content_type=JSON)

        return self.respond(request, BY_QUARTER, make)


class MeanMetrics(YearView):
    """GET /metrics/departments-above-average-hiring"""

    @extend_schema(parameters=[YEAR], responses={200: OpenApiTypes.OBJECT, 422: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> HttpResponseBase:
        """`[{id, department, hired}]`, most hires first."""

        def make(params: Params, answer: Answer, version: str) -> HttpResponse:
            return HttpResponse(encoded(objects(answer, ("id", "department", "hired"))), content_type=JSON)

        return self.respond(request, ABOVE_MEAN, make)


class Visual(YearView):
    """GET /visuals/…: the report's chart as PNG, or SVG with `?format=svg`."""

    report: Report = BY_QUARTER

    @extend_schema(
        parameters=[YEAR, OpenApiParameter("format", str, enum=["png", "svg"])],
        responses={
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/svg+xml"): OpenApiTypes.STR,
            422: OpenApiTypes.OBJECT,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The year's chart; a year without hires is a picture that says so."""
        suffix = format_asked(request, "png", "svg")

        def make(params: Params, answer: Answer, version: str) -> HttpResponse:
            return report_file(self.report, params, answer, version, suffix)

        return self.respond(request, self.report, make)
