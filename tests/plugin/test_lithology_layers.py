"""What the dock *Lithology* knows of layers and the canvas, with QGIS and without a window."""

from __future__ import annotations

import struct

import pytest

pytest.importorskip("qgis.core")

import numpy as np
from osgeo import gdal, osr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas, QgsMapToolPan
from qgis.PyQt.QtGui import QColor

from gossan.plugin.docks.lithology.point_tool import PointPicker
from gossan.plugin.docks.lithology.project_layers import facts_of, polygons, to_canvas, to_layer


def write(path, *, bands=1, kind=gdal.GDT_Byte, colours=False, names=(), placed=True):
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 8, 6, bands, kind)
    if placed:
        dataset.SetGeoTransform((500_000, 30, 0, 3_000_000, 0, -30))
        system = osr.SpatialReference()
        system.ImportFromEPSG(32650)
        dataset.SetProjection(system.ExportToWkt())
    for band in range(1, bands + 1):
        dataset.GetRasterBand(band).WriteArray(np.ones((6, 8)))
        if names:
            dataset.GetRasterBand(band).SetDescription(names[band - 1])
    if colours:
        table = gdal.ColorTable()
        table.SetColorEntry(1, (200, 10, 10))
        dataset.GetRasterBand(1).SetColorTable(table)
    dataset.FlushCache()
    del dataset
    return QgsRasterLayer(str(path), path.stem)


@pytest.fixture
def canvas(qgis_application):
    shown = QgsMapCanvas()
    shown.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    return shown


def test_class_maps_are_found_wherever_their_legend_is(qgis_application, tmp_path):
    assert facts_of(write(tmp_path / "table.tif", colours=True), {}).is_class_map
    plain = write(tmp_path / "plain.tif")
    assert not facts_of(plain, {}).is_class_map
    shown = [QgsPalettedRasterRenderer.Class(1, QColor("red"), "granite")]
    plain.setRenderer(QgsPalettedRasterRenderer(plain.dataProvider(), 1, shown))
    assert facts_of(plain, {}).is_class_map
    beside = write(tmp_path / "beside.tif")
    (tmp_path / "beside.tif.vat.dbf").write_bytes(struct.pack("<B31x", 3))
    assert facts_of(beside, {}).is_class_map
    named = write(tmp_path / "named.tif")
    (tmp_path / "named.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><CategoryNames><Category>a</Category>"
        "</CategoryNames></PAMRasterBand></PAMDataset>"
    )
    assert facts_of(named, {}).is_class_map


def test_a_file_is_looked_at_once(qgis_application, tmp_path):
    known: dict[str, bool] = {}
    layer = write(tmp_path / "late.tif")
    assert not facts_of(layer, known).is_class_map
    (tmp_path / "late.tif.vat.dbf").write_bytes(b"")
    assert not facts_of(layer, known).is_class_map
    assert facts_of(layer, {}).is_class_map


def test_probabilities_are_called_as_their_bands(qgis_application, tmp_path):
    layer = write(tmp_path / "p.tif", bands=2, kind=gdal.GDT_Float32, names=("granite", "b: c"))
    facts = facts_of(layer, {})
    assert facts.may_hold_probabilities
    assert facts.bands == ("granite", "b: c")


def test_only_polygons_with_fields_are_references(qgis_application):
    project = QgsProject.instance()
    layers = [
        QgsVectorLayer("Polygon?field=unit:string", "units", "memory"),
        QgsVectorLayer("Polygon", "no fields", "memory"),
        QgsVectorLayer("Point?field=unit:string", "points", "memory"),
    ]
    project.addMapLayers(layers)
    try:
        assert [layer.name() for layer in polygons()] == ["units"]
    finally:
        project.clear()


def test_places_go_to_a_raster_and_back(canvas, tmp_path):
    layer = write(tmp_path / "units.tif")
    place = QgsPointXY(500_045, 2_999_955)
    shown = to_canvas(QgsGeometry.fromPointXY(place), canvas, layer).asPoint()
    assert shown.x() == pytest.approx(117.0, abs=0.01)
    back = to_layer(shown, canvas, layer)
    assert (back.x(), back.y()) == pytest.approx((place.x(), place.y()), abs=0.01)


def test_rows_of_a_raster_without_a_place_are_counted_downwards(canvas, tmp_path):
    layer = write(tmp_path / "nowhere.tif", placed=False)
    assert layer.extent().yMaximum() == 0
    at = to_layer(QgsPointXY(2.5, -1.5), canvas, layer)
    assert (at.x(), at.y()) == (2.5, 1.5)
    line = QgsGeometry.fromWkt("LINESTRING(2 1, 2 3)")
    assert to_canvas(line, canvas, layer).asWkt() == "LineString (2 -1, 2 -3)"
    assert line.asWkt() == "LineString (2 1, 2 3)"


def test_the_map_gets_its_earlier_tool_back(canvas):
    pan = QgsMapToolPan(canvas)
    canvas.setMapTool(pan)
    picker, dropped = PointPicker(canvas), []
    picker.dropped.connect(lambda: dropped.append(True))
    picker.take()
    picker.mark(QgsPointXY(1, 1))
    assert canvas.mapTool() is not pan
    picker.put_down()
    picker.unmark()
    assert canvas.mapTool() is pan
    assert dropped == []
    picker.take()
    canvas.setMapTool(pan)
    assert dropped == [True]
    picker.put_down()
    assert canvas.mapTool() is pan
