"""Several images and what belongs to each of them, in its own coordinate reference system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
)

from gossan.processing_provider.algorithm import GossanAlgorithm

WGS84 = "EPSG:4326"


class ChipAlgorithm(GossanAlgorithm):
    """An algorithm that cuts chips from images, each by itself."""

    IMAGES = "IMAGES"
    KIND = "KIND"
    MISSING_SHARE = "MISSING_SHARE"
    OUTPUT = "OUTPUT"
    PLACES = "PLACES"
    COUNT = "COUNT"

    def add_images(self, tip: str) -> None:
        """Add the images that chips are cut from."""
        self.add(
            QgsProcessingParameterMultipleLayers(
                self.IMAGES, "Images", QgsProcessing.SourceType.TypeRaster
            ),
            tip,
        )

    def add_missing_share(self) -> None:
        """Add how much of a chip may be missing."""
        self.add_decimal(
            self.MISSING_SHARE,
            "Greatest share of missing pixels (%)",
            5.0,
            "Chips with more missing pixels (nodata, or zero in all bands) are left out and "
            "counted.",
            least=0.0,
            most=100.0,
            advanced=True,
        )

    def add_chip_results(self) -> None:
        """Add the folder of chips and their places."""
        self.add(
            QgsProcessingParameterFolderDestination(self.OUTPUT, "Folder of chips"),
            "A new or empty folder, or one with chips of an earlier run, which are replaced.",
        )
        self.add_features_result(
            self.PLACES,
            "Places of the chips",
            QgsProcessing.SourceType.TypeVectorPoint,
            "A point for each chip, with its class: look whether they lie where they should.",
            optional=True,
            by_default=True,
        )

    def image_layers(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> list[QgsMapLayer]:
        """Return the images."""
        return self.layers(parameters, self.IMAGES, context, "raster")

    def places_crs(
        self, result: dict[str, Any], layers: list[QgsMapLayer]
    ) -> QgsCoordinateReferenceSystem:
        """Return the CRS that a job has written the places of chips in."""
        if result["places_crs"]:
            return QgsCoordinateReferenceSystem(result["places_crs"])
        return layers[0].crs() if layers else QgsCoordinateReferenceSystem()


def per_image(
    layers: list[QgsMapLayer], write: Callable[[QgsCoordinateReferenceSystem], str]
) -> list[str]:
    """Write something once for each CRS and return its path for each image."""
    written: dict[str, str] = {}
    paths = []
    for layer in layers:
        key = layer.crs().toWkt()
        if key not in written:
            written[key] = write(layer.crs())
        paths.append(written[key])
    return paths


def folder_parameter(name: str, description: str, *, optional: bool) -> QgsProcessingParameterFile:
    """Return an existing folder as a parameter."""
    return QgsProcessingParameterFile(
        name, description, QgsProcessingParameterFile.Behavior.Folder, optional=optional
    )
