"""Areas, shares and contents in words and figures that people read at a glance."""

from __future__ import annotations

import math

HECTARE = 10_000.0
SQUARE_KILOMETRE = 1_000_000.0

_UNITS = (("km²", SQUARE_KILOMETRE, 1000 * HECTARE), ("ha", HECTARE, 0.1 * HECTARE))
"""Units with the area from which they are used, the largest first; below all of them are m²."""


def area(square_metres: float | None, pixels: int, *, of: float | None = None) -> str:
    """Return an area in the unit that keeps its figures short, or pixels where it is unknown.

    Parameters
    ----------
    square_metres : float or None
    pixels : int
    of : float, optional
        Square metres of the whole that this is a part of, and whose unit it gets.
    """
    if square_metres is None:
        return f"{pixels:,} px"
    judged = square_metres if of is None else of
    for unit, size, least in _UNITS if judged else _UNITS[-1:]:
        if judged >= least or not judged:
            return f"{figures(square_metres / size)} {unit}"
    return f"{figures(square_metres)} m²"


def share(part: float, whole: float) -> str:
    """Return a part of a whole in per cent; nothing where there is no whole."""
    if not whole > 0:
        return ""
    percent = 100.0 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.1f} %"


def figures(value: float, digits: int = 3) -> str:
    """Return a number with so many significant figures, never as a power of ten."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def with_unit(value: float, unit: str) -> str:
    """Return a number with its unit, where it has one."""
    return f"{figures(value)} {unit}".strip()
