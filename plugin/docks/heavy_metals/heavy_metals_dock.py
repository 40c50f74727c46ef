"""The dock *Heavy metals*: what is chosen, and the pages that show it."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import QgsMapLayer, QgsMultiBandColorRenderer, QgsProject, QgsRasterLayer
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gossan.plugin import toolbox
from gossan.plugin.docks.dock import Dock
from gossan.plugin.docks.heavy_metals import elements
from gossan.plugin.docks.heavy_metals.correlation_page import CorrelationPage
from gossan.plugin.docks.heavy_metals.hotspots_page import HotspotsPage
from gossan.plugin.docks.heavy_metals.validation_page import ValidationPage
from gossan.plugin.docks.heavy_metals.zones_page import ZonesPage
from gossan.plugin.docks.layer_choice import LayerChoice
from gossan.plugin.docks.rasters import RasterFacts, facts_of, shown_band, shows_classes

MAPPED = "gossan:mapmetals"
REPEATED = ("FEATURES", "SAMPLES", "ELEMENTS", "METHOD", "VALIDATION", "FOLDS", "UNIT")
"""Parameters of a training that its dialog is filled in with again."""


class HeavyMetalsDock(Dock):
    """Judges models of heavy metals, and looks into the layers that they make.

    Attributes
    ----------
    facts : RasterFacts
        Of the chosen layer.
    model : dict or None
        What ``metals.describe_model`` tells of the chosen model.
    reading : bool
        Whether a model is being read.
    trouble : str
        Why there is no model though one was chosen.
    """

    def build(self) -> QWidget:
        """Make the choices, the pages and the ways into the toolbox."""
        self.facts = RasterFacts()
        self.model: dict[str, Any] | None = None
        self.reading = False
        self.trouble = ""
        self._own_model = ""
        content = QWidget()
        layout = QVBoxLayout(content)
        self.layer = LayerChoice(self, _fits, "No layer", at_once=3)
        self.layer.setObjectName("metals_layer")
        self.layer.setToolTip("Concentrations: one band per element, as Map metals makes them.")
        self.model_file = QgsFileWidget()
        self.model_file.setObjectName("metals_model")
        self.model_file.setFilter("Gossan models (*.gossan)")
        self.model_file.lineEdit().setPlaceholderText("Model of Train metal inversion (*.gossan)")
        self.element = QComboBox()
        self.element.setObjectName("metals_element")
        choices = QFormLayout()
        choices.addRow("Layer", self.layer)
        choices.addRow("Model", self.model_file)
        choices.addRow("Element", self.element)
        layout.addLayout(choices)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("metals_tabs")
        self.tabs.setDocumentMode(True)
        self.validation, self.hotspots = ValidationPage(self), HotspotsPage(self)
        self.pages = [self.validation, self.hotspots, CorrelationPage(self), ZonesPage(self)]
        for page in self.pages:
            self.tabs.addTab(page, page.TITLE)
        # All tabs in sight: the dock is as wide as they need.
        self.tabs.setUsesScrollButtons(False)
        self.tabs.tabBar().setExpanding(False)
        layout.addWidget(self.tabs, 1)
        layout.addLayout(self._buttons())
        self.layer.changed.connect(self._on_layer)
        self.model_file.fileChanged.connect(self._on_model)
        self.element.activated.connect(self.refresh)
        self.tabs.currentChanged.connect(self.refresh)
        self.follow(QgsProject.instance().layersRemoved, self._on_removed)
        self._on_layer()
        return content

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for name, text, tip, call in (
            ("train", "Train…", "Train metal inversion, filled in as this model was", self._train),
            ("map", "Map…", "Map metals with this model", self._map),
            ("zones", "Zones…", "Cluster pollution zones of this layer", self._cluster),
        ):
            button = QPushButton(text)
            button.setObjectName(f"metals_{name}")
            button.setToolTip(tip)
            button.clicked.connect(call)
            row.addWidget(button)
        return row

    def release(self) -> None:
        """Stop the timers of the pages too."""
        for page in getattr(self, "pages", []):
            page.put_away()
        super().release()

    def take_up(self) -> None:
        """Show what was chosen, or came and went, in the meantime."""
        self.refresh()

    # ---------------------------------------------------------------- for the pages

    def refresh(self, *_: Any) -> None:
        """Have the page in sight show what is chosen; nothing is computed for what nobody sees."""
        if self._awake:
            self.pages[self.tabs.currentIndex()].refresh()

    def raster(self) -> QgsRasterLayer | None:
        """Return the chosen layer."""
        return self.layer.layer()

    def band(self) -> int:
        """Return the band of the chosen element, from 1; 0 where the layer has none."""
        return int(self.element.currentData() or 0)

    def element_name(self) -> str:
        """Return the chosen element, empty where there is none."""
        return self.element.currentText()

    def unit(self, element: str = "") -> str:
        """Return the unit of an element, by default of the chosen one."""
        band = self.band()
        if 0 < band <= len(self.facts.units) and self.facts.units[band - 1]:
            return self.facts.units[band - 1]
        known = {each["name"]: each["unit"] for each in (self.model or {}).get("elements", [])}
        return known.get(elements.find(element or self.element_name(), known), "")

    @property
    def is_foreign(self) -> bool:
        """Whether the layer was made by another model than the chosen one."""
        made_by = self.facts.model
        return bool(self.model and made_by and made_by != self.model["fingerprint"])

    def project_layer(self, layer_id: str) -> QgsMapLayer | None:
        """Return a layer of the project."""
        return QgsProject.instance().mapLayer(layer_id)

    # ---------------------------------------------------------------- what is chosen

    def _on_layer(self) -> None:
        layer = self.raster()
        self.facts = facts_of(layer) if layer is not None else RasterFacts()
        given = self.model_file.filePath()
        mapped = self.facts.algorithm == MAPPED
        made_by = str(self.facts.parameters.get("MODEL") or "") if mapped else ""
        if made_by and os.path.isfile(made_by) and given in ("", self._own_model):
            self._own_model = made_by
            self.model_file.setFilePath(made_by)
        self._fill_elements(shown_band(layer) if layer is not None else 0)

    def _on_model(self, path: str) -> None:
        self.background.cancel("model")
        self.model, self.trouble = None, ""
        self.reading = bool(path)
        if path:
            self.background.job(
                "model",
                f"reading {os.path.basename(path)}",
                "metals.describe_model",
                {"model": path},
                self._on_described,
                self._on_unreadable,
            )
        self._fill_elements()

    def _on_described(self, model: dict[str, Any]) -> None:
        self.model, self.reading = model, False
        self._fill_elements()

    def _on_unreadable(self, sentence: str) -> None:
        self.trouble, self.reading = sentence, False
        self._fill_elements()

    def _fill_elements(self, shown: int = 0) -> None:
        """Offer the bands of the layer, else the elements of the model.

        The band that the layer shows is chosen; where none is given, what was chosen stays.
        """
        chosen = self.element_name()
        titles = [elements.band_title(i, name) for i, name in enumerate(self.facts.bands, start=1)]
        offered = [(title, i) for i, title in enumerate(titles, start=1)]
        if not offered and self.model is not None:
            offered = [(each["name"], 0) for each in self.model["elements"]]
        self.element.blockSignals(True)
        self.element.clear()
        for title, number in offered:
            self.element.addItem(title, number)
        again = elements.find(chosen, [title for title, _ in offered]) if chosen else ""
        place = self.element.findData(shown) if shown else self.element.findText(again)
        self.element.setCurrentIndex(max(place, 0) if offered else -1)
        self.element.setEnabled(bool(offered))
        self.element.blockSignals(False)
        self.refresh()

    def _on_removed(self, ids: list[str]) -> None:
        self.hotspots.forget(ids)

    # ---------------------------------------------------------------- into the toolbox

    def _train(self) -> None:
        told = (self.model or {}).get("parameters", {})
        known = {name: told[name] for name in REPEATED if told.get(name) not in (None, "", [])}
        toolbox.open_dialog("gossan:trainmetalinversion", known)

    def _map(self) -> None:
        parameters: dict[str, Any] = {}
        if self.model is not None:
            parameters["MODEL"] = self.model_file.filePath()
            features = self.model["parameters"].get("FEATURES")
            if features:
                parameters["FEATURES"] = features
        limit = self.hotspots.limit()
        if limit is not None and self.element_name():
            parameters["LIMITS"] = f"{self.element_name()}={limit:g}"
        toolbox.open_dialog(MAPPED, parameters)

    def _cluster(self) -> None:
        layer = self.raster()
        toolbox.open_dialog("gossan:clusterpollution", {"INPUT": layer.id()} if layer else {})


def _fits(layer: QgsMapLayer) -> int:
    """Return how much a layer looks like concentrations."""
    if not isinstance(layer, QgsRasterLayer) or not layer.isValid() or shows_classes(layer):
        return 0
    if facts_of(layer).algorithm == MAPPED:
        return 3
    return 1 if isinstance(layer.renderer(), QgsMultiBandColorRenderer) else 2
