"""What a band is: name, centre wavelength, width, bad flag; finding the bands that are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gossan.core.errors import BandMismatchError, InputError
from gossan.core.sensors import SENSORS
from gossan.core.wavelengths import read_wavelengths

if TYPE_CHECKING:
    import rasterio

__all__ = [
    "SENSORS",
    "Band",
    "canonical_name",
    "match",
    "read_bands",
    "require_wavelengths",
    "sensor_bands",
    "usable",
    "wavelengths_of",
]

HALF_WIDTH = 10.0
"""How far a centre may lie from the wanted one where no band width is known, nm."""

WATER_VAPOUR = ((1340.0, 1460.0), (1790.0, 1980.0))
"""Where water vapour leaves no signal from the ground, nm."""


@dataclass(frozen=True)
class Band:
    """One band of a raster, a library or a model.

    Parameters
    ----------
    index : int
        Position in its file, from 0.
    name : str
        What people call it, such as ``B8A`` or ``band 12``.
    wavelength, fwhm : float or None
        Centre and full width at half maximum, nm; None where unknown.
    good : bool
        False where the file's bad-band list rejects it.
    """

    index: int
    name: str
    wavelength: float | None = None
    fwhm: float | None = None
    good: bool = True

    def __str__(self) -> str:
        if self.wavelength is None:
            return self.name
        return (
            f"{self.name} ({self.wavelength:.4g} nm)"
            if self.wavelength < 1000
            else (f"{self.name} ({self.wavelength:.0f} nm)")
        )


def read_bands(
    dataset: rasterio.DatasetReader, csv: str | None = None
) -> tuple[tuple[Band, ...], list[str]]:
    """Describe the bands of an open raster from all places where metadata may hide.

    Parameters
    ----------
    dataset : rasterio dataset
        The open raster.
    csv : str or None
        A table that says the wavelengths, which then wins over the file's own metadata.

    Returns
    -------
    bands : tuple of Band
        One for each band of the file, in its order.
    notes : list of str
        Sentences for the log: what was found where and what had to be assumed.

    Raises
    ------
    InputError
        When the table does not fit the raster.
    """
    found = read_wavelengths(dataset, csv)
    return (
        tuple(
            Band(index, *fields)
            for index, fields in enumerate(
                zip(found.names, found.wavelengths, found.fwhm, found.good)
            )
        ),
        found.notes,
    )


def match(
    wanted: Sequence[Band], available: Sequence[Band], *, by_position: bool = False
) -> list[int]:
    """Find the wanted bands among the available ones: by name, else by wavelength.

    A name counts without regard to case, blanks and leading zeros (``B02`` is ``b2``). A
    wavelength counts within half the wanted band's width, or 10 nm where that is unknown; the
    nearest one wins.

    Parameters
    ----------
    wanted, available : sequence of Band
        What is needed, and what the raster has.
    by_position : bool
        Take the bands in their order and compare nothing but their number. Only on the user's
        request.

    Returns
    -------
    list of int
        For each wanted band the position in ``available``.

    Raises
    ------
    BandMismatchError
        When a band is missing or two wanted bands would be the same one.
    """
    if by_position:
        if len(wanted) != len(available):
            raise BandMismatchError(
                f"{len(wanted)} bands are needed and the raster has {len(available)}, so they "
                "cannot be matched by position. Choose a raster with the same bands."
            )
        return list(range(len(available)))
    positions = [_find(band, available) for band in wanted]
    missing = [band for band, position in zip(wanted, positions) if position is None]
    chosen = [position for position in positions if position is not None]
    if missing or len(set(chosen)) < len(chosen):
        reason = (
            f"Not found: {_listed(missing)}."
            if missing
            else "Two of the needed bands would be the same band of the raster."
        )
        raise BandMismatchError(
            f"The raster does not have the bands that are needed. {reason} "
            f"Needed: {_listed(wanted)}. Available: {_listed(available)}. "
            "Choose a raster with these bands, give the wavelengths in a table, or, if you know "
            "that the order is the same, match the bands by position."
        )
    return chosen


def sensor_bands(sensor: str) -> tuple[Band, ...]:
    """Return the bands of a satellite, such as ``sentinel-2``, in their order.

    Raises
    ------
    InputError
        When the satellite is not among `SENSORS`.
    """
    if sensor.lower() not in SENSORS:
        raise InputError(f"Unknown sensor {sensor!r}. Known are {', '.join(SENSORS)}.")
    fields = SENSORS[sensor.lower()].items()
    return tuple(Band(i, name, centre, width) for i, (name, (centre, width)) in enumerate(fields))


def wavelengths_of(bands: Sequence[Band]) -> np.ndarray | None:
    """Return the centre wavelengths (bands,) in nm, or None unless every band has one."""
    values = [band.wavelength for band in bands]
    if not values or any(value is None for value in values):
        return None
    return np.array(values, dtype=np.float64)


def require_wavelengths(bands: Sequence[Band], source: str) -> np.ndarray:
    """Return the centre wavelengths (bands,) in nm of bands that must all have a different one.

    Parameters
    ----------
    bands : sequence of Band
        The bands, in any order of wavelength.
    source : str
        The file they come from, for the message.

    Raises
    ------
    InputError
        When a wavelength is missing or occurs twice.
    """
    values = wavelengths_of(bands)
    if values is None:
        missing = [band.name for band in bands if band.wavelength is None]
        raise InputError(
            f"{source} does not say the wavelength of {len(missing)} of its {len(bands)} bands "
            f"({_shortened(missing)}). Name a CSV table with one wavelength per band."
        )
    _, first, counts = np.unique(values, return_index=True, return_counts=True)
    if (counts > 1).any():
        twice = [str(bands[index]) for index in first[counts > 1]]
        raise InputError(
            f"{source} has several bands of the same wavelength: {_shortened(twice)}. "
            "Remove the doubles or name a CSV table with the right wavelengths."
        )
    return values


def usable(bands: Sequence[Band], *, drop_water: bool = True) -> np.ndarray:
    """Tell which bands carry signal from the ground.

    Parameters
    ----------
    bands : sequence of Band
        The bands of a raster.
    drop_water : bool
        Where the file has no bad-band list, or one that rejects nothing, as conversion programs
        write by default, leave out the bands in the water-vapour windows 1340-1460 nm and
        1790-1980 nm.

    Returns
    -------
    ndarray of bool (bands,)
        True for the bands to use.
    """
    good = np.array([band.good for band in bands], dtype=bool)
    if not good.all() or not drop_water:
        return good
    centres = np.array([np.nan if b.wavelength is None else b.wavelength for b in bands])
    for low, high in WATER_VAPOUR:
        good &= ~((centres >= low) & (centres <= high))
    return good


def canonical_name(name: str) -> str:
    """Return a band's name as it is compared: ``B02``, ``b2`` and ``Band 2`` are the same."""
    text = "".join(name.lower().replace("_", "").split())
    if text.startswith("band"):
        text = "b" + text[4:]
    digits = text[1:]
    if text.startswith("b") and digits[:1].isdigit():
        return "b" + (digits.lstrip("0") or "0")
    return text


def _find(wanted: Band, available: Sequence[Band]) -> int | None:
    name = canonical_name(wanted.name)
    named = [i for i, band in enumerate(available) if canonical_name(band.name) == name]
    if len(named) == 1 and _near(wanted, available[named[0]], always=True):
        return named[0]
    near = [i for i, band in enumerate(available) if _near(wanted, band, always=False)]
    if not near:
        return None
    return min(near, key=lambda i: abs(_centre(available[i]) - _centre(wanted)))


def _near(wanted: Band, band: Band, *, always: bool) -> bool:
    """Tell whether two bands see the same wavelength; ``always`` when one of them is unknown."""
    if wanted.wavelength is None or band.wavelength is None:
        return always
    tolerance = wanted.fwhm / 2 if wanted.fwhm else HALF_WIDTH
    return abs(wanted.wavelength - band.wavelength) <= tolerance


def _centre(band: Band) -> float:
    return float("nan") if band.wavelength is None else band.wavelength


def _listed(bands: Sequence[Band]) -> str:
    return _shortened([str(band) for band in bands])


def _shortened(texts: Sequence[str], limit: int = 20) -> str:
    if len(texts) <= limit:
        return ", ".join(texts)
    return ", ".join(texts[:limit]) + f" and {len(texts) - limit} more"
