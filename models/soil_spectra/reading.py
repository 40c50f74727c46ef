"""From files to clean laboratory spectra: one grid, sound values, known samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gossan.core.errors import BandMismatchError, InputError
from gossan.core.spectra import SpectralLibrary, read_library, resample
from gossan.models.soil_spectra.names import no_sample, samples_of
from gossan.models.soil_spectra.steps import Spectra

MOST_ODD = 0.05
"""A spectrum with more than this share of values out of range is left out."""

SATURATED_RUN, SATURATED_SHARE, BRIGHT = 10, 0.02, 0.95
"""Neighbouring bands at exactly the greatest value are a detector at its end: so many of them where
that value is bright, else such a share of all bands."""

NEAR = 10.0
"""A band counts as the wanted one within this distance, nm."""

BRIGHTEST = 1.05
"""Reflectance above this is none, beyond what a white reference allows for."""


@dataclass(frozen=True, eq=False)
class LaboratorySpectra:
    """Spectra of samples, one row per spectrum or per sample.

    Parameters
    ----------
    spectra : Spectra
    names : tuple of str (n,)
        Of the spectra.
    samples : tuple of str (n,)
        The sample that each is of.
    excluded : tuple of (str, str)
        Spectra that were left out, and why.
    notes : tuple of str
        Sentences for the log.
    replicates : tuple of int (n,)
        How many measured spectra stand behind each row.
    """

    spectra: Spectra
    names: tuple[str, ...]
    samples: tuple[str, ...]
    excluded: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    replicates: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, chosen: Sequence[int] | np.ndarray) -> LaboratorySpectra:
        """Return the spectra of some rows; nothing is noted about the others."""
        index = [int(i) for i in np.arange(len(self))[np.asarray(chosen)]]
        return replace(
            self,
            spectra=replace(self.spectra, values=self.spectra.values[index]),
            names=tuple(self.names[i] for i in index),
            samples=tuple(self.samples[i] for i in index),
            replicates=tuple(self.replicates[i] for i in index),
        )

    def averaged(self) -> LaboratorySpectra:
        """Return one row per sample: the mean of its replicates, in the order of the first."""
        order = list(dict.fromkeys(self.samples))
        places = {sample: i for i, sample in enumerate(order)}
        index = np.array([places[sample] for sample in self.samples], dtype=int)
        counts = np.bincount(index, minlength=len(order))
        total = np.zeros((len(order), self.spectra.values.shape[1]))
        np.add.at(total, index, self.spectra.values)
        return replace(
            self,
            spectra=replace(self.spectra, values=total / counts[:, None]),
            names=tuple(order),
            samples=tuple(order),
            replicates=tuple(int(count) for count in counts),
        )


def read_spectra(
    path: str,
    *,
    pattern: str,
    spacing: float = 1.0,
    name_column: str = "",
    known: Sequence[str] | None = None,
    wanted: tuple[float, float] = (0.0, np.inf),
    grid: np.ndarray | None = None,
) -> LaboratorySpectra:
    """Read spectra, leave out what cannot be used, and bring them to a regular grid.

    Parameters
    ----------
    path : str
        See `gossan.core.spectra.read_library`.
    pattern : str
        See `gossan.models.soil_spectra.names.compile_pattern`.
    spacing : float
        Of the grid, nm: whole multiples of it inside the range of the spectra.
    name_column : str
        Column of a table that names the spectra.
    known : sequence of str, optional
        Names of the samples.
    wanted : (float, float)
        Range that is kept, nm; spectra may be odd outside it.
    grid : ndarray, optional
        The grid itself, nm, ascending, in place of the spacing.

    Raises
    ------
    InputError
        When no spectrum can be used.
    BandMismatchError
        When the spectra have no band near one of the grid's.
    """
    library = read_library(path, name_column=name_column)
    if grid is not None:
        require_bands(library, grid, path)
    if not spacing > 0:
        raise InputError(f"A spacing of {spacing:g} nm makes no grid; give a number above 0.")
    controls = [no_sample(name) for name in library.names]
    measured = library.subset([not why for why in controls])
    excluded = [(name, why) for name, why in zip(library.names, controls) if why]
    if not len(measured):
        raise InputError(
            f"{path} holds no spectrum of a sample: all {len(library)} are blanks, standards or "
            "panels by their names."
        )
    regular = grid if grid is not None else regular_grid(measured.wavelengths, spacing, path)
    inside = (regular >= wanted[0]) & (regular <= wanted[1])
    if not inside.any():
        raise InputError(
            f"{path} covers {regular[0]:g} to {regular[-1]:g} nm and {wanted[0]:g} to "
            f"{wanted[1]:g} nm are wanted: nothing in common. Check the unit of the wavelengths."
        )
    reasons = _odd_ones(measured, wanted)
    values = resample(measured, regular).spectra
    holes = ~np.isfinite(values[:, inside]).all(axis=1)
    reasons = [why or ("values are missing" if hole else "") for why, hole in zip(reasons, holes)]
    kept = np.array([not why for why in reasons])
    excluded += [(name, why) for name, why in zip(measured.names, reasons) if why]
    if not kept.any():
        raise InputError(
            f"{path} has no spectrum that can be used; the first one, {measured.names[0]}, is left "
            f"out because: {reasons[0]}."
        )
    regular = regular[inside]
    filled = values[kept][:, inside]
    names = tuple(name for name, keep in zip(measured.names, kept) if keep)
    notes = list(measured.notes)
    low = int((filled <= 0).any(axis=1).sum())
    if low:
        notes.append(f"{low} spectra have single values of zero or less.")
    return LaboratorySpectra(
        Spectra(filled, regular),
        names,
        tuple(samples_of(names, pattern, known)),
        tuple(excluded),
        tuple(notes),
        (1,) * len(names),
    )


def require_bands(library: SpectralLibrary, grid: np.ndarray, path: str) -> None:
    """Refuse spectra without a band near each wavelength that is needed.

    The contract is that of all bands whose width is unknown: within `NEAR`.

    Raises
    ------
    BandMismatchError
        With both ranges.
    """
    own = np.sort(library.wavelengths)
    right = np.clip(np.searchsorted(own, grid), 0, len(own) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(own[left] - grid) < np.abs(own[right] - grid), left, right)
    missing = grid[np.abs(own[nearest] - grid) > NEAR]
    if missing.size:
        raise BandMismatchError(
            f"{path} does not have the bands that the model needs. Needed: {len(grid)} bands, "
            f"{grid[0]:g} to {grid[-1]:g} nm. Available: {len(own)} bands, {own[0]:g} to "
            f"{own[-1]:g} nm, and none near {len(missing)} of those needed ({missing[0]:g} to "
            f"{missing[-1]:g} nm). Use spectra of the whole range, or train a model on this one."
        )


def regular_grid(wavelengths: np.ndarray, spacing: float, path: str) -> np.ndarray:
    """Return the whole multiples of the spacing inside the range of the wavelengths.

    Raises
    ------
    InputError
        When there are fewer than ten.
    """
    low, high = float(np.min(wavelengths)), float(np.max(wavelengths))
    first, last = np.ceil(low / spacing - 1e-9), np.floor(high / spacing + 1e-9)
    if last - first < 9:
        raise InputError(
            f"{path} covers {low:g} to {high:g} nm, too little for a grid of {spacing:g} nm. Check "
            "the unit of the wavelengths, or take a smaller spacing."
        )
    return np.arange(first, last + 1) * spacing


def _odd_ones(library: SpectralLibrary, wanted: tuple[float, float]) -> list[str]:
    """Return for each spectrum why it cannot be used, or nothing."""
    inside = (library.wavelengths >= wanted[0]) & (library.wavelengths <= wanted[1])
    reasons = []
    for spectrum in library.spectra[:, inside] if inside.any() else library.spectra:
        known = spectrum[np.isfinite(spectrum)]
        if known.size < 0.5 * spectrum.size:
            reasons.append("values are missing")
        elif np.mean(known <= 0) > MOST_ODD:
            reasons.append(f"{np.mean(known <= 0):.0%} of its values are zero or negative")
        elif np.mean(known > BRIGHTEST) > MOST_ODD:
            reasons.append(f"{np.mean(known > BRIGHTEST):.0%} of its values are above 1")
        elif _longest_run(spectrum) >= _flat_run(spectrum):
            reasons.append("it is saturated: its greatest value stands in many bands on end")
        elif known.size > 2 and np.ptp(known) == 0:
            reasons.append("it is the same at all wavelengths")
        else:
            reasons.append("")
    return reasons


def _flat_run(spectrum: np.ndarray) -> float:
    """Return how many equal bands at the top mean saturation; smooth maxima have a few, too."""
    bright = np.nanmax(spectrum) >= BRIGHT
    return SATURATED_RUN if bright else max(SATURATED_RUN, SATURATED_SHARE * spectrum.size)


def _longest_run(spectrum: np.ndarray) -> int:
    """Return how many neighbouring bands have exactly the greatest value."""
    at_top = spectrum == np.nanmax(spectrum)
    edges = np.flatnonzero(np.diff(np.r_[False, at_top, False].astype(int)))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0
