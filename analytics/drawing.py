"""The same drawing alone: SVG of a fixed size with resolved colours, and PNG of that SVG.

A page's SVG leaves colours to the stylesheet and widths to the window. A file has neither: percentages become
pixels, and each class becomes the presentation attributes it stands for, with the colours of `tokens.css`.
"""

import math
import re
import textwrap
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import resvg_py
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from analytics.charts import Chart, MeanBar, MeanBars, Multiples, Range, Ranges
from analytics.declarations import Answer

Theme = Literal["light", "dark"]
WIDTH = 960
_MARGIN, _TOP, _LINE, _ROW = 32, 84, 18, 41
_LINES_LEFT, _LINES_RIGHT = 80, 150  # room for the names at both ends of lines
_RANGES_LEFT, _RANGES_RIGHT = 290, 300
_PANELS, _PANEL_HEIGHT, _PANEL_GAP = 6, 152, 24  # in a row of small charts; px
DRAWN = (
    120  # rows or small charts in a file: a picture without bounds takes memory until the process is ended
)
_TOKEN = re.compile(r"--([a-z0-9-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)")
_PERCENT = re.compile(r'\b(x|x1|x2|cx|width)="(-?[0-9.]+)%"')
_CLASS = re.compile(r' class="([^"]*)"')
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Class → presentation attributes; {name} is a colour of tokens.css. Later classes add to earlier ones.
PAINT: dict[str, dict[str, str]] = {
    "paper": {"fill": "{bg}"},
    "rule": {"stroke": "{ink}", "stroke-width": "2"},
    "bar": {"fill": "{series-1}"},
    "soft": {"fill": "{accent-mid}"},
    "grey": {"fill": "{series-grey}"},
    "grid": {"stroke": "{line}"},
    "base": {"stroke": "{ink}"},
    "q-back": {"stroke": "{bg}", "stroke-width": "3.5"},
    "m-back": {"stroke": "{bg}", "stroke-width": "5"},
    "q": {"stroke": "{ink}", "stroke-width": "1.25", "stroke-dasharray": "2 3"},
    "med": {"stroke-width": "2", "stroke-dasharray": "none"},
    "q-short": {"display": "none"},
    "mean": {"stroke": "{ink}", "stroke-width": "1.5", "stroke-dasharray": "5 4"},
    "m": {"fill": "{muted}", "font-size": "12"},
    "b": {"font-weight": "600"},
    "halo": {"paint-order": "stroke", "stroke": "{bg}", "stroke-width": "4", "stroke-linejoin": "round"},
    "lead": {"font-size": "18"},
    "mid": {"text-anchor": "middle"},
    "end": {"text-anchor": "end"},
    **{
        f"l{i}": {
            "stroke": f"{{series-{i}}}",
            "fill": f"{{series-{i}}}",
            "stroke-width": "2",
            "stroke-linecap": "round",
        }
        for i in range(1, 5)
    },
}


@cache
def tokens(theme: Theme) -> dict[str, str]:
    """Colour names of static/css/tokens.css → "#rrggbb" in one theme."""
    text = (Path(settings.BASE_DIR) / "static/css/tokens.css").read_text(encoding="utf-8")
    return {name: dark if theme == "dark" else light for name, light, dark in _TOKEN.findall(text)}


def painted(svg: str, theme: Theme) -> str:
    """`svg` with attributes in place of classes; text is ink unless its class says otherwise."""
    colours = tokens(theme)

    def attributes(match: re.Match[str]) -> str:
        merged: dict[str, str] = {}
        for name in match[1].split():
            merged.update(PAINT.get(name, {}))
        return "".join(f' {key}="{value.format(**colours)}"' for key, value in merged.items())

    return _CLASS.sub(attributes, svg).replace("<svg ", f'<svg fill="{colours["ink"]}" ', 1)


def _placed(template: str, context: dict[str, Any], width: float) -> SafeString:
    """A component of a page with percentages of `width` as pixels."""
    drawn = render_to_string(template, context)
    return mark_safe(_PERCENT.sub(lambda m: f'{m[1]}="{float(m[2]) * width / 100:.1f}"', drawn))  # noqa: S308


def svg_file(answer: Answer, *, question: str, source: str, theme: Theme = "light") -> str:
    """The chart of an answer as an SVG document of WIDTH px; an answer without a chart says why."""
    chart = answer.chart
    reading = [
        {"text": line, "y": 72 + i * _LINE}
        for i, line in enumerate(textwrap.wrap(str(answer.reading), 140)[:4])
    ]
    top = _TOP + _LINE * max(0, len(reading) - 1) + 8
    plot, height = _plot(chart)
    foot = top + 24 + height
    context: dict[str, Any] = {
        "width": WIDTH, "right": WIDTH - _MARGIN, "top": top, "height": foot + 20, "foot": foot,
        "question": question, "reading": reading, "source": source, "plot": plot,
        "label": chart.label if chart else answer.reading,
    }  # fmt: skip
    drawn = render_to_string("components/chart_file.svg", context)
    return painted(_NOT_XML.sub("\ufffd", drawn), theme)  # a caller's own words may hold any character


def _plot(chart: Chart | None) -> tuple[SafeString, int]:
    """What is drawn, in px from the left edge of the file, and how high it is."""
    match chart:
        case None:
            return SafeString(""), 0
        case Ranges():
            return _rows_plot(chart, "ranges", "chart_range.html")
        case MeanBars():
            return _rows_plot(chart, "bars", "chart_bar.html")
        case Multiples():
            return _panels_plot(chart)
    left, right = (_LINES_LEFT, _LINES_RIGHT) if chart.kind == "lines" else (_MARGIN, _MARGIN)
    drawn = _placed(f"components/chart_{chart.kind}.html", {"chart": chart}, WIDTH - left - right)
    return format_html('<g transform="translate({} 0)">{}</g>', left, drawn), chart.height


def _rows_plot(chart: Ranges | MeanBars, kind: str, template: str) -> tuple[SafeString, int]:
    """A table of rows with a plot in each."""
    width = WIDTH - _RANGES_LEFT - _RANGES_RIGHT - _MARGIN
    listed: Sequence[Range | MeanBar] = chart.rows[:DRAWN]
    rows = [
        {
            "y": 24 + i * _ROW, "name": textwrap.shorten(row.name, 30, placeholder="…"), "row": row,
            "plot": _placed(f"components/{template}", {"chart": chart, "axis": chart.axis, "row": row}, width),
        }
        for i, row in enumerate(listed)
    ]  # fmt: skip
    mean = chart.mean if isinstance(chart, MeanBars) else None
    axis = _placed("components/chart_axis.html", {"axis": chart.axis, "mean": mean}, width)
    context = {"chart": chart, "axis": axis, "rows": rows, "right": WIDTH - _MARGIN, "left": _RANGES_LEFT}
    drawn = render_to_string(f"components/chart_file_{kind}.svg", context)
    plot = mark_safe(drawn)  # noqa: S308 - our own template, escaped there
    return _bounded(plot, 24 + _ROW * len(rows), len(chart.rows))


def _panels_plot(chart: Multiples) -> tuple[SafeString, int]:
    """Small charts in rows of six."""
    step = (WIDTH - 2 * _MARGIN + _PANEL_GAP) / _PANELS
    panels = [
        {
            "x": _MARGIN + i % _PANELS * step, "y": i // _PANELS * _PANEL_HEIGHT, "right": step - _PANEL_GAP,
            "name": _two_lines(panel.name), "panel": panel,
            "plot": _placed("components/chart_panel.html", {"panel": panel}, step - _PANEL_GAP),
        }
        for i, panel in enumerate(chart.panels[:DRAWN])
    ]  # fmt: skip
    drawn = render_to_string("components/chart_file_multiples.svg", {"panels": panels})
    plot = mark_safe(drawn)  # noqa: S308 - see above
    return _bounded(plot, math.ceil(len(panels) / _PANELS) * _PANEL_HEIGHT, len(chart.panels))


def _bounded(plot: SafeString, height: int, total: int) -> tuple[SafeString, int]:
    """The plot and its height, with a line that says how many of `total` are not drawn, if any."""
    if total <= DRAWN:
        return plot, height
    more = _("%(count)s more are in the table") % {"count": f"{total - DRAWN:,}"}
    line = format_html('<text class="m" x="{}" y="{}">{}</text>', _MARGIN, height + _LINE, more)
    return SafeString(plot + line), height + 2 * _LINE


def _two_lines(name: str) -> list[dict[str, Any]]:
    """A name above its panel, the lower line always filled."""
    lines = textwrap.wrap(name, 17) or [""]
    lines = [lines[0], textwrap.shorten(" ".join(lines[1:]), 17, placeholder="…")] if lines[1:] else lines
    return [{"text": line, "y": 30 - 16 * (len(lines) - 1 - i)} for i, line in enumerate(lines)]


@lru_cache(maxsize=64)
def png_file(svg: str) -> bytes:
    """PNG of an SVG document at twice its size, with a font that we bring along; 0.2 s, so the latest are kept."""
    fonts = files("font_source_sans_pro") / "files"
    names = ("SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf")
    drawn = resvg_py.svg_to_bytes(
        svg_string=svg,
        skip_system_fonts=True,
        font_files=[str(fonts / name) for name in names],
        font_family="Source Sans Pro",
        sans_serif_family="Source Sans Pro",
        zoom=2,
    )
    return bytes(drawn)


def source_line(answer: Answer, version: str) -> str:
    """The foot of a file: n, what is said under the figure, and the data version: a copy can be traced."""
    count = _("n = %(n)s") % {"n": f"{answer.n:,}"}
    return " · ".join(
        [count, *map(str, answer.facts), _("Skillora, data version %(version)s") % {"version": version}]
    )
