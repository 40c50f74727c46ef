"""Coarse geochemical grids, the magnetic survey, the terrain model and the geological map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from rasterio.features import sieve
from scipy.fft import fft2, fftfreq, ifft2
from scipy.ndimage import gaussian_filter

from gossan.core import vectors
from gossan.core.blocks import Window
from gossan.core.progress import Progress
from gossan.examples.district.fields import Grid
from gossan.examples.district.geology import UNIT_CODES, UNITS
from gossan.examples.district.products import Product, Settings
from gossan.examples.district.world import World
from gossan.examples.district.writing import raster, rgb, write_features

FloatArray = npt.NDArray[np.float32]

RADIOELEMENTS = ("K", "eU", "eTh")
OXIDES = ("SiO2", "Al2O3", "Fe2O3", "MgO", "CaO", "Na2O", "K2O")

# Mean composition of each unit in weight per cent, in the order of `OXIDES`; the rest is loss on
# ignition and what was not measured.
_COMPOSITION = {
    "alluvium": (66.0, 12.5, 4.6, 1.6, 2.6, 1.3, 2.3),
    "limestone": (22.0, 6.0, 2.6, 4.5, 33.0, 0.4, 1.1),
    "sandstone": (80.0, 8.0, 2.6, 0.8, 1.0, 1.1, 1.9),
    "slate": (60.0, 17.5, 6.8, 2.4, 1.2, 1.2, 3.6),
    "basalt": (50.0, 15.5, 11.5, 6.5, 8.2, 2.8, 1.2),
    "granite": (72.0, 14.2, 2.0, 0.5, 1.3, 3.5, 4.8),
    "hornfels": (58.0, 15.0, 7.8, 4.2, 5.2, 1.9, 2.6),
}

_ALTERED = 0.2
"""How far the composition of a baked bed has moved towards that of typical hornfels."""
_CARRIED = 2000.0
"""Metres from which rivers gather the gravel of a plain."""
_SHED = 0.7
"""Share of the gravel that comes from there; the rest comes from far away."""

# Potassium (per cent), equivalent uranium and equivalent thorium (parts per million) of each rock.
_RADIOELEMENTS = {
    "alluvium": (1.9, 2.0, 7.0),
    "limestone": (0.8, 1.6, 2.5),
    "sandstone": (1.5, 1.5, 5.0),
    "slate": (2.9, 3.0, 12.0),
    "basalt": (1.0, 0.8, 3.0),
    "granite": (3.9, 5.0, 19.0),
}
_COUNTS = (5.0, 0.8, 0.5)
"""Counts in a second for one unit of each, 80 m above the ground."""
_FOOTPRINT = 40.0
"""Standard deviation of what a spectrometer sees from there, metres."""

INCLINATION = 42.0
DECLINATION = -3.5
FIELD_NT = 47000.0
_SENSOR_HEIGHT = 120.0
_SHEET = 900.0
"""Thickness of the magnetised rock below the ground, metres."""


def write(settings: Settings, folder: Path, progress: Progress) -> list[Product]:
    """Write the grids and the geological map."""
    world, grid = settings.world, settings.grid
    products = _write_oxides(world, grid, folder)
    progress.fraction(0.3)
    products += _write_magnetics(world, grid, folder)
    progress.fraction(0.5)
    products += _write_radiometrics(world, grid, folder)
    progress.fraction(0.6)
    return products + _write_terrain_and_map(world, grid, folder, progress.part(0.6, 1.0))


def coarse_cell(grid: Grid, parts: int, low: float, high: float) -> float:
    """Return a cell size (metres, a multiple of 30) of about `parts` cells across the district."""
    wanted = min(max(grid.width * grid.cell / parts, low), high)
    return 30.0 * max(round(wanted / 30.0), 1)


def oxides(world: World, grid: Grid) -> FloatArray:
    """Return seven oxides (rows, columns, 7) in weight per cent on a coarse grid.

    A stream-sediment survey: each cell is the mean over its rocks and its neighbours', with the
    survey's error in ln(oxide); the sum stays below 100. Baking hardly changes what a rock is made
    of, so hornfels has the composition of the bed that it was; gravel is what the rocks of the
    surroundings shed.
    """
    reach = int(np.ceil(_CARRIED / grid.cell)) + 2
    wide = grid.padded(reach)
    solid, gravel = _outcrops(world, wide)
    shed = gaussian_filter(solid, (_CARRIED / 2 / grid.cell,) * 2 + (0.0,), truncate=2.0)
    own = _composition("alluvium")
    mean = solid * (1 - gravel) + gravel * (_SHED * shed + (1 - _SHED) * own)
    # Streams carry sediment across the cells' borders.
    mixed = 0.5 * mean[1:-1, 1:-1]
    for row, column in ((0, 1), (2, 1), (1, 0), (1, 2)):
        beside = mean[row : row + mixed.shape[0], column : column + mixed.shape[1]]
        mixed = mixed + 0.125 * beside
    mixed = mixed[reach - 1 : 1 - reach, reach - 1 : 1 - reach]
    spread = world.difficulty.geochemical_error
    rng = world.chance.generator("oxides")
    for index, name in enumerate(OXIDES):
        smooth = world.chance.field(f"oxide {name}", grid, 4.0 * grid.cell, octaves=2)
        error = 0.6 * smooth + 0.8 * rng.standard_normal(smooth.shape, dtype=np.float32)
        mixed[..., index] *= np.exp(spread * error)
    total = mixed.sum(axis=-1, keepdims=True)
    return (mixed * np.minimum(98.5 / total, 1.0)).astype(np.float32)


def _composition(name: str) -> FloatArray:
    return np.array(_COMPOSITION[name], dtype=np.float32)


def _outcrops(world: World, grid: Grid) -> tuple[FloatArray, FloatArray]:
    """Return each cell's mean solid rock (rows, columns, oxides) and share of gravel (.., 1)."""
    factor = max(1, min(8, int(grid.cell // 60)))
    table = np.stack([_composition(unit.name) for unit in UNITS])
    solid = np.empty((grid.height, grid.width, len(OXIDES)), dtype=np.float32)
    gravel = np.empty((grid.height, grid.width, 1), dtype=np.float32)
    for window, part in grid.pieces(rows=32):
        patch = world.patch(part.refined(factor))
        bed = table[patch.country_rock - 1]
        baked = (1 - _ALTERED) * bed + _ALTERED * _composition("hornfels")
        granite = patch.units == UNIT_CODES["granite"]
        hornfels = patch.units == UNIT_CODES["hornfels"]
        rock = np.where(hornfels[..., None], baked, bed)
        rock[granite] = _composition("granite")
        shape = (part.height, factor, part.width, factor, -1)
        solid[window.slices] = rock.reshape(shape).mean(axis=(1, 3))
        covered = (patch.units == UNIT_CODES["alluvium"]).astype(np.float32)
        gravel[window.slices] = covered.reshape(shape).mean(axis=(1, 3))
    return solid, gravel


def _write_oxides(world: World, grid: Grid, folder: Path) -> list[Product]:
    coarse = grid.covering(coarse_cell(grid, 24, 150.0, 2010.0))
    with raster(folder / "geochemistry.tif", coarse, OXIDES, units="%") as file:
        file.write(_whole(coarse), oxides(world, coarse))
    about = "Stream sediments: seven oxides, weight per cent"
    details = {"cell": coarse.cell, "compositional": True}
    return [Product("geochemistry", "geochemistry.tif", "raster", about, details=details)]


def total_magnetic_intensity(
    world: World, grid: Grid, inclination: float, declination: float
) -> FloatArray:
    """Return the magnetic anomaly (rows, columns) in nT over a sheet of magnetised rock.

    Induced magnetisation only, in the frequency domain: the sheet's susceptibility times its
    depth response times the direction factors of field and magnetisation.

    Parameters
    ----------
    world : World
        The district.
    grid : Grid
        Survey cells.
    inclination, declination : float
        Direction of the Earth's field, degrees; 90 gives the anomaly reduced to the pole.

    References
    ----------
    Blakely (1995), Potential theory in gravity and magnetic applications, chapter 11.
    """
    margin = max(24, grid.width // 8)
    wide = grid.padded(margin)
    susceptibility = np.array([unit.susceptibility for unit in UNITS], dtype=np.float64) * 1e-3
    rock = np.empty((wide.height, wide.width))
    for window, part in wide.pieces(rows=64):
        patch = world.patch(part)
        varied = 1.0 + 0.25 * patch.field("susceptibility", 800.0, 2)
        rock[window.slices] = susceptibility[patch.units - 1] * np.clip(varied, 0.2, None)
    rock -= rock.mean()
    taper = np.ones(wide.height), np.ones(wide.width)
    for edge in taper:
        edge[:margin] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(margin) + 0.5) / margin)
        edge[-margin:] = edge[:margin][::-1]
    rock *= taper[0][:, None] * taper[1][None, :]
    east = 2 * np.pi * fftfreq(wide.width, grid.cell)[None, :]
    north = -2 * np.pi * fftfreq(wide.height, grid.cell)[:, None]
    wave = np.hypot(east, north)
    wave[0, 0] = 1.0
    tilt, turn = np.radians(inclination), np.radians(declination)
    along = (east * np.sin(turn) + north * np.cos(turn)) / wave
    direction = (np.sin(tilt) + 1j * np.cos(tilt) * along) ** 2
    depth = np.exp(-wave * _SENSOR_HEIGHT) * (1.0 - np.exp(-wave * _SHEET))
    spectrum = fft2(rock) * direction * depth
    spectrum[0, 0] = 0.0
    # mu0/2 times magnetisation chi B / mu0 is chi B / 2.
    anomaly = ifft2(spectrum).real * FIELD_NT / 2.0
    return anomaly[margin:-margin, margin:-margin].astype(np.float32)


def _write_magnetics(world: World, grid: Grid, folder: Path) -> list[Product]:
    survey = grid.covering(coarse_cell(grid, 120, 60.0, 300.0))
    rng = world.chance.generator("magnetics")
    field = total_magnetic_intensity(world, survey, INCLINATION, DECLINATION)
    noise = 3.0 * rng.standard_normal(field.shape, dtype=np.float32)
    slope = 0.002 * (survey.x[None, :] - world.centre[0])
    pole = total_magnetic_intensity(world, survey, 90.0, 0.0)
    with raster(folder / "magnetics.tif", survey, ["TMI"], units="nT") as file:
        file.write(_whole(survey), FIELD_NT + field + noise + slope)
    with raster(folder / "truth_magnetics_pole.tif", survey, ["RTP"], units="nT") as file:
        file.write(_whole(survey), pole)
    details = {
        "inclination": INCLINATION,
        "declination": DECLINATION,
        "field_nT": FIELD_NT,
        "cell": survey.cell,
    }
    return [
        Product(
            "magnetics", "magnetics.tif", "raster", "Total magnetic intensity, nT", details=details
        ),
        Product(
            "magnetics_pole",
            "truth_magnetics_pole.tif",
            "raster",
            "Magnetic anomaly at the pole without noise, nT",
            True,
        ),
    ]


def radiometrics(world: World, grid: Grid) -> FloatArray:
    """Return potassium, uranium and thorium (rows, columns, 3) of an airborne survey.

    Gamma rays come from the uppermost ground, and few of them are counted in a second: what the
    survey knows of one cell is blurred by its footprint and as uncertain as counts are.
    """
    margin = int(np.ceil(4 * _FOOTPRINT / grid.cell))
    wide = grid.padded(margin)
    table = np.array([_RADIOELEMENTS.get(unit.name, (0, 0, 0)) for unit in UNITS], np.float32)
    rock = np.empty((wide.height, wide.width, 3), dtype=np.float32)
    for window, part in wide.pieces(rows=64):
        patch = world.patch(part)
        baked = patch.units == UNIT_CODES["hornfels"]
        rock[window.slices] = table[np.where(baked, patch.country_rock, patch.units) - 1]
        for index, name in enumerate(RADIOELEMENTS):
            varied = patch.field(f"radioelement {name}", 500.0, 3)
            rock[window.slices][..., index] *= np.exp(world.difficulty.radioelements * varied)
    sigma = _FOOTPRINT / grid.cell
    seen = gaussian_filter(rock, (sigma, sigma, 0.0), truncate=4.0)[margin:-margin, margin:-margin]
    counts = np.array(_COUNTS, dtype=np.float32)
    rng = world.chance.generator("radiometrics")
    return (rng.poisson(seen * counts) / counts).astype(np.float32)


def _write_radiometrics(world: World, grid: Grid, folder: Path) -> list[Product]:
    survey = grid
    with raster(folder / "radiometrics.tif", survey, RADIOELEMENTS) as file:
        file.write(_whole(survey), radiometrics(world, survey))
    about = "Airborne gamma rays: potassium (%), uranium and thorium (ppm)"
    return [Product("radiometrics", "radiometrics.tif", "raster", about)]


def _write_terrain_and_map(
    world: World, grid: Grid, folder: Path, progress: Progress
) -> list[Product]:
    units = np.empty((grid.height, grid.width), dtype=np.uint8)
    done = 0
    with raster(folder / "dem.tif", grid, ["elevation"], units="m") as dem:
        for window, part in grid.pieces():
            patch = world.patch(part)
            rng = world.chance.generator("dem", window.row, window.column)
            error = rng.standard_normal(patch.elevation.shape, dtype=np.float32)
            dem.write(window, patch.elevation + patch.fabric + 0.8 * error)
            units[window.slices] = patch.units
            done += window.pixels
            progress.fraction(done / (grid.height * grid.width))
    # A map-maker draws no outcrop smaller than a hectare.
    drawn = sieve(units, 12)
    names = {code: unit.name for code, unit in enumerate(UNITS, 1)}
    with raster(
        folder / "geological_map.tif",
        grid,
        ["unit"],
        dtype="uint8",
        categories=names,
        colours={code: rgb(unit.colour) for code, unit in enumerate(UNITS, 1)},
    ) as file:
        file.write(_whole(grid), drawn)
    write_features(
        folder / "geological_map.geojson",
        (
            ({"code": code, "unit": names[code], "colour": UNITS[code - 1].colour}, geometry)
            for geometry, code in vectors.polygons(drawn, grid.transform)
        ),
    )
    details = {"field": "unit", "classes": {name: code for code, name in names.items()}}
    return [
        Product("dem", "dem.tif", "raster", "Terrain model, metres"),
        Product(
            "geological_map", "geological_map.geojson", "features", "Geological map",
            details=details,
        ),
        Product(
            "geological_map_raster", "geological_map.tif", "raster", "Geological map",
            details=details,
        ),
    ]  # fmt: skip


def _whole(grid: Grid) -> Window:
    return Window(0, 0, grid.height, grid.width)
