"""Spectral libraries: reading and writing them, bringing them to a sensor, comparing spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gossan.core.angles import spectral_angle
from gossan.core.errors import InputError
from gossan.core.library_files import read_library, write_library
from gossan.core.spectral_library import SpectralLibrary

__all__ = [
    "RESAMPLING_METHODS",
    "SpectralLibrary",
    "band_spacing",
    "read_library",
    "resample",
    "spectral_angle",
    "write_library",
]

RESAMPLING_METHODS = ("linear", "gaussian")
"""How `resample` brings spectra to other bands."""

_SIGMA_PER_FWHM = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
_NEEDED_WEIGHT = 0.75


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
    if method not in RESAMPLING_METHODS:
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
