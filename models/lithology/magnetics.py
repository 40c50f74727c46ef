"""Reduction of magnetic anomalies to the pole, in the frequency domain and limited where it is ill.

Forty lines of our own rather than a library: the ones that fit bring half a dozen packages for one
filter, and that filter neither limits the amplification at low inclination nor cares for gaps,
trends and edges.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import fft
from scipy.ndimage import distance_transform_edt

from gossan.core.errors import InputError

MAXIMUM_CELLS = 40_000_000
"""Cells of a grid that is transformed as a whole."""

LOW_INCLINATION = 20.0
"""Degrees below which the amplification is limited."""

_LEAST_PADDING = 16


def reduce_to_pole(
    values: np.ndarray,
    steps: np.ndarray,
    inclination: float,
    declination: float,
    *,
    magnetisation: tuple[float | None, float | None] = (None, None),
) -> np.ndarray:
    """Return the anomaly as a vertical field would have made it.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Total magnetic intensity or its anomaly, nT; NaN where missing. A plane is taken off first.
    steps : ndarray, shape (2, 2)
        Way to the east (first row) and to the north (second row) for one column and one row, in
        any unit of length.
    inclination, declination : float
        Of the Earth's field, degrees.
    magnetisation : pair of float or None
        Inclination and declination of the rocks' magnetisation; None for those of the field.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        NaN where the input is missing.

    Raises
    ------
    InputError
        For angles out of range, an inclination of 0 with nothing to limit it by, or a grid
        without values.

    References
    ----------
    Blakely (1995), Potential theory in gravity and magnetic applications, chapter 12; MacLeod,
    Jones and Dai (1993), 3-D analytic signal in the interpretation of total magnetic field data
    at low magnetic latitudes. Exploration Geophysics 24, 679-688 (limited amplitude).
    """
    own = [given if given is not None else field for given, field in zip(
        magnetisation, (inclination, declination)
    )]  # fmt: skip
    for name, angle, most in (
        ("inclination", inclination, 90.0), ("inclination", own[0], 90.0),
        ("declination", declination, 360.0), ("declination", own[1], 360.0),
    ):  # fmt: skip
        if not abs(angle) <= most:
            raise InputError(f"An {name} of {angle:g} degrees is none; give {-most:g} to {most:g}.")
    known = np.isfinite(values)
    if not known.any():
        raise InputError("the grid has no value.")
    anomaly = _without_plane(np.asarray(values, dtype=np.float64), known)
    anomaly = _filled(anomaly, known)
    padded, place = _padded(anomaly)
    spectrum = fft.rfft2(padded)
    east, north = _directions(padded.shape, steps)
    factor = _factor(east, north, inclination, declination) * _factor(east, north, *own)
    # At the origin there is no direction; the mean of an anomaly is not known anyway.
    factor[0, 0] = 1.0
    spectrum /= factor
    spectrum[0, 0] = 0.0
    reduced = fft.irfft2(spectrum, s=padded.shape)[place]
    return np.where(known, reduced, np.nan).astype(np.float32)


def _factor(
    east: np.ndarray, north: np.ndarray, inclination: float, declination: float
) -> np.ndarray:
    """Return the direction factor sin I + i cos I cos(D - theta), its sine part not below a limit.

    Along the direction across the declination only sin I is left, which goes to zero at the
    magnetic equator; there it counts as the sine of `LOW_INCLINATION`.
    """
    tilt, turn = math.radians(inclination), math.radians(declination)
    least = math.sin(math.radians(LOW_INCLINATION))
    along = math.cos(tilt) * (east * math.sin(turn) + north * math.cos(turn))
    sine = math.sin(tilt)
    factor = sine + 1j * along
    size = np.abs(factor)
    sign = 1.0 if sine >= 0 else -1.0
    # Only the size is limited, never the phase, which puts anomalies over their sources.
    phase = np.divide(factor, size, out=np.full(factor.shape, sign + 0j), where=size > 0)
    return np.asarray(phase * np.maximum(size, least))


def _directions(shape: tuple[int, int], steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit vectors of all wave numbers, to the east and to the north."""
    down = fft.fftfreq(shape[0])[:, None]
    across = fft.rfftfreq(shape[1])[None, :]
    # A wave's phase grows by (across, down) per (column, row) = inverse(steps) @ (east, north).
    inverse = np.linalg.inv(steps)
    east = across * inverse[0, 0] + down * inverse[1, 0]
    north = across * inverse[0, 1] + down * inverse[1, 1]
    length = np.hypot(east, north)
    length[0, 0] = 1.0
    return east / length, north / length


def _without_plane(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Take the plane of best fit off: the regional field is no anomaly, and its step at the
    grid's edge would ring through the whole transform."""  # noqa: D209, D205
    rows, columns = np.nonzero(known)
    step = max(1, len(rows) // 200_000)
    here = rows[::step], columns[::step]
    design = np.column_stack([np.ones(len(here[0])), *here]).astype(np.float64)
    plane, *_ = np.linalg.lstsq(design, values[here], rcond=None)
    height, width = values.shape
    return values - (
        plane[0] + plane[1] * np.arange(height)[:, None] + plane[2] * np.arange(width)[None, :]
    )


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Give each missing cell the value of the nearest one that is known."""
    if known.all():
        return values
    _, nearest = distance_transform_edt(~known, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def _padded(values: np.ndarray) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Return the grid within a frame in which it fades out, and where it lies in it."""
    margins = [max(side // 4, _LEAST_PADDING) for side in values.shape]
    sides = [
        fft.next_fast_len(side + 2 * margin, real=True)
        for side, margin in zip(values.shape, margins)
    ]
    frame = [
        (margin, whole - side - margin) for whole, side, margin in zip(sides, values.shape, margins)
    ]
    padded = np.pad(values, frame, mode="edge")
    for axis, (before, after) in enumerate(frame):
        taper = np.ones(sides[axis])
        taper[:before] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(before) + 0.5) / before)
        taper[sides[axis] - after :] = (
            0.5 - 0.5 * np.cos(np.pi * (np.arange(after) + 0.5) / after)
        )[::-1]
        padded = padded * (taper[:, None] if axis == 0 else taper[None, :])
    place = tuple(slice(before, before + side) for (before, _), side in zip(frame, values.shape))
    return padded, (place[0], place[1])
