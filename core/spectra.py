"""Spectral libraries: reading and writing them, bringing them to a sensor, comparing spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gossan.core.errors import InputError
from gossan.core.library_files import read_library, write_library
from gossan.core.spectral_library import SpectralLibrary

__all__ = [
    "SpectralLibrary",
    "band_spacing",
    "read_library",
    "resample",
    "spectral_angle",
    "write_library",
]

_SIGMA_PER_FWHM = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
_NEEDED_WEIGHT = 0.75
_ROWS_AT_ONCE = 2048
_COARSE_ANGLE = 0.1
_TINY_ANGLE = 1e-3


def resample(
    library: SpectralLibrary,
    wavelengths: Sequence[float] | np.ndarray,
    *,
    fwhm: Sequence[float] | np.ndarray | None = None,
    method: str = "linear",
) -> SpectralLibrary:
    """Bring a library to other bands.

    Parameters
    ----------
    library : SpectralLibrary
        Spectra on any grid.
    wavelengths : array (bands,)
        Centres of the new bands in any order, nm.
    fwhm : array (bands,) or None
        Widths of the new bands, nm; used by the Gaussian method. None for the spacing of the
        bands, which is then noted in the result.
    method : str
        ``linear`` interpolates at the centres; ``gaussian`` averages with a Gaussian response of
        the band's width. The width of the library's own bands, where known, is taken off in
        quadrature; a band narrower than that is interpolated, for nothing sharpens a spectrum.

    Returns
    -------
    SpectralLibrary
        The spectra on the new grid, NaN where the library does not reach or has no value.

    Raises
    ------
    InputError
        When the library and the new bands have no range in common, or the method is unknown.
    """
    target = np.asarray(wavelengths, dtype=np.float64).ravel()
    if method not in ("linear", "gaussian"):
        raise InputError(f"Unknown resampling method {method!r}. Use linear or gaussian.")
    order = np.argsort(library.wavelengths, kind="stable")
    source = library.wavelengths[order]
    spectra = library.spectra[:, order]
    notes = list(library.notes)
    widths = None if fwhm is None else np.asarray(fwhm, dtype=np.float64).ravel()
    if widths is not None and widths.shape != target.shape:
        raise InputError(f"{target.size} wavelengths and {widths.size} band widths were given.")
    values = _interpolate(source, spectra, target)
    if method == "gaussian":
        if widths is None or not np.isfinite(widths).all():
            spacing = band_spacing(target)
            widths = spacing if widths is None else np.where(np.isfinite(widths), widths, spacing)
            notes.append("Band widths are not known; the spacing of the bands is used for them.")
        own = None if library.fwhm is None else library.fwhm[order]
        values = _average(source, spectra, own, target, widths, values)
    if values.size and not np.isfinite(values).any():
        raise InputError(
            f"The library covers {source[0]:.4g} to {source[-1]:.4g} nm and the bands "
            f"{target.min():.4g} to {target.max():.4g} nm: nothing in common. Choose another "
            "library, or check the unit of the wavelengths."
        )
    return replace(library, spectra=values, wavelengths=target, fwhm=widths, notes=tuple(notes))


def spectral_angle(a: np.ndarray, b: np.ndarray, *, ignore_missing: bool = False) -> np.ndarray:
    """Return the angle between every spectrum of ``a`` and every one of ``b``.

    Parameters
    ----------
    a, b : ndarray (n, bands) and (m, bands)
        Spectra.
    ignore_missing : bool
        Compare each pair over the bands that both have. Otherwise a missing band makes the angle
        missing.

    Returns
    -------
    ndarray (n, m), float64
        Angles in radians, 0 to pi; NaN for a spectrum of zeros. Where ``a`` is float32, angles
        above 0.1 rad are good to 1e-5 rad; all others are exact to float64, tiny ones too, where
        the arc cosine alone would be off by 1e-8.

    References
    ----------
    Kruse et al. 1993, Remote Sensing of Environment 44; Kahan 2006, How futile are mindless
    assessments of roundoff (the angle by the arc tangent).
    """
    a, b = np.atleast_2d(a), np.atleast_2d(np.asarray(b, dtype=np.float64))
    if a.shape[-1] != b.shape[-1]:
        raise InputError(
            f"Spectra of {a.shape[-1]} and of {b.shape[-1]} bands cannot be compared. Resample "
            "one to the bands of the other."
        )
    if ignore_missing and not (np.isfinite(a).all() and np.isfinite(b).all()):
        return _angle_over_common_bands(a, b)
    unit_b = b / _length(b)[:, np.newaxis]
    quick = a.dtype == np.float32
    coarse_b = unit_b.astype(np.float32)
    angles = np.empty((a.shape[0], b.shape[0]))
    for start in range(0, a.shape[0], _ROWS_AT_ONCE):
        rows, part = a[start : start + _ROWS_AT_ONCE], angles[start : start + _ROWS_AT_ONCE]
        if not quick:
            part[:] = _angles(rows, unit_b)
            continue
        # Far from 0 and pi the cosine of float32 is good to 1e-5 rad and takes half the time.
        part[:] = _arc_cosines(rows, coarse_b)
        if not (part.min() > _COARSE_ANGLE and part.max() < np.pi - _COARSE_ANGLE):
            close = ~((part > _COARSE_ANGLE) & (part < np.pi - _COARSE_ANGLE)).all(axis=1)
            part[close] = _angles(rows[close], unit_b)
    return angles


def band_spacing(wavelengths: np.ndarray) -> np.ndarray:
    """Return for each centre (bands,) the mean distance to its neighbours, nm, in any order."""
    values = np.asarray(wavelengths, dtype=np.float64)
    if values.size < 2:
        return np.full(values.shape, 10.0)
    order = np.argsort(values, kind="stable")
    spacing = np.empty_like(values)
    spacing[order] = np.abs(np.gradient(values[order]))
    return spacing


def _interpolate(source: np.ndarray, spectra: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Interpolate (n, bands) linearly; NaN outside and beside missing values."""
    if source.size == 1:
        return np.where(target == source[0], spectra, np.nan)
    right = np.clip(np.searchsorted(source, target), 1, source.size - 1)
    left = right - 1
    span = source[right] - source[left]
    share = np.divide(target - source[left], span, out=np.zeros_like(target), where=span > 0)
    low, high = spectra[:, left], spectra[:, right]
    values = low + (high - low) * share
    # An exact hit needs its own value only.
    values = np.where(share == 0.0, low, np.where(share == 1.0, high, values))
    values[:, (target < source[0]) | (target > source[-1])] = np.nan
    return values


def _average(
    source: np.ndarray,
    spectra: np.ndarray,
    own: np.ndarray | None,
    target: np.ndarray,
    widths: np.ndarray,
    interpolated: np.ndarray,
) -> np.ndarray:
    """Average (n, bands) with Gaussian responses; ``interpolated`` where one is too narrow."""
    spacing = band_spacing(source)
    resolution = spacing if own is None else own
    values = interpolated.copy()
    finite = np.isfinite(spectra)
    filled = np.where(finite, spectra, 0.0)
    for band, (centre, width) in enumerate(zip(target, widths)):
        near = int(np.argmin(np.abs(source - centre)))
        effective = np.sqrt(max(width**2 - (resolution[near] ** 2 if own is not None else 0.0), 0))
        if effective <= spacing[near]:
            continue
        sigma = effective * _SIGMA_PER_FWHM
        reach = np.abs(source - centre) <= 4.0 * sigma
        weights = np.exp(-0.5 * ((source[reach] - centre) / sigma) ** 2) * spacing[reach]
        whole = sigma * np.sqrt(2.0 * np.pi)
        present = finite[:, reach] @ weights
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (filled[:, reach] @ weights) / present
        values[:, band] = np.where(present >= _NEEDED_WEIGHT * whole, mean, np.nan)
    return values


def _length(spectra: np.ndarray) -> np.ndarray:
    """Return the lengths (n,), NaN for spectra of zeros."""
    lengths = np.sqrt(np.einsum("ij,ij->i", spectra, spectra))
    lengths[lengths == 0.0] = np.nan
    return lengths


def _arc_cosines(a: np.ndarray, unit_b: np.ndarray) -> np.ndarray:
    """Return the angles (n, m) to unit vectors by the arc cosine, in the type of the input."""
    cosine = a @ unit_b.T
    cosine /= _length(a)[:, np.newaxis]
    np.clip(cosine, -1.0, 1.0, out=cosine)
    return np.arccos(cosine, out=cosine)


def _angles(a: np.ndarray, unit_b: np.ndarray) -> np.ndarray:
    """Return the angles (n, m) to unit vectors in float64, tiny ones by the arc tangent."""
    a = a.astype(np.float64, copy=False)
    angles = _arc_cosines(a, unit_b)
    i, j = np.nonzero((angles < _TINY_ANGLE) | (angles > np.pi - _TINY_ANGLE))
    if i.size:
        angles[i, j] = _exact_angle(a[i] / _length(a[i])[:, np.newaxis], unit_b[j])
    return angles


def _exact_angle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the angles (n,) between pairs of unit vectors (n, bands), exact when tiny."""
    return 2.0 * np.arctan2(np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1))


def _angle_over_common_bands(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    angles = np.empty((a.shape[0], b.shape[0]))
    for j, reference in enumerate(b):
        both = np.isfinite(a) & np.isfinite(reference)
        left = np.where(both, a, 0.0).astype(np.float64)
        right = np.where(both, reference, 0.0)
        left /= _length(left)[:, np.newaxis]
        right /= _length(right)[:, np.newaxis]
        angles[:, j] = _exact_angle(left, right)
    return angles
