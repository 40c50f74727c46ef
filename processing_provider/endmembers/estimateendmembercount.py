"""Algorithm: how many endmembers a hyperspectral scene holds."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from gossan.processing_provider.algorithm import GossanAlgorithm


class EstimateEndmemberCount(GossanAlgorithm):
    """Counts the signals of a scene by HySime and HFC."""

    ID = "estimateendmembercount"
    NAME = "Estimate number of endmembers"
    GROUP = "endmembers"
    TAGS = ("unmixing", "HySime", "HFC", "virtual dimensionality", "hyperspectral")
    DOES = (
        "Estimates how many endmembers a scene holds. HySime finds the dimensions in which signal "
        "outweighs the noise that neighbouring bands cannot predict; HFC counts the eigenvalues "
        "that the scene's mean raises, at false-alarm rates of 1e-3, 1e-4 and 1e-5. Take them for "
        "a range: HFC grows with the number of pixels, and both take stripes and other systematic "
        "errors for signal."
    )
    NEEDS = "A hyperspectral scene with more valid pixels than bands."
    GIVES = "The numbers, and a report with the variance of each principal component."
    SOURCE = (
        "Bioucas-Dias and Nascimento (2008) for HySime; Harsanyi, Farrand and Chang (1993) and "
        "Chang and Du (2004) for HFC."
    )

    HYSIME = "HYSIME"
    HFC_1E3 = "HFC_1E3"
    HFC_1E4 = "HFC_1E4"
    HFC_1E5 = "HFC_1E5"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_scene()
        self.add_mask()
        self.add_image_options()
        self.add_pixel_options()
        self.add_report(
            "The numbers with their meaning, and the variance of each component.",
            optional=True,
            by_default=True,
        )
        self.add_output_numbers(
            {
                self.HYSIME: "HySime",
                self.HFC_1E3: "HFC, false alarms 1e-3",
                self.HFC_1E4: "HFC, false alarms 1e-4",
                self.HFC_1E5: "HFC, false alarms 1e-5",
            }
        )

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        job = {
            **self.scene(parameters, context),
            **self.values(parameters, context, mask=self.MASK, report=self.REPORT),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("endmembers.count", job, feedback)
        return {
            **self.made,
            self.HYSIME: result["hysime"],
            self.HFC_1E3: result["hfc_1e3"],
            self.HFC_1E4: result["hfc_1e4"],
            self.HFC_1E5: result["hfc_1e5"],
        }
