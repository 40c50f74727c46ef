"""Metals in the soil: what lies everywhere, and what a few samples say about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gossan.core.blocks import Window
from gossan.examples.district.difficulty import Difficulty
from gossan.examples.district.fields import Grid
from gossan.examples.district.geology import UNITS
from gossan.examples.district.hyperspectral import SUBCELLS
from gossan.examples.district.world import BUILT, DRY, MATERIALS, VEGETATION, WATER, World

FloatArray = npt.NDArray[np.float32]


class Element(NamedTuple):
    """How an element comes into the soil.

    ``background`` in mg/kg; ``mining`` and ``tailings``: enrichment over the background in pure
    mining soil and tailings; ``rock``: how far it follows the iron of the rock below; ``smelter``:
    enrichment under the plume of a smelter long gone, which no image shows; ``unexplained``:
    factor on the difficulty's standard deviation.
    """

    name: str
    background: float
    mining: float
    tailings: float
    rock: float
    smelter: float
    unexplained: float


ELEMENTS = (
    Element("Cd", 0.28, 5.0, 9.0, 0.05, 0.10, 1.0),
    Element("Cr", 62.0, 1.8, 1.2, 0.25, 0.0, 0.7),
    Element("Cu", 26.0, 5.0, 4.0, 0.15, 0.05, 1.0),
    Element("Ni", 28.0, 2.0, 1.4, 0.25, 0.0, 0.8),
    Element("Pb", 34.0, 0.10, 0.15, 0.0, 3.0, 2.6),
    Element("Zn", 85.0, 3.5, 6.5, 0.10, 0.10, 1.0),
    Element("As", 16.0, 11.0, 9.0, 0.10, 0.05, 1.0),
    Element("Hg", 0.09, 4.0, 5.0, 0.0, 0.30, 1.3),
    Element("Sb", 6.0, 26.0, 38.0, 0.0, 0.05, 1.0),
)
METALS = tuple(element.name for element in ELEMENTS)
"""Eight metals of the soil survey, and antimony last."""
UNPREDICTABLE = "Pb"
"""The metal that nothing in the image tells."""


class Soil(NamedTuple):
    """A window of the soil's truth.

    ``metals`` (rows, columns, elements) mg/kg, NaN under water; ``ground`` (rows, columns, 3)
    shares of bare soil, mining soil and tailings under the plants; ``abundances`` as in the scene.
    """

    window: Window
    metals: FloatArray
    ground: FloatArray
    abundances: FloatArray
    cover: npt.NDArray[np.uint8]


def soil(world: World, grid: Grid) -> Iterator[Soil]:
    """Yield the soil's truth piece by piece on the pixels of the hyperspectral scene."""
    for window, part in grid.pieces():
        fine = world.patch(part.refined(SUBCELLS))
        shape = (part.height, SUBCELLS, part.width, SUBCELLS, -1)
        ground = fine.ground.reshape(shape).mean(axis=(1, 3))
        abundances = fine.abundances.reshape(shape).mean(axis=(1, 3))
        cover = fine.cover[SUBCELLS // 2 :: SUBCELLS, SUBCELLS // 2 :: SUBCELLS]
        metals = concentrations(world, part, ground)
        metals[abundances[..., WATER] > 0.5] = np.nan
        yield Soil(window, metals, ground, abundances, cover)


def concentrations(world: World, grid: Grid, ground: FloatArray) -> FloatArray:
    """Return the concentration of `ELEMENTS` (rows, columns, elements) in mg/kg.

    Parameters
    ----------
    world : World
        The district.
    grid : Grid
        Pixels.
    ground : ndarray, shape (rows, columns, 3)
        Shares of bare soil, mining soil and tailings.
    """
    patch = world.patch(grid)
    iron = np.array([unit.iron for unit in UNITS], dtype=np.float32)[patch.units - 1] - 0.4
    plume = _smelter_plume(world, grid)
    result = np.empty((grid.height, grid.width, len(ELEMENTS)), dtype=np.float32)
    shared = patch.field("soil", 1300.0, 2)
    for index, element in enumerate(ELEMENTS):
        own = patch.field(f"soil {element.name}", 900.0, 3)
        nugget = patch.field(f"nugget {element.name}", 40.0)
        unexplained = 0.45 * shared + 0.75 * own + 0.48 * nugget
        enriched = 1.0 + element.mining * ground[..., 1] + element.tailings * ground[..., 2]
        enriched = enriched + element.smelter * plume
        spread = world.difficulty.unexplained * element.unexplained * unexplained
        result[..., index] = element.background * enriched * np.exp(element.rock * iron + spread)
    return result


def _smelter_plume(world: World, grid: Grid) -> npt.NDArray[np.float64]:
    """Return the fall-out of a smelter that was pulled down long ago (rows, columns), 0 to 1."""
    turn = 2 * np.pi * world.chance.number("smelter")
    x = grid.x[None, :] - world.centre[0] - 2100.0 * np.cos(turn)
    y = grid.y[:, None] - world.centre[1] - 2100.0 * np.sin(turn)
    return np.asarray(np.exp(-np.hypot(0.7 * x + 0.3 * y, 1.2 * (y - 0.2 * x)) / 1500.0))


@dataclass(frozen=True)
class SoilSamples:
    """Soil samples with the laboratory's values and the truth at their pixels.

    Parameters
    ----------
    names : tuple of str
        Sample numbers; a field replicate ends in ``-R``, a row entered twice repeats its name.
    x, y : ndarray, shape (n,)
        Coordinates, metres.
    texts : tuple of tuple of str
        The laboratory's values as it writes them, per sample and element.
    truth : ndarray, shape (n, elements)
        Concentration at the sample's pixel, mg/kg.
    ground : ndarray, shape (n, 3)
        Shares of bare soil, mining soil and tailings in the sample.
    abundances : ndarray, shape (n, materials)
        True abundances of the sample's pixel.
    detection : tuple of (str, float, float)
        Element, lower and upper limit of the laboratory (mg/kg), where a value passed one.
    """

    names: tuple[str, ...]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    texts: tuple[tuple[str, ...], ...]
    truth: npt.NDArray[np.float64]
    ground: npt.NDArray[np.float64]
    abundances: npt.NDArray[np.float64]
    detection: tuple[tuple[str, float, float], ...]


class Survey:
    """Chooses where to sample while the soil's truth passes by, piece after piece.

    Parameters
    ----------
    world : World
        The district.
    grid : Grid
        Pixels of the hyperspectral scene.
    """

    CANDIDATES = 24_000

    def __init__(self, world: World, grid: Grid) -> None:
        self._world, self._grid = world, grid
        rng = world.chance.generator("candidates")
        count = min(self.CANDIDATES, grid.height * grid.width)
        flat = rng.choice(grid.height * grid.width, size=count, replace=False)
        self._rows, self._columns = np.divmod(flat, grid.width)
        self._metals = np.full((count, len(ELEMENTS)), np.nan, dtype=np.float32)
        self._ground = np.zeros((count, 3), dtype=np.float32)
        self._abundances = np.zeros((count, len(MATERIALS)), dtype=np.float32)
        self._cover = np.zeros(count, dtype=np.uint8)

    def pass_by(self, piece: Soil) -> None:
        """Note what lies at the candidate places of this piece."""
        row, column, height, width = piece.window
        here = (self._rows >= row) & (self._rows < row + height)
        here &= (self._columns >= column) & (self._columns < column + width)
        at = (self._rows[here] - row, self._columns[here] - column)
        self._metals[here] = piece.metals[at]
        self._ground[here] = piece.ground[at]
        self._abundances[here] = piece.abundances[at]
        self._cover[here] = piece.cover[at]

    def samples(self) -> SoilSamples:
        """Return the samples, once the whole district has passed by."""
        metals, ground, abundances = self._metals, self._ground, self._abundances
        difficulty = self._world.difficulty
        rng = self._world.chance.generator("survey")
        chosen = self._choose(difficulty, rng)
        grid = self._grid
        # Samplers hit the pixel, not its centre.
        offset = rng.uniform(-0.3, 0.3, size=(2, len(chosen))) * grid.cell
        x = np.round(grid.x[self._columns[chosen]] + offset[0], 1)
        y = np.round(grid.y[self._rows[chosen]] + offset[1], 1)
        replicate, twice = len(chosen) // 3, len(chosen) // 2
        order = np.concatenate([np.arange(len(chosen)), [replicate, twice]])
        names = [f"S{number + 1:03d}" for number in range(len(chosen))]
        names += [names[replicate] + "-R", names[twice]]
        truth = metals[chosen][order].astype(np.float64)
        error = np.exp(rng.normal(0.0, difficulty.laboratory_error, size=truth.shape))
        error[-1] = error[twice]
        texts, detection = _laboratory_texts(truth * error)
        return SoilSamples(
            tuple(names),
            x[order],
            y[order],
            texts,
            truth,
            ground[chosen][order].astype(np.float64),
            abundances[chosen][order].astype(np.float64),
            detection,
        )

    def _choose(self, difficulty: Difficulty, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return the candidates to sample: open ground, dense where the ground is polluted."""
        wet = self._abundances[:, WATER] > 0.3
        built = self._abundances[:, BUILT] > 0.5
        grown = self._abundances[:, VEGETATION] + self._abundances[:, DRY] > 0.5
        usable = ~(wet | built | grown)
        foreign = self._ground[:, 1] + self._ground[:, 2]
        # Three parts of the survey: workings and ponds, their surroundings, the rest; where the
        # district is too small for a part, the samples lie wherever there is soil.
        strata = np.digitize(foreign, (0.08, 0.45))
        wanted = round(0.24 * difficulty.samples), round(0.40 * difficulty.samples)
        chosen: list[int] = []
        self._add(chosen, usable & (strata == 2), wanted[0], 2.0, rng)
        self._add(chosen, usable & (strata == 1), wanted[1], 2.0, rng)
        for pool, gap in ((usable & (strata == 0), 2.0), (usable, 1.0), (~wet, 0.0)):
            self._add(chosen, pool, difficulty.samples - len(chosen), gap, rng)
        return np.array(sorted(chosen), dtype=np.int64)

    def _add(
        self,
        chosen: list[int],
        pool: npt.NDArray[np.bool_],
        wanted: int,
        gap: float,
        rng: np.random.Generator,
    ) -> None:
        """Add up to `wanted` candidates of the pool, more than `gap` pixels from those chosen."""
        x, y = self._columns, self._rows
        end = len(chosen) + wanted
        for candidate in rng.permutation(np.flatnonzero(pool)):
            if len(chosen) >= end:
                break
            if (
                not chosen
                or np.hypot(x[chosen] - x[candidate], y[chosen] - y[candidate]).min() > gap
            ):
                chosen.append(int(candidate))


def _laboratory_texts(
    values: npt.NDArray[np.float64],
) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, float, float], ...]]:
    """Return the values as a laboratory writes them: three digits, ``<``, ``>`` at limits."""
    texts = [[f"{_three_digits(value):g}" for value in row] for row in values]
    limits = []
    for name, below, above in (("Cd", 2, 0), ("Hg", 3, 0), ("Sb", 0, 2)):
        column = METALS.index(name)
        ranked = np.sort(values[:, column])
        low = _three_digits(ranked[below] * 0.999) if below else 0.0
        high = _three_digits(ranked[-1 - above] * 1.001) if above else np.inf
        for row, value in enumerate(values[:, column]):
            if value < low:
                texts[row][column] = f"<{low:g}"
            elif value > high:
                texts[row][column] = f">{high:g}"
        limits.append((name, float(low), float(high)))
    return tuple(tuple(row) for row in texts), tuple(limits)


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")
