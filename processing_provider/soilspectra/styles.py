"""The look of points with elements from spectra."""

from __future__ import annotations

import math

from qgis.core import QgsGraduatedSymbolRenderer, QgsMarkerSymbol, QgsRendererRange, QgsVectorLayer

from gossan.processing_provider.styles import HOT

STEPS = 5


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
