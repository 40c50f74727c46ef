"""What mines have brought into the soil: alteration, dust, and tailings that rivers carry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gossan.examples.district.fields import FloatArray
from gossan.examples.district.geology import Geology, river_base, river_course
from gossan.examples.district.places import Mine

_FAR = 4000.0
"""Metres beyond which a mine brings nothing through the air."""
_DOWNSTREAM = 18000.0
"""Metres that a river carries tailings."""


@dataclass(frozen=True)
class Pollution(Geology):
    """What lies in the soil of a rectangle of the world, at one cell size."""

    @cached_property
    def mines(self) -> list[Mine]:
        """Mines that touch or dust this patch."""
        return self.world.places.mines(self.grid.bounds, _FAR + 1200.0)

    def halo(self, reach: float, *, kind: str, wind: float = 0.0) -> FloatArray:
        """Return the sum over the mines of exp(-distance / reach), cut off at 4 km.

        Parameters
        ----------
        reach : float
            Metres over which it falls to 1/e.
        kind : str
            ``"ore"`` (around the pit), ``"tailings"`` (around the ponds) or ``"any"``.
        wind : float
            0 = round; towards 1 = drawn out to the north-east, downwind.
        """
        total = np.zeros((self.grid.height, self.grid.width), dtype=np.float32)
        x, y = self.grid.x, self.grid.y
        for mine in self.mines:
            if not mine.metallic:
                continue
            sources = [(mine.pit, 1.0)] if kind in ("ore", "any") else []
            if kind in ("tailings", "any"):
                sources += [(pond.pond, 0.8) for pond in mine.tailings]
            for source, strength in sources:
                columns = np.flatnonzero(np.abs(x - source.x) < _FAR)
                rows = np.flatnonzero(np.abs(y - source.y) < _FAR)
                if not (len(columns) and len(rows)):
                    continue
                area = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
                east, north = x[area[1]][None, :] - source.x, y[area[0]][:, None] - source.y
                far = np.hypot(east, north)
                downwind = (east + north) / (1.414 * np.maximum(far, 1.0))
                beyond = np.maximum(far - 0.8 * source.radius, 0.0)
                total[area] += (
                    strength * np.exp(-beyond / (reach * (1.0 + wind * downwind))) * (far < _FAR)
                )
        return np.minimum(total, 1.5)

    @cached_property
    def alteration(self) -> FloatArray:
        """Hydrothermal alteration around the ore bodies, 0 to 1, in veins."""
        veins = np.clip(0.62 + 0.42 * self.field("veins", 260.0, 3), 0.0, 1.0)
        return np.clip(self.halo(760.0, kind="ore") * veins, 0.0, 1.0)

    @cached_property
    def dust(self) -> FloatArray:
        """Tailings blown onto the soil, 0 to 1."""
        patchy = np.clip(0.75 + 0.3 * self.field("dust", 380.0, 2), 0.1, None)
        return np.clip(0.95 * self.halo(820.0, kind="tailings", wind=0.45) * patchy, 0.0, 1.0)

    @cached_property
    def washed(self) -> FloatArray:
        """Tailings that the rivers have laid down on their banks below the mines, 0 to 1."""
        x = self.grid.x
        reach = 170.0 + 60.0 * self.field("bank width", 800.0)
        washed = np.zeros(reach.shape, dtype=np.float32)
        for river, distance in self.rivers:
            if distance.min() > 1500.0:
                continue
            load = np.zeros_like(x)
            for mine in self._mines_on_river(river):
                down = x - mine.x
                load += np.where(down > 0, np.clip(1.0 - down / _DOWNSTREAM, 0.0, 1.0) ** 2, 0.0)
            banks = np.exp(-((distance / np.maximum(reach, 60.0)) ** 2))
            washed += 0.6 * np.minimum(load, 1.2)[None, :].astype(np.float32) * banks
        return washed

    def _mines_on_river(self, river: int) -> list[Mine]:
        """Return the mines near a river, here and upstream, that have tailings."""
        world = self.world
        base = river_base(world.centre, river)
        left, _, right, _ = self.grid.bounds
        basin = (left - _DOWNSTREAM, base - 4400.0, right, base + 4400.0)
        near = []
        for mine in world.places.mines(basin):
            course = river_course(world.chance, base, river, np.array([mine.x]))[0]
            if mine.tailings and abs(mine.y - course) < 3500.0:
                near.append(mine)
        return near
