"""Reading rasters by windows: values, missing values, scale, points, and refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning

from gossan.core.errors import FileError, InputError
from gossan.core.raster import Window, open_raster, reflectance_scale, valid_pixels

UTM = rasterio.CRS.from_epsg(32633)
NORTH_UP = Affine(30.0, 0.0, 400000.0, 0.0, -30.0, 5800000.0)
ROTATED = Affine(20.0, 10.0, 400000.0, 10.0, -20.0, 5800000.0)
SOUTH_UP = Affine(30.0, 0.0, 400000.0, 0.0, 30.0, 5700000.0)


def make(path, values, **profile):
    """Write an array (bands, rows, columns) with rasterio alone."""
    bands, height, width = values.shape
    kind = {"driver": "GTiff", "dtype": values.dtype, **profile}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", height=height, width=width, count=bands, **kind) as dataset:
            dataset.write(values)
    return path


def ramp(bands=3, height=7, width=5, dtype="int16"):
    count = bands * height * width
    return (np.arange(count) % 120).reshape(bands, height, width).astype(dtype)


@pytest.mark.parametrize(
    "dtype",
    ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"],
)
@pytest.mark.parametrize("interleave", ["band", "pixel"])
def test_every_real_type_is_read_as_float32(tmp_path, dtype, interleave):
    values = ramp(dtype=dtype)
    path = make(tmp_path / "a.tif", values, interleave=interleave)
    with open_raster(path) as raster:
        read = raster.read()
        stored = raster.read_stored()
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, np.moveaxis(values, 0, -1))
    assert stored.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(stored, np.moveaxis(values, 0, -1))


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_envi_files_are_read_in_every_interleave_by_data_file_or_header(tmp_path, interleave):
    values = ramp()
    make(tmp_path / "cube.dat", values, driver="ENVI", interleave=interleave)
    for name in ("cube.dat", "cube.hdr"):
        with open_raster(tmp_path / name) as raster:
            np.testing.assert_array_equal(raster.read(), np.moveaxis(values, 0, -1))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_window_is_the_slice_of_the_whole_image(tmp_path_factory, data):
    height = data.draw(st.integers(1, 40), "height")
    width = data.draw(st.integers(1, 40), "width")
    bands = data.draw(st.integers(1, 4), "bands")
    values = ramp(bands, height, width, data.draw(st.sampled_from(["uint8", "int16", "float32"])))
    path = make(tmp_path_factory.mktemp("window") / "a.tif", values, nodata=7)
    row = data.draw(st.integers(0, height - 1), "row")
    column = data.draw(st.integers(0, width - 1), "column")
    window = Window(
        row,
        column,
        data.draw(st.integers(1, height - row)),
        data.draw(st.integers(1, width - column)),
    )
    indexes = data.draw(st.lists(st.integers(0, bands - 1), min_size=1, max_size=6), "bands")
    with open_raster(path) as raster:
        whole = raster.read()
        part = raster.read(window, indexes)
    np.testing.assert_array_equal(part, whole[window.slices][..., indexes])


def test_nodata_is_missing_band_by_band(tmp_path):
    values = np.full((3, 2, 2), 5, dtype="int16")
    values[0, 0, 0] = -1
    values[1, 0, 1] = -2
    values[2, 1, 1] = -1
    # Only ENVI's and GTiff's sidecars hold several; a VRT says it plainly.
    make(tmp_path / "a.tif", values)
    vrt = tmp_path / "a.vrt"
    bands = "".join(
        f'<VRTRasterBand dataType="Int16" band="{n}">{nodata}<SimpleSource>'
        f'<SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>{n}</SourceBand>'
        "</SimpleSource></VRTRasterBand>"
        for n, nodata in (
            (1, "<NoDataValue>-1</NoDataValue>"),
            (2, "<NoDataValue>-2</NoDataValue>"),
            (3, ""),
        )
    )
    vrt.write_text(f'<VRTDataset rasterXSize="2" rasterYSize="2">{bands}</VRTDataset>')
    with open_raster(vrt) as raster:
        assert raster.info.nodata == (-1.0, -2.0, None)
        missing = np.isnan(raster.read())
        assert raster.read()[1, 1, 2] == -1
    assert [tuple(map(int, place)) for place in np.argwhere(missing)] == [(0, 0, 0), (0, 1, 1)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinite_nan_and_huge_nodata_are_missing(tmp_path, dtype):
    lowest = float(np.finfo(dtype).min)
    values = np.array([[[1.0, np.inf, -np.inf, np.nan, lowest]]], dtype=dtype)
    path = make(tmp_path / "a.tif", values, nodata=lowest)
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read()[0, :, 0], [1, np.nan, np.nan, np.nan, np.nan])


def test_large_integers_next_to_nodata_stay(tmp_path):
    """As float32 the two would be the same number."""
    values = np.array([[[2_000_000_001, 2_000_000_000]]], dtype="int32")
    with open_raster(make(tmp_path / "a.tif", values, nodata=2_000_000_001)) as raster:
        np.testing.assert_array_equal(np.isnan(raster.read()[0, :, 0]), [True, False])


def test_an_image_of_nothing_but_nodata_reads_as_missing(tmp_path):
    with open_raster(make(tmp_path / "a.tif", np.zeros((2, 3, 3), "uint8"), nodata=0)) as raster:
        assert np.isnan(raster.read()).all()


def test_one_pixel_and_one_row_are_read(tmp_path):
    for height, width in ((1, 1), (1, 9), (9, 1)):
        values = ramp(2, height, width)
        with open_raster(make(tmp_path / f"{height}{width}.tif", values)) as raster:
            assert raster.read().shape == (height, width, 2)


def test_scale_and_offset_come_from_the_file_or_the_parameter(tmp_path):
    path = make(tmp_path / "a.tif", np.full((2, 1, 1), 2000, dtype="int16"))
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4, 2e-4), (0.0, -0.1)
    with open_raster(path) as raster:
        np.testing.assert_allclose(raster.read()[0, 0], [0.2, 0.3], rtol=1e-6)
        np.testing.assert_allclose(raster.read(scaled=False)[0, 0], [2000, 2000])
        assert raster.info.scale_source
    with open_raster(path, scale=2.75e-5, offset=-0.2) as raster:
        np.testing.assert_allclose(raster.read()[0, 0], [-0.145, -0.145], rtol=1e-6)


def test_envi_reflectance_scale_factor_divides(tmp_path):
    path = make(tmp_path / "a.dat", np.full((1, 1, 1), 2500, dtype="int16"), driver="ENVI")
    with open(tmp_path / "a.hdr", "a") as header:
        header.write("reflectance scale factor = 10000\n")
    with open_raster(path) as raster:
        assert raster.read()[0, 0, 0] == pytest.approx(0.25)


def test_nodata_is_compared_before_scaling(tmp_path):
    values = np.array([[[-9999, 5000]]], dtype="int16")
    with open_raster(make(tmp_path / "a.tif", values, nodata=-9999), scale=1e-4) as raster:
        np.testing.assert_allclose(raster.read()[0, :, 0], [np.nan, 0.5])


@pytest.mark.parametrize(
    ("values", "dtype", "factor", "word"),
    [
        ([0.1, 0.6], "float32", 1.0, None),
        ([500, 6000], "int16", 1e-4, "10000"),
        ([5.0, 60.0], "float32", 0.01, "percent"),
        ([20, 250], "uint8", 1.0, "stay as they are"),
        ([100, 60000], "uint16", 1.0, "stay as they are"),
    ],
)
def test_an_assumed_scale_is_said(tmp_path, values, dtype, factor, word):
    path = make(tmp_path / "a.tif", np.array([[values]], dtype=dtype))
    with open_raster(path) as raster:
        used, note = reflectance_scale(raster.info, raster.read())
    assert used == factor
    assert (note is None) if word is None else (word in note and str(path) in note)


def test_a_given_scale_is_never_second_guessed(tmp_path):
    path = make(tmp_path / "a.tif", np.full((1, 2, 2), 5000, dtype="int16"))
    with open_raster(path, scale=1.0) as raster:
        assert reflectance_scale(raster.info, raster.read()) == (1.0, None)


@pytest.mark.parametrize("transform", [NORTH_UP, ROTATED, SOUTH_UP])
def test_points_find_their_pixels_on_any_grid(tmp_path, transform):
    values = np.arange(600, dtype="float32").reshape(1, 20, 30)
    path = make(tmp_path / "a.tif", values, crs=UTM, transform=transform)
    rows, columns = np.meshgrid(np.arange(20), np.arange(30), indexing="ij")
    a, b, c, d, e, f = tuple(transform)[:6]
    columns, rows = columns.ravel() + 0.3, rows.ravel() + 0.8
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    with open_raster(path) as raster:
        assert raster.info.transform == transform
        np.testing.assert_array_equal(raster.sample(x, y)[:, 0], values.ravel())


def test_points_off_the_image_are_missing(tmp_path):
    path = make(tmp_path / "a.tif", ramp(), crs=UTM, transform=NORTH_UP)
    left, top = NORTH_UP.c, NORTH_UP.f
    x = np.array([left - 1, left + 1, left + 1, left + 5 * 30, np.nan])
    y = np.array([top - 1, top - 1, top + 1, top - 1, top - 1])
    with open_raster(path) as raster:
        inside = np.isfinite(raster.sample(x, y)).all(axis=1)
        assert raster.sample(np.array([]), np.array([])).shape == (0, 3)
    np.testing.assert_array_equal(inside, [False, True, False, False, False])


def test_points_over_many_blocks_equal_the_whole_image(tmp_path):
    generator = np.random.default_rng(1)
    values = generator.integers(0, 9999, (2, 700, 600)).astype("uint16")
    path = make(tmp_path / "a.tif", values, tiled=True, blockxsize=64, blockysize=64)
    columns, rows = generator.integers(0, 600, 3000), generator.integers(0, 700, 3000)
    with open_raster(path) as raster:
        read = raster.sample(columns + 0.5, rows + 0.5, [1])
    np.testing.assert_array_equal(read[:, 0], values[1, rows, columns])


def test_a_file_without_place_has_none(tmp_path):
    with open_raster(make(tmp_path / "a.tif", ramp())) as raster:
        assert raster.info.transform is None
        assert raster.info.crs_wkt is None
        assert raster.info.pixel_size is None


def test_pixels_count_when_every_band_is_finite_and_outside_the_collar():
    pixels = np.array([[1.0, 2.0], [np.nan, 2.0], [0.0, 0.0], [0.0, 1.0], [1.0, np.inf]])
    np.testing.assert_array_equal(valid_pixels(pixels), [True, False, True, True, False])
    np.testing.assert_array_equal(
        valid_pixels(pixels, collar=True), [True, False, False, True, False]
    )


def test_windows_and_bands_off_the_image_are_refused(tmp_path):
    with open_raster(make(tmp_path / "a.tif", ramp())) as raster:
        for window in (Window(5, 0, 3, 1), Window(-1, 0, 1, 1), Window(0, 0, 1, 6)):
            with pytest.raises(InputError, match=r"7 rows and 5 columns"):
                raster.read(window)
        with pytest.raises(InputError, match="band 4 does not exist"):
            raster.read(indexes=[3])


def test_what_is_no_raster_is_refused_by_name(tmp_path):
    text, empty = tmp_path / "text.tif", tmp_path / "empty.tif"
    text.write_text("no raster at all")
    empty.touch()
    for path, words in (
        (tmp_path / "missing.tif", "does not exist"),
        (tmp_path, "is a folder"),
        (empty, "is empty"),
        (text, "cannot be opened as a raster"),
    ):
        with pytest.raises(FileError, match=words) as problem:
            open_raster(path)
        assert str(path) in str(problem.value)


def test_a_header_without_its_data_is_refused(tmp_path):
    make(tmp_path / "a.dat", ramp(), driver="ENVI")
    (tmp_path / "a.dat").unlink()
    with pytest.raises(FileError, match="without its data file"):
        open_raster(tmp_path / "a.hdr")


def test_complex_numbers_are_refused(tmp_path):
    path = make(tmp_path / "a.tif", np.ones((1, 2, 2), dtype="complex64"))
    with pytest.raises(FileError, match="complex"):
        open_raster(path)


def test_a_cut_off_envi_file_is_refused_instead_of_read_as_zeros(tmp_path):
    path = make(tmp_path / "a.dat", ramp(), driver="ENVI")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(FileError, match="cut off"):
        open_raster(path)


def test_a_cut_off_tiff_names_file_and_rows(tmp_path):
    noise = np.random.default_rng(0).integers(0, 30000, (2, 300, 300)).astype("int16")
    path = make(tmp_path / "a.tif", noise, compress="deflate", tiled=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(FileError, match=r"a\.tif") as problem, open_raster(path) as raster:
        raster.read()
    assert "again" in str(problem.value) or "GeoTIFF" in str(problem.value)


def test_a_corrupt_tile_spares_the_others(tmp_path):
    noise = np.random.default_rng(0).integers(0, 30000, (1, 512, 256)).astype("int16")
    path = make(tmp_path / "a.tif", noise, compress="deflate", tiled=True)
    with rasterio.open(path) as dataset:
        start = int(dataset.get_tag_item("BLOCK_OFFSET_0_1", "TIFF", bidx=1))
    content = bytearray(path.read_bytes())
    content[start : start + 200] = b"\xff" * 200
    path.write_bytes(content)
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read(Window(0, 0, 256, 256))[..., 0], noise[0, :256])
        with pytest.raises(FileError, match="rows 257 to 512 cannot be read"):
            raster.read(Window(256, 0, 256, 256))


def test_real_enmap_tiles_and_cubes_are_read(shared_data):
    tiles = sorted((shared_data / "endmembers/enmap_potsdam/images").glob("*.tif"))
    assert len(tiles) == 18
    for tile in tiles:
        with open_raster(tile) as raster:
            values = raster.read()
            assert values.shape == (32, 32, 224)
            assert raster.info.bands[0].wavelength == pytest.approx(418.24)
            assert raster.info.bands[0].fwhm == pytest.approx(6.99561)
            assert 0.0 < np.nanmedian(values) < 0.6
    with open_raster(shared_data / "endmembers/gamsberg/cubus_gamsberg_subset.hdr") as raster:
        assert raster.read().shape == (25, 10, 189)
        assert raster.info.bands[-1].wavelength == pytest.approx(2325, abs=1)
        assert reflectance_scale(raster.info, raster.read())[0] == 1e-4


@pytest.mark.parametrize("filler", [-3.4028234663852886e38, -1.23e34, 1e20])
def test_undeclared_fillers_are_missing(tmp_path, filler):
    values = np.array([[[0.25, filler]]], dtype="float32")
    path = tmp_path / "filled.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=1, width=2, count=1, dtype="float32"
    ) as dataset:
        dataset.write(values)
    with open_raster(path) as raster:
        np.testing.assert_array_equal(raster.read()[..., 0], [[0.25, np.nan]])


@pytest.mark.parametrize(
    ("epsg", "metres"),
    [(32633, 30.0), (2263, 30.0 * 1200 / 3937), (4326, None), (None, None)],
    ids=["metres", "feet", "degrees", "no CRS"],
)
def test_the_ground_sampling_distance_is_in_metres_or_unknown(tmp_path, epsg, metres):
    crs = None if epsg is None else rasterio.CRS.from_epsg(epsg)
    with open_raster(make(tmp_path / "a.tif", ramp(), crs=crs, transform=NORTH_UP)) as raster:
        assert raster.info.ground_sampling_distance == (
            None if metres is None else pytest.approx(metres)
        )
