"""Algorithm: lithological map from a stack and a trained model."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from gossan.processing_provider import styles as common_styles
from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.lithology import styles


class MapLithology(GossanAlgorithm):
    """Maps lithology with a model of Train lithology."""

    ID = "maplithology"
    NAME = "Map lithology"
    GROUP = "lithology"
    TAGS = ("lithology", "geological map", "FCN", "random forest", "classification", "entropy")
    DOES = (
        "Maps the units of a geological map over the whole of a stack, of any size, with a model "
        "that <i>Train lithology</i> has made. Networks work through tiles with so wide a margin "
        "that no seam shows. Pixels that lack a band stay empty."
    )
    NEEDS = "A model, and rasters with the bands that it was trained on (found by their names)."
    GIVES = (
        "A class raster in the names and colours of the geological map; where wanted the "
        "probability of each class and the entropy, which is high where the model is undecided."
    )
    SOURCE = "Lithological mapping by FCN on multi-source data (Remote Sens. 2021, 13, 4860)."

    MODEL = "MODEL"
    LEAST_SHARE = "LEAST_PROBABILITY"
    OUTPUT = "OUTPUT"
    PROBABILITIES = "PROBABILITIES"
    ENTROPY = "ENTROPY"
    COUNT, UNMAPPED, CERTAIN = "PIXEL_COUNT", "UNMAPPED", "MEAN_PROBABILITY"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_features("Rasters with the bands of the model; the first one gives the grid.")
        self.add_file(
            self.MODEL, "Model", "Gossan models (*.gossan)", "A model that Train lithology wrote."
        )
        self.add_decimal(
            self.LEAST_SHARE,
            "Least probability",
            0.0,
            "Pixels whose likeliest class stays below it get no class; 0 maps all.",
            least=0.0,
            most=1.0,
            advanced=True,
        )
        self.add_by_position(
            "Takes the bands in their order, whatever their names. Only for stacks that were made "
            "alike."
        )
        self.add_raster_result(
            self.OUTPUT, "Lithological map", "Class raster; 0 where a band is missing."
        )
        self.add_raster_result(
            self.PROBABILITIES, "Probabilities", "One band per class, 0 to 1.", optional=True
        )
        self.add_raster_result(
            self.ENTROPY,
            "Entropy",
            "0 where the model is sure, 1 where all classes are as likely.",
            optional=True,
        )
        self.add_output_numbers(
            {
                self.COUNT: "Pixels mapped",
                self.UNMAPPED: "Pixels without a class",
                self.CERTAIN: "Mean probability of the mapped class",
            }
        )

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
                least_share=self.LEAST_SHARE,
                by_position=self.BY_POSITION,
                output=self.OUTPUT,
                probabilities=self.PROBABILITIES,
                entropy=self.ENTROPY,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("lithology.map", job, feedback)
        look = partial(styles.lithology, classes=result["classes"])
        self.style_raster(job["output"], look, context, title="Lithological map")
        first = result["classes"][0]["name"]
        self.style_raster(
            job["probabilities"],
            common_styles.probability,
            context,
            title=f"Probability of {first}",
        )
        self.style_raster(job["entropy"], styles.entropy, context, title="Entropy of the map")
        return {
            **self.made,
            self.COUNT: result["mapped"],
            self.UNMAPPED: result["unmapped"],
            self.CERTAIN: result["mean_probability"],
        }
