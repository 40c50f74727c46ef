"""Reflectance spectra made from a continuum and Gaussian absorptions.

A spectrum is ``continuum * exp(-sum(depth * gaussian))``: absorption bands are Gaussian in the
natural logarithm of reflectance, the continuum is a smooth curve through a few knots. Centres and
widths are those at which the minerals, pigments and water are known to absorb; brightness and
depths are typical values chosen here, so the spectra are simulated and belong to nobody.

Reference: Sunshine, Pieters and Pratt (1990), Deconvolution of mineral absorption bands: an
improved approach, Journal of Geophysical Research 95 (B5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

FloatArray = npt.NDArray[np.float64]


class Absorption(NamedTuple):
    """One absorption band, Gaussian in the natural logarithm of reflectance.

    ``centre`` and ``width`` (standard deviation) are in nanometres; ``depth`` is the drop of
    ln(reflectance) at the centre.
    """

    centre: float
    width: float
    depth: float


Knots = tuple[tuple[float, float], ...]
"""Continuum as (wavelength in nm, reflectance 0 to 1), by increasing wavelength."""


@dataclass(frozen=True)
class Material:
    """A surface with its continuum and absorptions.

    Parameters
    ----------
    name : str
        What it is, for people.
    group : str
        Land-cover class of the prior library it belongs to.
    knots : tuple of (float, float)
        Continuum: wavelengths in nm, reflectance 0 to 1.
    absorptions : tuple of Absorption
        Absorption bands.
    """

    name: str
    group: str
    knots: Knots
    absorptions: tuple[Absorption, ...] = ()

    def spectrum(self, wavelengths: npt.ArrayLike) -> FloatArray:
        """Return reflectance (bands,) at `wavelengths` (bands,) in nm."""
        return reflectance(wavelengths, self.knots, self.absorptions)

    def varied(self, *, brightness: float = 1.0, tilt: float = 0.0, depth: float = 1.0) -> Material:
        """Return a variety of this material, as it differs from place to place.

        Parameters
        ----------
        brightness : float
            Factor on the continuum (illumination, grain size, moisture).
        tilt : float
            Relative change of the continuum per 1000 nm away from 1400 nm.
        depth : float
            Factor on all absorption depths.

        Returns
        -------
        Material
            With the same name and group.
        """
        knots = tuple(
            (nm, min(value * brightness * (1.0 + tilt * (nm - 1400.0) / 1000.0), 1.0))
            for nm, value in self.knots
        )
        return replace(self, knots=knots, absorptions=deepened(self.absorptions, depth))


def reflectance(
    wavelengths: npt.ArrayLike, knots: Knots, absorptions: Sequence[Absorption] = ()
) -> FloatArray:
    """Return the reflectance of a continuum with absorptions.

    Parameters
    ----------
    wavelengths : array_like, shape (bands,)
        Nanometres; outside the knots the continuum stays at its end value.
    knots : tuple of (float, float)
        Wavelengths in nm and reflectance of the continuum; monotone between knots.
    absorptions : sequence of Absorption
        Bands taken off in logarithmic space.

    Returns
    -------
    ndarray, shape (bands,)
        Reflectance, 0 to 1, float64.
    """
    nm = np.asarray(wavelengths, dtype=np.float64)
    at, level = np.array(knots, dtype=np.float64).T
    continuum = PchipInterpolator(at, level)(np.clip(nm, at[0], at[-1]))
    optical_depth = np.zeros_like(nm)
    for centre, width, depth in absorptions:
        optical_depth += depth * np.exp(-0.5 * ((nm - centre) / width) ** 2)
    return np.asarray(continuum * np.exp(-optical_depth), dtype=np.float64)


def deepened(absorptions: Sequence[Absorption], factor: float) -> tuple[Absorption, ...]:
    """Return the same absorptions with their depths multiplied by `factor`."""
    return tuple(band._replace(depth=band.depth * factor) for band in absorptions)


HYDROXYL = (Absorption(1400, 14, 0.10),)
MOLECULAR_WATER = (Absorption(1420, 32, 0.12), Absorption(1915, 38, 0.25))
FREE_WATER = (
    Absorption(970, 32, 0.06),
    Absorption(1195, 45, 0.14),
    Absorption(1450, 62, 0.85),
    Absorption(1790, 90, 0.12),
    Absorption(1945, 75, 1.35),
    Absorption(2560, 190, 1.1),
)
CHLOROPHYLL = (
    Absorption(350, 45, 1.5),
    Absorption(435, 42, 1.15),
    Absorption(490, 24, 0.45),
    Absorption(560, 85, 1.45),
    Absorption(645, 30, 0.55),
    Absorption(680, 22, 1.05),
)
CELLULOSE = (
    Absorption(1215, 40, 0.04),
    Absorption(1490, 55, 0.14),
    Absorption(1725, 28, 0.06),
    Absorption(1930, 55, 0.20),
    Absorption(2100, 48, 0.24),
    Absorption(2310, 42, 0.20),
    Absorption(2480, 60, 0.20),
)
GOETHITE = (
    Absorption(390, 60, 0.55),
    Absorption(490, 42, 0.45),
    Absorption(660, 45, 0.07),
    Absorption(925, 85, 0.32),
)
HEMATITE = (
    Absorption(400, 75, 0.75),
    Absorption(535, 38, 0.70),
    Absorption(670, 35, 0.08),
    Absorption(865, 60, 0.30),
)
JAROSITE = (
    Absorption(437, 18, 0.40),
    Absorption(910, 75, 0.35),
    Absorption(1470, 24, 0.10),
    Absorption(1850, 26, 0.08),
    Absorption(2265, 24, 0.18),
)
KAOLINITE = (
    Absorption(1395, 8, 0.12),
    Absorption(1413, 9, 0.20),
    Absorption(2162, 14, 0.14),
    Absorption(2207, 13, 0.32),
)
ILLITE = (
    Absorption(1412, 16, 0.14),
    Absorption(2202, 20, 0.26),
    Absorption(2348, 22, 0.12),
)
ALUNITE = (
    Absorption(1430, 14, 0.28),
    Absorption(1478, 14, 0.30),
    Absorption(1764, 16, 0.18),
    Absorption(2168, 18, 0.38),
    Absorption(2320, 22, 0.20),
)
CALCITE = (
    Absorption(1875, 18, 0.06),
    Absorption(1995, 24, 0.08),
    Absorption(2155, 20, 0.06),
    Absorption(2340, 30, 0.34),
)
CHLORITE = (
    Absorption(720, 60, 0.08),
    Absorption(1060, 140, 0.22),
    Absorption(2250, 16, 0.14),
    Absorption(2338, 24, 0.28),
)
GYPSUM = (
    Absorption(1448, 14, 0.30),
    Absorption(1490, 14, 0.22),
    Absorption(1535, 12, 0.16),
    Absorption(1750, 18, 0.16),
    Absorption(1942, 26, 0.60),
    Absorption(2215, 26, 0.14),
)


def scaled(*parts: tuple[tuple[Absorption, ...], float]) -> tuple[Absorption, ...]:
    """Return the absorptions of several substances, each by its amount (1 = as listed)."""
    return tuple(band for bands, amount in parts for band in deepened(bands, amount))


_LEAF: Knots = ((350, 0.32), (750, 0.47), (1100, 0.50), (1650, 0.44), (2500, 0.36))
_STRAW: Knots = ((350, 0.07), (500, 0.14), (700, 0.27), (1000, 0.42), (1300, 0.48), (2500, 0.40))
_SOIL: Knots = ((350, 0.12), (600, 0.27), (900, 0.36), (1400, 0.43), (2000, 0.44), (2500, 0.38))
_PALE: Knots = ((350, 0.34), (600, 0.48), (1000, 0.54), (1700, 0.56), (2500, 0.46))
_GREY: Knots = ((350, 0.17), (700, 0.24), (1300, 0.27), (1900, 0.27), (2500, 0.23))
_DARK: Knots = ((350, 0.05), (700, 0.075), (1300, 0.11), (2500, 0.13))

MATERIALS: dict[str, Material] = {
    material.name: material
    for material in (
        Material(
            "broadleaf forest",
            "vegetation",
            _LEAF,
            scaled((CHLOROPHYLL, 1.15), (FREE_WATER, 1.0)),
        ),
        Material(
            "conifer forest",
            "vegetation",
            ((350, 0.20), (750, 0.29), (1100, 0.31), (1650, 0.25), (2500, 0.18)),
            scaled((CHLOROPHYLL, 1.25), (FREE_WATER, 1.2)),
        ),
        Material(
            "green grass",
            "vegetation",
            ((350, 0.30), (750, 0.42), (1100, 0.46), (1650, 0.42), (2500, 0.33)),
            scaled((CHLOROPHYLL, 0.9), (FREE_WATER, 0.75), (CELLULOSE, 0.15)),
        ),
        Material("straw", "dry vegetation", _STRAW, CELLULOSE),
        Material(
            "dry grass",
            "dry vegetation",
            ((350, 0.06), (500, 0.11), (700, 0.21), (1000, 0.33), (1300, 0.40), (2500, 0.33)),
            scaled((CELLULOSE, 0.85), (CHLOROPHYLL, 0.08), (FREE_WATER, 0.15)),
        ),
        Material(
            "concrete",
            "built-up",
            ((350, 0.20), (500, 0.29), (800, 0.34), (1500, 0.37), (2500, 0.33)),
            scaled((CALCITE, 0.3), (MOLECULAR_WATER, 0.5), (HYDROXYL, 0.4)),
        ),
        Material(
            "asphalt",
            "built-up",
            ((350, 0.06), (700, 0.10), (1300, 0.15), (1900, 0.17), (2500, 0.16)),
            (Absorption(1720, 18, 0.02), Absorption(2310, 25, 0.05)),
        ),
        Material(
            "tile roof",
            "built-up",
            ((350, 0.16), (600, 0.30), (800, 0.38), (1500, 0.46), (2500, 0.42)),
            scaled((HEMATITE, 1.0), (MOLECULAR_WATER, 0.2)),
        ),
        Material(
            "sheet metal roof",
            "built-up",
            ((350, 0.35), (500, 0.46), (900, 0.43), (1300, 0.50), (2500, 0.47)),
            (Absorption(850, 90, 0.08),),
        ),
        Material(
            "gossan, goethite",
            "mining soil",
            ((350, 0.14), (600, 0.28), (1300, 0.38), (2000, 0.37), (2500, 0.28)),
            scaled((GOETHITE, 1.5), (ILLITE, 0.25), (MOLECULAR_WATER, 0.6)),
        ),
        Material(
            "gossan, hematite",
            "mining soil",
            ((350, 0.12), (600, 0.26), (1300, 0.36), (2000, 0.37), (2500, 0.31)),
            scaled((HEMATITE, 1.4), (KAOLINITE, 0.3), (MOLECULAR_WATER, 0.3)),
        ),
        Material(
            "argillic alteration",
            "mining soil",
            _PALE,
            scaled((KAOLINITE, 1.2), (GOETHITE, 0.3), (MOLECULAR_WATER, 0.3)),
        ),
        Material(
            "alunite alteration",
            "mining soil",
            _PALE,
            scaled((ALUNITE, 0.9), (JAROSITE, 0.3), (MOLECULAR_WATER, 0.2)),
        ),
        Material(
            "mineralised waste rock",
            "mining soil",
            ((350, 0.09), (600, 0.14), (1000, 0.18), (1700, 0.22), (2500, 0.18)),
            scaled((GOETHITE, 0.7), (JAROSITE, 0.4), (ILLITE, 0.9)),
        ),
        Material(
            "grey tailings",
            "tailings",
            _GREY,
            scaled((CHLORITE, 0.5), (ILLITE, 0.6), (MOLECULAR_WATER, 0.9)),
        ),
        Material(
            "oxidised tailings",
            "tailings",
            ((350, 0.20), (600, 0.36), (1000, 0.43), (1700, 0.45), (2500, 0.34)),
            scaled((JAROSITE, 1.3), (GYPSUM, 0.5), (ILLITE, 0.4)),
        ),
        Material(
            "wet tailings",
            "tailings",
            ((350, 0.11), (700, 0.16), (1300, 0.17), (2500, 0.13)),
            scaled((FREE_WATER, 0.8), (ILLITE, 0.4), (CHLORITE, 0.4)),
        ),
        Material(
            "loam",
            "bare soil",
            _SOIL,
            scaled((GOETHITE, 0.35), (ILLITE, 0.4), (MOLECULAR_WATER, 0.7)),
        ),
        Material(
            "red soil",
            "bare soil",
            _SOIL,
            scaled((HEMATITE, 0.7), (KAOLINITE, 0.6), (MOLECULAR_WATER, 0.6)),
        ),
        Material(
            "calcareous soil",
            "bare soil",
            ((350, 0.18), (600, 0.36), (900, 0.44), (1500, 0.50), (2500, 0.42)),
            scaled((CALCITE, 0.6), (ILLITE, 0.3), (GOETHITE, 0.15), (MOLECULAR_WATER, 0.6)),
        ),
        Material(
            "dark humus soil",
            "bare soil",
            ((350, 0.04), (600, 0.08), (900, 0.15), (1400, 0.24), (2000, 0.26), (2500, 0.22)),
            scaled((ILLITE, 0.25), (MOLECULAR_WATER, 1.0)),
        ),
        Material(
            "clear water",
            "water",
            (
                (350, 0.045),
                (450, 0.05),
                (560, 0.04),
                (650, 0.018),
                (750, 0.008),
                (900, 0.004),
                (1100, 0.002),
                (2500, 0.0015),
            ),
        ),
        Material(
            "turbid water",
            "water",
            (
                (350, 0.05),
                (450, 0.075),
                (570, 0.13),
                (690, 0.11),
                (740, 0.05),
                (810, 0.045),
                (930, 0.012),
                (1080, 0.012),
                (1250, 0.003),
                (2500, 0.002),
            ),
        ),
        Material("shaded ground", "shade", _DARK, scaled((MOLECULAR_WATER, 0.5))),
    )
}
"""Every ready-made material by name."""


def spectrum(name: str, wavelengths: npt.ArrayLike) -> FloatArray:
    """Return the reflectance (bands,) of the material `name` at `wavelengths` in nm.

    Raises
    ------
    KeyError
        When `MATERIALS` has no such name.
    """
    return MATERIALS[name].spectrum(wavelengths)
