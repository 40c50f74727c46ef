"""What the dock knows of the layers of the project, from QGIS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsCategorizedSymbolRenderer,
    QgsCoordinateTransform,
    QgsCsException,
    QgsExpression,
    QgsFillSymbol,
    QgsGeometry,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QTransform

from gossan.plugin.docks.lithology.class_rows import ClassRow
from gossan.plugin.docks.lithology.layer_choice import RasterFacts, band_name

_BACK = Qgis.TransformDirection.Reverse

WHOLE_NUMBERS = (
    Qgis.DataType.Byte,
    Qgis.DataType.UInt16,
    Qgis.DataType.Int16,
    Qgis.DataType.UInt32,
    Qgis.DataType.Int32,
)


def facts_of(layer: QgsRasterLayer, known: dict[str, bool]) -> RasterFacts:
    """Return what is known of a raster layer without reading its pixels.

    Parameters
    ----------
    layer : QgsRasterLayer
    known : dict of str to bool
        Whether the file of that path brings a legend; completed here, so that no file is looked at
        twice.
    """
    provider = layer.dataProvider()
    in_file = layer.providerType() == "gdal" and "/vsimem/" not in layer.source()
    local = in_file and layer.bandCount() > 0
    if not local:
        return RasterFacts(False, False, ())
    renderer = layer.renderer()
    path = layer.source().split("|")[0]
    if path not in known:
        known[path] = bool(provider.colorTable(1)) or _has_table(path)
    return RasterFacts(
        local=True,
        whole_numbers=provider.sourceDataType(1) in WHOLE_NUMBERS,
        bands=tuple(band_name(layer.bandName(band + 1)) for band in range(layer.bandCount())),
        shown_as_classes=isinstance(renderer, QgsPalettedRasterRenderer) and renderer.band() == 1,
        brings_legend=known[path],
    )


def rasters() -> list[QgsRasterLayer]:
    """Return the valid raster layers of the project, in the order of their tree."""
    return [layer for layer in _in_order() if isinstance(layer, QgsRasterLayer)]


def polygons() -> list[QgsVectorLayer]:
    """Return the valid polygon layers of the project, in the order of their tree."""
    return [
        layer
        for layer in _in_order()
        if isinstance(layer, QgsVectorLayer)
        and layer.geometryType() == QgsWkbTypes.GeometryType.PolygonGeometry
        and layer.fields().count()
    ]


def drawn_by(layer: QgsVectorLayer) -> str:
    """Return the field of a layer's categories; empty where it is drawn otherwise."""
    renderer = layer.renderer()
    if isinstance(renderer, QgsCategorizedSymbolRenderer):
        return renderer.classAttribute().strip('"')
    return ""


def draw_like(layer: QgsVectorLayer, field: str, rows: Sequence[ClassRow]) -> None:
    """Draw polygons in the colours of a map's classes, whatever the case of their names.

    Parameters
    ----------
    layer : QgsVectorLayer
    field : str
        Its field with the class.
    rows : sequence of ClassRow
        Classes of the map.
    """
    categories = [
        QgsRendererCategory(
            row.name.lower().strip(),
            QgsFillSymbol.createSimple(
                {"color": row.colour, "outline_color": "#404040", "outline_width": "0.2"}
            ),
            row.name,
        )
        for row in rows
    ]
    # An expression spares a pass over all features for their values.
    name = f"lower(trim(to_string({QgsExpression.quotedColumnRef(field)})))"
    layer.setRenderer(QgsCategorizedSymbolRenderer(name, categories))
    layer.triggerRepaint()
    layer.emitStyleChanged()


def find(identifier: str | None) -> QgsMapLayer | None:
    """Return the layer of an id; None where it has gone."""
    return QgsProject.instance().mapLayer(identifier) if identifier else None


def to_layer(point: QgsPointXY, canvas: object, layer: QgsRasterLayer) -> QgsPointXY | None:
    """Return a point of the canvas as the engine counts in a raster; None where it has no place."""
    if _is_unplaced(layer):
        return QgsPointXY(point.x(), -point.y())
    try:
        return _transform(canvas, layer).transform(point, _BACK)
    except QgsCsException:
        return None


def to_canvas(geometry: QgsGeometry, canvas: object, layer: QgsRasterLayer) -> QgsGeometry | None:
    """Return what the engine has found in a raster, on the canvas; None where it has no place."""
    moved = QgsGeometry(geometry)
    if _is_unplaced(layer):
        moved.transform(QTransform.fromScale(1, -1))
        return moved
    try:
        moved.transform(_transform(canvas, layer))
    except QgsCsException:
        return None
    return moved


def _transform(canvas: object, layer: QgsRasterLayer) -> QgsCoordinateTransform:
    """Return the way from a layer to the canvas; none is needed where either has no CRS."""
    return QgsCoordinateTransform(
        layer.crs(), canvas.mapSettings().destinationCrs(), QgsProject.instance()
    )


def _is_unplaced(layer: QgsRasterLayer) -> bool:
    """Return whether a raster lies nowhere: QGIS then counts its rows from 0 downwards.

    The engine counts them upwards.
    """
    extent = layer.extent()
    return not layer.crs().isValid() and extent.xMinimum() == 0 and extent.yMaximum() == 0


def _in_order() -> list[QgsMapLayer]:
    order = QgsProject.instance().layerTreeRoot().layerOrder()
    return [layer for layer in order if layer is not None and layer.isValid()]


def _has_table(path: str) -> bool:
    """Return whether a file has an attribute table or names of classes beside it."""
    try:
        if any(Path(f"{each}.vat.dbf").exists() for each in (path, Path(path).with_suffix(""))):
            return True
        text = Path(f"{path}.aux.xml").read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return False
    return "<CategoryNames>" in text or "<GDALRasterAttributeTable" in text
