"""Runs inside QGIS (``qgis --code``): shows what the documentation shows, and takes pictures.

Started by ``screenshots.py``; GOSSAN_DEMO names the demonstration's folder, GOSSAN_PICTURES the
folder for the pictures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processing
from lithology_acts import show_lithology
from metals_acts import show_metals
from picture_story import take, tell
from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QDockWidget, QSplitter, QTabWidget, QTextBrowser, QTreeView, QWidget
from qgis.utils import iface
from review_acts import show_review
from spectra_acts import show_spectra

DEMO = Path(os.environ["GOSSAN_DEMO"])
WIDTH, HEIGHT = 1600, 1000
METALS = ["As", "Cd", "Cr", "Cu", "Hg", "Ni", "Pb", "Zn"]


def story() -> Iterator[int]:
    """Show one thing after the other; each number is how many milliseconds QGIS then needs."""
    window = iface.mainWindow()
    window.setGeometry(0, 0, WIDTH, HEIGHT)
    yield 1000
    _arrange_docks(window)
    yield 1500
    scene = QgsProject.instance().mapLayersByName("Scene in true colour")
    extent = (scene or QgsProject.instance().mapLayersByName("Hyperspectral scene"))[0].extent()
    iface.mapCanvas().setExtent(extent.scaled(1.02))
    iface.mapCanvas().refresh()
    yield 6000
    take(window, "desktop")
    yield from show_spectra(window)
    yield from show_lithology(window)
    _arrange_docks(window)
    yield from show_metals(window, _result("metals.gossan"))
    _arrange_docks(window)
    yield from show_review(window, _result("mines_matched.gpkg"))
    _arrange_docks(window)

    for name, algorithm, parameters in (
        ("dialog_extract", "extractendmembers", _extraction()),
        ("dialog_train", "trainmetalinversion", _training()),
    ):
        dialog = processing.createAlgorithmDialog(f"gossan:{algorithm}", parameters)
        dialog.setGeometry(60, 60, 1150, 780)
        dialog.show()
        yield 1500
        _show_help(dialog)
        yield 1500
        take(dialog, name)
        dialog.close()
        yield 500

    designer = _model_designer()
    designer.setGeometry(0, 0, 1400, 980)
    designer.show()
    yield 1500
    for dock in designer.findChildren(QDockWidget):
        dock.close()
    yield 500
    view = designer.view()
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    drawn = view.scene().itemsBoundingRect().adjusted(-20, -20, 20, 20)
    view.setSceneRect(drawn)
    view.fitInView(drawn, Qt.AspectRatioMode.KeepAspectRatio)
    yield 1500
    take(designer, "model")
    designer.setDirty(False)
    designer.close()


def _extraction() -> dict[str, Any]:
    return {
        "INPUT": _product("hyperspectral"),
        "LIBRARY": _result("endmembers.sli"),
        "POINTS": _result("endmember_points.gpkg"),
        "REPORT": _result("endmembers.html"),
    }


def _training() -> dict[str, Any]:
    return {
        "FEATURES": [_result("abundances.tif")],
        "SAMPLES": _product("sample_points"),
        "ELEMENTS": METALS,
        "MODEL": _result("metals.gossan"),
        "TABLE": _result("metal_scores.csv"),
        "PREDICTIONS": _result("sample_predictions.gpkg"),
        "REPORT": _result("metal_inversion.html"),
    }


def _product(name: str) -> str:
    """Return the path of one of the district's files."""
    files = json.loads((DEMO / "district" / "manifest.json").read_text(encoding="utf-8"))
    file = next(item["file"] for item in files["products"] if item["name"] == name)
    return str(DEMO / "district" / file)


def _result(name: str) -> str:
    return str(DEMO / "results" / name)


def _arrange_docks(window: QWidget) -> None:
    """Leave the layers, with the legends of those in sight, and the toolbox at Gossan."""
    docks = {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}
    for name, dock in docks.items():
        dock.setVisible(name in ("Layers", "ProcessingToolbox"))
    window.resizeDocks(
        [docks["Layers"], docks["ProcessingToolbox"]], [410, 400], Qt.Orientation.Horizontal
    )
    root = QgsProject.instance().layerTreeRoot()
    for layer in root.checkedLayers():
        root.findLayer(layer.id()).setExpanded(True)
    tree = docks["ProcessingToolbox"].findChild(QTreeView)
    model = tree.model()
    tree.collapseAll()
    for row in range(model.rowCount()):
        index = model.index(row, 0)
        if model.data(index) == "Gossan":
            tree.expand(index)
            for child in range(model.rowCount(index)):
                tree.expand(model.index(child, 0, index))
            tree.scrollTo(index, QTreeView.ScrollHint.PositionAtTop)


def _show_help(dialog: QWidget) -> None:
    """Give the help half as much room as the parameters."""
    splitter = dialog.findChild(QSplitter)
    splitter.setSizes([730, 400])
    for browser in dialog.findChildren(QTextBrowser):
        browser.setVisible(True)
    dialog.findChild(QTabWidget).setCurrentIndex(0)


def _model_designer() -> Any:
    """Return the model designer with the ready model in it."""
    from processing.modeler.ModelerDialog import ModelerDialog

    ready = QgsApplication.processingRegistry().algorithmById("gossan:heavymetalmap")
    designer = ModelerDialog()
    designer.loadModel(str(ready.path))
    return designer


tell(story())
