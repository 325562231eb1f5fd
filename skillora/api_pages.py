"""Pages about the API: a quick start with lines to copy, and the interactive documentation, offline."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView


@dataclass(frozen=True)
class Example:
    """One line for a shell; {host} is filled in, $TOKEN is the reader's."""

    says: str | Promise
    line: str


EXAMPLES = (
    Example(
        _("Which datasets are there, and with which columns?"),
        'curl -s -H "Authorization: Bearer $TOKEN" {host}/api/v1/datasets',
    ),
    Example(
        _("Upload a file, say what goes where, and load it. An editor's token is needed."),
        "printf 'role,pay,where\\nData Engineer,120000,US\\nAnalyst,n/a,Brasil\\n' | "
        'curl -s -H "Authorization: Bearer $TOKEN" {host}/api/v1/imports '
        "-F 'file=@-;filename=pay.csv' -F dataset=salary_records -F wait=10 "
        '-F \'column_map={{"title": "role", "salary": "pay", "country": "where"}}\'',
    ),
    Example(
        _("How did it go? Counters add up; rejects have line, column, value and reason."),
        'curl -s -H "Authorization: Bearer $TOKEN" "{host}/api/v1/imports?limit=1"',
    ),
    Example(
        _("What does an engineer earn in the United States?"),
        'curl -s -H "Authorization: Bearer $TOKEN" '
        '"{host}/api/jobs/analytics/salary/summary?title=Engineer&country=USA"',
    ),
    Example(
        _("The same as a picture: every chart is also SVG, PNG, CSV and JSON."),
        'curl -s -H "Authorization: Bearer $TOKEN" '
        '"{host}/api/v1/analytics/salary-summary.svg?title=Engineer" -o salaries.svg',
    ),
)


@require_safe
def quickstart(request: HttpRequest) -> HttpResponse:
    """Five lines that run as they stand, once TOKEN is set."""
    host = f"{request.scheme}://{request.get_host()}"
    examples = [(example.says, example.line.format(host=host)) for example in EXAMPLES]
    return render(request, "api/quickstart.html", {"examples": examples, "host": host})


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files; its start script is a file, as the content policy wants."""

    url_name = "api-schema"
    template_name = "api/docs.html"


class Schema(SpectacularJSONAPIView):
    """OpenAPI 3.1."""
