"""Acts for the documentation's pictures: the demonstration's lithological map in its dock."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from picture_story import take
from qgis.core import QgsApplication, QgsPointXY, QgsProject
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QComboBox, QDockWidget, QPushButton, QWidget
from qgis.utils import iface, plugins

PLACE = (0.3975, 0.3275)
"""Where the probabilities are looked at, as shares of the map's width and height."""

WIDTH, SECONDS = 430, 60


def show_lithology(window: QWidget) -> Iterator[int]:
    """Look at a point and swipe towards the geological map: the picture ``dock_lithology``."""
    dock = plugins["gossan"].docks.open("lithology")
    for other in window.findChildren(QDockWidget):
        if other is not dock:
            other.hide()
    root = QgsProject.instance().layerTreeRoot()
    before = root.checkedLayers()
    for layer in before:
        root.findLayer(layer.id()).setItemVisibilityChecked(False)
    _choose(dock, "lithology_map", "Lithological map")
    _choose(dock, "lithology_reference", "Geological map (learned from)")
    map_ = dock.map()
    node = root.findLayer(map_.id())
    node.setItemVisibilityCheckedParentRecursive(True)
    yield 1000
    window.resizeDocks([dock], [WIDTH], Qt.Orientation.Horizontal)
    extent = map_.extent()
    iface.mapCanvas().setExtent(extent.scaled(1.04))
    iface.mapCanvas().refresh()
    yield from _until(lambda: bool(dock.rows()))
    dock.classes.look(
        QgsPointXY(
            extent.xMinimum() + PLACE[0] * extent.width(),
            extent.yMinimum() + PLACE[1] * extent.height(),
        )
    )
    dock.findChild(QPushButton, "lithology_swipe").setChecked(True)
    yield from _until(lambda: not QgsApplication.taskManager().activeTasks())
    yield 3000
    take(window, "dock_lithology")
    dock.close()
    node.setItemVisibilityChecked(False)
    for layer in before:
        root.findLayer(layer.id()).setItemVisibilityChecked(True)


def _choose(dock: QWidget, box: str, text: str) -> None:
    """Choose an entry as one does from a list."""
    found = dock.findChild(QComboBox, box)
    found.setCurrentIndex(found.findText(text))
    found.activated.emit(found.currentIndex())


def _until(condition: Callable[[], bool]) -> Iterator[int]:
    for _ in range(SECONDS):
        yield 1000
        if condition():
            return
