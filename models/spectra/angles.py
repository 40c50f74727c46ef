"""Spectral angles of whole blocks of pixels to a few reference spectra."""

from __future__ import annotations

import numpy as np

from gossan.core.spectra import spectral_angle

EXACT_BELOW = 0.1
"""Below this angle (rad), where a float32 cosine is coarse, angles are found in float64."""


class AngleMapper:
    """Spectral angles to reference spectra, prepared once for a scene.

    Parameters
    ----------
    references : ndarray, (n, bands)
        Reference spectra; none of zeros only.
    exact_below : float
        Angles smaller than this (rad) are exact to float64, others to about 1e-5 rad.
    """

    def __init__(self, references: np.ndarray, *, exact_below: float = EXACT_BELOW) -> None:
        self._exact_below = exact_below
        self._references = np.asarray(references, dtype=np.float64)
        lengths = np.linalg.norm(self._references, axis=1, keepdims=True)
        self._unit = np.ascontiguousarray((self._references / lengths).T, dtype=np.float32)

    def angles(self, spectra: np.ndarray) -> np.ndarray:
        """Return the angle between each pixel and each reference.

        Parameters
        ----------
        spectra : ndarray, (pixels, bands), float32
            A transposed view of a band-sequential block is used as it is.

        Returns
        -------
        ndarray, (pixels, n), float64
            Radians, 0 to pi; NaN for pixels with a value that is not finite, or all zeros.
        """
        lengths = np.zeros(len(spectra), dtype=np.float32)
        for band in spectra.T:
            lengths += band * band
        with np.errstate(divide="ignore", invalid="ignore"):
            cosines = (spectra @ self._unit).astype(np.float64) / np.sqrt(lengths)[:, np.newaxis]
        angles = np.arccos(np.clip(cosines, -1.0, 1.0))
        angles[~np.isfinite(lengths) | (lengths == 0)] = np.nan
        near = (angles < self._exact_below) | (angles > np.pi - self._exact_below)
        close = np.flatnonzero(near.any(axis=1))
        if close.size:
            angles[close] = spectral_angle(spectra[close], self._references)
        return angles


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
