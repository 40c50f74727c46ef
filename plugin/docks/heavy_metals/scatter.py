"""Samples in a scatter plot: pairs with their places, and which of them somebody points at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gossan.plugin.docks.quantities import figures, with_unit

REACH = 12.0
"""How near to a point one must click, pixels of the screen."""


@dataclass(frozen=True)
class Sample:
    """A sample as the plot shows it.

    Parameters
    ----------
    measured, predicted : float
        In the unit of the element.
    place : tuple of float or None
        Where it was taken, in the CRS of the model or the layer; None where that is unknown.
    """

    measured: float
    predicted: float
    place: tuple[float, float] | None = None


def nearest(
    drawn: Sequence[tuple[float, float]], at: tuple[float, float], reach: float = REACH
) -> int | None:
    """Return which of the points on the screen is the nearest to a place; None beyond the reach."""
    found, least = None, reach
    for index, (x, y) in enumerate(drawn):
        distance = math.hypot(x - at[0], y - at[1])
        if distance <= least:
            found, least = index, distance
    return found


def account_of(sample: Sample, unit: str) -> str:
    """Return what the plot tells of a sample that is pointed at."""
    off = sample.predicted - sample.measured
    if off == 0:
        return f"This sample: {with_unit(sample.measured, unit)}, as predicted."
    way = "too high" if off > 0 else "too low"
    return (
        f"This sample: measured {figures(sample.measured)}, predicted "
        f"{with_unit(sample.predicted, unit)}, {figures(abs(off))} {way}."
    )
