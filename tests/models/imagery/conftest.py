"""Images for the tests of searching, compositing, calibrating and orthorectifying them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine

from gossan.core.progress import Progress
from gossan.examples.district.products import Settings
from gossan.examples.district.sentinel import LOOKS, write_image

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12")


@pytest.fixture(scope="session")
def write_raster():
    """Writes an array (bands, rows, columns) or (rows, columns) as a GeoTIFF."""

    def write(path, values, *, names=(), crs="EPSG:32649", left=500_000.0, top=4_000_000.0,
              pixel=10.0, transform=None, nodata=None, scale=None, **tags):  # fmt: skip
        array = np.asarray(values)
        array = array if array.ndim == 3 else array[np.newaxis]
        profile = {
            "driver": "GTiff",
            "interleave": "band",
            "count": array.shape[0],
            "height": array.shape[1],
            "width": array.shape[2],
            "dtype": array.dtype,
            "crs": crs,
            "transform": transform or Affine(pixel, 0, left, 0, -pixel, top),
            "nodata": nodata,
        }
        with rasterio.open(path, "w", **profile) as file:
            file.write(array)
            for number, name in enumerate(names, start=1):
                file.set_band_description(number, name)
            file.update_tags(**tags)
            if scale is not None:
                file.scales = [scale] * file.count
        return str(path)

    return write


@pytest.fixture(scope="session")
def dates(tmp_path_factory):
    """The district's Sentinel-2 by six dates with clouds, and the same without any.

    ``images``, ``truth`` and ``folder``; ``scenes`` holds for each date (file stem) the numbers
    (bands, rows, columns), SCL, QA60 and the offset that the processing added.
    """
    settings = Settings(seed=5, size=56)
    grid = settings.grid.refined(3)
    cloudy, free = (tmp_path_factory.mktemp(name) for name in ("cloudy", "free"))
    scenes = {}
    for look in LOOKS:
        write_image(settings.world, grid, cloudy, look, "L2A", Progress())
        bare = replace(look, cloudiness=0.0, gap=False)
        write_image(settings.world, grid, free, bare, "L2A", Progress())
        stem = f"sentinel2_{look.date.replace('-', '')}"
        numbers, scl, qa60 = (
            array_of(cloudy / f"{stem}{ending}.tif") for ending in ("", "_scl", "_qa60")
        )
        scenes[stem] = SimpleNamespace(
            look=look, numbers=numbers, scl=scl[0], qa60=qa60[0], added=look.offset
        )
    return SimpleNamespace(
        folder=cloudy,
        images=[str(cloudy / f"{stem}.tif") for stem in scenes],
        truth=[str(free / f"{stem}.tif") for stem in scenes],
        scenes=scenes,
    )


def array_of(path: str | Path) -> np.ndarray:
    """Return all bands (bands, rows, columns) of a raster as they are stored."""
    with rasterio.open(path) as file:
        return file.read()
