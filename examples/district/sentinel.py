"""Sentinel-2 images of the district: twelve bands at 10 m, by date with clouds, and a mosaic."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gossan.core.progress import Progress
from gossan.core.sensors import SENSORS
from gossan.examples.district.difficulty import Difficulty
from gossan.examples.district.fields import FloatArray, Grid
from gossan.examples.district.hyperspectral import Sun, illumination, mixture
from gossan.examples.district.products import Product, Settings
from gossan.examples.district.spectra import Palette
from gossan.examples.district.world import COVERS, VEGETATION, WATER, Patch, World
from gossan.examples.district.writing import raster

CELL = 10.0
SCALE = 10000.0
LEVELS = {
    "L2A": ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12"),
    "L1C": ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11", "B12"),
}
_FINE = ("B2", "B3", "B4", "B8")
"""Bands that the sensor takes at 10 m; the others are coarser."""


_HIGH_SUN = Sun(58.0, 140.0)


@dataclass(frozen=True)
class Look:
    """How a date looks.

    Parameters
    ----------
    date : str
        ``YYYY-MM-DD``; empty for the mosaic.
    baseline : str
        Processing baseline; from 04.00 on 1000 is added to the numbers.
    season : float
        0 = dry season, 1 = height of the growing season.
    sun : Sun
        Height and azimuth.
    haze : float
        Path reflectance at 490 nm.
    cloudiness : float
        Factor on the difficulty's share of clouds.
    gain : tuple of float
        Factors on the shortest and the longest wavelength.
    qa60 : bool
        Whether QA60 is filled (it is empty from January 2022 to February 2024).
    gap : bool
        Whether the swath ends inside the district.
    """

    date: str
    baseline: str = "05.00"
    season: float = 0.5
    sun: Sun = _HIGH_SUN
    haze: float = 0.0
    cloudiness: float = 0.0
    gain: tuple[float, float] = (1.0, 1.0)
    qa60: bool = True
    gap: bool = False

    @property
    def offset(self) -> int:
        """What the processing adds to the numbers."""
        return 1000 if self.date and self.baseline >= "04.00" else 0


MOSAIC = Look("", season=0.55)
SHIFTED = Look("", season=0.05, sun=Sun(33.0, 158.0), haze=0.012, gain=(0.93, 1.08))
"""The mosaic of another season, with a low sun, haze, and a sensor of other gains."""
LOOKS = (
    Look("2021-07-14", "03.01", 0.9, Sun(68.0, 105.0), 0.004, 1.3),
    Look("2021-11-06", "03.01", 0.25, Sun(42.0, 158.0), 0.002, 0.5, gap=True),
    Look("2022-05-10", "04.00", 0.6, Sun(66.0, 120.0), 0.006, 1.6, qa60=False),
    Look("2024-09-21", "05.11", 0.7, Sun(57.0, 140.0), 0.003, 0.6),
    Look("2024-12-20", "05.11", 0.05, Sun(36.0, 160.0), 0.002, 0.9),
    Look("2025-03-30", "05.11", 0.3, Sun(54.0, 138.0), 0.005, 1.1),
)


def write_dates(settings: Settings, folder: Path, progress: Progress) -> list[Product]:
    """Write the images by date with their scene classification and QA60."""
    products: list[Product] = []
    for number in range(settings.dates):
        look = LOOKS[number % len(LOOKS)]
        if number >= len(LOOKS):
            look = replace(look, date=f"{2026 + number // len(LOOKS)}{look.date[4:]}")
        part = progress.part(number / settings.dates, (number + 1) / settings.dates)
        products += write_image(
            settings.world, settings.grid.refined(3), folder, look, settings.level, part
        )
    return products


def write_mosaic(settings: Settings, folder: Path, progress: Progress) -> list[Product]:
    """Write the cloud-free mosaic, of shifted appearance when the settings say so."""
    look = SHIFTED if settings.shifted else MOSAIC
    grid = settings.grid.refined(3)
    return write_image(settings.world, grid, folder, look, settings.level, progress)


def write_image(
    world: World, grid: Grid, folder: Path, look: Look, level: str, progress: Progress
) -> list[Product]:
    """Write one image, streamed, so that its size does not matter to memory.

    Parameters
    ----------
    world : World
        The district.
    grid : Grid
        Pixels of 10 m.
    folder : Path
        Where to write.
    look : Look
        How it looks; without a date there are no clouds and no masks, but a land-cover truth.
    level : str
        ``"L2A"`` or ``"L1C"``: which twelve bands.
    progress : Progress
        Where to report.
    """
    bands = LEVELS[level]
    stem = f"sentinel2_{look.date.replace('-', '') or 'mosaic'}"
    centres, widths = (np.array(v) for v in zip(*(SENSORS["sentinel-2"][b] for b in bands)))
    palette = Palette(centres, widths)
    tags = {"sensor": "simulated Sentinel-2", "level": level, "date": look.date}
    tags |= {"processing_baseline": look.baseline, "offset": str(look.offset)} if look.date else {}
    clouded = cells = 0
    with contextlib.ExitStack() as files:
        image = files.enter_context(
            raster(folder / f"{stem}.tif", grid, bands, dtype="uint16", wavelengths=centres,
                   fwhm=widths, tags=tags)
        )  # fmt: skip
        extra = ["scl", "qa60"] if look.date else ["cover"]
        masks = {
            name: files.enter_context(
                raster(folder / f"{stem}_{name}.tif", grid, [name.upper()],
                       dtype="uint16" if name == "qa60" else "uint8",
                       **({"categories": {c: n for c, n in enumerate(COVERS) if n}}
                          if name == "cover" else {}))
            )
            for name in extra
        }  # fmt: skip
        for window, part in grid.pieces(rows=128, columns=1024):
            patch = world.patch(part, season=look.season)
            view = observe(patch, palette, bands, look)
            image.write(window, view.numbers)
            for name, mask in masks.items():
                mask.write(window, patch.cover if name == "cover" else getattr(view, name))
            clouded += int((view.cloud > 0.5).sum())
            cells += window.pixels
            progress.fraction(cells / (grid.height * grid.width))
    details = {
        "bands": list(bands), "level": level, "date": look.date, "offset": look.offset,
        "baseline": look.baseline, "season": look.season, "sun_elevation": look.sun.height,
        "cloud_share": round(clouded / cells, 4), "qa60_filled": look.qa60,
    }  # fmt: skip
    what = f"Sentinel-2 {level}, {look.date}" if look.date else f"Cloud-free {level} mosaic"
    products = [Product(stem, f"{stem}.tif", "raster", what, details=details)]
    for name in extra:
        about = {"scl": "Scene classification", "qa60": "QA60", "cover": "True land cover, 10 m"}
        file = f"{stem}_{name}.tif"
        products.append(Product(file[:-4], file, "raster", about[name], name == "cover"))
    return products


@dataclass(frozen=True)
class View:
    """A window of an image: ``numbers`` (rows, columns, bands) and masks (rows, columns)."""

    numbers: npt.NDArray[np.uint16]
    scl: npt.NDArray[np.uint8]
    qa60: npt.NDArray[np.uint16]
    cloud: FloatArray


def observe(patch: Patch, palette: Palette, bands: tuple[str, ...], look: Look) -> View:
    """Return what the satellite sees of a patch.

    Parameters
    ----------
    patch : Patch
        Rectangle at 10 m, of the look's season.
    palette : Palette
        The materials in these bands.
    bands : tuple of str
        Their names.
    look : Look
        How it looks.
    """
    difficulty = patch.world.difficulty
    abundances = patch.abundances
    light = illumination(patch, difficulty, look.sun)
    cloud, shadow = _clouds(patch, look, difficulty)
    light = light * (1.0 - 0.62 * shadow)
    surface = mixture(patch, abundances, palette, difficulty) * light[..., None]
    blue = (490.0 / palette.wavelengths) ** 2
    first, last = look.gain
    gain = np.interp(palette.wavelengths, (440.0, 2200.0), (first, last))
    seen = (surface * gain + look.haze * blue).astype(np.float32)
    white = np.interp(palette.wavelengths, (440, 900, 1380, 1610, 2200), (0.7, 0.66, 0.3, 0.5, 0.4))
    seen = seen * (1.0 - cloud[..., None]) + cloud[..., None] * white.astype(np.float32)
    rng = patch.world.chance.generator(f"sentinel {look.date} {look.season}", *_place(patch.grid))
    seen += (0.0022 + 0.006 * seen) * rng.standard_normal(seen.shape, dtype=np.float32)
    for index, name in enumerate(bands):
        if name == "B10":
            seen[..., index] = 0.0012 + 0.25 * cloud + 0.0003 * seen[..., index]
        if name not in _FINE:
            seen[..., index] = _coarser(seen[..., index])
    numbers = np.clip(np.rint(seen * SCALE) + look.offset, 1, 65535).astype(np.uint16)
    scl = np.full(cloud.shape, 5, dtype=np.uint8)
    scl[abundances[..., VEGETATION] > 0.4] = 4
    scl[abundances[..., WATER] > 0.5] = 6
    scl[shadow > 0.45] = 3
    scl[cloud > 0.25] = 8
    scl[cloud > 0.6] = 9
    qa60 = np.where(cloud > 0.5, 1024, np.where(cloud > 0.2, 2048, 0)).astype(np.uint16)
    if not look.qa60:
        qa60[:] = 0
    if look.gap:
        out = _outside_swath(patch)
        numbers[out], scl[out], qa60[out] = 0, 0, 0
    return View(numbers, scl, qa60, cloud)


def _clouds(patch: Patch, look: Look, difficulty: Difficulty) -> tuple[FloatArray, FloatArray]:
    """Return opacity of the clouds and depth of their shadows (rows, columns), 0 to 1."""
    grid = patch.grid
    if not look.cloudiness:
        none = np.zeros((grid.height, grid.width), dtype=np.float32)
        return none, none
    # A smooth field is nearly normal: the threshold follows from the share wanted.
    share = min(difficulty.cloud_share * look.cloudiness, 0.95)
    threshold = 1.2 - 2.4 * share
    azimuth = np.radians(look.sun.azimuth)
    away = 900.0 / np.tan(np.radians(look.sun.height))
    shaded = Grid(
        grid.left + away * np.sin(azimuth),
        grid.top + away * np.cos(azimuth),
        grid.cell,
        grid.height,
        grid.width,
    )
    purpose = f"clouds {look.date}"
    above, toward_sun = (
        np.clip((patch.world.chance.field(purpose, at, 2600.0, octaves=5) - threshold) / 0.3, 0, 1)
        for at in (grid, shaded)
    )
    return above, toward_sun * (1.0 - above)


def _coarser(band: FloatArray) -> FloatArray:
    """Return a band with each 2 x 2 pixels averaged (the last row or column stays when odd)."""
    rows, columns = band.shape[0] // 2 * 2, band.shape[1] // 2 * 2
    pairs = band[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    result = band.copy()
    result[:rows, :columns] = pairs.repeat(2, axis=0).repeat(2, axis=1)
    return result


def _outside_swath(patch: Patch) -> npt.NDArray[np.bool_]:
    """Return where the swath has ended: a wedge askew in the east of the district."""
    x, y = patch.xy
    centre = patch.world.centre
    return (x - centre[0]) + 0.21 * (y - centre[1]) > 0.35 * patch.world.extent


def _place(grid: Grid) -> tuple[int, int]:
    return int(grid.left) & 0x7FFFFFFF, int(grid.top) & 0x7FFFFFFF
