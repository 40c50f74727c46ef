"""A list of the project's layers of one kind, which follows the project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import QgsIconUtils, QgsMapLayer, QgsProject
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox

from gossan.plugin.docks.dock import Dock

PATIENCE_MS = 100
"""A project brings its layers one by one; they are looked at when no more have come for so long."""


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
        self._by_itself = False
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setInterval(PATIENCE_MS)
        self._due.timeout.connect(self.fill)
        project = QgsProject.instance()
        dock.follow(project.layersAdded, self._on_added)
        dock.follow(project.layersRemoved, self._on_removed)
        dock.follow(project.cleared, self._on_removed)
        dock.follow(project.readProject, self._on_read)
        self.fill()

    def layer(self) -> Any:
        """Return the chosen layer, or None."""
        return QgsProject.instance().mapLayer(self._chosen) if self._chosen else None

    def choose(self, layer: QgsMapLayer | None) -> None:
        """Choose a layer of the list, or none."""
        wanted = layer.id() if layer is not None else ""
        self._by_itself = False
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
            self._by_itself = True
            self._set(best[0] if best else "")

    def _on_added(self, *_: Any) -> None:
        self._due.start()

    def _on_removed(self, *_: Any) -> None:
        self.fill()

    def _on_read(self, *_: Any) -> None:
        # Layers came one by one, and the first that fitted need not be the best of all.
        if self._by_itself:
            self._chosen = ""
        self.fill()

    def _on_activated(self, index: int) -> None:
        self._by_itself = False
        self._set(self.itemData(index))

    def _set(self, chosen: str) -> None:
        self.setCurrentIndex(max(self.findData(chosen), 0))
        if chosen != self._chosen:
            self._chosen = chosen
            self.changed.emit()
