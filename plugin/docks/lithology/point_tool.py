"""Clicking the map for what is at a point, and giving the map its earlier tool back."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsWkbTypes
from qgis.gui import QgsMapToolEmitPoint, QgsRubberBand
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QColor


class PointPicker(QObject):
    """A map tool that can be taken up and put down, with a mark where one has clicked.

    Parameters
    ----------
    canvas : QgsMapCanvas
    """

    picked = pyqtSignal(object)
    """A place in the canvas's CRS, as QgsPointXY."""
    dropped = pyqtSignal()
    """Somebody has taken up another tool."""

    def __init__(self, canvas: Any) -> None:
        super().__init__()
        self._canvas = canvas
        self._tool = QgsMapToolEmitPoint(canvas)
        self._tool.canvasClicked.connect(self._on_click)
        self._tool.deactivated.connect(self._on_deactivated)
        self._earlier: Any = None
        self._marker: QgsRubberBand | None = None
        self._putting_down = False

    def take(self) -> None:
        """Make clicks on the map arrive here."""
        if self._canvas.mapTool() is not self._tool:
            self._earlier = self._canvas.mapTool()
            self._canvas.setMapTool(self._tool)

    def put_down(self) -> None:
        """Give the map the tool back that it had before."""
        if self._canvas.mapTool() is not self._tool:
            return
        self._putting_down = True
        if self._earlier is not None and not sip.isdeleted(self._earlier):
            self._canvas.setMapTool(self._earlier)
        else:
            self._canvas.unsetMapTool(self._tool)
        self._putting_down = False
        self._earlier = None

    def mark(self, point: Any) -> None:
        """Mark a place of the map."""
        if self._marker is None:
            line = self._canvas.fontMetrics().height() // 8 + 1
            self._marker = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PointGeometry)
            self._marker.setIcon(QgsRubberBand.IconType.ICON_CIRCLE)
            self._marker.setIconSize(8 * line)
            self._marker.setWidth(line)
            # Black on white shows on every map.
            self._marker.setFillColor(QColor(0, 0, 0, 0))
            self._marker.setStrokeColor(QColor("#000000"))
            self._marker.setSecondaryStrokeColor(QColor("#ffffff"))
        self._marker.reset(QgsWkbTypes.GeometryType.PointGeometry)
        self._marker.addPoint(point)

    def unmark(self) -> None:
        """Take the mark away."""
        if self._marker is not None:
            self._canvas.scene().removeItem(self._marker)
            self._marker = None

    def release(self) -> None:
        """Leave neither mark nor tool with the canvas."""
        self.put_down()
        self.unmark()
        self._tool.deleteLater()

    def _on_click(self, point: Any, button: Any) -> None:  # noqa: ARG002
        self.picked.emit(point)

    def _on_deactivated(self) -> None:
        if not self._putting_down:
            self._earlier = None
            self.dropped.emit()
