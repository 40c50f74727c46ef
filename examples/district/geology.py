"""Rocks, rivers and terrain: folded and faulted beds, granites that bake them, valleys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gossan.examples.district.fields import Chance, FloatArray, Grid

if TYPE_CHECKING:
    from gossan.examples.district.world import World

ClassArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Unit:
    """A geological unit: name, map colour, hardness and iron (0 to 1), SI susceptibility x 1000."""

    name: str
    colour: str
    hardness: float
    susceptibility: float
    iron: float


UNITS = (
    Unit("alluvium", "#fff6b3", 0.10, 0.4, 0.30),
    Unit("limestone", "#7fb2e5", 0.65, 0.1, 0.10),
    Unit("sandstone", "#f2d06b", 0.95, 0.6, 0.25),
    Unit("slate", "#8c9a7b", 0.25, 1.2, 0.55),
    Unit("basalt", "#8a4b6b", 0.80, 18.0, 1.00),
    Unit("granite", "#f08a8a", 0.55, 3.5, 0.35),
    Unit("hornfels", "#b96fa8", 0.85, 9.0, 0.60),
)
"""Units by code - 1: class 1 is alluvium, 0 means no data."""
UNIT_CODES = {unit.name: code for code, unit in enumerate(UNITS, start=1)}
_SEQUENCE = ("limestone", "sandstone", "slate", "basalt")
_BED = 1300.0
"""Mean width of outcrop of a bed, metres."""
RIVER_SPACING = 13000.0
"""Metres between the rivers."""


def river_base(centre: tuple[float, float], river: int) -> float:
    """Return the northing around which a river winds, by its number (0 is the main mine's)."""
    return centre[1] + 700.0 + RIVER_SPACING * river


def river_course(
    chance: Chance, base: float, river: int, x: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the northing of a river at eastings `x`; rivers flow east."""
    bends = np.zeros_like(x)
    for octave, (length, reach) in enumerate(((5200.0, 620.0), (1700.0, 190.0))):
        phase = 6.283 * chance.number(f"river phase {octave}", river)
        drift = 6.283 * chance.number(f"river drift {octave}", river)
        bends += reach * np.sin(6.283 * x / length + phase + 0.8 * np.sin(x / 3100.0 + drift))
    return base + bends


@dataclass(frozen=True)
class Geology:
    """The ground under a rectangle of the world, at one cell size.

    Parameters
    ----------
    world : World
        The district's world.
    grid : Grid
        Rectangle and cells.
    season : float
        0 = dry season, 1 = height of the growing season.
    """

    world: World
    grid: Grid
    season: float = 0.5

    def field(self, purpose: str, length: float, octaves: int = 1) -> FloatArray:
        """Return a random field of the world on this patch (mean 0, variance 1)."""
        return self.world.chance.field(purpose, self.grid, length, octaves=octaves)

    @cached_property
    def xy(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Eastings and northings as (1, columns) and (rows, 1)."""
        return self.grid.x[None, :], self.grid.y[:, None]

    @cached_property
    def granite_level(self) -> FloatArray:
        """Height of the granite's roof: above 0 it crops out, above -0.36 it has baked the rock."""
        level = np.full((self.grid.height, self.grid.width), -2.0, dtype=np.float32)
        x, y = self.xy
        for body in self.world.places.granites(self.grid.bounds):
            level = np.maximum(level, 1.0 - body.level(x, y)[0].astype(np.float32))
        return level + 0.06 * self.field("granite roof", 700.0, 2)

    @cached_property
    def beds(self) -> FloatArray:
        """Stratigraphic position in beds: folded, faulted, undulating."""
        x, y = self.xy
        chance = self.world.chance
        strike = 0.35 + 0.5 * chance.number("strike")
        across = (x * np.cos(strike) + y * np.sin(strike)) / _BED
        along = (-x * np.sin(strike) + y * np.cos(strike)) / _BED
        fold = 0.9 * np.sin(across * 0.55) + 0.35 * np.sin(along * 0.8)
        block = np.floor(along / 4.3 + 0.25 * np.sin(across * 0.6)).astype(np.int64)
        throw = 2.5 * chance.uniform("throw", block)
        position = across * 0.7 + fold + throw + 0.16 * self.field("contacts", 900.0, 3)
        return position.astype(np.float32)

    @cached_property
    def country_rock(self) -> ClassArray:
        """Bed that lies there, or lay there before granite baked it or gravel covered it."""
        codes = np.array([UNIT_CODES[name] for name in _SEQUENCE], dtype=np.uint8)
        return codes[np.floor(self.beds).astype(np.int64) % len(codes)]

    @cached_property
    def units(self) -> ClassArray:
        """Geological unit, code 1 to 7."""
        unit = self.country_rock.copy()
        level = self.granite_level
        unit[level > -0.36] = UNIT_CODES["hornfels"]
        unit[level > 0.0] = UNIT_CODES["granite"]
        plain = self.river_distance < 430.0 + 120.0 * self.field("flood plain", 1100.0, 2)
        unit[plain] = UNIT_CODES["alluvium"]
        return unit

    @cached_property
    def elevation(self) -> FloatArray:
        """Height above sea level, metres: hard rocks stand up, rivers cut down."""
        hardness = np.array([UNITS[UNIT_CODES[name] - 1].hardness for name in _SEQUENCE])
        # Hardness changes over a quarter of a bed, as slopes do.
        position = self.beds - 0.5
        lower = np.floor(position).astype(np.int64)
        t = np.clip((position - lower - 0.5) * 2.5 + 0.5, 0.0, 1.0)
        smooth = t * t * (3 - 2 * t)
        hard = (
            hardness[lower % len(hardness)] * (1 - smooth)
            + hardness[(lower + 1) % len(hardness)] * smooth
        )
        dome = 1.0 / (1.0 + np.exp(-(self.granite_level + 0.15) / 0.08))
        hard = hard * (1 - dome) + 0.75 * dome
        valley = 1.0 - np.exp(-((self.river_distance / 900.0) ** 2))
        relief = 110.0 * self.field("relief", 5200.0) + 42.0 * self.field("hills", 1500.0, 3)
        return (260.0 + (190.0 * hard + relief + 120.0) * valley).astype(np.float32)

    @cached_property
    def fabric(self) -> FloatArray:
        """What the rocks' make-up adds to the ground on a few pixels, metres.

        Karst pits in limestone, cuestas along the beds of sandstone, close gullies along the
        cleavage of slate, worn steps of basalt flows, tors on granite, crags on hornfels; gravel is
        level. Only the terrain model shows it: images are lit as if the ground were smooth.
        """
        layers = self.beds + 0.03 * self.field("bedding", 260.0, 2)
        knobs, pits = self.field("tors", 190.0, 2), self.field("karst", 150.0, 2)
        crags = self.field("crags", 110.0, 2)
        wave = 6.2832 * layers
        relief = {
            "alluvium": 0.3 * crags,
            "limestone": -5.0 * np.clip(pits, 0.0, None),
            "sandstone": 4.5 * np.sin(6.0 * wave) + 1.5 * crags,
            "slate": 3.0 * np.sin(11.0 * wave) + 1.5 * crags,
            "basalt": 1.5 * np.sign(np.sin(3.0 * wave)) + 0.7 * crags,
            "granite": 5.0 * np.clip(knobs, -0.3, None),
            "hornfels": 5.5 * crags,
        }
        return np.choose(self.units - 1, [relief[unit.name] for unit in UNITS]).astype(np.float32)

    @cached_property
    def rivers(self) -> list[tuple[int, FloatArray]]:
        """Number and distance (rows, columns) in metres of the rivers that may be the nearest."""
        x, y = self.grid.x, self.grid.y
        chance, centre = self.world.chance, self.world.centre
        south = self.grid.bounds[1] - river_base(centre, 0)
        north = self.grid.bounds[3] - river_base(centre, 0)
        first = int(np.floor((south - 8000.0) / RIVER_SPACING))
        last = int(np.ceil((north + 8000.0) / RIVER_SPACING))
        found = []
        for river in range(first, last + 1):
            base = river_base(centre, river)
            course = river_course(chance, base, river, x)
            ahead = river_course(chance, base, river, x + 10.0)
            lean = np.hypot(1.0, (ahead - course) / 10.0)
            distance = np.abs(y[:, None] - course[None, :]) / lean[None, :]
            found.append((river, distance.astype(np.float32)))
        return found

    @cached_property
    def river_distance(self) -> FloatArray:
        """Distance to the nearest river's middle, metres."""
        return np.minimum.reduce([distance for _, distance in self.rivers])
