"""What the trainings of the mine detector and of the impact classifier have in common."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.mines.images import folder_parameter

VALIDATIONS = ("groups", "spatial blocks", "random as published", "none")
BALANCES = ("weights", "balanced batches", "as they are")


class MineTraining(GossanAlgorithm):
    """Trains a network from chips; a subclass says which."""

    JOB = ""
    RATES = ""
    """What a learning rate of 0 stands for."""

    CHIPS = "CHIPS"
    BASE = "BASE_MODEL"
    VALIDATION = "VALIDATION"
    FOLDS = "FOLDS"
    DISTANCE = "DISTANCE"
    EPOCHS = "EPOCHS"
    BATCH = "BATCH_SIZE"
    RATE = "LEARNING_RATE"
    DECLINE = "DECLINE"
    BALANCE = "BALANCE"
    TURNS = "TURNS"
    APPEARANCE = "APPEARANCE"
    STATE = "STATE_FOLDER"
    MODEL = "MODEL"
    NUMBERS = {  # noqa: RUF012
        "F1": "F1 on held-out chips",
        "PRECISION": "Precision on held-out chips",
        "RECALL": "Recall on held-out chips",
        "ROC_AUC": "ROC AUC on held-out chips",
        "CHIP_COUNT": "Chips",
    }

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterMultipleLayers(
                self.CHIPS, "Chips", QgsProcessing.SourceType.TypeFile
            ),
            "The chips.csv of one or more folders of chips (or the folders themselves).",
        )
        self.add_file(
            self.BASE,
            "Model to teach further",
            "Gossan models (*.gossan)",
            "Training goes on from its weights, at a lower rate and with its scaling; the bands "
            "have to match. Empty: a new model.",
            optional=True,
        )
        self._add_validation()
        self._add_fitting()
        self._add_results()

    def _add_validation(self) -> None:
        self.add_choice(
            self.VALIDATION,
            "Validation",
            VALIDATIONS,
            VALIDATIONS[0],
            "Groups keep chips of one site, and chips near to each other, on one side of a fold. "
            "A random split, as published, puts neighbours on both sides and flatters.",
        )
        self.add_integer(
            self.FOLDS,
            "Folds",
            5,
            "Parts of the chips; each is predicted by a network that learnt from the others.",
            least=2,
        )
        self.add_decimal(
            self.DISTANCE,
            "Distance (m, 0: automatic)",
            0.0,
            "Chips nearer than this are of one group (automatic: the side of the chips); of "
            "spatial blocks the side.",
            least=0.0,
            advanced=True,
        )

    def _add_fitting(self) -> None:
        self.add_integer(self.EPOCHS, "Epochs", 30, "Passes over all chips.", least=1, most=10_000)
        self.add_integer(
            self.BATCH,
            "Batch size",
            16,
            "Chips that are learnt from at once; of tiles as many as have as many pixels.",
            least=1,
            most=4096,
            advanced=True,
        )
        self.add_decimal(
            self.RATE,
            "Learning rate (0: automatic)",
            0.0,
            f"Of Adam. Automatic: {self.RATES}.",
            least=0.0,
            most=1.0,
            advanced=True,
        )
        self.add_decimal(
            self.DECLINE,
            "Share of the rate left at the end",
            1.0,
            "The learning rate falls evenly to this share of it; 1, as published, keeps it. 0.1 "
            "often ends in a steadier model.",
            least=0.001,
            most=1.0,
            advanced=True,
        )
        self.add_choice(
            self.BALANCE,
            "Rare classes",
            BALANCES,
            BALANCES[0],
            "Count more, by the square root of how much rarer they are; or are drawn as often as "
            "the others; or as they are.",
            advanced=True,
        )
        self.add_switch(
            self.TURNS,
            "Turn and flip",
            True,
            "An orbit's view of a mine has no up: chips are turned by quarters and flipped at "
            "random.",
            advanced=True,
        )
        self.add_decimal(
            self.APPEARANCE,
            "Vary the brightness by",
            0.0,
            "Standard deviation (natural logarithm) of a random brightness of every chip, and half "
            "of it of every band: for other seasons, suns and sensors. 0.05 to 0.1 helps a search "
            "far from the chips; the source has none.",
            least=0.0,
            most=1.0,
            advanced=True,
        )
        self.add_seed()
        self.add(
            folder_parameter(self.STATE, "Folder for the state", optional=True),
            "An existing folder that keeps the state after every epoch: a training that was "
            "stopped goes on from there when it is started again with the same parameters.",
            advanced=True,
        )

    def _add_results(self) -> None:
        self.add(
            QgsProcessingParameterFileDestination(self.MODEL, "Model", "Gossan model (*.gossan)"),
            "For Detect mines.",
        )
        self.add_table(self.TABLE, "Scores", "One row per fold and class, and of all folds.")
        self.add_report("Scores on held-out chips, confusion matrix, curves, what it learnt from.")
        self.add_output_numbers(self.NUMBERS)

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        none = self.choice(parameters, self.VALIDATION, context) == VALIDATIONS[3]
        if none and self.is_wanted(parameters, self.TABLE, context):
            return "Without validation there are no scores to write."
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
                chips=self.CHIPS,
                base=self.BASE,
                validation=self.VALIDATION,
                folds=self.FOLDS,
                distance=self.DISTANCE,
                epochs=self.EPOCHS,
                batch=self.BATCH,
                learning_rate=self.RATE,
                decline=self.DECLINE,
                balance=self.BALANCE,
                turns=self.TURNS,
                appearance=self.APPEARANCE,
                seed=self.SEED,
                state_folder=self.STATE,
                model=self.MODEL,
                table=self.TABLE,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job(self.JOB, job, feedback)
        return {
            **self.made,
            "F1": result["f1"],
            "PRECISION": result["precision"],
            "RECALL": result["recall"],
            "ROC_AUC": result["roc_auc"],
            "CHIP_COUNT": result["chips"],
        }
