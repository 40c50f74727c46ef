"""A list of the project's images with ticks, which follows the project."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsCoordinateTransform, QgsCsException, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QListWidget, QListWidgetItem

from gossan.plugin.docks.dock import Dock
from gossan.plugin.docks.rasters import is_image

_ID = Qt.ItemDataRole.UserRole
_LINES = 4
_LEAST_BANDS = 3


class ImageList(QListWidget):
    """Offers the raster layers of three bands or more that have a file.

    Parameters
    ----------
    dock : Dock
        By which it follows the project.
    """

    changed = pyqtSignal()
    """Another choice of images."""

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._under = ""
        self.setMaximumHeight(self.fontMetrics().height() * (_LINES + 1))
        project = QgsProject.instance()
        for signal in (project.layersAdded, project.layersRemoved, project.cleared):
            dock.follow(signal, self._on_project)
        self.itemChanged.connect(self.changed)
        self.fill()

    def layers(self) -> list[QgsRasterLayer]:
        """Return the ticked layers."""
        found = [
            QgsProject.instance().mapLayer(item.data(_ID))
            for item in self._items()
            if item.checkState() == Qt.CheckState.Checked
        ]
        return [layer for layer in found if layer is not None]

    def tick_under(self, findings: Any) -> None:
        """Tick the images under a layer of findings, and no other."""
        self._under = findings.id()
        self._tick({layer.id() for layer in images() if _overlap(layer, findings)})

    def fill(self) -> None:
        """Look at the project's layers anew; what was ticked stays so."""
        ticked = {layer.id() for layer in self.layers()}
        self.blockSignals(True)
        self.clear()
        for layer in images():
            item = QListWidgetItem(layer.name())
            item.setData(_ID, layer.id())
            item.setToolTip(f"{layer.bandCount()} bands, {layer.source()}")
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self.addItem(item)
        self.blockSignals(False)
        self._tick(ticked)

    def _tick(self, ids: set[str]) -> None:
        self.blockSignals(True)
        for item in self._items():
            state = Qt.CheckState.Checked if item.data(_ID) in ids else Qt.CheckState.Unchecked
            item.setCheckState(state)
        self.blockSignals(False)
        self.changed.emit()

    def _items(self) -> list[QListWidgetItem]:
        return [self.item(row) for row in range(self.count())]

    def _on_project(self, *_: Any) -> None:
        self.fill()
        findings = QgsProject.instance().mapLayer(self._under) if self._under else None
        # The image may come into the project after its findings.
        if findings is not None and not self.layers():
            self.tick_under(findings)


def images() -> list[QgsRasterLayer]:
    """Return the project's raster layers that may be images to search, by name."""
    every = QgsProject.instance().mapLayers().values()
    layers = [layer for layer in every if is_image(layer, _LEAST_BANDS)]
    return sorted(layers, key=lambda layer: layer.name().casefold())


def _overlap(image: QgsRasterLayer, findings: Any) -> bool:
    extent = findings.extent()
    if extent.isNull():
        return False
    try:
        context = QgsProject.instance().transformContext()
        moved = QgsCoordinateTransform(findings.crs(), image.crs(), context).transformBoundingBox(
            extent
        )
    except QgsCsException:
        return False
    return bool(image.extent().intersects(moved))
