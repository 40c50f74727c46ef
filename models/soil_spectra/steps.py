"""The steps that turn laboratory reflectance into what a model learns from, in any order.

Every step treats each spectrum by itself, so nothing of a validation sample leaks into training.
Source of the default order: CNN antimony quantification from soil reflectance, northern Portugal
(Remote Sens. 2024, 16, 1964). The source also lists absorbance before continuum removal, where an
upper hull lies on the wrong side of the absorptions; order is free, the default is the other one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.signal import savgol_filter

from gossan.core.continuum import remove_continuum
from gossan.core.errors import InputError

STEPS = (
    "splice",
    "trim",
    "mask",
    "continuum",
    "absorbance",
    "smooth",
    "derivative",
    "snv",
    "detrend",
)
"""Every step by name."""

DEFAULT_STEPS = ("trim", "continuum", "absorbance", "smooth", "derivative")

DETECTORS = (1000.0, 1800.0)
"""Last wavelength of the first and of the second detector of common field spectrometers, nm."""

WATER = ((1350.0, 1460.0), (1790.0, 1960.0))
"""Where water in the air and on the grains hides everything else, nm."""

LEAST_REFLECTANCE = 1e-4
"""Reflectance below this is noise; its logarithm is taken of this."""

SPLICE_BANDS = 10
"""Bands on either side of a detector's edge by which the jump is judged."""


@dataclass(frozen=True)
class StepOptions:
    """Which steps are taken, in this order, and how.

    Parameters
    ----------
    steps : tuple of str
        Of `STEPS`; one may come twice (``derivative`` twice is the second derivative).
    trim : (float, float)
        First and last wavelength that are kept, nm.
    detectors : tuple of float
        Last wavelength of each detector but the last, nm.
    water : tuple of (float, float)
        Ranges that ``mask`` takes out, nm.
    width : float
        Width of the Savitzky-Golay window, nm: the nearest odd number of bands.
    order : int
        Its polynomial's order.
    """

    steps: tuple[str, ...] = DEFAULT_STEPS
    trim: tuple[float, float] = (400.0, 2400.0)
    detectors: tuple[float, ...] = DETECTORS
    water: tuple[tuple[float, float], ...] = WATER
    width: float = 31.0
    order: int = 2

    def __post_init__(self) -> None:
        unknown = [step for step in self.steps if step not in STEPS]
        if unknown:
            raise InputError(
                f"There is no pre-processing step {unknown[0]!r}; there are {', '.join(STEPS)}."
            )
        if not self.trim[1] > self.trim[0]:
            raise InputError(
                f"Trimming from {self.trim[0]:g} to {self.trim[1]:g} nm leaves nothing; give the "
                "lower wavelength first."
            )
        if self.order < 0 or not self.width > 0:
            raise InputError("Smoothing needs a width above 0 nm and an order of 0 or more.")

    @property
    def needed(self) -> tuple[float, float]:
        """The range of reflectance that the steps need, nm.

        It is the whole, unless trimming comes before all steps that look at neighbouring bands.
        """
        for step in self.steps:
            if step == "trim":
                return self.trim
            if step != "mask":
                break
        return 0.0, float("inf")

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain JSON."""
        return {
            "steps": list(self.steps),
            "trim": list(self.trim),
            "detectors": list(self.detectors),
            "water": [list(pair) for pair in self.water],
            "width": self.width,
            "order": self.order,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StepOptions:
        """Read the options back; raises `KeyError`, `TypeError` or `ValueError` where they lack."""
        low, high = (float(edge) for edge in values["trim"])
        return cls(
            steps=tuple(str(step) for step in values["steps"]),
            trim=(low, high),
            detectors=tuple(float(edge) for edge in values["detectors"]),
            water=tuple((float(a), float(b)) for a, b in values["water"]),
            width=float(values["width"]),
            order=int(values["order"]),
        )


@dataclass(frozen=True, eq=False)
class Spectra:
    """Spectra on one ascending grid.

    Parameters
    ----------
    values : ndarray, shape (n, bands)
    wavelengths : ndarray, shape (bands,)
        nm, ascending.
    """

    values: np.ndarray
    wavelengths: np.ndarray

    def runs(self) -> list[slice]:
        """Return the pieces without a gap, which filters must not cross."""
        gaps = np.diff(self.wavelengths)
        if not gaps.size:
            return [slice(0, len(self.wavelengths))]
        ends = np.flatnonzero(gaps > 3.0 * np.median(gaps)) + 1
        edges = [0, *ends.tolist(), len(self.wavelengths)]
        return [slice(start, end) for start, end in zip(edges, edges[1:])]


@dataclass(frozen=True, eq=False)
class Stage:
    """The spectra after a step: its name for people, what is drawn over wavelength, and them."""

    title: str
    quantity: str
    spectra: Spectra


def parse_steps(text: str) -> tuple[str, ...]:
    """Read the names of steps, parted by commas, semicolons, arrows or line ends."""
    return tuple(word.strip().lower() for word in re.split(r"[,;>\n]+", text) if word.strip())


def preprocess(spectra: Spectra, options: StepOptions) -> list[Stage]:
    """Take the steps and return the spectra as given and after each of them.

    Parameters
    ----------
    spectra : Spectra
        Reflectance, 0 to 1, without missing values.
    options : StepOptions

    Returns
    -------
    list of Stage
        The last one holds the result.

    Raises
    ------
    InputError
        When a step cannot be taken: no band is left, or the logarithm of a derivative is wanted.
    """
    stages = [Stage("as measured", "reflectance", spectra)]
    for step in options.steps:
        title, quantity, action = _ACTIONS[step]
        last = stages[-1]
        if step == "absorbance" and last.quantity not in ("reflectance", "continuum removed"):
            raise InputError(
                f"Absorbance cannot be taken of {last.quantity}: put the step absorbance before "
                "derivative, snv and detrend."
            )
        changed = action(last.spectra, options)
        if quantity == "derivative":
            quantity = (
                "second derivative" if "derivative" in last.quantity else "first derivative (1/nm)"
            )
        stages.append(Stage(title, quantity or last.quantity, changed))
    return stages


def splice(spectra: Spectra, options: StepOptions) -> Spectra:
    """Multiply the spectra of each detector so that they meet those of its neighbour.

    The detector in the middle, or the second of two, counts as right (its gain drifts least). The
    values on either side of an edge are extrapolated to it by straight lines.
    """
    x, values = spectra.wavelengths, spectra.values.copy()
    edges = [edge for edge in options.detectors if x[0] < edge < x[-1]]
    pivot = min(1, len(edges))
    for number in reversed(range(pivot)):
        left, right = _either_side(x, values, edges[number])
        values[:, x <= edges[number]] *= (right / left)[:, None]
    for number in range(pivot, len(edges)):
        left, right = _either_side(x, values, edges[number])
        values[:, x > edges[number]] *= (left / right)[:, None]
    return replace(spectra, values=values)


def trim(spectra: Spectra, options: StepOptions) -> Spectra:
    """Keep a range of wavelengths."""
    low, high = options.trim
    kept = (spectra.wavelengths >= low) & (spectra.wavelengths <= high)
    return _take(spectra, kept, f"trimming to {low:g}-{high:g} nm")


def mask(spectra: Spectra, options: StepOptions) -> Spectra:
    """Take out the water bands."""
    kept = np.ones(len(spectra.wavelengths), dtype=bool)
    for low, high in options.water:
        kept &= (spectra.wavelengths < low) | (spectra.wavelengths > high)
    return _take(spectra, kept, "masking the water bands")


def divide_by_continuum(spectra: Spectra, options: StepOptions) -> Spectra:  # noqa: ARG001
    """Divide by the upper convex hull."""
    return replace(spectra, values=remove_continuum(spectra.values, spectra.wavelengths))


def absorbance(spectra: Spectra, options: StepOptions) -> Spectra:  # noqa: ARG001
    """Take log10(1/R), of `LEAST_REFLECTANCE` where there is less."""
    return replace(spectra, values=-np.log10(np.maximum(spectra.values, LEAST_REFLECTANCE)))


def smooth(spectra: Spectra, options: StepOptions) -> Spectra:
    """Smooth by Savitzky and Golay, in each piece without a gap."""
    values = spectra.values.copy()
    for run in spectra.runs():
        length = run.stop - run.start
        window = window_bands(spectra.wavelengths[run], options.width)
        window = min(window, length - 1 + length % 2)
        if window > options.order:
            values[:, run] = savgol_filter(values[:, run], window, options.order, axis=1)
    return replace(spectra, values=values)


def derivative(spectra: Spectra, options: StepOptions) -> Spectra:  # noqa: ARG001
    """Differentiate over wavelength by central differences, in each piece without a gap."""
    values = np.zeros_like(spectra.values)
    for run in spectra.runs():
        if run.stop - run.start > 1:
            values[:, run] = np.gradient(spectra.values[:, run], spectra.wavelengths[run], axis=1)
    return replace(spectra, values=values)


def standard_normal_variate(spectra: Spectra, options: StepOptions) -> Spectra:  # noqa: ARG001
    """Take off each spectrum's mean and divide by its standard deviation (Barnes et al. 1989)."""
    values = spectra.values
    centre = values.mean(axis=1, keepdims=True)
    spread = values.std(axis=1, ddof=1, keepdims=True)
    return replace(spectra, values=(values - centre) / np.where(spread > 0, spread, 1.0))


def detrend(spectra: Spectra, options: StepOptions) -> Spectra:
    """Take the standard normal variate, then a parabola off it (Barnes et al. 1989)."""
    scaled = standard_normal_variate(spectra, options)
    x = spectra.wavelengths - spectra.wavelengths.mean()
    basis = np.vander(x / max(np.abs(x).max(), 1.0), 3)
    weights, *_ = np.linalg.lstsq(basis, scaled.values.T, rcond=None)
    return replace(scaled, values=scaled.values - (basis @ weights).T)


def window_bands(wavelengths: np.ndarray, width: float) -> int:
    """Return the odd number of bands nearest to a width in nm, 1 at least."""
    spacing = float(np.median(np.diff(wavelengths))) if len(wavelengths) > 1 else width
    bands = width / spacing
    return max(1, 2 * round((bands - 1.0) / 2.0) + 1)


def _either_side(x: np.ndarray, values: np.ndarray, edge: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the values (n,) at a detector's edge as seen from its left and from its right."""
    left = np.flatnonzero(x <= edge)[-SPLICE_BANDS:]
    right = np.flatnonzero(x > edge)[:SPLICE_BANDS]
    middle = 0.5 * (x[left[-1]] + x[right[0]])
    sides = []
    for bands in (left, right):
        if len(bands) < 2:
            sides.append(values[:, bands[0]])
            continue
        sides.append(np.polyfit(x[bands] - middle, values[:, bands].T, 1)[1])
    below, above = (np.maximum(side, LEAST_REFLECTANCE) for side in sides)
    return below, above


def _take(spectra: Spectra, kept: np.ndarray, what: str) -> Spectra:
    if kept.sum() < 3:
        raise InputError(
            f"Only {int(kept.sum())} bands are left after {what}; the spectra cover "
            f"{spectra.wavelengths[0]:g} to {spectra.wavelengths[-1]:g} nm."
        )
    return Spectra(spectra.values[:, kept], spectra.wavelengths[kept])


_ACTIONS: dict[str, tuple[str, str, Callable[[Spectra, StepOptions], Spectra]]] = {
    "splice": ("detectors joined", "", splice),
    "trim": ("trimmed", "", trim),
    "mask": ("water bands masked", "", mask),
    "continuum": ("continuum removed", "continuum removed", divide_by_continuum),
    "absorbance": ("absorbance", "log10(1/R)", absorbance),
    "smooth": ("smoothed (Savitzky-Golay)", "", smooth),
    "derivative": ("derivative", "derivative", derivative),
    "snv": ("standard normal variate", "standard normal variate", standard_normal_variate),
    "detrend": ("standard normal variate, detrended", "detrended", detrend),
}
"""For each step its title, the quantity that it makes ("" for none of its own) and its function."""
