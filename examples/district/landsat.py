"""Landsat scenes that lie askew in black collars, with their MTL files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gossan.core.blocks import Window
from gossan.core.files import write_then_rename
from gossan.core.progress import Progress
from gossan.core.sensors import SENSORS
from gossan.examples.district.deposits import write_deposits
from gossan.examples.district.fields import FloatArray, Grid
from gossan.examples.district.hyperspectral import Sun, illumination, mixture
from gossan.examples.district.products import Product, Settings
from gossan.examples.district.registers import to_degrees
from gossan.examples.district.spectra import Palette
from gossan.examples.district.world import World
from gossan.examples.district.writing import raster

HEADING = math.radians(-11.0)
"""How far the scenes lie askew in their files."""


@dataclass(frozen=True)
class Satellite:
    """A Landsat: how it is written in names and MTL files, its bands, and its numbers."""

    prefix: str
    name: str
    instrument: str
    sensor: str
    bands: tuple[str, ...]
    dtype: str
    gain: float
    offset: float


OLI = Satellite(
    "LC08",
    "LANDSAT_8",
    "OLI_TIRS",
    "landsat-8",
    ("B1", "B2", "B3", "B4", "B5", "B6", "B7"),
    "uint16",
    2e-5,
    -0.1,
)
TM = Satellite(
    "LT05",
    "LANDSAT_5",
    "TM",
    "landsat-5",
    ("B1", "B2", "B3", "B4", "B5", "B7"),
    "uint8",
    2.6e-3,
    -0.005,
)


class Scene(NamedTuple):
    """One scene: satellite, location (column, row of the world reference grid), date, light."""

    satellite: Satellite
    location: int
    path: int
    row: int
    date: str
    sun: Sun
    season: float
    cloudiness: float
    grid: Grid

    @property
    def identifier(self) -> str:
        """Product identifier as in file names."""
        day = self.date.replace("-", "")
        place = f"{self.path:03d}{self.row:03d}"
        return f"{self.satellite.prefix}_L1TP_{place}_{day}_{day}_02_T1"


_DATES = (
    ("2020-08-19", Sun(62.0, 118.0), 0.85, 0.5),
    ("2021-01-12", Sun(34.0, 152.0), 0.1, 0.25),
    ("2019-10-02", Sun(51.0, 140.0), 0.55, 0.7),
)


def scenes(settings: Settings) -> list[Scene]:
    """Return the scenes: two dates at every other location, locations around the district."""
    count, size, cell = settings.landsat_scenes, settings.landsat_size, 30.0
    locations = math.ceil(count * 2 / 3)
    side = math.ceil(math.sqrt(locations))
    pitch = 0.72 * size * cell
    x, y = settings.world.centre
    made: list[Scene] = []
    location = date = 0
    while len(made) < count:
        column, row = location % side - (side - 1) // 2, location // side - (side - 1) // 2
        left = 30.0 * round((x + column * pitch - size * cell / 2) / 30.0)
        top = 30.0 * round((y - row * pitch + size * cell / 2) / 30.0)
        when, sun, season, cloudiness = _DATES[(location + date) % 3]
        satellite = TM if (location + date) % 4 == 3 else OLI
        if satellite is TM:
            when = str(int(when[:4]) - 20) + when[4:]
        grid = Grid(left, top, cell, size, size)
        made.append(
            Scene(satellite, location, 123 - column, 41 + row, when, sun, season, cloudiness, grid)
        )
        # Even locations have a second look.
        if location % 2 == 0 and date == 0:
            date = 1
        else:
            location, date = location + 1, 0
    return made


def write(settings: Settings, folder: Path, progress: Progress) -> list[Product]:
    """Write the scenes, each in its folder, and the deposit table."""
    about = "Landsat scenes that lie askew in their collars, a folder each"
    products = [Product("landsat", "landsat", "folder", about)]
    chosen = scenes(settings)
    for number, scene in enumerate(chosen):
        products += _write_scene(settings.world, scene, folder)
        progress.fraction((number + 1) / (len(chosen) + 1))
    corners = np.array([scene.grid.bounds for scene in chosen] + [settings.grid.bounds])
    lows, highs = corners.min(axis=0), corners.max(axis=0)
    region = (float(lows[0]), float(lows[1]), float(highs[2]), float(highs[3]))
    return products + write_deposits(settings.world, region, folder)


def inside_footprint(grid: Grid, part: Grid) -> npt.NDArray[np.bool_]:
    """Return which pixels of `part` lie in the askew square that fits into `grid`."""
    half = grid.width * grid.cell / 2
    x = part.x[None, :] - (grid.left + half)
    y = part.y[:, None] - (grid.top - half)
    reach = half / (abs(math.cos(HEADING)) + abs(math.sin(HEADING))) - grid.cell
    along = x * math.cos(HEADING) + y * math.sin(HEADING)
    across = y * math.cos(HEADING) - x * math.sin(HEADING)
    return (np.abs(along) <= reach) & (np.abs(across) <= reach)


def _write_scene(world: World, scene: Scene, folder: Path) -> list[Product]:
    here = folder / "landsat" / scene.identifier
    here.mkdir(parents=True, exist_ok=True)
    satellite, grid = scene.satellite, scene.grid
    numbers = np.zeros((grid.height, grid.width, len(satellite.bands)), dtype=satellite.dtype)
    quality = np.ones((grid.height, grid.width), dtype=np.uint16)
    for window, part in grid.pieces(rows=128):
        valid = inside_footprint(grid, part)
        if valid.any():
            seen, cloud = _top_of_atmosphere(world, scene, part)
            lit = seen * math.sin(math.radians(scene.sun.height))
            stored = np.rint((lit - satellite.offset) / satellite.gain)
            highest = np.iinfo(satellite.dtype).max
            stored = np.clip(stored, 1, highest).astype(satellite.dtype)
            numbers[window.slices] = np.where(valid[..., None], stored, 0)
            # QA_PIXEL: bit 0 fill, bit 3 cloud, bit 6 clear.
            flags = np.where(cloud > 0.4, 1 << 3, 1 << 6)
            quality[window.slices] = np.where(valid, flags, 1)
    whole = Window(0, 0, grid.height, grid.width)
    for index, band in enumerate(satellite.bands):
        name = here / f"{scene.identifier}_{band}.TIF"
        with raster(name, grid, [band], dtype=satellite.dtype) as file:
            file.write(whole, numbers[..., index])
    with raster(
        here / f"{scene.identifier}_QA_PIXEL.TIF", grid, ["QA_PIXEL"], dtype="uint16", nodata=1
    ) as file:
        file.write(whole, quality)
    clouded = float((quality == 1 << 3).sum() / max((quality != 1).sum(), 1))
    metadata = here / f"{scene.identifier}_MTL.txt"
    with write_then_rename(metadata) as unfinished:
        unfinished.write_text(_metadata(scene, clouded), encoding="ascii")
    details = {
        "location": scene.location,
        "date": scene.date,
        "bands": list(satellite.bands),
        "cloud_share": round(clouded, 4),
    }
    about = f"{satellite.name} scene, path {scene.path} row {scene.row}, {scene.date}"
    return [
        Product(
            scene.identifier,
            metadata.relative_to(folder).as_posix(),
            "text",
            about,
            details=details,
        )
    ]


def _top_of_atmosphere(world: World, scene: Scene, part: Grid) -> tuple[FloatArray, FloatArray]:
    """Return reflectance above the air (rows, columns, bands) and opacity of the clouds."""
    bands = SENSORS[scene.satellite.sensor]
    centres, widths = (np.array(v) for v in zip(*(bands[name] for name in scene.satellite.bands)))
    patch = world.patch(part, season=scene.season)
    difficulty = world.difficulty
    surface = mixture(patch, patch.abundances, Palette(centres, widths), difficulty)
    surface *= illumination(patch, difficulty, scene.sun)[..., None]
    air = 0.09 * (450.0 / centres) ** 3.2
    through = 1.0 - 1.4 * air
    share = min(difficulty.cloud_share * scene.cloudiness, 0.9)
    field = patch.field(f"clouds {scene.date}", 3200.0, 5)
    cloud = np.clip((field - (1.2 - 2.4 * share)) / 0.3, 0.0, 1.0)
    seen = air + through * surface
    seen = seen * (1.0 - cloud[..., None]) + 0.6 * cloud[..., None]
    rng = world.chance.generator(f"landsat {scene.identifier}", int(part.left), int(part.top))
    seen += 0.002 * rng.standard_normal(seen.shape, dtype=np.float32)
    return seen.astype(np.float32), cloud


def _metadata(scene: Scene, clouded: float) -> str:
    """Return the MTL text of a scene, as Collection 2 writes it."""
    satellite, grid = scene.satellite, scene.grid
    left, bottom, right, top = grid.bounds
    corners = {"UL": (left, top), "UR": (right, top), "LL": (left, bottom), "LR": (right, bottom)}
    # Corners are the centres of the corner pixels.
    half = grid.cell / 2
    centres = {
        name: (x + half if x == left else x - half, y - half if y == top else y + half)
        for name, (x, y) in corners.items()
    }
    longitude, latitude = to_degrees(*(list(v) for v in zip(*centres.values())))
    contents: dict[str, object] = {
        "LANDSAT_PRODUCT_ID": f'"{scene.identifier}"',
        "PROCESSING_LEVEL": '"L1TP"',
        "COLLECTION_NUMBER": "02",
        "COLLECTION_CATEGORY": '"T1"',
        "OUTPUT_FORMAT": '"GEOTIFF"',
    }
    for band in satellite.bands:
        contents[f"FILE_NAME_BAND_{band[1:]}"] = f'"{scene.identifier}_{band}.TIF"'
    contents["FILE_NAME_QUALITY_L1_PIXEL"] = f'"{scene.identifier}_QA_PIXEL.TIF"'
    image: dict[str, object] = {
        "SPACECRAFT_ID": f'"{satellite.name}"',
        "SENSOR_ID": f'"{satellite.instrument}"',
        "WRS_TYPE": 2,
        "WRS_PATH": scene.path,
        "WRS_ROW": scene.row,
        "DATE_ACQUIRED": scene.date,
        "SCENE_CENTER_TIME": '"02:58:12.3450000Z"',
        "CLOUD_COVER": f"{100 * clouded:.2f}",
        "SUN_AZIMUTH": f"{scene.sun.azimuth:.8f}",
        "SUN_ELEVATION": f"{scene.sun.height:.8f}",
        "EARTH_SUN_DISTANCE": "1.0000000",
    }
    projection: dict[str, object] = {
        "MAP_PROJECTION": '"UTM"',
        "DATUM": '"WGS84"',
        "ELLIPSOID": '"WGS84"',
        "UTM_ZONE": 49,
        "GRID_CELL_SIZE_REFLECTIVE": f"{grid.cell:.2f}",
        "REFLECTIVE_LINES": grid.height,
        "REFLECTIVE_SAMPLES": grid.width,
        "ORIENTATION": '"NORTH_UP"',
    }
    for (name, (x, y)), lon, lat in zip(centres.items(), longitude, latitude):
        projection[f"CORNER_{name}_LAT_PRODUCT"] = f"{lat:.5f}"
        projection[f"CORNER_{name}_LON_PRODUCT"] = f"{lon:.5f}"
        projection[f"CORNER_{name}_PROJECTION_X_PRODUCT"] = f"{x:.3f}"
        projection[f"CORNER_{name}_PROJECTION_Y_PRODUCT"] = f"{y:.3f}"
    scaling: dict[str, object] = {}
    for band in satellite.bands:
        scaling[f"REFLECTANCE_MULT_BAND_{band[1:]}"] = f"{satellite.gain:.4E}"
        scaling[f"REFLECTANCE_ADD_BAND_{band[1:]}"] = f"{satellite.offset:.6f}"
    groups = {
        "PRODUCT_CONTENTS": contents,
        "IMAGE_ATTRIBUTES": image,
        "PROJECTION_ATTRIBUTES": projection,
        "LEVEL1_RADIOMETRIC_RESCALING": scaling,
    }
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, fields in groups.items():
        lines.append(f"  GROUP = {group}")
        lines += [f"    {name} = {value}" for name, value in fields.items()]
        lines.append(f"  END_GROUP = {group}")
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""])
