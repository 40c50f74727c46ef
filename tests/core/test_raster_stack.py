"""Several rasters as one, on the grid of the first."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine

from gossan.core.errors import FileError, InputError
from gossan.core.raster import Window, open_raster, open_stack

UTM = rasterio.CRS.from_epsg(32633)
FINE = Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 5800000.0)


def make(path, values, transform=FINE, crs=UTM, names=None, **profile):
    bands, height, width = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=bands,
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        **profile,
    ) as dataset:
        dataset.write(values)
        for number, name in enumerate(names or [], start=1):
            dataset.set_band_description(number, name)
    return path


def plane(height, width, transform):
    """Values that are linear in the coordinates, which bilinear warping keeps."""
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    x = transform.a * columns + transform.b * rows + transform.c
    y = transform.d * columns + transform.e * rows + transform.f
    return ((x - 500000) + 2 * (y - 5800000)).astype("float32")[np.newaxis]


def test_equal_grids_are_read_without_warping(tmp_path):
    noise = np.random.default_rng(0).random((2, 20, 30)).astype("float32")
    first = make(tmp_path / "a.tif", noise[:1])
    second = make(tmp_path / "b.tif", noise[1:])
    with open_stack([first, second]) as stack:
        np.testing.assert_array_equal(stack.read(), np.moveaxis(noise, 0, -1))
        np.testing.assert_array_equal(
            stack.read(Window(3, 4, 5, 6), [1]), noise[1, 3:8, 4:10, np.newaxis]
        )
        assert [band.name for band in stack.info.bands] == ["a", "b"]
        assert stack.info.count == 2


def test_one_raster_is_a_stack_too(tmp_path):
    noise = np.random.default_rng(0).random((2, 20, 30)).astype("float32")
    with open_stack([make(tmp_path / "a.tif", noise)]) as stack:
        np.testing.assert_array_equal(stack.read(indexes=[1, 0]), np.moveaxis(noise[::-1], 0, -1))


@pytest.mark.parametrize(
    "other",
    [
        Affine(30.0, 0.0, 499900.0, 0.0, -30.0, 5800100.0),
        Affine(25.0, 0.0, 499900.0, 0.0, 25.0, 5799000.0),
        Affine(20.0, 5.0, 499700.0, 5.0, -20.0, 5800200.0),
        Affine(10.0, 0.0, 499898.0, 0.0, -10.0, 5800103.0),
    ],
    ids=["coarser", "south-up", "rotated", "shifted by a part of a pixel"],
)
def test_other_grids_are_interpolated_onto_the_first(tmp_path, other):
    first = make(tmp_path / "fine.tif", plane(40, 50, FINE))
    second = make(tmp_path / "other.tif", plane(80, 80, other), transform=other)
    with open_stack([first, second]) as stack:
        values = stack.read()
        part = stack.read(Window(7, 9, 11, 13))
    np.testing.assert_allclose(values[..., 1], values[..., 0], atol=0.02)
    np.testing.assert_allclose(part, values[7:18, 9:22], atol=1e-3)


def test_a_rotated_or_south_up_first_raster_sets_the_grid(tmp_path):
    wide = Affine(30.0, 0.0, 499000.0, 0.0, -30.0, 5801000.0)
    second = make(tmp_path / "wide.tif", plane(90, 90, wide), transform=wide)
    for number, grid in enumerate(
        (
            Affine(10.0, 4.0, 500000.0, 4.0, -10.0, 5800000.0),
            Affine(10.0, 0.0, 500000.0, 0.0, 10.0, 5799500.0),
        )
    ):
        first = make(tmp_path / f"{number}.tif", plane(40, 50, grid), transform=grid)
        with open_stack([first, second]) as stack:
            assert stack.info.transform == grid
            values = stack.read()
        np.testing.assert_allclose(values[..., 1], values[..., 0], atol=0.02)


def test_another_crs_is_reprojected(tmp_path):
    first = make(tmp_path / "utm.tif", plane(40, 50, FINE))
    degrees = Affine(0.0005, 0.0, 14.99, 0.0, -0.0005, 52.36)
    height, width = 60, 80
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    lon, lat = degrees.a * columns + degrees.c, degrees.e * rows + degrees.f
    second = make(
        tmp_path / "geo.tif",
        np.stack([lon, lat]).astype("float64"),
        transform=degrees,
        crs=rasterio.CRS.from_epsg(4326),
    )
    from rasterio.warp import transform

    x = FINE.c + (np.arange(50) + 0.5) * 10
    y = np.full(50, FINE.f - 205.0)
    expected = np.array(transform(UTM, rasterio.CRS.from_epsg(4326), x, y))
    with open_stack([first, second]) as stack:
        np.testing.assert_allclose(stack.read()[20, :, 1:].T, expected, atol=2e-5)
        np.testing.assert_allclose(stack.sample(x, y)[:, 1:].T, expected, atol=2e-5)


def test_outside_its_extent_a_part_is_missing_also_for_integers(tmp_path):
    first = make(tmp_path / "a.tif", np.ones((1, 10, 10), "uint8"))
    moved = Affine(10.0, 0.0, 500050.0, 0.0, -10.0, 5800000.0)
    second = make(tmp_path / "b.tif", np.full((1, 10, 10), 7, "uint8"), transform=moved)
    with open_stack([first, second]) as stack:
        values = stack.read()[..., 1]
    assert np.isnan(values[:, :5]).all()
    assert (values[:, 5:] == 7).all()


def test_nodata_is_kept_apart_by_band_when_warped(tmp_path):
    first = make(tmp_path / "a.tif", np.ones((1, 12, 12), "float32"))
    coarse = Affine(30.0, 0.0, 500000.0, 0.0, -30.0, 5800000.0)
    values = np.full((2, 4, 4), 5, "int16")
    values[1, :, :2] = -9
    second = make(tmp_path / "b.tif", values, transform=coarse, nodata=-9)
    with open_stack([first, second], nearest=True) as stack:
        read = stack.read()
    assert (read[..., 1] == 5).all()
    assert np.isnan(read[:, :6, 2]).all()
    assert (read[:, 6:, 2] == 5).all()


def test_classes_are_not_mixed_by_the_nearest_pixel(tmp_path):
    first = make(tmp_path / "a.tif", np.ones((1, 12, 12), "float32"))
    coarse = Affine(25.0, 0.0, 500000.0, 0.0, -25.0, 5800000.0)
    classes = np.array([[[1, 9], [9, 1]]] * 1, dtype="uint8").repeat(3, 1).repeat(3, 2)
    second = make(tmp_path / "b.tif", classes, transform=coarse)
    with open_stack([first, second], nearest=True) as stack:
        assert set(np.unique(stack.read()[..., 1])) == {1.0, 9.0}


def test_a_scale_applies_after_warping(tmp_path):
    first = make(tmp_path / "a.tif", np.ones((1, 6, 6), "float32"))
    coarse = Affine(20.0, 0.0, 500000.0, 0.0, -20.0, 5800000.0)
    second = make(tmp_path / "b.tif", np.full((1, 4, 4), 2500, "int16"), transform=coarse)
    with rasterio.open(second, "r+") as dataset:
        dataset.scales = (1e-4,)
    with open_stack([first, second]) as stack:
        np.testing.assert_allclose(stack.read()[..., 1], 0.25)


def test_equal_names_are_told_apart_by_their_files(tmp_path):
    one = np.ones((2, 4, 4), "float32")
    first = make(tmp_path / "may.tif", one, names=["red", "nir"])
    second = make(tmp_path / "june.tif", one, names=["red", "swir"])
    with open_stack([first, second, first]) as stack:
        names = [band.name for band in stack.info.bands]
    assert names == [
        "may red",
        "may nir",
        "june red",
        "swir",
        "may red (2)",
        "may nir (2)",
    ]
    assert [band.index for band in stack.info.bands] == list(range(6))


def test_without_crs_equal_grids_are_accepted_and_said(tmp_path):
    one = np.ones((1, 4, 4), "float32")
    first = make(tmp_path / "a.tif", one)
    second = make(tmp_path / "b.tif", one, crs=None)
    with open_stack([first, second]) as stack:
        assert any("b.tif" in note and "no coordinate" in note for note in stack.info.notes)


def test_without_crs_other_grids_are_refused(tmp_path):
    first = make(tmp_path / "a.tif", np.ones((1, 4, 4), "float32"))
    second = make(tmp_path / "b.tif", np.ones((1, 5, 4), "float32"), crs=None)
    with pytest.raises(InputError, match="Assign the right one"):
        open_stack([first, second])


def test_parts_that_do_not_overlap_or_exist_are_refused(tmp_path):
    one = np.ones((1, 4, 4), "float32")
    first = make(tmp_path / "a.tif", one)
    far = make(tmp_path / "far.tif", one, transform=Affine(10, 0, 600000, 0, -10, 5800000))
    with pytest.raises(InputError, match=r"far\.tif does not overlap"):
        open_stack([first, far])
    with pytest.raises(FileError, match="does not exist"):
        open_stack([first, tmp_path / "none.tif"])
    with pytest.raises(InputError, match="No raster"):
        open_stack([])


def test_real_rasters_without_crs_stack(shared_data):
    paths = sorted((shared_data / "metals/meuse_rasters").glob("*.tif"))
    with open_stack(paths) as stack:
        values = stack.read()
        for index, path in enumerate(paths):
            with open_raster(path) as raster:
                np.testing.assert_array_equal(values[..., index], raster.read()[..., 0])
