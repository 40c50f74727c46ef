"""What is expected in a scene: the prior library that ships, and the pixels most like priors."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gossan.core.errors import InputError
from gossan.core.spectra import (
    SpectralLibrary,
    read_library,
    resample,
    spectral_angle,
    write_library,
)
from gossan.models.endmembers.parametric import MATERIALS
from gossan.models.endmembers.scene import IndexArray, Strip

FloatArray = npt.NDArray[np.floating[Any]]

PRIOR_LIBRARY = Path(__file__).resolve().parent.parent / "pretrained" / "prior_library.csv"
"""The prior library that ships."""

PRIOR_CLASSES = (
    "vegetation",
    "dry vegetation",
    "built-up",
    "mining soil",
    "tailings",
    "bare soil",
    "water",
)

_ANGLES_AT_ONCE = 2**23


def parametric_priors() -> SpectralLibrary:
    """Return the prior library, made from parametric absorption models, 350 to 2500 nm."""
    wavelengths = np.arange(350.0, 2501.0, 5.0)
    materials = [material for material in MATERIALS.values() if material.group in PRIOR_CLASSES]
    spectra = np.array([material.spectrum(wavelengths) for material in materials])
    return SpectralLibrary(
        names=tuple(material.name for material in materials),
        spectra=np.round(spectra, 5),
        wavelengths=wavelengths,
        classes=tuple(material.group for material in materials),
        sources=("parametric absorption model",) * len(materials),
    )


def write_prior_library(path: str | os.PathLike[str] = PRIOR_LIBRARY) -> None:
    """Write the prior library that ships (.csv or .sli)."""
    write_library(os.fspath(path), parametric_priors())


def read_priors(path: str) -> SpectralLibrary:
    """Read a prior library; the one that ships when `path` is empty.

    Spectra without a class make a class of their own.
    """
    library = read_library(path or os.fspath(PRIOR_LIBRARY))
    if len(library) == 0:
        raise InputError(f"{path} holds no spectrum; choose another prior library.")
    classes = tuple(group or name for group, name in zip(library.classes, library.names))
    return SpectralLibrary(
        names=library.names,
        spectra=library.spectra,
        wavelengths=library.wavelengths,
        classes=classes,
        sources=library.sources,
        fwhm=library.fwhm,
        notes=library.notes,
    )


def on_sensor(priors: SpectralLibrary, wavelengths: npt.NDArray[np.float64]) -> SpectralLibrary:
    """Return the priors that cover the sensor's bands (bands,), resampled to them.

    Raises
    ------
    InputError
        When no prior has a value at every band.
    """
    resampled = resample(priors, wavelengths)
    complete = np.isfinite(resampled.spectra).all(axis=1) & resampled.spectra.any(axis=1)
    if not complete.any():
        low, high = priors.wavelengths.min(), priors.wavelengths.max()
        raise InputError(
            f"None of the {len(priors)} prior spectra ({low:.0f} to {high:.0f} nm) covers all "
            f"bands of the image ({wavelengths.min():.0f} to {wavelengths.max():.0f} nm). Choose a "
            "prior library of that range."
        )
    return resampled.subset(complete)


@dataclass(frozen=True)
class PriorMatches:
    """The pixel most like each prior spectrum.

    Parameters
    ----------
    positions : ndarray, shape (priors,), int64
        Row x image width + column.
    angles : ndarray, shape (priors,)
        Spectral angle in radians; the least of all pixels.
    """

    positions: IndexArray
    angles: npt.NDArray[np.float64]


class PriorSearch:
    """Finds the pixel of least spectral angle to each prior, as a task for `Scene.scan`.

    Parameters
    ----------
    priors : ndarray, shape (priors, bands)
        Prior spectra on the scene's bands.
    """

    def __init__(self, priors: FloatArray) -> None:
        self._priors = np.asarray(priors, dtype=np.float64)
        self._angles = np.full(len(priors), np.inf)
        self._positions = np.zeros(len(priors), dtype=np.int64)

    def compute(self, strip: Strip) -> tuple[IndexArray, FloatArray]:
        """Return for each prior the position of a strip's most similar pixel, and its angle."""
        positions = np.zeros(len(self._priors), dtype=np.int64)
        least = np.full(len(self._priors), np.inf)
        step = max(_ANGLES_AT_ONCE // len(self._priors), 1)
        for start in range(0, len(strip.spectra), step):
            angles = spectral_angle(strip.spectra[start : start + step], self._priors)
            angles[np.isnan(angles)] = np.inf
            nearest = angles.argmin(axis=0)
            found = angles[nearest, np.arange(len(self._priors))]
            better = found < least
            positions[better] = strip.positions[start + nearest[better]]
            least[better] = found[better]
        return positions, least

    def consume(self, result: tuple[IndexArray, FloatArray]) -> None:
        """Keep those that are more similar than the ones before."""
        positions, angles = result
        better = angles < self._angles
        self._positions[better] = positions[better]
        self._angles[better] = angles[better]

    def matches(self) -> PriorMatches:
        """Return the result once the scene was scanned."""
        return PriorMatches(self._positions, self._angles)
