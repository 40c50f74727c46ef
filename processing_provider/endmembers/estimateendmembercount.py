"""Algorithm: how many endmembers a hyperspectral scene holds."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
)

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

    INPUT = "INPUT"
    MASK = "MASK"
    DROP_WATER_BANDS = "DROP_WATER_BANDS"
    COLLARS = "COLLARS"
    REPORT = "REPORT"
    HYSIME = "HYSIME"
    HFC_1E3 = "HFC_1E3"
    HFC_1E4 = "HFC_1E4"
    HFC_1E5 = "HFC_1E5"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Scene"),
            "The hyperspectral image, in reflectance (see scale and offset below).",
        )
        self.add(
            QgsProcessingParameterRasterLayer(self.MASK, "Mask", optional=True),
            "Raster on the scene's grid; pixels other than 0 are used.",
        )
        self.add_image_options()
        self.add(
            QgsProcessingParameterBoolean(
                self.DROP_WATER_BANDS, "Leave out water-vapour bands", True
            ),
            "Leaves out 1340-1460 nm and 1790-1980 nm where the scene has no list of bad bands of "
            "its own.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean(self.COLLARS, "Leave out all-zero pixels", True),
            "Pixels that are zero in every band, as around scenes without a nodata value.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.REPORT, "Report", "HTML files (*.html)", None, True
            ),
            "The numbers with their meaning, and the variance of each component.",
        )
        self.addOutput(QgsProcessingOutputNumber(self.HYSIME, "HySime"))
        self.addOutput(QgsProcessingOutputNumber(self.HFC_1E3, "HFC, false alarms 1e-3"))
        self.addOutput(QgsProcessingOutputNumber(self.HFC_1E4, "HFC, false alarms 1e-4"))
        self.addOutput(QgsProcessingOutputNumber(self.HFC_1E5, "HFC, false alarms 1e-5"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        report = self.output_path(parameters, self.REPORT, context)
        result = self.run_job(
            "endmembers.count",
            {
                "raster": self.raster_path(parameters, self.INPUT, context),
                "mask": self.raster_path(parameters, self.MASK, context),
                "drop_water_bands": self.parameterAsBool(
                    parameters, self.DROP_WATER_BANDS, context
                ),
                "collars": self.parameterAsBool(parameters, self.COLLARS, context),
                "report": report,
                "origin": self.origin(parameters, context),
                **self.image_options(parameters, context),
            },
            feedback,
        )
        outputs: dict[str, Any] = {
            self.HYSIME: result["hysime"],
            self.HFC_1E3: result["hfc_1e3"],
            self.HFC_1E4: result["hfc_1e4"],
            self.HFC_1E5: result["hfc_1e5"],
        }
        if report:
            outputs[self.REPORT] = report
        return outputs
