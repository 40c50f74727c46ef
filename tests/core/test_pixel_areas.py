from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from gossan.core.blocks import Window
from gossan.core.pixel_areas import pixel_areas
from gossan.core.raster import RasterWriter, open_raster

EARTH = 510_065_621.724e6
"""Surface of the ellipsoid WGS 84, square metres (Moritz 1980 for GRS 80 differs in the mm)."""


def info_of(path, height, width, crs, transform):
    wkt = None if crs is None else CRS.from_user_input(crs).to_wkt()
    with RasterWriter(
        path, height, width, bands=["a"], dtype="uint8", crs_wkt=wkt, transform=transform
    ) as writer:
        writer.write(Window(0, 0, height, width), np.ones((height, width), dtype=np.uint8))
    with open_raster(path) as raster:
        return raster.info


def test_degrees_cover_the_whole_earth(tmp_path):
    info = info_of(tmp_path / "a.tif", 720, 36, "EPSG:4326", Affine(10, 0, -180, 0, -0.25, 90))
    assert pixel_areas(info).sum() * 36 == pytest.approx(EARTH, rel=1e-9)


def test_metres_and_feet_are_square_metres(tmp_path):
    metres = info_of(tmp_path / "a.tif", 3, 2, "EPSG:32649", Affine(30, 0, 0, 0, -20, 0))
    assert pixel_areas(metres) == pytest.approx([600.0] * 3)
    feet = info_of(tmp_path / "b.tif", 3, 2, "EPSG:2263", Affine(10, 0, 0, 0, -10, 0))
    assert pixel_areas(feet) == pytest.approx([100 * 0.3048006096**2] * 3)


def test_without_a_place_there_is_no_area(tmp_path):
    assert pixel_areas(info_of(tmp_path / "a.tif", 3, 2, None, None)) is None
    local = info_of(tmp_path / "b.tif", 3, 2, None, Affine(1, 0, 0, 0, -1, 0))
    assert pixel_areas(local) is None
