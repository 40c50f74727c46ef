"""The simulated world: what covers the ground, and what each cell is made of.

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
from gossan.examples.district.geology import ClassArray
from gossan.examples.district.landscapes import HUMID, LANDSCAPES, OWN_SOILS, Landscape
from gossan.examples.district.places import Places
from gossan.examples.district.pollution import Pollution
from gossan.examples.district.shapes import Dam, Outline

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
    "stubble",
    "pond mud",
    "overgrown tailings",
)
COVER_CODES = {name: code for code, name in enumerate(COVERS) if name}


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
    scenery : str
        One of `LANDSCAPES`.
    """

    seed: int
    centre: tuple[float, float]
    extent: float
    difficulty: Difficulty = FROZEN
    scenery: str = HUMID

    @cached_property
    def chance(self) -> Chance:
        """Randomness of this world."""
        return Chance(self.seed)

    @cached_property
    def places(self) -> Places:
        """Mines, ponds, towns and granites."""
        return Places(self.chance, self.centre, self.landscape)

    @property
    def landscape(self) -> Landscape:
        """What the country looks like."""
        return LANDSCAPES[self.scenery]

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


@dataclass(frozen=True)
class Patch(Pollution):
    """A rectangle of the world at one cell size and season."""

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
        cover[farm & (parcel < self._bare_parcels)] = code["bare field"]
        cover[farm & (parcel < 0.08)] = code["stubble"]
        cover[farm & (parcel > 0.985)] = code["greenhouse"]
        cover[wild > 0.35] = code["forest"]
        for town in places.towns(bounds, 2000.0):
            self._paint(cover, town, code["town"], rough=0.15)
        for distance in self._roads():
            cover[distance < 7.0] = code["road"]
        width = 28.0 + 8.0 * self.field("river width", 900.0)
        river = self.river_distance
        cover[river < width + 22.0 + 14.0 * self.field("bank", 220.0, 2)] = code["river bank"]
        if self.world.landscape.braided:
            bed = self.gravel_bed
            cover[bed] = code["river bank"]
            cover[bed & (np.abs(self.field("channels", 200.0, 3)) < 0.13)] = code["river"]
        cover[river < width] = code["river"]
        for pond in places.irrigation_ponds(bounds, 400.0):
            self._paint(cover, pond.pond, code["pond mud"])
            self._paint(cover, pond.pond, code["irrigation pond"], pond.full, rough=0.08)
            self._paint_dam(cover, pond.dam, code["pond dam"])
        for mine in self.mines:
            self._paint(cover, mine.pit, code["pit"], rough=0.04)
            self._paint(cover, mine.dump, code["waste dump"], rough=0.1)
            self._paint(cover, mine.plant, code["plant"])
            for tailings in mine.tailings:
                surface = "overgrown tailings" if tailings.overgrown else "tailings"
                self._paint(cover, tailings.pond, code[surface])
                self._paint(cover, tailings.pond, code["tailings water"], tailings.wet, rough=0.1)
                self._paint_dam(cover, tailings.dam, code["tailings dam"])
        return cover

    @property
    def _bare_parcels(self) -> FloatArray | float:
        """Parcels with a number below lie bare: of the estates that plough together, nearly all."""
        landscape = self.world.landscape
        if not landscape.estates:
            return landscape.bare
        estates = self.field("estates", 500.0, 2) > 1.0
        return np.where(estates, np.float32(landscape.estates), np.float32(landscape.bare))

    @cached_property
    def gravel_bed(self) -> npt.NDArray[np.bool_]:
        """Where a braided river has laid down gravel."""
        reach = self.world.landscape.braided * (1.0 + 0.8 * self.field("gravel bed", 1300.0, 2))
        return self.river_distance < reach

    @cached_property
    def strange_soils(self) -> FloatArray | None:
        """Share of each of the landscape's own soils in the soil (rows, columns, soils).

        None where the landscape has none.
        """
        landscape, cover = self.world.landscape, self.cover
        if not landscape.own_soils:
            return None
        shares = np.zeros((*cover.shape, len(OWN_SOILS)), dtype=np.float32)
        # Ochre earth comes in patches as wide as a mine; what was ploughed last shows it best.
        bare = cover == COVER_CODES["bare field"]
        parcel = (self.parcels[bare] * 2**40).astype(np.int64)
        ploughed = self.world.chance.uniform("ploughed", parcel)
        ochre = np.clip(0.25 + 0.9 * self.field("ochre", 420.0, 2)[bare], 0.0, 1.0)
        shares[bare, OWN_SOILS.index("ochre earth")] = ochre * (0.55 + 0.4 * ploughed)
        loose = np.clip(0.7 + 0.2 * self.field("gravel", 120.0, 2), 0.2, 0.95)
        bank = cover == COVER_CODES["river bank"]
        shares[bank, OWN_SOILS.index("river gravel")] = loose[bank]
        salt = np.clip(0.6 + 0.3 * self.field("salt", 200.0, 2), 0.1, 0.95)
        mud = cover == COVER_CODES["pond mud"]
        shares[mud, OWN_SOILS.index("salt crust")] = salt[mud]
        return shares

    def _paint(
        self,
        cover: ClassArray,
        shape: Outline,
        code: int,
        scale: float = 1.0,
        rough: float = 0.0,
    ) -> None:
        area = shape.slices(self.grid, 1.0 + 3 * rough)
        if area is None:
            return
        x, y = self.xy
        level, _ = shape.level(x[:, area[1]], y[area[0]])
        if rough:
            level = level + rough * self._edges[area]
        cover[area][level <= scale] = code

    def _paint_dam(self, cover: ClassArray, dam: Dam, code: int) -> None:
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
            ("overgrown tailings", 0.06, 0.88),
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
        turbid = cover == code["irrigation pond"]
        water[turbid] *= 1.0 - self.world.landscape.silt
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
    "stubble": (0.03, 0.82, 0, 0),
    "greenhouse": (0.05, 0.0, 0.9, 0),
    "town": (0.1, 0.02, 0.8, 0),
    "road": (0.03, 0.03, 0.75, 0),
    "river": (0, 0, 0, 1.0),
    "river bank": (0.06, 0.08, 0, 0.06),
    "irrigation pond": (0.02, 0, 0, 0.97),
    "pond mud": (0.04, 0.03, 0, 0.12),
    "overgrown tailings": (0.34, 0.22, 0, 0.02),
    "pond dam": (0.12, 0.14, 0, 0),
    "pit": (0.01, 0.01, 0, 0.02),
    "waste dump": (0.04, 0.04, 0, 0),
    "tailings": (0.01, 0.01, 0, 0.03),
    "tailings water": (0.0, 0.0, 0, 0.72),
    "tailings dam": (0.05, 0.05, 0, 0),
    "plant": (0.03, 0.02, 0.6, 0.02),
}.items():
    _COVER_TABLE[COVER_CODES[_name]] = _shares
