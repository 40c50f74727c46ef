"""Algorithm: maps of metal concentrations from feature rasters and a trained model."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterBand,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm

UNCERTAINTIES = ("standard deviation", "interval")
APPLICABILITY = {1: "model applies", 2: "outside the training range", 3: "vegetation"}


class MapMetals(GossanAlgorithm):
    """Maps metal concentrations with uncertainty and where the model applies."""

    ID = "mapmetals"
    NAME = "Map metals"
    GROUP = "metals"
    TAGS = ("heavy metals", "concentration", "prediction", "uncertainty", "exceedance", "soil")
    DOES = (
        "Maps the concentration of each element of a trained model, how uncertain it is, how "
        "probably it exceeds a limit, and where the model does not apply: outside the range of "
        "what it was trained on, or under vegetation."
    )
    NEEDS = (
        "A model of <i>Train metal inversion</i> and the feature rasters that it was trained on, "
        "or the same of another area. Bands are matched by name, else by wavelength."
    )
    GIVES = (
        "A concentration raster with one band per element; if wanted uncertainty, probability of "
        "exceeding limits, an applicability raster and a report. A forest cannot predict above its "
        "training maximum; the log says where the map touches it."
    )
    SOURCE = "Random forest: Breiman (2001); its conditional distribution: Meinshausen (2006)."

    MODEL = "MODEL"
    UNCERTAINTY_KIND = "UNCERTAINTY_KIND"
    LIMITS = "LIMITS"
    TOLERANCE = "TOLERANCE"
    MASK = "MASK"
    VEGETATION = "VEGETATION"
    VEGETATION_BAND = "VEGETATION_BAND"
    VEGETATION_LIMIT = "VEGETATION_LIMIT"
    OUTPUT = "OUTPUT"
    UNCERTAINTY = "UNCERTAINTY"
    EXCEEDANCE = "EXCEEDANCE"
    APPLICABILITY = "APPLICABILITY"
    OUTSIDE_SHARE, VEGETATION_SHARE = "OUTSIDE_SHARE", "VEGETATION_SHARE"
    COUNT = "PIXEL_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_inputs()
        self._add_applicability()
        self._add_outputs()

    def _add_inputs(self) -> None:
        self.add_features(
            "The rasters that the model was trained on, or the same of another area; the first one "
            "gives the grid."
        )
        self.add_file(self.MODEL, "Model", "Gossan model (*.gossan)", "From Train metal inversion.")
        self.add(
            QgsProcessingParameterString(self.LIMITS, "Limits", None, False, True),
            "Limits such as Pb=100; As=20 in the unit of the model, for the probability of "
            "exceeding them.",
        )
        self.add_choice(
            self.UNCERTAINTY_KIND,
            "Uncertainty as",
            UNCERTAINTIES,
            UNCERTAINTIES[0],
            "Standard deviation, or the bounds that hold nine of ten values (slower). Across the "
            "trees of a forest; from the validation residuals of other methods.",
            advanced=True,
        )
        self.add_by_position(
            "Takes the bands in their order where neither names nor wavelengths agree; only if "
            "you know that the order is the same."
        )
        self.add_feature_wavelengths()

    def _add_applicability(self) -> None:
        self.add(
            QgsProcessingParameterRasterLayer(self.VEGETATION, "Vegetation", optional=True),
            "Abundance of vegetation or NDVI: where it is high, the soil is hidden.",
        )
        self.add(
            QgsProcessingParameterBand(
                self.VEGETATION_BAND, "Vegetation band", 1, self.VEGETATION, optional=True
            ),
            "Which band of the vegetation raster counts.",
        )
        self.add_decimal(
            self.VEGETATION_LIMIT,
            "Vegetation limit",
            0.5,
            "Above this value the model does not apply.",
        )
        self.add_decimal(
            self.TOLERANCE,
            "Tolerance around the training range",
            0.05,
            "How far a feature may leave the range of the training samples, as a share of it.",
            least=0.0,
            advanced=True,
        )
        self.add_switch(
            self.MASK,
            "Leave out where it does not apply",
            True,
            "Otherwise these pixels are mapped too, and only the applicability raster tells them.",
            advanced=True,
        )

    def _add_outputs(self) -> None:
        self.add_raster_result(
            self.OUTPUT, "Concentrations", "One band per element, in the unit of the model."
        )
        self.add_raster_result(
            self.UNCERTAINTY,
            "Uncertainty",
            "One band per element, two for intervals, in the unit of the model.",
            optional=True,
        )
        self.add_raster_result(
            self.EXCEEDANCE,
            "Probability of exceeding the limits",
            "One band per element with a limit, 0 to 1.",
            optional=True,
        )
        self.add_raster_result(
            self.APPLICABILITY,
            "Applicability",
            "1 applies, 2 outside the training range, 3 vegetation, 0 no data.",
            optional=True,
        )
        self.add_report(
            "Concentrations, where the model applies, the model's own validation.", optional=True
        )
        self.add_output_numbers(
            {
                self.COUNT: "Pixels mapped",
                self.OUTSIDE_SHARE: "Share outside the range",
                self.VEGETATION_SHARE: "Share under vegetation",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        exceedance = self.is_wanted(parameters, self.EXCEEDANCE, context)
        if exceedance and not self.is_given(parameters, self.LIMITS):
            return "The probability of exceeding limits needs limits, such as Pb=100; As=20."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        job = {
            **self.values(
                parameters,
                context,
                features=self.FEATURES,
                model=self.MODEL,
                uncertainty_kind=self.UNCERTAINTY_KIND,
                limits=self.LIMITS,
                tolerance=self.TOLERANCE,
                mask_outside=self.MASK,
                vegetation=self.VEGETATION,
                vegetation_band=self.VEGETATION_BAND,
                vegetation_limit=self.VEGETATION_LIMIT,
                by_position=self.BY_POSITION,
                wavelengths=self.WAVELENGTHS,
                concentrations=self.OUTPUT,
                uncertainty=self.UNCERTAINTY,
                exceedance=self.EXCEEDANCE,
                applicability=self.APPLICABILITY,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("metals.map", job, feedback)
        first, unit = (result["elements"][0][key] for key in ("name", "unit"))
        looks = {
            "concentrations": (partial(styles.concentration, unit=unit), first),
            "uncertainty": (partial(styles.uncertainty, unit=unit), f"Uncertainty of {first}"),
            "exceedance": (styles.probability, "Probability of exceeding the limit"),
            "applicability": (
                partial(styles.applicability, reasons=APPLICABILITY),
                "Where the model applies",
            ),
        }
        for raster, (style, title) in looks.items():
            self.style_raster(job[raster], style, context, title=title)
        return {
            **self.made,
            self.COUNT: result["mapped"],
            self.OUTSIDE_SHARE: result["outside_share"],
            self.VEGETATION_SHARE: result["vegetation_share"],
        }
