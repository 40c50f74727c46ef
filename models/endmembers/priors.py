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

# Float32 products tell cosines apart to about this; nearer ones are compared in float64.
_COSINE_MARGIN = 1e-5
_MOST_COMPARED = 2000


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

    All pixels are compared in float32, those near the best in float64, so that the result is that
    of a float64 search.

    Parameters
    ----------
    priors : ndarray, shape (priors, bands)
        Prior spectra on the scene's bands.
    """

    def __init__(self, priors: FloatArray) -> None:
        self._priors = np.asarray(priors, dtype=np.float64)
        lengths = np.linalg.norm(self._priors, axis=1, keepdims=True)
        self._unit = (self._priors / lengths).astype(np.float32).T.copy()
        self._cosines = np.full(len(priors), -np.inf)
        self._angles = np.full(len(priors), np.inf)
        self._positions = np.zeros(len(priors), dtype=np.int64)

    def compute(self, strip: Strip) -> list[tuple[int, IndexArray, FloatArray]]:
        """Return the pixels of a strip that may be the best, for each prior they may be for."""
        spectra = strip.spectra
        if len(spectra) == 0:
            return []
        lengths = np.sqrt(np.einsum("ij,ij->i", spectra, spectra))
        cosines = spectra @ self._unit
        with np.errstate(divide="ignore", invalid="ignore"):
            cosines /= lengths[:, None]
        cosines[lengths == 0] = -1.0
        best = cosines.max(axis=0)
        promising: list[tuple[int, IndexArray, FloatArray]] = []
        for prior in np.flatnonzero(best >= self._cosines - _COSINE_MARGIN):
            near = np.flatnonzero(cosines[:, prior] >= best[prior] - _COSINE_MARGIN)
            if near.size > _MOST_COMPARED:
                order = np.argsort(-cosines[near, prior], kind="stable")
                near = np.sort(near[order[:_MOST_COMPARED]])
            promising.append((int(prior), strip.positions[near], spectra[near].astype(np.float64)))
            self._cosines[prior] = max(self._cosines[prior], best[prior])
        return promising

    def consume(self, result: list[tuple[int, IndexArray, FloatArray]]) -> None:
        """Compare them exactly."""
        for prior, positions, spectra in result:
            angles = spectral_angle(spectra, self._priors[prior : prior + 1])[:, 0]
            angles = np.where(np.isfinite(angles), angles, np.inf)
            here = int(angles.argmin())
            if angles[here] < self._angles[prior]:
                self._angles[prior] = angles[here]
                self._positions[prior] = positions[here]

    def matches(self) -> PriorMatches:
        """Return the result once the scene was scanned."""
        return PriorMatches(self._positions, self._angles)
