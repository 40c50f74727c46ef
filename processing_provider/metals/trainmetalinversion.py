"""Algorithm: training of a heavy-metal inversion from features of images and soil samples."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm

METHODS = ("random forest", "PLSR", "SVR", "gradient boosting", "mean of methods")
VALIDATIONS = ("spatial blocks", "k-fold", "leave-one-out", "hold-out", "groups")
DUPLICATES = ("average", "group")


class TrainMetalInversion(GossanAlgorithm):
    """Fits and validates a model that gives metal concentrations from image features."""

    ID = "trainmetalinversion"
    NAME = "Train metal inversion"
    GROUP = "metals"
    TAGS = ("heavy metals", "random forest", "PLSR", "SVR", "regression", "soil", "inversion")
    DOES = (
        "Learns how the concentrations of metals at soil samples follow from the bands of images, "
        "and finds out how far that can be trusted. One model per element; everything that is "
        "fitted (scaling, components, outlier limits) is fitted inside the folds, and scores pool "
        "the predictions for samples that the model had not seen."
    )
    NEEDS = (
        "One or more feature rasters (abundances, terrain, distances, any bands) and sample points "
        "with concentrations. Values such as &lt;0.02, &gt;4000, n.d. and 12,5 are understood."
    )
    GIVES = (
        "A model for <i>Map metals</i>; a table of R², RMSE, bias, RPD with its class (below 1.4 "
        "poor, to 2.0 acceptable, to 2.5 good, above excellent) and RPIQ; the predictions at the "
        "samples; a report with scatter plots, importance of features and all that was left out."
    )
    SOURCE = (
        "Random forest: Breiman (2001); blocks in space: Roberts and others (2017); intervals: "
        "Meinshausen (2006)."
    )

    METHOD = "METHOD"
    VALIDATION = "VALIDATION"
    FOLDS = "FOLDS"
    BLOCK_SIZE = "BLOCK_SIZE"
    GROUP_FIELD = "GROUP_FIELD"
    HOLD_OUT = "HOLD_OUT"
    REPEATS = "REPEATS"
    TREES = "TREES"
    LOGARITHM = "LOGARITHM"
    OUTLIER_LIMIT = "OUTLIER_LIMIT"
    DUPLICATES = "DUPLICATES"
    QUALITY_BANDS = "QUALITY_BANDS"
    UNIT = "UNIT"
    MODEL = "MODEL"
    PREDICTIONS = "PREDICTIONS"
    R2, RMSE, RPD = "R2_MEAN", "RMSE_MEAN", "RPD_MEAN"
    COUNT, EXCLUDED = "SAMPLE_COUNT", "EXCLUDED_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_inputs()
        self._add_validation()
        self._add_fitting()
        self._add_outputs()

    def _add_inputs(self) -> None:
        self.add_features(
            "Their bands are the features (but for the residual and sum of abundance rasters). The "
            "first one gives the grid; others are resampled to it."
        )
        self.add_samples()
        self.add_choice(
            self.METHOD,
            "Method",
            METHODS,
            METHODS[0],
            "Random forest needs no tuning and tells its uncertainty, but never predicts above its "
            "training maximum; PLSR and SVR can.",
        )

    def _add_validation(self) -> None:
        self.add_choice(
            self.VALIDATION,
            "Validation",
            VALIDATIONS,
            VALIDATIONS[0],
            "Blocks in space keep neighbours together and tell how good the map is away from the "
            "samples; random splits flatter.",
        )
        self.add_integer(
            self.FOLDS,
            "Folds",
            5,
            "Parts of the samples in spatial blocks, k-fold and groups; each is predicted from the "
            "others.",
            least=2,
        )
        self.add_decimal(
            self.BLOCK_SIZE,
            "Block size (map units, 0: automatic)",
            0.0,
            "Side of a spatial block; 0 gives each fold about four blocks.",
            least=0.0,
            advanced=True,
        )
        self.add(
            QgsProcessingParameterField(
                self.GROUP_FIELD, "Group field", None, self.SAMPLES, optional=True
            ),
            "Samples of one group (site, profile, campaign) are never parted; for validation by "
            "groups.",
            advanced=True,
        )
        self.add_decimal(
            self.HOLD_OUT,
            "Share held out",
            0.3,
            "Share of the samples that a hold-out tests, 0 to 1.",
            least=0.05,
            most=0.95,
            advanced=True,
        )
        self.add_integer(
            self.REPEATS,
            "Repeats",
            1,
            "How often the split is drawn anew; scores are means over the repeats.",
            least=1,
            most=100,
            advanced=True,
        )

    def _add_fitting(self) -> None:
        self.add_integer(
            self.TREES,
            "Trees",
            500,
            "Trees of a forest, rounds of boosting.",
            least=1,
            most=10_000,
            advanced=True,
        )
        self.add_switch(
            self.LOGARITHM,
            "Fit logarithms",
            False,
            "For strongly skewed concentrations; predictions are in concentrations all the same.",
            advanced=True,
        )
        self.add_decimal(
            self.OUTLIER_LIMIT,
            "Outlier limit (0: keep all)",
            0.0,
            "Training samples farther from the median than this many scaled median absolute "
            "deviations are left out of the fit, never out of the validation.",
            least=0.0,
            advanced=True,
        )
        self.add_below_limit()
        self.add_choice(
            self.DUPLICATES,
            "Samples at one place",
            DUPLICATES,
            DUPLICATES[0],
            "Average them to one sample, or keep all of them in the same fold.",
            advanced=True,
        )
        self.add_switch(
            self.QUALITY_BANDS,
            "Use residual and sum of abundance rasters",
            False,
            "The bands residual RMSE and sum tell about the unmixing, not about the ground, and "
            "are no features unless you want them.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterString(self.UNIT, "Unit", "mg/kg", False, True),
            "Unit of the concentrations, kept with model and maps.",
            advanced=True,
        )
        self.add_feature_wavelengths()
        self.add_seed()

    def _add_outputs(self) -> None:
        self.add(
            QgsProcessingParameterFileDestination(self.MODEL, "Model", "Gossan model (*.gossan)"),
            "For Map metals.",
        )
        self.add_table(self.TABLE, "Scores", "One row per element.")
        self.add_features_result(
            self.PREDICTIONS,
            "Predictions at the samples",
            QgsProcessing.SourceType.TypeVectorPoint,
            "Measured, out-of-fold predicted, residual and training value per element, and the "
            "fold.",
            optional=True,
            by_default=True,
        )
        self.add_report("Scores, scatter plots, what was left out and why.")
        self.add_output_numbers(
            {
                self.R2: "Mean R²",
                self.RMSE: "Mean RMSE",
                self.RPD: "Mean RPD",
                self.COUNT: "Samples used",
                self.EXCLUDED: "Samples left out",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        grouped = self.choice(parameters, self.VALIDATION, context) == "groups"
        if grouped and not self.is_given(parameters, self.GROUP_FIELD):
            return "Validation by groups needs a group field."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        crs = self.raster_crs(parameters, self.FEATURES, context)
        group = self.parameterAsString(parameters, self.GROUP_FIELD, context)
        job = {
            **self.values(
                parameters,
                context,
                features=self.FEATURES,
                method=self.METHOD,
                validation=self.VALIDATION,
                folds=self.FOLDS,
                block_size=self.BLOCK_SIZE,
                group_field=self.GROUP_FIELD,
                hold_out=self.HOLD_OUT,
                repeats=self.REPEATS,
                seed=self.SEED,
                trees=self.TREES,
                log_transform=self.LOGARITHM,
                outlier_limit=self.OUTLIER_LIMIT,
                lower_rule=self.BELOW_LIMIT,
                duplicates=self.DUPLICATES,
                quality_bands=self.QUALITY_BANDS,
                unit=self.UNIT,
                wavelengths=self.WAVELENGTHS,
                model=self.MODEL,
                table=self.TABLE,
                predictions=self.PREDICTIONS,
                report=self.REPORT,
            ),
            **self.samples(parameters, crs, context, feedback, more=[group] if group else []),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("metals.train", job, feedback)
        first = job["elements"][0]
        self.features_to_sink(
            job["predictions"],
            parameters,
            self.PREDICTIONS,
            crs,
            context,
            feedback,
            style=partial(styles.sample_residuals, field=f"{first}_residual", unit=job["unit"]),
            title=f"Residuals of {first} at the samples",
        )
        return {
            **self.made,
            self.R2: result["r2_mean"],
            self.RMSE: result["rmse_mean"],
            self.RPD: result["rpd_mean"],
            self.COUNT: result["samples"],
            self.EXCLUDED: result["excluded"],
        }
