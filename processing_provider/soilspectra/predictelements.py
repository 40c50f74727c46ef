"""Algorithm: elements of samples from their laboratory spectra, by a trained model."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingFeedback

from gossan.processing_provider.soilspectra import styles
from gossan.processing_provider.soilspectra.spectra_parameters import SoilSpectraAlgorithm


class PredictElements(SoilSpectraAlgorithm):
    """Predicts elements from spectra, with interval and applicability."""

    ID = "predictelements"
    NAME = "Predict elements"
    GROUP = "soilspectra"
    TAGS = ("antimony", "spectroscopy", "prediction", "soil", "applicability")
    DOES = (
        "Predicts the elements of a spectral model from new laboratory spectra, with an interval "
        "for nine of ten values, and says for each spectrum whether it is like those that the "
        "model was trained on. Runs wherever the engine runs, also without its part for networks."
    )
    NEEDS = (
        "Spectra that cover the model's wavelengths (another grid is resampled, a narrower range "
        "refused) and a model of <i>Train spectral model</i>. For points: a layer of the samples; "
        "also where the model has further inputs."
    )
    GIVES = (
        "Points (a table where no coordinates are known) with value, lower and upper bound per "
        "element, applicability and distance from the training spectra, ready for QGIS's own "
        "interpolation; the same as CSV; a report."
    )
    SOURCE = (
        "CNN antimony quantification from soil reflectance, northern Portugal (Remote Sens. 2024, "
        "16, 1964); applicability: Jackson and Mudholkar (1979)."
    )

    PREDICTIONS = "PREDICTIONS"
    COUNT, OUTSIDE, EXCLUDED = "COUNT", "OUTSIDE_COUNT", "EXCLUDED_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_spectra()
        self.add_model()
        self.add_places()
        self.add_replicates()
        self.add_features_result(
            self.PREDICTIONS,
            "Predicted elements",
            QgsProcessing.SourceType.TypeVector,
            "One feature per sample (per spectrum where replicates are kept): value, bounds, "
            "applicability, distance (above 1: unlike the training spectra).",
        )
        self.add_table(self.TABLE, "Table of predictions", "The same as CSV, with units.")
        self.add_report(
            "What was predicted, where the model applies, its validation.", optional=True
        )
        self.add_output_numbers(
            {
                self.COUNT: "Predictions",
                self.OUTSIDE: "Unlike the training spectra",
                self.EXCLUDED: "Spectra left out",
            }
        )

    def check(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,  # noqa: ARG002
    ) -> str:
        return self.spectra_problem(parameters) or self.places_problem(parameters)

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        places, crs = self.places(parameters, context, feedback)
        job = {
            **self.spectra(parameters, context),
            **places,
            **self.values(
                parameters,
                context,
                model=self.MODEL,
                replicates=self.REPLICATES,
                predictions=self.PREDICTIONS,
                table=self.TABLE,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("soil_spectra.predict", job, feedback)
        first = result["elements"][0]
        self.features_to_sink(
            job["predictions"],
            parameters,
            self.PREDICTIONS,
            crs,
            context,
            feedback,
            style=partial(styles.predicted_points, field=first["name"], unit=first["unit"]),
            title=f"{first['name']} from spectra",
        )
        return {
            **self.made,
            self.COUNT: result["count"],
            self.OUTSIDE: result["outside"],
            self.EXCLUDED: result["excluded"],
        }
