"""Algorithm: descriptive statistics and correlations of element concentrations."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBand,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import write_table

LOWER_RULES = ("half", "limit", "zero", "missing")


class CorrelateMetals(GossanAlgorithm):
    """Describes and correlates the elements of a raster or of a table of samples."""

    ID = "correlatemetals"
    NAME = "Correlate metals"
    GROUP = "metals"
    TAGS = ("statistics", "Pearson", "correlation", "heat map", "geochemistry", "soil")
    DOES = (
        "Gives the descriptive statistics of element concentrations and the Pearson correlation "
        "of every pair of elements. Over a raster, all pixels that are valid in every chosen "
        "band count, exactly, however large the raster is."
    )
    NEEDS = (
        "Either a concentration raster (one band per element) or a layer or table of samples with "
        "one field per element; values such as &lt;0.02 and &gt;4000 are understood."
    )
    GIVES = "A table of statistics, the correlation matrix, and a report with a heat map."
    SOURCE = "Pearson (1895); streaming co-moments after Chan, Golub and LeVeque (1983)."

    INPUT = "INPUT"
    BANDS = "BANDS"
    SAMPLES = "SAMPLES"
    ELEMENTS = "ELEMENTS"
    BELOW_LIMIT = "BELOW_LIMIT"
    TABLE = "TABLE"
    MATRIX = "MATRIX"
    REPORT = "REPORT"
    COUNT = "COUNT"
    STRONGEST = "STRONGEST"
    STRONGEST_R = "STRONGEST_R"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Concentration raster", optional=True),
            "One band per element. Give this or samples, not both.",
        )
        self.add(
            QgsProcessingParameterBand(
                self.BANDS, "Bands", None, self.INPUT, optional=True, allowMultiple=True
            ),
            "Bands to describe; all when none is chosen.",
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.SAMPLES, "Samples", [QgsProcessing.SourceType.TypeVector], optional=True
            ),
            "Layer or table with one row per sample, in place of a raster.",
        )
        self.add(
            QgsProcessingParameterField(
                self.ELEMENTS,
                "Elements",
                None,
                self.SAMPLES,
                QgsProcessingParameterField.DataType.Any,
                allowMultiple=True,
                optional=True,
            ),
            "Fields of the samples that hold concentrations.",
        )
        self.add_choice(
            self.BELOW_LIMIT,
            "Values below the detection limit count as",
            LOWER_RULES,
            LOWER_RULES[0],
            "Half of the limit, the limit, zero, or missing. Values above an upper limit count "
            "as that limit; the report says how many.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.TABLE, "Statistics", "CSV (*.csv)", None, True, False
            ),
            "One row per element: count, quartiles, mean, standard deviation, skewness, kurtosis.",
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.MATRIX, "Correlation matrix", "CSV (*.csv)", None, True, False
            ),
            "Pearson's r of each pair of elements.",
        )
        self.add(
            QgsProcessingParameterFileDestination(self.REPORT, "Report", "HTML (*.html)"),
            "Statistics and heat map as one page.",
        )
        self.addOutput(QgsProcessingOutputNumber(self.COUNT, "Complete observations"))
        self.addOutput(QgsProcessingOutputString(self.STRONGEST, "Most correlated pair"))
        self.addOutput(QgsProcessingOutputNumber(self.STRONGEST_R, "Its correlation"))

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        raster = self.is_given(parameters, self.INPUT)
        samples = self.is_given(parameters, self.SAMPLES)
        if raster == samples:
            return "Give either a concentration raster or samples, not both."
        if samples and not self.parameterAsFields(parameters, self.ELEMENTS, context):
            return "Choose at least one field of the samples under Elements."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        elements, samples = [], ""
        if self.is_given(parameters, self.SAMPLES):
            elements = self.parameterAsFields(parameters, self.ELEMENTS, context)
            source = self.feature_source(parameters, self.SAMPLES, context)
            samples = write_table(source, elements, feedback)
        outputs = {
            name: self.output_path(parameters, name, context)
            for name in (self.TABLE, self.MATRIX, self.REPORT)
        }
        result = self.run_job(
            "metals.correlate",
            {
                "raster": self.raster_path(parameters, self.INPUT, context),
                "bands": self.parameterAsInts(parameters, self.BANDS, context),
                "samples": samples,
                "elements": elements,
                "lower_rule": self.choice(parameters, self.BELOW_LIMIT, context),
                "table": outputs[self.TABLE],
                "matrix": outputs[self.MATRIX],
                "report": outputs[self.REPORT],
                "origin": self.origin(parameters, context),
            },
            feedback,
        )
        return {
            **outputs,
            self.COUNT: result["count"],
            self.STRONGEST: result["strongest"],
            self.STRONGEST_R: result["strongest_r"],
        }
