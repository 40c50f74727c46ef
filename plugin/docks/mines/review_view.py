"""The second view: the same place on another layer or another date, kept at the same extent."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsCoordinateReferenceSystem, QgsMapLayerProxyModel, QgsPointXY
from qgis.gui import QgsCollapsibleGroupBox, QgsMapCanvas, QgsMapLayerComboBox, QgsMapToolPan
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QSizePolicy, QVBoxLayout

from gossan.plugin.docks.mines.review_map import Frame

_LINES = 16
"""Height of the view, in lines of text."""


class SecondView(QgsCollapsibleGroupBox):
    """A small map beside QGIS's own.

    Parameters
    ----------
    canvas : QgsMapCanvas
        QGIS's own.
    """

    def __init__(self, canvas: Any) -> None:
        super().__init__("Second view")
        self.setObjectName("review_second_view")
        self._main = canvas
        self._findings: Any = None
        self._linking = False
        self._linked = False
        self.layers = QgsMapLayerComboBox()
        self.layers.setObjectName("review_second_layer")
        self.layers.setFilters(
            QgsMapLayerProxyModel.Filter.RasterLayer | QgsMapLayerProxyModel.Filter.MeshLayer
        )
        self.layers.setToolTip("An image of another date, or the probability of the search.")
        self.canvas = QgsMapCanvas()
        self.canvas.setObjectName("review_second_canvas")
        self.canvas.setMinimumHeight(self.fontMetrics().height() * _LINES)
        self.canvas.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._pan = QgsMapToolPan(self.canvas)
        self.canvas.setMapTool(self._pan)
        self.frame = Frame(self.canvas)
        layout = QVBoxLayout(self)
        layout.addWidget(self.layers)
        layout.addWidget(self.canvas, 1)
        self.setCollapsed(True)
        self.layers.layerChanged.connect(self._show_layers)
        self.collapsedStateChanged.connect(self._on_collapsed)
        self.canvas.extentsChanged.connect(self._on_own_extent)

    def link(self, findings: Any) -> None:
        """Follow QGIS's map, with these findings on top."""
        self._findings = findings
        if not self._linked:
            self._main.extentsChanged.connect(self._on_main_extent)
            self._main.destinationCrsChanged.connect(self._on_main_extent)
            self._linked = True
        self._show_layers()

    def unlink(self) -> None:
        """Follow it no longer, and hold no layer."""
        if self._linked:
            self._main.extentsChanged.disconnect(self._on_main_extent)
            self._main.destinationCrsChanged.disconnect(self._on_main_extent)
            self._linked = False
        self._findings = None
        self.frame.clear()
        self.canvas.setLayers([])

    def show_finding(self, centre: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> None:
        """Frame the finding here too."""
        if not self.isCollapsed():
            self.frame.show(centre, crs)

    def _on_collapsed(self) -> None:
        self.frame.clear()
        self._show_layers()

    def _show_layers(self) -> None:
        chosen = self.layers.currentLayer()
        shown = [each for each in (self._findings, chosen) if each is not None]
        if self.isCollapsed() or not self._linked:
            shown = []
        self.canvas.setLayers(shown)
        if shown:
            self._on_main_extent()

    def _on_main_extent(self) -> None:
        if self._linking or self.isCollapsed():
            return
        self._linking = True
        self.canvas.setDestinationCrs(self._main.mapSettings().destinationCrs())
        self.canvas.setExtent(self._main.extent())
        self.canvas.refresh()
        self._linking = False

    def _on_own_extent(self) -> None:
        # Only what the user does here moves QGIS's map, not that this view is laid out anew.
        if self._linking or not self._linked or not self.canvas.underMouse():
            return
        self._linking = True
        self._main.setExtent(self.canvas.extent())
        self._main.refresh()
        self._linking = False
