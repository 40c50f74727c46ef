"""The look of images, of the number of clear looks and of the footprints of scenes."""

from __future__ import annotations

from qgis.core import (
    QgsContrastEnhancement,
    QgsFillSymbol,
    QgsGraduatedSymbolRenderer,
    QgsMultiBandColorRenderer,
    QgsRasterLayer,
    QgsRendererRange,
    QgsVectorLayer,
)

from gossan.processing_provider import styles

LOOKS = ("#f7fbff", "#c6dbef", "#6baed6", "#2171b5", "#08306b")
_CLOUD = ((5, "#2f9e58"), (10, "#a6cf5a"), (20, "#f3dd55"), (40, "#f0932b"), (100, "#c0281c"))
_RED_GREEN_BLUE = (("B4", "B3", "B2"), ("B3", "B2", "B1"))
"""Bands in the colours that the eye sees: of Sentinel-2 and Landsat 8, of earlier Landsats."""


def image(layer: QgsRasterLayer) -> None:
    """Show an image in natural colours, or its first band where those are not known."""
    provider = layer.dataProvider()
    names = [
        provider.generateBandName(band + 1).partition(":")[2].strip().upper()
        for band in range(layer.bandCount())
    ]
    wanted = next((bands for bands in _RED_GREEN_BLUE if set(bands) <= set(names)), None)
    if wanted is None and layer.bandCount() < 3:
        return
    chosen = [names.index(name) + 1 for name in wanted] if wanted else [3, 2, 1]
    renderer = QgsMultiBandColorRenderer(provider, *chosen)
    setters = (
        renderer.setRedContrastEnhancement,
        renderer.setGreenContrastEnhancement,
        renderer.setBlueContrastEnhancement,
    )
    for band, set_stretch in zip(chosen, setters):
        low, high = styles.value_limits(layer, band)
        stretch = QgsContrastEnhancement(provider.dataType(band))
        stretch.setContrastEnhancementAlgorithm(
            QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum
        )
        stretch.setMinimumValue(low)
        stretch.setMaximumValue(high)
        set_stretch(stretch)
    layer.setRenderer(renderer)


def looks(layer: QgsRasterLayer) -> None:
    """Show how many clear looks there are: pale for few, dark for many."""
    _, most = styles.value_limits(layer, 1)
    styles.ramp(layer, 1, LOOKS, (0.0, most))


def footprints(layer: QgsVectorLayer) -> None:
    """Show scenes by their cloud cover, from green to red, see-through."""
    ranges = []
    lowest = 0.0
    for highest, colour in _CLOUD:
        symbol = QgsFillSymbol.createSimple(
            {
                "color": f"{colour}30",
                "outline_color": colour,
                "outline_width": "0.6",
            }
        )
        label = f"{lowest:g} to {highest:g} % cloud"
        ranges.append(QgsRendererRange(lowest, float(highest), symbol, label))
        lowest = float(highest)
    layer.setRenderer(QgsGraduatedSymbolRenderer("cloud_cover", ranges))
