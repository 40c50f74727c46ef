"""Algorithm: centred log-ratio of compositions."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import write_features


class ClrTransform(GossanAlgorithm):
    """Takes the centred log-ratio of the bands of a raster or of the fields of a table."""

    ID = "clrtransform"
    NAME = "Centred log-ratio"
    GROUP = "lithology"
    TAGS = ("clr", "compositional data", "geochemistry", "closure", "oxides", "log-ratio")
    DOES = (
        "Turns the parts of a composition (oxides, elements) into logarithms of their ratio to the "
        "geometric mean of all parts. Parts of a whole move against each other because they sum to "
        "100 %; log-ratios do not, so that distances and correlations mean something. Values of "
        "zero or below are replaced by 0.65 times the smallest positive value of their part, and "
        "counted."
    )
    NEEDS = (
        "A raster with one band per part, or a table or layer with one field per part. Units may "
        "differ between parts."
    )
    GIVES = "One band <i>clr part</i> or one field <i>clr_part</i> per part."
    SOURCE = "Aitchison (1986); zeros: Martín-Fernández and others (2003)."

    OUTPUT = "OUTPUT"
    OUTPUT_TABLE = "OUTPUT_TABLE"
    PARTS, ZEROS, MISSING = "PARTS", "ZEROS", "MISSING"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Geochemical raster", optional=True),
            "One band per part of the composition. Leave it empty to transform a table only.",
        )
        self.add_bands("Bands that are parts; all when none is chosen.")
        self.add_samples(
            "Table of samples",
            "Points or a table to transform, instead of the raster or along with it.",
            "Fields that are parts. Text such as &lt;0.02 counts as zero.",
            optional=True,
        )
        self.add_raster_result(
            self.OUTPUT,
            "Log-ratios (raster)",
            "One band per part; a pixel is missing where any part is.",
            optional=True,
            by_default=True,
        )
        self.add_features_result(
            self.OUTPUT_TABLE,
            "Log-ratios (table)",
            QgsProcessing.SourceType.TypeVector,
            "The chosen fields and one more for each of them.",
            optional=True,
        )
        self.add_output_numbers(
            {
                self.PARTS: "Parts",
                self.ZEROS: "Zeros replaced",
                self.MISSING: "Pixels or rows without a result",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        raster, table = (self.is_given(parameters, name) for name in (self.INPUT, self.SAMPLES))
        if not raster and not table:
            return "Give a raster or a table of samples."
        if table and len(self.parameterAsFields(parameters, self.ELEMENTS, context)) < 2:
            return "Choose at least two fields: a log-ratio compares the parts of a composition."
        for given, result in ((raster, self.OUTPUT), (table, self.OUTPUT_TABLE)):
            if given and not self.is_wanted(parameters, result, context):
                return f"Say where to write: {self.parameterDefinition(result).description()}."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        job = {
            **self.values(parameters, context, raster=self.INPUT, bands=self.BANDS),
            "origin": self.origin(parameters, context),
        }
        if job["raster"]:
            job["output"] = self.output_path(parameters, self.OUTPUT, context)
        crs = QgsCoordinateReferenceSystem()
        if self.is_given(parameters, self.SAMPLES):
            source = self.feature_source(parameters, self.SAMPLES, context)
            crs = source.sourceCrs()
            job["fields"] = self.parameterAsFields(parameters, self.ELEMENTS, context)
            job["features"] = write_features(
                source, job["fields"], crs, context, feedback, placeless=True
            )
            job["output_features"] = self.features_path(parameters, self.OUTPUT_TABLE, context)
        result = self.run_job("lithology.clr", job, feedback)
        title = f"Centred log-ratio of {result['parts'][0]}"
        self.style_raster(job.get("output", ""), styles.difference, context, title=title)
        if "output_features" in job:
            self.features_to_sink(
                job["output_features"],
                parameters,
                self.OUTPUT_TABLE,
                crs,
                context,
                feedback,
                title="Centred log-ratios",
            )
        return {
            **self.made,
            self.PARTS: len(result["parts"]),
            self.ZEROS: result["zeros"],
            self.MISSING: result["missing"],
        }
