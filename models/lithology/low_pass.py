"""Low and high frequencies of an image: three box filters in a row, which come close to a Gaussian.

Their cost does not depend on their width, their reach is finite, so that windows with a halo give
exactly what the whole image gives, and missing pixels take no part.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import uniform_filter1d

PASSES = 3


def box_width(scale: float) -> int:
    """Return the odd width in pixels of the boxes whose standard deviation is ``scale`` pixels."""
    # The variance of a box of width w is (w^2 - 1) / 12, and those of passes add.
    width = math.sqrt(12.0 * scale * scale / PASSES + 1.0)
    return max(2 * round((width - 1.0) / 2.0) + 1, 1)


def halo_of(width: int) -> int:
    """Return how many pixels around a window its filtered values depend on."""
    return PASSES * (width // 2)


def low_frequencies(values: np.ndarray, width: int) -> np.ndarray:
    """Return the weighted means of the pixels around each pixel.

    Parameters
    ----------
    values : ndarray of float32, shape (rows, columns, bands)
        NaN where missing; beyond the edges everything is missing.
    width : int
        Of a box, from `box_width`.

    Returns
    -------
    ndarray of float32, shape (rows, columns, bands)
        NaN where no pixel within reach has a value.
    """
    out = np.empty(values.shape, dtype=np.float32)
    before = np.ones(values.shape[:2], dtype=bool)
    weights = _boxes(before.astype(np.float64), width)
    for index in range(values.shape[-1]):
        band = values[..., index]
        known = np.isfinite(band)
        # Bands mostly miss the same pixels, and then share the sum of the weights.
        if not np.array_equal(known, before):
            weights, before = _boxes(known.astype(np.float64), width), known
        sums = _boxes(np.where(known, band, 0.0).astype(np.float64), width)
        enough = weights > 1e-9
        out[..., index] = np.divide(sums, weights, out=np.full(band.shape, np.nan), where=enough)
    return out


def _boxes(values: np.ndarray, width: int) -> np.ndarray:
    for axis in (0, 1):
        for _ in range(PASSES):
            values = uniform_filter1d(values, width, axis=axis, mode="constant")
    return values
