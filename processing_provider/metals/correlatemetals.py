"""Algorithm: descriptive statistics and correlations of element concentrations."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingOutputString

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import write_table


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

    MATRIX = "MATRIX"
    COUNT = "COUNT"
    STRONGEST = "STRONGEST"
    STRONGEST_R = "STRONGEST_R"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_concentrations(
            "One band per element. Give this or samples, not both.", optional=True
        )
        self.add_bands("Bands to describe; all when none is chosen.")
        self.add_samples(
            tip="Layer or table with one row per sample, in place of a raster.", optional=True
        )
        self.add_below_limit()
        self.add_table(
            self.TABLE,
            "Statistics",
            "One row per element: count, quartiles, mean, standard deviation, skewness, kurtosis.",
        )
        self.add_table(self.MATRIX, "Correlation matrix", "Pearson's r of each pair of elements.")
        self.add_report("Statistics and heat map as one page.")
        self.add_output_numbers({self.COUNT: "Complete observations"})
        self.addOutput(QgsProcessingOutputString(self.STRONGEST, "Most correlated pair"))
        self.add_output_numbers({self.STRONGEST_R: "Its correlation"})

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
        job = {
            **self.values(
                parameters,
                context,
                raster=self.INPUT,
                bands=self.BANDS,
                lower_rule=self.BELOW_LIMIT,
                table=self.TABLE,
                matrix=self.MATRIX,
                report=self.REPORT,
            ),
            **self._table_of_samples(parameters, context, feedback),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("metals.correlate", job, feedback)
        return {
            **self.made,
            self.COUNT: result["count"],
            self.STRONGEST: result["strongest"],
            self.STRONGEST_R: result["strongest_r"],
        }

    def _table_of_samples(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Return ``samples`` and ``elements``; where the samples lie does not matter here."""
        if not self.is_given(parameters, self.SAMPLES):
            return {"samples": "", "elements": []}
        elements = self.parameterAsFields(parameters, self.ELEMENTS, context)
        source = self.feature_source(parameters, self.SAMPLES, context)
        return {"samples": write_table(source, elements, feedback), "elements": elements}
