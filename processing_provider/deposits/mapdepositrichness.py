"""Algorithm: richness predicted for scenes, and ranks of prospects."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
)

from gossan.processing_provider.deposits import styles
from gossan.processing_provider.deposits.layers import DepositAlgorithm
from gossan.processing_provider.inputs import write_features


class MapDepositRichness(DepositAlgorithm):
    """Applies a deposit model to scenes and ranks those without a known deposit."""

    ID = "mapdepositrichness"
    NAME = "Map deposit richness"
    GROUP = "deposits"
    TAGS = ("Landsat", "mineral deposits", "prospects", "prediction", "richness", "exploration")
    DOES = (
        "Applies a deposit model to scenes, made into chips as the model was trained on, and ranks "
        "the footprints in which no deposit is known: prospects, the most promising first."
    )
    NEEDS = (
        "A model of <i>Train deposit model</i> and scenes with its bands: the layer of <i>Label "
        "scenes by deposits</i> or a folder. With the tables of known deposits each footprint is "
        "known or not; without them all are ranked."
    )
    GIVES = (
        "Footprints with the predicted presence or richness, the spread of the networks, the "
        "number of known deposits, the prospect rank and whether the image lies within what the "
        "model has seen; a table, best prospects first; a report."
    )
    SOURCE = "Mineral deposits in Landsat images by convolutional networks."

    LABELS = "LABELS"
    FOLDER = "FOLDER"
    MODEL = "MODEL"
    WITH_OCEAN = "WITH_OCEAN"
    OUTPUT = "OUTPUT"
    FOOTPRINTS, PROSPECTS = "FOOTPRINTS", "PROSPECTS"
    HIGHEST, OUTSIDE = "HIGHEST", "OUTSIDE"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_file(
            self.MODEL,
            "Model",
            "Gossan models (*.gossan)",
            "From Train deposit model; it brings bands, chip size and scaling along.",
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.LABELS,
                "Labelled footprints",
                [QgsProcessing.SourceType.TypeVectorPolygon],
                optional=True,
            ),
            "From Label scenes by deposits; images lie where its field file says.",
        )
        self.add(
            QgsProcessingParameterFile(
                self.FOLDER,
                "Folder of scenes",
                QgsProcessingParameterFile.Behavior.Folder,
                optional=True,
            ),
            "Scenes that were never labelled; MTL files and rasters in it and below.",
        )
        self.add_deposits(
            "Tables of known deposits with longitude and latitude, to tell prospects from what is "
            "known.",
            optional=True,
        )
        self.add_switch(
            self.WITH_OCEAN,
            "Predict ocean scenes too",
            False,
            "Scenes flagged as ocean are left out otherwise.",
            advanced=True,
        )
        self.add_features_result(
            self.OUTPUT,
            "Predicted richness",
            QgsProcessing.SourceType.TypeVectorPolygon,
            "One polygon per chip, in longitude and latitude, cut at the date line.",
        )
        self.add_table(self.TABLE, "Prospects", "The same as a table, the best prospects first.")
        self.add_report("The best prospects and all predictions.", optional=True, by_default=True)
        self.add_output_numbers(
            {
                self.FOOTPRINTS: "Footprints",
                self.PROSPECTS: "Footprints without a known deposit",
                self.HIGHEST: "Highest prediction among them",
                self.OUTSIDE: "Footprints outside of what the model has seen",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:  # noqa: ARG002
        if not any(self.is_given(parameters, name) for name in (self.LABELS, self.FOLDER)):
            return "Give scenes: a layer of labelled footprints or a folder."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        crs = QgsCoordinateReferenceSystem("EPSG:4326")
        labels = ""
        if self.is_given(parameters, self.LABELS):
            source = self.feature_source(parameters, self.LABELS, context)
            labels = write_features(source, source.fields().names(), crs, context, feedback)
        job = {
            **self.values(
                parameters,
                context,
                folder=self.FOLDER,
                model=self.MODEL,
                with_ocean=self.WITH_OCEAN,
                output=self.OUTPUT,
                table=self.TABLE,
                report=self.REPORT,
            ),
            "labels": labels,
            "deposits": self.deposit_tables(parameters, context, feedback),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("deposits.map", job, feedback)
        self.features_to_sink(
            job["output"],
            parameters,
            self.OUTPUT,
            crs,
            context,
            feedback,
            style=styles.predictions,
            title=f"Predicted {result['goal']} of deposits",
        )
        return {
            **self.made,
            self.FOOTPRINTS: result["footprints"],
            self.PROSPECTS: result["prospects"],
            self.HIGHEST: result["highest"],
            self.OUTSIDE: result["outside"],
        }
