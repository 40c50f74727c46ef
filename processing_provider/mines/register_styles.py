"""The look of findings that were compared with registers."""

from __future__ import annotations

from itertools import cycle

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsExpression,
    QgsFeatureRequest,
    QgsFillSymbol,
    QgsMarkerSymbol,
    QgsRendererCategory,
    QgsRuleBasedRenderer,
    QgsSingleSymbolRenderer,
    QgsSymbol,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

from gossan.processing_provider.styles import DISTINCT

HIGH = "#d7191c"
LOW = "#fecc2f"
NOT_JUDGED = "#f08c2e"

_IMPACTS = (
    ("high impact", "\"impact\" = 'high impact'", HIGH),
    ("low impact", "\"impact\" = 'low impact'", LOW),
    ("not judged", "coalesce(\"impact\", '') = ''", NOT_JUDGED),
)
_STATES = (
    (
        "unregistered; in a protected area",
        "\"registered\" = 'no' and coalesce(\"protected\", '') <> ''",
        "protected",
    ),
    (
        "unregistered",
        "\"registered\" = 'no' and coalesce(\"protected\", '') = ''",
        "unregistered",
    ),
    ("registered", "\"registered\" = 'yes'", "registered"),
)


def matched_findings(layer: QgsVectorLayer) -> None:
    """Show findings yellow (low impact) and red (high); unregistered ones stand out.

    Unregistered ones are filled and framed in black, in protected areas with a thick cyan
    frame; registered ones are small and pale.
    """
    if layer.fields().lookupField("registered") < 0:
        return
    judged = layer.fields().lookupField("impact") >= 0
    impacts = _IMPACTS if judged else (("", "", NOT_JUDGED),)
    root = QgsRuleBasedRenderer.Rule(None)
    for state, condition, look in _STATES:
        for impact, which, colour in impacts:
            text = " and ".join(part for part in (condition, which) if part)
            if not _holds(layer, text):
                continue
            symbol = _symbol(layer, colour, look)
            label = f"{state}; {impact}" if impact else state
            root.appendChild(QgsRuleBasedRenderer.Rule(symbol, 0, 0, text, label))
    layer.setRenderer(QgsRuleBasedRenderer(root))


def _holds(layer: QgsVectorLayer, expression: str) -> bool:
    """Return whether an expression is true for any feature."""
    request = QgsFeatureRequest(QgsExpression(expression)).setLimit(1)
    request.setFlags(QgsFeatureRequest.Flag.NoGeometry)
    return any(True for _ in layer.getFeatures(request))


def ghosts(layer: QgsVectorLayer) -> None:
    """Show register entries without a finding as light diamonds, empty inside."""
    symbol = QgsMarkerSymbol.createSimple(
        {
            "name": "diamond",
            "color": "#605a6470",
            "size": "3.2",
            "outline_color": "#e8f4ff",
            "outline_width": "0.6",
        }
    )
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))


def protected_areas(layer: QgsVectorLayer) -> None:
    """Show protected areas and indigenous lands as green frames that let the image through."""
    layer.setRenderer(QgsSingleSymbolRenderer(_frame("#1b7a3d", "#301b7a3d")))


def concessions(layer: QgsVectorLayer, field: str = "phase") -> None:
    """Show concessions by their phase, as frames."""
    position = layer.fields().lookupField(field)
    if position < 0:
        return
    phases = sorted(str(value) for value in layer.uniqueValues(position) if value)
    layer.setRenderer(
        QgsCategorizedSymbolRenderer(
            field,
            [
                QgsRendererCategory(phase, _frame(colour, "#00ffffff"), phase)
                for phase, colour in zip(phases, cycle(DISTINCT[1:]))
            ],
        )
    )


def _frame(colour: str, fill: str) -> QgsFillSymbol:
    return QgsFillSymbol.createSimple(
        {"color": fill, "outline_color": colour, "outline_width": "0.5"}
    )


def _symbol(layer: QgsVectorLayer, colour: str, look: str) -> QgsSymbol:
    """Return the mark of a finding; polygons let the image through, to be judged by eye."""
    frame, width, size, point_fill, area_fill = {
        "protected": ("#18e0e8", "0.9", "4.6", 230, 70),
        "unregistered": ("#1f2429", "0.7", "3.8", 230, 70),
        "registered": ("#8b97a2", "0.3", "2.4", 110, 40),
    }[look]
    area = layer.geometryType() == QgsWkbTypes.GeometryType.PolygonGeometry
    fill = QColor(colour)
    fill.setAlpha(area_fill if area else point_fill)
    properties = {
        "color": fill.name(QColor.NameFormat.HexArgb),
        "outline_color": frame,
        "outline_width": width,
    }
    if area:
        return QgsFillSymbol.createSimple(properties)
    return QgsMarkerSymbol.createSimple({**properties, "name": "circle", "size": size})
