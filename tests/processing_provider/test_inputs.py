"""What the engine gets instead of layers."""

from __future__ import annotations

import csv
import json

import pytest

pytest.importorskip("qgis.core")

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsRasterLayer,
    QgsVectorLayer,
)

from gossan.processing_provider.inputs import (
    raster_file,
    write_features,
    write_points,
    write_samples,
    write_table,
)

UTM = QgsCoordinateReferenceSystem("EPSG:32629")
NONE = QgsCoordinateReferenceSystem()


def source_of(kind, rows, context, fields="sb:string"):
    """Return a memory layer's features as an algorithm sees them, and the layer to keep alive."""
    declared = "&".join(f"field={field}" for field in fields.split(","))
    joint = "&" if "?" in kind else "?"
    layer = QgsVectorLayer(f"{kind}{joint}{declared}", "soil", "memory")
    assert layer.isValid()
    if "crs=" not in kind:
        layer.setCrs(NONE)
    for geometry, *values in rows:
        feature = QgsFeature(layer.fields())
        feature.setAttributes(list(values))
        if geometry:
            feature.setGeometry(QgsGeometry.fromWkt(geometry))
        assert layer.dataProvider().addFeature(feature)
    return Source(layer, context)


class Source(QgsProcessingFeatureSource):
    def __init__(self, layer, context):
        super().__init__(layer, context)
        self.layer = layer


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_points_arrive_in_the_rasters_crs_with_their_text_untouched(context, feedback):
    # 9 degrees west is the central meridian of UTM zone 29: easting 500 km by definition.
    source = source_of("Point?crs=EPSG:4326", [("Point (-9 0)", "<0,02 Å")], context)
    (row,) = read(write_points(source, ["sb"], UTM, context, feedback))
    assert float(row["x"]) == pytest.approx(500_000, abs=1e-3)
    assert float(row["y"]) == pytest.approx(0, abs=1e-3)
    assert row["sb"] == "<0,02 Å"


def test_numbers_keep_all_their_digits_and_null_is_empty(context, feedback):
    rows = [("Point (500000.1 4500000.2)", 0.1 + 0.2, 7), ("Point (1 2)", None, None)]
    source = source_of("Point?crs=EPSG:32629", rows, context, "a:double,b:integer")
    first, second = read(write_points(source, ["a", "b"], UTM, context, feedback))
    assert float(first["a"]) == 0.1 + 0.2
    assert float(first["x"]) == 500000.1
    assert first["b"] == "7"
    assert (second["a"], second["b"]) == ("", "")


def test_features_without_a_position_are_counted(context, feedback):
    rows = [("Point (1 2)", "a"), (None, "b"), ("Point EMPTY", "c")]
    source = source_of("Point?crs=EPSG:32629", rows, context)
    assert len(read(write_points(source, ["sb"], UTM, context, feedback))) == 1
    assert any("2 features left out" in text for text in feedback.warned)


def test_a_layer_without_any_position_is_refused(context, feedback):
    source = source_of("Point?crs=EPSG:32629", [(None, "b")], context)
    with pytest.raises(QgsProcessingException, match="no feature with a position"):
        write_points(source, ["sb"], UTM, context, feedback)
    empty = source_of("Point?crs=EPSG:32629", [], context)
    with pytest.raises(QgsProcessingException, match="no feature with a position"):
        write_points(empty, ["sb"], UTM, context, feedback)


@pytest.mark.parametrize(
    ("kind", "geometry"),
    [
        ("Polygon?crs=EPSG:32629", "Polygon ((0 0, 4 0, 4 2, 0 2, 0 0))"),
        ("MultiPoint?crs=EPSG:32629", "MultiPoint ((0 0), (4 2))"),
    ],
)
def test_polygons_and_groups_of_points_stand_by_their_centroids(kind, geometry, context, feedback):
    source = source_of(kind, [(geometry, "a")], context)
    (row,) = read(write_points(source, ["sb"], UTM, context, feedback))
    assert (float(row["x"]), float(row["y"])) == (2, 1)
    assert any("centroids" in text for text in feedback.said)


def test_a_group_of_one_point_is_that_point(context, feedback):
    source = source_of("MultiPoint?crs=EPSG:32629", [("MultiPoint ((3 4))", "a")], context)
    (row,) = read(write_points(source, ["sb"], UTM, context, feedback))
    assert (float(row["x"]), float(row["y"])) == (3, 4)
    assert not any("centroids" in text for text in feedback.said)


def test_lines_are_refused(context, feedback):
    source = source_of("LineString?crs=EPSG:32629", [("LineString (0 0, 1 1)", "a")], context)
    with pytest.raises(QgsProcessingException, match="holds lines"):
        write_points(source, ["sb"], UTM, context, feedback)


@pytest.mark.parametrize(("kind", "target"), [("Point", UTM), ("Point?crs=EPSG:4326", NONE)])
def test_without_a_crs_coordinates_stay_and_the_log_says_so(kind, target, context, feedback):
    source = source_of(kind, [("Point (5 6)", "a")], context)
    (row,) = read(write_points(source, ["sb"], target, context, feedback))
    assert (float(row["x"]), float(row["y"])) == (5, 6)
    assert any("has no CRS" in text for text in feedback.warned)


@pytest.mark.parametrize(
    ("names", "values", "expected"),
    [
        ("X:string,Y:string", ("500000,5", "10"), (500000.5, 10)),
        ("Longitude:double,Latitude:double", (-9.0, 0.0), (500000, 0)),
    ],
)
def test_a_table_is_placed_by_its_coordinate_columns(names, values, expected, context, feedback):
    source = source_of("None", [(None, *values, "9")], context, f"{names},sb:string")
    (row,) = read(write_points(source, ["sb"], UTM, context, feedback))
    assert (float(row["x"]), float(row["y"])) == pytest.approx(expected, abs=1e-3)


def test_a_table_without_coordinates_is_refused(context, feedback):
    source = source_of("None", [(None, "9")], context)
    with pytest.raises(QgsProcessingException, match="neither geometry nor coordinate columns"):
        write_points(source, ["sb"], UTM, context, feedback)


def test_a_missing_field_is_named_with_those_that_are_there(context, feedback):
    source = source_of("Point?crs=EPSG:32629", [("Point (1 2)", "a")], context)
    with pytest.raises(QgsProcessingException, match="no field as; its fields are sb"):
        write_points(source, ["as"], UTM, context, feedback)
    with pytest.raises(QgsProcessingException, match="no field as"):
        write_table(source, ["as"], feedback)


def test_a_table_keeps_commas_quotes_and_line_breaks(context, feedback):
    source = source_of("None", [(None, 'a,"b"\nc')], context)
    (row,) = read(write_table(source, ["sb"], feedback))
    assert row["sb"] == 'a,"b"\nc'


def test_samples_keep_their_own_crs_or_come_as_a_table(context, feedback):
    placed = source_of("Point?crs=EPSG:4326", [("Point(9 1)", "<1")], context)
    path, crs = write_samples(placed, ["sb"], context, feedback)
    assert crs.authid() == "EPSG:4326"
    assert read(path)[0]["x"] == "9.0"
    columns = source_of(
        "NoGeometry", [(None, 9.0, 1.0, "7")], context, "lon:double,lat:double,sb:string"
    )
    path, crs = write_samples(columns, ["sb"], context, feedback)
    assert (crs.authid(), read(path)[0]["y"]) == ("EPSG:4326", "1.0")
    bare = source_of("NoGeometry", [(None, "7")], context)
    path, crs = write_samples(bare, ["sb"], context, feedback)
    assert not crs.isValid()
    assert list(read(path)[0]) == ["fid", "sb"]


def test_polygons_travel_as_geojson_in_the_rasters_crs(context, feedback):
    ring = "Polygon ((-9 0, -8.9 0, -8.9 0.1, -9 0))"
    source = source_of("Polygon?crs=EPSG:4326", [(ring, "slate"), (None, "lost")], context)
    with open(write_features(source, ["sb"], UTM, context, feedback), encoding="utf-8") as file:
        (feature,) = json.load(file)["features"]
    assert feature["properties"] == {"sb": "slate"}
    assert feature["geometry"]["coordinates"][0][0] == pytest.approx([500_000, 0], abs=1e-3)
    assert any("1 features without a usable geometry" in text for text in feedback.warned)


def test_a_raster_of_a_service_is_refused_by_name(qgis_application):
    address = "type=xyz&url=http://localhost/%7Bz%7D/%7Bx%7D/%7By%7D.png"
    layer = QgsRasterLayer(address, "street map", "wms")
    with pytest.raises(QgsProcessingException, match="street map comes from a service"):
        raster_file(layer)


def test_a_raster_in_memory_is_refused_by_name(qgis_application):
    from osgeo import gdal

    gdal.GetDriverByName("GTiff").Create("/vsimem/fleeting.tif", 2, 2)
    layer = QgsRasterLayer("/vsimem/fleeting.tif", "fleeting")
    with pytest.raises(QgsProcessingException, match="fleeting lies in QGIS's memory"):
        raster_file(layer)


def test_a_vector_layer_is_no_raster(qgis_application):
    with pytest.raises(QgsProcessingException, match="soil is not a raster"):
        raster_file(QgsVectorLayer("Point", "soil", "memory"))
