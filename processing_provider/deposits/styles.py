"""The look of footprints: how rich they are, and which are worth a look."""

from __future__ import annotations

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFillSymbol,
    QgsGraduatedSymbolRenderer,
    QgsPalLayerSettings,
    QgsRendererCategory,
    QgsRendererRange,
    QgsRuleBasedRenderer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsVectorLayer,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtGui import QColor

from gossan.processing_provider.styles import HOT

OCEAN = "#9db8d2"
NONE = "#b9b9b9"
_STEPS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def richness(layer: QgsVectorLayer, field: str = "richness") -> None:
    """Show footprints by their richness in a hot ramp; ocean is pale blue, no deposits grey."""
    root = QgsRuleBasedRenderer.Rule(None)
    ocean = layer.fields().lookupField("ocean") >= 0
    land = '"ocean" = 0 AND ' if ocean else ""
    if ocean:
        root.appendChild(_rule('"ocean" = 1', "ocean", OCEAN, 90))
    root.appendChild(_rule(f'{land}"{field}" <= 0', "no deposit", NONE, 90))
    for low, high, colour in zip(_STEPS, _STEPS[1:], HOT[1:]):
        within = f'"{field}" > {low} AND "{field}" <= {high}'
        root.appendChild(_rule(land + within, f"richness {low:g} to {high:g}", colour, 150))
    layer.setRenderer(QgsRuleBasedRenderer(root))


def chips(layer: QgsVectorLayer, field: str = "part") -> None:
    """Show chips by the part of the split they are in: training blue, validation red."""
    colours = {"training": "#2f6fc4", "validation": "#c8281e"}
    known = [QgsRendererCategory(k, _fill(c, 70), k) for k, c in colours.items()]
    layer.setRenderer(QgsCategorizedSymbolRenderer(field, known))


def counts(layer: QgsVectorLayer, field: str = "count") -> None:
    """Show chips by the number of known deposits in them: grey for none, else a hot ramp."""
    steps = ((0, 0, "none"), (1, 1, "1"), (2, 2, "2"), (3, 5, "3 to 5"), (6, 10**9, "6 or more"))
    ranges = [
        QgsRendererRange(low - 0.5, high + 0.5, _fill(colour, 150), title)
        for (low, high, title), colour in zip(steps, (NONE, *HOT[1:]))
    ]
    layer.setRenderer(QgsGraduatedSymbolRenderer(field, ranges))


def predictions(layer: QgsVectorLayer, field: str = "predicted") -> None:
    """Show footprints by what was predicted for them, in five steps that hold as many each.

    Predictions of richness crowd at its low end: steps of equal width would show one colour. The
    ten best prospects bear their rank.
    """
    position = layer.fields().lookupField(field)
    if position < 0:
        return
    values = sorted(v for v in (f[field] for f in layer.getFeatures()) if isinstance(v, float))
    if not values:
        return
    last = len(values) - 1
    limits = [values[round(last * step)] for step in _STEPS]
    ranges = [
        QgsRendererRange(low, high, _fill(colour, 160), f"{low:.2g} to {high:.2g}")
        for low, high, colour in zip(limits, limits[1:], HOT[1:])
    ]
    layer.setRenderer(QgsGraduatedSymbolRenderer(field, ranges))
    _label(layer, 'CASE WHEN "prospect_rank" <= 10 THEN "prospect_rank" END')


def _label(layer: QgsVectorLayer, expression: str) -> None:
    """Write what an expression gives on each footprint."""
    halo = QgsTextBufferSettings()
    halo.setEnabled(True)
    halo.setSize(0.8)
    text = QgsTextFormat()
    text.setSize(8)
    text.setBuffer(halo)
    settings = QgsPalLayerSettings()
    settings.fieldName = expression
    settings.isExpression = True
    settings.setFormat(text)
    layer.setLabeling(QgsVectorLayerSimpleLabeling(settings))
    layer.setLabelsEnabled(True)


def _rule(expression: str, title: str, colour: str, opacity: int) -> QgsRuleBasedRenderer.Rule:
    return QgsRuleBasedRenderer.Rule(_fill(colour, opacity), 0, 0, expression, title)


def _fill(colour: str, opacity: int) -> QgsFillSymbol:
    clear = QColor(colour)
    clear.setAlpha(opacity)
    return QgsFillSymbol.createSimple(
        {
            "color": clear.name(QColor.NameFormat.HexArgb),
            "outline_color": colour,
            "outline_width": "0.3",
        }
    )
