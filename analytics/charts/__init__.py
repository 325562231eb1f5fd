"""Charts as geometry: pure functions from figures to positions, which one template per kind draws.

x is in percent of the plot's width, y in pixels, so one drawing serves every width and text never scales.
"""

from analytics.charts.bars import MeanBar, MeanBars, MeanRow, mean_bars
from analytics.charts.histograms import Histogram, histogram
from analytics.charts.lines import Line, Lines, Point, Series, lines
from analytics.charts.multiples import Multiples, Panel, PanelRow, multiples
from analytics.charts.ranges import Range, RangeRow, Ranges, ranges
from analytics.charts.scales import Bar, Mark, nice_step, ticks

Chart = Histogram | Ranges | Lines | Multiples | MeanBars

__all__ = [
    "Bar", "Chart", "Histogram", "Line", "Lines", "Mark", "MeanBar", "MeanBars", "MeanRow", "Multiples", "Panel",
    "PanelRow", "Point", "Range", "RangeRow", "Ranges", "Series", "histogram", "lines", "mean_bars", "multiples",
    "nice_step", "ranges", "ticks",
]  # fmt: skip
