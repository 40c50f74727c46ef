"""The charts of all reports: one look, readable in print and by colour-blind people.

Every function returns a matplotlib ``Figure`` that belongs to nobody, so that charts can be made
on any thread and without a screen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gossan.core.chart_style import (
    BLUE,
    FONT,
    GREY,
    RED,
    SMALL_FONT,
    add_legend,
    line_style,
    new_figure,
    percentiles_of,
    range_of,
)

_MAXIMUM_PRINTED_CELLS = 900
_SPECTROMETER_BANDS = 40


@dataclass(frozen=True)
class Scatter:
    """Measured against predicted values of one target.

    Parameters
    ----------
    title : str
        Name of the target.
    unit : str
        Unit of both axes, such as ``mg/kg``; "" for none.
    training : pair of ndarray, shape (n,), or None
        Measured and predicted values of the training samples.
    validation : pair of ndarray, shape (m,), or None
        The same of samples that the model had not seen.
    scores : dict
        What stands in the corner, such as ``{"R²": 0.81, "RMSE": "12 mg/kg"}``.
    """

    title: str
    unit: str = ""
    training: tuple[np.ndarray, np.ndarray] | None = None
    validation: tuple[np.ndarray, np.ndarray] | None = None
    scores: Mapping[str, float | str] = field(default_factory=dict)


def scatter_measured_predicted(panels: Scatter | Sequence[Scatter], *, columns: int = 3) -> Figure:
    """Draw predicted over measured values, one square panel per target.

    Training samples are blue circles, validation samples red triangles; on the grey line both
    values are equal.

    Parameters
    ----------
    panels : Scatter or sequence of Scatter
    columns : int
        Panels side by side.

    Returns
    -------
    Figure
    """
    shown = [panels] if isinstance(panels, Scatter) else list(panels)
    columns = max(min(columns, len(shown)), 1)
    rows = max(math.ceil(len(shown) / columns), 1)
    figure = new_figure(3.2 * columns + 0.3, 3.2 * rows + 0.2)
    for index, panel in enumerate(shown):
        _draw_scatter(figure.add_subplot(rows, columns, index + 1), panel)
    return figure


def matrix_heatmap(
    values: np.ndarray,
    rows: Sequence[str],
    *,
    columns: Sequence[str] | None = None,
    label: str = "",
    limits: tuple[float, float] | None = None,
    row_label: str = "",
    column_label: str = "",
    decimals: int | None = None,
) -> Figure:
    """Draw a matrix as coloured cells with their values printed: correlation, confusion, centres.

    Parameters
    ----------
    values : ndarray, shape (n, m)
        Missing values (NaN) stay empty.
    rows, columns : sequence of str
        Names; the columns have those of the rows by default.
    label : str
        What the values are, with their unit.
    limits : pair of float or None
        Ends of the colour scale; the range of the values by default. A range around zero, given
        or found, is drawn in two hues with white at zero.
    row_label, column_label : str
        What rows and columns are, such as ``reference`` and ``map``.
    decimals : int or None
        Digits behind the point; two by default, none for whole numbers.

    Returns
    -------
    Figure
    """
    matrix = np.asarray(values, dtype=float)
    names = list(rows if columns is None else columns)
    if matrix.shape != (len(rows), len(names)):
        raise ValueError(
            f"A matrix of {matrix.shape} does not fit {len(rows)} row and {len(names)} column names"
        )
    low, high = limits or range_of(matrix)
    diverging = low < 0 < high
    if diverging:
        high = max(-low, high)
        low = -high
    scale = Normalize(low, high)
    longest = max((len(str(name)) for name in [*rows, *names]), default=1)
    size = 0.52 if len(names) <= 14 else 0.36
    figure = new_figure(
        min(max(size * len(names) + 0.07 * longest + 1.6, 3.4), 10.0),
        min(max(size * 0.85 * len(rows) + 0.05 * longest + 0.8, 2.4), 10.0),
    )
    axes = figure.add_subplot()
    picture = axes.imshow(
        np.ma.masked_invalid(matrix),
        cmap="RdBu_r" if diverging else "Blues",
        norm=scale,
        aspect="auto",
    )
    axes.set_xticks(range(len(names)), names, rotation=90 if longest > 4 else 0)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    axes.set_xlabel(column_label)
    axes.set_ylabel(row_label)
    if matrix.size <= _MAXIMUM_PRINTED_CELLS:
        _print_cells(axes, matrix, scale, diverging=diverging, decimals=decimals)
    bar = figure.colorbar(picture, ax=axes, label=label, fraction=0.05, pad=0.03)
    bar.outline.set_visible(False)
    return figure


def spectra_plot(
    wavelengths: np.ndarray | None,
    spectra: Mapping[str, np.ndarray] | np.ndarray,
    names: Sequence[str] | None = None,
    *,
    y_label: str = "reflectance",
    good: np.ndarray | None = None,
    colours: Sequence[str] | None = None,
) -> Figure:
    """Draw spectra over wavelength; the lines have gaps where bands were removed.

    Parameters
    ----------
    wavelengths : ndarray, shape (bands,), or None
        Nanometres, in any order. None draws over the band number.
    spectra : mapping of ndarray, shape (bands,), or ndarray, shape (n, bands)
    names : sequence of str or None
        Names of the rows of an array.
    y_label : str
    good : ndarray of bool, shape (bands,), or None
        False for bands to leave out. Neighbours much further apart than usual also leave a gap.
    colours : sequence of str or None

    Returns
    -------
    Figure
    """
    lines = _named(spectra, names)
    bands = len(next(iter(lines.values()))) if lines else 0
    axis = (
        np.arange(1, bands + 1, dtype=float)
        if wavelengths is None
        else np.asarray(wavelengths, dtype=float)
    )
    order = np.argsort(axis, kind="stable")
    used = np.ones(bands, dtype=bool) if good is None else np.asarray(good, dtype=bool)
    figure = new_figure(7.2, 3.6)
    axes = figure.add_subplot()
    for index, (name, spectrum) in enumerate(lines.items()):
        values = np.where(used, np.asarray(spectrum, dtype=float), np.nan)[order]
        x, y = _with_gaps(axis[order], values)
        colour, dash = line_style(index)
        if colours is not None:
            colour = colours[index % len(colours)]
        axes.plot(
            x,
            y,
            label=name,
            linewidth=1.4,
            color=colour,
            linestyle=dash,
            marker="o" if bands < _SPECTROMETER_BANDS else None,
            markersize=4,
        )
    axes.set_xlabel("band" if wavelengths is None else "wavelength (nm)")
    axes.set_ylabel(y_label)
    if axis.size:
        axes.set_xlim(axis.min(), axis.max() if axis.max() > axis.min() else axis.min() + 1)
    add_legend(axes, len(lines))
    return figure


def curve_plot(
    x: Sequence[float] | np.ndarray,
    curves: Mapping[str, Sequence[float] | np.ndarray],
    *,
    x_label: str,
    y_label: str,
    marks: bool | None = None,
    log_y: bool = False,
) -> Figure:
    """Draw one or more curves over a common axis, such as losses over training epochs.

    Parameters
    ----------
    x : sequence of float
    curves : mapping of sequence of float
        Values by name; missing values (NaN) leave gaps.
    x_label, y_label : str
        With units.
    marks : bool or None
        Mark every point; by default with up to 40 points.
    log_y : bool
        Logarithmic vertical axis.

    Returns
    -------
    Figure
    """
    figure = new_figure(6.0, 3.4)
    axes = figure.add_subplot()
    marker = "o" if (len(x) <= 40 if marks is None else marks) else None
    for index, (name, values) in enumerate(curves.items()):
        colour, dash = line_style(index)
        axes.plot(
            np.asarray(x, dtype=float),
            np.asarray(values, dtype=float),
            label=name,
            marker=marker,
            markersize=4,
            linewidth=1.4,
            color=colour,
            linestyle=dash,
        )
    if log_y and any(np.any(np.asarray(v, dtype=float) > 0) for v in curves.values()):
        axes.set_yscale("log")
    if all(float(value).is_integer() for value in x) and len(x) > 1:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if len(curves) > 1:
        add_legend(axes, len(curves))
    return figure


def map_picture(
    array: np.ndarray,
    cmap: str = "viridis",
    label: str = "",
    *,
    limits: tuple[float, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw a raster as a map picture with a colour bar.

    Parameters
    ----------
    array : ndarray, shape (rows, columns) or (rows, columns, 3)
        Missing values (NaN) stay white. Three bands are red, green and blue, 0 to 1.
    cmap : str
        Name of a matplotlib colour map.
    label : str
        What the values are, with their unit.
    limits : pair of float or None
        Ends of the colour scale; the 2nd and 98th percentile by default.
    title : str

    Returns
    -------
    Figure
    """
    picture = _thinned(np.asarray(array))
    height, width = picture.shape[:2]
    size = 5.6 / max(height, width)
    figure = new_figure(max(size * width, 1.6) + 1.2, max(size * height, 1.6) + 0.4)
    axes = figure.add_subplot()
    if picture.ndim == 3:
        axes.imshow(np.clip(np.nan_to_num(picture.astype(float), nan=1.0), 0, 1))
    else:
        shown = np.ma.masked_invalid(picture.astype(float))
        low, high = limits or percentiles_of(shown.compressed())
        drawn = axes.imshow(shown, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
        bar = figure.colorbar(drawn, ax=axes, label=label, fraction=0.046, pad=0.03)
        bar.outline.set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set(visible=True, color="#c3cad1")
    axes.set_title(title, fontsize=FONT + 1)
    return figure


def _draw_scatter(axes: Axes, panel: Scatter) -> None:
    seen = [
        np.asarray(part, dtype=float).ravel()
        for pair in (panel.training, panel.validation)
        if pair is not None
        for part in pair
    ]
    low, high = range_of(np.concatenate(seen) if seen else np.empty(0))
    margin = 0.06 * (high - low)
    low, high = low - margin, high + margin
    axes.plot([low, high], [low, high], color=GREY, linewidth=1.0, zorder=1)
    for pair, colour, marker, name in (
        (panel.training, BLUE, "o", "training"),
        (panel.validation, RED, "^", "validation"),
    ):
        if pair is not None:
            axes.scatter(
                *pair,
                s=22 if marker == "o" else 32,
                c=colour,
                marker=marker,
                alpha=0.75,
                edgecolors="white",
                linewidths=0.4,
                label=f"{name} ({np.size(pair[0])})",
                zorder=2,
            )
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    # Both axes have the same limits, so a square box is all that equal scales need.
    axes.set_box_aspect(1)
    axes.locator_params(nbins=5)
    unit = f" ({panel.unit})" if panel.unit else ""
    axes.set_xlabel(f"measured{unit}")
    axes.set_ylabel(f"predicted{unit}")
    axes.set_title(panel.title, fontsize=FONT + 1)
    axes.text(
        0.04,
        0.96,
        "\n".join(f"{name} {_score_text(value)}" for name, value in panel.scores.items()),
        transform=axes.transAxes,
        fontsize=SMALL_FONT,
        va="top",
    )
    if seen:
        axes.legend(loc="lower right", fontsize=SMALL_FONT - 1, frameon=False, handletextpad=0.1)


def _print_cells(
    axes: Axes, matrix: np.ndarray, scale: Normalize, *, diverging: bool, decimals: int | None
) -> None:
    finite = matrix[np.isfinite(matrix)]
    whole = bool(np.all(finite == np.round(finite)))
    digits = (0 if whole else 2) if decimals is None else decimals
    size = SMALL_FONT if matrix.shape[1] <= 14 else SMALL_FONT - 2
    for (row, column), value in np.ndenumerate(matrix):
        if not np.isfinite(value):
            continue
        place = float(scale(value))
        dark = abs(place - 0.5) > 0.36 if diverging else place > 0.6
        text = f"{value:.{digits}f}"
        axes.text(
            column,
            row,
            text.replace("-", "−"),
            ha="center",
            va="center",
            fontsize=size,
            color="white" if dark else "#1a1f24",
        )


def _with_gaps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put a missing value between neighbours that are much further apart than usual."""
    if x.size < _SPECTROMETER_BANDS:
        # The distances between the bands of a multispectral sensor mean nothing.
        return x, y
    steps = np.diff(x)
    wide = np.flatnonzero(steps > 6 * np.median(steps))
    middle = (x[wide] + x[wide + 1]) / 2
    return np.insert(x, wide + 1, middle), np.insert(y, wide + 1, np.nan)


def _named(
    spectra: Mapping[str, np.ndarray] | np.ndarray, names: Sequence[str] | None
) -> dict[str, np.ndarray]:
    if isinstance(spectra, Mapping):
        return dict(spectra)
    rows = np.atleast_2d(np.asarray(spectra, dtype=float))
    labels = names if names is not None else [str(number + 1) for number in range(len(rows))]
    repeated = {name for name in labels if list(labels).count(name) > 1}
    unique = [
        f"{name} ({number + 1})" if name in repeated else name for number, name in enumerate(labels)
    ]
    return dict(zip(unique, rows))


def _thinned(array: np.ndarray, longest: int = 1400) -> np.ndarray:
    """Take every n-th pixel of a raster that no report needs in full."""
    step = max(math.ceil(max(array.shape[:2]) / longest), 1)
    return array[::step, ::step]


def _score_text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}".replace("-", "−")
