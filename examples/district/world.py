"""The simulated world: geology, terrain, land cover and what lies on the ground.

A `World` is one seed; a `Patch` is a rectangle of it at any cell size, whose properties are
computed when asked for. Everything follows from the place, so patches fit together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gossan.examples.district.difficulty import FROZEN, Difficulty
from gossan.examples.district.fields import Chance, FloatArray, Grid
from gossan.examples.district.places import Mine, Places

ClassArray = npt.NDArray[np.uint8]
Bounds = tuple[float, float, float, float]

MATERIALS = (
    "vegetation",
    "dry vegetation",
    "bare soil",
    "mining soil",
    "tailings",
    "built-up",
    "water",
)
VEGETATION, DRY, SOIL, MINING, TAILINGS, BUILT, WATER = range(len(MATERIALS))

COVERS = (
    "",
    "forest",
    "scrub",
    "crop",
    "bare field",
    "greenhouse",
    "town",
    "road",
    "river",
    "river bank",
    "irrigation pond",
    "pond dam",
    "pit",
    "waste dump",
    "tailings",
    "tailings water",
    "tailings dam",
    "plant",
)
COVER_CODES = {name: code for code, name in enumerate(COVERS) if name}


@dataclass(frozen=True)
class Unit:
    """A geological unit: name, map colour, hardness (0 to 1), susceptibility in SI x 1000."""

    name: str
    colour: str
    hardness: float
    susceptibility: float
    iron: float
    clay: float
    carbonate: float


UNITS = (
    Unit("alluvium", "#fff6b3", 0.10, 0.4, 0.30, 0.50, 0.10),
    Unit("limestone", "#7fb2e5", 0.65, 0.1, 0.10, 0.20, 1.00),
    Unit("sandstone", "#f2d06b", 0.95, 0.6, 0.25, 0.15, 0.05),
    Unit("slate", "#8c9a7b", 0.25, 1.2, 0.55, 0.90, 0.05),
    Unit("basalt", "#8a4b6b", 0.80, 18.0, 1.00, 0.60, 0.10),
    Unit("granite", "#f08a8a", 0.55, 3.5, 0.35, 0.40, 0.00),
    Unit("hornfels", "#b96fa8", 0.85, 9.0, 0.60, 0.35, 0.25),
)
"""Units by code - 1: class 1 is alluvium, 0 means no data."""
UNIT_CODES = {unit.name: code for code, unit in enumerate(UNITS, start=1)}
_SEQUENCE = ("limestone", "sandstone", "slate", "basalt")
_BED = 1300.0
"""Mean width of outcrop of a bed, metres."""
RIVER_SPACING = 13000.0
"""Metres between the rivers."""


@dataclass(frozen=True)
class World:
    """One seed of the simulated world.

    Parameters
    ----------
    seed : int
        Same seed, same world.
    centre : tuple of float
        Easting and northing of the main ore body, metres.
    extent : float
        Side of the surveyed square around it, metres; the world goes on beyond.
    difficulty : Difficulty
        How hard the products are to interpret.
    """

    seed: int
    centre: tuple[float, float]
    extent: float
    difficulty: Difficulty = FROZEN

    @cached_property
    def chance(self) -> Chance:
        """Randomness of this world."""
        return Chance(self.seed)

    @cached_property
    def places(self) -> Places:
        """Mines, ponds, towns and granites."""
        return Places(self.chance, self.centre)

    def patch(self, grid: Grid, *, season: float = 0.5) -> Patch:
        """Return a rectangle of the world.

        Parameters
        ----------
        grid : Grid
            Rectangle and cell size.
        season : float
            0 = dry season, 1 = height of the growing season.
        """
        return Patch(self, grid, season)

    @property
    def river_base(self) -> float:
        """Northing around which river 0 winds."""
        return self.centre[1] + 700.0

    def mines_on_river(self, river: int, bounds: Bounds) -> list[Mine]:
        """Return the mines whose tailings a river carries into `bounds`: 18 km up, 3.5 km aside."""
        base = self.river_base + RIVER_SPACING * river
        basin = (bounds[0] - 18000.0, base - 4400.0, bounds[2], base + 4400.0)
        return [
            mine
            for mine in self.places.mines(basin)
            if mine.tailings
            and abs(mine.y - self.river_course(river, np.array([mine.x]))[0]) < 3500.0
        ]

    def river_course(self, river: int, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the northing of a river at eastings `x`; rivers flow east."""
        base = self.river_base + RIVER_SPACING * river
        bends = np.zeros_like(x)
        for octave, (length, reach) in enumerate(((5200.0, 620.0), (1700.0, 190.0))):
            phase = 6.283 * self.chance.number(f"river phase {octave}", river)
            drift = 6.283 * self.chance.number(f"river drift {octave}", river)
            bends += reach * np.sin(6.283 * x / length + phase + 0.8 * np.sin(x / 3100.0 + drift))
        return base + bends


@dataclass(frozen=True)
class Patch:
    """A rectangle of the world at one cell size and season."""

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
    def mines(self) -> list[Mine]:
        """Mines that touch or dust this patch."""
        return self.world.places.mines(self.grid.bounds, 5200.0)

    # Geology

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
    def units(self) -> ClassArray:
        """Geological unit, code 1 to 7."""
        codes = np.array([UNIT_CODES[name] for name in _SEQUENCE], dtype=np.uint8)
        unit = codes[np.floor(self.beds).astype(np.int64) % len(codes)]
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
    def rivers(self) -> list[tuple[int, FloatArray]]:
        """Number and distance (rows, columns) in metres of the rivers that may be the nearest."""
        x, y = self.grid.x, self.grid.y
        base = self.world.river_base
        first = int(np.floor((self.grid.bounds[1] - base - 8000.0) / RIVER_SPACING))
        last = int(np.ceil((self.grid.bounds[3] - base + 8000.0) / RIVER_SPACING))
        found = []
        for river in range(first, last + 1):
            course = self.world.river_course(river, x)
            ahead = self.world.river_course(river, x + 10.0)
            lean = np.hypot(1.0, (ahead - course) / 10.0)
            distance = np.abs(y[:, None] - course[None, :]) / lean[None, :]
            found.append((river, distance.astype(np.float32)))
        return found

    @cached_property
    def river_distance(self) -> FloatArray:
        """Distance to the nearest river's middle, metres."""
        return np.minimum.reduce([distance for _, distance in self.rivers])

    # What mines have brought into the soil

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
                columns = np.flatnonzero(np.abs(x - source.x) < 4000.0)
                rows = np.flatnonzero(np.abs(y - source.y) < 4000.0)
                if not (len(columns) and len(rows)):
                    continue
                area = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
                east, north = x[area[1]][None, :] - source.x, y[area[0]][:, None] - source.y
                far = np.hypot(east, north)
                downwind = (east + north) / (1.414 * np.maximum(far, 1.0))
                beyond = np.maximum(far - 0.8 * source.radius, 0.0)
                total[area] += (
                    strength * np.exp(-beyond / (reach * (1.0 + wind * downwind))) * (far < 4000.0)
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
            for mine in self.world.mines_on_river(river, self.grid.bounds):
                down = x - mine.x
                load += np.where(down > 0, np.clip(1.0 - down / 18000.0, 0.0, 1.0) ** 2, 0.0)
            banks = np.exp(-((distance / np.maximum(reach, 60.0)) ** 2))
            washed += 0.6 * np.minimum(load, 1.2)[None, :].astype(np.float32) * banks
        return washed

    @cached_property
    def ground(self) -> FloatArray:
        """Make-up of the ground under plants: bare soil, mining soil, tailings; sums to one.

        Shape (rows, columns, 3).
        """
        cover = self.cover
        mining = 0.75 * self.alteration + 0.12 * self.dust
        tailings = 0.55 * self.dust + 0.7 * self.washed
        for name, ore_part, tailings_part in (
            ("pit", 0.80, 0.03),
            ("waste dump", 0.86, 0.06),
            ("tailings", 0.05, 0.93),
            ("tailings water", 0.05, 0.93),
            ("tailings dam", 0.45, 0.38),
            ("plant", 0.40, 0.35),
        ):
            here = cover == COVER_CODES[name]
            mining[here], tailings[here] = ore_part, tailings_part
        loose = np.clip(1.0 + 0.18 * self.field("ground", 90.0, 2), 0.4, 1.6)
        mining, tailings = mining * loose, tailings * (2.0 - loose)
        over = np.maximum(mining + tailings, 1.0)
        mining, tailings = mining / over, tailings / over
        return np.stack([1.0 - mining - tailings, mining, tailings], axis=-1).astype(np.float32)

    # Land cover

    @cached_property
    def parcels(self) -> npt.NDArray[np.float64]:
        """A number in [0, 1) per field parcel and per town block."""
        x, y = self.xy
        turn = 0.3 + self.world.chance.number("parcels")
        warp = 0.35 * self.field("parcel warp", 700.0)
        u = np.floor((x * np.cos(turn) + y * np.sin(turn)) / 95.0 + warp).astype(np.int64)
        v = np.floor((y * np.cos(turn) - x * np.sin(turn)) / 150.0 + warp).astype(np.int64)
        return self.world.chance.uniform("parcel", u, v)

    @cached_property
    def roof(self) -> npt.NDArray[np.float64]:
        """A number in [0, 1) per roof: cells of 50 m, the same at every cell size."""
        x, y = self.xy
        column, row = np.floor(x / 50.0).astype(np.int64), np.floor(y / 50.0).astype(np.int64)
        return self.world.chance.uniform("roof", column, row)

    @cached_property
    def cover(self) -> ClassArray:
        """Land-cover class, codes of `COVER_CODES`."""
        code = COVER_CODES
        places, bounds = self.world.places, self.grid.bounds
        valley = np.exp(-self.river_distance / 1400.0)
        wild = self.field("forest", 2300.0, 4) - 1.6 * valley + 0.004 * (self.elevation - 420.0)
        wild -= 0.8 * self.halo(700.0, kind="any")
        cover = np.full(wild.shape, code["scrub"], dtype=np.uint8)
        farm = wild < -0.15
        parcel = self.parcels
        cover[farm] = code["crop"]
        cover[farm & (parcel < 0.30)] = code["bare field"]
        cover[farm & (parcel > 0.972)] = code["greenhouse"]
        cover[wild > 0.35] = code["forest"]
        for town in places.towns(bounds, 2000.0):
            self._paint(cover, town, code["town"], rough=0.15)
        for distance in self._roads():
            cover[distance < 7.0] = code["road"]
        width = 28.0 + 8.0 * self.field("river width", 900.0)
        river = self.river_distance
        cover[river < width + 22.0 + 14.0 * self.field("bank", 220.0, 2)] = code["river bank"]
        cover[river < width] = code["river"]
        for pond in places.irrigation_ponds(bounds, 400.0):
            self._paint(cover, pond.pond, code["irrigation pond"])
            self._paint_dam(cover, pond.dam, code["pond dam"])
        for mine in self.mines:
            self._paint(cover, mine.pit, code["pit"], rough=0.04)
            self._paint(cover, mine.dump, code["waste dump"], rough=0.1)
            self._paint(cover, mine.plant, code["plant"])
            for tailings in mine.tailings:
                self._paint(cover, tailings.pond, code["tailings"])
                self._paint(cover, tailings.pond, code["tailings water"], tailings.wet, rough=0.1)
                self._paint_dam(cover, tailings.dam, code["tailings dam"])
        return cover

    def _paint(self, cover, shape, code, scale=1.0, rough=0.0) -> None:  # type: ignore[no-untyped-def]
        area = shape.slices(self.grid, 1.0 + 3 * rough)
        if area is None:
            return
        x, y = self.xy
        level, _ = shape.level(x[:, area[1]], y[area[0]])
        if rough:
            level = level + rough * self._edges[area]
        cover[area][level <= scale] = code

    def _paint_dam(self, cover, dam, code) -> None:  # type: ignore[no-untyped-def]
        area = dam.pond.slices(self.grid, dam.reach)
        if area is not None:
            x, y = self.xy
            cover[area][dam.inside(*dam.pond.level(x[:, area[1]], y[area[0]]))] = code

    @cached_property
    def _edges(self) -> FloatArray:
        return self.field("edges", 160.0, 2)

    def _roads(self) -> list[npt.NDArray[np.float64]]:
        """Return the distance to each family of roads, metres."""
        x, y = self.xy
        roads = []
        for purpose, a, b, spacing in (("east", x, y, 4700.0), ("north", y, x, 6100.0)):
            shift = spacing * self.world.chance.number(f"road {purpose}")
            bend = 260.0 * np.sin(a / 1900.0 + shift) + 90.0 * np.sin(a / 610.0)
            apart = (b + bend + shift) % spacing
            roads.append(np.minimum(apart, spacing - apart))
        return roads

    # What covers each cell

    @cached_property
    def abundances(self) -> FloatArray:
        """Share of each of `MATERIALS` in each cell (rows, columns, materials); sums to one."""
        cover = self.cover
        table = _COVER_TABLE[cover]
        lush = self.field("lush", 420.0, 3)
        green, dry = table[..., 0].copy(), table[..., 1].copy()
        built, water = table[..., 2].copy(), table[..., 3].copy()
        code = COVER_CODES
        crop = cover == code["crop"]
        ripe = self.world.chance.uniform("ripe", (self.parcels[crop] * 2**40).astype(np.int64))
        grown = np.clip(self.season + 0.9 * (ripe - 0.5), 0.0, 1.0)
        green[crop], dry[crop] = 0.10 + 0.75 * grown, 0.08 + 0.42 * (1 - grown) * ripe
        town = cover == code["town"]
        garden = self.roof[town]
        built[town] = np.where(garden < 0.68, 0.92, 0.12)
        green[town] = np.where(garden < 0.68, 0.03, 0.6)
        wild = (cover == code["scrub"]) | (cover == code["forest"])
        drought = 0.35 * (0.5 - self.season)
        dry[wild] += np.clip(drought, -0.05, 0.3) * (cover[wild] == code["scrub"])
        # Metals stunt plants.
        poisoned = 1.0 - 0.45 * (self.ground[..., 1] + self.ground[..., 2])
        green *= np.clip(1.0 + 0.22 * lush, 0.3, 1.5) * np.clip(poisoned, 0.3, 1.0)
        dry *= np.clip(1.0 - 0.3 * lush, 0.3, 1.8)
        covered = np.stack([green, dry, built, water], axis=-1)
        covered /= np.maximum(covered.sum(axis=-1, keepdims=True), 1.0)
        open_ground = 1.0 - covered.sum(axis=-1, keepdims=True)
        ground = self.ground * np.maximum(open_ground, 0.0)
        result = np.empty((*cover.shape, len(MATERIALS)), dtype=np.float32)
        result[..., [VEGETATION, DRY, BUILT, WATER]] = covered
        result[..., [SOIL, MINING, TAILINGS]] = ground
        return result


# Green plants, dry plants, built-up and water on each cover; the rest is open ground.
_COVER_TABLE = np.zeros((len(COVERS), 4), dtype=np.float32)
for _name, _shares in {
    "forest": (0.90, 0.06, 0, 0),
    "scrub": (0.42, 0.26, 0, 0),
    "crop": (0.5, 0.2, 0, 0),
    "bare field": (0.04, 0.10, 0, 0),
    "greenhouse": (0.05, 0.0, 0.9, 0),
    "town": (0.1, 0.02, 0.8, 0),
    "road": (0.03, 0.03, 0.75, 0),
    "river": (0, 0, 0, 1.0),
    "river bank": (0.06, 0.08, 0, 0.06),
    "irrigation pond": (0.02, 0, 0, 0.97),
    "pond dam": (0.12, 0.14, 0, 0),
    "pit": (0.01, 0.01, 0, 0.02),
    "waste dump": (0.04, 0.04, 0, 0),
    "tailings": (0.01, 0.01, 0, 0.03),
    "tailings water": (0.0, 0.0, 0, 0.72),
    "tailings dam": (0.05, 0.05, 0, 0),
    "plant": (0.03, 0.02, 0.6, 0.02),
}.items():
    _COVER_TABLE[COVER_CODES[_name]] = _shares
