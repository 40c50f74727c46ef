"""Algorithm: training of a model of lithology from a stack and a geological map."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFileDestination,
)

from gossan.processing_provider.lithology import styles
from gossan.processing_provider.lithology.geological_map import GeologicalMapAlgorithm

METHODS = ("FCN-8s", "FCN-16s", "FCN-32s", "random forest")
SPLITS = ("spatial blocks", "random windows")
RECIPES = ("as published", "small machine")


class TrainLithology(GeologicalMapAlgorithm):
    """Learns lithology from a stack of bands and a geological map."""

    ID = "trainlithology"
    NAME = "Train lithology"
    GROUP = "lithology"
    TAGS = ("FCN", "VGG-19", "segmentation", "deep learning", "random forest", "geological map")
    DOES = (
        "Learns how the units of a geological map show in a stack of bands: by a fully "
        "convolutional network, which sees shapes and neighbourhoods, or by a random forest, which "
        "sees pixels. Blocks in space are kept back and never learned from; beside the score on "
        "them stands what a random split of the same ground would have promised. Pixels without "
        "a class count neither in learning nor in scores."
    )
    NEEDS = (
        "A stack (see <i>Fuse sources</i>) and a geological map of part or all of its ground, as "
        "polygons or class raster. Networks need TensorFlow in the engine, and patience: the full "
        "network learns in hours on a graphics processor, in days without; a WIDTH of 0.125 is for "
        "small machines."
    )
    GIVES = (
        "A model for <i>Map lithology</i>; overall accuracy, kappa, IoU per class and their mean, "
        "for the network and a forest beside it; a report with confusion matrices, curves and maps."
    )
    SOURCE = (
        "Lithological mapping by FCN on multi-source data (Remote Sens. 2021, 13, 4860); Long and "
        "others (2015); Simonyan and Zisserman (2015); Breiman (2001)."
    )

    METHOD = "METHOD"
    SPLIT = "SPLIT"
    BLOCK_SIZE = "BLOCK_SIZE"
    HOLD_OUT = "HOLD_OUT"
    WIDTH = "WIDTH"
    RECIPE = "RECIPE"
    WINDOWS = "WINDOWS"
    WINDOW = "WINDOW_SIZE"
    STRIDE = "STRIDE"
    BATCH = "BATCH"
    EPOCHS = "EPOCHS"
    PATIENCE = "PATIENCE"
    RATE = "LEARNING_RATE"
    BALANCED = "CLASS_WEIGHTS"
    RESUME = "RESUME"
    TREES = "TREES"
    VARIABLES = "VARIABLES"
    SHARE = "SHARE"
    BASELINE = "BASELINE"
    MODEL = "MODEL"
    DIFFERENCES = "DIFFERENCES"
    OVERALL, MEAN_IOU, KAPPA = "OVERALL_ACCURACY", "MEAN_IOU", "KAPPA"
    LEAKY, CLASSES = "LEAKY_ACCURACY", "CLASS_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_features(
            "Their bands are the stack. The first raster gives the grid; others are resampled to "
            "it."
        )
        self.add_geological_map("Geological map", [QgsProcessing.SourceType.TypeVectorPolygon])
        self.add_choice(
            self.METHOD,
            "Method",
            METHODS,
            METHODS[0],
            "FCN-8s keeps most detail of the networks; a random forest is quick and a hard "
            "standard to beat on little data.",
        )
        self._add_validation()
        self._add_network()
        self._add_forest()
        self.add_seed()
        self._add_outputs()

    def _add_validation(self) -> None:
        self.add_choice(
            self.SPLIT,
            "Early stopping is judged on",
            SPLITS,
            SPLITS[0],
            "Blocks apart from the training, or, as in the source, windows drawn at random, which "
            "overlap those learned from. Test blocks are kept back in either case.",
        )
        self.add_decimal(
            self.BLOCK_SIZE,
            "Block size (map units, 0: automatic)",
            0.0,
            "Side of a block; 0 makes six across.",
            least=0.0,
            advanced=True,
        )
        self.add_decimal(
            self.HOLD_OUT,
            "Share held out",
            0.2,
            "Share of the mapped pixels in test blocks.",
            least=0.02,
            most=0.6,
            advanced=True,
        )

    def _add_network(self) -> None:
        self.add_decimal(
            self.WIDTH,
            "Width of the network",
            1.0,
            "Factor on all its channels: 1 is the source's network of 65 million weights, 0.125 "
            "one that two processors train in minutes.",
            least=0.01,
            most=1.0,
        )
        self.add_choice(
            self.RECIPE,
            "Recipe",
            RECIPES,
            RECIPES[0],
            "As published: momentum and a rate of 0.0001 on the loss summed over pixels. Small "
            "machine: Adam with a falling rate, windows shifted, turned and mirrored at random.",
        )
        for name, description, default, tip, least in (
            (
                self.WINDOWS,
                "Windows",
                1000,
                "Windows drawn from the sliding ones: once as published, on small machines anew in "
                "every epoch.",
                1,
            ),
            (self.WINDOW, "Window size (pixels)", 256, "A multiple of 32.", 32),
            (self.STRIDE, "Stride (pixels)", 20, "From one window to the next.", 1),
            (self.BATCH, "Windows at once", 5, "Fewer where memory is short.", 1),
            (self.EPOCHS, "Epochs", 100, "Passes over all windows at most.", 1),
            (
                self.PATIENCE,
                "Patience (epochs)",
                10,
                "Ends the training when so many epochs brought nothing better; 0 never does.",
                0,
            ),
        ):
            self.add_integer(name, description, default, tip, least=least, advanced=True)
        self.add_decimal(
            self.RATE,
            "Learning rate (0: the recipe's)",
            0.0,
            "0.0001 as published, 0.001 on small machines.",
            least=0.0,
            advanced=True,
        )
        self.add_switch(
            self.BALANCED,
            "Weight classes",
            True,
            "Pixels of rare classes count for more, between a tenth and tenfold.",
            advanced=True,
        )
        self.add_switch(
            self.RESUME,
            "Keep the state of the training",
            False,
            "Writes MODEL.state after every epoch; a run with the same parameters that finds it "
            "goes on from there after an interruption. It is removed at the end.",
            advanced=True,
        )

    def _add_forest(self) -> None:
        self.add_switch(
            self.BASELINE,
            "A forest beside the network",
            True,
            "Grows a random forest on the same pixels for comparison.",
        )
        self.add_integer(
            self.TREES, "Trees", 200, "Trees of the forest.", least=1, most=10_000, advanced=True
        )
        self.add_integer(
            self.VARIABLES,
            "Bands per node",
            3,
            "Bands that a node of a tree chooses from.",
            least=1,
            advanced=True,
        )
        self.add_decimal(
            self.SHARE,
            "Share of the pixels for the forest",
            0.1,
            "Share of the pixels of each class that the forest learns from.",
            least=0.0001,
            most=1.0,
            advanced=True,
        )

    def _add_outputs(self) -> None:
        self.add(
            QgsProcessingParameterFileDestination(self.MODEL, "Model", "Gossan model (*.gossan)"),
            "For Map lithology.",
        )
        self.add_table(self.TABLE, "Scores", "One row per model and class, on test blocks.")
        self.add_raster_result(
            self.DIFFERENCES,
            "Differences",
            "2 where network and forest differ (a forest alone: where it differs from the "
            "geological map), 1 where they agree.",
            optional=True,
        )
        self.add_report("Scores with intervals, confusion matrices, curves, maps.")
        self.add_output_numbers(
            {
                self.OVERALL: "Overall accuracy on unseen blocks",
                self.MEAN_IOU: "Mean IoU on unseen blocks",
                self.KAPPA: "Kappa on unseen blocks",
                self.LEAKY: "Overall accuracy that a random split would say",
                self.CLASSES: "Classes",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        if self.parameterAsInt(parameters, self.WINDOW, context) % 32:
            return "The window size has to be a multiple of 32 pixels."
        return self.check_geological_map(parameters)

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
                method=self.METHOD,
                split=self.SPLIT,
                block_size=self.BLOCK_SIZE,
                hold_out=self.HOLD_OUT,
                width=self.WIDTH,
                recipe=self.RECIPE,
                windows=self.WINDOWS,
                window=self.WINDOW,
                stride=self.STRIDE,
                batch=self.BATCH,
                epochs=self.EPOCHS,
                patience=self.PATIENCE,
                learning_rate=self.RATE,
                balanced=self.BALANCED,
                resume=self.RESUME,
                trees=self.TREES,
                variables=self.VARIABLES,
                share=self.SHARE,
                baseline=self.BASELINE,
                seed=self.SEED,
                model=self.MODEL,
                table=self.TABLE,
                differences=self.DIFFERENCES,
                report=self.REPORT,
            ),
            **self.geological_map(parameters, self.FEATURES, "map", context, feedback),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("lithology.train", job, feedback)
        self.style_raster(job["differences"], styles.agreement, context, title="Differences")
        return {
            **self.made,
            self.OVERALL: result["overall_accuracy"],
            self.MEAN_IOU: result["mean_iou"],
            self.KAPPA: result["kappa"],
            self.LEAKY: result["overall_accuracy_leaky"],
            self.CLASSES: len(result["classes"]),
        }
