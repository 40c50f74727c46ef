"""The figures of reports on soil spectra that are not among the common charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from gossan.core.chart_style import BLUE, FONT, GREY, RED, SMALL_FONT, new_figure
from gossan.models.soil_spectra.explanation import ABSORPTIONS, Importance
from gossan.models.soil_spectra.steps import Spectra, Stage

SHOWN_SPECTRA = 40
"""More lines than these make a grey cloud."""

_REGION = "#f0e6c8"


def stages_figure(stages: Sequence[Stage]) -> Figure:
    """Draw the spectra after each step: single ones in grey, their mean in blue."""
    columns = 2
    rows = -(-len(stages) // columns)
    figure = new_figure(7.6, 2.1 * rows + 0.2)
    for number, stage in enumerate(stages):
        axes = figure.add_subplot(rows, columns, number + 1)
        values, x = stage.spectra.values, stage.spectra.wavelengths
        step = max(1, -(-len(values) // SHOWN_SPECTRA))
        for run in stage.spectra.runs():
            axes.plot(x[run], values[::step, run].T, color=GREY, linewidth=0.4, alpha=0.45)
            axes.plot(x[run], values[:, run].mean(axis=0), color=BLUE, linewidth=1.3)
        axes.set_xlim(x[0], x[-1])
        axes.set_title(f"{number}. {stage.title}" if number else stage.title, fontsize=FONT)
        axes.set_ylabel(stage.quantity, fontsize=SMALL_FONT)
        if number >= len(stages) - columns:
            axes.set_xlabel("wavelength (nm)")
    return figure


def importance_figure(
    importance: Importance, element: int, name: str, unit: str, mean: Spectra
) -> Figure:
    """Draw importance along wavelength over the mean spectrum, with the known absorptions named."""
    x = importance.wavelengths
    figure = new_figure(7.4, 3.6)
    axes = figure.add_subplot()
    spectrum = axes.twinx()
    axes.grid(visible=False)
    spectrum.grid(visible=False)
    for number, (region, low, high) in enumerate(ABSORPTIONS):
        if high < x[0] or low > x[-1]:
            continue
        axes.axvspan(max(low, x[0]), min(high, x[-1]), color=_REGION, linewidth=0, zorder=0)
        # In turn at two heights, for some regions are narrower than their names.
        axes.text(
            0.5 * (max(low, x[0]) + min(high, x[-1])),
            1.01 + 0.055 * (number % 2),
            region,
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=SMALL_FONT - 1,
            color="#6b5a1e",
        )
    for run in Spectra(np.zeros((1, len(x))), x).runs():
        axes.fill_between(
            x[run], importance.values[run, element], color=RED, alpha=0.35, linewidth=0
        )
        axes.plot(x[run], importance.values[run, element], color=RED, linewidth=1.0)
    for run in mean.runs():
        spectrum.plot(mean.wavelengths[run], mean.values[0, run], color=BLUE, linewidth=1.2)
    axes.set_ylim(bottom=0.0)
    axes.set_xlim(x[0], x[-1])
    axes.set_xlabel("wavelength (nm)")
    axes.set_ylabel(f"importance for {name} ({unit})" if unit else f"importance for {name}")
    axes.yaxis.label.set_color(RED)
    spectrum.set_ylabel("mean reflectance", fontsize=FONT)
    spectrum.yaxis.label.set_color(BLUE)
    spectrum.spines["right"].set_visible(True)
    spectrum.spines["right"].set_color("#8b97a2")
    return figure
