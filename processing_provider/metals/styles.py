"""The look of heavy-metal results that only they have."""

from __future__ import annotations

from qgis.core import (
    QgsColorRampLegendNodeSettings,
    QgsColorRampShader,
    QgsRasterLayer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtGui import QColor

from gossan.processing_provider.styles import HOT

BELOW = ("#f4f4f2", "#bdbdb8")
ABOVE = HOT[2:]


def hotspots(
    layer: QgsRasterLayer, band: int, threshold: float, limits: tuple[float, float], unit: str = ""
) -> None:
    """Show what is at or above a threshold in hot colours, and what is below in greys.

    Parameters
    ----------
    threshold : float
        In the unit of the band.
    limits : tuple of float
        Between which values the colours change.
    """
    low, high = min(limits[0], threshold), max(limits[1], threshold)
    step = max((high - low) * 1e-9, abs(threshold) * 1e-9, 1e-12)
    stops = []
    if threshold - step > low:
        stops = [(low, BELOW[0], low, ""), (threshold - step, BELOW[1], threshold, "below ")]
    stops.append((threshold, ABOVE[0], threshold, "from "))
    last = len(ABOVE) - 1
    if high > threshold:
        for i in range(1, last + 1):
            value = threshold + (high - threshold) * i / last
            stops.append((value, ABOVE[i], value, ""))
    items = [
        QgsColorRampShader.ColorRampItem(
            value, QColor(colour), f"{word}{float(f'{shown:.3g}'):g} {unit}".strip()
        )
        for value, colour, shown, word in stops
    ]
    function = QgsColorRampShader(low, high)
    function.setColorRampType(QgsColorRampShader.Type.Interpolated)
    function.setColorRampItemList(items)
    legend = QgsColorRampLegendNodeSettings()
    legend.setUseContinuousLegend(False)
    function.setLegendSettings(legend)
    shader = QgsRasterShader(low, high)
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), band, shader)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)
    layer.setRenderer(renderer)
