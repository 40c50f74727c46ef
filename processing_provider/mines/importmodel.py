"""Algorithm: someone's Keras or ONNX classifier as a detector of Gossan."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
)

from gossan.processing_provider.algorithm import GossanAlgorithm

VALUES = ("reflectance", "reflectance x 10000", "mean and deviation")
ANSWERS = ("probabilities", "logits (softmax)", "logits (sigmoid)")
LAYOUTS = ("as the file says", "rows, columns, bands", "bands, rows, columns")


class ImportModel(GossanAlgorithm):
    """Turns a foreign classifier into a model that Detect mines runs as a sliding window."""

    ID = "importmodel"
    NAME = "Import model"
    GROUP = "mines"
    TAGS = ("Keras", "ONNX", "TensorFlow", "PyTorch", "classifier", "sliding window")
    DOES = (
        "Turns someone's classifier of image patches into a detector that <i>Detect mines</i> "
        "slides over images. No code of its author is run: Keras models are rebuilt from layers "
        "that are known, ONNX models may need no operators or files of their own."
    )
    NEEDS = (
        "A Keras model (.h5, .keras) or an ONNX model (.onnx) that takes square patches, and what "
        "its author says of it: bands in their order, what its numbers are, which output is a "
        "mine. Numbers of Sentinel-2 files since baseline 04.00 hold an offset of 1000 that most "
        "models do not expect; Detect mines takes it off."
    )
    GIVES = (
        "A detector whose card says what it came from. It was not validated here: try it where "
        "you know the mines before you believe it."
    )
    SOURCE = "ONNX specification; Keras documentation on saving and loading models."

    SOURCE_FILE = "SOURCE_FILE"
    BAND_NAMES = "BAND_NAMES"
    VALUES = "VALUES"
    MEANS, DEVIATIONS = "MEANS", "DEVIATIONS"
    ANSWER = "ANSWER"
    MINE_OUTPUT = "MINE_OUTPUT"
    LAYOUT = "LAYOUT"
    PATCH = "PATCH"
    STRIDE = "STRIDE"
    PIXEL = "GROUND_SAMPLING_DISTANCE"
    LICENCE = "LICENCE"
    MODEL = "MODEL"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_file(
            self.SOURCE_FILE,
            "Model to import",
            "Keras and ONNX models (*.h5 *.hdf5 *.keras *.onnx)",
            "A whole model: a Keras file of weights alone does not say what they belong to.",
        )
        self.add(
            QgsProcessingParameterString(
                self.BAND_NAMES,
                "Bands in the model's order",
                "B1, B2, B3, B4, B5, B6, B7, B8, B8A, B9, B11, B12",
            ),
            "Names parted by commas; images are matched by them. Those of Sentinel-2 also get "
            "their wavelengths.",
        )
        self.add_choice(
            self.VALUES,
            "Values that the model takes",
            VALUES,
            VALUES[0],
            "Reflectance from 0 to 1 (which is what a division by 10000 gives), the numbers of "
            "Sentinel-2 files themselves, or each band minus its mean over its deviation.",
        )
        self.add_choice(
            self.ANSWER,
            "What its outputs are",
            ANSWERS,
            ANSWERS[0],
            "Models that end in softmax or sigmoid give probabilities; others give logits.",
        )
        self.add_integer(
            self.MINE_OUTPUT,
            "Number of the output that means a mine",
            0,
            "From 1; 0 is the last one, which suits models with one output and most with two.",
            least=0,
            most=1000,
        )
        self.add_integer(
            self.STRIDE,
            "Stride (pixels)",
            0,
            "From cell to cell, unless the search asks for another; 0 is half a patch.",
            least=0,
            most=1024,
        )
        self._add_details()
        files = "Gossan model (*.gossan)"
        self.add(
            QgsProcessingParameterFileDestination(self.MODEL, "Detector", files),
            "Model file for Detect mines.",
        )
        self.add_output_numbers(
            {"PATCH_SIZE": "Patch (pixels)", "WEIGHTS": "Weights", "OUTPUTS": "Outputs"}
        )

    def _add_details(self) -> None:
        for name, description in (
            (self.MEANS, "Mean of each band"),
            (self.DEVIATIONS, "Standard deviation of each band"),
        ):
            self.add(
                QgsProcessingParameterString(name, description, None, False, True),
                "Reflectance (0 to 1) of the training images, parted by spaces; for the values "
                "mean and deviation.",
                advanced=True,
            )
        self.add_choice(
            self.LAYOUT,
            "Order of the model's axes",
            LAYOUTS,
            LAYOUTS[0],
            "Keras models have the bands last, those of PyTorch first.",
            advanced=True,
        )
        self.add_integer(
            self.PATCH,
            "Patch (pixels)",
            0,
            "Only for models that take patches of any size; 0: as the file says.",
            least=0,
            most=1024,
            advanced=True,
        )
        self.add_decimal(
            self.PIXEL,
            "Ground sampling distance (m)",
            10.0,
            "Metres per pixel of the model's training images; others are resampled.",
            least=0.01,
            most=10_000.0,
            advanced=True,
        )
        self.add(
            QgsProcessingParameterString(self.LICENCE, "Licence", None, False, True),
            "Under which licence its author has put the model; kept in the card.",
            advanced=True,
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        scaled = self.choice(parameters, self.VALUES, context) == VALUES[2]
        given = [self.is_given(parameters, name) for name in (self.MEANS, self.DEVIATIONS)]
        if scaled and not all(given):
            return "The values mean and deviation need the mean and deviation of each band."
        if not scaled and any(given):
            return "Means and deviations only count with the values mean and deviation."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        names = self.parameterAsString(parameters, self.BAND_NAMES, context)
        job = {
            **self.values(
                parameters,
                context,
                source=self.SOURCE_FILE,
                values=self.VALUES,
                answer=self.ANSWER,
                mine_output=self.MINE_OUTPUT,
                layout=self.LAYOUT,
                patch=self.PATCH,
                stride=self.STRIDE,
                ground_sampling_distance=self.PIXEL,
                licence=self.LICENCE,
                model=self.MODEL,
            ),
            "bands": [name.strip() for name in names.replace(";", ",").split(",") if name.strip()],
            "means": self._numbers(parameters, self.MEANS, context),
            "deviations": self._numbers(parameters, self.DEVIATIONS, context),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("mines.import_model", job, feedback)
        return {
            **self.made,
            "PATCH_SIZE": result["patch"],
            "WEIGHTS": result["weights"],
            "OUTPUTS": result["outputs"],
        }

    def _numbers(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[float]:
        """Return the numbers of a text, parted by spaces or semicolons."""
        text = self.parameterAsString(parameters, name, context) or ""
        try:
            return [float(part.strip(",")) for part in text.replace(";", " ").split()]
        except ValueError as problem:
            what = self.parameterDefinition(name).description()
            raise QgsProcessingException(
                f"{what}: {text} is no list of numbers such as 0.12 0.10 0.09."
            ) from problem
