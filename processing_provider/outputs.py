"""What comes back from the engine, as QGIS has it: typed features, named and styled layers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsFeature,
    QgsFeatureSink,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsMapLayer,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProcessingOutputLayerDefinition,
    QgsProperty,
    QgsRasterLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QMetaType, QVariant

Style = Callable[[QgsMapLayer], None]
"""A function that gives a layer its look; see `gossan.processing_provider.styles`."""

_NEW_TYPES = Qgis.QGIS_VERSION_INT >= 33800
_TYPES = {
    "boolean": QMetaType.Type.Bool if _NEW_TYPES else QVariant.Bool,
    "integer": QMetaType.Type.LongLong if _NEW_TYPES else QVariant.LongLong,
    "real": QMetaType.Type.Double if _NEW_TYPES else QVariant.Double,
    "text": QMetaType.Type.QString if _NEW_TYPES else QVariant.String,
}


class FeatureFile:
    """The features that a job wrote as GeoJSON, with their fields typed.

    Parameters
    ----------
    path : str
        The GeoJSON file; coordinates are in whatever CRS the job worked in.
    """

    def __init__(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        self.rows: list[dict[str, Any]] = content["features"]
        self.kinds = _kinds(self.rows, content.get("fields"))

    @property
    def fields(self) -> QgsFields:
        """The fields, in the order of the file."""
        fields = QgsFields()
        for name, kind in self.kinds.items():
            fields.append(QgsField(name, _TYPES[kind]))
        return fields

    @property
    def wkb_type(self) -> QgsWkbTypes.Type:
        """The one geometry type that holds all features."""
        found = {row["geometry"]["type"] for row in self.rows if row.get("geometry")}
        if not found:
            return QgsWkbTypes.Type.NoGeometry
        if found <= {"Point", "MultiPoint"}:
            single, several = QgsWkbTypes.Type.Point, QgsWkbTypes.Type.MultiPoint
        elif found <= {"LineString", "MultiLineString"}:
            single, several = QgsWkbTypes.Type.LineString, QgsWkbTypes.Type.MultiLineString
        else:
            single, several = QgsWkbTypes.Type.Polygon, QgsWkbTypes.Type.MultiPolygon
        return several if any(name.startswith("Multi") for name in found) else single

    def features(self) -> Iterable[QgsFeature]:
        """Yield the features."""
        fields = self.fields
        multi = QgsWkbTypes.isMultiType(self.wkb_type)
        for row in self.rows:
            feature = QgsFeature(fields)
            values = row.get("properties") or {}
            feature.setAttributes(
                [_value(values.get(name), kind) for name, kind in self.kinds.items()]
            )
            if row.get("geometry"):
                geometry = _geometry(row["geometry"])
                if multi:
                    geometry.convertToMultiType()
                feature.setGeometry(geometry)
            yield feature


def fill(sink: QgsFeatureSink, content: FeatureFile, feedback: QgsProcessingFeedback) -> None:
    """Copy the features of a job into the sink that the user chose.

    Raises
    ------
    QgsProcessingException
        A feature could not be written (disk full, field not accepted by the format).
    """
    for feature in content.features():
        if not sink.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            raise QgsProcessingException(f"A feature could not be written: {sink.lastError()}")
    if not sink.flushBuffer():
        raise QgsProcessingException(f"The features could not be written: {sink.lastError()}")
    feedback.pushInfo(f"{len(content.rows)} features.")


def save_raster_style(path: str, style: Style) -> None:
    """Save a style beside a raster file, so that it arrives styled wherever it is loaded.

    Raises
    ------
    QgsProcessingException
        The raster cannot be opened, or nothing can be written beside it.
    """
    layer = QgsRasterLayer(path, "style")
    if not layer.isValid():
        raise QgsProcessingException(f"QGIS cannot open the raster it was given: {path}")
    style(layer)
    message, saved = layer.saveNamedStyle(path.rsplit(".", 1)[0] + ".qml")
    if not saved:
        raise QgsProcessingException(f"The style of {path} could not be saved: {message}")


class ResultFiles:
    """The files that a run writes, so that one which fails or is cancelled leaves none of them.

    A job writes each file when it is complete; the run may still fail over the next one.
    """

    def __init__(self) -> None:
        self._before: dict[Path, tuple[int, int] | None] = {}

    def watch(self, path: str) -> None:
        """Note a result, and what comes with it, as it is before the run."""
        result = Path(path)
        if result.is_dir():
            return  # what stood there is replaced in one step at the end, or not at all
        for file in (result, Path(f"{path}.aux.xml"), *map(result.with_suffix, (".qml", ".hdr"))):
            self._before[file] = _state(file)

    def discard(self) -> None:
        """Remove what the run has written."""
        for file, before in self._before.items():
            if before is None and file.is_dir():
                shutil.rmtree(file)
            elif _state(file) not in (None, before):
                file.unlink()


def destination_text(value: Any, context: QgsProcessingContext) -> str:
    """Return the text of a destination parameter's value; "" where nothing is wanted."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink
    if isinstance(value, QgsProperty):
        value = value.valueAsString(context.expressionContext(), "")[0]
    return "" if value is None or isinstance(value, QVariant) else str(value)


class StylePostProcessor(QgsProcessingLayerPostProcessorInterface):
    """Styles a layer after QGIS has loaded it, in the main thread."""

    kept: list[StylePostProcessor] = []  # noqa: RUF012 - QGIS does not keep what it is given

    def __init__(self, style: Style) -> None:
        super().__init__()
        self.style = style

    @classmethod
    def attach(cls, destination: str, context: QgsProcessingContext, style: Style) -> None:
        """Have the layer styled if it is going to be loaded."""
        if context.willLoadLayerOnCompletion(destination):
            processor = cls(style)
            cls.kept.append(processor)
            context.layerToLoadOnCompletionDetails(destination).setPostProcessor(processor)

    def postProcessLayer(
        self,
        layer: QgsMapLayer,
        context: QgsProcessingContext,  # noqa: ARG002
        feedback: QgsProcessingFeedback,  # noqa: ARG002
    ) -> None:
        self.style(layer)
        layer.triggerRepaint()
        if self in self.kept:
            self.kept.remove(self)


def _state(file: Path) -> tuple[int, int] | None:
    """Return by what a changed file is known; None where there is none."""
    if not file.is_file():
        return None
    status = file.stat()
    return status.st_mtime_ns, status.st_size


def _kinds(rows: list[dict[str, Any]], declared: list[dict[str, str]] | None) -> dict[str, str]:
    """Return the kind of each field: as declared by the file, else as its values show."""
    if declared:
        return {field["name"]: field["type"] for field in declared}
    kinds: dict[str, str] = {}
    for row in rows:
        for name, value in (row.get("properties") or {}).items():
            kinds[name] = _joined(kinds.get(name, ""), value)
    return {name: kind or "text" for name, kind in kinds.items()}


def _joined(kind: str, value: Any) -> str:
    """Return the kind that holds both what was seen so far and this value."""
    if value is None:
        return kind
    if isinstance(value, bool):
        seen = "boolean"
    elif isinstance(value, int):
        seen = "integer"
    elif isinstance(value, float):
        seen = "real"
    else:
        seen = "text"
    if kind in ("", seen):
        return seen
    return "real" if {kind, seen} == {"integer", "real"} else "text"


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "real":
        return float(value)
    if kind == "text" and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return value


def _geometry(geometry: dict[str, Any]) -> QgsGeometry:
    """Return a GeoJSON geometry as QGIS has it; its coordinates stay as they are."""
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind == "Point":
        return QgsGeometry.fromPointXY(_point(coordinates))
    if kind == "MultiPoint":
        return QgsGeometry.fromMultiPointXY(_line(coordinates))
    if kind == "LineString":
        return QgsGeometry.fromPolylineXY(_line(coordinates))
    if kind == "MultiLineString":
        return QgsGeometry.fromMultiPolylineXY([_line(line) for line in coordinates])
    if kind == "Polygon":
        return QgsGeometry.fromPolygonXY([_line(ring) for ring in coordinates])
    if kind == "MultiPolygon":
        polygons = [[_line(ring) for ring in polygon] for polygon in coordinates]
        return QgsGeometry.fromMultiPolygonXY(polygons)
    raise QgsProcessingException(f"Geometries of the kind {kind} cannot be read.")


def _point(coordinates: list[float]) -> QgsPointXY:
    return QgsPointXY(coordinates[0], coordinates[1])


def _line(coordinates: list[list[float]]) -> list[QgsPointXY]:
    return [_point(position) for position in coordinates]
