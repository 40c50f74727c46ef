"""What a dock asks of a class raster: areas, the class and its probabilities at a point."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine

from gossan.core.blocks import Window
from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.geodesy import cell_areas
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter
from gossan.models.lithology import class_areas
from gossan.models.registry import load

METRES = rasterio.crs.CRS.from_epsg(32650).to_wkt()
FEET = rasterio.crs.CRS.from_epsg(2263).to_wkt()
DEGREES = rasterio.crs.CRS.from_epsg(4326).to_wkt()
PLACE = Affine(30, 0, 500_000, 0, -30, 3_000_000)
NAMES = {1: "granite", 2: "slate"}


def write(path, values, *, bands=("unit",), wkt=METRES, place=PLACE, **more):
    values = np.atleast_3d(values)
    with RasterWriter(
        path, *values.shape[:2], bands=list(bands), crs_wkt=wkt, transform=place, **more
    ) as writer:
        writer.write(Window(0, 0, *values.shape[:2]), values if len(bands) > 1 else values[..., 0])
    return str(path)


@pytest.fixture
def units():
    values = np.random.default_rng(3).integers(0, 3, (90, 70)).astype(np.uint8)
    values[:5] = 2
    return values


def test_areas_are_those_of_the_pixels_in_any_windows(tmp_path, units, monkeypatch):
    path = write(tmp_path / "u.tif", units, dtype="uint8", categories=NAMES, colours={1: (9, 8, 7)})
    whole = load("lithology.areas")(Progress(), raster=path)
    monkeypatch.setattr(class_areas, "_MOST_ROWS", 7)
    assert load("lithology.areas")(Progress(), raster=path) == whole
    counts = {value: int((units == value).sum()) for value in (1, 2)}
    found = {each["value"]: each for each in whole["classes"]}
    assert {value: found[value]["pixels"] for value in counts} == counts
    assert found[1]["square_metres"] == counts[1] * 900.0
    assert (found[1]["name"], found[2]["name"]) == ("granite", "slate")
    assert (found[1]["colour"], found[2]["colour"]) == ("#090807", "")
    # 0 is what this writer marks as missing.
    assert whole["missing"] == int((units == 0).sum())


def test_a_map_of_gossan_tells_how_it_was_made(tmp_path, units):
    given = {"FEATURES": ["/data/stack.tif"], "MODEL": "/data/m.gossan"}
    tags = Origin("gossan:maplithology", parameters=given).tags()
    path = write(tmp_path / "u.tif", units, dtype="uint8", tags=tags)
    found = load("lithology.areas")(Progress(), raster=path)
    assert (found["algorithm"], found["parameters"]) == ("gossan:maplithology", given)
    for text in ("[1]", "no JSON"):
        path = write(tmp_path / "v.tif", units, dtype="uint8", tags={"GOSSAN_PARAMETERS": text})
        found = load("lithology.areas")(Progress(), raster=path)
        assert (found["algorithm"], found["parameters"]) == ("", {})


def test_areas_in_feet_and_degrees_are_square_metres(tmp_path, units):
    new_york = Affine(30, 0, 1_000_000, 0, -30, 200_000)
    feet = write(tmp_path / "feet.tif", units, dtype="uint8", wkt=FEET, place=new_york)
    foot = 1200 / 3937
    for each in load("lithology.areas")(Progress(), raster=feet)["classes"]:
        assert each["square_metres"] == pytest.approx(each["pixels"] * 900 * foot**2)
    place = Affine(0.01, 0, 10, 0, -0.02, 61)
    degrees = write(tmp_path / "degrees.tif", units, dtype="uint8", wkt=DEGREES, place=place)
    # Truth: the surface of the ellipsoid in thin strips, M N cos(latitude) each.
    a, e2 = 6_378_137.0, 0.0066943799901413165
    expected = {1: 0.0, 2: 0.0}
    for row in range(len(units)):
        steps = np.radians(61 - 0.02 * (row + (np.arange(200) + 0.5) / 200))
        w = 1 - e2 * np.sin(steps) ** 2
        strips = a * (1 - e2) / w**1.5 * a / np.sqrt(w) * np.cos(steps)
        pixel = strips.sum() * np.radians(0.02) / 200 * np.radians(0.01)
        for value in expected:
            expected[value] += pixel * (units[row] == value).sum()
    for each in load("lithology.areas")(Progress(), raster=degrees)["classes"]:
        assert each["square_metres"] == pytest.approx(expected[each["value"]], rel=1e-7)


def test_areas_in_web_mercator_are_those_on_the_ground(tmp_path, units):
    """Its pixels are boxes of meridians and parallels, whose areas are known exactly."""
    place = Affine(100, 0, 1_000_000, 0, -100, 8_400_000)
    path = write(
        tmp_path / "m.tif", units, dtype="uint8", wkt=rasterio.crs.CRS.from_epsg(3857).to_wkt(),
        place=place,
    )  # fmt: skip
    edges = 8_400_000 - 100 * np.arange(len(units) + 1)
    latitudes = np.degrees(2 * np.arctan(np.exp(edges / 6_378_137.0)) - np.pi / 2)
    rows = cell_areas(latitudes[1:], latitudes[:-1], np.degrees(100 / 6_378_137.0))
    for each in load("lithology.areas")(Progress(), raster=path)["classes"]:
        expected = (rows[:, None] * (units == each["value"])).sum()
        assert each["square_metres"] == pytest.approx(float(expected), rel=1e-6)
        assert each["square_metres"] < 0.3 * each["pixels"] * 10_000


def test_cells_around_the_globe_have_its_surface():
    # The surface of WGS 84, from the closed formula of an oblate spheroid.
    e = np.sqrt(0.0066943799901413165)
    a = 6_378_137.0
    surface = 2 * np.pi * a**2 * (1 + (1 - e**2) / e * np.arctanh(e))
    south = np.arange(-90.0, 90.0)
    assert cell_areas(south, south + 1, 360.0).sum() == pytest.approx(surface, rel=1e-12)


def test_without_a_crs_there_are_pixels_but_no_area(tmp_path, units):
    path = write(tmp_path / "u.tif", units, dtype="uint8", wkt=None)
    found = load("lithology.areas")(Progress(), raster=path)["classes"]
    assert [each["square_metres"] for each in found] == [None, None]
    assert [each["pixels"] for each in found] == [(units == 1).sum(), (units == 2).sum()]


def test_measurements_are_refused(tmp_path):
    path = write(tmp_path / "m.tif", np.linspace(0, 9, 600).reshape(20, 30), dtype="float32")
    with pytest.raises(InputError, match=r"m.tif is no class raster: it holds 0.015"):
        load("lithology.areas")(Progress(), raster=path)
    path = write(tmp_path / "d.tif", np.arange(600).reshape(20, 30), dtype="uint16")
    with pytest.raises(InputError, match=r"d.tif has more than 255 differing values"):
        load("lithology.areas")(Progress(), raster=path)
    with pytest.raises(FileError, match=r"none.tif does not exist"):
        load("lithology.areas")(Progress(), raster=str(tmp_path / "none.tif"))


# The class and its probabilities at a point


@pytest.fixture
def shares(units):
    random = np.random.default_rng(4)
    return random.dirichlet([1, 1], units.shape).astype(np.float32)


def look(path, x, y, **more):
    classes = [{"value": 1, "name": "granite"}, {"value": 2, "name": "slate"}]
    return load("lithology.point")(
        Progress(), **{"classes": classes, **more}, raster=path, x=x, y=y
    )


def test_a_point_tells_the_class_and_the_probability_of_each(tmp_path, units, shares):
    path = write(tmp_path / "u.tif", units, dtype="uint8", categories=NAMES)
    given = write(tmp_path / "p.tif", shares[..., ::-1], bands=("Slate", "granite"))
    x, y = PLACE * (12.5, 3.5)
    assert look(path, x, y) == {"inside": True, "value": 2, "probabilities": []}
    found = look(path, x, y, probabilities=given)["probabilities"]
    assert [each["value"] for each in found] == [1, 2]
    assert [each["probability"] for each in found] == pytest.approx(shares[3, 12])
    away = look(path, x - 1e6, y, probabilities=given)
    assert away == {"inside": False, "value": None, "probabilities": []}


def test_probabilities_may_lie_on_another_grid(tmp_path, units, shares):
    path = write(tmp_path / "u.tif", units, dtype="uint8", categories=NAMES)
    place = PLACE * Affine.scale(0.5)
    fine = write(
        tmp_path / "p.tif", shares.repeat(2, 0).repeat(2, 1), bands=tuple(NAMES.values()),
        place=place,
    )  # fmt: skip
    found = look(path, *(PLACE * (40.5, 60.5)), probabilities=fine)["probabilities"]
    assert [each["probability"] for each in found] == pytest.approx(shares[60, 40])


@pytest.mark.parametrize(
    ("bands", "own", "expected"),
    [
        (("p1", "p2"), None, [1, 2]),  # as many bands as classes: in their order
        (("granite", "other"), None, [1]),  # a class without a band has no probability
        (("Q", "slate"), {1: "Q", 2: "slate"}, [1, 2]),  # renamed in QGIS: the file's own names
    ],
)
def test_bands_are_found_by_name_else_by_order(tmp_path, units, shares, bands, own, expected):
    path = write(tmp_path / "u.tif", units, dtype="uint8", categories=own)
    given = write(tmp_path / "p.tif", shares, bands=bands)
    found = look(path, *(PLACE * (1.5, 1.5)), probabilities=given)["probabilities"]
    assert [each["value"] for each in found] == expected
    assert found[0]["probability"] == pytest.approx(float(shares[1, 1, 0]))


def test_bands_of_other_classes_are_refused(tmp_path, units):
    path = write(tmp_path / "u.tif", units, dtype="uint8")
    given = write(tmp_path / "p.tif", np.zeros((90, 70, 3)), bands=("a", "b", "c"))
    with pytest.raises(InputError, match=r"p.tif has 3 bands, none of which is named like one"):
        look(path, *(PLACE * (1.5, 1.5)), probabilities=given)
    with pytest.raises(InputError, match="has no place on the map"):
        look(path, float("nan"), 0.0)


def test_cancelling_ends_the_count(tmp_path, units):
    path = write(tmp_path / "u.tif", units, dtype="uint8")
    with pytest.raises(CancelledError):
        load("lithology.areas")(Progress(cancelled=lambda: True), raster=path)
