"""Registers as they come: tables in odd notations, layers in any CRS, and what is said of them."""

from __future__ import annotations

import json
import random

import pytest

pytest.importorskip("qgis.core")

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsDistanceArea,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)

from gossan.processing_provider.mines.registers import Columns, EntryFile

WGS84 = QgsCoordinateReferenceSystem("EPSG:4326")


@pytest.fixture
def table(tmp_path, qgis_application):
    """Writes a table and opens it as a layer."""

    def make(content, name="register.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content.encode(encoding))
        layer = QgsVectorLayer(str(path), path.stem, "ogr")
        assert layer.isValid()
        return layer

    return make


@pytest.fixture
def read(context, feedback):
    """Turns layers into the entries that the engine gets, and tells what was left out."""

    def entries(*layers, columns=None, crs=WGS84):
        file = EntryFile(columns or Columns(), crs, context, feedback)
        with open(file.write(layers), encoding="utf-8") as stream:
            return json.load(stream)["features"], file.remarks

    return entries


def place(feature):
    return feature["geometry"]["coordinates"]


def test_a_table_of_degrees_minutes_and_seconds_is_read(table, read):
    layer = table(
        "ID_BARRAGEM;NOME DA BARRAGEM;LATITUDE;LONGITUDE;FASE\n"
        '7;Açude;"-0°44\'00.100""";46° 08\' 12,5" O;concessão de lavra\n'
    )
    ((entry,), remarks) = read(layer)
    assert place(entry) == pytest.approx([-46.1368056, -0.7333611], abs=1e-6)
    assert entry["properties"] == {
        "name": "Açude",
        "id": "7",
        "phase": "concessão de lavra",
        "source": "register",
    }
    assert remarks == []


def test_a_table_in_latin_1_loses_no_coordinate(table, read):
    layer = table("id,lat,lon\n1,20°07'12\"S,46°08'W\n", encoding="latin-1")
    ((entry,), _) = read(layer)
    assert place(entry) == pytest.approx([-46.133333, -20.12], abs=1e-6)


def test_rows_that_cannot_be_read_are_counted_and_shown(table, read, feedback):
    layer = table("id,lat,lon\n1,-20.1,-46.1\n2,°21'05,-46.2\n3,,\n4,-46.1,-20.1 N\n")
    rows, (remark,) = read(layer)
    assert [row["properties"]["id"] for row in rows] == ["1"]
    assert remark.startswith("register: 3 rows left out (row 2: ")
    assert "no degrees" in remark
    assert "row 3: no usable position" in remark
    assert "swapped" in remark
    assert feedback.warned == [remark]


def test_a_table_without_any_readable_row_is_refused(table, read):
    with pytest.raises(QgsProcessingException, match="None is left"):
        read(table("id,lat,lon\n1,x,y\n"))


def test_columns_are_named_where_they_have_no_usual_name(table, read):
    layer = table("key,a,b\nK1,-20.5,-46.5\n")
    with pytest.raises(QgsProcessingException, match=r"name them\. Its fields are key, a, b"):
        read(layer)
    ((entry,), _) = read(layer, columns=Columns("b", "a", id="code; key"))
    assert place(entry) == [-46.5, -20.5]
    assert entry["properties"]["id"] == "K1"
    with pytest.raises(QgsProcessingException, match="no field zz"):
        read(layer, columns=Columns("b", "a", name="zz"))


def test_map_units_and_old_datums_are_transformed(table, read):
    layer = table("id,x,y\n1,500000,7700000\n")
    ((entry,), _) = read(layer, crs=QgsCoordinateReferenceSystem("EPSG:32723"))
    assert place(entry) == pytest.approx([-45.0, -20.8], abs=0.01)
    with pytest.raises(QgsProcessingException, match="not between -180 and 180"):
        read(layer)


def test_layers_of_points_and_polygons_go_together(read):
    points = QgsVectorLayer("Point?crs=EPSG:32723&field=nome:string", "dams", "memory")
    areas = QgsVectorLayer("Polygon?crs=EPSG:4674&field=Name:string", "claims", "memory")
    for layer, wkt in (
        (points, "Point (500000 7700000)"),
        (areas, "Polygon ((-46 -20, -45 -20, -45 -19, -46 -20))"),
    ):
        feature = QgsFeature(layer.fields())
        feature.setAttributes(["one"])
        feature.setGeometry(QgsGeometry.fromWkt(wkt))
        layer.dataProvider().addFeature(feature)
    rows, _ = read(points, areas)
    assert [row["properties"]["source"] for row in rows] == ["dams", "claims"]
    assert [row["properties"]["name"] for row in rows] == ["one", "one"]
    assert len(rows[1]["geometry"]["coordinates"][0]) > 40, "long edges follow the map"


def test_lines_and_layers_without_crs_are_refused(read):
    with pytest.raises(QgsProcessingException, match="holds lines"):
        read(QgsVectorLayer("LineString?crs=EPSG:4326", "roads", "memory"))
    without = QgsVectorLayer("Point", "nowhere", "memory")
    without.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(QgsProcessingException, match="nowhere has no CRS"):
        read(without)


def test_distances_are_those_of_qgis_and_unregistered_ones_come_first(provider, feedback, tmp_path):
    """Findings in UTM against a table in degrees, measured by QGIS on the ellipsoid."""
    chance = random.Random(5)
    findings = QgsVectorLayer(
        "Point?crs=EPSG:32723&field=finding:integer&field=max_probability:double", "f", "memory"
    )
    for number in range(60):
        feature = QgsFeature(findings.fields())
        feature.setAttributes([number + 1, 0.99 - 0.001 * number])
        x, y = 500_000 + chance.uniform(-2e4, 2e4), 7_700_000 + chance.uniform(-2e4, 2e4)
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(x, y)))
        findings.dataProvider().addFeature(feature)
    entries = [
        (f"e{n}", -45.0 + chance.uniform(-0.2, 0.2), -20.8 + chance.uniform(-0.2, 0.2))
        for n in range(25)
    ]
    lines = ["id,name,longitude,latitude", *(f"{n},{n},{x!r},{y!r}" for n, x, y in entries)]
    register = tmp_path / "register.csv"
    register.write_text("\n".join(lines))
    target = tmp_path / "matched.gpkg"
    algorithm = provider.algorithm("matchregister")
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    results, ran = algorithm.run(
        {"INPUT": findings, "REGISTERS": [str(register)], "DISTANCE": 4000, "OUTPUT": str(target)},
        context,
        feedback,
    )
    assert ran
    matched = QgsVectorLayer(str(target), "m")
    assert matched.crs().authid() == "EPSG:32723"
    measure = QgsDistanceArea()
    measure.setSourceCrs(WGS84, context.transformContext())
    assert measure.setEllipsoid(6_378_137.0, 6_356_752.314245)
    to_degrees = QgsCoordinateTransform(matched.crs(), WGS84, context.transformContext())
    order = []
    for feature in matched.getFeatures():
        here = to_degrees.transform(feature.geometry().asPoint())
        ways = {n: measure.measureLine(here, QgsPointXY(x, y)) for n, x, y in entries}
        nearest = min(ways, key=ways.get)
        assert feature["register_name"] == nearest
        assert feature["register_distance_m"] == pytest.approx(ways[nearest], abs=0.06)
        assert feature["registered"] == ("yes" if ways[nearest] <= 4000 else "no")
        order.append((feature["registered"] == "yes", feature["finding"]))
    assert order == sorted(order)
    assert 5 < results["REGISTERED"] < 55
