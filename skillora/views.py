"""Pages that belong to no domain."""

from django.http import HttpRequest, HttpResponse


def overview(request: HttpRequest) -> HttpResponse:
    """The first page."""
    return HttpResponse("Skillora")
