"""Algorithm: training of models that give elements from laboratory spectra."""

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
from gossan.processing_provider.inputs import write_samples
from gossan.processing_provider.soilspectra.spectra_parameters import SoilSpectraAlgorithm

METHODS = ("network", "PLSR", "random forest")
KEEP = ("best in validation", *METHODS)
VALIDATIONS = ("repeated cross-validation", "leave-one-area-out", "single split of the source")


class TrainSpectralModel(SoilSpectraAlgorithm):
    """Fits and validates models that give elements from the spectra of soil samples."""

    ID = "trainspectralmodel"
    NAME = "Train spectral model"
    GROUP = "soilspectra"
    TAGS = ("antimony", "spectroscopy", "CNN", "PLSR", "random forest", "soil", "MobileNet")
    DOES = (
        "Learns how the elements of soil samples follow from their laboratory spectra, by a "
        "network that reads spectrograms, by PLSR and by a random forest in the same folds, and "
        "finds out how far each can be trusted. Training and validation stand side by side, "
        "overfitting is called by its name, and a baseline on randomly dealt concentrations shows "
        "what chance alone would bring."
    )
    NEEDS = (
        "Spectra, and a table or point layer with the names of their samples and the elements. "
        "Values such as &lt;0.02, &gt;4000, n.d. and 12,5 are understood; blanks, standards, "
        "duplicates and limit rows of the laboratory are recognised and left out. The network "
        "needs the engine's part for networks."
    )
    GIVES = (
        "A model for <i>Predict elements</i>; a table of R², RMSE, RPD with its class and more for "
        "each element and method; the predictions at the samples; a report with the spectra after "
        "each step, scatter plots, learning curves and all that was left out."
    )
    SOURCE = (
        "CNN antimony quantification from soil reflectance, northern Portugal (Remote Sens. 2024, "
        "16, 1964); inverted residual blocks: Sandler and others (2018); PLSR: Wold and others "
        "(2001); random forest: Breiman (2001)."
    )

    AREA_FIELD = "AREA_FIELD"
    COVARIATES = "COVARIATES"
    METHODS = "METHODS"
    KEEP = "KEEP"
    VALIDATION = "VALIDATION"
    FOLDS = "FOLDS"
    REPEATS = "REPEATS"
    PERMUTATIONS = "PERMUTATIONS"
    OUTLIERS = "OUTLIER_LIMITS"
    DROP_ABOVE = "DROP_ABOVE"
    LOGARITHM = "LOGARITHM"
    COMPONENTS = "COMPONENTS"
    TREES = "TREES"
    EPOCHS = "EPOCHS"
    PATIENCE = "PATIENCE"
    BATCH = "BATCH"
    UNIT = "UNIT"
    PREDICTIONS = "PREDICTIONS"
    R2, RMSE, RPD = "R2_MEAN", "RMSE_MEAN", "RPD_MEAN"
    COUNT, EXCLUDED = "SAMPLE_COUNT", "EXCLUDED_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_inputs()
        self._add_validation()
        self.add_steps()
        self._add_fitting()
        self._add_outputs()

    def _add_inputs(self) -> None:
        self.add_spectra()
        self.add_samples(
            tip="Table or points with one row per sample; coordinates are not needed.",
        )
        self.add_name_field()
        self.add(
            QgsProcessingParameterField(
                self.AREA_FIELD, "Field of the areas", None, self.SAMPLES, optional=True
            ),
            "Areas (mines, valleys, campaigns) for leave-one-area-out.",
        )
        self.add(
            QgsProcessingParameterField(
                self.COVARIATES,
                "Further inputs",
                None,
                self.SAMPLES,
                QgsProcessingParameterField.DataType.Any,
                allowMultiple=True,
                optional=True,
            ),
            "Fields such as organic matter, clay or Fe that are known of new samples, too; samples "
            "without them are left out.",
            advanced=True,
        )
        self.add_choices(
            self.METHODS,
            "Methods",
            METHODS,
            "All get the same folds. The network takes by far the longest.",
        )
        self.add_choice(
            self.KEEP,
            "The model uses",
            KEEP,
            KEEP[0],
            "One method, or for each element the one that does best in validation.",
        )

    def _add_validation(self) -> None:
        self.add_choice(
            self.VALIDATION,
            "Validation",
            VALIDATIONS,
            VALIDATIONS[0],
            "Repeated cross-validation over whole samples; leave-one-area-out tells what the model "
            "is worth in a new place; the source's single split (a third held out, seed 42) is "
            "there for comparison and judges by luck.",
        )
        self.add_integer(
            self.FOLDS, "Folds", 5, "Parts of the samples in cross-validation.", least=2, most=50
        )
        self.add_integer(
            self.REPEATS,
            "Repeats",
            3,
            "How often the folds are drawn anew; scores are means over the repeats.",
            least=1,
            most=100,
        )
        self.add_integer(
            self.PERMUTATIONS,
            "Permutations",
            5,
            "How often the concentrations are dealt at random to the samples, for the baseline of "
            "what chance brings; the network gets one at most, 0 leaves it out.",
            least=0,
            most=1000,
            advanced=True,
        )

    def _add_fitting(self) -> None:
        self.add_replicates()
        self.add(
            QgsProcessingParameterString(self.OUTLIERS, "Outlier limits", None, False, True),
            "Such as Sb=1000: samples above are left out of training and validation, and listed.",
        )
        self.add_switch(
            self.LOGARITHM,
            "Fit logarithms",
            False,
            "For strongly skewed concentrations; predictions are in concentrations all the same.",
        )
        self.add_switch(
            self.DROP_ABOVE,
            "Leave out values above an upper limit",
            False,
            "Values such as &gt;4000 otherwise stay, flagged, at their limit.",
            advanced=True,
        )
        self.add_below_limit()
        self.add_integer(
            self.COMPONENTS,
            "Most components (PLSR)",
            15,
            "How many are used is chosen by cross-validation inside the training samples.",
            least=1,
            most=40,
            advanced=True,
        )
        self.add_integer(
            self.TREES, "Trees", 200, "Of each random forest.", least=1, most=10_000, advanced=True
        )
        self.add_integer(
            self.EPOCHS,
            "Epochs (network)",
            1000,
            "At most; training stops early.",
            least=1,
            most=100_000,
            advanced=True,
        )
        self.add_integer(
            self.PATIENCE,
            "Patience (network)",
            60,
            "Epochs without a better loss on held-back training samples before it stops.",
            least=1,
            advanced=True,
        )
        self.add_integer(
            self.BATCH, "Batch (network)", 64, "Spectra per step.", least=2, advanced=True
        )
        self.add(
            QgsProcessingParameterString(self.UNIT, "Unit", "mg/kg", False, True),
            "Unit of the concentrations, kept with model and predictions.",
            advanced=True,
        )
        self.add_seed()

    def _add_outputs(self) -> None:
        self.add(
            QgsProcessingParameterFileDestination(self.MODEL, "Model", "Gossan model (*.gossan)"),
            "For Predict elements and Explain spectral model.",
        )
        self.add_table(self.TABLE, "Scores", "One row per element and method.")
        self.add_features_result(
            self.PREDICTIONS,
            "Predictions at the samples",
            QgsProcessing.SourceType.TypeVector,
            "Measured, unseen predicted, residual and training value per element, and the fold; "
            "points where the samples have coordinates, else a table.",
            optional=True,
            by_default=True,
        )
        self.add_report("Scores, spectra, learning curves, what was left out and why.")
        self.add_output_numbers(
            {
                self.R2: "Mean R² of the kept methods",
                self.RMSE: "Mean RMSE of the kept methods",
                self.RPD: "Mean RPD of the kept methods",
                self.COUNT: "Samples used",
                self.EXCLUDED: "Spectra and rows left out",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        validation = self.choice(parameters, self.VALIDATION, context)
        if validation == VALIDATIONS[1] and not self.is_given(parameters, self.AREA_FIELD):
            return "Leaving out one area after the other needs a field of the areas."
        methods = self.choices(parameters, self.METHODS, context)
        keep = self.choice(parameters, self.KEEP, context)
        if not methods:
            return "Choose at least one method."
        if keep != KEEP[0] and keep not in methods:
            return f"The model is to use {keep}, which is not among the chosen methods."
        return self.spectra_problem(parameters) or self.steps_problem(parameters, context)

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        elements = self.parameterAsFields(parameters, self.ELEMENTS, context)
        covariates = self.parameterAsFields(parameters, self.COVARIATES, context)
        named = self.values(
            parameters, context, name_field=self.NAME_FIELD, area_field=self.AREA_FIELD
        )
        source = self.feature_source(parameters, self.SAMPLES, context)
        fields = [named["name_field"], *elements, *covariates, named["area_field"]]
        table, crs = write_samples(
            source, list(dict.fromkeys(filter(None, fields))), context, feedback
        )
        job = {
            **self.spectra(parameters, context),
            **named,
            "samples": table,
            "elements": elements,
            "covariates": covariates,
            **self.step_values(parameters, context),
            **self._fitting(parameters, context),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("soil_spectra.train", job, feedback)
        first = elements[0]
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

    def _fitting(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, Any]:
        """Return what says how models are fitted and validated, and where results go."""
        return self.values(
            parameters,
            context,
            methods=self.METHODS,
            keep=self.KEEP,
            validation=self.VALIDATION,
            folds=self.FOLDS,
            repeats=self.REPEATS,
            permutations=self.PERMUTATIONS,
            seed=self.SEED,
            replicates=self.REPLICATES,
            outlier_limits=self.OUTLIERS,
            lower_rule=self.BELOW_LIMIT,
            drop_above=self.DROP_ABOVE,
            log_transform=self.LOGARITHM,
            components=self.COMPONENTS,
            trees=self.TREES,
            epochs=self.EPOCHS,
            patience=self.PATIENCE,
            batch=self.BATCH,
            unit=self.UNIT,
            model=self.MODEL,
            table=self.TABLE,
            predictions=self.PREDICTIONS,
            report=self.REPORT,
        )
