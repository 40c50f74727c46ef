"""Algorithm: how much of each endmember every pixel of a scene holds."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

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

    LIBRARY = "LIBRARY"
    METHOD = "METHOD"
    NORMALISE = "NORMALISE"
    MIXTURES = "MIXTURES"
    ITERATIONS = "ITERATIONS"
    OUTPUT = "OUTPUT"
    RMSE = "RMSE"
    MEAN_SUM = "MEAN_SUM"
    VALID_PIXELS = "VALID_PIXELS"
    ENDMEMBERS = "ENDMEMBERS"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_scene("The image to unmix, in reflectance.")
        self.add_library(
            self.LIBRARY,
            "Spectral library",
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
        self.add_switch(
            self.NORMALISE,
            "Divide abundances by their sum",
            False,
            "Turns abundances into shares of the ground, free of illumination. The band of sums "
            "keeps the sum as it was.",
        )
        self.add_image_options()
        self.add_pixel_options()
        self.add_by_position()
        self.add_integer(
            self.MIXTURES,
            "Synthetic mixtures (SVR)",
            1000,
            "How many random mixtures of the library SVR learns from; more are slower and finer.",
            least=50,
            most=5000,
            advanced=True,
        )
        self.add_integer(
            self.ITERATIONS,
            "Passes (NMF)",
            200,
            "At most so many passes correct the library's spectra; fewer stay closer to it.",
            least=1,
            most=10_000,
            advanced=True,
        )
        self.add_seed()
        self.add_raster_result(
            self.OUTPUT,
            "Abundances",
            "One band per endmember, then residual RMSE and sum; float32, NaN where the scene "
            "has no values.",
        )
        self.add_output_numbers(
            {
                self.RMSE: "Mean residual RMSE (reflectance)",
                self.MEAN_SUM: "Mean sum of the abundances",
                self.VALID_PIXELS: "Pixels unmixed",
                self.ENDMEMBERS: "Number of endmembers",
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
            **self.values(
                parameters,
                context,
                library=self.LIBRARY,
                normalise=self.NORMALISE,
                by_position=self.BY_POSITION,
                mixtures=self.MIXTURES,
                iterations=self.ITERATIONS,
                seed=self.SEED,
                output=self.OUTPUT,
            ),
            "method": self.choice(parameters, self.METHOD, context).lower(),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("abundances.estimate", job, feedback)
        for row in result["endmembers"]:
            feedback.pushInfo(
                f"{row['name']}: mean {row['mean']:.3f} \u00b1 {row['deviation']:.3f}, present in "
                f"{row['present']:.0%} of the pixels."
            )
        self.style_raster(job["output"], styles.abundance, context, title="Abundances")
        return {
            **self.made,
            self.RMSE: result["mean_rmse"],
            self.MEAN_SUM: result["mean_sum"],
            self.VALID_PIXELS: result["valid_pixels"],
            self.ENDMEMBERS: len(result["endmembers"]),
        }
