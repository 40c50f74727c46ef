"""The look of every kind of result, one function each.

A style takes a layer and changes its renderer, labels and legend, nothing else. The same function
serves the post-processor, the ``.qml`` beside raster files and the demo's project builder::

    self.style_raster(path, styles.abundance, context, title="Abundances")
    self.style_raster(path, partial(styles.concentration, unit="mg/kg"), context)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsColorRampLegendNodeSettings,
    QgsColorRampShader,
    QgsFillSymbol,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsGraduatedSymbolRenderer,
    QgsMarkerSymbol,
    QgsPalettedRasterRenderer,
    QgsPalLayerSettings,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRendererCategory,
    QgsRendererRange,
    QgsSingleBandPseudoColorRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtGui import QColor

ABUNDANCE = ("#2b1f5c", "#2f6ea8", "#3fae8c", "#b6d95a", "#fff7a8")
HOT = ("#fffbe0", "#fee391", "#fdae45", "#ec6a1f", "#c02418", "#5c0a12")
ANGLE = ("#7a0f1f", "#e0662a", "#f7d27a", "#e4e6ea", "#8a93a3")
GREY = ("#f7f7f7", "#bdbdbd", "#7d7d7d", "#3d3d3d", "#141414")
DIVERGING = ("#2c5fa8", "#8fb8dd", "#f4f4f2", "#eda27a", "#a8261f")
RISK = ("#2f9e58", "#a6cf5a", "#f3dd55", "#f0932b", "#c0281c", "#6d1034")
DISTINCT = (
    "#c4501b",
    "#2f7fd1",
    "#2f9e58",
    "#f0b429",
    "#8a4fb0",
    "#20a6a6",
    "#d1477d",
    "#7d6b4f",
    "#5a6b7d",
    "#94b83d",
)
"""Colours of classes that have none of their own."""

GROUND = {
    "vegetation": "#2f9e58",
    "dry vegetation": "#c9b23c",
    "built-up": "#8a4fb0",
    "mining soil": "#c4501b",
    "tailings": "#d9dde3",
    "bare soil": "#9a6a3a",
    "water": "#2f7fd1",
}
"""Colours of the classes of the prior library that ships."""

SAMPLED_SIDE = 200
"""Pixels looked at along each side of a raster to find the limits of its ramp."""


# Continuous rasters


def abundance(layer: QgsRasterLayer, band: int = 1) -> None:
    """Show an abundance from 0 (dark) to 1 (bright)."""
    ramp(layer, band, ABUNDANCE, (0.0, 1.0))


def concentration(
    layer: QgsRasterLayer,
    band: int = 1,
    unit: str = "mg/kg",
    limits: tuple[float, float] | None = None,
) -> None:
    """Show the content of a metal in a hot ramp, by default over the middle 96 % of its values."""
    ramp(layer, band, HOT, limits or value_limits(layer, band), unit)


def probability(layer: QgsRasterLayer, band: int = 1) -> None:
    """Show a probability from 0 to 1, from pale to hot."""
    ramp(layer, band, HOT, (0.0, 1.0))


def spectral_angle(layer: QgsRasterLayer, band: int = 1, largest: float | None = None) -> None:
    """Show a spectral angle in radians: the smaller, the hotter."""
    limits = value_limits(layer, band)
    ramp(layer, band, ANGLE, (0.0, largest or limits[1]), "rad")


def residual(layer: QgsRasterLayer, band: int = 1, unit: str = "") -> None:
    """Show a misfit that is never negative, such as an RMSE, in greys from 0 (white)."""
    ramp(layer, band, GREY, (0.0, value_limits(layer, band)[1]), unit)


def uncertainty(layer: QgsRasterLayer, band: int = 1, unit: str = "mg/kg") -> None:
    """Show the spread of a prediction in greys from 0 (white)."""
    residual(layer, band, unit)


def difference(layer: QgsRasterLayer, band: int = 1, unit: str = "") -> None:
    """Show a difference: blue below zero, red above, both ends equally far."""
    low, high = value_limits(layer, band)
    reach = max(abs(low), abs(high))
    ramp(layer, band, DIVERGING, (-reach, reach), unit)


def index(layer: QgsRasterLayer, band: int = 1, limits: tuple[float, float] | None = None) -> None:
    """Show a pollution index from green (background) to dark red."""
    ramp(layer, band, RISK, limits or value_limits(layer, band))


# Classes


def classes(
    layer: QgsRasterLayer,
    names: Mapping[int, str],
    colours: Mapping[int, str] | None = None,
    band: int = 1,
) -> None:
    """Show a class raster with the names and (where known) the colours of its classes."""
    own = colours or {}
    palette = cycle(DISTINCT)
    items = []
    for value in sorted(names):
        colour = QColor(own.get(value) or next(palette))
        items.append(QgsPalettedRasterRenderer.Class(value, colour, names[value]))
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), band, items))


def zones(layer: QgsRasterLayer, names: Sequence[str], band: int = 1) -> None:
    """Show pollution zones 1, 2, ... named from low background to high risk."""
    numbered = dict(enumerate(names, start=1))
    classes(layer, numbered, _risk_colours(len(names)), band)


def applicability(layer: QgsRasterLayer, reasons: Mapping[int, str], band: int = 1) -> None:
    """Show where a model applies (value 1, clear) and why it does not elsewhere (greys)."""
    shades = cycle(("#b3333333", "#b3777777", "#b35a7d4f", "#b39a8a5a"))
    colours = {value: "#00ffffff" if value == 1 else next(shades) for value in sorted(reasons)}
    classes(layer, reasons, colours, band)


# Points and polygons


def endmember_points(layer: QgsVectorLayer, field: str = "class", label: str = "name") -> None:
    """Show the source pixels of endmembers, coloured by class and labelled with their names."""
    _categories(layer, field, GROUND, lambda colour: _marker(colour, "diamond", 3.6))
    _labels(layer, label)


def sample_points(layer: QgsVectorLayer, field: str = "role") -> None:
    """Show samples by their role: training blue circles, validation red triangles."""
    known = {"training": "#2f6fc4", "validation": "#c8281e", "test": "#c8281e"}

    def symbol(colour: str) -> QgsMarkerSymbol:
        triangle = colour == known["validation"]
        return _marker(colour, "triangle" if triangle else "circle", 2.6)

    _categories(layer, field, known, symbol)


def sample_residuals(layer: QgsVectorLayer, field: str, unit: str = "mg/kg") -> None:
    """Show predicted minus measured at samples: blue too low, red too high, in five steps."""
    position = layer.fields().lookupField(field)
    if position < 0:
        return
    values = [v for v in (feature[field] for feature in layer.getFeatures()) if _is_number(v)]
    reach = max((abs(value) for value in values), default=0.0) or 1.0
    steps = [-reach, -0.6 * reach, -0.2 * reach, 0.2 * reach, 0.6 * reach, reach]
    ranges = [
        QgsRendererRange(
            low, high, _marker(colour, "circle", 2.8), f"{_number(low)} to {_number(high)} {unit}"
        )
        for low, high, colour in zip(steps, steps[1:], DIVERGING)
    ]
    layer.setRenderer(QgsGraduatedSymbolRenderer(field, ranges))


def zone_polygons(
    layer: QgsVectorLayer, field: str = "name", order: Sequence[str] | None = None
) -> None:
    """Show pollution zones as polygons, from green (low background) to dark red (high risk).

    Without an ``order`` of the names that of their numbers in the field ``zone`` counts.
    """
    names = list(order or _distinct(layer, field, "zone"))
    colours = dict(zip(names, _risk_colours(len(names)).values()))

    def symbol(colour: str) -> QgsFillSymbol:
        clear = QColor(colour)
        clear.setAlpha(150)
        return QgsFillSymbol.createSimple(
            {
                "color": clear.name(QColor.NameFormat.HexArgb),
                "outline_color": colour,
                "outline_width": "0.4",
            }
        )

    _categories(layer, field, colours, symbol, names)


def value_limits(
    layer: QgsRasterLayer, band: int, cut: float = 0.02, side: int = SAMPLED_SIDE
) -> tuple[float, float]:
    """Return between which values most of a band lies.

    Parameters
    ----------
    band : int
        Band number, from 1.
    cut : float
        Share left out at either end.
    side : int
        Pixels looked at along either side. QGIS's own statistics would leave ``.aux.xml`` files.

    Returns
    -------
    tuple of float
        Lower and upper limit, apart; (0, 1) where the band has no valid pixel.
    """
    columns, rows = min(layer.width(), side), min(layer.height(), side)
    block = layer.dataProvider().block(band, layer.extent(), columns, rows)
    values = sorted(
        value
        for value in (block.value(i) for i in range(columns * rows) if not block.isNoData(i))
        if math.isfinite(value)
    )
    if not values:
        return 0.0, 1.0
    last = len(values) - 1
    low, high = values[round(cut * last)], values[round((1.0 - cut) * last)]
    return (low, high) if high > low else (low, low + (abs(low) or 1.0))


def ramp(
    layer: QgsRasterLayer,
    band: int,
    colours: Sequence[str],
    limits: tuple[float, float],
    unit: str = "",
) -> None:
    """Show a band by a continuous ramp between two values, with its unit in the legend."""
    # Three digits: the legend shows the limits as they are.
    low, high = (float(f"{limit:.3g}") for limit in limits)
    if not high > low:
        high = low + 1.0
    last = len(colours) - 1
    stops = [QgsGradientStop(i / last, QColor(colours[i])) for i in range(1, last)]
    ramp = QgsGradientColorRamp(QColor(colours[0]), QColor(colours[-1]), False, stops)
    function = QgsColorRampShader(low, high, ramp)
    items = []
    for i, colour in enumerate(colours):
        value = low + (high - low) * i / last
        text = f"{_number(value)} {unit}".strip()
        items.append(QgsColorRampShader.ColorRampItem(value, QColor(colour), text))
    function.setColorRampItemList(items)
    if unit:
        legend = QgsColorRampLegendNodeSettings()
        legend.setSuffix(f" {unit}")
        function.setLegendSettings(legend)
    shader = QgsRasterShader(low, high)
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), band, shader)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)
    layer.setRenderer(renderer)


def _categories(layer, field, colours, symbol, order=None) -> None:
    """Show features by the values of a field, each with the symbol made for its colour."""
    if layer.fields().lookupField(field) < 0:
        return
    palette = cycle(DISTINCT)
    categories = []
    for value in order or _distinct(layer, field):
        colour = colours.get(value) or next(palette)
        categories.append(QgsRendererCategory(value, symbol(colour), str(value)))
    layer.setRenderer(QgsCategorizedSymbolRenderer(field, categories))


def _distinct(layer: QgsVectorLayer, field: str, ranked_by: str = "") -> list:
    """Return the values of a field by the alphabet, or by the number that goes with each."""
    values = layer.uniqueValues(layer.fields().lookupField(field))
    known = sorted((value for value in values if isinstance(value, (str, int, float))), key=str)
    if not ranked_by or layer.fields().lookupField(ranked_by) < 0:
        return known
    ranks = {feature[field]: feature[ranked_by] for feature in layer.getFeatures()}
    return sorted(known, key=lambda value: ranks[value])


def _labels(layer: QgsVectorLayer, field: str) -> None:
    if layer.fields().lookupField(field) < 0:
        return
    halo = QgsTextBufferSettings()
    halo.setEnabled(True)
    halo.setSize(0.8)
    text = QgsTextFormat()
    text.setSize(8)
    text.setBuffer(halo)
    settings = QgsPalLayerSettings()
    settings.fieldName = field
    settings.setFormat(text)
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))
    layer.setLabelsEnabled(True)


def _marker(colour: str, shape: str, size: float) -> QgsMarkerSymbol:
    return QgsMarkerSymbol.createSimple(
        {
            "name": shape,
            "color": colour,
            "size": str(size),
            "outline_color": "#ffffff",
            "outline_width": "0.3",
        }
    )


def _risk_colours(count: int) -> dict[int, str]:
    """Return colours 1, 2, ... spread over the scale from background to high risk."""
    last = len(RISK) - 1
    return {i + 1: RISK[round(i * last / max(count - 1, 1))] for i in range(count)}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _number(value: float) -> str:
    """Return a number short enough for a legend."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
