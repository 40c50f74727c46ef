"""The look of places: chips and background points, by their class or stratum."""

from __future__ import annotations

from itertools import cycle

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsMarkerSymbol,
    QgsRendererCategory,
    QgsVectorLayer,
)

from gossan.processing_provider.styles import DISTINCT

CLASSES = {
    "mine": "#d7191c",
    "dam": "#8a4fb0",
    "tailings": "#e0662a",
    "high impact": "#d7191c",
    "low impact": "#fecc2f",
    "no ore": "#9e9e9e",
    "background": "#2f7fd1",
    "tile": "#5a6b7d",
}


def chips(layer: QgsVectorLayer) -> None:
    """Colour chips by their class."""
    _categorise(layer, "class", CLASSES)


def background(layer: QgsVectorLayer) -> None:
    """Colour background points by their stratum."""
    _categorise(layer, "stratum_name", {})


def _categorise(layer: QgsVectorLayer, field: str, known: dict[str, str]) -> None:
    index = layer.fields().indexOf(field)
    values = sorted(str(value) for value in layer.uniqueValues(index)) if index >= 0 else []
    other = cycle(DISTINCT)
    categories = []
    for value in values:
        symbol = QgsMarkerSymbol.createSimple(
            {
                "name": "square" if value == "tile" else "circle",
                "color": known.get(value) or next(other),
                "outline_color": "#ffffff",
                "size": "2.4",
            }
        )
        categories.append(QgsRendererCategory(value, symbol, value))
    layer.setRenderer(QgsCategorizedSymbolRenderer(field, categories))
