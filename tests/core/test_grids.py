from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS

from gossan.core.errors import InputError
from gossan.core.grids import Grid, GridView, reprojected_bounds
from gossan.core.raster import Window, open_raster

UTM = CRS.from_epsg(32649).to_wkt()
HOME = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 4_000_000), 40, 50)


def shifted(rows, columns, height=20, width=30):
    place = HOME.transform @ Affine.translation(columns, rows)
    return Grid(UTM, place, height, width)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A raster of 20 x 30 pixels that count up, without a place yet."""

    def write(grid, dtype="float32"):
        path = tmp_path_factory.mktemp("grid") / "x.tif"
        values = np.arange(1, 2 * grid.height * grid.width + 1).reshape(2, grid.height, grid.width)
        with rasterio.open(
            path, "w", driver="GTiff", count=2, height=grid.height, width=grid.width, dtype=dtype,
            crs=grid.crs, transform=grid.transform,
        ) as file:  # fmt: skip
            file.write(values.astype(dtype))
        return open_raster(path), np.moveaxis(values, 0, -1)

    return write


@given(st.integers(-60, 60), st.integers(-60, 60))
def test_the_window_that_another_grid_covers_is_their_intersection(rows, columns):
    found = HOME.window_of(shifted(rows, columns))
    inside = [
        (row, column)
        for row in range(HOME.height)
        for column in range(HOME.width)
        if rows <= row < rows + 20 and columns <= column < columns + 30
    ]
    if not inside:
        assert found is None
    else:
        (first_row, first_column), (last_row, last_column) = inside[0], inside[-1]
        assert found == Window(
            first_row, first_column, last_row - first_row + 1, last_column - first_column + 1
        )


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (5, 7), (-8, -3), (30, 40), (100, 0)])
def test_aligned_rasters_are_read_as_they_are_and_missing_elsewhere(source, rows, columns):
    raster, values = source(shifted(rows, columns))
    expected = np.full((200, 200, 2), np.nan)
    expected[75 + rows : 95 + rows, 75 + columns : 105 + columns] = values
    with GridView(raster, HOME) as view:
        assert not view.is_resampled
        got = view.read(Window(0, 0, 40, 50))
        part = view.read(Window(3, 4, 10, 20), [1])
    np.testing.assert_array_equal(got, expected[75:115, 75:125])
    np.testing.assert_array_equal(part[..., 0], expected[78:88, 79:99, 1])


def test_pixels_that_lie_otherwise_are_warped(source):
    half = Grid(UTM, HOME.transform @ Affine.translation(0.5, 0), 20, 30)
    raster, values = source(half)
    with GridView(raster, HOME) as view:
        assert view.is_resampled
        got = view.read(Window(2, 2, 10, 20))
    np.testing.assert_allclose(got[..., 0], values[2:12, 2:22, 0] - 0.5, atol=1e-3)
    raster, values = source(half)
    with GridView(raster, HOME, nearest=True) as view:
        assert set(np.unique(view.read(Window(2, 2, 10, 20)))) <= set(np.unique(values))


def test_grids_without_a_reference_system_meet_only_their_like(source):
    nowhere = Grid("", HOME.transform, 40, 50)
    assert nowhere.window_of(nowhere) == Window(0, 0, 40, 50)
    with pytest.raises(InputError, match="without coordinate reference system"):
        HOME.window_of(nowhere)


def test_bounds_hold_the_whole_grid_in_every_system():
    west, south, east, north = HOME.bounds_in(CRS.from_epsg(4326))
    assert west < 111.0 + 1e-9 < east
    assert HOME.bounds == (500_000, 3_999_600, 500_500, 4_000_000)
    back = reprojected_bounds((west, south, east, north), CRS.from_epsg(4326), HOME.crs)
    assert back[0] <= 500_000.001
    assert back[3] >= 3_999_999.999
    with pytest.raises(InputError, match="has no place"):
        reprojected_bounds((0, 95, 10, 99), CRS.from_epsg(4326), HOME.crs)


def test_a_turned_grid_has_the_box_of_its_corners():
    turned = Grid(UTM, HOME.transform @ Affine.rotation(30), 10, 10)
    left, bottom, right, top = turned.bounds
    assert right - left == pytest.approx(100 * (np.cos(np.pi / 6) + 0.5))
    assert top - bottom == pytest.approx(right - left)
