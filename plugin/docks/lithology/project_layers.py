"""What the dock knows of the layers of the project, from QGIS."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    Qgis,
    QgsCategorizedSymbolRenderer,
    QgsCoordinateTransform,
    QgsCsException,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
    QgsWkbTypes,
)

from gossan.plugin.docks.lithology.layer_choice import RasterFacts, band_name

WHOLE_NUMBERS = (
    Qgis.DataType.Byte,
    Qgis.DataType.UInt16,
    Qgis.DataType.Int16,
    Qgis.DataType.UInt32,
    Qgis.DataType.Int32,
)


def facts_of(layer: QgsRasterLayer) -> RasterFacts:
    """Return what is known of a raster layer without reading its pixels."""
    provider = layer.dataProvider()
    local = layer.providerType() == "gdal" and layer.bandCount() > 0
    if not local:
        return RasterFacts(False, False, ())
    renderer = layer.renderer()
    path = layer.source()
    sidecars = (f"{path}.vat.dbf", f"{Path(path).with_suffix('')}.vat.dbf")
    return RasterFacts(
        local=True,
        whole_numbers=provider.sourceDataType(1) in WHOLE_NUMBERS,
        bands=tuple(band_name(layer.bandName(band + 1)) for band in range(layer.bandCount())),
        shown_as_classes=isinstance(renderer, QgsPalettedRasterRenderer) and renderer.band() == 1,
        brings_legend=bool(provider.colorTable(1))
        or any(Path(sidecar).exists() for sidecar in sidecars)
        or _names_in_sidecar(path),
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


def find(identifier: str | None) -> QgsMapLayer | None:
    """Return the layer of an id; None where it has gone."""
    return QgsProject.instance().mapLayer(identifier) if identifier else None


def to_layer(point: QgsPointXY, canvas: object, layer: QgsRasterLayer) -> QgsPointXY | None:
    """Return a point of the canvas in a raster's own coordinates; None where it has no place there.

    QGIS shows a raster without coordinates with its rows downwards from 0; the engine counts them
    upwards.
    """
    settings = canvas.mapSettings()
    if not layer.crs().isValid() or not settings.destinationCrs().isValid():
        unplaced = layer.extent().yMaximum() == 0 and layer.extent().xMinimum() == 0
        return QgsPointXY(point.x(), -point.y()) if unplaced else point
    transform = QgsCoordinateTransform(
        settings.destinationCrs(), layer.crs(), QgsProject.instance()
    )
    try:
        return transform.transform(point)
    except QgsCsException:
        return None


def _in_order() -> list[QgsMapLayer]:
    order = QgsProject.instance().layerTreeRoot().layerOrder()
    return [layer for layer in order if layer is not None and layer.isValid()]


def _names_in_sidecar(path: str) -> bool:
    sidecar = Path(f"{path}.aux.xml")
    try:
        text = sidecar.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "<CategoryNames>" in text or "<GDALRasterAttributeTable" in text
