"""The spectra of a library that are most like a given one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gossan.core.errors import InputError, naming
from gossan.core.spectra import read_library, spectral_angle
from gossan.core.spectral_library import SpectralLibrary
from gossan.models.spectra.matching import on_bands

LEAST_OVERLAP = 0.5
"""Share of the given spectrum's bands that a library spectrum must reach to be compared."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """A spectrum of a library and how far it is from the given one.

    Parameters
    ----------
    name, group, source : str
        What the library says of it.
    angle : float
        Spectral angle over the bands that both have, rad.
    values : ndarray (bands,)
        On the given spectrum's bands, NaN where it has no value.
    """

    name: str
    group: str
    source: str
    angle: float
    values: np.ndarray


def rank(
    spectrum: np.ndarray,
    wavelengths: np.ndarray,
    fwhm: np.ndarray | None,
    library: str,
    count: int,
) -> tuple[list[Nearest], list[str]]:
    """Rank the spectra of a library by their angle to a spectrum.

    Parameters
    ----------
    spectrum, wavelengths : ndarray (bands,)
        Reflectance, NaN where missing, and centres in nm.
    fwhm : ndarray (bands,) or None
        Band widths, nm.
    library : str
        Path of the library.
    count : int
        How many to return at most.

    Returns
    -------
    nearest : list of Nearest
        By rising angle.
    notes : list of str
        Sentences for people on what was left out or assumed.

    Raises
    ------
    InputError
        When the library covers too few of the spectrum's bands.
    FileError
        When it cannot be read.
    """
    read, on_sensor, how = _prepared(
        library,
        stamp(library),
        tuple(wavelengths.tolist()),
        None if fwhm is None else tuple(fwhm.tolist()),
    )
    notes = list(read.notes)
    if how:
        notes.append(f"The library is resampled to the scene's bands {how}.")
    present = np.isfinite(spectrum)
    reached = np.isfinite(on_sensor)[:, present].sum(axis=1)
    comparable = np.flatnonzero(reached >= max(2.0, LEAST_OVERLAP * present.sum()))
    if not comparable.size:
        raise InputError(
            f"No spectrum of {library} covers half of the spectrum's {int(present.sum())} bands. "
            "Choose a library of that range."
        )
    if comparable.size < len(read):
        notes.append(
            f"{len(read) - comparable.size} of {len(read)} spectra of the library cover less than "
            "half of the bands and are not compared."
        )
    angles = spectral_angle(on_sensor[comparable], spectrum, ignore_missing=True)[:, 0]
    order = [number for number in np.argsort(angles, kind="stable") if np.isfinite(angles[number])]
    nearest = [
        Nearest(read.names[row], read.classes[row], read.sources[row], float(angle), on_sensor[row])
        for row, angle in ((comparable[number], angles[number]) for number in order[:count])
    ]
    return nearest, notes


def stamp(path: str) -> tuple[int, int]:
    """Return what changes when a file does; zeros where it is missing or on a server."""
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4)
def _prepared(
    path: str,
    state: tuple[int, int],  # noqa: ARG001 - a changed file is another key
    wavelengths: Sequence[float],
    fwhm: Sequence[float] | None,
) -> tuple[SpectralLibrary, np.ndarray, str]:
    """Return a library, its spectra on a sensor's bands, and how they got there."""
    library = read_library(path)
    if not len(library):
        raise InputError(f"{path} holds no spectrum. Choose another library.")
    with naming(path):
        spectra, how = on_bands(
            library, np.array(wavelengths), None if fwhm is None else np.array(fwhm)
        )
    spectra.flags.writeable = False
    return library, spectra, how
