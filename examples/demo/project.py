"""The demonstration's results as a QGIS project with layouts, and the pictures of those layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Union

from qgis.core import (
    QgsApplication,
    QgsLayoutExporter,
    QgsLayoutItemLabel,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutItemScaleBar,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsLegendRenderer,
    QgsLegendStyle,
    QgsMapLayer,
    QgsMapLayerLegendUtils,
    QgsPrintLayout,
    QgsProject,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QFont

Shown = Union[QgsMapLayer, tuple[QgsMapLayer, ...]]
"""What a map of a layout shows: a layer, or one with those that lie beneath it."""


def build_project(
    folder: Path, chapters: Sequence[ModuleType], district: Mapping[str, str], results: Path
) -> tuple[Path, list[Path]]:
    """Write the project and, for each chapter, a picture of its layout; return all paths.

    Parameters
    ----------
    folder : Path
        Where the project and the pictures are written.
    chapters : sequence of modules
        Each with ``NAME`` and ``add_layers``; the first one is on top and sets CRS and extent. A
        map of its layout is a layer, or a layer with those that lie beneath it.
    district : mapping
        Path of each product of the district by name.
    results : Path
        Folder with what the steps made.
    """
    application = QgsApplication([], True)
    application.initQgis()
    # The font that the platform without a screen falls back on exists nowhere else.
    application.setFont(QFont("DejaVu Sans"))
    try:
        project = QgsProject.instance()
        project.setTitle("A simulated mining district")
        target = folder / "gossan-demo.qgz"
        layouts = {}
        for chapter in chapters:
            layers = chapter.add_layers(project, district, results)
            if not layouts:
                first = _stack(list(layers.values())[-1])[0]
                project.setCrs(first.crs())
            layouts[chapter.NAME] = _layout(project, chapter.NAME, layers)
            project.layoutManager().addLayout(layouts[chapter.NAME])
        # A canvas of the name of the main window's saves with the project where to look first.
        canvas = QgsMapCanvas()
        canvas.setObjectName("theMapCanvas")
        canvas.setDestinationCrs(project.crs())
        canvas.setExtent(first.extent())
        # Relative paths, so that the folder can be moved as a whole.
        project.writeEntryBool("Paths", "/Absolute", False)
        if not project.write(str(target)):
            raise OSError(f"The project could not be written: {project.error()}")
        pictures = []
        for name, layout in layouts.items():
            picture = folder / f"{name.lower().replace(' ', '-')}.png"
            if not QgsLayoutExporter(layout).renderPageToImage(0, QSize(), 150).save(str(picture)):
                raise OSError(f"The picture {picture} could not be written.")
            pictures.append(picture)
        project.clear()
        return target, pictures
    finally:
        application.exitQgis()


def _layout(project: QgsProject, name: str, layers: Mapping[str, Shown]) -> QgsPrintLayout:
    """Return an A4 page with up to four maps, each with its title and legend."""
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    layout.setName(name)
    _text(layout, f"{project.title()}: {name.lower()}", 10, 6, 277, 8, 15, bold=True)
    places = [(10, 18), (152, 18), (10, 110), (152, 110)]
    for (title, stack), (left, top) in zip(layers.items(), places):
        layer = _stack(stack)[0]
        shown = layer.name() if title == "Abundance" else title
        label = f"Abundance of {shown}" if title == "Abundance" else shown
        _text(layout, label, left, top, 100, 6, 10, bold=True)
        frame = QgsLayoutItemMap(layout)
        layout.addLayoutItem(frame)
        frame.attemptMove(QgsLayoutPoint(left, top + 7))
        frame.attemptResize(QgsLayoutSize(82, 82))
        ground = _stack(stack)[-1]
        frame.setCrs(ground.crs())
        frame.setLayers(_stack(stack))
        frame.setKeepLayerSet(True)
        extent = ground.extent()
        if isinstance(ground, QgsVectorLayer):
            # Points at the edge would be cut in two.
            extent.scale(1.08)
        frame.setExtent(extent)
        # That has changed the shape of the frame where the extent is no square.
        frame.attemptResize(QgsLayoutSize(82, 82))
        frame.zoomToExtent(extent)
        frame.setFrameEnabled(True)
        bar = QgsLayoutItemScaleBar(layout)
        bar.setLinkedMap(frame)
        bar.applyDefaultSettings()
        bar.applyDefaultSize(QgsUnitTypes.DistanceUnit.DistanceKilometers)
        bar.setUnitLabel("km")
        bar.setNumberOfSegmentsLeft(0)
        bar.setNumberOfSegments(2)
        layout.addLayoutItem(bar)
        bar.attemptMove(QgsLayoutPoint(left + 86, top + 76))
        if not title.startswith("Scene"):
            _legend(layout, frame, layer, left + 84, top + 7)
    return layout


def _stack(shown: Shown) -> list[QgsMapLayer]:
    """Return the layers of a map, the topmost first."""
    return list(shown) if isinstance(shown, tuple) else [shown]


def _legend(
    layout: QgsPrintLayout, frame: QgsLayoutItemMap, layer: QgsMapLayer, left: float, top: float
) -> None:
    legend = QgsLayoutItemLegend(layout)
    legend.setLinkedMap(frame)
    legend.setAutoUpdateModel(False)
    tree = legend.model().rootGroup()
    tree.removeAllChildren()
    node = tree.addLayer(layer)
    # The title above says what is shown; the legend gives its colours only, not the band's name.
    QgsLegendRenderer.setNodeLegendStyle(node, QgsLegendStyle.Style.Hidden)
    count = len(legend.model().layerOriginalLegendNodes(node))
    first = 0 if isinstance(layer, QgsVectorLayer) else 1
    QgsMapLayerLegendUtils.setLegendNodeOrder(node, list(range(first, count)))
    legend.setWrapString("; ")
    legend.model().refreshLayerLegend(node)
    layout.addLayoutItem(legend)
    legend.attemptMove(QgsLayoutPoint(left, top))


def _text(
    layout: QgsPrintLayout,
    text: str,
    left: float,
    top: float,
    width: float,
    height: float,
    size: float,
    *,
    bold: bool = False,
) -> None:
    label = QgsLayoutItemLabel(layout)
    label.setText(text)
    font = QFont("DejaVu Sans")
    font.setPointSizeF(size)
    font.setBold(bold)
    label.setFont(font)
    layout.addLayoutItem(label)
    label.attemptMove(QgsLayoutPoint(left, top))
    label.attemptResize(QgsLayoutSize(width, height))
