"""Layers of findings for tests of the review, of the shape that the toolbox makes."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

FIELDS = (
    "finding:integer",
    "cells:integer",
    "area_ha:double",
    "max_probability:double",
    "mean_probability:double",
    "impact:string",
    "impact_votes:string",
    "longitude:double",
    "latitude:double",
    "detector:string",
    "impact_model:string",
    "registered:string",
    "register_name:string",
    "register_id:string",
    "register_distance_m:double",
    "phase:string",
    "protected:string",
)
CRS = "EPSG:32723"
DETECTOR = "0123456789ab"
STEP = 2700.0
"""Metres from one finding to the next."""
CORNER = (600_000.0, 7_600_000.0)


def in_memory(
    count: int, *, points: bool = False, fields: tuple[str, ...] = FIELDS, detector: str = DETECTOR
) -> QgsVectorLayer:
    """Findings along a line to the east, of falling probability."""
    kind = "Point" if points else "Polygon"
    wanted = "&".join(f"field={field}" for field in fields)
    layer = QgsVectorLayer(f"{kind}?crs={CRS}&{wanted}", "Findings", "memory")
    features = []
    for number in range(1, count + 1):
        x, y = CORNER[0] + STEP * number, CORNER[1]
        feature = QgsFeature(layer.fields())
        feature.setGeometry(
            QgsGeometry.fromPointXY(QgsPointXY(x + 135, y + 135))
            if points
            else QgsGeometry.fromRect(QgsRectangle(x, y, x + 270, y + 270))
        )
        values = {
            "finding": number,
            "cells": 1,
            "area_ha": 7.29,
            "max_probability": 1.0 - 0.4 * number / count,
            "mean_probability": 0.95 - 0.4 * number / count,
            "impact": ("high impact", "low impact")[number % 2],
            "impact_votes": "high impact 3",
            "longitude": -44.0 + 0.02 * number,
            "latitude": -21.7,
            "detector": detector,
            "registered": ("no", "yes", "yes")[number % 3],
            "register_name": f"Mina {number}",
            "register_distance_m": 120.0 + number,
            "phase": "mining licence",
        }
        for name, value in values.items():
            if layer.fields().lookupField(name) >= 0:
                feature.setAttribute(name, value)
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    return layer


def in_geopackage(path: Path, count: int, table: str = "findings", **shape) -> QgsVectorLayer:
    """The same in a GeoPackage."""
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = table
    if path.exists():
        options.actionOnExistingFile = (
            QgsVectorFileWriter.ActionOnExistingFile.CreateOrOverwriteLayer
        )
    result = QgsVectorFileWriter.writeAsVectorFormatV3(
        in_memory(count, **shape), str(path), QgsCoordinateTransformContext(), options
    )
    assert result[0] == QgsVectorFileWriter.WriterError.NoError, result
    return opened(path, table)


def opened(path: Path, table: str = "findings") -> QgsVectorLayer:
    layer = QgsVectorLayer(f"{path}|layername={table}", "Findings", "ogr")
    assert layer.isValid()
    return layer
