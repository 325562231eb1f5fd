"""Geometry of charts, and the colours they are drawn with."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import charts
from analytics.declarations import Answer
from analytics.drawing import DRAWN, Theme, painted, png_file, svg_file, tokens


def words(amount: float) -> str:
    return f"${amount:,.0f}"


def count_words(n: int) -> str:
    return f"{n} rows"


@given(span=st.floats(min_value=0.01, max_value=1e12), parts=st.integers(2, 60))
def test_nice_step_cuts_into_at_most_so_many_parts_and_is_round(span: float, parts: int) -> None:
    step = charts.nice_step(span, parts)
    assert span / step <= parts * 1.001
    assert span / step > parts / 2.6
    leading = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(leading - nice) for nice in (1, 2, 2.5, 5, 10)) < 1e-6


@given(
    counts=st.lists(st.integers(0, 10**7), min_size=4, max_size=40),
    values=st.lists(st.floats(0, 5e6), min_size=5, max_size=5),
)
def test_histogram_stays_inside_its_plot(counts: list[int], values: list[float]) -> None:
    edges = [i * 10_000.0 for i in range(len(counts))]
    percentiles = dict(zip((10, 25, 50, 75, 90), sorted(values), strict=True))
    drawn = charts.histogram(
        edges, counts, percentiles, label="", words=words, short=words, count_words=count_words
    )
    for bar in drawn.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= 100
        assert 0 < bar.y < bar.y + bar.height <= drawn.height
    assert all(0 <= mark.at <= 100 for mark in [*drawn.marks, *drawn.axis])
    assert [bar.tone for bar in drawn.bars][-1] == "grey"


def test_histogram_bars_are_as_high_as_their_counts() -> None:
    percentiles = {10: 5.0, 25: 12.0, 50: 15.0, 75: 22.0, 90: 28.0}
    drawn = charts.histogram(
        [0, 10, 20, 30],
        [10, 40, 20, 0],
        percentiles,
        label="",
        words=words,
        short=words,
        count_words=count_words,
    )
    heights = [bar.height for bar in drawn.bars]
    assert heights[1] == 4 * heights[0] == 2 * heights[2]
    assert [bar.tone for bar in drawn.bars] == ["soft", "", "", "grey"]
    assert drawn.bars[3].title == "$30+: 0 rows"


def test_ranges_share_one_scale_from_zero() -> None:
    low = charts.RangeRow("low", 9, {10: 10, 25: 20, 50: 30, 75: 40, 90: 50})
    few = charts.RangeRow("few", 2, {})
    high = charts.RangeRow("high", 9, {10: 20, 25: 40, 50: 60, 75: 80, 90: 100})
    drawn = charts.ranges([low, few, high], label="", heading="", note="too few", words=words, short=words)
    assert drawn.rows[2].median == 2 * drawn.rows[0].median
    assert drawn.rows[1].cells is None
    assert drawn.axis[0].at == 0
    assert drawn.axis[-1].at == 100


@given(ends=st.lists(st.floats(1, 1000), min_size=2, max_size=4))
def test_names_at_the_ends_of_lines_do_not_cover_each_other(ends: list[float]) -> None:
    series = [charts.Series(f"s{i}", {2020: (1.0, 9), 2021: (end, 9)}) for i, end in enumerate(ends)]
    drawn = charts.lines(series, label="", words=words, short=words, count_words=count_words)
    places = sorted(line.end.y for line in drawn.lines)
    assert all(b - a >= 15.9 for a, b in itertools.pairwise(places))
    assert all(0 <= y <= drawn.height for y in places)


def test_painted_svg_has_no_class_and_escapes_nothing_twice() -> None:
    svg = painted('<svg width="1"><rect class="bar soft"/><text class="m end">a &lt; b</text></svg>', "dark")
    assert "class" not in svg
    assert tokens("dark")["accent-mid"] in svg
    assert 'text-anchor="end"' in svg
    assert "a &lt; b" in svg


# Machado, Oliveira and Fernandes (2009): full deficiency, on linear RGB.
DEFICIENCIES = {
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "none": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}
NOTICEABLE = 10.0  # CIE76 distance in Lab at which two marks are told apart side by side


def linear(colour: str) -> list[float]:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def lab(rgb: list[float]) -> list[float]:
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [sum(m * max(0.0, min(1.0, c)) for m, c in zip(row, rgb, strict=True)) for row in matrix]
    f = [
        v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116
        for v in (xyz[0] / 0.95047, xyz[1], xyz[2] / 1.08883)
    ]
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_series_are_told_apart_whatever_the_eye(theme: Theme, deficiency: str) -> None:
    seen = {}
    for i in range(1, 5):
        rgb = linear(tokens(theme)[f"series-{i}"])
        seen[i] = lab([sum(m * c for m, c in zip(row, rgb, strict=True)) for row in DEFICIENCIES[deficiency]])
    for a, b in itertools.combinations(seen.values(), 2):
        assert math.dist(a, b) > NOTICEABLE


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_series_and_text_stand_out_from_the_paper(theme: Theme) -> None:
    colours = tokens(theme)

    def luminance(colour: str) -> float:
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))

    def contrast(a: str, b: str) -> float:
        high, low = sorted((luminance(a), luminance(b)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for name in ("ink", "muted", "accent"):
        assert contrast(colours[name], colours["bg"]) >= 4.5
    for i in range(1, 5):
        assert contrast(colours[f"series-{i}"], colours["bg"]) >= 3


def test_picture_of_words_that_no_document_can_hold() -> None:
    answer = Answer(columns=(), rows=[], n=0, reading="a\x01b\ufffe")
    svg = svg_file(answer, question="\x0b", source="\x1f")
    assert "a\ufffdb\ufffd" in svg
    assert png_file(svg).startswith(b"\x89PNG")


def chart_of(kind: str, names: list[str]) -> charts.Chart:
    if kind == "bars":
        bars = [charts.MeanRow(name, name, 3, above=True) for name in names]
        return charts.mean_bars(bars, 2.5, label="", heading="", value_heading="", mean_word="mean")
    if kind == "multiples":
        panels = [charts.PanelRow(name, [1, 2]) for name in names]
        return charts.multiples(panels, steps=["a", "b"], label="", words=str)
    percentiles = {10: 1.0, 25: 2.0, 50: 3.0, 75: 4.0, 90: 5.0}
    rows = [charts.RangeRow(name, 9, percentiles) for name in names]
    return charts.ranges(rows, label="", heading="", note="", words=words, short=words)


@pytest.mark.parametrize("kind", ["bars", "multiples", "ranges"])
def test_picture_of_very_many_rows_is_bounded_and_says_how_many_are_left_out(kind: str) -> None:
    chart = chart_of(kind, [f"Row {n}" for n in range(DRAWN + 5_000)])
    answer = Answer(columns=(), rows=[], n=9, summary={}, chart=chart)
    svg = svg_file(answer, question="How many?", source="n = 9")
    height = int(svg.partition('height="')[2].partition('"')[0])
    assert height < 6_000
    assert f">Row {DRAWN - 1}<" in svg
    assert f">Row {DRAWN}<" not in svg
    assert "5,000 more are in the table" in svg
    assert int.from_bytes(png_file(svg)[20:24]) == 2 * height  # of PNG's header
