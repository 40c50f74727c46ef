"""Algorithm: where along the wavelength a spectral model looks."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from gossan.processing_provider.soilspectra.spectra_parameters import SoilSpectraAlgorithm

METHODS = ("occlusion", "Shapley values")


class ExplainSpectralModel(SoilSpectraAlgorithm):
    """Finds the importance of each wavelength for a model's predictions."""

    ID = "explainspectralmodel"
    NAME = "Explain spectral model"
    GROUP = "soilspectra"
    TAGS = ("importance", "occlusion", "SHAP", "spectroscopy", "absorption", "soil")
    DOES = (
        "Finds at which wavelengths a spectral model looks: stretches of the spectra are replaced "
        "by the mean of the training, and the change of the prediction is their importance. It is "
        "drawn over the mean spectrum with the known absorptions of iron oxides, water, Al-OH and "
        "carbonate named."
    )
    NEEDS = "A model of <i>Train spectral model</i> and spectra, best those that it was trained on."
    GIVES = (
        "A table of importance per wavelength and element, in the element's unit, and a report "
        "with its figures and the part of each absorption region."
    )
    SOURCE = (
        "Occlusion: Zeiler and Fergus (2014); sampled Shapley values: Strumbelj and Kononenko "
        "(2014); absorptions: Hunt (1977), Clark (1999)."
    )

    METHOD = "METHOD"
    WIDTH = "WIDTH"
    MOST = "MOST_SAMPLES"
    COUNT = "SAMPLE_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_spectra()
        self.add_model()
        self.add_places()
        self.add_choice(
            self.METHOD,
            "Method",
            METHODS,
            METHODS[0],
            "Occlusion hides one stretch of the whole spectrum; Shapley values average over all "
            "orders of adding stretches, which is fairer where they share what they tell, and "
            "slower.",
        )
        self.add_decimal(
            self.WIDTH,
            "Width of a stretch (nm)",
            25.0,
            "Narrow ones tell more exactly where, wide ones are less noisy.",
            least=1.0,
            most=500.0,
        )
        self.add_integer(
            self.MOST,
            "Samples at most",
            60,
            "Drawn at random where there are more.",
            least=1,
            advanced=True,
        )
        self.add_seed()
        self.add_table(
            self.TABLE,
            "Importance",
            "One row per wavelength, a column per element.",
            optional=False,
        )
        self.add_report("Importance over the mean spectrum, absorption regions.")
        self.add_output_numbers({self.COUNT: "Samples looked at"})

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
        places, _ = self.places(parameters, context, feedback)
        job = {
            **self.spectra(parameters, context),
            **places,
            **self.values(
                parameters,
                context,
                model=self.MODEL,
                method=self.METHOD,
                width=self.WIDTH,
                most=self.MOST,
                seed=self.SEED,
                table=self.TABLE,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("soil_spectra.explain", job, feedback)
        return {**self.made, self.COUNT: result["samples"]}
