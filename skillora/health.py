"""Whether the installation can work: for probes (healthz, readyz) and for people (health)."""

from collections.abc import Callable
from http import HTTPStatus

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from rq import Worker

REDIS_SECONDS = 2.0
Handler = Callable[[HttpRequest], HttpResponseBase]


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _workers() -> int | None:
    """How many workers sent the queue a heartbeat lately; None where Redis does not answer."""
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        ) as client:
            client.ping()
            return len(Worker.all(connection=client))
    except (redis.RedisError, OSError):
        return None


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 once pages can be served."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 while PostgreSQL answers, 503 otherwise."""
    if _database_answers():
        return HttpResponse("ok\n", content_type="text/plain")
    return HttpResponse(
        "the database does not answer\n", status=HTTPStatus.SERVICE_UNAVAILABLE, content_type="text/plain"
    )


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """The state of each service. 503 only where database or Redis is down; no worker is `degraded`."""
    database = _database_answers()
    workers = _workers()
    queue = workers is not None
    status = "unhealthy" if not (database and queue) else "healthy" if workers else "degraded"
    return JsonResponse(
        {
            "status": status,
            "timestamp": timezone.now().isoformat(),
            "services": {
                "database": "healthy" if database else "unhealthy",
                "redis": "healthy" if queue else "unhealthy",
                "workers": "healthy" if workers else "unhealthy",
                "active_workers": workers or 0,
            },
        },
        status=HTTPStatus.SERVICE_UNAVAILABLE if status == "unhealthy" else HTTPStatus.OK,
        headers={"Cache-Control": "no-store"},
    )


class ProbeMiddleware:
    """Answers probes before hosts and redirects are looked at: probes come by address, without TLS."""

    probes = {"/healthz": healthz, "/readyz": readyz}

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        probe = self.probes.get(request.path)
        return probe(request) if probe else self.get_response(request)
