"""What QGIS shows of a geological map reaches the engine, and the map that comes back."""

from __future__ import annotations

import pytest

pytest.importorskip("qgis.core")

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFillSymbol,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from gossan.processing_provider.lithology.legends import legend_of
from gossan.processing_provider.lithology.styles import lithology


@pytest.fixture
def polygons(bench):
    layer = QgsVectorLayer(bench.resolve("district:geological_map"), "map")
    assert layer.isValid()
    return layer


def coloured(field, colours):
    categories = [
        QgsRendererCategory(value, QgsFillSymbol.createSimple({"color": colour}), str(value))
        for value, colour in colours.items()
    ]
    return QgsCategorizedSymbolRenderer(field, categories)


def test_the_categories_of_polygons_are_their_legend(polygons):
    polygons.setRenderer(
        coloured("unit", {"slate": "#112233", "granite": "#aa0000", "": "#000000"})
    )
    assert legend_of(polygons, "unit") == [
        {"name": "slate", "colour": "#112233"},
        {"name": "granite", "colour": "#aa0000"},
    ]
    assert legend_of(polygons, "code") == [], "drawn by another field"


def test_a_layer_of_one_symbol_has_no_legend(polygons, bench):
    assert legend_of(polygons, "unit") == []
    assert legend_of(QgsRasterLayer(bench.resolve("district:dem"), "dem")) == []
    assert legend_of(None) == []


def test_a_palette_is_a_legend_without_the_black_that_fills_it_up(bench):
    layer = QgsRasterLayer(bench.resolve("district:geological_map_raster"), "map")
    assert len(layer.renderer().classes()) > 100, "GDAL fills colour tables up"
    shown = {item["value"]: item["colour"] for item in legend_of(layer)}
    assert len(shown) == 7
    assert shown[6] == "#f08a8a"


def test_colours_of_the_project_reach_the_map_that_is_mapped(polygons, bench, cases, tmp_path):
    unit = next(iter(polygons.getFeatures()))["unit"]
    polygons.setRenderer(coloured("unit", {unit: "#112233"}))
    folder = tmp_path / "trained"
    folder.mkdir()
    trained = bench.run(cases["trainlithology"], folder, MAP=polygons, TREES=5)
    mapped = bench.run(cases["maplithology"], tmp_path, MODEL=trained["MODEL"])
    layer = QgsRasterLayer(mapped["OUTPUT"], "map")
    layer.loadDefaultStyle()
    found = {item.label: item.color for item in layer.renderer().classes()}
    assert found[unit] == QColor("#112233")


def test_the_style_shows_names_and_colours(bench):
    layer = QgsRasterLayer(bench.resolve("district:geological_map_raster"), "map")
    lithology(
        layer,
        [{"value": 1, "name": "a", "colour": "#010203"}, {"value": 2, "name": "b", "colour": ""}],
    )
    first, second = layer.renderer().classes()
    assert (first.value, first.label, first.color.name()) == (1, "a", "#010203")
    assert second.label == "b"
