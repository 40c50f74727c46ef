"""A list of the project's layers of one kind, which follows the project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsIconUtils, QgsMapLayer, QgsProject
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox

from gossan.plugin.docks.dock import Dock


class LayerChoice(QComboBox):
    """Offers the layers that fit, the most fitting ones first.

    What was chosen stays chosen while its layer is there; where it goes, so does the choice.

    Parameters
    ----------
    dock : Dock
        By which it follows the project.
    fits : callable
        From a layer to how well it fits: 0 not at all, the greater the better.
    nothing : str
        What the list says for no layer.
    at_once : int
        How well a layer must fit to be chosen by itself where none is; 0 for never.
    """

    changed = pyqtSignal()
    """Another layer is chosen, or none."""

    def __init__(
        self, dock: Dock, fits: Callable[[QgsMapLayer], int], nothing: str, *, at_once: int = 1
    ) -> None:
        super().__init__()
        self._fits = fits
        self._nothing = nothing
        self._at_once = at_once
        self._chosen = ""
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.activated.connect(self._on_activated)
        # A project brings its layers one by one, and each is looked at once.
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.timeout.connect(self.fill)
        project = QgsProject.instance()
        for signal in (project.layersAdded, project.layersRemoved, project.cleared):
            dock.follow(signal, self._on_project)
        self.fill()

    def layer(self) -> Any:
        """Return the chosen layer, or None."""
        return QgsProject.instance().mapLayer(self._chosen) if self._chosen else None

    def choose(self, layer: QgsMapLayer | None) -> None:
        """Choose a layer of the list, or none."""
        wanted = layer.id() if layer is not None else ""
        self._set(wanted if self.findData(wanted) >= 0 else "")

    def fill(self) -> None:
        """Look at the project's layers anew."""
        ranked = [
            (self._fits(layer), layer) for layer in QgsProject.instance().mapLayers().values()
        ]
        fitting = [(rank, layer) for rank, layer in ranked if rank > 0]
        fitting.sort(key=lambda pair: (-pair[0], pair[1].name().casefold()))
        self.blockSignals(True)
        self.clear()
        self.addItem(self._nothing, "")
        for _, layer in fitting:
            self.addItem(QgsIconUtils.iconForLayer(layer), layer.name(), layer.id())
        self.blockSignals(False)
        best = [layer.id() for rank, layer in fitting if 0 < self._at_once <= rank]
        if self._chosen and self.findData(self._chosen) >= 0:
            self.setCurrentIndex(self.findData(self._chosen))
        else:
            self._set(best[0] if best else "")

    def _on_project(self, *_: Any) -> None:
        self._due.start()

    def _on_activated(self, index: int) -> None:
        self._set(self.itemData(index))

    def _set(self, chosen: str) -> None:
        self.setCurrentIndex(max(self.findData(chosen), 0))
        if chosen != self._chosen:
            self._chosen = chosen
            self.changed.emit()
