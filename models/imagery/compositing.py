"""One value per pixel from many looks: median of the clear ones, or the medoid."""

from __future__ import annotations

import numpy as np
from numba import njit

METHODS = ("median", "medoid")

_SORTED_FROM = 10
"""Looks from which NumPy's vectorised sort beats insertion: 1.5 times at 12, 4 times at 48."""

_SORTED_PIXELS = 4096
"""Pixels sorted at once, so that they stay in the processor's cache."""


def median(looks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the median of the looks at each pixel.

    Parameters
    ----------
    looks : ndarray (looks, rows, columns), float32
        One band; NaN where a look is not clear or has no value.

    Returns
    -------
    values : ndarray (rows, columns), float32
        NaN where there is no look; the mean of the middle two of an even number.
    counts : ndarray (rows, columns), uint16
        How many looks there were.
    """
    number, rows, columns = looks.shape
    values = np.full(rows * columns, np.nan, dtype=np.float32)
    counts = np.zeros(rows * columns, dtype=np.uint16)
    flat = np.ascontiguousarray(looks).reshape(number, rows * columns)
    if number >= _SORTED_FROM:
        _sorted_medians(flat, values, counts)
    elif number:
        _medians(flat, values, counts)
    return values.reshape(rows, columns), counts.reshape(rows, columns)


def medoid(looks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the look at each pixel that is nearest to all others, all bands of one date.

    The medoid is the look whose Euclidean distances to the other clear looks, over all bands, have
    the least sum; of equal ones the first. Of two looks it is the first.

    Parameters
    ----------
    looks : ndarray (looks, bands, rows, columns), float32
        NaN where a look is not clear or has no value; one NaN band takes the whole look out.

    Returns
    -------
    values : ndarray (bands, rows, columns), float32
        NaN where there is no look.
    counts : ndarray (rows, columns), uint16

    References
    ----------
    Flood 2013, Remote Sensing 5, 6481.
    """
    number, bands, rows, columns = looks.shape
    values = np.full((bands, rows * columns), np.nan, dtype=np.float32)
    counts = np.zeros(rows * columns, dtype=np.uint16)
    if number:
        _medoids(np.ascontiguousarray(looks).reshape(number, bands, -1), values, counts)
    return values.reshape(bands, rows, columns), counts.reshape(rows, columns)


def _sorted_medians(looks: np.ndarray, values: np.ndarray, counts: np.ndarray) -> None:
    """Fill the medians and counts (pixels,) of looks (looks, pixels); NaN is sorted to the end."""
    number = len(looks)
    for first in range(0, looks.shape[1], _SORTED_PIXELS):
        part = slice(first, first + _SORTED_PIXELS)
        ordered = np.ascontiguousarray(looks[:, part].T)
        ordered.sort(axis=1)
        count = number - np.isnan(ordered).sum(axis=1)
        pixel = np.arange(len(count))
        below = ordered[pixel, np.maximum(count - 1, 0) // 2]
        above = ordered[pixel, np.minimum(count // 2, number - 1)]
        values[part], counts[part] = 0.5 * (below + above), count


@njit(nogil=True, cache=True)
def _medians(looks, values, counts):  # type: ignore[no-untyped-def]
    number, pixels = looks.shape
    found = np.empty(number, dtype=np.float32)
    for pixel in range(pixels):
        count = 0
        for look in range(number):
            value = looks[look, pixel]
            if not np.isnan(value):
                # Few looks: insertion keeps them sorted at less cost than a sort.
                place = count
                while place > 0 and found[place - 1] > value:
                    found[place] = found[place - 1]
                    place -= 1
                found[place] = value
                count += 1
        counts[pixel] = count
        if count % 2:
            values[pixel] = found[count // 2]
        elif count:
            values[pixel] = 0.5 * (found[count // 2 - 1] + found[count // 2])


@njit(nogil=True, cache=True)
def _medoids(looks, values, counts):  # type: ignore[no-untyped-def]
    number, bands, pixels = looks.shape
    clear = np.empty(number, dtype=np.int64)
    sums = np.empty(number, dtype=np.float64)
    for pixel in range(pixels):
        count = 0
        for look in range(number):
            whole = True
            for band in range(bands):
                if np.isnan(looks[look, band, pixel]):
                    whole = False
                    break
            if whole:
                clear[count] = look
                sums[count] = 0.0
                count += 1
        counts[pixel] = count
        if not count:
            continue
        for first in range(count):
            for second in range(first + 1, count):
                square = 0.0
                for band in range(bands):
                    step = float(looks[clear[first], band, pixel]) - float(
                        looks[clear[second], band, pixel]
                    )
                    square += step * step
                distance = np.sqrt(square)
                sums[first] += distance
                sums[second] += distance
        best = 0
        for first in range(1, count):
            if sums[first] < sums[best]:
                best = first
        for band in range(bands):
            values[band, pixel] = looks[clear[best], band, pixel]
