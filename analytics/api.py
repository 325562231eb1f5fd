"""`/api/v1/analytics/<slug>.<json|csv|svg|png>`: each report as a file, with the query string of its page."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from analytics.declarations import Answer, Params, Report, report
from analytics.drawing import Theme, png_file, source_line, svg_file
from analytics.renderers import as_json, csv_lines
from skillora.lib.errors import DomainError, NotFound

SUFFIXES = ("json", "csv", "svg", "png")


class ReportFile(APIView):
    """A report's answer as data or picture. ETag and 304 are keyed by the data version."""

    @extend_schema(
        parameters=[
            OpenApiParameter("slug", str, "path", description="Name of the report"),
            OpenApiParameter("suffix", str, "path", enum=list(SUFFIXES)),
            OpenApiParameter("theme", str, enum=["light", "dark"], description="Colours of svg and png"),
        ],
        responses={200: OpenApiTypes.OBJECT},
        description="Further query parameters are those of the report's page, e.g. title, country, stack.",
    )
    def get(self, request: Request, slug: str, suffix: str) -> HttpResponseBase:
        found = report(slug)
        if suffix not in SUFFIXES:
            raise NotFound(f"There is no .{suffix[:20]} of a report; there are: {', '.join(SUFFIXES)}")
        theme = request.query_params.get("theme", "light")
        if theme not in {"light", "dark"}:
            raise DomainError("theme: use light or dark", code="invalid_parameter")
        params = found.params(request.query_params)
        version = found.version(params)
        shade: Theme = "dark" if theme == "dark" else "light"

        def respond() -> HttpResponse:
            return report_file(found, params, found.answer(params, version), version, suffix, shade)

        return answered(request, version, respond)


def answered(request: Request, version: str, respond: Callable[[], HttpResponse]) -> HttpResponseBase:
    """304 where the caller has this version, else what `respond` makes; either with the ETag of the version."""
    asked = f"{request.get_full_path()} {get_language()} {version}".encode("utf-8", "replace")
    etag = f'"{hashlib.blake2b(asked, digest_size=12).hexdigest()}"'
    response = get_conditional_response(request._request, etag=etag) or respond()
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Accept-Language", "Authorization", "Cookie"])
    return response


def report_file(
    found: Report, params: Params, answer: Answer, version: str, suffix: str, theme: Theme = "light"
) -> HttpResponse:
    """An answer as a file. Its bytes are made once; an answer is kept for as long as its data is the same."""
    if suffix == "json":
        body = kept(answer, suffix, lambda: encoded(as_json(found, params, answer, version)))
        return HttpResponse(body, content_type="application/json")
    if suffix == "csv":
        body = kept(answer, suffix, lambda: "".join(csv_lines(answer)).encode())
        response = HttpResponse(body, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{found.slug}.csv"'
        return response
    source = source_line(answer, version) if answer.n else _("n = 0")
    question = str(answer.question or found.question)
    svg = kept(
        answer,
        f"svg {theme}",
        lambda: svg_file(answer, question=question, source=source, theme=theme).encode(),
    )
    if suffix == "svg":
        return HttpResponse(svg, content_type="image/svg+xml; charset=utf-8")
    return HttpResponse(png_file(svg.decode()), content_type="image/png")


def kept(answer: Answer, name: str, make: Callable[[], bytes]) -> bytes:
    """The answer's body called `name`, made by `make` where it is not there yet."""
    body = answer.bodies.get(name)
    if body is None:
        body = answer.bodies[name] = make()
    return body


def encoded(body: Any) -> bytes:
    """JSON in UTF-8; dates and lazy texts as Django writes them."""
    return json.dumps(body, ensure_ascii=False, cls=DjangoJSONEncoder).encode("utf-8", "replace")
