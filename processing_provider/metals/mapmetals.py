"""Algorithm: maps of metal concentrations from feature rasters and a trained model."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
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

    FEATURES = "FEATURES"
    MODEL = "MODEL"
    UNCERTAINTY_KIND = "UNCERTAINTY_KIND"
    LIMITS = "LIMITS"
    TOLERANCE = "TOLERANCE"
    MASK = "MASK"
    VEGETATION = "VEGETATION"
    VEGETATION_BAND = "VEGETATION_BAND"
    VEGETATION_LIMIT = "VEGETATION_LIMIT"
    BY_POSITION = "BY_POSITION"
    OUTPUT = "OUTPUT"
    UNCERTAINTY = "UNCERTAINTY"
    EXCEEDANCE = "EXCEEDANCE"
    APPLICABILITY = "APPLICABILITY"
    REPORT = "REPORT"
    OUTSIDE_SHARE, VEGETATION_SHARE = "OUTSIDE_SHARE", "VEGETATION_SHARE"
    COUNT = "PIXEL_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_inputs()
        self._add_applicability()
        self._add_outputs()

    def _add_inputs(self) -> None:
        file = QgsProcessingParameterFile.Behavior.File
        self.add(
            QgsProcessingParameterMultipleLayers(
                self.FEATURES, "Feature rasters", QgsProcessing.SourceType.TypeRaster
            ),
            "The rasters that the model was trained on, or the same of another area; the first one "
            "gives the grid.",
        )
        self.add(
            QgsProcessingParameterFile(
                self.MODEL, "Model", file, fileFilter="Gossan model (*.gossan);;All files (*)"
            ),
            "From Train metal inversion.",
        )
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
        self.add(
            QgsProcessingParameterBoolean(self.BY_POSITION, "Match bands by position", False),
            "Take the bands in their order where neither names nor wavelengths agree; only if you "
            "know that the order is the same.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterFile(
                self.WAVELENGTHS,
                "Wavelengths (CSV)",
                file,
                fileFilter="CSV tables (*.csv);;All files (*)",
                optional=True,
            ),
            "Centre wavelengths of the bands of the first raster, where its metadata lack them.",
            advanced=True,
        )

    def _add_applicability(self) -> None:
        double = QgsProcessingParameterNumber.Type.Double
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
        self.add(
            QgsProcessingParameterNumber(
                self.VEGETATION_LIMIT, "Vegetation limit", double, 0.5, False
            ),
            "Above this value the model does not apply.",
        )
        self.add(
            QgsProcessingParameterNumber(
                self.TOLERANCE, "Tolerance around the training range", double, 0.05, False, 0.0
            ),
            "How far a feature may leave the range of the training samples, as a share of it.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean(self.MASK, "Leave out where it does not apply", True),
            "Otherwise these pixels are mapped too, and only the applicability raster tells them.",
            advanced=True,
        )

    def _add_outputs(self) -> None:
        self.add(
            QgsProcessingParameterRasterDestination(self.OUTPUT, "Concentrations"),
            "One band per element.",
        )
        self.add(
            QgsProcessingParameterRasterDestination(
                self.UNCERTAINTY, "Uncertainty", None, True, False
            ),
            "One band per element, two for intervals.",
        )
        self.add(
            QgsProcessingParameterRasterDestination(
                self.EXCEEDANCE, "Probability of exceeding the limits", None, True, False
            ),
            "One band per element with a limit, 0 to 1.",
        )
        self.add(
            QgsProcessingParameterRasterDestination(
                self.APPLICABILITY, "Applicability", None, True, False
            ),
            "1 applies, 2 outside the training range, 3 vegetation, 0 no data.",
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.REPORT, "Report", "HTML (*.html)", None, True, False
            ),
            "Concentrations, where the model applies, the model's own validation.",
        )
        self.addOutput(QgsProcessingOutputNumber(self.COUNT, "Pixels mapped"))
        self.addOutput(QgsProcessingOutputNumber(self.OUTSIDE_SHARE, "Share outside the range"))
        self.addOutput(QgsProcessingOutputNumber(self.VEGETATION_SHARE, "Share under vegetation"))

    def check(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
    ) -> str:
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
        names = (self.OUTPUT, self.UNCERTAINTY, self.EXCEEDANCE, self.APPLICABILITY, self.REPORT)
        files = {name: self.output_path(parameters, name, context) for name in names}
        result = self.run_job(
            "metals.map",
            {
                "features": self.raster_paths(parameters, self.FEATURES, context),
                "model": self.file_path(parameters, self.MODEL, context),
                "concentrations": files[self.OUTPUT],
                "uncertainty": files[self.UNCERTAINTY],
                "uncertainty_kind": self.choice(parameters, self.UNCERTAINTY_KIND, context),
                "exceedance": files[self.EXCEEDANCE],
                "limits": self.parameterAsString(parameters, self.LIMITS, context),
                "applicability": files[self.APPLICABILITY],
                "tolerance": self.parameterAsDouble(parameters, self.TOLERANCE, context),
                "mask_outside": self.parameterAsBool(parameters, self.MASK, context),
                "vegetation": self.raster_path(parameters, self.VEGETATION, context),
                "vegetation_band": max(
                    1, self.parameterAsInt(parameters, self.VEGETATION_BAND, context)
                ),
                "vegetation_limit": self.parameterAsDouble(
                    parameters, self.VEGETATION_LIMIT, context
                ),
                "by_position": self.parameterAsBool(parameters, self.BY_POSITION, context),
                "wavelengths": self.file_path(parameters, self.WAVELENGTHS, context),
                "report": files[self.REPORT],
                "origin": self.origin(parameters, context),
            },
            feedback,
        )
        first = result["elements"][0]
        looks = {
            self.OUTPUT: (partial(styles.concentration, unit=first["unit"]), first["name"]),
            self.UNCERTAINTY: (
                partial(styles.uncertainty, unit=first["unit"]),
                f"Uncertainty of {first['name']}",
            ),
            self.EXCEEDANCE: (styles.probability, "Probability of exceeding the limit"),
            self.APPLICABILITY: (
                partial(styles.applicability, reasons=APPLICABILITY),
                "Where the model applies",
            ),
        }
        for name, (style, title) in looks.items():
            self.style_raster(files[name], style, context, title=title)
        return {
            **{name: path for name, path in files.items() if path},
            self.COUNT: result["mapped"],
            self.OUTSIDE_SHARE: result["outside_share"],
            self.VEGETATION_SHARE: result["vegetation_share"],
        }
