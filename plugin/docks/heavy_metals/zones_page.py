"""The page *Zones*: the legend of pollution zones with the ground that they cover."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsMapLayer, QgsRasterLayer
from qgis.PyQt.QtWidgets import QFormLayout, QHeaderView, QVBoxLayout

from gossan.plugin.docks.heavy_metals.page import Page, text_label
from gossan.plugin.docks.layer_choice import LayerChoice
from gossan.plugin.docks.lithology.class_rows import class_rows, summary
from gossan.plugin.docks.lithology.class_table import HERE, NAME, ClassTable
from gossan.plugin.docks.rasters import facts_of, path_of, shows_classes
from gossan.processing_provider.lithology.legends import legend_of

NOTHING = (
    "Choose the raster that Cluster pollution zones has made; Zones… divides the concentration "
    "layer into such zones."
)
MADE_BY = "gossan:clusterpollution"
NAMES = "The names say more or less contaminated than elsewhere in this raster, not safe or unsafe."
NO_FILE = "The engine reads files. Export this layer to a GeoTIFF and choose that."


class ZonesPage(Page):
    """Shows zones from low background to high risk, or the classes of any other raster."""

    TITLE = "Zones"

    def __init__(self, dock: Any) -> None:
        super().__init__(dock)
        self._of = ""
        self.layer = LayerChoice(dock, _fits, "No layer", at_once=2)
        self.layer.setObjectName("metals_zone_layer")
        self.layer.changed.connect(dock.refresh)
        self.table = ClassTable()
        self.table.setObjectName("metals_zone_table")
        self.table.setColumnHidden(HERE, True)
        self.table.header().setStretchLastSection(False)
        self.table.header().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.text = text_label("metals_zones_text")
        choice = QFormLayout()
        choice.addRow("Zones", self.layer)
        layout = QVBoxLayout(self)
        layout.addLayout(choice)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.text)

    def refresh(self) -> None:
        """Have the chosen raster counted, unless it is the one that is shown."""
        layer = self.layer.layer()
        if layer is None:
            self._say(NOTHING)
        elif not path_of(layer):
            self._say(NO_FILE)
        elif self._of != layer.id():
            self._say("Counting the pixels…")
            self._of = layer.id()
            self.dock.background.job(
                "zones",
                f"areas of {layer.name()}",
                "lithology.areas",
                {"raster": path_of(layer)},
                lambda told: self._show(told, layer.id()),
                self._say,
            )

    def _say(self, sentence: str) -> None:
        self.dock.background.cancel("zones")
        self._of = ""
        self.table.show_rows([])
        self.text.setText(sentence)

    def _show(self, told: dict[str, Any], layer_id: str) -> None:
        layer = self.dock.project_layer(layer_id)
        rows = class_rows(told["classes"], legend_of(layer))
        self.table.show_rows(rows)
        zoned = layer is not None and facts_of(layer).algorithm == MADE_BY
        self.text.setText(summary(rows, told["missing"]) + (f" {NAMES}" if zoned else ""))


def _fits(layer: QgsMapLayer) -> int:
    if not isinstance(layer, QgsRasterLayer) or not layer.isValid() or not shows_classes(layer):
        return 0
    return 2 if facts_of(layer).algorithm == MADE_BY else 1
