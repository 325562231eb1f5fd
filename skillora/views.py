"""Pages that belong to no domain."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

YEAR_SECONDS = 365 * 24 * 3600


def overview(request: HttpRequest) -> HttpResponse:
    """The first page."""
    return HttpResponse("Skillora")


@require_POST
def theme_set(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or (anything else) the system's theme in this browser, and go back."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    theme = request.POST.get("theme", "")
    if theme in {"light", "dark"}:
        secure = bool(settings.SESSION_COOKIE_SECURE)
        response.set_cookie(
            "theme", theme, max_age=YEAR_SECONDS, samesite="Lax", secure=secure, httponly=True
        )
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
