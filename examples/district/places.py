"""Where the mines, ponds, towns and granites of the simulated world lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gossan.examples.district.fields import Chance, LatticePoint
from gossan.examples.district.landscapes import Landscape
from gossan.examples.district.shapes import Dam, Outline, outline

Bounds = tuple[float, float, float, float]

MINE_SPACING = 4200.0
TOWN_SPACING = 8000.0
POND_SPACING = 1100.0
RESERVOIR_SPACING = 1700.0
GRANITE_SPACING = 11000.0

# Ore, its share among the mines, impact class, and whether ore is milled into tailings.
ORES = (
    ("antimony", 0.22, "high", True),
    ("lead and zinc", 0.18, "high", True),
    ("copper", 0.12, "high", True),
    ("iron", 0.14, "high", True),
    ("limestone", 0.16, "high", False),
    ("gravel", 0.18, "low", False),
)


class Tailings(NamedTuple):
    """A tailings pond: its outline, the free water in it (levels below `wet`), and its dam.

    Some lie idle and are ``overgrown``.
    """

    pond: Outline
    wet: float
    overgrown: bool
    dam: Dam


@dataclass(frozen=True)
class Mine:
    """An open pit with its waste dump, plant and tailings ponds."""

    key: int
    x: float
    y: float
    ore: str
    impact: str
    name: str
    pit: Outline
    dump: Outline
    plant: Outline
    tailings: tuple[Tailings, ...]

    @property
    def metallic(self) -> bool:
        """Whether the ore carries metals that spread into the soil."""
        return self.ore not in ("limestone", "gravel")


class IrrigationPond(NamedTuple):
    """A farmer's reservoir with an earth dam: looks like a tailings pond, and is not.

    Water fills the levels below ``full``; pale mud lies bare around it.
    """

    pond: Outline
    full: float
    dam: Dam


@dataclass(frozen=True)
class Places:
    """All places around a district; the rest of the world is as full of them.

    Parameters
    ----------
    chance : Chance
        Randomness of the district.
    centre : tuple of float
        Where the main ore body lies, metres.
    landscape : Landscape
        What the country looks like.
    """

    chance: Chance
    centre: tuple[float, float]
    landscape: Landscape

    def mines(self, bounds: Bounds, margin: float = 0.0) -> list[Mine]:
        """Return the mines whose centre lies within `bounds` and a margin (metres)."""
        left, bottom, right, top = bounds
        x, y = self.centre
        found = []
        if left - margin <= x <= right + margin and bottom - margin <= y <= top + margin:
            found.append(self._mine(LatticePoint(0, x, y), main=True))
        for point in self.chance.lattice("mine", bounds, MINE_SPACING, 0.55, margin):
            if np.hypot(point.x - x, point.y - y) > 2600.0:
                found.append(self._mine(point))
        return found

    def _mine(self, point: LatticePoint, *, main: bool = False) -> Mine:
        chance, key, x, y = self.chance, point.key, point.x, point.y
        kinds = np.cumsum([share for _, share, _, _ in ORES])
        which = 0 if main else int(np.searchsorted(kinds, chance.number("ore", key) * kinds[-1]))
        ore, _, impact, milled = ORES[which]
        size = (230.0, 300.0) if main else (120.0, 280.0)
        pit = outline(chance, "pit", key, (x, y), size, (0.55, 0.9))
        toward = 2 * np.pi * chance.number("dump bearing", key)

        def beside(turn: float, distance: float) -> tuple[float, float]:
            return x + distance * np.cos(toward + turn), y + distance * np.sin(toward + turn)

        dump = outline(chance, "dump", key, beside(0.0, 430.0), (110.0, 190.0), (0.6, 1.0))
        plant = outline(chance, "plant", key, beside(1.3, 420.0), (60.0, 110.0), (0.6, 1.0), 0.05)
        count = (2 if main or chance.number("ponds", key) < 0.4 else 1) if milled else 0
        ponds = tuple(
            self._tailings(key + pond, beside(2.6 + 1.3 * pond, 620.0), main=main)
            for pond in range(count)
        )
        name = f"{_NAMES[key % len(_NAMES)]} {('Mine', 'Pit', 'Workings')[key % 3]}"
        return Mine(key, x, y, ore, impact, name, pit, dump, plant, ponds)

    def _tailings(self, key: int, centre: tuple[float, float], *, main: bool) -> Tailings:
        size = (200.0, 260.0) if main else (90.0, 260.0)
        pond = outline(self.chance, "tailings", key, centre, size, (0.55, 0.9))
        bearing = 2 * np.pi * self.chance.number("dam", key) - np.pi
        reach = 1.0 + 38.0 / (pond.radius * pond.stretch)
        wet = 0.2 + (0.35 if main else 0.6) * self.chance.number("wet", key)
        overgrown = not main and self.chance.number("overgrown", key) < 0.25
        return Tailings(pond, wet, overgrown, Dam(pond, bearing, 0.9, reach))

    def irrigation_ponds(self, bounds: Bounds, margin: float = 0.0) -> list[IrrigationPond]:
        """Return the irrigation ponds within `bounds` and a margin, none on a mine's ground."""
        mines = self.mines(bounds, margin + 2000.0)
        ponds = []
        for point in self.chance.lattice("pond", bounds, POND_SPACING, 0.5, margin):
            if any(np.hypot(mine.x - point.x, mine.y - point.y) < 1250.0 for mine in mines):
                continue
            pond = outline(
                self.chance, "pond", point.key, (point.x, point.y), (25.0, 130.0), (0.5, 1.0)
            )
            bearing = 2 * np.pi * self.chance.number("pond dam", point.key) - np.pi
            reach = 1.0 + 25.0 / (pond.radius * pond.stretch)
            drained = self.chance.number("drained", point.key)
            full = 1.02 if drained < 0.6 else 0.4 + 0.5 * self.chance.number("full", point.key)
            ponds.append(IrrigationPond(pond, full, Dam(pond, bearing, 0.8, reach)))
        if self.landscape.reservoirs:
            ponds += self._reservoirs(bounds, margin, mines)
        return ponds

    def _reservoirs(self, bounds: Bounds, margin: float, mines: list[Mine]) -> list[IrrigationPond]:
        """Return the shallow reservoirs of a dry country, which fall far and leave salt."""
        found = []
        for point in self.chance.lattice("reservoir", bounds, RESERVOIR_SPACING, 0.5, margin):
            if any(np.hypot(mine.x - point.x, mine.y - point.y) < 1400.0 for mine in mines):
                continue
            place = (point.x, point.y)
            pond = outline(self.chance, "reservoir", point.key, place, (70.0, 220.0), (0.5, 0.95))
            bearing = 2 * np.pi * self.chance.number("reservoir dam", point.key) - np.pi
            reach = 1.0 + 32.0 / (pond.radius * pond.stretch)
            full = 0.25 + 0.65 * self.chance.number("reservoir full", point.key)
            found.append(IrrigationPond(pond, full, Dam(pond, bearing, 0.8, reach)))
        return found

    def towns(self, bounds: Bounds, margin: float = 0.0) -> list[Outline]:
        """Return the towns within `bounds` and a margin; one always lies by the main mine."""
        x, y = self.centre
        turn = 2 * np.pi * self.chance.number("town bearing")
        main = LatticePoint(1, x + 1350.0 * np.cos(turn), y + 1350.0 * np.sin(turn))
        points = [main]
        for point in self.chance.lattice("town", bounds, TOWN_SPACING, 0.6, margin):
            if np.hypot(point.x - x, point.y - y) > 3500.0:
                points.append(point)
        return [
            outline(self.chance, "town", key, (px, py), (380.0, 900.0), (0.5, 0.95), 0.25)
            if key != 1
            else outline(self.chance, "town", key, (px, py), (300.0, 420.0), (0.6, 0.95), 0.2)
            for key, px, py in points
        ]

    def granites(self, bounds: Bounds, margin: float = 6000.0) -> list[Outline]:
        """Return the intrusions within `bounds` and a margin; one always feeds the main ore."""
        x, y = self.centre
        turn = 2 * np.pi * self.chance.number("granite bearing")
        points = [LatticePoint(1, x + 2900.0 * np.cos(turn), y + 2900.0 * np.sin(turn))]
        for point in self.chance.lattice("granite", bounds, GRANITE_SPACING, 0.5, margin):
            if np.hypot(point.x - x, point.y - y) > 7000.0:
                points.append(point)
        return [
            outline(self.chance, "granite", key, (px, py), (1700.0, 2400.0), (0.6, 0.9), 0.15)
            for key, px, py in points
        ]


_NAMES = (
    "Copperfield", "Red Gully", "Old Kiln", "Stony Ford", "Kestrel", "Black Spur", "Hollow Oak",
    "Lantern", "Saddle", "North Fold", "Greywacke", "Iron Beck", "Quartz Ridge", "Nine Wells",
    "Badger", "Fallow", "High Tarn", "Longshaft", "Magpie", "Rust Hill", "Sandle", "Tin Lane",
    "Yellow Cap",
)  # fmt: skip
