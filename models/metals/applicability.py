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

COLOURS = {APPLIES: (217, 214, 204), OUTSIDE: (196, 80, 27), VEGETATION: (47, 158, 88)}


def beyond_range(
    features: np.ndarray, low: np.ndarray, high: np.ndarray, tolerance: float
) -> np.ndarray:
    """Return which features of which pixels leave their training range.

    Parameters
    ----------
    features : ndarray, shape (pixels, features)
        A missing value leaves no range.
    low, high : ndarray, shape (features,)
        Least and greatest value of each feature among the training samples.
    tolerance : float
        How far a feature may leave its range, as a share of that range.

    Returns
    -------
    ndarray of bool, shape (pixels, features)
    """
    # Rounding of float32 must not put a training sample outside its own range.
    room = tolerance * (high - low) + 1e-6 * np.maximum(np.abs(low), np.abs(high))
    lower = (low - room).astype(np.float32)
    upper = (high + room).astype(np.float32)
    with np.errstate(invalid="ignore"):
        return (features < lower) | (features > upper)
