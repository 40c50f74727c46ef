"""A collection of spectra on one wavelength grid, with their names, classes and sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError


@dataclass(frozen=True, eq=False)
class SpectralLibrary:
    """Spectra on one wavelength grid.

    Parameters
    ----------
    names : sequence of str (n,)
        Name of each spectrum.
    spectra : array (n, bands)
        Reflectance, 0 to 1; NaN where missing. Kept as float64.
    wavelengths : array (bands,)
        Centre wavelengths, nm.
    classes, sources : sequence of str (n,), optional
        Class (material) and source of each spectrum; empty texts where unknown.
    fwhm : array (bands,) or None
        Full widths at half maximum, nm.
    notes : sequence of str
        Sentences for the log on what was left out or assumed when the library was read.

    Raises
    ------
    InputError
        When the lengths do not agree.
    """

    names: tuple[str, ...]
    spectra: np.ndarray
    wavelengths: np.ndarray
    classes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    fwhm: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        spectra = np.array(self.spectra, dtype=np.float64, ndmin=2)
        wavelengths = np.array(self.wavelengths, dtype=np.float64, ndmin=1)
        count = spectra.shape[0]
        values = {
            "names": tuple(str(name) for name in self.names),
            "spectra": spectra,
            "wavelengths": wavelengths,
            "classes": tuple(str(name) for name in self.classes) or ("",) * count,
            "sources": tuple(str(name) for name in self.sources) or ("",) * count,
            "fwhm": None if self.fwhm is None else np.array(self.fwhm, dtype=np.float64, ndmin=1),
            "notes": tuple(self.notes),
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)
        for field in ("names", "classes", "sources"):
            labels = len(getattr(self, field))
            if labels != count:
                raise InputError(f"The library has {count} spectra and {labels} {field}.")
        if wavelengths.shape != spectra.shape[1:]:
            raise InputError(
                f"The library has {spectra.shape[1]} bands and {wavelengths.size} wavelengths."
            )
        if self.fwhm is not None and self.fwhm.shape != wavelengths.shape:
            raise InputError(
                f"The library has {wavelengths.size} wavelengths and {self.fwhm.size} widths."
            )

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, indexes: Sequence[int] | np.ndarray) -> SpectralLibrary:
        """Return the library of the spectra at these positions, in their order.

        Parameters
        ----------
        indexes : sequence of int, or of bool (n,)
            Positions from 0, or a mask.
        """
        chosen = np.arange(len(self))[np.asarray(indexes)]
        return SpectralLibrary(
            names=tuple(self.names[i] for i in chosen),
            spectra=self.spectra[chosen],
            wavelengths=self.wavelengths,
            classes=tuple(self.classes[i] for i in chosen),
            sources=tuple(self.sources[i] for i in chosen),
            fwhm=self.fwhm,
            notes=self.notes,
        )


def to_reflectance(
    spectra: np.ndarray, source: str, factor: float | None = None
) -> tuple[np.ndarray, list[str]]:
    """Bring spectra to reflectance, 0 to 1.

    Parameters
    ----------
    spectra : ndarray (n, bands)
        Values as they stand in the file, NaN where missing.
    source : str
        Name of the file, for the notes.
    factor : float or None
        What the file's values are multiples of reflectance by, such as 100 for percent; None, or
        a factor of 1 that the values contradict, leaves it to the values.

    Returns
    -------
    spectra : ndarray (n, bands)
        Reflectance.
    notes : list of str
        What was assumed, where the file does not say it.
    """
    if factor is not None and factor > 0 and factor != 1.0:
        return spectra / factor, []
    finite = spectra[np.isfinite(spectra)]
    high = float(np.percentile(finite, 99)) if finite.size else 0.0
    if high <= 2.0:
        return spectra, []
    assumed, meaning = (100.0, "percent") if high <= 150.0 else (1e4, "reflectance x 10000")
    return spectra / assumed, [
        f"The values of {source} reach {high:.4g}: they are taken as {meaning} and divided by "
        f"{assumed:g}."
    ]
