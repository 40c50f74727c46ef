"""The map tool that drags a finding, or an entry of a register, to where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsFeatureRequest,
    QgsGeometry,
    QgsPointXY,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.gui import QgsMapMouseEvent, QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QKeyEvent

from gossan.plugin.docks.mines.review_layer import NUMBER_FIELD
from gossan.plugin.docks.mines.review_map import to_canvas

_COLOUR = QColor("#ff00c8")
_REACH = 12
"""Pixels of the screen from the mouse in which something is taken hold of."""


@dataclass
class Held:
    """What is being dragged.

    Parameters
    ----------
    layer : QgsVectorLayer
    row : int
        Its row in the layer.
    geometry : QgsGeometry
        Where it was, in the CRS of the layer.
    """

    layer: QgsVectorLayer
    row: int
    geometry: QgsGeometry


class DragTool(QgsMapTool):
    """Drags one thing once.

    Parameters
    ----------
    canvas : QgsMapCanvas
    finding : callable
        Returns the finding that may be dragged, as `Held`.
    dropped : callable
        Called with what was dragged and its new geometry, in the CRS of its layer.
    ended : callable
        Called when nothing more is to be dragged.
    """

    def __init__(
        self,
        canvas: Any,
        finding: Callable[[], Held],
        dropped: Callable[[Held, QgsGeometry], None],
        ended: Callable[[], None],
    ) -> None:
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self._finding = finding
        self._dropped = dropped
        self._ended = ended
        self._held: Held | None = None
        self._start = QgsPointXY()
        self._ghost: QgsRubberBand | None = None

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        """Take hold of what is under the mouse."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._start = self.toMapCoordinates(event.pos())
        self._held = self._under(self._start)
        if self._held is not None:
            self.canvas().setCursor(Qt.CursorShape.ClosedHandCursor)

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        """Show where it would go."""
        if self._held is None:
            return
        moved = self._moved(self._held, self.toMapCoordinates(event.pos()))
        if self._ghost is None:
            self._ghost = QgsRubberBand(self.canvas(), self._held.geometry.type())
            self._ghost.setColor(_COLOUR)
            self._ghost.setFillColor(QColor(255, 0, 200, 60))
            self._ghost.setWidth(2)
            self._ghost.setIconSize(12)
        self._ghost.setToGeometry(moved, self._held.layer)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        """Put it there."""
        held, self._held = self._held, None
        self._clear()
        if held is None or event.button() != Qt.MouseButton.LeftButton:
            return
        place = self.toMapCoordinates(event.pos())
        if place != self._start:
            self._dropped(held, self._moved(held, place))
        self._ended()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let go without moving anything."""
        if event.key() == Qt.Key.Key_Escape:
            self._held = None
            self._clear()
            self._ended()
            event.accept()

    def deactivate(self) -> None:
        """Leave nothing on the map."""
        self._held = None
        self._clear()
        super().deactivate()

    def _clear(self) -> None:
        if self._ghost is not None:
            self.canvas().scene().removeItem(self._ghost)
            self._ghost = None
        self.canvas().setCursor(Qt.CursorShape.OpenHandCursor)

    def _under(self, place: QgsPointXY) -> Held | None:
        """Return what lies under a place: an entry of a register first, for it is small."""
        reach = _REACH * self.canvas().mapUnitsPerPixel()
        around = QgsRectangle(
            place.x() - reach, place.y() - reach, place.x() + reach, place.y() + reach
        )
        for layer in self.canvas().layers():
            if is_register(layer):
                row = self._nearest(layer, around, place)
                if row is not None:
                    return Held(layer, row, layer.getFeature(row).geometry())
        finding = self._finding()
        shown = to_canvas(finding.geometry, finding.layer.crs(), self.canvas())
        return finding if shown.intersects(QgsGeometry.fromRect(around)) else None

    def _nearest(
        self, layer: QgsVectorLayer, around: QgsRectangle, place: QgsPointXY
    ) -> int | None:
        area = self.toLayerCoordinates(layer, around)
        here = self.toLayerCoordinates(layer, place)
        request = QgsFeatureRequest().setFilterRect(area).setSubsetOfAttributes([])
        found = [
            (feature.geometry().distance(QgsGeometry.fromPointXY(here)), feature.id())
            for feature in layer.getFeatures(request)
        ]
        return min(found)[1] if found else None

    def _moved(self, held: Held, place: QgsPointXY) -> QgsGeometry:
        start = self.toLayerCoordinates(held.layer, self._start)
        end = self.toLayerCoordinates(held.layer, place)
        moved = QgsGeometry(held.geometry)
        moved.translate(end.x() - start.x(), end.y() - start.y())
        return moved


def is_register(layer: Any) -> bool:
    """Tell whether a layer may be one of register entries: points that are no findings."""
    return (
        isinstance(layer, QgsVectorLayer)
        and layer.geometryType() == QgsWkbTypes.GeometryType.PointGeometry
        and layer.fields().lookupField(NUMBER_FIELD) < 0
    )


class Dragging:
    """Gives the map the tool for one drag, and then the tool that it had before.

    Parameters
    ----------
    canvas : QgsMapCanvas
    """

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._tool: DragTool | None = None
        self._before: QgsMapTool | None = None
        self._ended: Callable[[], None] = lambda: None

    def begin(
        self,
        finding: Callable[[], Held],
        dropped: Callable[[Held, QgsGeometry], None],
        ended: Callable[[], None],
    ) -> None:
        """Let the next drag move something; see `DragTool`."""
        self.end()
        self._before = self._canvas.mapTool()
        self._ended = ended
        self._tool = DragTool(self._canvas, finding, dropped, self.end)
        self._tool.deactivated.connect(self._forget)
        self._canvas.setMapTool(self._tool)

    def end(self) -> None:
        """Drag no more."""
        if self._tool is not None:
            if self._before is not None:
                self._canvas.setMapTool(self._before)
            else:
                self._canvas.unsetMapTool(self._tool)

    def _forget(self) -> None:
        if self._tool is not None:
            self._tool.deleteLater()
            self._tool = None
            self._ended()
