"""Which layers have spectra, and where on them: recognised by what they hold, not by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsGeometry,
    QgsMapLayer,
    QgsProject,
    QgsVectorLayer,
    QgsWkbTypes,
)

from gossan.plugin.docks.rasters import is_image

LEAST_BANDS = 4
"""Fewer bands are a picture, not a spectrum."""

POINT_FIELDS = ("name", "row", "column")
"""What *Extract endmembers* writes of each endmember, among other things."""


def bands_of_scene(layer: QgsMapLayer) -> int:
    """Return how many bands the spectra of a layer have; 0 where its pixels have none."""
    return layer.bandCount() if is_image(layer, LEAST_BANDS) else 0


def is_endmember_points(layer: QgsMapLayer) -> bool:
    """Return whether the layer holds source pixels of endmembers."""
    return (
        isinstance(layer, QgsVectorLayer)
        and layer.isValid()
        and layer.geometryType() == QgsWkbTypes.GeometryType.PointGeometry
        and all(layer.fields().lookupField(name) >= 0 for name in POINT_FIELDS)
    )


def crs_text(crs: QgsCoordinateReferenceSystem) -> str:
    """Return a CRS as text that `crs_of` reads on any machine; empty for none."""
    if not crs.isValid():
        return ""
    return crs.authid() if crs.authid().startswith("EPSG:") else f"WKT:{crs.toWkt()}"


def crs_of(text: str) -> QgsCoordinateReferenceSystem:
    """Return the CRS of a text."""
    return QgsCoordinateReferenceSystem(text) if text else QgsCoordinateReferenceSystem()


def moved(
    geometry: QgsGeometry,
    source: QgsCoordinateReferenceSystem,
    target: QgsCoordinateReferenceSystem,
) -> QgsGeometry:
    """Return a geometry in another CRS; as it is where one of them is unknown.

    Raises
    ------
    QgsCsException
        It cannot be brought there.
    """
    copy = QgsGeometry(geometry)
    if source.isValid() and target.isValid() and source != target:
        if copy.type() == QgsWkbTypes.GeometryType.PolygonGeometry:
            copy = copy.densifyByCount(4)
        copy.transform(QgsCoordinateTransform(source, target, QgsProject.instance()))
    return copy


@dataclass(frozen=True)
class EndmemberPoints:
    """The endmembers of a layer.

    Attributes
    ----------
    places : list of [x, y]
        In the CRS that was asked for.
    names, groups : tuple of str
    pixels : tuple of (row, column)
    """

    places: list[list[float]]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    pixels: tuple[tuple[int, int], ...]


def endmember_points(
    layer: QgsVectorLayer, target: QgsCoordinateReferenceSystem
) -> EndmemberPoints:
    """Return where the endmembers of a layer are.

    A layer without a place on the ground holds column and row counted downwards, which QGIS shows
    as negative.
    """
    has_class = layer.fields().lookupField("class") >= 0
    places, names, groups, pixels = [], [], [], []
    for feature in layer.getFeatures():
        if feature.geometry().isNull():
            continue
        point = moved(feature.geometry(), layer.crs(), target).asPoint()
        row, column = int(feature["row"]), int(feature["column"])
        placeless = (point.x(), point.y()) == (column + 0.5, row + 0.5)
        places.append([point.x(), -point.y() if placeless else point.y()])
        names.append(_text(feature["name"]))
        groups.append(_text(feature["class"]) if has_class else "")
        pixels.append((row, column))
    return EndmemberPoints(places, tuple(names), tuple(groups), tuple(pixels))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
