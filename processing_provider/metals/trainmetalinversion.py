"""Algorithm: training of a heavy-metal inversion from features of images and soil samples."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from gossan.core.censored import LOWER_RULES
from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import temporary_file, write_points

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

    FEATURES = "FEATURES"
    SAMPLES = "SAMPLES"
    ELEMENTS = "ELEMENTS"
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
    BELOW_LIMIT = "BELOW_LIMIT"
    DUPLICATES = "DUPLICATES"
    QUALITY_BANDS = "QUALITY_BANDS"
    UNIT = "UNIT"
    MODEL = "MODEL"
    TABLE = "TABLE"
    PREDICTIONS = "PREDICTIONS"
    REPORT = "REPORT"
    R2, RMSE, RPD = "R2_MEAN", "RMSE_MEAN", "RPD_MEAN"
    COUNT, EXCLUDED = "SAMPLE_COUNT", "EXCLUDED_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_inputs()
        self._add_validation()
        self._add_fitting()
        self._add_outputs()

    def _add_inputs(self) -> None:
        self.add(
            QgsProcessingParameterMultipleLayers(
                self.FEATURES, "Feature rasters", QgsProcessing.SourceType.TypeRaster
            ),
            "Their bands are the features (but for the residual and sum of abundance rasters). The "
            "first one gives the grid; others are resampled to it.",
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.SAMPLES, "Samples", [QgsProcessing.SourceType.TypeVector]
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
            "Fields with concentrations, as numbers or as text such as <0.02.",
        )
        self.add_choice(
            self.METHOD,
            "Method",
            METHODS,
            METHODS[0],
            "Random forest needs no tuning and tells its uncertainty, but never predicts above its "
            "training maximum; PLSR and SVR can.",
        )

    def _add_validation(self) -> None:
        integer = QgsProcessingParameterNumber.Type.Integer
        double = QgsProcessingParameterNumber.Type.Double
        self.add_choice(
            self.VALIDATION,
            "Validation",
            VALIDATIONS,
            VALIDATIONS[0],
            "Blocks in space keep neighbours together and tell how good the map is away from the "
            "samples; random splits flatter.",
        )
        self.add(
            QgsProcessingParameterNumber(self.FOLDS, "Folds", integer, 5, False, 2),
            "For spatial blocks, k-fold and groups.",
        )
        self.add(
            QgsProcessingParameterNumber(
                self.BLOCK_SIZE, "Block size (map units, 0: automatic)", double, 0.0, False, 0.0
            ),
            "Side of a spatial block; 0 gives each fold about four blocks.",
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
        self.add(
            QgsProcessingParameterNumber(
                self.HOLD_OUT, "Share held out", double, 0.3, False, 0.05, 0.95
            ),
            "Share of the samples that a hold-out tests, 0 to 1.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(self.REPEATS, "Repeats", integer, 1, False, 1, 100),
            "How often the split is drawn anew; scores are means over the repeats.",
            advanced=True,
        )

    def _add_fitting(self) -> None:
        integer = QgsProcessingParameterNumber.Type.Integer
        double = QgsProcessingParameterNumber.Type.Double
        self.add(
            QgsProcessingParameterNumber(self.TREES, "Trees", integer, 500, False, 1, 10_000),
            "Trees of a forest, rounds of boosting.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean(self.LOGARITHM, "Fit logarithms", False),
            "For strongly skewed concentrations; predictions are in concentrations all the same.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(
                self.OUTLIER_LIMIT, "Outlier limit (0: keep all)", double, 0.0, False, 0.0
            ),
            "Training samples farther from the median than this many scaled median absolute "
            "deviations are left out of the fit, never out of the validation.",
            advanced=True,
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
        self.add_choice(
            self.DUPLICATES,
            "Samples at one place",
            DUPLICATES,
            DUPLICATES[0],
            "Average them to one sample, or keep all of them in the same fold.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean(
                self.QUALITY_BANDS, "Use residual and sum of abundance rasters", False
            ),
            "The bands residual RMSE and sum tell about the unmixing, not about the ground, and "
            "are no features unless you want them.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterString(self.UNIT, "Unit", "mg/kg", False, True),
            "Unit of the concentrations, kept with model and maps.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterFile(
                self.WAVELENGTHS,
                "Wavelengths (CSV)",
                QgsProcessingParameterFile.Behavior.File,
                fileFilter="CSV tables (*.csv);;All files (*)",
                optional=True,
            ),
            "Centre wavelengths of the bands of the first raster, where its metadata lack them.",
            advanced=True,
        )
        self.add_seed()

    def _add_outputs(self) -> None:
        self.add(
            QgsProcessingParameterFileDestination(self.MODEL, "Model", "Gossan model (*.gossan)"),
            "For Map metals.",
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.TABLE, "Scores", "CSV (*.csv)", None, True, False
            ),
            "One row per element.",
        )
        self.add(
            QgsProcessingParameterFeatureSink(
                self.PREDICTIONS,
                "Predictions at the samples",
                QgsProcessing.SourceType.TypeVectorPoint,
                None,
                True,
            ),
            "Measured, out-of-fold predicted, residual and training value per element, and the "
            "fold.",
        )
        self.add(
            QgsProcessingParameterFileDestination(self.REPORT, "Report", "HTML (*.html)"),
            "Scores, scatter plots, what was left out and why.",
        )
        self.addOutput(QgsProcessingOutputNumber(self.R2, "Mean R²"))
        self.addOutput(QgsProcessingOutputNumber(self.RMSE, "Mean RMSE"))
        self.addOutput(QgsProcessingOutputNumber(self.RPD, "Mean RPD"))
        self.addOutput(QgsProcessingOutputNumber(self.COUNT, "Samples used"))
        self.addOutput(QgsProcessingOutputNumber(self.EXCLUDED, "Samples left out"))

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
        elements = self.parameterAsFields(parameters, self.ELEMENTS, context)
        group = self.parameterAsString(parameters, self.GROUP_FIELD, context)
        crs = self.raster_crs(parameters, self.FEATURES, context)
        features = self.raster_paths(parameters, self.FEATURES, context)
        source = self.feature_source(parameters, self.SAMPLES, context)
        fields = list(dict.fromkeys([*elements, *([group] if group else [])]))
        wanted = self.is_wanted(parameters, self.PREDICTIONS, context)
        predictions = temporary_file("predictions.geojson") if wanted else ""
        files = {
            name: self.output_path(parameters, name, context)
            for name in (self.MODEL, self.TABLE, self.REPORT)
        }
        result = self.run_job(
            "metals.train",
            {
                "features": features,
                "samples": write_points(source, fields, crs, context, feedback),
                "elements": elements,
                "method": self.choice(parameters, self.METHOD, context),
                "validation": self.choice(parameters, self.VALIDATION, context),
                "folds": self.parameterAsInt(parameters, self.FOLDS, context),
                "block_size": self.parameterAsDouble(parameters, self.BLOCK_SIZE, context),
                "group_field": group,
                "hold_out": self.parameterAsDouble(parameters, self.HOLD_OUT, context),
                "repeats": self.parameterAsInt(parameters, self.REPEATS, context),
                "seed": self.seed(parameters, context),
                "trees": self.parameterAsInt(parameters, self.TREES, context),
                "log_transform": self.parameterAsBool(parameters, self.LOGARITHM, context),
                "outlier_limit": self.parameterAsDouble(parameters, self.OUTLIER_LIMIT, context),
                "lower_rule": self.choice(parameters, self.BELOW_LIMIT, context),
                "duplicates": self.choice(parameters, self.DUPLICATES, context),
                "quality_bands": self.parameterAsBool(parameters, self.QUALITY_BANDS, context),
                "unit": self.parameterAsString(parameters, self.UNIT, context),
                "wavelengths": self.file_path(parameters, self.WAVELENGTHS, context),
                "model": files[self.MODEL],
                "table": files[self.TABLE],
                "predictions": predictions,
                "report": files[self.REPORT],
                "origin": self.origin(parameters, context),
            },
            feedback,
        )
        unit = self.parameterAsString(parameters, self.UNIT, context)

        def style(layer: Any) -> None:
            styles.sample_residuals(layer, f"{elements[0]}_residual", unit)

        results = {
            **files,
            self.R2: result["r2_mean"],
            self.RMSE: result["rmse_mean"],
            self.RPD: result["rpd_mean"],
            self.COUNT: result["samples"],
            self.EXCLUDED: result["excluded"],
        }
        if wanted:
            results[self.PREDICTIONS] = self.features_to_sink(
                predictions,
                parameters,
                self.PREDICTIONS,
                crs,
                context,
                feedback,
                style=style,
                title=f"Residuals of {elements[0]} at the samples",
            )
        return results
