"""Outlines of pits, ponds, dams and towns: star-shaped, so that inside is one comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gossan.examples.district.fields import Chance, Grid

Ring = list[tuple[float, float]]


@dataclass(frozen=True)
class Outline:
    """A closed outline around a centre.

    Parameters
    ----------
    x, y : float
        Centre, metres.
    radius : float
        Mean radius along the long axis, metres.
    stretch : float
        Short axis over long axis, 0 to 1.
    angle : float
        Direction of the long axis, radians from east.
    waves : tuple of (int, float, float)
        Order, relative amplitude and phase of the outline's undulations.
    """

    x: float
    y: float
    radius: float
    stretch: float = 1.0
    angle: float = 0.0
    waves: tuple[tuple[int, float, float], ...] = ()

    def edge(self, bearing: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the edge's distance (metres, before the stretch) at bearings in radians."""
        bearing = np.asarray(bearing, dtype=np.float64)
        shape = np.ones_like(bearing)
        for order, amplitude, phase in self.waves:
            shape += amplitude * np.cos(order * bearing + phase)
        return self.radius * shape

    def level(
        self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return distance from the centre over the edge's distance (1 = edge), and the bearing."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        along = (x - self.x) * cosine + (y - self.y) * sine
        across = ((y - self.y) * cosine - (x - self.x) * sine) / self.stretch
        bearing = np.arctan2(across, along)
        return np.hypot(along, across) / self.edge(bearing), bearing

    def ring(
        self, scale: float = 1.0, start: float = -np.pi, end: float = np.pi, steps: int = 72
    ) -> Ring:
        """Return points of the outline times `scale`, between two bearings, anticlockwise."""
        bearing = np.linspace(start, end, steps + 1)
        reach = self.edge(bearing) * scale
        along, across = reach * np.cos(bearing), reach * np.sin(bearing) * self.stretch
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        x = self.x + along * cosine - across * sine
        y = self.y + along * sine + across * cosine
        return [(float(a), float(b)) for a, b in zip(x, y)]

    def slices(self, grid: Grid, reach: float = 1.0) -> tuple[slice, slice] | None:
        """Return the rows and columns of `grid` that the outline times `reach` may touch."""
        size = self.radius * reach * (1.0 + sum(abs(wave[1]) for wave in self.waves))
        first_column = int(np.floor((self.x - size - grid.left) / grid.cell))
        last_column = int(np.ceil((self.x + size - grid.left) / grid.cell))
        first_row = int(np.floor((grid.top - self.y - size) / grid.cell))
        last_row = int(np.ceil((grid.top - self.y + size) / grid.cell))
        rows = slice(max(first_row, 0), min(last_row, grid.height))
        columns = slice(max(first_column, 0), min(last_column, grid.width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        return rows, columns


@dataclass(frozen=True)
class Dam:
    """A wall along a part of a pond's edge: bearings `centre` +- `half`, up to `reach` levels."""

    pond: Outline
    centre: float
    half: float
    reach: float

    def inside(
        self, level: npt.NDArray[np.float64], bearing: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.bool_]:
        """Return where the wall stands, from the pond's level and bearing."""
        apart = np.abs((bearing - self.centre + np.pi) % (2 * np.pi) - np.pi)
        return (level > 1.0) & (level <= self.reach) & (apart <= self.half)

    def ring(self) -> Ring:
        """Return the wall's outline, closed."""
        start, end = self.centre - self.half, self.centre + self.half
        inner = self.pond.ring(1.0, start, end, 24)
        outer = self.pond.ring(self.reach, start, end, 24)
        return [*inner, *outer[::-1], inner[0]]


def outline(
    chance: Chance,
    purpose: str,
    key: int,
    centre: tuple[float, float],
    radius: tuple[float, float],
    stretch: tuple[float, float],
    rough: float = 0.12,
) -> Outline:
    """Return a random outline: radius (metres) and stretch from ranges, undulation `rough`."""

    def between(what: str, low: float, high: float) -> float:
        return low + (high - low) * chance.number(f"{purpose}/{what}", key)

    waves = tuple(
        (order, rough / (order - 1) * between(f"wave{order}", 0.3, 1.0), between("phase", 0, 6.28))
        for order in (2, 3, 5)
    )
    return Outline(
        centre[0],
        centre[1],
        between("radius", *radius),
        between("stretch", *stretch),
        between("angle", 0.0, np.pi),
        waves,
    )
