"""The acts of ``desktop_pictures.py`` that show the dock of heavy metals."""

from __future__ import annotations

from collections.abc import Iterator

from picture_story import take
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QDockWidget, QWidget
from qgis.utils import iface, plugins

LOOK_MILLISECONDS, LOOKS = 200, 300
"""How often, and how many times at most, it is looked whether the engine has answered."""


def show_metals(window: QWidget, model: str) -> Iterator[int]:
    """Show a threshold on the map, and what the model is worth."""
    window.findChild(QDockWidget, "ProcessingToolbox").hide()
    dock = plugins["gossan"].docks.open("heavy_metals")
    yield 1500
    dock.model_file.setFilePath(model)
    window.resizeDocks([dock], [480], Qt.Orientation.Horizontal)
    dock.tabs.setCurrentWidget(dock.hotspots)
    for _ in range(LOOKS):
        if not dock.reading and dock.hotspots.value() is not None:
            break
        yield LOOK_MILLISECONDS
    dock.hotspots.threshold.setValue(100.0)
    yield 5000
    iface.messageBar().clearWidgets()
    yield 500
    take(window, "dock_heavy_metals")
    dock.tabs.setCurrentWidget(dock.validation)
    yield 1500
    take(dock, "dock_heavy_metals_validation")
    dock.hotspots.on_map.setChecked(False)
    dock.close()
    yield 500
