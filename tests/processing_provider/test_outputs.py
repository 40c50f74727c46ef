"""What comes back from the engine, as QGIS has it."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("qgis.core")

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

from gossan.processing_provider import styles
from gossan.processing_provider.outputs import FeatureFile, StylePostProcessor, save_raster_style


def geojson(tmp_path, features, **members):
    path = tmp_path / "features.geojson"
    rows = [
        {"type": "Feature", "properties": properties, "geometry": geometry}
        for properties, geometry in features
    ]
    content = {"type": "FeatureCollection", "features": rows, **members}
    path.write_text(json.dumps(content), encoding="utf-8")
    return FeatureFile(str(path))


def point(x, y):
    return {"type": "Point", "coordinates": [x, y]}


def test_fields_are_typed_by_all_their_values(tmp_path):
    content = geojson(
        tmp_path,
        [
            ({"n": 1, "x": 1, "name": "a", "on": True, "none": None}, point(1, 2)),
            ({"n": None, "x": 2.5, "name": None, "on": False, "none": None}, point(3, 4)),
        ],
    )
    assert content.kinds == {
        "n": "integer",
        "x": "real",
        "name": "text",
        "on": "boolean",
        "none": "text",
    }
    first, second = content.features()
    assert first.attributes()[:4] == [1, 1.0, "a", True]
    assert not second["n"]
    assert second["x"] == 2.5
    assert second.geometry().asWkt() == "Point (3 4)"


def test_declared_field_types_come_before_guesses(tmp_path):
    content = geojson(tmp_path, [], fields=[{"name": "sb", "type": "real"}])
    assert content.kinds == {"sb": "real"}
    assert content.fields.field("sb").isNumeric()


def test_polygons_of_one_and_of_several_parts_share_a_layer(tmp_path):
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    content = geojson(
        tmp_path,
        [
            ({}, {"type": "Polygon", "coordinates": [ring]}),
            ({}, {"type": "MultiPolygon", "coordinates": [[ring], [ring]]}),
        ],
    )
    assert content.wkb_type == QgsWkbTypes.Type.MultiPolygon
    assert all(f.geometry().isMultipart() for f in content.features())


def test_a_foreign_geometry_is_refused(tmp_path):
    content = geojson(tmp_path, [({}, {"type": "Curve", "coordinates": []})])
    with pytest.raises(QgsProcessingException, match="Curve"):
        list(content.features())


@pytest.fixture
def raster(qgis_application, tmp_path):
    """A raster of 40 x 50 pixels that grow from 0 to 100, with a nodata corner and one outlier."""
    gdal = pytest.importorskip("osgeo.gdal")
    numpy = pytest.importorskip("numpy")
    path = tmp_path / "values.tif"
    values = numpy.linspace(0, 100, 2000).reshape(40, 50)
    values[:2, :2] = numpy.nan
    values[-1, -1] = 1e6
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 50, 40, 2, gdal.GDT_Float32)
    dataset.SetGeoTransform((500000, 30, 0, 4500000, 0, -30))
    for band in (1, 2):
        dataset.GetRasterBand(band).SetNoDataValue(float("nan"))
        dataset.GetRasterBand(band).WriteArray(values * band)
    dataset = None
    return str(path)


def test_a_saved_style_comes_with_the_file(raster):
    save_raster_style(raster, styles.concentration)
    layer = QgsRasterLayer(raster, "again")
    renderer = layer.renderer()
    assert renderer.type() == "singlebandpseudocolor"
    items = renderer.shader().rasterShaderFunction().colorRampItemList()
    assert [item.color.name() for item in items] == list(styles.HOT)
    assert items[0].label.endswith(" mg/kg")


def test_limits_leave_outliers_and_missing_values_out(raster):
    layer = QgsRasterLayer(raster, "x")
    low, high = styles.value_limits(layer, 1)
    assert 1 < low < 4
    assert 96 < high < 99


def test_limits_of_an_empty_or_even_band_are_apart(qgis_application, tmp_path):
    gdal = pytest.importorskip("osgeo.gdal")
    for fill, expected in ((float("nan"), (0, 1)), (7.0, (7, 14)), (0.0, (0, 1))):
        path = str(tmp_path / f"{fill}.tif")
        dataset = gdal.GetDriverByName("GTiff").Create(path, 3, 3, 1, gdal.GDT_Float32)
        dataset.SetGeoTransform((0, 1, 0, 3, 0, -1))
        dataset.GetRasterBand(1).SetNoDataValue(float("nan"))
        dataset.GetRasterBand(1).Fill(fill)
        dataset = None
        layer = QgsRasterLayer(path, "x")
        assert styles.value_limits(layer, 1) == expected


@pytest.mark.parametrize(
    "style",
    [
        styles.abundance,
        styles.concentration,
        styles.probability,
        styles.spectral_angle,
        styles.residual,
        styles.uncertainty,
        styles.difference,
        styles.index,
    ],
)
def test_every_ramp_shows_the_band_it_is_told(style, raster):
    layer = QgsRasterLayer(raster, "x")
    style(layer, band=2)
    assert layer.renderer().usesBands() == [2]
    items = layer.renderer().shader().rasterShaderFunction().colorRampItemList()
    values = [item.value for item in items]
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_classes_keep_their_own_colours_and_names(raster):
    layer = QgsRasterLayer(raster, "x")
    styles.classes(layer, {1: "slate", 2: "granite"}, {2: "#ff8899"})
    slate, granite = layer.renderer().classes()
    assert (slate.label, granite.label) == ("slate", "granite")
    assert granite.color == QColor("#ff8899")


def test_zones_go_from_green_to_dark_red(raster):
    layer = QgsRasterLayer(raster, "x")
    styles.zones(layer, ["background", "moderate", "high risk"])
    colours = [item.color.name() for item in layer.renderer().classes()]
    assert colours[0] == styles.RISK[0]
    assert colours[-1] == styles.RISK[-1]


def test_where_a_model_applies_nothing_covers_the_map(raster):
    layer = QgsRasterLayer(raster, "x")
    styles.applicability(layer, {1: "applies", 2: "outside the training range"})
    applies, outside = layer.renderer().classes()
    assert applies.color.alpha() == 0
    assert outside.color.alpha() > 100


@pytest.fixture
def points(tmp_path, qgis_application):
    features = [
        ({"name": f"e{i}", "class": c, "role": r, "error": e}, point(i, i))
        for i, (c, r, e) in enumerate(
            [("soil", "training", -2.0), ("tailings", "validation", 5.0), (None, "training", None)]
        )
    ]
    content = geojson(tmp_path, features)
    layer = QgsVectorLayer("Point", "points", "memory")
    layer.dataProvider().addAttributes(list(content.fields))
    layer.updateFields()
    assert layer.dataProvider().addFeatures(list(content.features()))[0]
    return layer


def test_endmember_points_are_coloured_by_class_and_labelled(points):
    styles.endmember_points(points)
    categories = [category.value() for category in points.renderer().categories()]
    assert categories == ["soil", "tailings"]
    assert points.labeling().settings().fieldName == "name"


def test_samples_are_blue_circles_and_red_triangles(points):
    styles.sample_points(points)
    training, validation = points.renderer().categories()
    assert training.symbol().symbolLayer(0).properties()["name"] == "circle"
    assert validation.symbol().symbolLayer(0).properties()["name"] == "triangle"
    assert training.symbol().color().blue() > training.symbol().color().red()
    assert validation.symbol().color().red() > validation.symbol().color().blue()


def test_residuals_reach_equally_far_on_both_sides(points):
    styles.sample_residuals(points, "error")
    ranges = points.renderer().ranges()
    assert (ranges[0].lowerValue(), ranges[-1].upperValue()) == (-5, 5)


def test_zone_polygons_are_ranked_by_their_zone(tmp_path, qgis_application):
    content = geojson(
        tmp_path, [({"zone": n, "name": name}, None) for n, name in ((2, "high"), (1, "low"))]
    )
    layer = QgsVectorLayer("Polygon", "zones", "memory")
    layer.dataProvider().addAttributes(list(content.fields))
    layer.updateFields()
    assert layer.dataProvider().addFeatures(list(content.features()))[0]
    styles.zone_polygons(layer)
    assert [category.value() for category in layer.renderer().categories()] == ["low", "high"]


@pytest.mark.parametrize(
    "style",
    [
        styles.endmember_points,
        styles.sample_points,
        styles.zone_polygons,
        lambda layer: styles.sample_residuals(layer, "x"),
    ],
)
def test_a_layer_without_the_field_keeps_its_look(style, qgis_application):
    layer = QgsVectorLayer("Point", "bare", "memory")
    before = layer.renderer()
    style(layer)
    assert layer.renderer() is before or layer.renderer().type() == before.type()


def test_a_layer_is_styled_when_it_is_loaded(points):
    context = QgsProcessingContext()
    details = QgsProcessingContext.LayerDetails("points", QgsProject())
    context.addLayerToLoadOnCompletion("there", details)
    StylePostProcessor.attach("there", context, styles.sample_points)
    StylePostProcessor.attach("elsewhere", context, styles.sample_points)
    assert not context.willLoadLayerOnCompletion("elsewhere")
    processor = context.layerToLoadOnCompletionDetails("there").postProcessor()
    processor.postProcessLayer(points, context, None)
    assert points.renderer().type() == "categorizedSymbol"
    assert processor not in StylePostProcessor.kept
