"""Algorithm: one image of the clear looks of many scenes."""

from __future__ import annotations

import json
import re
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterCrs,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.imagery import network, styles
from gossan.processing_provider.inputs import write_features

METHODS = ("median", "medoid")
CLOUD_MASKS = ("automatic", "SCL", "QA60", "QA_PIXEL", "none")
GRIDS = ("finest", "first")
NUMBER_TYPES = ("reflectance x 10000", "reflectance")
SCENE_FIELDS = (
    "scene",
    "date",
    "cloud_cover",
    "platform",
    "level",
    "baseline",
    "offset_removed",
    "assets",
)
"""What the engine needs to know of found scenes."""


class CloudFreeComposite(GossanAlgorithm):
    """Makes one cloud-free image of many scenes."""

    ID = "cloudfreecomposite"
    NAME = "Cloud-free composite"
    GROUP = "imagery"
    TAGS = ("Sentinel-2", "Landsat", "mosaic", "median", "medoid", "clouds", "reflectance")
    DOES = (
        "Makes one cloud-free image of many Sentinel-2 or Landsat scenes: at each pixel the median "
        "of the clear looks, band by band, or the medoid, a whole look that never mixes dates. "
        "Clouds are told by SCL, QA60 or QA_PIXEL; the offset of Sentinel-2's processing baseline "
        "04.00 is taken off scene by scene."
    )
    NEEDS = (
        "Scenes as rasters (one per scene, or the files of single bands as products have them) "
        "with their cloud masks beside them, such as <i>scene_SCL.tif</i>, or a layer of "
        "<i>Search imagery</i>, whose files are read from their servers by window only. QA60 is "
        "empty for scenes of January 2022 to February 2024; SCL or the cloud mask then count."
    )
    GIVES = (
        "A raster in reflectance with the bands that all scenes have, as whole numbers with a "
        "scale of 0.0001 (ready for <i>Detect mines</i>) or as decimal numbers; if wanted the "
        "number of clear looks, and a report on which scenes took part."
    )
    SOURCE = "Median: Balaniuk and others (2020), Sensors 20, 6936. Medoid: Flood (2013)."

    RASTERS = "RASTERS"
    SCENES = "SCENES"
    MASKS = "MASKS"
    BAND_NAMES = "BAND_NAMES"
    START, END = "START", "END"
    CLOUD_LIMIT = "CLOUD_LIMIT"
    CLOUD_MASK = "CLOUD_MASK"
    METHOD = "METHOD"
    EXTENT = "EXTENT"
    GRID = "GRID"
    CRS = "CRS"
    PIXEL_SIZE = "PIXEL_SIZE"
    NEAREST = "NEAREST"
    OFFSET_REMOVED = "OFFSET_REMOVED"
    NUMBER_TYPE = "NUMBER_TYPE"
    AUTHENTICATION = "AUTHENTICATION"
    OUTPUT = "OUTPUT"
    COUNTS = "COUNTS"
    USED, LEFT_OUT = "USED_SCENES", "LEFT_OUT_SCENES"
    CLEAR_SHARE, MEAN_LOOKS = "CLEAR_SHARE", "MEAN_LOOKS"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_scenes()
        self._add_choice_of_looks()
        self._add_grid()
        self._add_outputs()

    def _add_scenes(self) -> None:
        raster = QgsProcessing.SourceType.TypeRaster
        self.add(
            QgsProcessingParameterMultipleLayers(self.RASTERS, "Scenes", raster, optional=True),
            "One raster per scene, or the files of its bands (such as ..._B04.jp2); masks among "
            "them are recognised by their names.",
        )
        vector = QgsProcessing.SourceType.TypeVector
        self.add(
            QgsProcessingParameterFeatureSource(
                self.SCENES, "Found scenes", [vector], optional=True
            ),
            "A layer of Search imagery, or a selection of it; its files are read from their "
            "servers.",
        )
        self.add(
            QgsProcessingParameterMultipleLayers(
                self.MASKS, "Cloud masks elsewhere", raster, optional=True
            ),
            "SCL, QA60 or QA_PIXEL that do not lie beside their scene: named after it, or one for "
            "each scene in the same order.",
        )
        self.add(
            QgsProcessingParameterString(self.BAND_NAMES, "Bands", None, False, True),
            "Such as B2, B3, B4, B8. Empty: all that every scene has.",
        )

    def _add_choice_of_looks(self) -> None:
        day = QgsProcessingParameterDateTime.Type.Date
        self.add(
            QgsProcessingParameterDateTime(self.START, "First day", day, None, True),
            "Earlier scenes are left out. Empty: no limit.",
        )
        self.add(
            QgsProcessingParameterDateTime(self.END, "Last day", day, None, True),
            "Later scenes are left out. Empty: no limit.",
        )
        self.add_decimal(
            self.CLOUD_LIMIT,
            "Cloud limit (%)",
            20.0,
            "Scenes with more cloud are left out: as their metadata say, else as their mask shows.",
            least=0.0,
            most=100.0,
        )
        self.add_choice(
            self.CLOUD_MASK,
            "Cloud mask",
            CLOUD_MASKS,
            CLOUD_MASKS[0],
            "Automatic takes QA_PIXEL, else SCL, else QA60 where it is filled, else the cloud "
            "mask. Scenes without a usable mask are left out; none takes every pixel for clear.",
        )
        self.add_choice(
            self.METHOD,
            "Method",
            METHODS,
            METHODS[0],
            "Median of each band, or the medoid: the look that is nearest to all others, all its "
            "bands of one date.",
        )

    def _add_grid(self) -> None:
        self.add(
            QgsProcessingParameterExtent(self.EXTENT, "Extent", None, True),
            "What the composite covers. Empty: all scenes, which may be much for found ones.",
        )
        self.add_choice(
            self.GRID,
            "Pixels of",
            GRIDS,
            GRIDS[0],
            "The scene whose pixels and CRS the composite has: the one with the finest, or the "
            "first one.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterCrs(self.CRS, "CRS", None, True),
            "Empty: that of the scene.",
            advanced=True,
        )
        self.add_decimal(
            self.PIXEL_SIZE,
            "Pixel size",
            None,
            "In units of the CRS. Empty: that of the scene.",
            advanced=True,
        )
        self.add_switch(
            self.NEAREST,
            "Nearest pixel",
            False,
            "Takes the nearest pixel where bands lie otherwise than the grid, instead of "
            "interpolating.",
            advanced=True,
        )
        self.add_decimal(
            self.SCALE,
            "Scale of the values",
            None,
            "Stored values times this are reflectance. Empty: as known for the satellite.",
            advanced=True,
        )
        self.add_decimal(
            self.OFFSET,
            "Offset of the values",
            None,
            "Added after scaling. Empty: as known for the satellite and the scene's baseline.",
            advanced=True,
        )
        self.add_switch(
            self.OFFSET_REMOVED,
            "Sentinel-2 offset is off already",
            False,
            "For files whose offset of 1000 was taken off, as harmonised collections do, while "
            "their baseline says 04.00 or later.",
            advanced=True,
        )
        self.add_by_position(
            "Takes the bands of all scenes in their order, whatever their names; only if you know "
            "that the order is the same."
        )
        self.add(
            network.authentication(self.AUTHENTICATION),
            "For found scenes on servers that ask for a login; it is sent to every server that "
            "they name, which the log lists.",
            advanced=True,
        )

    def _add_outputs(self) -> None:
        self.add_choice(
            self.NUMBER_TYPE,
            "Numbers",
            NUMBER_TYPES,
            NUMBER_TYPES[0],
            "Whole numbers in 16 bits with their scale, or decimal numbers, which need twice the "
            "space and keep values below 0.",
            advanced=True,
        )
        self.add_raster_result(self.OUTPUT, "Composite", "One band per band of the scenes.")
        self.add_raster_result(
            self.COUNTS,
            "Number of clear looks",
            "How many looks each pixel is made of; 0 is no data.",
            optional=True,
        )
        self.add_report("Scenes used and left out, and why.", optional=True)
        self.add_output_numbers(
            {
                self.USED: "Scenes used",
                self.LEFT_OUT: "Scenes left out",
                self.CLEAR_SHARE: "Share of the pixels with a clear look",
                self.MEAN_LOOKS: "Clear looks per pixel",
            }
        )

    def check(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,  # noqa: ARG002
    ) -> str:
        if not any(self.is_given(parameters, name) for name in (self.RASTERS, self.SCENES)):
            return "Scenes are needed: rasters, or a layer of found scenes."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        scenes = ""
        if self.is_given(parameters, self.SCENES):
            source = self.feature_source(parameters, self.SCENES, context)
            world = QgsCoordinateReferenceSystem("EPSG:4326")
            scenes = write_features(source, list(SCENE_FIELDS), world, context, feedback)
        job = {
            **self.values(
                parameters,
                context,
                rasters=self.RASTERS,
                masks=self.MASKS,
                bands=self.BAND_NAMES,
                start=self.START,
                end=self.END,
                cloud_limit=self.CLOUD_LIMIT,
                mask=self.CLOUD_MASK,
                method=self.METHOD,
                grid=self.GRID,
                crs=self.CRS,
                pixel_size=self.PIXEL_SIZE,
                extent=self.EXTENT,
                nearest=self.NEAREST,
                scale=self.SCALE,
                offset=self.OFFSET,
                offset_removed=self.OFFSET_REMOVED,
                match_by_position=self.BY_POSITION,
                number_type=self.NUMBER_TYPE,
                output=self.OUTPUT,
                counts=self.COUNTS,
                report=self.REPORT,
            ),
            "scenes": scenes,
            "extent_crs": self.extent_crs(parameters, self.EXTENT, context),
            "origin": self.origin(parameters, context),
        }
        if scenes:
            configuration = self.parameterAsString(parameters, self.AUTHENTICATION, context)
            job.update(network.settings_for(_server_of(scenes), configuration))
        result = self.run_job("imagery.composite", job, feedback)
        self.style_raster(job["output"], styles.image, context, title="Cloud-free composite")
        self.style_raster(job["counts"], styles.looks, context, title="Number of clear looks")
        return {
            **self.made,
            self.USED: result["used"],
            self.LEFT_OUT: result["left_out"],
            self.CLEAR_SHARE: result["clear_share"],
            self.MEAN_LOOKS: result["mean_looks"],
        }


def _server_of(scenes: str) -> str:
    """Return the address of the first file that found scenes name, by which a proxy is chosen."""
    with open(scenes, encoding="utf-8") as file:
        rows = [feature["properties"] for feature in json.load(file)["features"]]
    found = re.search(r'"href": *"(https?://[^"]+)"', str(rows[0]["assets"])) if rows else None
    return found.group(1) if found else ""
