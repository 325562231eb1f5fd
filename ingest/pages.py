"""What every page of ingest shares: who asks, by what means, and how an error becomes a page."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import User
from ingest.models import Import
from skillora.lib.errors import Busy, DomainError, NotAllowed

PAGE_SIZE = 50
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def page(*methods: str) -> Callable[[View[P]], View[P]]:
    """A page for signed-in members; a DomainError it raises becomes a page that says so, with its status.

    Never cached: the back button must show where the import stands, not where it stood.
    """

    def wrap(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except DomainError as error:
                response = render(request, "ingest/import_error.html", {"error": error}, status=error.status)
                if isinstance(error, Busy):
                    response["Retry-After"] = str(error.retry_after)
                return response

        guarded = login_required(answer)

        @functools.wraps(view)
        def onward(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            response = guarded(request, *args, **kwargs)
            if (
                by_script(request) and response.status_code == 302
            ):  # a navigation of its own, in the address too
                return HttpResponseClientRedirect(response["Location"])
            return response

        return never_cache(require_http_methods(methods)(onward))  # type: ignore[return-value]

    return wrap


def by_script(request: HttpRequest) -> bool:
    """Whether htmx asks, for a part of a page."""
    return bool(getattr(request, "htmx", False))


def member(request: HttpRequest) -> User:
    """Who asks; `page` has made sure that somebody does."""
    if not isinstance(request.user, User):
        raise NotAllowed(_("Sign in first."), status=401)
    return request.user


def may_change(source: Import, user: User) -> bool:
    """Whether to show the buttons; the services decide."""
    return user.is_staff or (user.is_editor and source.by_id == user.pk)
