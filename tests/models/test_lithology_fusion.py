"""Fusion: its filter, its factors and its windows, against whole-image formulas and known truth."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import open_stack
from gossan.models.lithology import fusion as fusion_module
from gossan.models.lithology.fusion import resolution_ratio
from gossan.models.lithology.low_pass import box_width, halo_of, low_frequencies
from gossan.models.registry import load

FINE, COARSE = 10.0, 80.0


def write(path, values, names, cell=FINE, crs="EPSG:32650", nodata=None):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=values.shape[0],
        width=values.shape[1],
        count=values.shape[2],
        dtype="float32",
        crs=crs,
        transform=Affine(cell, 0, 500_000, 0, -cell, 3_000_000),
        nodata=nodata,
    ) as dataset:
        dataset.write(np.moveaxis(values, -1, 0).astype("float32"))
        for index, name in enumerate(names, start=1):
            dataset.set_band_description(index, name)
    return str(path)


def coarse(values):
    factor = int(COARSE / FINE)
    rows, columns, bands = values.shape
    return values.reshape(rows // factor, factor, columns // factor, factor, bands).mean((1, 3))


@pytest.fixture
def scene(tmp_path):
    """An image of two bands, and layers that follow from it, half follow, and do not at all."""
    random = np.random.default_rng(5)
    smooth = [gaussian_filter(random.normal(size=(240, 320)), s) * s for s in (3, 5)]
    image = np.stack([0.3 + 0.1 * one for one in smooth], axis=-1)
    linear = 40.0 * image[..., :1] - 25.0 * image[..., 1:] + 7.0
    foreign = gaussian_filter(random.normal(size=(240, 320)), 12)[..., None]
    return {
        "image": write(tmp_path / "image.tif", image, ["red", "swir"]),
        "magnetics": write(tmp_path / "tmi.tif", coarse(linear), ["TMI"], COARSE),
        "foreign": write(tmp_path / "foreign.tif", coarse(foreign), ["gravity"], COARSE),
        "dem": write(tmp_path / "dem.tif", smooth[0][..., None], ["elevation"]),
        "truth": linear[..., 0],
    }


def read(path):
    with rasterio.open(path) as dataset:
        return np.moveaxis(dataset.read(), 0, -1), dataset.descriptions


# The filter


def test_the_filter_is_close_to_a_gaussian_of_its_scale():
    point = np.zeros((121, 121, 1), dtype=np.float32)
    point[60, 60] = 1.0
    for scale in (4.0, 7.0, 10.0):
        answer = low_frequencies(point, box_width(scale))[..., 0]
        rows, columns = np.mgrid[:121, :121] - 60.0
        assert np.sqrt((answer * rows**2).sum()) == pytest.approx(scale, rel=0.13)
        spread = (answer * rows**2).sum()
        gauss = np.exp(-(rows**2 + columns**2) / (2 * spread))
        assert np.abs(answer - gauss / gauss.sum()).max() < 0.15 * answer.max()


def test_missing_pixels_and_edges_take_no_part():
    random = np.random.default_rng(0)
    values = random.normal(size=(40, 50, 2)).astype(np.float32)
    values[10:20, 5:9, 0] = np.nan
    width = 5
    box = np.ones((width, width)) / width**2

    def passed(array):
        for _ in range(3):
            array = fftconvolve(array, box, mode="same")
        return array

    for band in range(2):
        known = np.isfinite(values[..., band])
        sums = passed(np.where(known, values[..., band], 0))
        weights = passed(known.astype(float))
        expected = np.where(weights > 1e-6, sums / np.maximum(weights, 1e-6), np.nan)
        np.testing.assert_allclose(low_frequencies(values, width)[..., band], expected, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 50), st.sampled_from([3, 5, 7]))
def test_a_window_with_its_halo_gives_what_the_whole_gives(row, column, width):
    values = np.random.default_rng(1).normal(size=(60, 70, 1)).astype(np.float32)
    values[30:33, 20:60] = np.nan
    whole = low_frequencies(values, width)
    halo = halo_of(width)
    top, left = max(row - halo, 0), max(column - halo, 0)
    part = low_frequencies(values[top : row + 15 + halo, left : column + 15 + halo], width)
    inner = part[row - top : row - top + 15, column - left : column - left + 15]
    np.testing.assert_allclose(inner, whole[row : row + 15, column : column + 15], atol=1e-6)


def test_a_filter_of_no_width_changes_nothing():
    assert box_width(0.1) == 1
    assert halo_of(1) == 0


# The job


def test_detail_of_a_layer_that_follows_from_the_image_is_restored(scene, tmp_path):
    out = str(tmp_path / "stack.tif")
    result = load("lithology.fuse")(
        Progress(),
        image=scene["image"],
        others=[scene["magnetics"]],
        terrain=[scene["dem"]],
        output=out,
        report=str(tmp_path / "r.html"),
    )
    values, names = read(out)
    assert names == ("TMI", "elevation")
    with open_stack([scene["image"], scene["magnetics"]]) as stack:
        resampled = stack.read(None, [2])[..., 0]
    inner = (slice(20, -20), slice(20, -20))
    before = np.sqrt(np.mean((resampled - scene["truth"])[inner] ** 2))
    after = np.sqrt(np.mean((values[..., 0] - scene["truth"])[inner] ** 2))
    assert after < 0.4 * before
    assert result["layers"][0]["ratio"] == pytest.approx(8.0)
    assert result["layers"][0]["sharpened"]


def test_the_factors_are_those_of_the_equations(scene, tmp_path):
    out = str(tmp_path / "stack.tif")
    load("lithology.fuse")(
        Progress(), image=scene["image"], others=[scene["magnetics"]], scale=0.4, output=out
    )
    values, _ = read(out)
    with open_stack([scene["image"], scene["magnetics"]]) as stack:
        everything = stack.read()
    image, layer = everything[..., :2], everything[..., 2]
    low = low_frequencies(image, box_width(0.4 * 8))
    places = (slice(2, None, 4), slice(2, None, 4))
    design = np.column_stack([np.ones(low[places][..., 0].size), low[places].reshape(-1, 2)])
    factors = np.linalg.lstsq(design, layer[places].ravel(), rcond=None)[0][1:]
    expected = layer + (image - low) @ factors
    np.testing.assert_allclose(values[..., 0], expected, atol=1e-3 * np.ptp(expected))


def test_a_layer_that_does_not_relate_is_resampled_only_and_said_so(scene, tmp_path):
    out, warned = str(tmp_path / "stack.tif"), []
    result = load("lithology.fuse")(
        Progress(on_warning=warned.append),
        image=scene["image"],
        others=[scene["foreign"]],
        least_fit=0.3,
        output=out,
        table=str(tmp_path / "t.csv"),
    )
    assert result["sharpened"] == 0
    assert any("gravity is resampled only" in text for text in warned)
    with open_stack([scene["image"], scene["foreign"]]) as stack:
        np.testing.assert_array_equal(read(out)[0][..., 0], stack.read(None, [2])[..., 0])
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["Sharpened"].startswith("no: it hardly relates")


def test_the_tiling_changes_nothing(scene, tmp_path, monkeypatch):
    def fuse(name):
        out = str(tmp_path / name)
        load("lithology.fuse")(
            Progress(),
            image=scene["image"],
            others=[scene["magnetics"], scene["foreign"]],
            least_fit=0.0,
            keep_bands=True,
            output=out,
        )
        return read(out)[0]

    whole = fuse("whole.tif")
    monkeypatch.setattr(fusion_module, "_SMALLEST_SIDE", 50)
    monkeypatch.setattr(fusion_module, "_LARGEST_SIDE", 50)
    np.testing.assert_allclose(fuse("tiles.tif"), whole, atol=2e-4, equal_nan=True)


def test_compositions_become_centred_log_ratios_and_zeros_are_counted(scene, tmp_path):
    random = np.random.default_rng(7)
    parts = random.uniform(5, 60, (30, 40, 3))
    parts[4, 5, 2] = 0.0
    parts[0, 0, 1] = -1.0  # declared as missing
    two = write(tmp_path / "a.tif", parts[..., :2], ["SiO2", "MgO"], COARSE, nodata=-1.0)
    one = write(tmp_path / "b.tif", parts[..., 2:], ["CaO"], COARSE)
    said = []
    out = str(tmp_path / "stack.tif")
    result = load("lithology.fuse")(
        Progress(on_message=said.append),
        image=scene["image"],
        composition=[two, one],
        least_fit=0.0,
        output=out,
    )
    values, names = read(out)
    assert names == ("clr SiO2", "clr MgO", "clr CaO")
    assert result["zeros"] == 1
    assert any("clr CaO: 1 values of zero" in text for text in said)
    assert result["missing"] > 0
    known = np.isfinite(values).all(axis=-1)
    assert known.mean() > 0.95
    np.testing.assert_allclose(values[known].sum(axis=-1), 0.0, atol=1e-4)


def test_the_ratio_is_right_across_coordinate_systems(scene, tmp_path):
    degrees = Affine(0.001, 0, 116.9, 0, -0.001, 27.2)
    path = tmp_path / "degrees.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=200, width=400, count=1, dtype="float32",
        crs="EPSG:4326", transform=degrees,
    ) as dataset:  # fmt: skip
        dataset.write(np.random.default_rng(0).normal(size=(1, 200, 400)).astype("float32"))
    with open_stack([scene["image"]]) as image, open_stack([path]) as layer:
        ratio = resolution_ratio(layer.info, image.info)
    # At 27.1 degrees north: 111.3 m x cos(27.1) by 110.8 m on the ellipsoid, pixels of 10 m.
    assert ratio == pytest.approx(np.sqrt(111.32 * np.cos(np.radians(27.1)) * 110.8) / 10, rel=0.01)


def test_pixels_under_clouds_keep_the_resampled_layer(scene, tmp_path):
    image, names = read(scene["image"])
    image[50:60, 70:90] = np.nan
    cloudy = write(tmp_path / "cloudy.tif", image, names)
    out = str(tmp_path / "stack.tif")
    load("lithology.fuse")(Progress(), image=cloudy, others=[scene["magnetics"]], output=out)
    with open_stack([cloudy, scene["magnetics"]]) as stack:
        resampled = stack.read(None, [2])[..., 0]
    values = read(out)[0][..., 0]
    np.testing.assert_array_equal(values[50:60, 70:90], resampled[50:60, 70:90])
    assert not np.array_equal(values, resampled)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"others": []}, "nothing to fuse"),
        ({"bands": [9]}, "no band 9"),
        ({"scale": 0.0}, "parts nothing"),
        ({"composition": ["magnetics"], "others": []}, "at least two"),
        ({"others": ["far"]}, "does not overlap"),
    ],
)
def test_what_cannot_be_fused_is_refused_and_leaves_nothing(scene, tmp_path, changes, sentence):
    far = write(tmp_path / "far.tif", np.ones((3, 3, 1)), ["x"], crs="EPSG:32655")
    files = {**scene, "far": far}
    given = {"others": ["magnetics"], **changes}
    for key in ("others", "composition"):
        given[key] = [files[name] for name in given.get(key, [])]
    with pytest.raises(InputError, match=sentence):
        load("lithology.fuse")(
            Progress(), image=scene["image"], **given, output=str(tmp_path / "out.tif")
        )
    with pytest.raises(CancelledError):
        load("lithology.fuse")(
            Progress(cancelled=lambda: True),
            image=scene["image"],
            others=[scene["magnetics"]],
            output=str(tmp_path / "out.tif"),
        )
    assert not (tmp_path / "out.tif").exists()
