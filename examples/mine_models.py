"""The two models of mines that ship for the demonstration, trained on simulated districts.

They know nothing of the real world. Districts of many seeds are simulated, each as another date
and sensor would show it; their cells are cut as tiles and chips through the same jobs that the
toolbox runs.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gossan.core.bundle import read_bundle, write_bundle
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, Window, open_raster
from gossan.examples.district.landscapes import HUMID
from gossan.examples.district.products import Settings
from gossan.examples.district.sentinel import MOSAIC, Look, Sun, write_image
from gossan.examples.district.world import COVER_CODES, World
from gossan.models.mines import geometry
from gossan.models.mines.masks import RasterMask, mine_shares
from gossan.models.registry import load

MINE_COVERS = (
    "pit",
    "waste dump",
    "tailings",
    "tailings water",
    "tailings dam",
    "plant",
    "overgrown tailings",
)
"""What belongs to a mine in the truth of the district."""

TRAINING_SEEDS = tuple(range(101, 117))
SIZE = 400
TILE = 702
EPOCHS = 25
SHIFTS = ((0, 0), (-8, 3), (6, 8))
"""Where impact chips are cut around the centre of a cell, pixels."""

_BACKGROUND_PER_DISTRICT = 40


@dataclass(frozen=True)
class Area:
    """A simulated district with one image of it.

    Parameters
    ----------
    seed, size : int
        As for the district: size in pixels of 30 m.
    look : Look
        How the image looks.
    name : str
        Folder of its files.
    landscape : str
        One of the district's landscapes.
    """

    seed: int
    size: int
    look: Look
    name: str
    landscape: str = HUMID

    @property
    def settings(self) -> Settings:
        """The district's settings."""
        return Settings(seed=self.seed, size=self.size, landscape=self.landscape)

    @property
    def world(self) -> World:
        """The district's world."""
        return self.settings.world

    def image(self, folder: Path) -> Path:
        """Return where its image is."""
        return folder / self.name / "sentinel2_mosaic.tif"

    def cover(self, folder: Path) -> Path:
        """Return where its true land cover is."""
        return folder / self.name / "sentinel2_mosaic_cover.tif"

    def mask(self, folder: Path) -> Path:
        """Return where the mask of its mines is."""
        return folder / self.name / "mines.tif"


def any_look(seed: int) -> Look:
    """Return how some date of some year would show a district: season, sun, haze and gains."""
    random = np.random.default_rng(seed)
    return Look(
        "",
        season=random.uniform(0.0, 1.0),
        sun=Sun(random.uniform(30.0, 68.0), random.uniform(100.0, 165.0)),
        haze=random.uniform(0.0, 0.016),
        gain=(random.uniform(0.9, 1.1), random.uniform(0.9, 1.1)),
    )


def training_areas(seeds: Sequence[int] = TRAINING_SEEDS, size: int = SIZE) -> list[Area]:
    """Return the districts to learn from: every fourth as the mosaic, the others of any look."""
    return [
        Area(seed, size, MOSAIC if seed % 4 == 0 else any_look(seed), f"training-{seed}")
        for seed in seeds
    ]


def simulate(area: Area, folder: Path) -> None:
    """Write image, land cover and mask of an area, unless they are there."""
    mask = area.mask(folder)
    if mask.exists():
        return
    mask.parent.mkdir(parents=True, exist_ok=True)
    settings = area.settings
    write_image(
        area.world, settings.grid.refined(3), mask.parent, area.look, settings.level, Progress()
    )
    with open_raster(area.cover(folder)) as cover:
        info = cover.info
        codes = [COVER_CODES[name] for name in MINE_COVERS]
        found = np.isin(cover.read_stored()[..., 0], codes).astype(np.uint8)
    with RasterWriter.like(mask, info, bands=["mine"], dtype="uint8") as writer:
        writer.write(Window(0, 0, info.height, info.width), found)


def train_detector(
    areas: Sequence[Area],
    folder: Path,
    model: Path,
    *,
    epochs: int = EPOCHS,
    appearance: float = 0.08,
    folds: int = 0,
    seed: int = 1,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Train a detector on all cells of some areas.

    Parameters
    ----------
    areas : sequence of Area
    folder : Path
        Where their files are, or will be.
    model : Path
        To be written.
    epochs : int
    appearance : float
    folds : int
        Of the validation by districts; 0 trains without.
    """
    progress = progress or Progress()
    for area in areas:
        simulate(area, folder)
    chips = folder / f"tiles-{areas[0].name}-{len(areas)}"
    if not chips.exists():
        load("mines.extract_chips")(
            progress,
            images=[str(area.image(folder)) for area in areas],
            masks=[str(area.mask(folder)) for area in areas],
            kind="tiles of cells",
            tile_size=TILE,
            output=str(chips),
        )
    found = load("mines.train_detector")(
        progress,
        chips=[str(chips)],
        model=str(model),
        report=str(model.with_suffix(".html")),
        validation="groups" if folds else "none",
        folds=max(folds, 2),
        epochs=epochs,
        batch=8,
        decline=0.1,
        appearance=appearance,
        seed=seed,
        state_folder=str(folder),
        origin={"algorithm": "scripts/train_simulated_mines.py"},
    )
    return dict(found)


def train_impact(
    areas: Sequence[Area],
    folder: Path,
    model: Path,
    *,
    epochs: int = 12,
    seed: int = 1,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Train an impact classifier on the mines and on the background of some areas."""
    progress = progress or Progress()
    images, tables = [], []
    for area in areas:
        simulate(area, folder)
        images.append(str(area.image(folder)))
        tables.append(str(impact_points(area, folder)))
    chips = folder / f"impact-{areas[0].name}-{len(areas)}"
    if not chips.exists():
        load("mines.extract_chips")(
            progress,
            images=images,
            points=tables,
            class_field="class",
            group_field="site",
            kind="impact: 21 px",
            output=str(chips),
        )
    found = load("mines.train_impact")(
        progress,
        chips=[str(chips)],
        model=str(model),
        report=str(model.with_suffix(".html")),
        table=str(model.with_suffix(".csv")),
        folds=2,
        epochs=epochs,
        appearance=0.05,
        decline=0.1,
        seed=seed,
        state_folder=str(folder),
        origin={"algorithm": "scripts/train_simulated_mines.py"},
    )
    return dict(found)


def impact_points(area: Area, folder: Path) -> Path:
    """Write the places of impact chips of an area: its cells of mines, and some without."""
    with open_raster(area.mask(folder)) as mask, open_raster(area.cover(folder)) as cover:
        shares = mine_shares(RasterMask(mask), mask.info.height, mask.info.width, Progress())
        classes = cover.read_stored()[..., 0]
    grid = area.settings.grid.refined(3)
    mines = area.world.places.mines(area.settings.grid.bounds, margin=1500.0)

    def place(row: float, column: float) -> tuple[float, float]:
        return grid.left + column * grid.cell, grid.top - row * grid.cell

    rows = []
    for cell in np.argwhere(shares >= 0.3):
        row, column = (geometry.centre(int(index)) for index in cell)
        x, y = place(row, column)
        mine = min(mines, key=lambda each: np.hypot(each.x - x, each.y - y))
        for down, right in SHIFTS:
            at = place(row + down, column + right)
            rows.append((*at, f"{mine.impact} impact", f"{area.seed}"))
    random = np.random.default_rng(area.seed)
    empty = np.argwhere(shares == 0.0)
    centres = 27 * empty + geometry.first_pixel(0) + 13
    # As many of each cover, for what looks like a mine is rare.
    kinds = classes[centres[:, 0], centres[:, 1]]
    present = np.unique(kinds)
    for kind in present:
        here = np.flatnonzero(kinds == kind)
        count = min(max(_BACKGROUND_PER_DISTRICT // len(present), 1), len(here))
        for index in random.choice(here, count, replace=False):
            at = place(*(centres[index] + 0.5))
            rows.append((*at, "no ore", f"{area.seed}"))
    path = area.mask(folder).with_name("impact.csv")
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["fid", "x", "y", "class", "site"])
        for number, (x, y, klass, site) in enumerate(rows):
            writer.writerow([f"{area.seed}-{number}", x, y, klass, site])
    return path


def compact(source: Path, target: Path) -> str:
    """Write a model again with its weights in half precision; return its fingerprint."""
    bundle = read_bundle(source)
    halves = {name: array.astype(np.float16) for name, array in bundle.arrays().items()}
    return write_bundle(target, bundle.card, arrays=halves)
