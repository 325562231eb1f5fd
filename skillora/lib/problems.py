"""Errors as RFC 9457 problem+json: the API's own, and Django's own on API paths. Pages get a page instead."""

import errno
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response

from skillora.lib.errors import Busy, DomainError, NoSpace

MEDIA_TYPE = "application/problem+json"
VALUE_LENGTH = 200  # of a refused value that an answer repeats
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Cannot be done",
    429: "Too many requests",
    500: "Our mistake",
    503: "Not ready",
    507: "No space left",
}
# Paths of the API and of the seed systems that had no prefix.
PROGRAMS = ("/api/", "/insert", "/metrics/", "/visuals/")
NO_SPACE = gettext_lazy(
    "The server's disk is full. Nothing was kept. Tell its operators, then send it again."
)
Problem = dict[str, Any]


def is_disk_full(error: BaseException) -> bool:
    """Whether the file system or PostgreSQL says so."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return getattr(error.__cause__, "sqlstate", None) == "53100"


def for_programs(request: HttpRequest) -> bool:
    """Whether errors of this request are JSON: the API's paths, but not its own pages."""
    return request.path.startswith(PROGRAMS) and request.path not in {"/api/", "/api/docs/"}


def printable(text: object) -> str:
    """Text that can be sent: lone surrogates and NUL replaced, cut."""
    return str(text)[: VALUE_LENGTH * 5].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def problem(
    request: HttpRequest,
    *,
    status: int,
    detail: str,
    code: str = "",
    errors: list[dict[str, Any]] | None = None,
) -> Problem:
    """The body of one error. `type` is a URN that ends in the code; `errors` only where it says more."""
    body: Problem = {
        "type": f"urn:skillora:problem:{code}" if code else "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": printable(detail),
        "instance": printable(request.path),
        "request_id": getattr(request, "request_id", ""),
    }
    if code:
        body["code"] = code
    if errors:
        body["errors"] = errors
    return body


def answer(request: HttpRequest, *, status: int, detail: str, code: str = "") -> HttpResponse:
    """A problem outside of DRF: from middleware and from Django's error handlers."""
    return JsonResponse(
        problem(request, status=status, detail=detail, code=code), status=status, content_type=MEDIA_TYPE
    )


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler of the whole API; None (a 500) for what nobody expected."""
    request = context["request"]
    headers: dict[str, str] = {}
    if is_disk_full(error):
        error = NoSpace(NO_SPACE)
    if isinstance(error, DomainError):
        if isinstance(error, Busy):
            headers["Retry-After"] = str(error.retry_after)
        body = problem(
            request, status=error.status, detail=error.message, code=error.code, errors=error.errors
        )
    elif isinstance(error, exceptions.ValidationError):
        found = list(_flat(error.get_full_details(), request.data if _readable(request) else None))
        where = found[0]["pointer"].removeprefix("#/") if found else ""
        detail = f"{where}: {found[0]['detail']}" if where else (found[0]["detail"] if found else str(error))
        body = problem(request, status=error.status_code, detail=detail, code="invalid", errors=found)
    elif isinstance(error, exceptions.APIException):
        headers = _headers(error)
        body = problem(request, status=error.status_code, detail=_text(error), code=_code(error))
    elif isinstance(error, Http404):
        body = problem(
            request, status=404, detail=_("There is nothing here, or it is not yours."), code="not_found"
        )
    elif isinstance(error, PermissionDenied):
        body = problem(
            request, status=403, detail=str(error) or _("You may not do this."), code="not_allowed"
        )
    elif isinstance(error, RequestDataTooBig):
        body = problem(request, status=413, detail=_("The body is too large."), code="too_large")
    else:
        return None
    return Response(body, status=body["status"], headers=headers, content_type=MEDIA_TYPE)


def _readable(request: Any) -> bool:
    try:
        return isinstance(request.data, Mapping)
    except exceptions.APIException:
        return False


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if auth := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(auth)
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    return headers


def _text(error: exceptions.APIException) -> str:
    detail = error.detail
    while isinstance(detail, list | dict):
        detail = next(iter(detail.values() if isinstance(detail, dict) else detail), "")  # type: ignore[assignment]
    return str(detail)


def _code(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    return codes if isinstance(codes, str) else error.default_code


def _flat(details: Any, data: Any, pointer: str = "#") -> Iterator[dict[str, Any]]:
    """DRF's nested details as a list of {pointer, code, detail, value}."""
    if isinstance(details, dict) and set(details) == {"message", "code"} and isinstance(details["code"], str):
        found: dict[str, Any] = {
            "pointer": pointer,
            "code": details["code"],
            "detail": printable(details["message"]),
        }
        if isinstance(data, str | int | float | bool) and "password" not in pointer:
            found["value"] = printable(data)[:VALUE_LENGTH]
        yield found
    elif isinstance(details, dict):
        for key, inner in details.items():
            own = key == "non_field_errors"
            value = data if own else data.get(key) if isinstance(data, Mapping) else None
            yield from _flat(inner, value, pointer if own else f"{pointer}/{printable(key)[:VALUE_LENGTH]}")
    elif isinstance(details, list):
        for inner in details:
            yield from _flat(inner, data, pointer)


def _page(request: HttpRequest, status: int, detail: str, code: str) -> HttpResponse:
    if for_programs(request):
        return answer(request, status=status, detail=detail, code=code)
    template = f"{status}.html" if status in {403, 404} else "400.html"
    return render(
        request, template, {"detail": detail, "status": status, "title": TITLES.get(status)}, status=status
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: suspicious requests; a body that is too large is 413."""
    if isinstance(exception, RequestDataTooBig):
        return _page(request, 413, _("The body is too large."), "too_large")
    return _page(request, 400, _("This request cannot be understood."), "bad_request")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return _page(request, 403, str(exception) or _("You may not do this."), "not_allowed")


def disk_full(request: HttpRequest) -> HttpResponse:
    """What a page or an API address answers where nothing can be written any more."""
    return _page(request, 507, str(NO_SPACE), "disk_full")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that did not come from our own page, or came too late."""
    detail = _("This form is too old or came from another site. Go back, reload the page and send it again.")
    return _page(request, 403, detail, "csrf")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return _page(request, 404, _("There is nothing at this address, or it is not yours to see."), "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: needs neither database nor session, and tells nothing of the cause."""
    detail = _("Something went wrong on our side. Try again; if it stays, tell us this id.")
    if for_programs(request):
        return answer(request, status=500, detail=detail, code="server_error")
    body = render_to_string("500.html", {"detail": detail, "request_id": getattr(request, "request_id", "")})
    return HttpResponse(body, status=500)
