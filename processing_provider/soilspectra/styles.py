"""The look of points with elements from spectra."""

from __future__ import annotations

import math

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsGraduatedSymbolRenderer,
    QgsMarkerSymbol,
    QgsRendererCategory,
    QgsRendererRange,
    QgsVectorLayer,
)

from gossan.processing_provider.styles import HOT

STEPS = 5

APPLICABILITY = {
    "applies": "#3a9a5c",
    "beyond the training concentrations": "#f0a92b",
    "unlike the training spectra": "#c8281e",
}
"""What the applicability of a prediction says, and its colour."""


def predicted_points(layer: QgsVectorLayer, field: str, unit: str = "mg/kg") -> None:
    """Show predicted concentrations as points, hotter and larger where there is more.

    The steps hold equal numbers of points, for concentrations are skewed.
    """
    if layer.fields().lookupField(field) < 0:
        return
    values = sorted(
        value
        for value in (feature[field] for feature in layer.getFeatures())
        if isinstance(value, (int, float)) and math.isfinite(value)
    )
    if not values:
        return
    last = len(values) - 1
    edges = [values[round(last * step / STEPS)] for step in range(STEPS + 1)]
    ranges = []
    for step, (low, high) in enumerate(zip(edges, edges[1:])):
        if high > low or not ranges:
            symbol = QgsMarkerSymbol.createSimple(
                {
                    "name": "circle",
                    "color": HOT[step + 1],
                    "size": str(2.2 + 0.45 * step),
                    "outline_color": "#4a2a12",
                    "outline_width": "0.2",
                }
            )
            ranges.append(QgsRendererRange(low, high, symbol, f"{low:.3g} to {high:.3g} {unit}"))
    layer.setRenderer(QgsGraduatedSymbolRenderer(field, ranges))


def applicability_points(layer: QgsVectorLayer) -> None:
    """Show where a spectral model applies (green), and where its predictions are guesses (red)."""
    categories = []
    for words, colour in APPLICABILITY.items():
        symbol = QgsMarkerSymbol.createSimple(
            {"name": "circle", "color": colour, "size": "2.6", "outline_color": "#ffffff"}
        )
        categories.append(QgsRendererCategory(words, symbol, words))
    layer.setRenderer(QgsCategorizedSymbolRenderer("applicability", categories))
