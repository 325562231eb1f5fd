"""The five steps of an import, as the line above every wizard page."""

from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

register = template.Library()

STEPS = (_("Upload"), _("Map"), _("Check"), _("Load"), _("Report"))


@register.inclusion_tag("ingest/_steps.html")
def steps(current: int) -> dict[str, Any]:
    """`{% steps 2 %}`: steps before the current one are done."""
    numbered = list(enumerate(STEPS, start=1))
    return {
        "steps": [
            (n, label, "done" if n < current else "now" if n == current else "") for n, label in numbered
        ]
    }
