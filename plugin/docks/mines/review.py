"""The page *Review* of the dock *Mines*: findings judged one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import QgsMapLayerProxyModel, QgsVectorLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtWidgets import QFormLayout

from gossan.plugin.docks.mines.page import Page

if TYPE_CHECKING:
    from gossan.plugin.docks.mines.mines_dock import MinesDock


class ReviewPage(Page):
    """The analyst's bench."""

    TITLE = "Review"

    def __init__(self, dock: MinesDock) -> None:
        super().__init__(dock)
        self.layers = QgsMapLayerComboBox()
        self.layers.setObjectName("review_layer")
        self.layers.setFilters(
            QgsMapLayerProxyModel.Filter.PolygonLayer | QgsMapLayerProxyModel.Filter.PointLayer
        )
        form = QFormLayout(self)
        form.addRow("Findings", self.layers)

    def review(self, layer: QgsVectorLayer) -> None:
        """Review a layer."""
        self.layers.setLayer(layer)
