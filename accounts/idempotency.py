"""Idempotency-Key: a POST sent again gets the stored answer, and the work is done once.

1. The first request inserts a row (user, key, path); the unique constraint lets one of many at once through.
2. Its answer is stored in the row. 5xx and crashes are not answers: the row goes, a retry may do the work.
3. A row without an answer that is older than STALE belongs to a process that died: the next request takes it.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import IdempotentReply
from skillora.lib.errors import Conflict, DomainError
from skillora.lib.parsing import SoundJSONRenderer
from skillora.lib.problems import handler

KEPT = timedelta(days=1)
STALE = timedelta(minutes=5)
KEY_LENGTH = 255
NOT_ANSWERS = {409, 429}  # "not now": what is true later is not stored
HEADERS = ("Location", "Retry-After")

Method = TypeVar("Method", bound=Callable[..., HttpResponseBase])


def idempotent(method: Method) -> Method:
    """Honour Idempotency-Key on a writing method of an APIView. Without the header nothing changes."""

    @wraps(method)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return method(view, request, *args, **kwargs)
        if len(key) > KEY_LENGTH or not key.isprintable():
            raise DomainError(
                _("Idempotency-Key: use at most 255 printable characters."),
                code="idempotency_key",
                status=400,
            )
        reply, stored = _claim(request, key)
        if stored:
            return _stored(reply)
        try:
            response = method(view, request, *args, **kwargs)
        except Exception as error:
            problem = handler(error, {"request": request, "view": view})
            if problem is None or problem.status_code >= 500 or problem.status_code in NOT_ANSWERS:
                reply.delete()
                raise
            response = problem
        _store(reply, cast(Response, response))
        return response

    return cast(Method, once)


def _claim(request: Request, key: str) -> tuple[IdempotentReply, bool]:
    """The row of this key, and whether its answer is there. 422: other body; 409: still running."""
    now = timezone.now()
    user: Any = request.user
    mine = IdempotentReply.objects.filter(user=user)
    mine.filter(created_at__lt=now - KEPT).delete()
    body = _body_sha256(request)
    reply, created = mine.get_or_create(
        user=user, key=key, path=request.path[:255], defaults={"body_sha256": body}
    )
    if created:
        return reply, False
    if reply.body_sha256 != body:
        raise DomainError(
            _("This Idempotency-Key was used with another body. Use a new key for a new request."),
            code="idempotency_key_reused",
        )
    if reply.status is not None:
        return reply, True
    if mine.filter(pk=reply.pk, status=None, created_at__lt=now - STALE).update(created_at=now):
        return reply, False
    raise Conflict(
        _("The first request with this key is still running. Ask again later."), code="still_running"
    )


def _body_sha256(request: Request) -> str:
    """Of the body's meaning: JSON with sorted keys; a form's fields and its files' contents."""
    digest = hashlib.sha256()
    data: Any = request.data
    if hasattr(data, "lists"):
        for name, values in sorted(data.lists()):
            for value in values:
                digest.update(f"{len(name)}:{name}=".encode("utf-8", "surrogatepass"))
                if hasattr(value, "chunks"):
                    digest.update(f"{value.name}:{value.size}:".encode("utf-8", "surrogatepass"))
                    for chunk in value.chunks():
                        digest.update(chunk)
                    value.seek(0)
                else:
                    digest.update(f"{len(value)}:{value}".encode("utf-8", "surrogatepass"))
    else:
        digest.update(json.dumps(data, sort_keys=True).encode())
    return digest.hexdigest()


def _store(reply: IdempotentReply, response: Response) -> None:
    reply.status = response.status_code
    reply.body = b"" if response.data is None else SoundJSONRenderer().render(response.data)
    reply.headers = {name: response[name] for name in HEADERS if name in response}
    if response.content_type:
        reply.headers["Content-Type"] = response.content_type
    reply.save(update_fields=["status", "body", "headers"])


def _stored(reply: IdempotentReply) -> HttpResponse:
    headers = {"Content-Type": "application/json", **reply.headers, "Idempotent-Replayed": "true"}
    return HttpResponse(bytes(reply.body), status=reply.status or 200, headers=headers)
