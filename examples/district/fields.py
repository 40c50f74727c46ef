"""Grids of the simulated world and randomness that depends only on place.

Every random number is a hash of seed, purpose and place. Any block of any product can therefore
be made by itself, at any ground sampling distance, and shows the same world.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from affine import Affine
from scipy import sparse

from gossan.core.blocks import Window

TILE = 256
"""Side of the tiles in which rasters are stored, pixels."""

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """A north-up grid of square cells in the metres of the district's map projection.

    Parameters
    ----------
    left, top : float
        Outer corner, metres.
    cell : float
        Ground sampling distance, metres.
    height, width : int
        Rows and columns.
    """

    left: float
    top: float
    cell: float
    height: int
    width: int

    @cached_property
    def x(self) -> npt.NDArray[np.float64]:
        """Eastings of the column centres (width,)."""
        return np.asarray(self.left + (np.arange(self.width) + 0.5) * self.cell, dtype=np.float64)

    @cached_property
    def y(self) -> npt.NDArray[np.float64]:
        """Northings of the row centres (height,)."""
        return np.asarray(self.top - (np.arange(self.height) + 0.5) * self.cell, dtype=np.float64)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top in metres."""
        bottom = self.top - self.height * self.cell
        return self.left, bottom, self.left + self.width * self.cell, self.top

    @property
    def transform(self) -> Affine:
        """Affine transform from column and row to easting and northing."""
        return Affine(self.cell, 0.0, self.left, 0.0, -self.cell, self.top)

    def part(self, window: Window) -> Grid:
        """Return the grid of a window of this one."""
        left = self.left + window.column * self.cell
        top = self.top - window.row * self.cell
        return Grid(left, top, self.cell, window.height, window.width)

    def pieces(self, rows: int = 64, columns: int = TILE) -> Iterator[tuple[Window, Grid]]:
        """Yield windows with their grids, so ordered that a raster's tiles fill one by one."""
        for tile_row in range(0, self.height, TILE):
            for column in range(0, self.width, columns):
                for row in range(tile_row, min(tile_row + TILE, self.height), rows):
                    height = min(rows, self.height - row, tile_row + TILE - row)
                    window = Window(row, column, height, min(columns, self.width - column))
                    yield window, self.part(window)

    def refined(self, factor: int) -> Grid:
        """Return the same area with `factor` cells per cell and direction."""
        return Grid(
            self.left, self.top, self.cell / factor, self.height * factor, self.width * factor
        )

    def padded(self, cells: int) -> Grid:
        """Return this grid with `cells` more cells on each side."""
        return Grid(
            self.left - cells * self.cell,
            self.top + cells * self.cell,
            self.cell,
            self.height + 2 * cells,
            self.width + 2 * cells,
        )

    def covering(self, cell: float) -> Grid:
        """Return a grid of another cell size (metres) with the same corner that covers this one."""
        height = int(np.ceil(self.height * self.cell / cell - 1e-9))
        width = int(np.ceil(self.width * self.cell / cell - 1e-9))
        return Grid(self.left, self.top, cell, height, width)


class LatticePoint(NamedTuple):
    """A random place in a cell (column, row) of a lattice, with a key for further chances."""

    key: int
    x: float
    y: float


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def _mixed(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Scramble 64-bit states (the finaliser of SplitMix64; Steele, Lea and Flood, 2014)."""
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


@dataclass(frozen=True)
class Chance:
    """Random numbers and random fields of one seed."""

    seed: int

    def uniform(self, purpose: str, *places: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return numbers in [0, 1) for integer `places`, independent between purposes."""
        state = np.asarray(
            (self.seed * 1_000_003 + zlib.crc32(purpose.encode())) & 0xFFFFFFFFFFFFFFFF,
            dtype=np.uint64,
        ).reshape(1)
        with np.errstate(over="ignore"):
            state = _mixed(state + _GOLDEN)
            for place in places:
                code = np.asarray(place).astype(np.int64).view(np.uint64)
                state = _mixed(state ^ _mixed(code + _GOLDEN))
        numbers = (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return numbers if places and np.ndim(places[0]) else numbers.reshape(())

    def number(self, purpose: str, *places: int) -> float:
        """Return one number in [0, 1)."""
        return float(self.uniform(purpose, *places))

    def generator(self, purpose: str, *places: int) -> np.random.Generator:
        """Return a generator for noise that need not depend on place."""
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode()), *places])

    def field(self, purpose: str, grid: Grid, length: float, *, octaves: int = 1) -> FloatArray:
        """Return a smooth random field of mean 0 and variance 1.

        Parameters
        ----------
        purpose : str
            Fields of different purposes are independent.
        grid : Grid
            Where to evaluate it.
        length : float
            Distance between the knots of the coarsest octave, metres.
        octaves : int
            Each further octave has half the length and half the amplitude.

        Returns
        -------
        ndarray, shape (rows, columns)
            Cubic B-spline of random knots, float32.
        """
        total = np.zeros((grid.height, grid.width), dtype=np.float32)
        power = 0.0
        for octave in range(octaves):
            amplitude = 0.5**octave
            power += amplitude**2
            total += amplitude * self._octave(f"{purpose}/{octave}", grid, length * 0.5**octave)
        return total / np.float32(np.sqrt(power))

    def _octave(self, purpose: str, grid: Grid, length: float) -> FloatArray:
        columns, across = _spline(grid.x / length)
        rows, down = _spline(grid.y / length)
        knots = self.uniform(purpose, columns[None, :], rows[:, None])
        # Uniform knots have variance 1/12; the spline keeps 0.47937 of it in each direction.
        knots = (knots - 0.5) * (np.sqrt(12.0) / 0.47937)
        return (across @ (down @ knots.astype(np.float32)).T).T.astype(np.float32)

    def lattice(
        self,
        purpose: str,
        bounds: tuple[float, float, float, float],
        spacing: float,
        share: float,
        margin: float = 0.0,
    ) -> Iterator[LatticePoint]:
        """Yield random places, at most one per lattice cell, within `bounds` and a margin.

        Parameters
        ----------
        purpose : str
            What the places are for.
        bounds : tuple of float
            Left, bottom, right, top in metres.
        spacing : float
            Size of the lattice cells, metres; places keep 0.3 of it between each other.
        share : float
            Share of the cells that have a place, 0 to 1.
        margin : float
            Metres beyond the bounds.
        """
        left, bottom, right, top = bounds
        columns = range(int((left - margin) // spacing) - 1, int((right + margin) // spacing) + 2)
        for row in range(int((bottom - margin) // spacing) - 1, int((top + margin) // spacing) + 2):
            for column in columns:
                if self.number(f"{purpose}/there", column, row) >= share:
                    continue
                x = (column + 0.15 + 0.7 * self.number(f"{purpose}/x", column, row)) * spacing
                y = (row + 0.15 + 0.7 * self.number(f"{purpose}/y", column, row)) * spacing
                inside = left - margin <= x <= right + margin
                if inside and bottom - margin <= y <= top + margin:
                    key = int(self.number(f"{purpose}/key", column, row) * 2**52)
                    yield LatticePoint(key, x, y)


def _spline(position: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], sparse.csr_matrix]:
    """Return the knots that positions (n,) need and their weights (n, knots)."""
    base = np.floor(position).astype(np.int64)
    t = (position - base).astype(np.float32)
    weights = np.stack(
        [
            (1 - t) ** 3 / 6,
            (3 * t**3 - 6 * t**2 + 4) / 6,
            (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
            t**3 / 6,
        ],
        axis=1,
    )
    first = int(base.min()) - 1
    knots = np.arange(first, int(base.max()) + 3)
    columns = base[:, None] - 1 - first + np.arange(4)
    start = np.arange(0, 4 * len(position) + 1, 4)
    shape = (len(position), len(knots))
    return knots, sparse.csr_matrix((weights.ravel(), columns.ravel(), start), shape=shape)
