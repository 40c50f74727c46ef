"""What a district is made with, and the products that lie in its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gossan.core.errors import FileError, InputError
from gossan.examples.district.difficulty import FROZEN, Difficulty
from gossan.examples.district.fields import Grid
from gossan.examples.district.landscapes import HUMID, LANDSCAPES
from gossan.examples.district.world import World

CELL = 30.0
"""Ground sampling distance of the hyperspectral scene, metres."""


@dataclass(frozen=True)
class Settings:
    """What to simulate.

    Parameters
    ----------
    seed : int
        Same seed, same district.
    size : int
        Rows and columns of the 30 m hyperspectral scene; all other products cover its area.
    bands : int
        Bands of the hyperspectral scene, 12 or more.
    interleave : str
        ``"tif"`` for GeoTIFF; ``"bsq"``, ``"bil"`` or ``"bip"`` for ENVI.
    dates : int
        Dates of the Sentinel-2 images.
    shifted : bool
        Other season, sun and sensor gain in the Sentinel-2 images.
    level : str
        Sentinel-2 bands: ``"L2A"`` (B8A, no B10) or ``"L1C"`` as the source (B10, no B8A).
    landsat_scenes : int
        Number of Landsat scenes.
    landsat_size : int
        Rows and columns of a Landsat scene.
    difficulty : Difficulty
        How hard it is; frozen for all published figures.
    landscape : str
        ``"humid"``, or ``"dry"``: a country of ploughed red fields, gravel rivers and salty ponds.
    """

    seed: int = 1
    size: int = 400
    bands: int = 330
    interleave: str = "tif"
    dates: int = 4
    shifted: bool = False
    level: str = "L2A"
    landsat_scenes: int = 6
    landsat_size: int = 512
    difficulty: Difficulty = FROZEN
    landscape: str = HUMID

    def __post_init__(self) -> None:
        if self.size < 24:
            raise InputError(f"A district of {self.size} pixels is too small; take 24 or more.")
        if self.bands < 12:
            raise InputError(f"{self.bands} bands are too few for the district; take 12 or more.")
        if self.interleave not in ("tif", "bsq", "bil", "bip"):
            raise InputError(f"Interleave {self.interleave!r} is unknown: tif, bsq, bil or bip.")
        if self.level not in ("L2A", "L1C"):
            raise InputError(f"Level {self.level!r} is unknown: L2A or L1C.")
        if self.landscape not in LANDSCAPES:
            known = " or ".join(LANDSCAPES)
            raise InputError(f"Landscape {self.landscape!r} is unknown: {known}.")

    @property
    def grid(self) -> Grid:
        """Grid of the hyperspectral scene; districts of other seeds lie elsewhere."""
        left = 420_000.0 + 40_020.0 * (self.seed % 6)
        top = 3_100_020.0 - 40_020.0 * (self.seed // 6 % 6)
        return Grid(left, top, CELL, self.size, self.size)

    @property
    def world(self) -> World:
        """World of this seed, its main ore body near the middle of the grid."""
        half = self.size * CELL / 2
        centre = (self.grid.left + half, self.grid.top - half)
        return World(self.seed, centre, 2 * half, self.difficulty, self.landscape)


@dataclass(frozen=True)
class Product:
    """One file of the district.

    ``name`` is how to ask for it, ``file`` its name in the folder, ``kind`` is raster, table,
    features, library, text or folder, ``truth`` says that no real survey would have it.
    """

    name: str
    file: str
    kind: str
    about: str
    truth: bool = False
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class District:
    """A district on disk.

    Parameters
    ----------
    folder : Path
        Where its files are.
    settings : dict
        What it was made with.
    products : tuple of Product
        Its files.
    """

    folder: Path
    settings: dict[str, Any]
    products: tuple[Product, ...]

    @classmethod
    def open(cls, folder: str | Path) -> District:
        """Return the district in a folder, from its manifest.

        Raises
        ------
        FileError
            When there is no manifest.
        """
        path = Path(folder) / "manifest.json"
        if not path.is_file():
            raise FileError(f"{folder} holds no district: {path.name} is missing. Make it anew.")
        content = json.loads(path.read_text(encoding="utf-8"))
        products = tuple(Product(**product) for product in content["products"])
        return cls(Path(folder), content["settings"], products)

    def product(self, name: str) -> Product:
        """Return the product of that name."""
        for product in self.products:
            if product.name == name:
                return product
        known = ", ".join(product.name for product in self.products)
        raise InputError(f"The district in {self.folder} has no {name!r}. It has: {known}.")

    def path(self, name: str) -> Path:
        """Return the file of the product of that name."""
        return self.folder / self.product(name).file
