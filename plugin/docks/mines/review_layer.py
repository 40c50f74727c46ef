"""A layer of findings as the review needs it: what it has, what it lacks, where they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

from qgis.core import (
    NULL,
    QgsFeature,
    QgsField,
    QgsPointXY,
    QgsProviderRegistry,
    QgsVectorDataProvider,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from gossan.core.errors import FileError, InputError
from gossan.core.review.queue import Item
from gossan.plugin.docks.mines.review_writing import insistently, sentence_of

STATE_FIELDS = ("decision", "reason", "comment", "reviewer", "reviewed_at", "model")
"""What stands on a finding of its newest decision."""

NUMBER_FIELD = "finding"
PROBABILITY_FIELD = "max_probability"

_LIKELY = ("probability", "prob", "score", "confidence", "certainty")
_NEEDED = (
    QgsVectorDataProvider.Capability.AddAttributes
    | QgsVectorDataProvider.Capability.ChangeAttributeValues
)


@dataclass(frozen=True)
class Place:
    """Where a finding is.

    Parameters
    ----------
    fid : int
        Its row.
    centre : QgsPointXY
        Middle of its bounding box, in the CRS of the layer.
    """

    fid: int
    centre: QgsPointXY


def geopackage(layer: QgsVectorLayer) -> tuple[str, str]:
    """Return file and table of a layer in a GeoPackage; two empty texts for any other layer."""
    provider = layer.dataProvider()
    if provider is None or provider.name() != "ogr" or provider.storageType() != "GPKG":
        return "", ""
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    path, table = parts.get("path") or "", parts.get("layerName") or ""
    if not table:
        tables = QgsProviderRegistry.instance().querySublayers(path)
        number = int(parts.get("layerId") or 0)
        table = next((each.name() for each in tables if each.layerNumber() == number), "")
    return path, table


def why_not(layer: QgsVectorLayer) -> str:
    """Return why a layer cannot be reviewed as it is, as a sentence; "" when it can."""
    name = layer.name()
    if not layer.isValid():
        return f"The file of {name} is missing."
    if layer.geometryType() not in (
        QgsWkbTypes.GeometryType.PointGeometry,
        QgsWkbTypes.GeometryType.PolygonGeometry,
    ):
        return f"{name} has neither points nor polygons, so nothing in it can be looked at."
    if not geopackage(layer)[0]:
        return (
            f"{name} is not in a GeoPackage. Decisions are kept in one, beside the findings, "
            "where nothing of them can be lost."
        )
    if layer.dataProvider().capabilities() & _NEEDED != _NEEDED:
        return f"The GeoPackage of {name} cannot be written to, so decisions cannot be kept in it."
    return ""


def needs_copy(layer: QgsVectorLayer) -> bool:
    """Tell whether a copy of the layer as a GeoPackage could be reviewed instead."""
    return layer.isValid() and layer.geometryType() in (
        QgsWkbTypes.GeometryType.PointGeometry,
        QgsWkbTypes.GeometryType.PolygonGeometry,
    )


def require_free(layer: QgsVectorLayer) -> None:
    """Make sure that nobody is editing the layer.

    Raises
    ------
    InputError
    """
    if layer.isEditable():
        raise InputError(
            f"{layer.name()} is being edited. Save or discard the edits and end the editing; "
            "the review writes each decision at once and would be in their way."
        )


def probability_fields(layer: QgsVectorLayer) -> list[str]:
    """Return the numeric fields, the one that most likely holds probabilities first."""
    numeric = [field.name() for field in layer.fields() if field.isNumeric()]
    return sorted(numeric, key=_likeliness)


def _likeliness(name: str) -> tuple[int, int]:
    small = name.lower()
    if small == PROBABILITY_FIELD:
        return 0, 0
    places = [place for place, word in enumerate(_LIKELY) if word in small]
    return (1, places[0]) if places else (2, 0)


def likely_probability_field(layer: QgsVectorLayer) -> str:
    """Return the field that seems to hold probabilities; "" where none does."""
    fields = probability_fields(layer)
    return fields[0] if fields and _likeliness(fields[0])[0] < 2 else ""


class FindingLayer:
    """The findings of a layer in a GeoPackage, kept in memory by their number.

    A finding is known by the field ``finding`` where that numbers all of them, else by its row.

    Parameters
    ----------
    layer : QgsVectorLayer
    probability_field : str
        "" where the layer tells none.
    """

    def __init__(self, layer: QgsVectorLayer, probability_field: str = "") -> None:
        self.layer = layer
        self.path, self.table = geopackage(layer)
        self.probability_field = probability_field
        self.items: dict[int, Item] = {}
        self.places: dict[int, Place] = {}
        self.models: dict[int, str] = {}
        self._add_state_fields()
        self._read()

    @property
    def provider(self) -> Any:
        """The data provider, through which everything is written."""
        return self.layer.dataProvider()

    def feature(self, finding: int) -> QgsFeature:
        """Return a finding as it is in the file.

        Raises
        ------
        InputError
            When somebody has deleted it since the review began.
        """
        feature = self.layer.getFeature(self.places[finding].fid)
        if not feature.isValid():
            raise InputError(
                f"Finding {finding} is no longer in {self.layer.name()}: somebody has deleted it."
            )
        return feature

    def values(self, finding: int) -> dict[str, Any]:
        """Return the attributes of a finding, None where there is nothing."""
        feature = self.feature(finding)
        names = feature.fields().names()
        return {name: plain(value) for name, value in zip(names, feature.attributes())}

    def write_states(self, states: dict[int, dict[str, str]]) -> None:
        """Write what stands on findings.

        Raises
        ------
        FileError
        """
        numbers = {name: self._index(name) for name in STATE_FIELDS}
        changes = {
            self.places[finding].fid: {numbers[n]: state[n] or NULL for n in STATE_FIELDS}
            for finding, state in states.items()
        }
        write = partial(self.provider.changeAttributeValues, changes)
        if changes and not insistently(write, self.provider):
            raise FileError(_why(self, "The state of findings"))

    def read_states(self) -> dict[int, dict[str, str]]:
        """Return what stands on all findings."""
        numbers = {name: self._index(name) for name in STATE_FIELDS}
        found = {}
        by_row = {place.fid: finding for finding, place in self.places.items()}
        for feature in self.provider.getFeatures():
            finding = by_row.get(feature.id())
            if finding is not None:
                values = feature.attributes()
                found[finding] = {n: _text(values[numbers[n]]) for n in STATE_FIELDS}
        return found

    def write_geometry(self, finding: int, geometry: Any) -> None:
        """Put a finding elsewhere.

        Raises
        ------
        FileError
        """
        place = self.places[finding]
        write = partial(self.provider.changeGeometryValues, {place.fid: geometry})
        if not insistently(write, self.provider):
            raise FileError(_why(self, f"The place of finding {finding}"))
        self.places[finding] = Place(place.fid, geometry.boundingBox().center())

    def _index(self, name: str) -> int:
        return int(self.provider.fields().lookupField(name))

    def _add_state_fields(self) -> None:
        fields = self.provider.fields()
        for name in STATE_FIELDS:
            index = fields.lookupField(name)
            if index >= 0 and fields.at(index).type() != QVariant.Type.String:
                raise InputError(
                    f"The field {fields.at(index).name()} of {self.layer.name()} does not hold "
                    "text, and the review needs one of that name. Rename yours first."
                )
        missing = [name for name in STATE_FIELDS if fields.lookupField(name) < 0]
        if missing:
            require_free(self.layer)
            new = [QgsField(name, QVariant.Type.String) for name in missing]
            if not self.provider.addAttributes(new):
                raise FileError(_why(self, "The fields for decisions"))
            self.layer.updateFields()

    def _read(self) -> None:
        names = self.layer.fields()
        number, chance = names.lookupField(NUMBER_FIELD), names.lookupField(self.probability_field)
        registered, detector = names.lookupField("registered"), names.lookupField("detector")
        rows = []
        for feature in self.layer.getFeatures():
            if feature.hasGeometry() and not feature.geometry().isEmpty():
                values = feature.attributes()
                rows.append(
                    (
                        feature.id(),
                        _whole(values[number]) if number >= 0 else None,
                        _number(values[chance]) if chance >= 0 else None,
                        _text(values[registered]) if registered >= 0 else "",
                        _text(values[detector]) if detector >= 0 else "",
                        feature.geometry().boundingBox().center(),
                    )
                )
        given = [row[1] for row in rows]
        self.is_numbered = None not in given and len(set(given)) == len(given)
        for fid, own, chances, known, model, centre in rows:
            finding = own if self.is_numbered else fid
            self.items[finding] = Item(finding, chances, known)
            self.places[finding] = Place(fid, centre)
            self.models[finding] = model


def plain(value: Any) -> Any:
    """Return an attribute as Python knows it, None for nothing."""
    return None if value is None or value == NULL else value


def _text(value: Any) -> str:
    return "" if plain(value) is None else str(value).strip()


def _number(value: Any) -> float | None:
    try:
        number = float(plain(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or number != int(number) else int(number)


def _why(findings: FindingLayer, what: str) -> str:
    return sentence_of(what, findings.path, findings.provider.errors())
