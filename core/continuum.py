"""The continuum of spectra: the upper convex hull, and what is left when it is divided out.

An absorption shows as a dip below the hull, whatever the brightness of the sample. The compiled
loop goes once over each spectrum (Andrew's monotone chain), so that whole scenes can be treated.

References
----------
Clark and Roush (1984), Reflectance spectroscopy: quantitative analysis techniques for remote
sensing applications. Journal of Geophysical Research 89, 6329-6340.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from gossan.core.errors import InputError


def remove_continuum(spectra: np.ndarray, wavelengths: np.ndarray) -> np.ndarray:
    """Divide spectra by their upper convex hull.

    Parameters
    ----------
    spectra : ndarray, shape (n, bands)
        Reflectance; missing values (NaN) stay missing and do not bear the hull.
    wavelengths : ndarray, shape (bands,)
        In any order and unit, all different.

    Returns
    -------
    ndarray of float64, shape (n, bands)
        1 on the hull, less below it; 1 where the hull is not above zero.

    Raises
    ------
    InputError
        When the shapes do not agree or a wavelength comes twice.
    """
    values, order, x = _ordered(spectra, wavelengths)
    hull = np.empty_like(values)
    _hulls(x, values, hull)
    _divide(values, hull)
    return values[:, np.argsort(order)]


def continuum(spectra: np.ndarray, wavelengths: np.ndarray) -> np.ndarray:
    """Return the upper convex hulls of spectra, shape (n, bands); see `remove_continuum`."""
    values, order, x = _ordered(spectra, wavelengths)
    hull = np.empty_like(values)
    _hulls(x, values, hull)
    return hull[:, np.argsort(order)]


def _ordered(
    spectra: np.ndarray, wavelengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a copy of the spectra by rising wavelength, that order, and the wavelengths in it."""
    values = np.array(spectra, dtype=np.float64, ndmin=2)
    x = np.asarray(wavelengths, dtype=np.float64)
    if x.shape != values.shape[1:]:
        raise InputError(f"The spectra have {values.shape[1]} bands and {x.size} wavelengths.")
    order = np.argsort(x, kind="stable")
    if np.any(np.diff(x[order]) <= 0):
        raise InputError("A wavelength comes twice; the hull over it is not defined.")
    return np.ascontiguousarray(values[:, order]), order, x[order]


@njit(cache=True, nogil=True)
def _hulls(x: np.ndarray, spectra: np.ndarray, hulls: np.ndarray) -> None:
    count, bands = spectra.shape
    corners = np.empty(bands, dtype=np.int64)
    for row in range(count):
        y, hull = spectra[row], hulls[row]
        size = 0
        for band in range(bands):
            if not np.isfinite(y[band]):
                continue
            while size >= 2:
                first, second = corners[size - 2], corners[size - 1]
                rise = (y[second] - y[first]) * (x[band] - x[first])
                if rise > (y[band] - y[first]) * (x[second] - x[first]):
                    break
                size -= 1
            corners[size] = band
            size += 1
        hull[:] = np.nan
        if size:
            hull[corners[0]] = y[corners[0]]
        for corner in range(1, size):
            left, right = corners[corner - 1], corners[corner]
            span = x[right] - x[left]
            for band in range(left + 1, right):
                if np.isfinite(y[band]):
                    share = (x[band] - x[left]) / span
                    hull[band] = y[left] * (1.0 - share) + y[right] * share
            hull[right] = y[right]


@njit(cache=True, nogil=True)
def _divide(spectra: np.ndarray, hulls: np.ndarray) -> None:
    count, bands = spectra.shape
    for row in range(count):
        for band in range(bands):
            hull = hulls[row, band]
            if hull > 0.0:
                spectra[row, band] /= hull
            elif hull <= 0.0:
                spectra[row, band] = 1.0
