"""The demonstration's results as a QGIS project with a layout, and the picture of that layout."""

from __future__ import annotations

import json
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsContrastEnhancement,
    QgsLayerTreeGroup,
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
    QgsMultiBandColorRenderer,
    QgsPrintLayout,
    QgsProject,
    QgsRasterBandStats,
    QgsRasterLayer,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QFont

from gossan.processing_provider import styles

TRUE_COLOUR = (640.0, 550.0, 460.0)
"""Wavelengths shown as red, green and blue, nm."""

SHOWN_METAL = "As"


def build_project(folder: Path, district: Path, results: Path) -> tuple[Path, Path]:
    """Write the project and a picture of its layout; return both paths."""
    application = QgsApplication([], True)
    application.initQgis()
    # The font that the platform without a screen falls back on exists nowhere else.
    application.setFont(QFont("DejaVu Sans"))
    try:
        project = QgsProject.instance()
        project.setTitle("Gossan: heavy metals of a simulated mining district")
        target = folder / "gossan-demo.qgz"
        layers = _add_layers(project, district, results)
        layout = _layout(project, layers)
        project.layoutManager().addLayout(layout)
        # A canvas of the name of the main window's saves with the project where to look first.
        canvas = QgsMapCanvas()
        canvas.setObjectName("theMapCanvas")
        canvas.setDestinationCrs(project.crs())
        canvas.setExtent(layers["Scene in true colour"].extent())
        # Relative paths, so that the folder can be moved as a whole.
        project.writeEntryBool("Paths", "/Absolute", False)
        if not project.write(str(target)):
            raise OSError(f"The project could not be written: {project.error()}")
        picture = folder / "gossan-demo.png"
        if not QgsLayoutExporter(layout).renderPageToImage(0, QSize(), 150).save(str(picture)):
            raise OSError(f"The picture {picture} could not be written.")
        project.clear()
        return target, picture
    finally:
        application.exitQgis()


def _add_layers(project: QgsProject, district: Path, results: Path) -> dict[str, QgsMapLayer]:
    """Add all results in groups, the most telling on top; return those of the layout."""
    files = json.loads((district / "manifest.json").read_text(encoding="utf-8"))
    path = {item["name"]: str(district / item["file"]) for item in files["products"]}
    root = project.layerTreeRoot()
    shown: dict[str, QgsMapLayer] = {}

    points = root.addGroup("Samples and endmembers")
    predictions = _vector(
        project,
        points,
        results / "sample_predictions.gpkg",
        "Soil samples: As, predicted - measured",
    )
    styles.sample_residuals(predictions, f"{SHOWN_METAL}_residual")
    endmembers = _vector(project, points, results / "endmember_points.gpkg", "Endmember pixels")
    styles.endmember_points(endmembers)

    group = root.addGroup("Pollution zones")
    zones = _raster(project, group, results / "zones.tif", "Pollution zones")
    shown["Pollution zones"] = zones
    indices = _raster(project, group, results / "pollution_indices.tif", "Nemerow index")
    _hide(root, indices)
    _hide(root, zones)

    group = root.addGroup("Heavy metals (mg/kg)")
    for band, name in _bands(results / "metals.tif"):
        layer = _raster(project, group, results / "metals.tif", f"{name} (mg/kg)")
        styles.concentration(layer, band)
        if name == SHOWN_METAL:
            shown[f"{name} in soil (mg/kg)"] = layer
        else:
            _hide(root, layer)
    group = root.addGroup("Uncertainty (mg/kg)")
    for band, name in _bands(results / "metal_uncertainty.tif"):
        layer = _raster(project, group, results / "metal_uncertainty.tif", name)
        styles.uncertainty(layer, band)
        _hide(root, layer)

    group = root.addGroup("Abundances")
    for band, name in _bands(results / "abundances.tif"):
        layer = _raster(project, group, results / "abundances.tif", name)
        if "residual" in name.lower():
            styles.residual(layer, band)
        else:
            styles.abundance(layer, band)
        if any(word in name.lower() for word in ("tailing", "mining")) and "Abundance" not in shown:
            shown["Abundance"] = layer
        _hide(root, layer)

    group = root.addGroup("Scene")
    scene = _raster(project, group, Path(path["hyperspectral"]), "Hyperspectral scene")
    _true_colour(scene)
    shown["Scene in true colour"] = scene
    project.setCrs(scene.crs())
    return shown


def _vector(project: QgsProject, group: QgsLayerTreeGroup, path: Path, name: str) -> QgsVectorLayer:
    layer = QgsVectorLayer(str(path), name, "ogr")
    return _add(project, group, layer)


def _raster(project: QgsProject, group: QgsLayerTreeGroup, path: Path, name: str) -> QgsRasterLayer:
    return _add(project, group, QgsRasterLayer(str(path), name))


def _add(project: QgsProject, group: QgsLayerTreeGroup, layer: QgsMapLayer) -> QgsMapLayer:
    if not layer.isValid():
        raise OSError(f"{layer.source()} cannot be opened.")
    project.addMapLayer(layer, False)
    group.addLayer(layer).setExpanded(False)
    return layer


def _hide(root: QgsLayerTreeGroup, layer: QgsMapLayer) -> None:
    root.findLayer(layer.id()).setItemVisibilityChecked(False)


def _bands(path: Path) -> list[tuple[int, str]]:
    """Return the bands of a raster: number from 1, and name."""
    layer = QgsRasterLayer(str(path), path.stem)
    names = []
    for band in range(1, layer.bandCount() + 1):
        # QGIS says "Band 1: As" where the band has a description.
        names.append((band, layer.bandName(band).split(": ", 1)[-1]))
    return names


def _true_colour(layer: QgsRasterLayer) -> None:
    """Show the bands nearest to red, green and blue, stretched over most of their values."""
    names = [name for _, name in _bands(Path(layer.source()))]
    count = layer.bandCount()
    wavelengths = [400.0 + 2100.0 * band / max(count - 1, 1) for band in range(count)]
    for band, name in enumerate(names):
        number = "".join(c if c in "0123456789." else " " for c in name).split()
        if number and 300.0 < float(number[-1]) < 3000.0:
            wavelengths[band] = float(number[-1])
    bands = [min(range(count), key=lambda b: abs(wavelengths[b] - w)) + 1 for w in TRUE_COLOUR]
    renderer = QgsMultiBandColorRenderer(layer.dataProvider(), *bands)
    for band, assign in zip(
        bands,
        (
            renderer.setRedContrastEnhancement,
            renderer.setGreenContrastEnhancement,
            renderer.setBlueContrastEnhancement,
        ),
    ):
        stats = layer.dataProvider().bandStatistics(band, QgsRasterBandStats.Stats.All)
        stretch = QgsContrastEnhancement(layer.dataProvider().dataType(band))
        stretch.setContrastEnhancementAlgorithm(
            QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum
        )
        stretch.setMinimumValue(max(0.0, stats.mean - 2 * stats.stdDev))
        stretch.setMaximumValue(stats.mean + 2.5 * stats.stdDev)
        assign(stretch)
    layer.setRenderer(renderer)


def _layout(project: QgsProject, layers: dict[str, QgsMapLayer]) -> QgsPrintLayout:
    """Return an A4 page with up to four maps, each with its title and legend."""
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    layout.setName("Heavy metals")
    _text(layout, project.title(), 10, 6, 277, 8, 15, bold=True)
    places = [(10, 18), (152, 18), (10, 110), (152, 110)]
    for (title, layer), (left, top) in zip(layers.items(), places):
        shown = layer.name() if title == "Abundance" else title
        label = f"Abundance of {shown}" if title == "Abundance" else shown
        _text(layout, label, left, top, 100, 6, 10, bold=True)
        frame = QgsLayoutItemMap(layout)
        layout.addLayoutItem(frame)
        frame.attemptMove(QgsLayoutPoint(left, top + 7))
        frame.attemptResize(QgsLayoutSize(82, 82))
        frame.setCrs(layer.crs())
        frame.setLayers([layer])
        frame.setKeepLayerSet(True)
        frame.setExtent(layer.extent())
        frame.setFrameEnabled(True)
        bar = QgsLayoutItemScaleBar(layout)
        bar.setLinkedMap(frame)
        bar.applyDefaultSettings()
        bar.setUnits(QgsUnitTypes.DistanceUnit.DistanceKilometers)
        bar.setUnitLabel("km")
        bar.setNumberOfSegmentsLeft(0)
        bar.setNumberOfSegments(2)
        bar.setUnitsPerSegment(1)
        layout.addLayoutItem(bar)
        bar.attemptMove(QgsLayoutPoint(left + 86, top + 76))
        if not title.startswith("Scene"):
            _legend(layout, frame, layer, left + 84, top + 7)
    return layout


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
    QgsMapLayerLegendUtils.setLegendNodeOrder(node, list(range(1, count)))
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
