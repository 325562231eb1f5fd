"""Middleware of the whole site: request ids, CORS for the listed origins, limits of input, a strict CSP."""

import ipaddress
import secrets
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.handlers.wsgi import get_path_info
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import Resolver404, is_valid_path, resolve
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from skillora.lib import problems, space

Handler = Callable[[HttpRequest], HttpResponseBase]
View = TypeVar("View", bound=Callable[..., Any])
CREDENTIALS = frozenset({"HTTP_AUTHORIZATION", "HTTP_COOKIE", "HTTP_X_TOKEN"})
FORM_SLACK = 1024**2  # what a multipart body holds beside its file


def takes_files(view: View) -> View:
    """Mark a view whose body may be as large as MAX_UPLOAD_SIZE; all others take what fits into memory."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def body_limit(view: Callable[..., Any]) -> int:
    """Bytes that the body of a request to this view may have."""
    # DRF's views are handed over wrapped; what the class says counts.
    takes = getattr(view, "takes_files", False) or getattr(getattr(view, "cls", None), "takes_files", False)
    limit: int = settings.MAX_UPLOAD_SIZE + FORM_SLACK if takes else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return limit


def body_limit_of(environ: dict[str, Any]) -> int:
    """The same before Django sees a request; files are received from those who show credentials only."""
    if not CREDENTIALS & environ.keys():
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    try:
        return body_limit(resolve(get_path_info(environ)).func)
    except Resolver404:
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


class RequestIdMiddleware:
    """`request.request_id` and the X-Request-ID header: what a user quotes and the log is searched by."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.request_id = uuid.uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response


class PageAboveMiddleware:
    """An address that only takes forms, opened as a page, leads to the page above it.

    A person comes there by the address bar, and by signing in again after a form was sent with an ended session.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        opened = response.status_code == 405 and request.method in {"GET", "HEAD"}
        if opened and not problems.for_programs(request):
            return HttpResponseRedirect(page_above(request.path))
        return response


def page_above(path: str) -> str:
    """The nearest address above `path` that is there: "/imports/5/map/preview" → "/imports/5/map"."""
    while path := path.rstrip("/").rpartition("/")[0]:
        for address in (path, f"{path}/"):
            if is_valid_path(address):
                return address
    return "/"


class ClientAddressMiddleware:
    """REMOTE_ADDR as the nearest proxy that is not ours saw it: rate limits and lock-outs count that address.

    Only addresses in TRUSTED_PROXIES are believed; from right to left, for the left end is the caller's to write.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self._trusted = [ipaddress.ip_network(text) for text in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if self._trusted:
            request.META["REMOTE_ADDR"] = self._client(request)
        return self.get_response(request)

    def _client(self, request: HttpRequest) -> str:
        address = str(request.META.get("REMOTE_ADDR", ""))
        hops = request.headers.get("X-Forwarded-For", "").split(",")
        while hops and self._is_ours(address):
            said = hops.pop().strip()
            if not _is_address(said):
                break
            address = said
        return address

    def _is_ours(self, address: str) -> bool:
        # A proxy on a unix socket has no address.
        return not address or any(ipaddress.ip_address(address) in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class CorsMiddleware:
    """Lets pages of the origins in CORS_ORIGINS call the API; others get no CORS header at all."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        origin = request.headers.get("Origin", "")
        allowed = origin in settings.CORS_ORIGINS
        if allowed and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response: HttpResponseBase = HttpResponse(status=204)
            response["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
            response["Access-Control-Allow-Headers"] = "authorization, content-type, idempotency-key, x-token"
            response["Access-Control-Max-Age"] = "86400"
        else:
            response = self.get_response(request)
        if allowed:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Expose-Headers"] = (
                "Location, Retry-After, X-Request-ID, Idempotent-Replayed, RateLimit, RateLimit-Policy, ETag"
            )
        if settings.CORS_ORIGINS:
            patch_vary_headers(response, ["Origin"])
        return response


class InputLimitMiddleware:
    """Refuses at once, unread, a body that is too large (413), and NUL in address or form (400)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return self._refuse(request, 400, _("The address contains a NUL character; remove %00."), "nul")
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Runs before the CSRF check, which reads the body."""
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return self._refuse(request, 400, _("Content-Length is not a number."), "bad_request")
        limit = body_limit(view)
        if length > limit:
            megabytes = f"{limit / 1024**2:,.0f}"
            detail = _("The body has %(size)s MB; at most %(limit)s MB are accepted here. Split the file.")
            return self._refuse(
                request, 413, detail % {"size": f"{length / 1024**2:,.0f}", "limit": megabytes}, "too_large"
            )
        if limit > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and length and not space.has_room(length):
            return problems.disk_full(request)
        urlencoded = request.META.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        if urlencoded and (b"%00" in request.body or b"\0" in request.body):
            return self._refuse(request, 400, _("The form contains a NUL character; remove it."), "nul")
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A full disk is said as such; an upload breaks off while Django reads it, before any view can see it."""
        return problems.disk_full(request) if problems.is_disk_full(exception) else None

    @staticmethod
    def _refuse(request: HttpRequest, status: int, detail: str, code: str) -> HttpResponse:
        if problems.for_programs(request):
            return problems.answer(request, status=status, detail=detail, code=code)
        return HttpResponse(detail, status=status, content_type="text/plain; charset=utf-8")


class RateLimitHeaderMiddleware:
    """Says on every answer that was counted how many calls are left (skillora.lib.throttling)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if state := getattr(request, "rate_limit", None):
            name, limit, left, reset = state
            response["RateLimit-Policy"] = f'"{name}";q={limit};w=60'
            response["RateLimit"] = f'"{name}";r={left};t={reset}'
        return response


class ContentSecurityPolicyMiddleware:
    """No inline script or style runs anywhere, the admin included; `request.csp_nonce` for exceptions."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.csp_nonce = secrets.token_urlsafe(16)  # type: ignore[attr-defined]
        response = self.get_response(request)
        nonce = request.csp_nonce  # type: ignore[attr-defined]
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'self'; img-src 'self' data:; "
            f"script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        )
        return response
