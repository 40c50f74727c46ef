"""Exported findings, read again by GDAL, by an XML parser and as a spreadsheet would."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("qgis.core")

from osgeo import ogr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsVectorLayer,
)

from gossan.processing_provider.mines.safe_csv import harmless

KML = "{http://www.opengis.net/kml/2.2}"

ORDER = {
    "Document": ["name", "open", "description", "LookAt", "Style", "Schema", "Folder"],
    "Folder": ["name", "open", "Folder", "Placemark"],
    "Placemark": [
        "name", "Snippet", "description", "LookAt", "styleUrl", "ExtendedData", "Point",
        "MultiGeometry",
    ],
    "LookAt": ["longitude", "latitude", "altitude", "heading", "tilt", "range", "altitudeMode"],
    "Style": ["IconStyle", "LabelStyle", "LineStyle", "PolyStyle", "BalloonStyle"],
    "IconStyle": ["color", "scale", "Icon"],
    "LineStyle": ["color", "width"],
    "Polygon": ["tessellate", "outerBoundaryIs", "innerBoundaryIs"],
}  # fmt: skip
"""What OGC 07-147r2 allows inside each element that is written, in its order."""

FIELDS = (
    "finding:integer&field=max_probability:double&field=impact:string&field=registered:string"
    "&field=register_name:string&field=protected:string&field=decision:string"
    "&field=longitude:double&field=latitude:double&field=GOSSAN_MODEL:string"
)

ROWS = (
    (1, 0.98, "high impact", "no", '=HYPERLINK("http://x")', "Heron Hills", "mine"),
    (2, 0.91, "low impact", "no", "<script>alert(1)</script> & $[name]", "", "false"),
    (3, 0.88, "high impact", "yes", "Serra Açu; +1", "", "dam"),
    (4, 0.75, "", "yes", "-2.5", "", ""),
    (5, 0.70, "low impact", "no", "@cmd\x07", "", "mine"),
)


def layer_of(kind, crs="EPSG:32723"):
    layer = QgsVectorLayer(f"{kind}?crs={crs}&field={FIELDS}", "findings", "memory")
    for number, row in enumerate(ROWS):
        x, y = 500_000.0 + 3_000.0 * number, 7_700_000.0
        centre = QgsGeometry.fromPointXY(QgsPointXY(x, y))
        feature = QgsFeature(layer.fields())
        feature.setAttributes([*row, None, None, "ab12"])
        if kind == "Point":
            feature.setGeometry(centre)
        elif number == 2:
            outer, inner = centre.buffer(900, 4), centre.buffer(200, 4)
            feature.setGeometry(outer.difference(inner))
        else:
            feature.setGeometry(centre.buffer(300, 2))
        assert layer.dataProvider().addFeature(feature)
    return layer


@pytest.fixture
def export(provider, tmp_path, feedback):
    def run(layer, **changes):
        parameters = {
            "INPUT": layer,
            "KML": str(tmp_path / "f.kml"),
            "CSV": str(tmp_path / "f.csv"),
            **changes,
        }
        algorithm = provider.algorithm("exportfindings")
        results, _ = algorithm.run(
            parameters, QgsProcessingContext(), feedback, {}, catchExceptions=False
        )
        return results

    return run


@pytest.mark.parametrize("kind", ["Point", "MultiPolygon"])
def test_gdal_reads_back_what_the_layer_holds(export, kind, tmp_path, context):
    layer = layer_of(kind)
    export(layer)
    source = ogr.Open(str(tmp_path / "f.kml"))
    assert source.GetDriver().GetName() == "LIBKML"
    features = [feature for i in range(source.GetLayerCount()) for feature in source.GetLayer(i)]
    by_number = {feature.GetField("finding"): feature for feature in features}
    assert len(features) == len(ROWS)
    to_degrees = QgsCoordinateTransform(
        layer.crs(), QgsCoordinateReferenceSystem("EPSG:4326"), context.transformContext()
    )
    for own in layer.getFeatures():
        read = by_number[own["finding"]]
        for name in ("max_probability", "impact", "registered", "protected"):
            assert read.GetField(name) == own[name] or (not own[name] and not read.GetField(name))
        expected = own.geometry()
        expected.transform(to_degrees)
        parts = read.GetGeometryRef()
        if kind == "Point":
            found = QgsGeometry.fromWkt(parts.ExportToWkt())
        else:
            assert parts.GetGeometryRef(0).GetGeometryName() == "POINT"
            outlines = [parts.GetGeometryRef(i) for i in range(1, parts.GetGeometryCount())]
            found = QgsGeometry.unaryUnion(
                [QgsGeometry.fromWkt(outline.ExportToWkt()) for outline in outlines]
            )
        assert found.hausdorffDistance(expected) < 1e-7, "a centimetre"


def test_it_is_kml_as_the_standard_orders_it(export, tmp_path):
    export(layer_of("MultiPolygon"))
    root = ElementTree.parse(tmp_path / "f.kml").getroot()
    assert root.tag == f"{KML}kml"
    for element in root.iter():
        name = element.tag.removeprefix(KML)
        assert element.tag.startswith(KML)
        if name in ORDER:
            places = [ORDER[name].index(child.tag.removeprefix(KML)) for child in element]
            assert places == sorted(places), name
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(ids)) == len(ids)
    used = {element.text.removeprefix("#") for element in root.iter(f"{KML}styleUrl")}
    assert used <= set(ids)
    assert all(re.fullmatch("[0-9a-f]{8}", c.text) for c in root.iter(f"{KML}color"))
    for ring in root.iter(f"{KML}LinearRing"):
        positions = ring.find(f"{KML}coordinates").text.split()
        assert positions[0] == positions[-1]
        assert len(positions) >= 4
    assert len(list(root.iter(f"{KML}innerBoundaryIs"))) == 1


def test_folders_colours_and_views_are_those_of_the_findings(export, tmp_path):
    export(layer_of("Point"))
    root = ElementTree.parse(tmp_path / "f.kml").getroot()
    document = root.find(f"{KML}Document")
    names = {
        folder.find(f"{KML}name").text: [
            inner.find(f"{KML}name").text for inner in folder.findall(f"{KML}Folder")
        ]
        for folder in document.findall(f"{KML}Folder")
    }
    assert names == {
        "Unregistered (3)": ["high impact (1)", "low impact (2)"],
        "Registered (2)": ["high impact (1)", "impact not judged (1)"],
    }
    colours = {
        style.get("id"): style.find(f"{KML}IconStyle/{KML}color").text
        for style in document.findall(f"{KML}Style")
    }
    assert colours["unregistered-high-impact"] == "ff1c19d7", "red #d7191c, bytes reversed"
    assert colours["unregistered-low-impact"] == "ff2fccfe", "yellow #fecc2f"
    for placemark in root.iter(f"{KML}Placemark"):
        view = [placemark.find(f"{KML}LookAt/{KML}{n}").text for n in ("longitude", "latitude")]
        assert placemark.find(f"{KML}Point/{KML}coordinates").text.split(",")[:2] == view
        assert float(placemark.find(f"{KML}LookAt/{KML}range").text) >= 2000.0
    first = next(root.iter(f"{KML}Placemark"))
    assert first.find(f"{KML}Snippet").text == (
        "high impact, probability 0.98, unregistered, in Heron Hills"
    )
    assert "Model (SHA-256): ab12" in document.find(f"{KML}description").text


def test_texts_of_foreign_tables_do_nothing_in_a_balloon(export, tmp_path):
    export(layer_of("Point"))
    text = (tmp_path / "f.kml").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    balloons = [element.text for element in root.iter(f"{KML}description")]
    assert not any("<script>" in balloon for balloon in balloons)
    assert any("&lt;script&gt;" in balloon for balloon in balloons)
    assert not any("$[name]" in balloon for balloon in balloons)
    assert "\x07" not in text


def test_the_table_is_that_of_the_layer_and_safe(export, tmp_path, context):
    layer = layer_of("MultiPolygon")
    export(layer)
    content = (tmp_path / "f.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert list(rows[0])[:3] == ["longitude", "latitude", "finding"]
    assert [row["register_name"] for row in rows] == [
        '\'=HYPERLINK("http://x")',
        "<script>alert(1)</script> & $[name]",
        "Serra Açu;' +1",
        "-2.5",
        "'@cmd\x07",
    ]
    assert [float(row["max_probability"]) for row in rows] == [row[1] for row in ROWS]
    assert {row["GOSSAN_MODEL"] for row in rows} == {"ab12"}
    to_degrees = QgsCoordinateTransform(
        layer.crs(), QgsCoordinateReferenceSystem("EPSG:4326"), context.transformContext()
    )
    for own, row in zip(layer.getFeatures(), rows):
        outline = own.geometry()
        outline.transform(to_degrees)
        place = QgsPointXY(float(row["longitude"]), float(row["latitude"]))
        assert outline.contains(place), "also where the middle is a hole"
    source = ogr.Open(str(tmp_path / "f.csv"))
    table = source.GetLayer(0)
    assert table.GetFeatureCount() == len(ROWS)
    assert table.GetLayerDefn().GetFieldDefn(0).GetName() == "longitude", "no mark before it"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-0°44'00.100\"", "'-0°44'00.100\""),
        ("name;=1+1", "name;'=1+1"),
        ("two\n=1", "two\n'=1"),
        ("-12.5", "-12.5"),
        ("+3,5e-2", "+3,5e-2"),
        ("Mine = pit", "Mine = pit"),
        ("", ""),
    ],
)
def test_no_text_begins_a_formula(text, safe):
    assert harmless(text) == safe


def test_only_what_is_wanted_is_written(export, tmp_path, feedback):
    results = export(layer_of("Point"), ONLY_UNREGISTERED=True, ONLY_CONFIRMED=True)
    assert (results["COUNT"], results["LEFT_OUT"]) == (2, 3)
    with open(tmp_path / "f.csv", encoding="utf-8-sig", newline="") as file:
        assert [row["finding"] for row in csv.DictReader(file)] == ["1", "5"]


def test_findings_of_a_plain_detector_are_written_too(export, tmp_path):
    layer = QgsVectorLayer("Point?crs=EPSG:4326&field=name:string", "plain", "memory")
    feature = QgsFeature(layer.fields())
    feature.setAttributes(["A & B"])
    feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(-46.0, -20.0)))
    layer.dataProvider().addFeature(feature)
    export(layer, NAME_FIELD="name")
    root = ElementTree.parse(tmp_path / "f.kml").getroot()
    assert next(root.iter(f"{KML}Placemark")).find(f"{KML}name").text == "A & B"
    assert next(root.iter(f"{KML}Folder")).find(f"{KML}name").text == (
        "Not compared with a register (1)"
    )


def test_a_moved_finding_is_where_it_was_moved_to(export, tmp_path):
    layer = QgsVectorLayer(
        "Point?crs=EPSG:4326&field=longitude:double&field=latitude:double", "moved", "memory"
    )
    feature = QgsFeature(layer.fields())
    feature.setAttributes([-46.0, -20.0])
    feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(-46.01, -20.0)))
    layer.dataProvider().addFeature(feature)
    export(layer)
    with open(tmp_path / "f.csv", encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["longitude"]) == -46.01


def test_nothing_to_export_is_said_and_makes_empty_files(export, tmp_path, feedback):
    layer = QgsVectorLayer("Point?crs=EPSG:4326&field=registered:string", "none", "memory")
    assert export(layer)["COUNT"] == 0
    ElementTree.parse(tmp_path / "f.kml")
    assert "No finding is left" in feedback.warned[-1]


def test_a_layer_without_crs_is_refused_and_leaves_nothing(export, tmp_path):
    layer = QgsVectorLayer("Point?field=a:string", "nowhere", "memory")
    layer.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(QgsProcessingException, match="nowhere has no CRS"):
        export(layer)
    assert list(tmp_path.iterdir()) == []
