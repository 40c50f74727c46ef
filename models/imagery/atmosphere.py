"""Taking the air off: the darkest pixels of each band, or spectra measured on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError
from gossan.core.landsat_mtl import Rescaling

CORRECTIONS = ("none", "dark object", "empirical line")

DARK_REFLECTANCE = 0.01
"""What the darkest object of a scene is taken to reflect: nothing on the ground is black.

Source: Chavez 1988, Remote Sensing of Environment 24; Moran et al. 1992.
"""

_LOWEST, _HIGHEST, _STEP = -0.5, 2.0, 1e-4


class DarkestValues:
    """Counts reflectances while they are read, to find the darkest ones of each band.

    Parameters
    ----------
    bands : int
    """

    def __init__(self, bands: int) -> None:
        self._bins = round((_HIGHEST - _LOWEST) / _STEP)
        self._counts = np.zeros((bands, self._bins), dtype=np.int64)

    def add(self, values: np.ndarray) -> None:
        """Take in reflectances (rows, columns, bands), NaN where missing."""
        for band, counts in enumerate(self._counts):
            here = values[..., band]
            known = here[np.isfinite(here)]
            places = np.clip((known - _LOWEST) / _STEP, 0, self._bins - 1).astype(np.int64)
            counts += np.bincount(places, minlength=self._bins)

    def values(self, share: float) -> np.ndarray:
        """Return for each band (bands,) the reflectance that this share of its pixels is below.

        Parameters
        ----------
        share : float
            Percent.

        Returns
        -------
        ndarray (bands,)
            Within 0.0001; NaN for a band without any value.
        """
        dark = np.full(len(self._counts), np.nan)
        for band, counts in enumerate(self._counts):
            total = counts.sum()
            if total:
                reached = np.searchsorted(np.cumsum(counts), max(share / 100.0 * total, 1))
                dark[band] = _LOWEST + (reached + 0.5) * _STEP
        return dark


def dark_object_correction(dark: np.ndarray) -> list[Rescaling]:
    """Return what takes the path reflectance off each band.

    Parameters
    ----------
    dark : ndarray (bands,)
        Reflectance of the darkest object.

    Returns
    -------
    list of Rescaling
        Gain 1; nothing is added to bands whose darkest object is darker than 1 % already.
    """
    haze = np.maximum(np.nan_to_num(dark - DARK_REFLECTANCE), 0.0)
    return [Rescaling(1.0, -float(value)) for value in haze]


@dataclass(frozen=True)
class FittedLine:
    """The line of a band from image to ground, and how well the targets lie on it.

    Parameters
    ----------
    rescaling : Rescaling
        Reflectance of the ground = value of the image x gain + offset.
    rmse : float
        Root mean square difference at the targets, reflectance; 0 for two targets.
    """

    rescaling: Rescaling
    rmse: float


def empirical_lines(
    image: np.ndarray, ground: np.ndarray, names: Sequence[str], targets: Sequence[str]
) -> list[FittedLine]:
    """Fit for each band the line from what the image shows of targets to what they reflect.

    Parameters
    ----------
    image : ndarray (targets, bands)
        Mean of each target in the image.
    ground : ndarray (targets, bands)
        Its reflectance by the field spectrometer; NaN where that does not reach.
    names : sequence of str
        Of the bands.
    targets : sequence of str
        Of the targets.

    Returns
    -------
    list of FittedLine

    Raises
    ------
    InputError
        When a band has fewer than two usable targets, these do not differ, or the line falls.

    References
    ----------
    Smith and Milton 1999, International Journal of Remote Sensing 20, 2653.
    """
    lines = []
    for band, name in enumerate(names):
        usable = np.isfinite(image[:, band]) & np.isfinite(ground[:, band])
        x, y = image[usable, band].astype(np.float64), ground[usable, band].astype(np.float64)
        if x.size < 2:
            raise InputError(
                f"The empirical line of {name} needs two targets of different brightness and has "
                f"{x.size} (of {', '.join(targets)}), with a field spectrum that reaches this band."
            )
        if np.ptp(x) < 1e-6:
            raise InputError(
                f"The targets look alike in {name}: no line can be fitted. Add a darker or a "
                "brighter one."
            )
        gain = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
        if gain <= 0:
            raise InputError(
                f"In {name} targets that are brighter on the ground are darker in the image. Check "
                "that each point carries the name of its own spectrum."
            )
        offset = float(y.mean() - gain * x.mean())
        rmse = float(np.sqrt(np.mean((gain * x + offset - y) ** 2)))
        lines.append(FittedLine(Rescaling(gain, offset), rmse))
    return lines
