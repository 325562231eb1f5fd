"""Drawing charts in templates: numbers as SVG wants them, one tag per place a chart stands in."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def fixed(number: float, places: int = 1) -> str:
    """A number for an SVG attribute: always with a point, whatever the language."""
    return f"{number:.{places}f}"


@register.filter
def less(y: float, by: int) -> str:
    """A place `by` pixels above (or left of) `y`."""
    return f"{y - by:.0f}"


@register.inclusion_tag("components/figure.html", takes_context=True)
def figure(context: dict[str, Any], shown: Any, heading: int = 2) -> dict[str, Any]:
    """A report's answer as a figure: question, chart or table, exports, foot."""
    return {"shown": shown, "request": context.get("request"), "heading": heading}
