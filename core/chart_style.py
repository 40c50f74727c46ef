"""The common look of all charts: colours, axes, legends and the ends of scales.

Colours follow Okabe and Ito (2008), *Color Universal Design*.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, RED, GREY = "#0072b2", "#cc2f1b", "#6b747c"
COLOURS = (BLUE, "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#b8a800")
"""Line colours in their order of use; more lines than colours change their dash."""

DASHES = ("-", "--", ":", "-.")

FONT = 9
SMALL_FONT = 8


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure whose axes get the common look; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.add_axobserver(_dress)
    return figure


def _dress(figure: Figure) -> None:
    """Give every new set of axes the common look."""
    axes = figure.axes[-1]
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#8b97a2")
    axes.grid(visible=True, color="#e6eaee", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL_FONT, color="#8b97a2")
    axes.xaxis.label.set_fontsize(FONT)
    axes.yaxis.label.set_fontsize(FONT)


def add_legend(axes: Axes, entries: int) -> None:
    """Add a legend: inside for a few entries, beside the axes for many."""
    if entries == 0:
        return
    if entries <= 6:
        axes.legend(frameon=False, fontsize=SMALL_FONT)
    else:
        axes.legend(
            frameon=False,
            fontsize=SMALL_FONT,
            loc="upper left",
            bbox_to_anchor=(1.01, 1.0),
            ncols=1 + (entries - 1) // 16,
        )


def line_style(index: int) -> tuple[str, str]:
    """Return the colour and the dash of a line."""
    return COLOURS[index % len(COLOURS)], DASHES[index // len(COLOURS) % len(DASHES)]


def range_of(values: np.ndarray) -> tuple[float, float]:
    """Return the ends of a scale that holds all finite values; never of zero length."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def percentiles_of(values: np.ndarray) -> tuple[float, float]:
    """Return the 2nd and 98th percentile of finite values, apart from each other."""
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, (2, 98)))
    return (low, high) if high > low else range_of(values)
