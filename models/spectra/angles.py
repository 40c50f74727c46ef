"""Classes from spectral angles to reference spectra."""

from __future__ import annotations

import numpy as np


def nearest_reference(angles: np.ndarray, threshold: float) -> np.ndarray:
    """Return for each pixel the number (from 1) of the reference of least angle.

    Parameters
    ----------
    angles : ndarray, (pixels, n)
        Radians, NaN for pixels without spectrum.
    threshold : float
        Greatest angle that counts.

    Returns
    -------
    ndarray of uint16, (pixels,)
        0 where no angle is small enough or the pixel has no spectrum.
    """
    known = np.where(np.isnan(angles), np.inf, angles)
    nearest = known.argmin(axis=1)
    found = known[np.arange(len(known)), nearest] <= threshold
    return np.where(found, nearest + 1, 0).astype(np.uint16)
