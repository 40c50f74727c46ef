"""Files of the hyperspectral scene, the soil samples, and the truth about both."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.progress import Progress
from gossan.core.spectra import SpectralLibrary, write_library
from gossan.core.tables import write_table
from gossan.core.vectors import point
from gossan.examples.district import laboratory
from gossan.examples.district.geology import UNITS
from gossan.examples.district.hyperspectral import NODATA, SCALE, Sensor, scene, spectrometer
from gossan.examples.district.products import Product, Settings
from gossan.examples.district.soils import METALS, UNPREDICTABLE, SoilSamples, Survey, soil
from gossan.examples.district.spectra import VARIETIES, Palette
from gossan.examples.district.world import COVERS, MATERIALS
from gossan.examples.district.writing import CRS, EnviCube, raster, rgb, write_features

COVER_COLOURS = (
    "#000000", "#1b6e2d", "#9ab973", "#d9e26b", "#d9b382", "#f4f4ff", "#d8343f", "#707070",
    "#2b6cc4", "#e8dcb0", "#3fa3d9", "#a98f5c", "#7a1f1f", "#b5651d", "#cfc7e8", "#6f8fae",
    "#8e5ea2", "#3a3a3a", "#e8c95a", "#d8cfb0", "#a7b58a",
)  # fmt: skip


def write_scene(settings: Settings, folder: Path, progress: Progress) -> list[Product]:
    """Write the hyperspectral scene and its truth: abundances, land cover, endmembers."""
    sensor = spectrometer(settings.bands)
    return _scene(settings, folder, sensor, progress) + _library(folder, sensor)


def _scene(settings: Settings, folder: Path, sensor: Sensor, progress: Progress) -> list[Product]:
    grid = settings.grid
    suffix = "tif" if settings.interleave == "tif" else "img"
    covers = dict(enumerate(COVERS))
    with contextlib.ExitStack() as files:
        cube: Any
        if suffix == "img":
            path = folder / "hyperspectral.img"
            cube = files.enter_context(EnviCube(path, grid, sensor, settings.interleave))
        else:
            cube = files.enter_context(
                raster(
                    folder / "hyperspectral.tif",
                    grid,
                    [f"band {n} ({nm:.1f} nm)" for n, nm in enumerate(sensor.wavelengths, 1)],
                    dtype="int16",
                    nodata=NODATA,
                    wavelengths=sensor.wavelengths,
                    fwhm=sensor.fwhm,
                    scale=1.0 / SCALE,
                    tags={"bbl": "{" + ", ".join(str(int(ok)) for ok in sensor.good) + "}"},
                )
            )
        abundances = files.enter_context(
            raster(folder / "truth_abundances.tif", grid, MATERIALS, dtype="float32")
        )
        cover = files.enter_context(
            raster(
                folder / "truth_cover.tif",
                grid,
                ["land cover"],
                dtype="uint8",
                categories={code: name for code, name in covers.items() if code},
                colours={code: rgb(colour) for code, colour in enumerate(COVER_COLOURS)},
            )
        )
        done = 0
        for piece in scene(settings.world, grid, sensor):
            cube.write(piece.window, piece.numbers)
            abundances.write(piece.window, piece.abundances)
            cover.write(piece.window, piece.cover)
            done += piece.window.pixels
            progress.fraction(done / (grid.height * grid.width))
    return [
        Product(
            "hyperspectral",
            f"hyperspectral.{suffix}",
            "raster",
            f"Hyperspectral scene, {settings.bands} bands 400-2500 nm, reflectance x 10000",
        ),
        Product(
            "abundances", "truth_abundances.tif", "raster", "True share of each material", True
        ),
        Product(
            "cover",
            "truth_cover.tif",
            "raster",
            "True land cover",
            True,
            {"classes": {name: code for code, name in covers.items() if code}},
        ),
    ]


def _library(folder: Path, sensor: Sensor) -> list[Product]:
    palette = Palette(sensor.wavelengths, sensor.fwhm)
    write_library(
        folder / "truth_endmembers.sli",
        SpectralLibrary(
            MATERIALS,
            palette.means,
            sensor.wavelengths,
            MATERIALS,
            ("mean of the varieties",) * len(MATERIALS),
            sensor.fwhm,
        ),
    )
    varieties = [
        (variety, spectrum)
        for group, spectra in zip(VARIETIES, palette.varieties)
        for variety, spectrum in zip(group, spectra)
    ]
    write_library(
        folder / "truth_varieties.sli",
        SpectralLibrary(
            tuple(variety.name for variety, _ in varieties),
            np.array([spectrum for _, spectrum in varieties]),
            sensor.wavelengths,
            tuple(variety.group for variety, _ in varieties),
            ("simulated",) * len(varieties),
            sensor.fwhm,
        ),
    )
    return [
        Product(
            "endmembers", "truth_endmembers.sli", "library", "True mean spectrum per material", True
        ),
        Product("varieties", "truth_varieties.sli", "library", "All varieties' spectra", True),
    ]


def write_soils(settings: Settings, folder: Path, progress: Progress) -> list[Product]:
    """Write soil samples, their laboratory spectra, and the truth about soil and rock."""
    grid, world = settings.grid, settings.world
    survey = Survey(world, grid)
    units = dict(enumerate(UNITS, 1))
    with (
        raster(folder / "truth_metals.tif", grid, METALS, dtype="float32", units="mg/kg") as metals,
        raster(
            folder / "truth_units.tif",
            grid,
            ["geological unit"],
            dtype="uint8",
            categories={code: unit.name for code, unit in units.items()},
            colours={code: rgb(unit.colour) for code, unit in units.items()},
        ) as geology,
    ):
        done = 0
        for piece in soil(world, grid):
            metals.write(piece.window, piece.metals)
            geology.write(piece.window, world.patch(grid.part(piece.window)).units)
            survey.pass_by(piece)
            done += piece.window.pixels
            progress.fraction(done / (grid.height * grid.width))
    samples = survey.samples()
    _write_samples(folder, samples)
    limits = {name: {"lower": low, "upper": high} for name, low, high in samples.detection}
    details = {"elements": list(METALS), "crs": CRS, "unit": "mg/kg", "limits": limits}
    return [
        Product("samples", "samples.csv", "table", "Soil samples", False, details),
        Product("sample_points", "samples.geojson", "features", "Soil samples", False, details),
        Product("sample_truth", "truth_samples.csv", "table", "Truth at the samples", True),
        Product(
            "metals",
            "truth_metals.tif",
            "raster",
            "True concentration per element, mg/kg",
            True,
            {"unpredictable": UNPREDICTABLE},
        ),
        Product(
            "units",
            "truth_units.tif",
            "raster",
            "True geological unit",
            True,
            {"classes": {unit.name: code for code, unit in units.items()}},
        ),
        *laboratory.write(settings, folder, samples),
    ]


def _write_samples(folder: Path, samples: SoilSamples) -> None:
    rows = list(zip(samples.names, samples.x, samples.y, samples.texts))
    write_table(
        folder / "samples.csv",
        ["fid", "sample", "x", "y", *METALS],
        [[number, name, x, y, *texts] for number, (name, x, y, texts) in enumerate(rows, 1)],
    )
    write_features(
        folder / "samples.geojson",
        [({"sample": name, **dict(zip(METALS, texts))}, point(x, y)) for name, x, y, texts in rows],
    )
    write_table(
        folder / "truth_samples.csv",
        ["sample", "x", "y", *METALS, *MATERIALS],
        [
            [name, x, y, *metals, *abundances]
            for (name, x, y, _), metals, abundances in zip(
                rows, samples.truth.round(5), samples.abundances.round(5)
            )
        ],
    )
