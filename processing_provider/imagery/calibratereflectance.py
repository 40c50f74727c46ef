"""Algorithm: the numbers of an image as reflectance."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterMultipleLayers,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.imagery import styles
from gossan.processing_provider.inputs import write_points

QUANTITIES = ("automatic", "reflectance", "radiance")
CORRECTIONS = ("none", "dark object", "empirical line")


class CalibrateReflectance(GossanAlgorithm):
    """Turns digital numbers or radiance into reflectance."""

    ID = "calibratereflectance"
    NAME = "Calibrate to reflectance"
    GROUP = "imagery"
    TAGS = ("Landsat", "Sentinel-2", "MTL", "radiance", "atmospheric correction", "empirical line")
    DOES = (
        "Turns the stored numbers of an image into reflectance, 0 to 1, by Landsat's metadata, "
        "Sentinel-2's scale and offset, the gains in an ENVI header, or a table; if wanted it "
        "takes the light of the air off, by the darkest pixels of each band or by spectra "
        "measured on the ground."
    )
    NEEDS = (
        "The rasters of one scene and what tells of their numbers: Landsat's MTL file (which also "
        "finds the rasters), or a CSV table with the columns band, gain, offset and, for radiance "
        "in W/(m2 sr um), irradiance in W/(m2 um). Radiance also needs the sun's elevation and the "
        "day. The empirical line needs field spectra and points of at least two targets, one dark "
        "and one bright."
    )
    GIVES = (
        "A raster of reflectance, one band per band: of the ground for level 2 products and after "
        "the empirical line, else as seen above the air. A report tells gains, offsets and what "
        "was taken off."
    )
    SOURCE = (
        "USGS Landsat data users handbooks; Chander, Markham and Helder (2009); dark objects: "
        "Chavez (1988); empirical line: Smith and Milton (1999)."
    )

    RASTERS = "RASTERS"
    METADATA = "METADATA"
    QUANTITY = "QUANTITY"
    SUN_ELEVATION = "SUN_ELEVATION"
    DATE = "DATE"
    CORRECTION = "CORRECTION"
    DARK_SHARE = "DARK_SHARE"
    SPECTRA = "SPECTRA"
    TARGETS = "TARGETS"
    TARGET_FIELD = "TARGET_FIELD"
    OUTPUT = "OUTPUT"
    NEGATIVE, BRIGHT = "NEGATIVE_SHARE", "BRIGHT_SHARE"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_image()
        self._add_correction()
        self.add_raster_result(self.OUTPUT, "Reflectance", "One band per band of the image.")
        self.add_report("Gains, offsets, what was taken off each band.", optional=True)
        self.add_output_numbers(
            {
                self.NEGATIVE: "Share of the values below 0",
                self.BRIGHT: "Share of the values above 1",
            }
        )

    def _add_image(self) -> None:
        self.add(
            QgsProcessingParameterMultipleLayers(
                self.RASTERS, "Rasters", QgsProcessing.SourceType.TypeRaster, optional=True
            ),
            "One raster with all bands, or the files of single bands; the first one gives the "
            "grid. Empty: the files that the Landsat metadata name.",
        )
        self.add_file(
            self.METADATA,
            "Landsat metadata or table of gains",
            "Metadata and tables (*.txt *.xml *.json *.csv)",
            "The scene's ..._MTL.txt (or .xml, .json), or a CSV with the columns band, gain, "
            "offset, irradiance. Empty: what the rasters themselves tell.",
            optional=True,
        )
        self.add_choice(
            self.QUANTITY,
            "Gains lead to",
            QUANTITIES,
            QUANTITIES[0],
            "What number x gain + offset is. Automatic: radiance where table or header give the "
            "solar irradiance or only gains of radiance, else reflectance.",
            advanced=True,
        )
        self.add_decimal(
            self.SUN_ELEVATION,
            "Sun's elevation (degrees)",
            None,
            "Above the horizon, for radiance. Empty: as metadata or header say.",
            least=0.0,
            most=90.0,
            advanced=True,
        )
        day = QgsProcessingParameterDateTime.Type.Date
        self.add(
            QgsProcessingParameterDateTime(self.DATE, "Day of the image", day, None, True),
            "For the distance of the sun, for radiance. Empty: as metadata or header say.",
            advanced=True,
        )
        self.add_image_options()
        self.add_switch(
            self.COLLARS,
            "Leave out all-zero pixels",
            True,
            "Pixels that are zero in every band, as around scenes without a nodata value, count "
            "as missing.",
            advanced=True,
        )

    def _add_correction(self) -> None:
        self.add_choice(
            self.CORRECTION,
            "Correction for the air",
            CORRECTIONS,
            CORRECTIONS[0],
            "Dark object takes off what the darkest pixels shine above 1 %; the empirical line "
            "fits each band to spectra measured on the ground.",
        )
        self.add_decimal(
            self.DARK_SHARE,
            "Dark pixels (%)",
            0.1,
            "Share of the pixels that are darker than the dark object.",
            least=0.0,
            most=50.0,
            advanced=True,
        )
        self.add_library(
            self.SPECTRA,
            "Field spectra",
            "Spectra of the targets on the ground, for the empirical line.",
            optional=True,
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.TARGETS, "Targets", [QgsProcessing.SourceType.TypeVector], optional=True
            ),
            "Points on the targets in any CRS, or a table with coordinate columns.",
        )
        self.add(
            QgsProcessingParameterField(
                self.TARGET_FIELD, "Name of the spectrum", None, self.TARGETS, optional=True
            ),
            "Field of the points that names the field spectrum of their target.",
        )

    def check(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
    ) -> str:
        if not any(self.is_given(parameters, name) for name in (self.RASTERS, self.METADATA)):
            return "Rasters are needed, or the metadata of a Landsat scene."
        line = self.choice(parameters, self.CORRECTION, context) == CORRECTIONS[2]
        needed = (self.SPECTRA, self.TARGETS, self.TARGET_FIELD)
        if line and not all(self.is_given(parameters, name) for name in needed):
            return "The empirical line needs field spectra, targets and their field."
        if line and not self.is_given(parameters, self.RASTERS):
            return "The empirical line needs the rasters, whose coordinate system the targets get."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        job = {
            **self.values(
                parameters,
                context,
                rasters=self.RASTERS,
                metadata=self.METADATA,
                quantity=self.QUANTITY,
                sun_elevation=self.SUN_ELEVATION,
                date=self.DATE,
                collars=self.COLLARS,
                correction=self.CORRECTION,
                dark_share=self.DARK_SHARE,
                library=self.SPECTRA,
                target_field=self.TARGET_FIELD,
                output=self.OUTPUT,
                report=self.REPORT,
            ),
            **self.image_options(parameters, context),
            "targets": "",
            "origin": self.origin(parameters, context),
        }
        if job["correction"] == CORRECTIONS[2]:
            source = self.feature_source(parameters, self.TARGETS, context)
            crs = self.raster_crs(parameters, self.RASTERS, context)
            job["targets"] = write_points(source, [job["target_field"]], crs, context, feedback)
        result = self.run_job("imagery.calibrate", job, feedback)
        self.style_raster(job["output"], styles.image, context, title="Reflectance")
        return {
            **self.made,
            self.NEGATIVE: result["negative_share"],
            self.BRIGHT: result["bright_share"],
        }
