"""The look of findings of the search for mines: yellow for low impact, red for high."""

from __future__ import annotations

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFillSymbol,
    QgsGraduatedSymbolRenderer,
    QgsMarkerSymbol,
    QgsRendererCategory,
    QgsRendererRange,
    QgsSymbol,
    QgsVectorLayer,
    QgsWkbTypes,
)

from gossan.processing_provider.mines.register_styles import HIGH, LOW, NOT_JUDGED
from gossan.processing_provider.styles import HOT

_IMPACTS = (("high impact", HIGH), ("low impact", LOW), ("", NOT_JUDGED))
_STEPS = (0.0, 0.6, 0.7, 0.8, 0.9, 1.0)


def findings(layer: QgsVectorLayer) -> None:
    """Show findings by their impact; those that were not judged are orange."""
    if layer.fields().lookupField("impact") < 0:
        return
    present = {value or "" for value in layer.uniqueValues(layer.fields().lookupField("impact"))}
    known = dict(_IMPACTS)
    others = sorted(str(value) for value in present if value not in known)
    categories = [
        QgsRendererCategory(value, _symbol(layer, colour), value or "impact not judged")
        for value, colour in (*_IMPACTS, *((other, NOT_JUDGED) for other in others))
        if value in present or (value and "" not in present)
    ]
    layer.setRenderer(QgsCategorizedSymbolRenderer("impact", categories))


def cells(layer: QgsVectorLayer) -> None:
    """Show single cells by their probability, from pale to hot."""
    ranges = [
        QgsRendererRange(low, high, _marker(colour, 1.8), f"{low:g} to {high:g}")
        for low, high, colour in zip(_STEPS, _STEPS[1:], HOT)
    ]
    layer.setRenderer(QgsGraduatedSymbolRenderer("probability", ranges))


def _symbol(layer: QgsVectorLayer, colour: str) -> QgsSymbol:
    if layer.geometryType() != QgsWkbTypes.GeometryType.PolygonGeometry:
        return _marker(colour, 3.0)
    return QgsFillSymbol.createSimple(
        {
            "color": "255,255,255,0",
            "outline_color": colour,
            "outline_width": "0.7",
        }
    )


def _marker(colour: str, size: float) -> QgsMarkerSymbol:
    return QgsMarkerSymbol.createSimple(
        {
            "name": "circle",
            "color": colour,
            "size": str(size),
            "outline_color": "#3d1a0a",
            "outline_width": "0.2",
        }
    )
