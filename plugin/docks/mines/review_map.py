"""What a review shows on the map: the finding that is looked at, in a frame of two kilometres."""

from __future__ import annotations

import math
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsWkbTypes,
)
from qgis.gui import QgsRubberBand, QgsVertexMarker
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor

SIDE = 2000.0
"""Metres; what a person judges a mine by, and what the published detector was taught with."""

_COLOUR = "#ffd400"
_SHADE = QColor(0, 0, 0, 160)
_MARGIN = 1.15
_DEGREE = 111_320.0
"""Metres of a degree along the equator."""

_POLE = 0.01
"""Least cosine of a latitude; nearer to the pole, a square has no east."""

_WORLD = "EPSG:4326"


def frame(centre: QgsPointXY, crs: QgsCoordinateReferenceSystem, canvas: Any) -> QgsRectangle:
    """Return a square of 2 km on the ground around a place, upright in the CRS of a canvas.

    Parameters
    ----------
    centre : QgsPointXY
        In `crs`; where that is unknown, in the units of the map, taken for metres.
    """
    half = SIDE / 2
    seen_in = canvas.mapSettings().destinationCrs()
    if not crs.isValid() or not seen_in.isValid():
        return _around(centre, half, half)
    world = QgsCoordinateReferenceSystem(_WORLD)
    context = QgsProject.instance().transformContext()
    place = QgsCoordinateTransform(crs, world, context).transform(centre)
    onto = QgsCoordinateTransform(world, seen_in, context)
    up = half / _DEGREE
    across = up / max(math.cos(math.radians(place.y())), _POLE)
    middle = onto.transform(place)
    east = onto.transform(QgsPointXY(place.x() + across, place.y()))
    north = onto.transform(QgsPointXY(place.x(), place.y() + up))
    return _around(middle, middle.distance(east), middle.distance(north))


def _around(centre: QgsPointXY, across: float, up: float) -> QgsRectangle:
    return QgsRectangle(centre.x() - across, centre.y() - up, centre.x() + across, centre.y() + up)


def to_canvas(geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, canvas: Any) -> QgsGeometry:
    """Return a geometry in the CRS of a canvas."""
    seen_in = canvas.mapSettings().destinationCrs()
    moved = QgsGeometry(geometry)
    if crs.isValid() and seen_in.isValid() and crs != seen_in:
        context = QgsProject.instance().transformContext()
        moved.transform(QgsCoordinateTransform(crs, seen_in, context))
    return moved


class Frame:
    """The frame and the marker of a finding on one canvas.

    They are made once and then moved: to make them anew for each finding takes longer.

    Parameters
    ----------
    canvas : QgsMapCanvas
    """

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self._lines: list[QgsRubberBand] = []
        self._marker: QgsVertexMarker | None = None
        self._extent = QgsRectangle()

    def show(self, centre: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> bool:
        """Frame a place; return whether it lies where the canvas can show it."""
        try:
            square = frame(centre, crs, self.canvas)
        except QgsCsException:
            self.clear()
            return False
        if self._marker is None:
            self._make()
        for line in self._lines:
            line.setToGeometry(QgsGeometry.fromRect(square), None)
        self._extent = square
        self._marker.setCenter(self._extent.center())
        return True

    def fly(self) -> None:
        """Have the canvas show the frame."""
        if not self._extent.isEmpty():
            extent = QgsRectangle(self._extent)
            extent.scale(_MARGIN)
            self.canvas.setExtent(extent)
            self.canvas.refresh()

    def clear(self) -> None:
        """Take frame and marker away."""
        for item in [*self._lines, self._marker]:
            if item is not None:
                self.canvas.scene().removeItem(item)
        self._lines, self._marker, self._extent = [], None, QgsRectangle()

    def _make(self) -> None:
        for colour, width in ((_SHADE, 4), (QColor(_COLOUR), 2)):
            line = QgsRubberBand(self.canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
            line.setColor(colour)
            line.setFillColor(QColor(0, 0, 0, 0))
            line.setWidth(width)
            line.setLineStyle(Qt.PenStyle.SolidLine)
            self._lines.append(line)
        marker = QgsVertexMarker(self.canvas)
        marker.setIconType(QgsVertexMarker.IconType.ICON_CROSS)
        marker.setIconSize(round(self.canvas.fontMetrics().height() * 0.9))
        marker.setPenWidth(2)
        marker.setColor(QColor(_COLOUR))
        self._marker = marker
