"""Images of one file or many, opened for a model: bands, scale, place, pixel size, validity."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from gossan.core.bands import Band
from gossan.core.errors import BandMismatchError, FileError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import Window
from gossan.models.mines.image_grid import ground_size
from gossan.models.mines.images import ImageOptions, image_files, open_image

BANDS = (Band(0, "B2", 492.7, 65.0), Band(1, "B3", 559.8, 35.0), Band(2, "B8A", 864.7, 21.0))
NAMES = ("B8A", "B2", "B3")
ORDER = [1, 2, 0]
GRID = Affine(10, 0, 500_000, 0, -10, 8_000_000)


def numbers(height=40, width=30, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(1, 9000, (3, height, width)).astype("uint16")


def write(path, values, transform=GRID, *, crs="EPSG:32723", nodata=0, names=NAMES, **tags):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=values.shape[1],
        width=values.shape[2],
        count=values.shape[0],
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
    ) as file:
        file.write(values)
        file.descriptions = names
        scales = tags.pop("scales", None)
        if scales:
            file.scales, file.offsets = [scales[0]] * len(values), [scales[1]] * len(values)
        file.update_tags(**tags)
    return str(path)


class Log(list):
    @property
    def progress(self):
        return Progress(on_message=self.append, on_warning=self.append)


def test_bands_come_in_the_models_order_as_reflectance(tmp_path):
    stored, log = numbers(), Log()
    path = write(tmp_path / "a.tif", stored)
    with open_image(path, BANDS, progress=log.progress) as image:
        np.testing.assert_allclose(
            image.read(), np.moveaxis(stored[ORDER], 0, -1) * 1e-4, rtol=1e-6
        )
        window = Window(7, 3, 11, 5)
        np.testing.assert_array_equal(image.read(window), image.read()[window.slices])
        assert [band.name for band in image.info.bands] == ["B2", "B3", "B8A"]
    assert any("taken as reflectance x 10000" in text for text in log)


@pytest.mark.parametrize(
    ("tags", "options", "gain", "shift", "assumed"),
    [
        ({"offset": "1000", "processing_baseline": "05.11"}, {}, 1e-4, -0.1, "1000 added"),
        ({"processing_baseline": "04.00"}, {}, 1e-4, -0.1, "processing baseline 04.00"),
        ({"processing_baseline": "03.01"}, {}, 1e-4, 0.0, "taken as"),
        ({"scales": (2e-4, -0.05), "offset": "1000"}, {}, 2e-4, -0.05, None),
        ({"scales": (2e-4, -0.05)}, {"scale": 5e-5}, 5e-5, 0.0, None),
    ],
)
def test_the_scale_is_told_or_assumed_aloud(tmp_path, tags, options, gain, shift, assumed):
    stored, log = numbers(), Log()
    path = write(tmp_path / "a.tif", stored, **tags)
    with open_image(path, BANDS, options=ImageOptions(**options), progress=log.progress) as image:
        expected = np.moveaxis(stored[ORDER], 0, -1) * gain + shift
        np.testing.assert_allclose(image.read(), expected, atol=1e-6)
    assert any((assumed or "taken as") in text for text in log) == bool(assumed)


def test_reflectance_in_floats_stays_as_it_is(tmp_path):
    stored, log = (numbers() / 10000).astype("float32"), Log()
    path = write(tmp_path / "a.tif", stored, nodata=None)
    with open_image(path, BANDS, progress=log.progress) as image:
        np.testing.assert_array_equal(image.read(), np.moveaxis(stored[ORDER], 0, -1))
    assert not any("taken as" in text for text in log)


def test_a_pixel_is_missing_in_all_bands_where_it_is_in_one(tmp_path):
    stored = numbers()
    stored[0, 3, 4] = 0
    path = write(tmp_path / "a.tif", stored)
    with open_image(path, BANDS) as image:
        values = image.read()
    assert np.isnan(values[3, 4]).all()
    assert np.isnan(values).sum() == 3


@pytest.mark.parametrize(("collars", "missing"), [(True, 12), (False, 0)])
def test_zero_collars_without_nodata_count_as_missing(tmp_path, collars, missing):
    stored = numbers()
    stored[:, :2, :6] = 0
    path = write(tmp_path / "a.tif", stored, nodata=None)
    with open_image(path, BANDS, options=ImageOptions(collars=collars)) as image:
        assert np.isnan(image.read()[..., 0]).sum() == missing


def test_files_of_one_grid_are_joined_with_gaps_between_them(tmp_path):
    whole = numbers(60, 70)
    pieces = {"a": (0, 0, 30, 40), "b": (20, 30, 40, 40)}
    for name, (row, column, height, width) in pieces.items():
        part = whole[:, row : row + height, column : column + width]
        write(tmp_path / f"{name}.tif", part, GRID @ Affine.translation(column, row))
    (tmp_path / "notes.txt").write_text("no image")
    expected = np.full((60, 70, 3), np.nan)
    for row, column, height, width in pieces.values():
        place = np.s_[row : row + height, column : column + width]
        expected[place] = np.moveaxis(whole[ORDER], 0, -1)[place] * 1e-4
    with open_image(str(tmp_path), BANDS) as image:
        assert image.info.transform == GRID
        np.testing.assert_allclose(image.read(), expected, rtol=1e-6)
        part = Window(15, 25, 30, 45)
        np.testing.assert_allclose(image.read(part), expected[part.slices], rtol=1e-6)
    reverse = [str(tmp_path / "b.tif"), str(tmp_path / "a.tif")]
    with open_image(reverse, BANDS) as image:
        assert image.info.transform == GRID
        np.testing.assert_allclose(image.read(), expected, rtol=1e-6)


def test_where_files_overlap_the_first_valid_one_counts(tmp_path):
    first, second = numbers(seed=1), numbers(seed=2)
    first[:, :10] = 0
    paths = [write(tmp_path / "1.tif", first), write(tmp_path / "2.tif", second)]
    with open_image(paths, BANDS) as image:
        values = image.read()
    expected = np.where(first == 0, second, first)[ORDER]
    np.testing.assert_allclose(values, np.moveaxis(expected, 0, -1) * 1e-4, rtol=1e-6)


def test_each_file_keeps_its_own_offset(tmp_path):
    stored = numbers()
    paths = [
        write(tmp_path / "old.tif", stored),
        write(tmp_path / "new.tif", stored + 1000, GRID @ Affine.translation(30, 0), offset="1000"),
    ]
    with open_image(paths, BANDS) as image:
        values = image.read()
    np.testing.assert_allclose(values[:, :30], values[:, 30:], atol=1e-6)


def test_more_files_than_may_be_open_at_once(tmp_path):
    whole = numbers(4, 120)
    for column in range(40):
        part = whole[:, :, 3 * column : 3 * column + 3]
        write(tmp_path / f"{column:02}.tif", part, GRID @ Affine.translation(3 * column, 0))
    with open_image(str(tmp_path), BANDS) as image:
        for _ in range(2):
            np.testing.assert_allclose(
                image.read(), np.moveaxis(whole[ORDER], 0, -1) * 1e-4, rtol=1e-6
            )


def smooth(x, y):
    """A field that bilinear interpolation hardly changes."""
    return 0.3 + 0.1 * np.sin(x / 900.0) + 0.1 * np.cos(y / 1100.0)


def field(transform, height, width, crs="EPSG:32723"):
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x = transform.a * columns + transform.b * rows + transform.c
    y = transform.d * columns + transform.e * rows + transform.f
    if crs != "EPSG:32723":
        from rasterio.warp import transform as project

        x, y = project(crs, "EPSG:32723", x.ravel(), y.ravel())
        x, y = (np.reshape(v, (height, width)) for v in (x, y))
    return np.stack([smooth(x, y) + 0.01 * band for band in range(3)]).astype("float32")


def test_a_file_of_another_crs_is_warped_into_its_place(tmp_path):
    write(tmp_path / "a.tif", field(GRID, 60, 60), GRID, nodata=None)
    degrees = Affine(9e-5, 0, -45.0025, 0, -9e-5, -18.085)
    stored = field(degrees, 80, 120, "EPSG:4326")
    write(tmp_path / "b.tif", stored, degrees, crs="EPSG:4326", nodata=None)
    log = Log()
    with open_image(str(tmp_path), BANDS, progress=log.progress) as image:
        values = image.read()
        truth = field(image.info.transform, *values.shape[:2])
    seen = np.isfinite(values[..., 0])
    assert seen.sum() > 1.5 * 3600
    np.testing.assert_allclose(values[seen][:, 2], truth[0][seen], atol=1e-3)
    assert any("are warped" in text for text in log)


def test_an_image_of_other_pixels_is_resampled_and_the_log_says_so(tmp_path):
    fine = Affine(4, 0, 500_000, 0, -4, 8_000_000)
    path = write(tmp_path / "a.tif", field(fine, 200, 150), fine, nodata=None)
    log = Log()
    with open_image(path, BANDS, ground_sampling_distance=10.0, progress=log.progress) as image:
        values = image.read()
        assert image.info.ground_sampling_distance == pytest.approx(10.0, rel=1e-3)
        truth = field(image.info.transform, *values.shape[:2])
    assert values.shape == (80, 60, 3)
    np.testing.assert_allclose(values[2:-2, 2:-2, 2], truth[0][2:-2, 2:-2], atol=2e-3)
    assert any("resampled" in text and "4 m" in text for text in log)


def test_pixels_within_a_tenth_of_the_models_stay_as_they_are(tmp_path):
    stored, log = numbers(), Log()
    path = write(tmp_path / "a.tif", stored)
    with open_image(path, BANDS, ground_sampling_distance=10.9, progress=log.progress) as image:
        assert image.read().shape == (40, 30, 3)
    assert not any("resampled" in text for text in log)


@pytest.mark.parametrize(
    ("crs", "latitude", "size", "expected"),
    [
        ("EPSG:32723", -18.0, 10.0, (10.0, 10.0)),
        ("EPSG:4326", 0.0, 1e-4, (11.132, 11.057)),
        ("EPSG:4326", 60.0, 1e-4, (5.580, 11.141)),
        ("EPSG:3857", 60.0, 20.0, (10.0, 10.0)),
        ("EPSG:2263", 40.7, 30.0, (9.144, 9.144)),
    ],
)
def test_metres_on_the_ground_are_those_of_the_ellipsoid(crs, latitude, size, expected):
    """Degrees at the equator and 60 north as tables of the WGS 84 ellipsoid have them."""
    from rasterio.warp import transform as project

    longitude = {"EPSG:32723": -45.0, "EPSG:2263": -74.0}.get(crs, 10.0)
    (x,), (y,) = project("EPSG:4326", crs, [longitude], [latitude])
    found = ground_size(CRS.from_string(crs).to_wkt(), Affine(size, 0, x, 0, -size, y), 0, 0)
    assert found == pytest.approx(expected, rel=4e-3)


def test_a_turned_image_reads_as_it_is(tmp_path):
    angle = math.radians(20)
    turned = Affine.translation(500_000, 8_000_000) @ Affine.rotation(20) @ Affine.scale(10, -10)
    stored = numbers()
    path = write(tmp_path / "a.tif", stored, turned)
    with open_image(path, BANDS, ground_sampling_distance=10.0) as image:
        assert image.ground == pytest.approx((10.0, 10.0), rel=4e-3)
        assert image.info.transform.b == pytest.approx(10 * math.sin(angle))
        np.testing.assert_allclose(
            image.read(), np.moveaxis(stored[ORDER], 0, -1) * 1e-4, rtol=1e-6
        )


def test_what_cannot_be_opened_is_named(tmp_path):
    good = write(tmp_path / "good.tif", numbers())
    other = write(tmp_path / "other.tif", numbers(), names=("B8A", "B2", "B9"))
    with pytest.raises(BandMismatchError, match=r"other\.tif.*B3"):
        open_image([good, other], BANDS)
    with pytest.raises(FileError, match="nowhere"):
        open_image([good, str(tmp_path / "nowhere.tif")], BANDS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="holds no images"):
        image_files(str(tmp_path / "empty"))
    with pytest.raises(FileError, match="No image"):
        image_files([])
    nameless = write(tmp_path / "nameless.tif", numbers(), GRID, crs=None)
    with pytest.raises(InputError, match=r"nameless\.tif has no coordinate reference system"):
        open_image([good, nameless], BANDS)


def test_bands_without_names_are_taken_by_position_on_request_only(tmp_path):
    path = write(tmp_path / "a.tif", numbers(), names=("", "", ""))
    with pytest.raises(BandMismatchError):
        open_image(path, BANDS)
    with open_image(path, BANDS, options=ImageOptions(by_position=True, scale=1e-4)) as image:
        np.testing.assert_allclose(image.read(), np.moveaxis(numbers(), 0, -1) * 1e-4, rtol=1e-6)


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "float32", "int32", "float64"])
def test_pixels_say_the_same_as_reflectance(tmp_path, kind):
    stored = (numbers() % 200).astype(kind)
    stored[:, 5:9, 3:8] = 0
    stored[1, 20] = 77
    paths = [
        write(tmp_path / "1.tif", stored, nodata=77, scales=(0.002, -0.01)),
        write(tmp_path / "2.tif", stored, GRID @ Affine.translation(25, 10), nodata=None),
    ]
    with open_image(paths, BANDS) as image:
        for window in (Window(2, 1, 30, 20), Window(30, 40, 15, 12), Window(5, 5, 40, 45)):
            expected = image.read(window)
            pixels = image.pixels(window)
            np.testing.assert_allclose(pixels.reflectance(), expected, rtol=1e-6, atol=1e-7)
            np.testing.assert_array_equal(pixels.valid, np.isfinite(expected[..., 0]))
