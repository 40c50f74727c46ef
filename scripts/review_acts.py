"""The acts of ``desktop_pictures.py`` that show the review of findings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from picture_story import PICTURES, take
from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QDockWidget, QWidget
from qgis.utils import iface, plugins

from gossan.processing_provider.mines import finding_styles


def show_review(window: QWidget, findings: str) -> Iterator[int]:
    """Show a finding on the bench after some were judged, in a copy of the demonstration's."""
    window.findChild(QDockWidget, "ProcessingToolbox").hide()
    copy = PICTURES.parent / "reviewed.gpkg"
    shutil.copy(Path(findings), copy)
    layer = QgsVectorLayer(str(copy), "Findings", "ogr")
    finding_styles.findings(layer)
    project = QgsProject.instance()
    shown = {node.layerId(): node.itemVisibilityChecked() for node in _nodes()}
    for node in _nodes():
        node.setItemVisibilityChecked(node.layer().source().endswith("composite.tif"))
    project.addMapLayer(layer)
    dock = plugins["gossan"].docks.open("mines")
    yield 1000
    window.resizeDocks([dock], [440], Qt.Orientation.Horizontal)
    page = next(page for page in dock.pages if hasattr(page, "bench"))
    page.start.reviewer.setText("Ana")
    dock.review(layer)
    yield 1500
    page.bench.decide("mine")
    yield 1500
    page.bench.reject("irrigation dam")
    yield 4000
    iface.messageBar().clearWidgets()
    yield 500
    take(window, "dock_mines_review")
    page.leave()
    project.removeMapLayer(layer.id())
    for node in _nodes():
        node.setItemVisibilityChecked(shown[node.layerId()])
    dock.close()
    yield 500


def _nodes() -> list:
    return QgsProject.instance().layerTreeRoot().findLayers()
