"""What the engine gets instead of layers: paths of rasters, and points and tables as text files."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsField,
    QgsGeometry,
    QgsMapLayer,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDate, QDateTime, QTime, QVariant

COORDINATE_FIELDS = (
    ("x", "y"),
    ("lon", "lat"),
    ("long", "lat"),
    ("longitude", "latitude"),
    ("easting", "northing"),
    ("east", "north"),
)
"""Pairs of field names that hold the coordinates of a table without geometry."""

DEGREES = {"lon", "long", "longitude"}


def temporary_file(name: str) -> str:
    """Return a path of that file name in a folder that QGIS removes when it ends."""
    return QgsProcessingUtils.generateTempFilename(name)


def raster_file(layer: QgsMapLayer) -> str:
    """Return what the engine opens in place of a raster layer.

    Parameters
    ----------
    layer : QgsMapLayer
        A raster layer.

    Returns
    -------
    str
        Absolute path or GDAL address (subdataset, ``/vsicurl/...``).

    Raises
    ------
    QgsProcessingException
        The layer is no raster, or a service or a memory file that only QGIS can read.
    """
    provider = layer.dataProvider() if layer is not None else None
    if provider is None or not hasattr(layer, "bandCount"):
        raise QgsProcessingException(
            f"{layer.name() if layer else 'The layer'} is not a raster layer."
        )
    if provider.name() != "gdal":
        raise QgsProcessingException(
            f"{layer.name()} comes from a service ({provider.name()}), not from a file: export it "
            "to a GeoTIFF (layer menu, Export, Save As) and use that."
        )
    address = layer.source().split("|")[0]
    if address.lstrip().startswith("<"):
        path = temporary_file("raster.vrt")
        Path(path).write_text(address, encoding="utf-8")
        return path
    if "/vsimem/" in address:
        raise QgsProcessingException(
            f"{layer.name()} lies in QGIS's memory, where the engine cannot read it: export it to "
            "a GeoTIFF (layer menu, Export, Save As) and use that."
        )
    return os.path.abspath(address) if os.path.exists(address) else address


def write_points(
    source: QgsProcessingFeatureSource,
    fields: list[str],
    target: QgsCoordinateReferenceSystem,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
) -> str:
    """Write points as a CSV table in the CRS of the raster they belong to.

    Parameters
    ----------
    source : QgsProcessingFeatureSource
        Points; of polygons and groups of points the centroid counts; a table without geometry
        is read by its coordinate columns (x and y in ``target``, longitude and latitude in
        WGS 84). Everything left out is counted in the log.
    fields : list of str
        Fields to write.
    target : QgsCoordinateReferenceSystem
        The raster's CRS; where it or the points' own is unknown, coordinates stay as they are.

    Returns
    -------
    str
        Path of a UTF-8 CSV table with the columns ``fid``, ``x``, ``y`` and ``fields``.

    Raises
    ------
    QgsProcessingException
        The layer holds lines, a field is missing, or no feature has a usable position.
    """
    _require_fields(source, fields)
    placing = _Placing(source, target, context, feedback)
    path = temporary_file("points.csv")
    written = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["fid", "x", "y", *fields])
        for feature in _features(source):
            if feedback.isCanceled():
                break
            point = placing.point(feature)
            if point is not None:
                values = [field_text(feature[field]) for field in fields]
                table.writerow([feature.id(), repr(point.x()), repr(point.y()), *values])
                written += 1
    placing.report()
    if not written and not feedback.isCanceled():
        raise QgsProcessingException(f"{source.sourceName()} has no feature with a position.")
    feedback.pushInfo(f"{source.sourceName()}: {written} points.")
    return path


def write_table(
    source: QgsProcessingFeatureSource, fields: list[str], feedback: QgsProcessingFeedback
) -> str:
    """Write the attributes of a layer or table as a UTF-8 CSV table: ``fid`` and ``fields``."""
    _require_fields(source, fields)
    path = temporary_file("table.csv")
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["fid", *fields])
        for feature in _features(source):
            if feedback.isCanceled():
                break
            table.writerow([feature.id(), *(field_text(feature[field]) for field in fields)])
    return path


def write_samples(
    source: QgsProcessingFeatureSource,
    fields: list[str],
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
) -> tuple[str, QgsCoordinateReferenceSystem]:
    """Write samples that belong to no raster, with their coordinates where they have any.

    Returns
    -------
    path : str
        CSV table as `write_points` makes it, or as `write_table` where there are no coordinates.
    crs : QgsCoordinateReferenceSystem
        Of the coordinates; invalid where unknown.
    """
    _require_fields(source, fields)
    crs = source.sourceCrs()
    if source.wkbType() == QgsWkbTypes.Type.NoGeometry:
        present = {name.lower() for name in source.fields().names()}
        pair = next((pair for pair in COORDINATE_FIELDS if present.issuperset(pair)), None)
        if pair is None:
            return write_table(source, fields, feedback), QgsCoordinateReferenceSystem()
        if pair[0] in DEGREES:
            crs = QgsCoordinateReferenceSystem("EPSG:4326")
    return write_points(source, fields, crs, context, feedback), crs


def write_features(
    source: QgsProcessingFeatureSource,
    fields: list[str],
    target: QgsCoordinateReferenceSystem,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
    *,
    placeless: bool = False,
) -> str:
    """Write features of any geometry as GeoJSON in the CRS of the raster they belong to.

    Parameters and exceptions are those of `write_points`; ``placeless`` keeps features without a
    usable geometry, as the rows of a table are.
    """
    _require_fields(source, fields)
    transform = _transform(source.sourceCrs(), target, source.sourceName(), context, feedback)
    path = temporary_file("features.geojson")
    lost = 0
    rows = []
    for feature in _features(source):
        geometry = transformed(feature.geometry(), transform)
        if geometry is None and not placeless:
            lost += 1
            continue
        properties = {field: plain_value(feature[field]) for field in fields}
        rows.append(
            {
                "type": "Feature",
                "id": feature.id(),
                "properties": properties,
                "geometry": None if geometry is None else json.loads(geometry.asJson(17)),
            }
        )
    if lost:
        feedback.pushWarning(f"{source.sourceName()}: {lost} features without a usable geometry.")
    kinds = [{"name": field, "type": _kind(source.fields().field(field))} for field in fields]
    with open(path, "w", encoding="utf-8") as file:
        # Not json.dump, which encodes number by number in Python.
        file.write(json.dumps({"type": "FeatureCollection", "fields": kinds, "features": rows}))
    return path


class _Placing:
    """Gives each feature of a source its one point in the target CRS, and counts the others."""

    def __init__(
        self,
        source: QgsProcessingFeatureSource,
        target: QgsCoordinateReferenceSystem,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> None:
        self.name = source.sourceName()
        self.feedback = feedback
        self.columns: tuple[str, str] | None = None
        self.lost = 0
        self.centroids = 0
        crs = source.sourceCrs()
        kind = QgsWkbTypes.geometryType(source.wkbType())
        if kind == QgsWkbTypes.GeometryType.LineGeometry:
            raise QgsProcessingException(
                f"{self.name} holds lines: points (or polygons, by their centroids) are needed."
            )
        if source.wkbType() == QgsWkbTypes.Type.NoGeometry:
            self.columns = _coordinate_columns(source)
            degrees = self.columns[0].lower() in DEGREES
            crs = QgsCoordinateReferenceSystem("EPSG:4326") if degrees else target
            feedback.pushInfo(
                f"{self.name} has no geometry: coordinates are read from {self.columns[0]} and "
                f"{self.columns[1]}, as {'longitude and latitude' if degrees else 'map units'}."
            )
        self.transform = _transform(crs, target, self.name, context, feedback)

    def point(self, feature: QgsFeature) -> QgsPointXY | None:
        """Return the feature's point, or None (counted) where it has none."""
        geometry = transformed(self._geometry(feature), self.transform)
        if geometry is None:
            self.lost += 1
            return None
        if geometry.constGet().partCount() > 1 or geometry.type() != (
            QgsWkbTypes.GeometryType.PointGeometry
        ):
            self.centroids += 1
        centre = geometry.centroid()
        return None if centre.isNull() else centre.asPoint()

    def report(self) -> None:
        """Log how many features were left out, and how many stand by their centroid."""
        if self.lost:
            self.feedback.pushWarning(
                f"{self.name}: {self.lost} features left out, for they have no usable position."
            )
        if self.centroids:
            self.feedback.pushInfo(
                f"{self.name}: {self.centroids} polygons or groups of points stand by their "
                "centroids."
            )

    def _geometry(self, feature: QgsFeature) -> QgsGeometry:
        if self.columns is None:
            return feature.geometry()
        try:
            x, y = (float(field_text(feature[column]).replace(",", ".")) for column in self.columns)
        except ValueError:
            return QgsGeometry()
        return QgsGeometry.fromPointXY(QgsPointXY(x, y))


def _features(source: QgsProcessingFeatureSource):
    """Iterate over the features, whether their geometries are valid or not."""
    flag = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks
    return source.getFeatures(QgsFeatureRequest(), flag)


def _require_fields(source: QgsProcessingFeatureSource, fields: list[str]) -> None:
    present = source.fields().names()
    missing = [field for field in fields if field not in present]
    if missing:
        raise QgsProcessingException(
            f"{source.sourceName()} has no field {', '.join(missing)}; its fields are "
            f"{', '.join(present) or '(none)'}."
        )


def _coordinate_columns(source: QgsProcessingFeatureSource) -> tuple[str, str]:
    names = {name.lower(): name for name in source.fields().names()}
    for pair in COORDINATE_FIELDS:
        if all(name in names for name in pair):
            return names[pair[0]], names[pair[1]]
    raise QgsProcessingException(
        f"{source.sourceName()} has neither geometry nor coordinate columns (x and y, easting and "
        "northing, or longitude and latitude): load it as points."
    )


def _transform(
    crs: QgsCoordinateReferenceSystem,
    target: QgsCoordinateReferenceSystem,
    name: str,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
) -> QgsCoordinateTransform | None:
    """Return the way from one CRS to the other, or None where nothing is to be changed."""
    if crs == target:
        return None
    if crs.isValid() and target.isValid():
        return QgsCoordinateTransform(crs, target, context.transformContext())
    which = "The raster" if crs.isValid() else name
    feedback.pushWarning(
        f"{which} has no CRS: the coordinates of {name} are taken as those of the raster."
    )
    return None


def transformed(
    geometry: QgsGeometry, transform: QgsCoordinateTransform | None
) -> QgsGeometry | None:
    """Return a geometry in another CRS, None where it is empty or cannot be transformed."""
    if geometry.isNull() or geometry.isEmpty():
        return None
    if transform is not None:
        geometry = QgsGeometry(geometry)
        try:
            geometry.transform(transform)
        except QgsCsException:
            return None
    return geometry


def _kind(field: QgsField) -> str:
    """Return the type of a field as files between QGIS and the engine call it."""
    if field.type() == QVariant.Bool:
        return "boolean"
    if field.isNumeric():
        return "real" if field.type() == QVariant.Double else "integer"
    return "text"


def plain_value(value: Any) -> Any:
    """Return a field's value as JSON knows it; None for NULL."""
    if value is None or (isinstance(value, QVariant) and value.isNull()):
        return None
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (QDate, QDateTime, QTime)):
        return value.toString("yyyy-MM-dd" if isinstance(value, QDate) else "yyyy-MM-ddTHH:mm:ss")
    return str(value)


def field_text(value: Any) -> str:
    """Return a field's value as text; nothing for NULL."""
    plain = plain_value(value)
    if plain is None:
        return ""
    return repr(plain) if isinstance(plain, float) else str(plain)
