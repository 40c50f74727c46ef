"""The table of decisions beside a layer of findings: rows are added to it and never changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qgis.core import (
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsFeatureRequest,
    QgsField,
    QgsFields,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from gossan.core.errors import FileError
from gossan.core.review.decisions import COLUMNS, Entry
from gossan.plugin.docks.mines.review_layer import plain
from gossan.plugin.docks.mines.review_writing import insistently, sentence_of

SUFFIX = "_decisions"
ROW = "finding_fid"
"""The row of the finding, for joins; the column ``finding`` holds its lasting number."""

_OPENED_APART = "LIST_ALL_TABLES=NO"
"""QGIS lets layers of one file share how it is opened, and a file that was open before a table was
made does not know of it. Another option makes another opening; this one has no further effect."""

_TYPES = {int: QVariant.Type.LongLong, str: QVariant.Type.String}


class DecisionTable:
    """The table of decisions of one layer.

    Parameters
    ----------
    path, findings : str
        The GeoPackage, and the table of the findings in it.
    """

    def __init__(self, path: str, findings: str) -> None:
        self.path = path
        self.name = f"{findings}{SUFFIX}"
        if self.name not in tables(path):
            self._make()
        self._layer = QgsVectorLayer(
            f"{path}|layername={self.name}|option:{_OPENED_APART}", self.name, "ogr"
        )
        missing = [name for name in COLUMNS if self._layer.fields().lookupField(name) < 0]
        if not self._layer.isValid() or missing:
            raise FileError(
                f"The table {self.name} in {path} is not one of decisions"
                f"{': it lacks ' + ', '.join(missing) if missing else ''}. Rename it, or review a "
                "copy of the layer."
            )

        # As long as one opening may write, the file keeps its journal apart (WAL), and readers that
        # were opened meanwhile know it. Else QGIS would turn that on and off for each decision, and
        # the map, which is drawn by threads of its own, would miss findings in between.
        self._layer.dataProvider().enterUpdateMode()

    def close(self) -> None:
        """Let go of the file."""
        self._layer.dataProvider().leaveUpdateMode()

    def newer(self, number: int) -> list[Entry]:
        """Return the entries after a number, in their order."""
        request = QgsFeatureRequest()
        if number:
            request.setFilterExpression(f'"fid" > {number}')
        request.addOrderBy("fid")
        return [_entry(feature) for feature in self._layer.getFeatures(request)]

    def append(self, entries: Iterable[tuple[Entry, int]]) -> None:
        """Add entries, each with the row of its finding.

        Raises
        ------
        FileError
            When they cannot be written; none of them was, then.
        """
        provider = self._layer.dataProvider()
        features = []
        for entry, row in entries:
            feature = QgsFeature(provider.fields())
            for name, value in entry.values().items():
                feature.setAttribute(name, value if value != "" else None)
            feature.setAttribute(ROW, row)
            features.append(feature)
        if features and not insistently(lambda: provider.addFeatures(features)[0], provider):
            raise FileError(sentence_of("The decision", self.path, provider.errors()))

    def _make(self) -> None:
        fields = QgsFields()
        fields.append(QgsField(ROW, QVariant.Type.LongLong))
        for name, kind in COLUMNS.items():
            fields.append(QgsField(name, _TYPES[kind]))
        options = QgsVectorFileWriter.SaveVectorOptions()
        options.driverName = "GPKG"
        options.layerName = self.name
        options.actionOnExistingFile = (
            QgsVectorFileWriter.ActionOnExistingFile.CreateOrOverwriteLayer
        )
        writer = QgsVectorFileWriter.create(
            self.path,
            fields,
            QgsWkbTypes.Type.NoGeometry,
            QgsVectorLayer().crs(),
            QgsCoordinateTransformContext(),
            options,
        )
        problem = writer.errorMessage() if writer.hasError() else ""
        del writer  # closes the file
        if problem:
            raise FileError(sentence_of("The table of decisions", self.path, [problem]))


def tables(path: str) -> list[str]:
    """Return the names of the tables of a GeoPackage that hold features or attributes."""
    return [each.name() for each in QgsProviderRegistry.instance().querySublayers(path)]


def _entry(feature: QgsFeature) -> Entry:
    values: dict[str, Any] = {}
    for name, kind in COLUMNS.items():
        value = plain(feature[name])
        values[name] = kind() if value is None else kind(value)
    return Entry(**values, number=feature.id())
