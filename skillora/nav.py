"""What the bar at the top shows, and to whom."""

from django.http import HttpRequest


def context(request: HttpRequest) -> dict[str, object]:
    """Template context of every page."""
    return {}
