"""The spectra of the list on the map: crosses and outlines in their colours, and the flash."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import QgsCsException, QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtGui import QColor

from gossan.plugin.docks.endmembers.layers import crs_of, moved
from gossan.plugin.docks.endmembers.spectra import Spectrum

VISIBLE_SIDE = 8.0
"""A pixel narrower than this on the screen flashes as a point."""


class MapMarks:
    """What the dock draws on a canvas.

    Parameters
    ----------
    canvas : QgsMapCanvas
    """

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._bands: list[QgsRubberBand] = []

    def show(self, spectra: Iterable[Spectrum]) -> None:
        """Mark where spectra come from, in place of what was marked before."""
        self.clear()
        for spectrum in spectra:
            geometry = self._on_canvas(spectrum)
            if geometry is None:
                continue
            if spectrum.pixels == 1:
                band = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PointGeometry)
                band.setIcon(QgsRubberBand.IconType.ICON_CROSS)
                band.setIconSize(11)
                geometry = geometry.centroid()
            else:
                band = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
                band.setFillColor(QColor(0, 0, 0, 0))
            band.setStrokeColor(QColor(spectrum.colour))
            band.setSecondaryStrokeColor(QColor(0, 0, 0, 140))
            band.setWidth(2)
            band.setToGeometry(geometry, None)
            self._bands.append(band)

    def clear(self) -> None:
        """Take all marks off the map."""
        for band in self._bands:
            self._canvas.scene().removeItem(band)
        self._bands = []

    def flash(self, spectrum: Spectrum) -> bool:
        """Flash a spectrum's pixel, brought into sight if need be; False where it has none."""
        geometry = self._on_canvas(spectrum)
        if geometry is None:
            return False
        middle = geometry.boundingBox().center()
        if not self._canvas.extent().contains(QgsPointXY(middle)):
            self._canvas.setCenter(middle)
            self._canvas.refresh()
        if geometry.boundingBox().width() / self._canvas.mapUnitsPerPixel() < VISIBLE_SIDE:
            geometry = QgsGeometry.fromPointXY(middle)
        self._canvas.flashGeometries([geometry], self._canvas.mapSettings().destinationCrs())
        return True

    def _on_canvas(self, spectrum: Spectrum) -> QgsGeometry | None:
        if not spectrum.outline:
            return None
        ring = [QgsPointXY(x, y) for x, y in spectrum.outline]
        target = self._canvas.mapSettings().destinationCrs()
        try:
            return moved(QgsGeometry.fromPolygonXY([ring]), crs_of(spectrum.crs), target)
        except QgsCsException:
            return None
