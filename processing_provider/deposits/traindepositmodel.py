"""Algorithm: training of networks that tell presence or richness of deposits from chips."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from gossan.processing_provider.algorithm import GossanAlgorithm

GOALS = ("presence", "richness")
NETWORKS = ("one network", "grid of nine")
SIZES = ("small", "medium", "big")


class TrainDepositModel(GossanAlgorithm):
    """Trains one network, or the grid of nine, on chips of scenes."""

    ID = "traindepositmodel"
    NAME = "Train deposit model"
    GROUP = "deposits"
    TAGS = ("CNN", "network", "mineral deposits", "Landsat", "richness", "presence", "baseline")
    DOES = (
        "Trains convolutional networks to tell from images whether there are deposits (presence) "
        "or how many (richness). Beside every result stand the same network on randomised labels "
        "and plain guesses (median, mean brightness, latitude and longitude): only what beats "
        "them has learnt anything."
    )
    NEEDS = (
        "A table of chips from <i>Prepare scenes</i>, with chips of at least three locations on "
        "both sides of deposits; hundreds of locations for results that mean something."
    )
    GIVES = (
        "A model for <i>Map deposit richness</i>; a table of all runs and of what they stand "
        "beside; a report with learning curves. Scores are those of locations that had no part in "
        "training, nor in the choice of epoch and network."
    )
    SOURCE = (
        "Mineral deposits in Landsat images by convolutional networks. The sizes of its nine "
        "networks are lost: 3 x 3 filters 16-32 (small), 32-64-128 (medium), 32-64-128-256-256 "
        "(big), dense layers 32, 128-32, 512-128-32 are ours."
    )

    INDEX = "INDEX"
    GOAL = "GOAL"
    COMMODITY = "COMMODITY"
    NETWORKS = "NETWORKS"
    CONVOLUTION = "CONVOLUTION"
    DENSE = "DENSE"
    REPEATS = "REPEATS"
    BEST = "BEST"
    EPOCHS = "EPOCHS"
    BATCH = "BATCH"
    LEARNING_RATE = "LEARNING_RATE"
    PATIENCE = "PATIENCE"
    DROPOUT = "DROPOUT"
    L1 = "L1"
    L2 = "L2"
    AUGMENT = "AUGMENT"
    MODEL = "MODEL"
    SCORE, RANDOMISED, MEDIAN = "SCORE", "RANDOMISED_SCORE", "MEDIAN_SCORE"
    BRIGHTNESS, PLACE, CHIPS, VALIDATED = "BRIGHTNESS_SCORE", "PLACE_SCORE", "CHIPS", "VALIDATED"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_file(
            self.INDEX,
            "Table of chips",
            "Tables (*.csv)",
            "From Prepare scenes, with its folder of images beside it.",
        )
        self.add_choice(
            self.GOAL,
            "Goal",
            GOALS,
            GOALS[0],
            "Presence: cross-entropy on the balanced set. Richness: mean absolute error of "
            "ln(n + 1) over the greatest ln(n + 1) of the training chips.",
        )
        self.add(
            QgsProcessingParameterString(self.COMMODITY, "Commodity", None, False, True),
            "Deposits of this one only, such as Gold; it must have been counted apart. Empty: all.",
        )
        self._add_networks()
        self._add_training()
        self.add(
            QgsProcessingParameterFileDestination(self.MODEL, "Model", "Gossan model (*.gossan)"),
            "For Map deposit richness.",
        )
        self.add_table(self.TABLE, "All runs", "One row per network, and what it stands beside.")
        self.add_report("Scores, baselines, learning curves.")
        self.add_output_numbers(
            {
                self.SCORE: "Validation cross-entropy (presence) or mean absolute error",
                self.RANDOMISED: "The same on randomised labels",
                self.MEDIAN: "The same of the median",
                self.BRIGHTNESS: "The same of mean brightness",
                self.PLACE: "The same of latitude and longitude",
                self.CHIPS: "Chips for training",
                self.VALIDATED: "Chips for validation",
            }
        )

    def _add_networks(self) -> None:
        self.add_choice(
            self.NETWORKS,
            "Networks",
            NETWORKS,
            NETWORKS[0],
            "One of the sizes below, or all nine pairs of a convolution and a dense part.",
        )
        for name, what, tip in (
            (self.CONVOLUTION, "Convolution part", "Filters 16-32, 32-64-128, 32-64-128-256-256."),
            (self.DENSE, "Dense part", "Units 32, 128-32, 512-128-32."),
        ):
            self.add_choice(name, what, SIZES, SIZES[0], f"For one network. {tip}")
        self.add_integer(
            self.REPEATS,
            "Seeds per network",
            1,
            "How often each network is trained, with seeds that count on.",
            least=1,
            most=50,
        )
        self.add_integer(
            self.BEST,
            "Best networks to average",
            1,
            "The model is the mean of the best few of all runs, chosen by locations apart.",
            least=1,
            most=50,
        )

    def _add_training(self) -> None:
        self.add_integer(
            self.EPOCHS, "Epochs", 30, "Passes over the training chips, at most.", least=1
        )
        self.add_integer(
            self.BATCH, "Batch size", 16, "Chips learnt from at once.", least=1, advanced=True
        )
        self.add_decimal(
            self.LEARNING_RATE,
            "Learning rate",
            0.001,
            "Of Adam; lower it where the loss jumps.",
            least=1e-7,
            most=1.0,
            advanced=True,
        )
        self.add_integer(
            self.PATIENCE,
            "Patience (0: to the last epoch)",
            8,
            "Epochs without a better loss on the tuning chips after which training ends.",
            least=0,
            advanced=True,
        )
        self.add_decimal(
            self.DROPOUT,
            "Dropout",
            0.5,
            "Share of the inputs left out before each dense layer in training, below 1.",
            least=0.0,
            most=0.95,
            advanced=True,
        )
        self.add_decimal(
            self.L1, "L1", 0.0, "Weight of absolute weights in the loss.", least=0.0, advanced=True
        )
        self.add_decimal(
            self.L2,
            "L2",
            0.0001,
            "Weight of squared weights in the loss.",
            least=0.0,
            advanced=True,
        )
        self.add_switch(
            self.AUGMENT,
            "Turn and mirror chips",
            True,
            "At random in each epoch: geology knows no up or down.",
            advanced=True,
        )
        self.add_seed()

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
                index=self.INDEX,
                goal=self.GOAL,
                commodity=self.COMMODITY,
                networks=self.NETWORKS,
                convolution=self.CONVOLUTION,
                dense=self.DENSE,
                repeats=self.REPEATS,
                best=self.BEST,
                epochs=self.EPOCHS,
                batch=self.BATCH,
                learning_rate=self.LEARNING_RATE,
                patience=self.PATIENCE,
                dropout=self.DROPOUT,
                l1=self.L1,
                l2=self.L2,
                augment=self.AUGMENT,
                seed=self.SEED,
                model=self.MODEL,
                table=self.TABLE,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("deposits.train", job, feedback)
        return {
            **self.made,
            self.SCORE: result["score"],
            self.RANDOMISED: result["randomised"],
            self.MEDIAN: result["median"],
            self.BRIGHTNESS: result["brightness"],
            self.PLACE: result["place"],
            self.CHIPS: result["chips"],
            self.VALIDATED: result["validation"],
        }
