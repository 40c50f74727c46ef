"""Layers of the demonstration's project."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsContrastEnhancement,
    QgsLayerTreeGroup,
    QgsMapLayer,
    QgsMultiBandColorRenderer,
    QgsProject,
    QgsRasterBandStats,
    QgsRasterLayer,
    QgsVectorLayer,
)

from gossan.core.sensors import SENSORS

SENTINEL2 = SENSORS["sentinel-2"]

TRUE_COLOUR = (640.0, 550.0, 460.0)
"""Wavelengths shown as red, green and blue, nm."""


def add_vector(
    project: QgsProject, group: QgsLayerTreeGroup, path: Path, name: str
) -> QgsVectorLayer:
    """Add a vector file to a group."""
    layer = QgsVectorLayer(str(path), name, "ogr")
    return _add(project, group, layer)


def add_raster(
    project: QgsProject, group: QgsLayerTreeGroup, path: Path, name: str
) -> QgsRasterLayer:
    """Add a raster file to a group."""
    return _add(project, group, QgsRasterLayer(str(path), name))


def _add(project: QgsProject, group: QgsLayerTreeGroup, layer: QgsMapLayer) -> QgsMapLayer:
    if not layer.isValid():
        raise OSError(f"{layer.source()} cannot be opened.")
    project.addMapLayer(layer, False)
    group.addLayer(layer).setExpanded(False)
    return layer


def hide(root: QgsLayerTreeGroup, layer: QgsMapLayer) -> None:
    """Keep a layer in the tree, but off the map."""
    root.findLayer(layer.id()).setItemVisibilityChecked(False)


def bands(path: Path) -> list[tuple[int, str]]:
    """Return the bands of a raster: number from 1, and name."""
    layer = QgsRasterLayer(str(path), path.stem)
    names = []
    for band in range(1, layer.bandCount() + 1):
        # QGIS says "Band 1: As" where the band has a description.
        names.append((band, layer.bandName(band).split(": ", 1)[-1]))
    return names


def true_colour(layer: QgsRasterLayer) -> None:
    """Show the bands nearest to red, green and blue, stretched over most of their values."""
    names = [name for _, name in bands(Path(layer.source()))]
    count = layer.bandCount()
    wavelengths = [400.0 + 2100.0 * band / max(count - 1, 1) for band in range(count)]
    for band, name in enumerate(names):
        number = "".join(c if c in "0123456789." else " " for c in name).split()
        if number and 300.0 < float(number[-1]) < 3000.0:
            wavelengths[band] = float(number[-1])
        elif name in SENTINEL2:
            wavelengths[band] = SENTINEL2[name][0]
    shown = [min(range(count), key=lambda b: abs(wavelengths[b] - w)) + 1 for w in TRUE_COLOUR]
    renderer = QgsMultiBandColorRenderer(layer.dataProvider(), *shown)
    for band, assign in zip(
        shown,
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
