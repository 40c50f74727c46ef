"""Spectra of the district's materials: several per material, none of them in the prior library.

Each material has a few varieties; a place shows a mixture of them that changes smoothly over the
district, so that no single spectrum stands for a material.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gossan.examples.district.fields import Grid
from gossan.examples.district.geology import UNITS
from gossan.examples.district.world import BUILT, COVER_CODES, MATERIALS, SOIL, Patch
from gossan.models.endmembers.parametric import Absorption, Knots, Material

FloatArray = npt.NDArray[np.float32]


def _bands(*values: float) -> tuple[Absorption, ...]:
    """Return absorptions from centre, width, depth, centre, width, depth, ..."""
    return tuple(Absorption(*values[at : at + 3]) for at in range(0, len(values), 3))


def _leaf(chlorophyll: float, water: float, cells: float) -> tuple[Absorption, ...]:
    c, w, s = chlorophyll, water, cells
    return (
        *_bands(380, 60, 1.3 * c, 455, 38, 1.2 * c, 505, 30, 0.35 * c, 585, 78, 1.0 * c),
        *_bands(640, 36, 0.75 * c, 676, 20, 1.15 * c),
        *_bands(978, 38, 0.08 * w, 1180, 50, 0.16 * w, 1446, 70, 0.80 * w, 1930, 85, 1.25 * w),
        *_bands(2540, 170, 1.0 * w),
        *_bands(1500, 60, 0.1 * s, 1722, 30, 0.05 * s, 2095, 52, 0.16 * s, 2305, 46, 0.15 * s),
    )


_IRON_YELLOW = _bands(395, 55, 0.50, 484, 38, 0.42, 650, 50, 0.06, 938, 95, 0.30)
_IRON_RED = _bands(410, 70, 0.65, 528, 36, 0.62, 880, 68, 0.26)
_SULPHATE = _bands(434, 16, 0.36, 922, 78, 0.30, 1468, 22, 0.12, 2263, 26, 0.20)
_WHITE_MICA = _bands(1409, 15, 0.16, 2197, 17, 0.30, 2344, 24, 0.14, 2440, 22, 0.06)
_CLAY = _bands(1411, 12, 0.24, 2167, 12, 0.12, 2205, 15, 0.30)
_CARBONATE = _bands(1880, 22, 0.05, 1990, 26, 0.07, 2334, 32, 0.30)
_GYPSUM = _bands(1447, 13, 0.26, 1492, 15, 0.18, 1751, 20, 0.14, 1941, 28, 0.48, 2214, 24, 0.14)
_MOISTURE = _bands(1425, 36, 0.14, 1925, 42, 0.30)


def _of(amount: float, absorptions: tuple[Absorption, ...]) -> tuple[Absorption, ...]:
    return tuple(band._replace(depth=band.depth * amount) for band in absorptions)


_LEAF: Knots = ((350, 0.30), (760, 0.45), (1050, 0.49), (1300, 0.46), (1650, 0.41), (2500, 0.30))
_NEEDLE: Knots = ((350, 0.19), (760, 0.30), (1080, 0.32), (1650, 0.24), (2500, 0.16))
_STRAW: Knots = ((350, 0.09), (520, 0.16), (720, 0.29), (1050, 0.41), (1350, 0.45), (2500, 0.36))
_EARTH: Knots = ((350, 0.10), (560, 0.22), (820, 0.33), (1300, 0.40), (1800, 0.42), (2500, 0.35))
_RUST: Knots = ((350, 0.11), (580, 0.22), (900, 0.31), (1300, 0.37), (1900, 0.37), (2500, 0.28))
_PALE: Knots = ((350, 0.22), (600, 0.38), (1000, 0.45), (1600, 0.46), (2500, 0.34))
_SLIME: Knots = ((350, 0.17), (650, 0.29), (1200, 0.33), (1800, 0.34), (2500, 0.26))

_SILTY: Knots = (
    *((350, 0.05), (480, 0.09), (580, 0.14), (700, 0.10), (800, 0.045)),
    *((920, 0.012), (1080, 0.014), (1300, 0.004), (2500, 0.003)),
)
_STILL: Knots = (
    *((350, 0.04), (480, 0.05), (560, 0.06), (700, 0.025), (800, 0.012)),
    *((1000, 0.005), (2500, 0.003)),
)

VARIETIES: tuple[tuple[Material, ...], ...] = (
    (
        Material("broad leaves", MATERIALS[0], _LEAF, _leaf(1.1, 1.0, 0.2)),
        Material("needles", MATERIALS[0], _NEEDLE, _leaf(1.2, 1.1, 0.4)),
        Material("young crop", MATERIALS[0], _LEAF, _leaf(0.8, 0.7, 0.2)),
    ),
    (
        Material(
            "stubble", MATERIALS[1], _STRAW, _bands(1480, 60, 0.12, 2098, 50, 0.22, 2308, 44, 0.18)
        ),
        Material(
            "withered grass",
            MATERIALS[1],
            ((350, 0.07), (520, 0.12), (720, 0.20), (1050, 0.31), (1350, 0.36), (2500, 0.28)),
            (*_bands(1490, 60, 0.15, 2104, 46, 0.18, 2312, 40, 0.15), *_leaf(0.12, 0.2, 0.0)),
        ),
    ),
    (
        Material(
            "alluvial loam",
            MATERIALS[2],
            _EARTH,
            (*_of(0.30, _IRON_YELLOW), *_of(0.3, _CLAY), *_MOISTURE),
        ),
        Material(
            "pale calcareous soil",
            MATERIALS[2],
            ((350, 0.17), (560, 0.32), (820, 0.42), (1300, 0.48), (2500, 0.41)),
            (*_of(0.5, _CARBONATE), *_of(0.2, _CLAY), *_of(0.7, _MOISTURE)),
        ),
        Material(
            "sandy soil",
            MATERIALS[2],
            ((350, 0.13), (560, 0.28), (820, 0.39), (1300, 0.47), (2500, 0.45)),
            (*_of(0.25, _IRON_YELLOW), *_of(0.2, _CLAY), *_of(0.5, _MOISTURE)),
        ),
        Material(
            "red earth",
            MATERIALS[2],
            ((350, 0.07), (560, 0.17), (820, 0.30), (1300, 0.37), (2500, 0.29)),
            (*_of(0.6, _IRON_RED), *_of(0.5, _CLAY), *_MOISTURE),
        ),
    ),
    (
        Material(
            "limonitic gossan",
            MATERIALS[3],
            _RUST,
            (*_of(1.9, _IRON_YELLOW), *_of(0.9, _WHITE_MICA), *_of(0.5, _MOISTURE)),
        ),
        Material(
            "goethitic waste rock",
            MATERIALS[3],
            ((350, 0.09), (580, 0.19), (900, 0.26), (1300, 0.31), (2500, 0.25)),
            (*_of(1.6, _IRON_YELLOW), *_of(0.6, _WHITE_MICA), *_of(0.8, _MOISTURE)),
        ),
        Material(
            "sericitic rock",
            MATERIALS[3],
            ((350, 0.15), (580, 0.25), (900, 0.31), (1300, 0.36), (2500, 0.30)),
            (*_of(1.4, _WHITE_MICA), *_of(1.3, _IRON_YELLOW), *_of(0.4, _MOISTURE)),
        ),
    ),
    (
        Material(
            "oxidised tailings beach",
            MATERIALS[4],
            _PALE,
            (*_of(1.5, _SULPHATE), *_of(0.35, _GYPSUM), *_of(0.5, _WHITE_MICA)),
        ),
        Material(
            "fresh sulphide tailings",
            MATERIALS[4],
            _SLIME,
            (*_of(0.9, _SULPHATE), *_of(0.5, _GYPSUM), *_of(0.6, _WHITE_MICA)),
        ),
        Material(
            "gypsum crust",
            MATERIALS[4],
            _PALE,
            (*_of(1.1, _SULPHATE), *_of(0.9, _GYPSUM), *_of(0.3, _WHITE_MICA)),
        ),
    ),
    (
        Material(
            "weathered concrete",
            MATERIALS[5],
            ((350, 0.17), (500, 0.24), (800, 0.30), (1500, 0.33), (2500, 0.29)),
            (*_of(0.35, _CARBONATE), *_of(0.4, _MOISTURE)),
        ),
        Material(
            "red painted sheet",
            MATERIALS[5],
            ((350, 0.06), (570, 0.07), (620, 0.30), (720, 0.44), (1000, 0.46), (2500, 0.38)),
            _bands(1195, 20, 0.04, 1725, 22, 0.12, 2305, 40, 0.22),
        ),
        Material(
            "worn asphalt",
            MATERIALS[5],
            ((350, 0.07), (700, 0.115), (1300, 0.165), (1900, 0.18), (2500, 0.17)),
            _bands(1735, 20, 0.03, 2305, 28, 0.06),
        ),
        Material(
            "blue steel sheet",
            MATERIALS[5],
            ((350, 0.28), (460, 0.42), (560, 0.22), (700, 0.14), (900, 0.34), (2500, 0.40)),
            _bands(620, 60, 0.4, 1730, 25, 0.10, 2310, 40, 0.20),
        ),
        Material(
            "plastic sheet",
            MATERIALS[5],
            ((350, 0.42), (500, 0.55), (900, 0.60), (1500, 0.56), (2500, 0.42)),
            _bands(1210, 18, 0.10, 1728, 20, 0.35, 2310, 24, 0.45, 1415, 26, 0.10),
        ),
        Material(
            "bright metal roof",
            MATERIALS[5],
            ((350, 0.44), (600, 0.60), (1000, 0.58), (1500, 0.68), (2500, 0.66)),
            _bands(840, 80, 0.10),
        ),
    ),
    (
        Material("silty water", MATERIALS[6], _SILTY),
        Material("still water", MATERIALS[6], _STILL),
    ),
)
"""Varieties of each of `MATERIALS`, in their order."""

OWN_SOIL_MATERIALS = (
    Material(
        "ploughed ochre earth",
        MATERIALS[2],
        ((350, 0.10), (580, 0.22), (900, 0.32), (1300, 0.39), (1900, 0.39), (2500, 0.30)),
        (*_of(1.4, _IRON_YELLOW), *_of(0.25, _IRON_RED), *_of(0.6, _CLAY), *_of(0.4, _MOISTURE)),
    ),
    Material(
        "washed river gravel",
        MATERIALS[2],
        ((350, 0.19), (600, 0.34), (1000, 0.41), (1600, 0.43), (2500, 0.34)),
        (*_of(1.1, _IRON_YELLOW), *_of(0.2, _CARBONATE), *_of(0.6, _WHITE_MICA)),
    ),
    Material(
        "salt crust",
        MATERIALS[2],
        ((350, 0.24), (600, 0.41), (1000, 0.49), (1600, 0.50), (2500, 0.38)),
        (*_of(0.5, _GYPSUM), *_of(1.0, _SULPHATE), *_of(0.5, _MOISTURE)),
    ),
)
"""Spectra of `gossan.examples.district.landscapes.OWN_SOILS`, in their order."""

# Share of each soil variety by geological unit (columns: loam, calcareous, sandy, red).
_SOIL_BY_UNIT = {
    "alluvium": (3.0, 0.3, 0.6, 0.2),
    "limestone": (0.4, 2.2, 0.1, 1.3),
    "sandstone": (0.4, 0.1, 3.0, 0.3),
    "slate": (2.0, 0.2, 0.2, 1.0),
    "basalt": (0.3, 0.1, 0.1, 3.4),
    "granite": (0.6, 0.1, 2.6, 0.6),
    "hornfels": (1.4, 0.4, 0.8, 0.9),
}


@dataclass(frozen=True)
class Palette:
    """The materials' spectra on one set of wavelengths.

    Parameters
    ----------
    wavelengths : ndarray, shape (bands,)
        Nanometres.
    fwhm : ndarray, shape (bands,)
        Full width at half maximum of each band, nanometres.
    """

    wavelengths: npt.NDArray[np.float64]
    fwhm: npt.NDArray[np.float64]

    @cached_property
    def varieties(self) -> tuple[npt.NDArray[np.float64], ...]:
        """Spectra (varieties, bands) of each material, seen through the bands' responses."""
        return tuple(self._seen(varieties) for varieties in VARIETIES)

    @cached_property
    def own_soils(self) -> npt.NDArray[np.float64]:
        """Spectra (soils, bands) of the soils that only some landscapes have."""
        return self._seen(OWN_SOIL_MATERIALS)

    def _seen(self, materials: tuple[Material, ...]) -> npt.NDArray[np.float64]:
        fine = np.arange(350.0, 2551.0)
        sigma = self.fwhm / 2.3548
        response = np.exp(
            -0.5 * ((fine[None, :] - self.wavelengths[:, None]) / sigma[:, None]) ** 2
        )
        response /= response.sum(axis=1, keepdims=True)
        return np.array([response @ material.spectrum(fine) for material in materials])

    @cached_property
    def means(self) -> npt.NDArray[np.float64]:
        """Mean spectrum of each material (materials, bands)."""
        return np.array([spectra.mean(axis=0) for spectra in self.varieties])


def variety_weights(patch: Patch, variation: float) -> list[FloatArray]:
    """Return how much of each variety a place shows, per material.

    Parameters
    ----------
    patch : Patch
        Rectangle of the world.
    variation : float
        0 = equal shares everywhere, 1 = one variety dominates most places.

    Returns
    -------
    list of ndarray, shape (rows, columns, varieties)
        Sums to one over the varieties.
    """
    weights = []
    for material, varieties in enumerate(VARIETIES):
        count = len(varieties)
        if material == BUILT:
            # A roof is of one kind; only natural materials blend.
            weights.append(_roofs(patch))
            continue
        lean = [_coarse_field(patch, f"{material}/{which}") for which in range(count)]
        share = np.exp(1.3 * np.stack(lean, axis=-1))
        if material == SOIL:
            table = np.array([_SOIL_BY_UNIT[unit.name] for unit in UNITS], dtype=np.float32)
            share *= table[patch.units - 1]
        share /= share.sum(axis=-1, keepdims=True)
        weights.append(((1.0 - variation) / count + variation * share).astype(np.float32))
    return weights


def _coarse_field(patch: Patch, purpose: str) -> FloatArray:
    """Return a field that changes over hundreds of metres, computed at 30 m where that is coarser.

    Nine times fewer places to compute, which decides over the time that large mosaics take.
    """
    grid, step = patch.grid, 30.0
    if grid.cell >= step:
        return patch.field(purpose, 1100.0, 4)
    columns = np.floor(grid.x / step).astype(np.int64)
    rows = -np.floor(grid.y / step).astype(np.int64)
    size = int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)
    coarse = Grid(columns[0] * step, (1 - rows[0]) * step, step, *size)
    values = patch.world.chance.field(purpose, coarse, 1100.0, octaves=4)
    return values[np.ix_(rows - rows[0], columns - columns[0])]


def _roofs(patch: Patch) -> FloatArray:
    """Return the roof of each place: one variety each; greenhouses are plastic, roads asphalt."""
    limits = np.array([0.36, 0.60, 0.84, 0.93, 0.95])
    which = np.searchsorted(limits, (patch.roof * 7.0) % 1.0)
    which[patch.cover == COVER_CODES["road"]] = 2
    which[patch.cover == COVER_CODES["greenhouse"]] = 4
    return np.eye(len(limits) + 1, dtype=np.float32)[which]
