"""Features as GeoJSON: what GDAL reads is what was written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.features import rasterize

from gossan.core.errors import FileError, InputError
from gossan.core.vectors import point, polygons, write_features

UTM = rasterio.CRS.from_epsg(32633).to_wkt()


def test_points_keep_fields_types_and_crs(tmp_path):
    path = tmp_path / "a.geojson"
    rows = [
        {"name": "Grünstein", "count": np.int64(3), "value": np.float32(0.5), "ok": True},
        {"name": None, "count": 4, "value": float("nan"), "ok": np.bool_(False)},
    ]
    written = write_features(path, rows, [point(1.5, 2), point(3, 4)], crs_wkt=UTM, name="points")
    assert written == 2
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32633"
    assert content["name"] == "points"
    first, second = content["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [1.5, 2.0]}
    assert first["properties"] == {"name": "Grünstein", "count": 3, "value": 0.5, "ok": True}
    assert second["properties"] == {"name": None, "count": 4, "value": None, "ok": False}


def test_a_crs_without_code_is_written_in_full(tmp_path):
    crs = rasterio.CRS.from_proj4("+proj=tmerc +lat_0=3 +lon_0=12.34 +k=0.99 +x_0=1000 +y_0=0")
    write_features(tmp_path / "a.geojson", [{"n": 1}], [point(0, 0)], crs_wkt=crs.to_wkt())
    name = json.loads((tmp_path / "a.geojson").read_text())["crs"]["properties"]["name"]
    assert rasterio.CRS.from_user_input(name) == crs


def test_declared_fields_are_always_there_in_their_type(tmp_path):
    path = tmp_path / "a.geojson"
    fields = {"id": int, "value": float, "note": str}
    write_features(path, [{"id": 1.0}, {"note": 5, "value": 2}], [None, point(0, 0)], fields=fields)
    first, second = (f["properties"] for f in json.loads(path.read_text())["features"])
    assert list(first.items()) == [("id", 1), ("value", None), ("note", None)]
    assert second == {"id": None, "value": 2.0, "note": "5"}
    assert '"value": 2.0' in path.read_text()


@pytest.mark.parametrize("fields", [None, {"id": int}])
def test_tags_are_the_last_fields_of_every_feature(tmp_path, fields):
    path = tmp_path / "a.geojson"
    tags = {"GOSSAN_ALGORITHM": "gossan:x", "GOSSAN_VERSION": "1"}
    write_features(path, [{"id": 1}, {"id": 2}], [None, point(0, 0)], fields=fields, tags=tags)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert [feature["properties"] for feature in content["features"]] == [
        {"id": 1, **tags},
        {"id": 2, **tags},
    ]
    if fields:
        assert [field["name"] for field in content["fields"]] == ["id", *tags]


def test_no_features_make_an_empty_collection(tmp_path):
    path = tmp_path / "a.geojson"
    assert write_features(path, [], []) == 0
    assert json.loads(path.read_text()) == {"type": "FeatureCollection", "features": []}


def test_foreign_fields_and_missing_geometries_are_refused_and_leave_nothing(tmp_path):
    path = tmp_path / "a.geojson"
    with pytest.raises(InputError, match="feature 2: the fields b"):
        write_features(path, [{"a": 1}, {"a": 1, "b": 2}], [None, None])
    with pytest.raises(InputError, match="feature 1: the fields b"):
        write_features(path, [{"b": 1}], [None], fields={"a": int})
    with pytest.raises(InputError, match="as many geometries as rows"):
        write_features(path, [{"a": 1}], [])
    with pytest.raises(FileError, match="does not exist"):
        write_features(tmp_path / "none" / "a.geojson", [], [])
    assert not list(tmp_path.iterdir())


def test_features_are_written_as_they_come(tmp_path):
    """A million findings must not sit in memory."""
    seen = []

    def rows():
        for number in range(3):
            seen.append(number)
            yield {"n": number}

    write_features(tmp_path / "a.geojson", rows(), (point(n, n) for n in range(3)))
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    "transform",
    [
        Affine(30, 0, 400000, 0, -30, 5800000),
        Affine(20, 10, 400000, 10, -20, 5800000),
        Affine(30, 0, 400000, 0, 30, 5800000),
        None,
    ],
)
def test_polygons_cover_exactly_their_classes(transform):
    classes = np.random.default_rng(0).integers(0, 4, (30, 40)).astype("uint8")
    outlines = list(polygons(classes, transform))
    assert {value for _, value in outlines} == {1, 2, 3}
    back = rasterize(outlines, classes.shape, transform=transform or Affine.identity())
    np.testing.assert_array_equal(back, classes)


def test_corners_join_only_with_eight_neighbours():
    classes = np.array([[1, 0], [0, 1]], dtype="uint8")
    assert len(list(polygons(classes, None))) == 2
    assert len(list(polygons(classes, None, connectivity=8))) == 1
