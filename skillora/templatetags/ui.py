"""What every template may use: icons, sizes, durations, the word and icon of a state."""

from typing import Any, NamedTuple

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

register = template.Library()


class Look(NamedTuple):
    """How a state looks: tone is a class of `.tag`, "" for neutral."""

    tone: str
    icon: str
    label: str | Promise


LOOKS = {
    "uploaded": Look("", "clock", gettext_lazy("To map")),
    "mapped": Look("", "clock", gettext_lazy("Not loaded yet")),
    "queued": Look("info", "clock", gettext_lazy("Waiting")),
    "running": Look("info", "spin", gettext_lazy("Loading")),
    "done": Look("ok", "check", gettext_lazy("Loaded")),
    "done_with_rejects": Look("warn", "alert", gettext_lazy("Loaded in part")),
    "failed": Look("bad", "alert", gettext_lazy("Failed")),
    "cancelled": Look("", "x", gettext_lazy("Cancelled")),
    "undone": Look("", "undo", gettext_lazy("Undone")),
}


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """`{% icon "check" %}`: a symbol of components/icons.html, hidden from screen readers."""
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="#i-{}"/></svg>', extra, name)


@register.inclusion_tag("components/tag.html")
def state_tag(state: str) -> dict[str, Any]:
    """The state of an import or run, as word and icon."""
    return {"look": LOOKS.get(state, Look("", "info", state))}


@register.filter
def size(count: int) -> str:
    """Bytes for people: 284 KB, 2.1 GB."""
    value = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return ""


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds for people: 0.09 s, 33 s, 4 min, 2 h 5 min; "" while unknown."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


@register.filter
def percent_of(part: int, whole: int) -> str:
    """Share as a width or x of an SVG: "12.34%", always with a point."""
    return f"{100 * part / whole:.2f}%" if whole else "0%"


@register.filter
def rows(count: int) -> str:
    """A count of rows: 1 row, 4,611 rows."""
    return ngettext("%(n)s row", "%(n)s rows", count) % {"n": intcomma(count)}


@register.filter
def letter(position: int) -> str:
    """The spreadsheet's name of a column: 0 → A, 27 → AB."""
    name = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        name = chr(65 + rest) + name
    return name


@register.simple_tag
def sum_of(*parts: int) -> str:
    """The sum behind a count, as written under it: 4,611 + 0 + 356."""
    return " + ".join(intcomma(part) for part in parts) or _("nothing")
