"""Where a model may be used: inside the range of what it was trained on, and on bare soil."""

from __future__ import annotations

import numpy as np

APPLIES, OUTSIDE, VEGETATION = 1, 2, 3
CLASSES = {
    APPLIES: "model applies",
    OUTSIDE: "outside the training range",
    VEGETATION: "vegetation",
}
"""Values of an applicability raster; 0 is no data."""

COLOURS = {APPLIES: (90, 160, 90), OUTSIDE: (200, 80, 60), VEGETATION: (60, 110, 60)}


def outside_range(
    features: np.ndarray, low: np.ndarray, high: np.ndarray, tolerance: float
) -> np.ndarray:
    """Return which pixels leave the training range in at least one feature.

    Parameters
    ----------
    features : ndarray, shape (pixels, features)
        Finite values.
    low, high : ndarray, shape (features,)
        Least and greatest value of each feature among the training samples.
    tolerance : float
        How far a feature may leave its range, as a share of that range.

    Returns
    -------
    ndarray of bool, shape (pixels,)
    """
    # Rounding of float32 must not put a training sample outside its own range.
    room = tolerance * (high - low) + 1e-6 * np.maximum(np.abs(low), np.abs(high))
    lower = (low - room).astype(np.float32)
    upper = (high + room).astype(np.float32)
    return np.any((features < lower) | (features > upper), axis=1)


def classify(
    features: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    tolerance: float,
    vegetation: np.ndarray | None = None,
    vegetation_limit: float = 0.5,
) -> np.ndarray:
    """Return the applicability class of each pixel.

    Parameters
    ----------
    features, low, high, tolerance
        As in `outside_range`.
    vegetation : ndarray, shape (pixels,), optional
        Abundance or index of vegetation; a missing value hides nothing.
    vegetation_limit : float
        Above it the soil counts as hidden.

    Returns
    -------
    ndarray of uint8, shape (pixels,)
        One of `CLASSES`.
    """
    classes = np.where(outside_range(features, low, high, tolerance), OUTSIDE, APPLIES)
    if vegetation is not None:
        with np.errstate(invalid="ignore"):
            classes[vegetation > vegetation_limit] = VEGETATION
    return classes.astype(np.uint8)
