"""An image over a synthetic camera of known geometry comes to lie where its ground lies."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.rpc import RPC
from rasterio.warp import transform
from scipy.ndimage import map_coordinates

from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.examples.district.district import make_district
from gossan.examples.district.products import Settings
from gossan.models.imagery import orthorectification_jobs
from gossan.models.imagery.orthorectification import utm_zone
from gossan.models.imagery.orthorectification_jobs import orthorectify

SIDE = 220
SLANT = (0.35, -0.2)
"""How far 1 m of height shifts a pixel on the ground, m to the east and to the north."""


@pytest.fixture(scope="module")
def dem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ground")
    district = make_district(folder, Settings(seed=3, size=64), only=["geophysics"])
    return str(folder / next(p.file for p in district.products if p.name == "dem"))


class Camera:
    """Looks askew: samples and lines are linear in longitude, latitude and height."""

    def __init__(self, dem):
        with rasterio.open(dem) as file:
            self.heights, self.place, self.crs = (
                file.read(1).astype(float),
                file.transform,
                file.crs,
            )
            left, bottom, right, top = file.bounds
        middle = transform(self.crs, "EPSG:4326", [(left + right) / 2], [(bottom + top) / 2])
        self.longitude, self.latitude = middle[0][0], middle[1][0]
        self.height = float(self.heights.mean())
        self.metres = 0.3 * (right - left)  # from the middle to the border of the image
        self.scale_lat = self.metres / 111_000
        self.scale_lon = self.scale_lat / np.cos(np.radians(self.latitude))
        self.scale_h = 500.0

    @property
    def rpcs(self):
        east, north = (s * self.scale_h / self.metres for s in SLANT)
        one, nothing = [1.0] + [0.0] * 19, [0.0] * 16
        return RPC(
            height_off=self.height, height_scale=self.scale_h, lat_off=self.latitude,
            lat_scale=self.scale_lat, line_den_coeff=one,
            line_num_coeff=[0, 0, -1, -north, *nothing],
            line_off=(SIDE - 1) / 2, line_scale=SIDE / 2, long_off=self.longitude,
            long_scale=self.scale_lon, samp_den_coeff=one, samp_num_coeff=[0, 1, 0, east, *nothing],
            samp_off=(SIDE - 1) / 2, samp_scale=SIDE / 2, err_bias=None, err_rand=None,
        )  # fmt: skip

    def pixel(self, x, y, height):
        """Return line and sample (0 = middle of the first pixel) of a place in the DEM's CRS."""
        lon, lat = (np.array(v) for v in transform(self.crs, "EPSG:4326", x, y))
        east, north = (s * self.scale_h / self.metres for s in SLANT)
        h = (height - self.height) / self.scale_h
        sample = (SIDE - 1) / 2 + SIDE / 2 * ((lon - self.longitude) / self.scale_lon + east * h)
        line = (SIDE - 1) / 2 + SIDE / 2 * (-(lat - self.latitude) / self.scale_lat - north * h)
        return line, sample

    def height_at(self, x, y):
        columns, rows = ~self.place @ (np.asarray(x), np.asarray(y))
        return map_coordinates(self.heights, [rows - 0.5, columns - 0.5], order=1, mode="nearest")

    def ground_of(self, line, sample):
        """Return the place that a pixel shows, by walking along its ray down to the ground."""
        height = np.full(line.shape, self.height)
        for _ in range(60):
            h = (height - self.height) / self.scale_h
            east, north = (s * self.scale_h / self.metres for s in SLANT)
            lon = self.longitude + self.scale_lon * (
                (sample - (SIDE - 1) / 2) * 2 / SIDE - east * h
            )
            lat = self.latitude - self.scale_lat * ((line - (SIDE - 1) / 2) * 2 / SIDE + north * h)
            x, y = (np.array(v) for v in transform("EPSG:4326", self.crs, lon, lat))
            height = 0.5 * height + 0.5 * self.height_at(x, y)
        return x, y


def pattern(x, y):
    """A smooth drawing on the ground."""
    return 2000 + 900 * np.sin(np.asarray(x) / 90) * np.cos(np.asarray(y) / 130)


@pytest.fixture(scope="module")
def camera(dem):
    return Camera(dem)


def write_raw(path, values, rpcs, **options):
    profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": len(values),
               "dtype": values.dtype, **options}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(values)
        for number in range(file.count):
            file.set_band_description(number + 1, f"B{number + 2}")
        if rpcs is not None:
            file.rpcs = rpcs
    return str(path)


@pytest.fixture(scope="module")
def raw(camera, tmp_path_factory):
    """What the camera sees of the pattern, and twice as bright in the second band."""
    lines, samples = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    x, y = camera.ground_of(lines.ravel(), samples.ravel())
    seen = pattern(x, y).reshape(SIDE, SIDE)
    values = np.stack([seen, 2 * seen]).round().astype(np.uint16)
    return write_raw(tmp_path_factory.mktemp("raw") / "raw.tif", values, camera.rpcs)


def result(path):
    with rasterio.open(path) as file:
        rows, columns = np.mgrid[0 : file.height, 0 : file.width] + 0.5
        x, y = file.transform @ (columns, rows)
        return file.read().astype(float), x, y, file.profile


def test_what_the_image_shows_comes_to_lie_where_it_is(raw, dem, tmp_path):
    output = str(tmp_path / "ortho.tif")
    told = orthorectify(Progress(), raster=raw, dem=dem, output=output)
    values, x, y, profile = result(output)
    assert profile["crs"].to_epsg() == 32649
    assert profile["dtype"] == "uint16"
    seen = values[0] > 0
    assert told["valid_share"] == pytest.approx(seen.mean())
    assert seen.mean() > 0.6
    difference = np.abs(values[0] - pattern(x, y))[seen]
    assert np.percentile(difference, 95) < 12  # of an amplitude of 900
    np.testing.assert_allclose(values[1][seen], 2 * values[0][seen], atol=3)
    # Without the heights the same ground lies tens of metres off.
    with rasterio.open(dem) as file:
        flat = file.read() * 0 + file.read(1).mean()
        with rasterio.open(tmp_path / "flat.tif", "w", **file.profile) as other:
            other.write(flat)
    orthorectify(Progress(), raster=raw, dem=str(tmp_path / "flat.tif"), output=output)
    values, x, y, _ = result(output)
    careless = np.abs(values[0] - pattern(x, y))[values[0] > 0]
    assert np.percentile(careless, 95) > 5 * np.percentile(difference, 95)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_every_pixel_is_the_one_that_the_formula_names(raw, dem, camera, tmp_path, crs):
    size = 2e-4 if crs == "EPSG:4326" else 20.0
    output = str(tmp_path / "ortho.tif")
    orthorectify(Progress(), raster=raw, dem=dem, crs=crs, pixel_size=size, output=output)
    values, x, y, profile = result(output)
    assert profile["transform"].a == size
    east, north = transform(crs, camera.crs, x.ravel(), y.ravel())
    line, sample = camera.pixel(east, north, camera.height_at(east, north))
    with rasterio.open(raw) as file:
        source = file.read(1).astype(float)
    expected = map_coordinates(source, [line, sample], order=1, cval=np.nan).reshape(x.shape)
    both = np.isfinite(expected) & (values[0] > 0)
    assert both.mean() > 0.5
    difference = np.abs(values[0] - expected)[both]
    assert np.median(difference) < 2
    assert np.percentile(difference, 99) < 25


def test_an_offset_of_the_heights_moves_the_ground_as_the_camera_looks(raw, dem, tmp_path):
    higher, moved = str(tmp_path / "higher.tif"), str(tmp_path / "moved.tif")
    with rasterio.open(dem) as file, rasterio.open(higher, "w", **file.profile) as other:
        other.write(file.read() + 60)
    one, two = str(tmp_path / "one.tif"), str(tmp_path / "two.tif")
    orthorectify(Progress(), raster=raw, dem=higher, pixel_size=15.0, output=one)
    orthorectify(Progress(), raster=raw, dem=dem, height_offset=60.0, pixel_size=15.0, output=two)
    orthorectify(Progress(), raster=raw, dem=dem, pixel_size=15.0, output=moved)
    first, second, third = (result(path)[0] for path in (one, two, moved))
    assert first.shape == second.shape
    assert np.percentile(np.abs(first - second), 99) <= 2
    assert first.shape != third.shape or np.abs(first - third).mean() > 20


def test_windows_of_any_size_give_the_same(raw, dem, tmp_path, monkeypatch):
    whole, pieces = str(tmp_path / "whole.tif"), str(tmp_path / "pieces.tif")
    orthorectify(Progress(), raster=raw, dem=dem, output=whole)
    monkeypatch.setattr(orthorectification_jobs, "_side", lambda info: 61)
    orthorectify(Progress(), raster=raw, dem=dem, output=pieces)
    one, two = result(whole)[0], result(pieces)[0]
    assert ((one > 0) != (two > 0)).mean() < 0.005  # a rim within the tolerance of positions
    both = (one > 0) & (two > 0)
    assert np.percentile(np.abs(one - two)[both], 99.9) <= 12


def test_numbers_bands_and_nodata_are_those_of_the_image(camera, dem, tmp_path):
    values = np.full((2, SIDE, SIDE), 7.5, np.float32)
    values[0, 80:140, 80:140] = -9999
    raw = write_raw(tmp_path / "raw.tif", values, camera.rpcs, nodata=-9999)
    output = str(tmp_path / "ortho.tif")
    orthorectify(Progress(), raster=raw, dem=dem, resampling="nearest", output=output,
                 origin={"algorithm": "gossan:orthorectify"})  # fmt: skip
    with rasterio.open(output) as file:
        made = file.read()
        assert file.nodata == -9999
        assert file.descriptions == ("B2", "B3")
        assert file.tags()["GOSSAN_ALGORITHM"] == "gossan:orthorectify"
    assert set(np.unique(made)) == {-9999, 7.5}
    inside = (made[1] == 7.5) & (made[0] == -9999)
    assert 0.05 < inside.mean() < 0.5


def test_a_dem_that_ends_leaves_pixels_empty(raw, dem, tmp_path):
    with rasterio.open(dem) as file:
        half = file.width // 2
        profile = {**file.profile, "width": half}
        with rasterio.open(tmp_path / "half.tif", "w", **profile) as other:
            other.write(file.read()[:, :, :half])
    output = str(tmp_path / "ortho.tif")
    whole = orthorectify(Progress(), raster=raw, dem=dem, output=output)["valid_share"]
    part = orthorectify(Progress(), raster=raw, dem=str(tmp_path / "half.tif"), output=output,
                        pixel_size=20.0)  # fmt: skip
    assert 0.1 < part["valid_share"] < whole + 0.2
    values, x, _, _ = result(output)
    with rasterio.open(tmp_path / "half.tif") as file:
        assert x[values[0] > 0].max() < file.bounds.right + 20


@pytest.mark.parametrize(
    ("longitude", "latitude", "code"),
    [(111.0, 26.0, "EPSG:32649"), (-43.1, -20.2, "EPSG:32723"), (180.0, 0.0, "EPSG:32601"),
     (-180.0, -1.0, "EPSG:32701"), (179.9, 10.0, "EPSG:32660")],
)  # fmt: skip
def test_the_utm_zone_of_a_place(longitude, latitude, code):
    assert utm_zone(longitude, latitude) == code


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"raster": "dem"}, "no rational polynomials"),
        ({"dem": "raw"}, "has 2 bands"),
        ({"dem": "/nowhere/dem.tif"}, "does not exist"),
        ({"resampling": "lanczos"}, "no resampling 'lanczos'"),
        ({"crs": "EPSG:0"}, "is not known"),
        ({"pixel_size": -1.0}, "makes no grid"),
        ({"pixel_size": 1e-6}, "Give a larger pixel size"),
        ({"height_offset": float("nan")}, "no number"),
    ],
)
def test_what_cannot_be_done_is_said(raw, dem, tmp_path, changes, sentence):
    files = {"raw": raw, "dem": dem}
    given = {"raster": raw, "dem": dem, "output": str(tmp_path / "o.tif")}
    given |= {name: files.get(value, value) for name, value in changes.items()}
    with pytest.raises((InputError, FileError), match=sentence):
        orthorectify(Progress(), **given)
    assert list(tmp_path.iterdir()) == []


def test_a_dem_elsewhere_or_without_place_is_refused(raw, dem, tmp_path):
    with rasterio.open(dem) as file:
        away = {**file.profile, "transform": Affine(30, 0, 200_000, 0, -30, 8_000_000)}
        nowhere = {**file.profile, "crs": None}
        for name, profile in (("away", away), ("nowhere", nowhere)):
            with rasterio.open(tmp_path / f"{name}.tif", "w", **profile) as other:
                other.write(file.read())
    output = str(tmp_path / "o.tif")
    with pytest.raises(InputError, match="finds no place on the ground"):
        orthorectify(Progress(), raster=raw, dem=str(tmp_path / "away.tif"), output=output)
    with pytest.raises(InputError, match="no coordinate reference system"):
        orthorectify(Progress(), raster=raw, dem=str(tmp_path / "nowhere.tif"), output=output)


def test_a_damaged_dem_is_named(raw, dem, tmp_path):
    cut = tmp_path / "cut.tif"
    with open(dem, "rb") as file:
        content = file.read()
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileError, match=r"cut\.tif"):
        orthorectify(Progress(), raster=raw, dem=str(cut), output=str(tmp_path / "o.tif"))
    assert not (tmp_path / "o.tif").exists()


def test_polynomials_that_cannot_be_are_refused(camera, dem, tmp_path):
    broken = camera.rpcs
    broken.lat_scale = 0.0
    raw = write_raw(tmp_path / "raw.tif", np.ones((1, SIDE, SIDE), np.uint8), broken)
    with pytest.raises(InputError, match="place or scales that cannot be"):
        orthorectify(Progress(), raster=raw, dem=dem, output=str(tmp_path / "o.tif"))


def test_cancelled_it_leaves_nothing(raw, dem, tmp_path):
    with pytest.raises(CancelledError):
        orthorectify(Progress(cancelled=lambda: True), raster=raw, dem=dem,
                     output=str(tmp_path / "o.tif"))  # fmt: skip
    assert list(tmp_path.iterdir()) == []
