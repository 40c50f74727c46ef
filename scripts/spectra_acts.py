"""Acts for the documentation's pictures: spectra of the demonstration's scene in their dock."""

from __future__ import annotations

from collections.abc import Iterator

from picture_story import take
from qgis.core import QgsApplication, QgsGeometry, QgsPointXY, QgsProject, QgsRectangle
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QDockWidget, QWidget
from qgis.utils import iface, plugins

PLACES = ((0.5, 0.5), (0.7, 0.2), (0.2, 0.8))
"""Where a spectrum is looked at, as shares of the scene's width and height."""

SQUARE = (0.32, 0.44, 0.38, 0.5)
WIDTH, SECONDS = 480, 60


def show_spectra(window: QWidget) -> Iterator[int]:
    """Look at pixels and a square, and take the picture ``dock_endmembers``."""
    dock = plugins["gossan"].docks.open("endmembers")
    for other in window.findChildren(QDockWidget):
        if other is not dock and other.objectName() != "Layers":
            other.hide()
    yield 1000
    window.resizeDocks([dock], [WIDTH], Qt.Orientation.Horizontal)
    scene = QgsProject.instance().mapLayersByName("Hyperspectral scene")[0]
    dock.content.scene.choose(scene)
    extent = scene.extent()
    iface.mapCanvas().setExtent(extent.scaled(1.02))
    iface.mapCanvas().refresh()
    dock.content.pick.setChecked(True)

    def place(across: float, up: float) -> QgsPointXY:
        return QgsPointXY(
            extent.xMinimum() + across * extent.width(), extent.yMinimum() + up * extent.height()
        )

    for share in PLACES:
        dock.tool.picked.emit(place(*share), True)
    square = QgsRectangle(place(*SQUARE[:2]), place(*SQUARE[2:]))
    dock.tool.outlined.emit(QgsGeometry.fromRect(square), True)
    for _ in range(SECONDS):
        yield 1000
        if len(dock.spectra) > len(PLACES) and not QgsApplication.taskManager().activeTasks():
            break
    yield 3000
    take(window, "dock_endmembers")
    dock.close()
