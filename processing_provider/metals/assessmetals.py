"""Algorithm: assessment of a concentration map at new samples."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
)

from gossan.core.censored import LOWER_RULES
from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import temporary_file, write_points


class AssessMetals(GossanAlgorithm):
    """Compares a concentration raster with samples that its model never saw."""

    ID = "assessmetals"
    NAME = "Assess metal map"
    GROUP = "metals"
    TAGS = ("heavy metals", "accuracy", "RMSE", "RPD", "validation", "soil")
    DOES = (
        "Compares a concentration raster with samples that its model never saw, element by "
        "element. Samples in the pixels that the model was trained on are counted and named."
    )
    NEEDS = (
        "A concentration raster whose bands are named after elements, and new samples with fields "
        "of the same names."
    )
    GIVES = (
        "R² with its interval, RMSE, bias, RPD with its class and RPIQ per element, as table and "
        "report; the samples with measured and mapped values."
    )
    SOURCE = "RPIQ: Bellon-Maurel and others (2010)."

    INPUT = "INPUT"
    SAMPLES = "SAMPLES"
    ELEMENTS = "ELEMENTS"
    BELOW_LIMIT = "BELOW_LIMIT"
    TABLE = "TABLE"
    COMPARISON = "COMPARISON"
    REPORT = "REPORT"
    R2, RMSE, RPD, BIAS = "R2_MEAN", "RMSE_MEAN", "RPD_MEAN", "BIAS_MEAN"
    COUNT, EXCLUDED = "SAMPLE_COUNT", "EXCLUDED_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Concentration raster"),
            "One band per element, named after it, as Map metals makes it.",
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.SAMPLES, "New samples", [QgsProcessing.SourceType.TypeVector]
            ),
            "Sample points in any CRS, or a table with coordinate columns.",
        )
        self.add(
            QgsProcessingParameterField(
                self.ELEMENTS,
                "Elements",
                None,
                self.SAMPLES,
                QgsProcessingParameterField.DataType.Any,
                allowMultiple=True,
            ),
            "Fields with concentrations; each is compared with the band of its name.",
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
        self.add_seed()
        self.add(
            QgsProcessingParameterFileDestination(
                self.TABLE, "Scores", "CSV (*.csv)", None, True, False
            ),
            "One row per element.",
        )
        self.add(
            QgsProcessingParameterFeatureSink(
                self.COMPARISON,
                "Map at the samples",
                QgsProcessing.SourceType.TypeVectorPoint,
                None,
                True,
                False,
            ),
            "Measured and mapped value and their difference per element.",
        )
        self.add(
            QgsProcessingParameterFileDestination(self.REPORT, "Report", "HTML (*.html)"),
            "Scores, scatter plots, what was left out and why.",
        )
        self.addOutput(QgsProcessingOutputNumber(self.R2, "Mean R²"))
        self.addOutput(QgsProcessingOutputNumber(self.RMSE, "Mean RMSE"))
        self.addOutput(QgsProcessingOutputNumber(self.RPD, "Mean RPD"))
        self.addOutput(QgsProcessingOutputNumber(self.BIAS, "Mean bias"))
        self.addOutput(QgsProcessingOutputNumber(self.COUNT, "Samples used"))
        self.addOutput(QgsProcessingOutputNumber(self.EXCLUDED, "Samples left out"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        elements = self.parameterAsFields(parameters, self.ELEMENTS, context)
        crs = self.raster_crs(parameters, self.INPUT, context)
        source = self.feature_source(parameters, self.SAMPLES, context)
        wanted = self.is_wanted(parameters, self.COMPARISON, context)
        comparison = temporary_file("comparison.geojson") if wanted else ""
        files = {
            name: self.output_path(parameters, name, context) for name in (self.TABLE, self.REPORT)
        }
        result = self.run_job(
            "metals.assess",
            {
                "concentrations": self.raster_path(parameters, self.INPUT, context),
                "samples": write_points(source, elements, crs, context, feedback),
                "elements": elements,
                "lower_rule": self.choice(parameters, self.BELOW_LIMIT, context),
                "seed": self.seed(parameters, context),
                "table": files[self.TABLE],
                "predictions": comparison,
                "report": files[self.REPORT],
                "origin": self.origin(parameters, context),
            },
            feedback,
        )
        unit = result["scores"][0]["unit"]

        def style(layer: Any) -> None:
            styles.sample_residuals(layer, f"{elements[0]}_residual", unit)

        results = {
            **files,
            self.R2: result["r2_mean"],
            self.RMSE: result["rmse_mean"],
            self.RPD: result["rpd_mean"],
            self.BIAS: result["bias_mean"],
            self.COUNT: result["samples"],
            self.EXCLUDED: result["excluded"],
        }
        if wanted:
            results[self.COMPARISON] = self.features_to_sink(
                comparison,
                parameters,
                self.COMPARISON,
                crs,
                context,
                feedback,
                style=style,
                title=f"Mapped minus measured {elements[0]}",
            )
        return results
