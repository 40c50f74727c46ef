"""Algorithm: pre-processing of laboratory spectra."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from gossan.processing_provider.soilspectra.spectra_parameters import SoilSpectraAlgorithm


class PreprocessSpectra(SoilSpectraAlgorithm):
    """Turns laboratory reflectance into what models learn from."""

    ID = "preprocessspectra"
    NAME = "Pre-process laboratory spectra"
    GROUP = "soilspectra"
    TAGS = ("spectroscopy", "continuum removal", "Savitzky-Golay", "derivative", "soil", "ASD")
    DOES = (
        "Brings laboratory spectra to one grid, leaves out what is no sample (blanks, standards, "
        "white panels) or cannot be used (saturated, negative, incomplete), averages replicates, "
        "and takes the chosen steps in the chosen order."
    )
    NEEDS = (
        "Reflectance of soil samples: a table, an ENVI library, or a folder of texts. Grids may "
        "differ; percent and micrometres are recognised and said so."
    )
    GIVES = (
        "A spectral library of the result, with the sample as class, and a report with a picture "
        "of the spectra after each step and the list of all that was left out."
    )
    SOURCE = (
        "Order of the steps: CNN antimony quantification from soil reflectance, northern Portugal "
        "(Remote Sens. 2024, 16, 1964), with absorbance after continuum removal; hull: Clark and "
        "Roush (1984); smoothing: Savitzky and Golay (1964); snv, detrend: Barnes and "
        "others (1989)."
    )

    OUTPUT = "OUTPUT"
    COUNT, SAMPLE_COUNT, BAND_COUNT, EXCLUDED = (
        "SPECTRUM_COUNT",
        "SAMPLE_COUNT",
        "BAND_COUNT",
        "EXCLUDED_COUNT",
    )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_spectra()
        self.add_steps()
        self.add_replicates()
        self.add_library_result(
            self.OUTPUT,
            "Pre-processed spectra",
            "ENVI library (.sli with .hdr) or CSV table, by the ending of its name.",
        )
        self.add_report("The spectra after each step, and what was left out.")
        self.add_output_numbers(
            {
                self.COUNT: "Spectra",
                self.SAMPLE_COUNT: "Samples",
                self.BAND_COUNT: "Bands",
                self.EXCLUDED: "Spectra left out",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        return self.spectra_problem(parameters) or self.steps_problem(parameters, context)

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        job = {
            **self.spectra(parameters, context),
            **self.step_values(parameters, context),
            **self.values(
                parameters,
                context,
                replicates=self.REPLICATES,
                output=self.OUTPUT,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("soil_spectra.preprocess", job, feedback)
        return {
            **self.made,
            self.COUNT: result["spectra"],
            self.SAMPLE_COUNT: result["samples"],
            self.BAND_COUNT: result["bands"],
            self.EXCLUDED: result["excluded"],
        }
