"""Algorithm: assessment of a concentration map at new samples."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingFeedback

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm


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

    COMPARISON = "COMPARISON"
    R2, RMSE, RPD, BIAS = "R2_MEAN", "RMSE_MEAN", "RPD_MEAN", "BIAS_MEAN"
    COUNT, EXCLUDED = "SAMPLE_COUNT", "EXCLUDED_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_concentrations("One band per element, named after it, as Map metals makes it.")
        self.add_samples(
            "New samples",
            elements_tip="Fields with concentrations; each is compared with the band of its name.",
        )
        self.add_below_limit()
        self.add_seed()
        self.add_table(self.TABLE, "Scores", "One row per element.")
        self.add_features_result(
            self.COMPARISON,
            "Map at the samples",
            QgsProcessing.SourceType.TypeVectorPoint,
            "Measured and mapped value and their difference per element.",
            optional=True,
        )
        self.add_report("Scores, scatter plots, what was left out and why.")
        self.add_output_numbers(
            {
                self.R2: "Mean R²",
                self.RMSE: "Mean RMSE",
                self.RPD: "Mean RPD",
                self.BIAS: "Mean bias",
                self.COUNT: "Samples used",
                self.EXCLUDED: "Samples left out",
            }
        )

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        crs = self.raster_crs(parameters, self.INPUT, context)
        job = {
            **self.values(
                parameters,
                context,
                concentrations=self.INPUT,
                lower_rule=self.BELOW_LIMIT,
                seed=self.SEED,
                table=self.TABLE,
                predictions=self.COMPARISON,
                report=self.REPORT,
            ),
            **self.samples(parameters, crs, context, feedback),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("metals.assess", job, feedback)
        first = job["elements"][0]
        unit = result["scores"][0]["unit"]
        self.features_to_sink(
            job["predictions"],
            parameters,
            self.COMPARISON,
            crs,
            context,
            feedback,
            style=partial(styles.sample_residuals, field=f"{first}_residual", unit=unit),
            title=f"Mapped minus measured {first}",
        )
        return {
            **self.made,
            self.R2: result["r2_mean"],
            self.RMSE: result["rmse_mean"],
            self.RPD: result["rpd_mean"],
            self.BIAS: result["bias_mean"],
            self.COUNT: result["samples"],
            self.EXCLUDED: result["excluded"],
        }
