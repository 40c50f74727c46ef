"""Whole scenes brought down to chips of a few hundred pixels, strip by strip."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csr_matrix

from gossan.core.errors import InputError

WAYS = ("area average", "nearest", "resampling")
"""The mean of all that a pixel covers, the pixel at its middle, or cubic convolution."""

_CUBIC = -0.5
_LEAST_WEIGHT = 0.5
"""A pixel is valid where at least half of what it covers is."""


def weights(length: int, size: int, way: str, *, start: float, span: float) -> csr_matrix:
    """Return how much each of ``length`` source pixels gives to each of ``size`` pixels.

    Parameters
    ----------
    length : int
        Source pixels along the axis.
    size : int
        Pixels of the chip along the axis.
    way : str
        One of `WAYS`.
    start, span : float
        Where the chip begins and how long it is in source pixels; it may reach beyond them.

    Returns
    -------
    csr_matrix (size, length)
        Rows add up to 1 where a pixel lies within the source.
    """
    if way not in WAYS:
        raise InputError(f"Unknown way of down-sampling {way!r}; use one of {', '.join(WAYS)}.")
    step = span / size
    low = start + step * np.arange(size)
    if way == "nearest":
        chosen = np.floor(low + step / 2).astype(np.int64)
        rows = np.flatnonzero((chosen >= 0) & (chosen < length))
        return csr_matrix((np.ones(len(rows)), (rows, chosen[rows])), (size, length))
    if way == "area average":
        reach, middle = step / 2 + 1.0, low + step / 2
    else:
        reach, middle = 2.0 * max(step, 1.0), low + step / 2
    first = np.floor(middle - reach).astype(np.int64)
    count = int(np.ceil(2 * reach)) + 2
    columns = first[:, None] + np.arange(count)
    if way == "area average":
        inside = np.minimum(columns + 1, (low + step)[:, None]) - np.maximum(columns, low[:, None])
        values = np.maximum(inside, 0.0) / step
    else:
        values = _cubic((columns + 0.5 - middle[:, None]) / max(step, 1.0))
        values /= values.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(size), count)
    columns, values = columns.ravel(), values.ravel()
    kept = (columns >= 0) & (columns < length) & (values != 0)
    return csr_matrix((values[kept], (rows[kept], columns[kept])), (size, length))


def downsample(
    strips: Iterable[tuple[int, np.ndarray, np.ndarray]],
    down: csr_matrix,
    across: csr_matrix,
    bands: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Bring a scene down to a chip.

    Parameters
    ----------
    strips : iterable of (int, ndarray (rows, columns, bands), ndarray of bool (rows, columns))
        First row, values and valid pixels of each strip; together every row once.
    down, across : csr_matrix
        From `weights`, for rows and for columns.
    bands : int

    Returns
    -------
    values : ndarray (size, size, bands), float32
        Weighted means over the valid pixels, 0 where there are too few.
    valid : ndarray of bool (size, size)
    """
    rows, columns = down.shape[0], across.shape[0]
    total = np.zeros((rows, columns, bands))
    weight = np.zeros((rows, columns))
    turned = across.T.tocsc()
    by_column = down.tocsc()
    for first, values, valid in strips:
        part = by_column[:, first : first + len(values)]
        weight += part @ (valid.astype(np.float64) @ turned)
        for band in range(bands):
            filled = np.where(valid, values[..., band], 0.0).astype(np.float64)
            total[..., band] += part @ (filled @ turned)
    enough = weight >= _LEAST_WEIGHT
    means = total / np.where(enough, weight, 1.0)[..., None]
    return np.where(enough[..., None], means, 0.0).astype(np.float32), enough


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Return the weights of cubic convolution (Keys 1981) at distances in pixels."""
    x = np.abs(distance)
    near = (_CUBIC + 2) * x**3 - (_CUBIC + 3) * x**2 + 1
    far = _CUBIC * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
