"""Rate limits of the API: fixed windows of a minute, counted in Redis, per process while Redis is down."""

import threading
import time
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from django.utils.functional import cached_property
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:  # views import their default throttles while they are being imported
    from rest_framework.views import APIView

WINDOW = 60  # seconds
RETRY_REDIS = 5.0  # seconds without asking a Redis that did not answer


class Counter:
    """How often a key was counted in the present window."""

    def __init__(self) -> None:
        self._down_until = 0.0
        self._local: dict[str, int] = {}
        self._lock = threading.Lock()

    @cached_property
    def _redis(self) -> "redis.Redis":
        return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.3, socket_connect_timeout=0.3)

    def hit(self, key: str, window: int) -> int:
        """Count once more; the count so far, this one included."""
        name = f"skillora:rate:{key}:{window}"
        if time.monotonic() >= self._down_until:
            try:
                pipeline = self._redis.pipeline(transaction=False)
                pipeline.incr(name)
                pipeline.expire(name, 2 * WINDOW)
                return int(pipeline.execute()[0])
            except redis.RedisError:
                self._down_until = time.monotonic() + RETRY_REDIS
        with self._lock:
            if not any(old.endswith(f":{window}") for old in self._local):
                self._local.clear()
            self._local[name] = self._local.get(name, 0) + 1
            return self._local[name]


counter = Counter()


class Limit(BaseThrottle):
    """At most settings.<setting> calls a minute of one user, or of one address where nobody is signed in."""

    name = "calls"
    setting = ""

    def key(self, request: Request) -> str | None:
        """Whom to count; None: do not count."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: "APIView") -> bool:
        who = self.key(request)
        if who is None:
            return True
        limit = int(getattr(settings, self.setting))
        now = time.time()
        count = counter.hit(f"{self.name}:{who}", int(now // WINDOW))
        reset = WINDOW - int(now % WINDOW)
        # Read by RateLimitHeaderMiddleware: every answer says how much is left.
        request._request.rate_limit = (self.name, limit, max(0, limit - count), reset)  # type: ignore[attr-defined]
        self._wait = float(reset)
        return count <= limit

    def wait(self) -> float:
        return self._wait


class CallLimit(Limit):
    """All calls: generous for members, tight for strangers."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        signed_in = bool(request.user and request.user.is_authenticated)
        self.name, self.setting = ("member", "RATE_MEMBER") if signed_in else ("anonymous", "RATE_ANONYMOUS")
        return super().allow_request(request, view)

    def key(self, request: Request) -> str:
        user = request.user
        return f"u{user.pk}" if user and user.is_authenticated else str(request.META.get("REMOTE_ADDR", ""))


class SignInLimit(Limit):
    """Log-in and register, per address, whoever asks."""

    name = "sign-in"
    setting = "RATE_SIGN_IN"

    def key(self, request: Request) -> str | None:
        return str(request.META.get("REMOTE_ADDR", "")) if request.method == "POST" else None
