"""A spectral library on the bands of a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.bands import HALF_WIDTH, usable, wavelengths_of
from gossan.core.errors import BandMismatchError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo
from gossan.core.spectra import SpectralLibrary, band_spacing, resample

SAME_WAVELENGTH = 0.5
"""Centres closer than this are the same band and need no resampling, nm."""


@dataclass(frozen=True)
class MatchedLibrary:
    """Library spectra and the scene's bands that they stand on.

    Parameters
    ----------
    names : tuple of str (n,)
        Names of the spectra, each only once.
    spectra : ndarray (n, bands), float64
        Reflectance, 0 to 1, without missing values.
    indexes : tuple of int (bands,)
        The scene's bands, from 0.
    """

    names: tuple[str, ...]
    spectra: np.ndarray
    indexes: tuple[int, ...]


def match_library(
    library: SpectralLibrary,
    info: RasterInfo,
    progress: Progress,
    *,
    drop_water_bands: bool = True,
    by_position: bool = False,
) -> MatchedLibrary:
    """Bring a library to the usable bands of a scene, and say how in the log.

    A library on the scene's own grid is taken as it is. Any other is resampled: averaged under
    Gaussian responses where the scene's band widths are known and the library is finer than
    these, else interpolated. Bands that the library does not cover, or that a spectrum has no
    value at, are left out.

    Parameters
    ----------
    library : SpectralLibrary
        What is looked for in the scene.
    info : RasterInfo
        Description of the scene.
    progress : Progress
        Told which bands are used.
    drop_water_bands : bool
        Leave out water-vapour bands where the scene has no list of bad bands.
    by_position : bool
        Take the library's bands as the scene's (or its usable ones) in their order.

    Returns
    -------
    MatchedLibrary

    Raises
    ------
    InputError
        When the library is empty or a spectrum has no values.
    BandMismatchError
        When the bands cannot be matched, or none is left.
    """
    _check_library(library)
    for note in (*info.notes, *library.notes):
        progress.say(note)
    good = np.flatnonzero(usable(info.bands, drop_water=drop_water_bands))
    if by_position:
        indexes, spectra = _by_position(library, info, good)
    else:
        indexes, spectra = _by_wavelength(library, info, good, progress)
    complete = np.isfinite(spectra).all(axis=0)
    if not complete.any():
        raise BandMismatchError(
            f"No usable band of {info.path} has a value in every spectrum of the library "
            f"({_range(library.wavelengths)}; scene {_scene_range(info)}). Choose a library that "
            "covers the scene's bands."
        )
    if not complete.all():
        left_out = [info.bands[index] for index in indexes[~complete]]
        progress.warn(
            f"{len(left_out)} bands are left out because the library has no values there: "
            f"{_shortened([str(band) for band in left_out])}."
        )
    indexes, spectra = indexes[complete], np.ascontiguousarray(spectra[:, complete])
    progress.say(
        f"{len(indexes)} of {info.count} bands are used for {len(library)} spectra; "
        f"{info.count - len(good)} bands are bad or lie in water vapour."
    )
    return MatchedLibrary(
        unique_names(library.names), spectra, tuple(int(index) for index in indexes)
    )


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names with numbers added where one is empty or comes again."""
    taken: set[str] = set()
    unique = []
    for position, name in enumerate(names, start=1):
        base = " ".join(name.split()) or f"spectrum {position}"
        candidate, count = base, 1
        while candidate.lower() in taken:
            count += 1
            candidate = f"{base} ({count})"
        taken.add(candidate.lower())
        unique.append(candidate)
    return tuple(unique)


def _check_library(library: SpectralLibrary) -> None:
    if len(library) == 0:
        raise InputError("The spectral library is empty. Choose one with at least one spectrum.")
    for name, spectrum in zip(library.names, library.spectra):
        if not np.isfinite(spectrum).any():
            raise InputError(
                f"The spectrum {name} of the library has no values. Remove it from the library."
            )


def _by_position(
    library: SpectralLibrary, info: RasterInfo, good: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    bands = library.spectra.shape[1]
    if bands == info.count:
        return good, library.spectra[:, good]
    if bands == len(good):
        return good, library.spectra
    raise BandMismatchError(
        f"The library has {bands} bands and {info.path} has {info.count}, {len(good)} of them "
        "usable, so they cannot be matched by position. Choose a library on the scene's bands."
    )


def _by_wavelength(
    library: SpectralLibrary, info: RasterInfo, good: np.ndarray, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    bands = [info.bands[index] for index in good]
    centres = wavelengths_of(bands)
    if centres is None:
        unknown = [band.name for band in bands if band.wavelength is None]
        raise BandMismatchError(
            f"{info.path} has {info.count} bands and does not say the wavelengths of "
            f"{_shortened(unknown)}, so the library ({library.spectra.shape[1]} bands, "
            f"{_range(library.wavelengths)}) cannot be matched to them. Give the wavelengths in a "
            "CSV table or, if the library has the scene's bands in the same order, match the "
            "bands by position."
        )
    widths = [band.fwhm for band in bands]
    fwhm = None if None in widths else np.array(widths, dtype=np.float64)
    try:
        spectra, how = on_bands(library, centres, fwhm)
    except InputError as problem:
        raise BandMismatchError(f"{problem} The bands are those of {info.path}.") from problem
    if how:
        progress.say(
            f"The library ({library.spectra.shape[1]} bands, {_range(library.wavelengths)}) is "
            f"resampled to the scene's bands ({_range(centres)}) {how}."
        )
    return good, spectra


def on_bands(
    library: SpectralLibrary, centres: np.ndarray, fwhm: np.ndarray | None
) -> tuple[np.ndarray, str]:
    """Bring the spectra of a library to a sensor's bands.

    Parameters
    ----------
    library : SpectralLibrary
    centres, fwhm : ndarray (bands,)
        Centres of the bands, nm, and their widths; None for widths that are not known.

    Returns
    -------
    spectra : ndarray (n, bands)
        NaN where the library does not reach or has no value.
    how : str
        In which way they were resampled; empty where they were taken as they are.

    Raises
    ------
    InputError
        When library and bands have no range in common.
    """
    distances = np.abs(centres[:, np.newaxis] - library.wavelengths)
    nearest = distances.argmin(axis=1)
    distance = distances[np.arange(len(nearest)), nearest]
    samples = library.spectra[:, nearest]
    spacing = band_spacing(library.wavelengths)[nearest]
    finer = np.median(spacing) < 0.5 * np.median(band_spacing(centres))
    if (distance <= SAME_WAVELENGTH).all() and not finer:
        return samples, ""
    reach = np.maximum(spacing, HALF_WIDTH if fwhm is None else np.maximum(fwhm / 2, HALF_WIDTH))
    gaussian = fwhm is not None and np.median(spacing) < 0.5 * np.median(fwhm)
    if gaussian:
        moved = resample(library, centres, fwhm=fwhm, method="gaussian")
    else:
        moved = resample(library, centres)
    # A rounded wavelength may put the outermost band just beyond the outermost sample.
    beyond = np.isnan(moved.spectra) & (distance <= SAME_WAVELENGTH)
    spectra = np.where(beyond, samples, moved.spectra)
    # Between the samples on either side of a gap a straight line is no measurement.
    spectra = np.where(distance <= reach, spectra, np.nan)
    return spectra, "under the scene's band widths" if gaussian else "by linear interpolation"


def _range(wavelengths: np.ndarray) -> str:
    return f"{wavelengths.min():.0f} to {wavelengths.max():.0f} nm"


def _scene_range(info: RasterInfo) -> str:
    centres = wavelengths_of(info.bands)
    return "without wavelengths" if centres is None else _range(centres)


def _shortened(texts: Sequence[str], limit: int = 8) -> str:
    if len(texts) <= limit:
        return ", ".join(texts)
    return ", ".join(texts[:limit]) + f" and {len(texts) - limit} more"
