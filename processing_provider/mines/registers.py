"""Registers, concessions and protected areas as the engine gets them: one GeoJSON in WGS 84."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsVectorLayer,
    QgsWkbTypes,
)

from gossan.core.coordinates import Axis, CoordinateError, parse_coordinate
from gossan.core.errors import GossanError
from gossan.core.tables import read_table
from gossan.processing_provider.inputs import field_text, temporary_file, transformed

WGS84 = "EPSG:4326"

_LONGITUDES = ("longitude", "longitud", "long", "lon", "lng", "x", "easting", "east", "este")
_LATITUDES = ("latitude", "latitud", "lat", "y", "northing", "north", "norte")
_NAMES = ("name", "nome", "nombre", "nom", "terrai_nom", "title", "holder", "titular")
_IDS = ("id", "code", "codigo", "processo", "number", "numero")
_PHASES = ("phase", "fase", "status", "situacao", "etapa")

_STRAIGHT = {True: 0.05, False: 5000.0}
"""Longest edge in degrees or map units: lines that are straight on a map bend on the Earth."""

_SHOWN = 3


@dataclass(frozen=True)
class Columns:
    """Which fields of a layer hold what; an empty choice means the usual names.

    Parameters
    ----------
    longitude, latitude, name, id, phase : str
        Field names, several parted by semicolons where layers differ: the first that a layer has.
    """

    longitude: str = ""
    latitude: str = ""
    name: str = ""
    id: str = ""
    phase: str = ""


class EntryFile:
    """Writes the features of several layers into one file and keeps what was wrong with them.

    Parameters
    ----------
    columns : Columns
    table_crs : QgsCoordinateReferenceSystem
        Of coordinates in tables without geometry.
    """

    def __init__(
        self,
        columns: Columns,
        table_crs: QgsCoordinateReferenceSystem,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> None:
        self.columns = columns
        self.table_crs = table_crs
        self.context = context
        self.feedback = feedback
        self.remarks: list[str] = []

    def write(self, layers: Sequence[QgsVectorLayer]) -> str:
        """Return the path of the GeoJSON with the features of all layers, "" without any.

        Raises
        ------
        QgsProcessingException
            A layer holds lines, has no CRS or no coordinates, or a named field is in none of them.
        """
        if not layers:
            return ""
        self._require_fields(layers)
        rows = [row for layer in layers for row in self._rows(layer)]
        path = temporary_file("entries.geojson")
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps({"type": "FeatureCollection", "features": rows}))
        return path

    def _require_fields(self, layers: Sequence[QgsVectorLayer]) -> None:
        present = {name for layer in layers for name in _open(layer)[0]}
        for text in vars(self.columns).values():
            wanted = _listed(text)
            if wanted and not present & set(wanted):
                names = ", ".join(layer.name() for layer in layers)
                raise QgsProcessingException(
                    f"{names}: there is no field {text}; the fields are "
                    f"{', '.join(sorted(present)) or '(none)'}."
                )

    def _rows(self, layer: QgsVectorLayer) -> list[dict]:
        """Return the features of a layer as GeoJSON, and remark on those left out."""
        names, records = _open(layer)
        places = _Places(layer, names, self.columns, self.table_crs, self.context)
        fields = {
            "name": _field(names, self.columns.name, _NAMES),
            "id": _field(names, self.columns.id, _IDS),
            "phase": _field(names, self.columns.phase, _PHASES),
        }
        rows = []
        problems: list[str] = []
        for record in records:
            if self.feedback.isCanceled():
                break
            try:
                geometry = places.geometry(record)
            except CoordinateError as problem:
                problems.append(f"row {record.number}: {str(problem).rstrip('.')}")
                continue
            if geometry is None:
                problems.append(f"row {record.number}: no usable position")
                continue
            texts = {key: record.texts.get(field, "") for key, field in fields.items()}
            texts["id"] = texts["id"] or str(record.number)
            rows.append(
                {
                    "type": "Feature",
                    "properties": {**texts, "source": layer.name()},
                    "geometry": json.loads(geometry.asJson(9)),
                }
            )
        self._tell(layer, len(rows), problems, places.how)
        return rows

    def _tell(self, layer: QgsVectorLayer, count: int, problems: list[str], how: str) -> None:
        self.feedback.pushInfo(f"{layer.name()}: {count} entries{how}.")
        if not problems:
            return
        shown = "; ".join(problems[:_SHOWN]) + ("; ..." if len(problems) > _SHOWN else "")
        sentence = f"{layer.name()}: {len(problems)} rows left out ({shown})."
        if not count and not self.feedback.isCanceled():
            raise QgsProcessingException(f"{sentence} None is left.")
        self.remarks.append(sentence)
        self.feedback.pushWarning(sentence)


class _Record(NamedTuple):
    """A feature of a layer or a row of a table."""

    number: int
    texts: dict[str, str]
    geometry: QgsGeometry


class _Places:
    """Gives each feature of a layer its geometry in longitude and latitude."""

    def __init__(
        self,
        layer: QgsVectorLayer,
        names: Sequence[str],
        columns: Columns,
        table_crs: QgsCoordinateReferenceSystem,
        context: QgsProcessingContext,
    ) -> None:
        kind = layer.geometryType()
        self.columns: tuple[str, str] | None = None
        self.how = ""
        crs = layer.crs()
        if kind == QgsWkbTypes.GeometryType.LineGeometry:
            raise QgsProcessingException(
                f"{layer.name()} holds lines: points, polygons or a table are needed."
            )
        if layer.wkbType() == QgsWkbTypes.Type.NoGeometry:
            crs = table_crs
            longitude = _field(names, columns.longitude, _LONGITUDES)
            latitude = _field(names, columns.latitude, _LATITUDES)
            if not longitude or not latitude:
                raise QgsProcessingException(
                    f"{layer.name()} has neither geometry nor columns of longitude and latitude "
                    "that are known by their names: name them. Its fields are "
                    f"{', '.join(names)}."
                )
            self.columns = longitude, latitude
            self.how = f", by the columns {longitude} and {latitude}"
        if not crs.isValid():
            raise QgsProcessingException(
                f"{layer.name()} has no CRS: set it (layer menu, Layer CRS), for distances need it."
            )
        self.degrees = crs.isGeographic()
        target = QgsCoordinateReferenceSystem(WGS84)
        self.transform = (
            None
            if crs == target
            else QgsCoordinateTransform(crs, target, context.transformContext())
        )

    def geometry(self, record: _Record) -> QgsGeometry | None:
        """Return the geometry, None where there is none; `CoordinateError` for odd texts."""
        geometry = record.geometry if self.columns is None else self._point(record)
        if geometry.type() == QgsWkbTypes.GeometryType.PolygonGeometry:
            geometry = geometry.densifyByDistance(_STRAIGHT[self.degrees])
        return transformed(geometry, self.transform)

    def _point(self, record: _Record) -> QgsGeometry:
        pairs = zip(self.columns, (Axis.LONGITUDE, Axis.LATITUDE))
        numbers = [self._number(record.texts[column], axis) for column, axis in pairs]
        if None in numbers:
            return QgsGeometry()
        return QgsGeometry.fromPointXY(QgsPointXY(*numbers))

    def _number(self, text: str, axis: Axis) -> float | None:
        if self.degrees:
            return parse_coordinate(text, axis)
        try:
            return float(text.replace(",", ".")) if text.strip() else None
        except ValueError as problem:
            raise CoordinateError(f"'{text:.60}' is no map coordinate.") from problem


def require_crs(source: QgsProcessingFeatureSource) -> QgsCoordinateReferenceSystem:
    """Return the CRS of a vector input.

    Raises
    ------
    QgsProcessingException
        It has none.
    """
    crs = source.sourceCrs()
    if not crs.isValid():
        raise QgsProcessingException(
            f"{source.sourceName()} has no CRS: set it (layer menu, Layer CRS), for longitude and "
            "latitude need it."
        )
    return crs


def _open(layer: QgsVectorLayer) -> tuple[list[str], Iterator[_Record]]:
    """Return the field names of a layer, and its features one by one.

    CSV tables are read here: GDAL takes the mark of seconds in 20°07'12"S for a quote and joins
    the fields that follow, and does not know Latin-1.
    """
    path = layer.source().split("|")[0]
    if layer.dataProvider().storageType() == "CSV" and os.path.isfile(path):
        try:
            header, rows = read_table(path)
        except GossanError as problem:
            raise QgsProcessingException(str(problem)) from problem
        return header, (
            _Record(number, dict(zip(header, row)), QgsGeometry())
            for number, row in enumerate(rows, start=1)
        )
    names = layer.fields().names()
    return names, (
        _Record(
            feature.id(),
            {name: field_text(feature[name]) for name in names},
            feature.geometry(),
        )
        for feature in layer.getFeatures()
    )


def _field(present: Sequence[str], wanted: str, usual: Sequence[str]) -> str:
    """Return the field that was asked for, else one of a usual name, else ""."""
    for name in _listed(wanted):
        if name in present:
            return name
    plain = {_plain(name): name for name in reversed(list(present))}
    for name in usual:
        if name in plain:
            return plain[name]
    for name in usual:
        for key, field in plain.items():
            if len(name) > 1 and key.startswith((f"{name} ", f"{name}_")):
                return field
    return ""


def _plain(text: str) -> str:
    """Return a name in small letters without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold().strip())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]
