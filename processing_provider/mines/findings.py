"""Findings as they are handed on to other programs: attributes as they are, places in WGS 84."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
)

from gossan.core.origin import TAG_PREFIX
from gossan.processing_provider.inputs import plain_value, transformed
from gossan.processing_provider.mines.registers import WGS84, require_crs

CONFIRMED = ("mine", "dam")
"""Decisions of a review that confirm a finding."""

_PLACE = ("longitude", "latitude")
_OWN_NUMBERING = ("fid", "ogc_fid")


@dataclass(frozen=True)
class Finding:
    """One finding.

    Parameters
    ----------
    values : dict
        Its attributes by name, in the order of the layer: numbers, texts, None.
    geometry : QgsGeometry
        In longitude and latitude.
    place : QgsPointXY
        Where it is flown to: its own longitude and latitude, or a point on it.
    """

    values: dict[str, Any]
    geometry: QgsGeometry
    place: QgsPointXY

    @property
    def registered(self) -> str:
        """``yes``, ``no``, or "" where it was never compared with a register."""
        return str(self.values.get("registered") or "")

    @property
    def impact(self) -> str:
        """``high impact``, ``low impact``, or "" where that was not judged."""
        return str(self.values.get("impact") or "")


class FindingSource:
    """The findings of a layer that are wanted.

    Parameters
    ----------
    source : QgsProcessingFeatureSource
    only_unregistered, only_confirmed : bool
        Leave out what a register knows, and what no review has confirmed.

    Raises
    ------
    QgsProcessingException
        The layer has no CRS, or lacks the field that a choice is made by.
    """

    def __init__(
        self,
        source: QgsProcessingFeatureSource,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        *,
        only_unregistered: bool = False,
        only_confirmed: bool = False,
    ) -> None:
        self.source = source
        self.feedback = feedback
        self.fields = [
            field for field in source.fields() if field.name().lower() not in _OWN_NUMBERING
        ]
        self.wanted: dict[str, Sequence[str]] = {}
        if only_unregistered:
            self._choose("registered", ("no",), "Match with registers")
        if only_confirmed:
            self._choose("decision", CONFIRMED, "the review of findings")
        crs, world = require_crs(source), QgsCoordinateReferenceSystem(WGS84)
        self.transform = (
            None if crs == world else QgsCoordinateTransform(crs, world, context.transformContext())
        )
        self.left_out = 0
        self.placeless = 0
        self.origin: dict[str, str] = {}

    def read(self) -> list[Finding]:
        """Return the wanted findings in the order of the layer, and count the others."""
        found = []
        for feature in self._features():
            values = {field.name(): plain_value(feature[field.name()]) for field in self.fields}
            for name in [name for name in values if name.startswith(TAG_PREFIX)]:
                text = values.pop(name)
                if text:
                    self.origin.setdefault(name, str(text))
            if any(values[name] not in wanted for name, wanted in self.wanted.items()):
                self.left_out += 1
                continue
            geometry = transformed(feature.geometry(), self.transform)
            if geometry is None:
                self.placeless += 1
                continue
            found.append(Finding(values, geometry, _place(geometry, values)))
        if self.placeless:
            self.feedback.pushWarning(
                f"{self.source.sourceName()}: {self.placeless} findings left out, for they have "
                "no usable position."
            )
        return found

    def _features(self) -> Iterator[QgsFeature]:
        flag = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks
        for feature in self.source.getFeatures(QgsFeatureRequest(), flag):
            if self.feedback.isCanceled():
                return
            yield feature

    def _choose(self, field: str, wanted: Sequence[str], maker: str) -> None:
        if self.source.fields().lookupField(field) < 0:
            raise QgsProcessingException(
                f"{self.source.sourceName()} has no field {field}, which {maker} adds: run that "
                "first, or export all findings."
            )
        self.wanted[field] = wanted


def _place(geometry: QgsGeometry, values: dict[str, Any]) -> QgsPointXY:
    """Return where a finding stands: what the detector gave as its centre, if that is still on it.

    A finding that was moved by hand keeps the old numbers in its fields.
    """
    numbers = [values.get(name) for name in _PLACE]
    if all(isinstance(number, (int, float)) for number in numbers):
        given = QgsPointXY(*numbers)
        if geometry.boundingBox().buffered(1e-6).contains(given):
            return given
    return geometry.pointOnSurface().asPoint()
