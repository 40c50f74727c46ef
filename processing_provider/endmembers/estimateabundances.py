"""Algorithm: how much of each endmember every pixel of a scene holds."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm

METHODS = ("NNLS", "FCLS", "NMF", "SVR", "Unconstrained")


class EstimateAbundances(GossanAlgorithm):
    """Unmixes a scene into the spectra of a library."""

    ID = "estimateabundances"
    NAME = "Estimate abundances"
    GROUP = "endmembers"
    TAGS = ("unmixing", "NNLS", "FCLS", "NMF", "SVR", "linear mixture", "hyperspectral")
    DOES = (
        "Takes every pixel as a mixture of the spectra of a library and maps how much of each "
        "it holds. NNLS finds the non-negative abundances that explain the pixel best, exactly; "
        "their sum follows the illumination. FCLS adds that they sum to one. NMF starts from the "
        "library and lets the scene correct its spectra. SVR learns from synthetic mixtures of "
        "the library. Unconstrained least squares checks a library: where many abundances turn "
        "out negative, an endmember is missing or is itself a mixture."
    )
    NEEDS = (
        "A hyperspectral or multispectral scene, and a library of up to 64 spectra, for instance "
        "from <i>Extract endmembers</i>. A library on other bands is resampled to the scene's."
    )
    GIVES = (
        "A raster with one band per endmember, the root mean square of what is left unexplained "
        "(in reflectance), and the sum of the abundances."
    )
    SOURCE = (
        "Lawson and Hanson (1974); Van Benthem and Keenan (2004); Heinz and Chang (2001) for "
        "FCLS; Cichocki and Phan (2009) for NMF."
    )

    INPUT = "INPUT"
    LIBRARY = "LIBRARY"
    METHOD = "METHOD"
    NORMALISE = "NORMALISE"
    DROP_WATER_BANDS = "DROP_WATER_BANDS"
    COLLARS = "COLLARS"
    BY_POSITION = "BY_POSITION"
    MIXTURES = "MIXTURES"
    ITERATIONS = "ITERATIONS"
    OUTPUT = "OUTPUT"
    RMSE = "RMSE"
    MEAN_SUM = "MEAN_SUM"
    VALID_PIXELS = "VALID_PIXELS"
    ENDMEMBERS = "ENDMEMBERS"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Scene"),
            "The image to unmix, in reflectance (see scale and offset below).",
        )
        self.add(
            QgsProcessingParameterFile(
                self.LIBRARY,
                "Spectral library",
                fileFilter="Spectral libraries (*.sli *.hdr *.csv *.txt);;All files (*)",
            ),
            "One spectrum per endmember, as ENVI library (.sli) or CSV table.",
        )
        self.add_choice(
            self.METHOD,
            "Method",
            METHODS,
            METHODS[0],
            "NNLS where illumination varies (slopes, shadow); FCLS where the library is known to "
            "be complete; NMF where the library is only roughly right.",
        )
        self.add(
            QgsProcessingParameterBoolean(self.NORMALISE, "Divide abundances by their sum", False),
            "Turns abundances into shares of the ground, free of illumination. The band of sums "
            "keeps the sum as it was.",
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
            "Pixels that are zero in every band, as around scenes without a nodata value, get no "
            "abundances.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean(self.BY_POSITION, "Match bands by position", False),
            "Takes the library's bands for the scene's in their order, whatever their "
            "wavelengths. Only for libraries made from the same scene or sensor.",
            advanced=True,
        )
        integer = QgsProcessingParameterNumber.Type.Integer
        self.add(
            QgsProcessingParameterNumber(
                self.MIXTURES, "Synthetic mixtures (SVR)", integer, 1000, False, 50, 5000
            ),
            "How many random mixtures of the library SVR learns from; more are slower and finer.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(
                self.ITERATIONS, "Passes (NMF)", integer, 200, False, 1, 10000
            ),
            "At most so many passes correct the library's spectra; fewer stay closer to it.",
            advanced=True,
        )
        self.add_seed()
        self.add(
            QgsProcessingParameterRasterDestination(self.OUTPUT, "Abundances"),
            "One band per endmember, then residual RMSE and sum; float32, NaN where the scene "
            "has no values.",
        )
        self.addOutput(QgsProcessingOutputNumber(self.RMSE, "Mean residual RMSE (reflectance)"))
        self.addOutput(QgsProcessingOutputNumber(self.MEAN_SUM, "Mean sum of the abundances"))
        self.addOutput(QgsProcessingOutputNumber(self.VALID_PIXELS, "Pixels unmixed"))
        self.addOutput(QgsProcessingOutputNumber(self.ENDMEMBERS, "Number of endmembers"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        output = self.output_path(parameters, self.OUTPUT, context)
        result = self.run_job(
            "abundances.estimate",
            {
                "raster": self.raster_path(parameters, self.INPUT, context),
                "library": self.file_path(parameters, self.LIBRARY, context),
                "output": output,
                "method": self.choice(parameters, self.METHOD, context).lower(),
                "normalise": self.parameterAsBool(parameters, self.NORMALISE, context),
                "drop_water_bands": self.parameterAsBool(
                    parameters, self.DROP_WATER_BANDS, context
                ),
                "collars": self.parameterAsBool(parameters, self.COLLARS, context),
                "by_position": self.parameterAsBool(parameters, self.BY_POSITION, context),
                "mixtures": self.parameterAsInt(parameters, self.MIXTURES, context),
                "iterations": self.parameterAsInt(parameters, self.ITERATIONS, context),
                "seed": self.seed(parameters, context),
                "origin": self.origin(parameters, context),
                **self.image_options(parameters, context),
            },
            feedback,
        )
        for row in result["endmembers"]:
            feedback.pushInfo(
                f"{row['name']}: mean {row['mean']:.3f} \u00b1 {row['deviation']:.3f}, present in "
                f"{row['present']:.0%} of the pixels."
            )
        self.style_raster(output, styles.abundance, context, title="Abundances")
        return {
            self.OUTPUT: output,
            self.RMSE: result["mean_rmse"],
            self.MEAN_SUM: result["mean_sum"],
            self.VALID_PIXELS: result["valid_pixels"],
            self.ENDMEMBERS: len(result["endmembers"]),
        }
