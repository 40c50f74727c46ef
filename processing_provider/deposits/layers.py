"""What the algorithms on mineral deposits share: tables of deposits, and QGIS's map of land."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsProcessingParameterMultipleLayers,
    QgsVectorLayer,
    QgsWkbTypes,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import write_features, write_points

_TABLES = (".csv", ".tsv", ".txt")


class DepositAlgorithm(GossanAlgorithm):
    """An algorithm that takes tables of deposits."""

    DEPOSITS = "DEPOSITS"

    def add_deposits(self, tip: str, *, optional: bool = False) -> None:
        """Add one or more tables or layers of deposits."""
        self.add(
            QgsProcessingParameterMultipleLayers(
                self.DEPOSITS,
                "Deposits",
                QgsProcessing.SourceType.TypeVector,
                optional=optional,
            ),
            tip,
        )

    def deposit_tables(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> list[str]:
        """Return CSV tables of the deposits: the files themselves, or what layers hold as one.

        Raises
        ------
        QgsProcessingException
            A layer cannot be loaded, or has no position to give.
        """
        if not self.is_given(parameters, self.DEPOSITS):
            return []
        wanted = parameters[self.DEPOSITS]
        wanted = wanted if isinstance(wanted, (list, tuple)) else [wanted]
        layers = self.parameterAsLayerList(parameters, self.DEPOSITS, context)
        if len(layers) < len(wanted):
            raise QgsProcessingException(
                f"Deposits: {', '.join(map(str, wanted))} cannot be opened as vector layers or "
                "tables. Check the paths."
            )
        return [deposit_table(layer, context, feedback) for layer in layers]


def deposit_table(
    layer: QgsVectorLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
) -> str:
    """Return a CSV table with longitude and latitude of a layer of deposits."""
    file = layer.source().split("|")[0]
    plain = layer.wkbType() == QgsWkbTypes.Type.NoGeometry
    if plain and file.lower().endswith(_TABLES) and os.path.isfile(file):
        return os.path.abspath(file)
    source = QgsProcessingFeatureSource(layer, context)
    fields = [name for name in source.fields().names() if name.lower() not in ("fid", "x", "y")]
    return write_points(source, fields, _degrees(), context, feedback)


def land_polygons(
    source: QgsProcessingFeatureSource | None,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
) -> str:
    """Return land polygons as GeoJSON in longitude and latitude: the user's, or QGIS's own map.

    "" where none was given and this QGIS has no map of the world.
    """
    if source is None:
        path = world_map()
        if path is None:
            feedback.pushWarning(
                "This QGIS comes without its map of the world, so no scene is called ocean. Give "
                "land polygons to have that."
            )
            return ""
        feedback.pushInfo("Land: the countries of QGIS's own map of the world.")
        layer = QgsVectorLayer(f"{path}|layername=countries", "countries", "ogr")
        source = QgsProcessingFeatureSource(layer, context)
    return write_features(source, [], _degrees(), context, feedback)


def world_map() -> Path | None:
    """Return QGIS's own map of the world, None where it was not installed."""
    path = Path(QgsApplication.pkgDataPath()) / "resources" / "data" / "world_map.gpkg"
    return path if path.is_file() else None


def _degrees() -> QgsCoordinateReferenceSystem:
    return QgsCoordinateReferenceSystem("EPSG:4326")
