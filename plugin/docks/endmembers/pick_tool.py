"""The mouse on the map: a click picks a pixel, a drag outlines a shape."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QApplication

LINE = QColor(255, 200, 40)
FILL = QColor(255, 200, 40, 60)


class PickTool(QgsMapTool):
    """Tells of clicks, of rectangles that were dragged, and of shapes dragged with Ctrl held.

    Parameters
    ----------
    canvas : QgsMapCanvas
    """

    picked = pyqtSignal(QgsPointXY, bool)
    """A place in the canvas's CRS, and whether Shift was held."""
    outlined = pyqtSignal(QgsGeometry, bool)
    """A polygon in the canvas's CRS, and whether Shift was held."""

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._track: list[QPoint] = []
        """Where the mouse has been since it was pressed; empty when it is not."""
        self._freehand = False
        self._band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        self._band.setStrokeColor(LINE)
        self._band.setFillColor(FILL)
        self._band.setWidth(2)

    def remove(self) -> None:
        """Leave the canvas, to which it belongs, for good."""
        self.canvas().scene().removeItem(self._band)
        self.deleteLater()

    def canvasPressEvent(self, event: Any) -> None:
        """Begin."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._track = [event.pos()]
            self._freehand = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)

    def canvasMoveEvent(self, event: Any) -> None:
        """Show the shape so far."""
        if self._track:
            self._track.append(event.pos())
            if self._is_drag():
                self._band.setToGeometry(self._shape(), None)

    def canvasReleaseEvent(self, event: Any) -> None:
        """Tell what was picked."""
        if not self._track or event.button() != Qt.MouseButton.LeftButton:
            return
        self._track.append(event.pos())
        add = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self._is_drag():
            shape = self._shape()
            self._forget()
            self.outlined.emit(shape, add)
        else:
            place = self.toMapCoordinates(self._track[0])
            self._forget()
            self.picked.emit(place, add)

    def keyPressEvent(self, event: Any) -> None:
        """Give a drag up with Escape."""
        if event.key() == Qt.Key.Key_Escape and self._track:
            self._forget()
            event.accept()
        else:
            event.ignore()

    def deactivate(self) -> None:
        """Leave nothing of a drag behind."""
        self._forget()
        super().deactivate()

    def _is_drag(self) -> bool:
        farthest = max((each - self._track[0]).manhattanLength() for each in self._track)
        return farthest >= QApplication.startDragDistance()

    def _shape(self) -> QgsGeometry:
        corners = self._track
        if not self._freehand:
            start, end = self._track[0], self._track[-1]
            corners = [start, QPoint(end.x(), start.y()), end, QPoint(start.x(), end.y())]
        return QgsGeometry.fromPolygonXY([[self.toMapCoordinates(each) for each in corners]])

    def _forget(self) -> None:
        self._track = []
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
