"""What spectra are drawn over: the usable bands of a scene by wavelength, or their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gossan.core.bands import usable, wavelengths_of
from gossan.core.continuum import remove_continuum
from gossan.core.derivative import first_derivative
from gossan.core.raster import RasterInfo

NO_WAVELENGTHS = (
    "{path} does not say the wavelengths of its bands, so they are numbered. Absorptions cannot be "
    "named and libraries cannot be laid over it; add the wavelengths to its header for that."
)


@dataclass(frozen=True, eq=False)
class Axis:
    """The bands of a scene in the order in which they are drawn.

    Parameters
    ----------
    values : ndarray (bands,)
        Ascending: nm, or band numbers from 1 where wavelengths are not known.
    unit : str
        ``nm`` or ``band``.
    fwhm : ndarray (bands,) or None
        Widths, nm; None unless all are known.
    indexes : ndarray of int (bands,)
        Positions of the bands in the file, from 0.
    good : ndarray of bool (bands,)
        False for bands that carry no signal from the ground.
    notes : tuple of str
        Sentences for people on what was assumed.
    """

    values: np.ndarray
    unit: str
    fwhm: np.ndarray | None
    indexes: np.ndarray
    good: np.ndarray
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, info: RasterInfo, *, drop_water_bands: bool = True) -> Axis:
        """Return the axis of a scene."""
        good = usable(info.bands, drop_water=drop_water_bands)
        centres = wavelengths_of(info.bands)
        if centres is None:
            numbers = np.arange(info.count)
            note = NO_WAVELENGTHS.format(path=info.path)
            return cls(numbers + 1.0, "band", None, numbers, good, (note,))
        # Of bands with the same centre the first counts: a curve has one value at each place.
        values, indexes = np.unique(centres, return_index=True)
        widths = [info.bands[index].fwhm for index in indexes]
        fwhm = None if None in widths else np.array(widths, dtype=np.float64)
        notes: tuple[str, ...] = ()
        if len(values) < len(centres):
            notes = (
                f"{len(centres) - len(values)} bands of {info.path} have the wavelength of "
                "another one and are left out.",
            )
        return cls(values, "nm", fwhm, indexes, good[indexes], notes)

    def to_dict(self) -> dict[str, Any]:
        """Return what a plot and a later ranking need, as plain JSON."""
        return {
            "values": self.values.tolist(),
            "unit": self.unit,
            "fwhm": None if self.fwhm is None else self.fwhm.tolist(),
            "bands": (self.indexes + 1).tolist(),
        }


def treatments(spectra: np.ndarray, axis: np.ndarray) -> list[dict[str, list[float]]]:
    """Return spectra without continuum and derived, for switches that answer at once.

    Parameters
    ----------
    spectra : ndarray (n, bands)
        NaN where missing.
    axis : ndarray (bands,)
        Ascending.

    Returns
    -------
    list of dict
        For each spectrum ``continuum_removed``, ``derivative`` and
        ``continuum_removed_derivative``, (bands,) each.
    """
    flat = remove_continuum(spectra, axis)
    treated = {
        "continuum_removed": flat,
        "derivative": first_derivative(spectra, axis),
        "continuum_removed_derivative": first_derivative(flat, axis),
    }
    return [
        {name: values[row].tolist() for name, values in treated.items()}
        for row in range(len(spectra))
    ]
