"""Algorithm: assessment of a class raster against a reference."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider.lithology import styles
from gossan.processing_provider.lithology.geological_map import GeologicalMapAlgorithm
from gossan.processing_provider.lithology.legends import legend_of

REFERENCES = [
    QgsProcessing.SourceType.TypeVectorPolygon,
    QgsProcessing.SourceType.TypeVectorPoint,
]


class AssessMap(GeologicalMapAlgorithm):
    """Compares a class raster with polygons, points or another class raster."""

    ID = "assessmap"
    NAME = "Assess class map"
    GROUP = "lithology"
    TAGS = ("accuracy", "confusion matrix", "kappa", "IoU", "validation", "lithology")
    DOES = (
        "Compares a class raster with a reference, class by class. Classes are matched by their "
        "names, whatever the case; those that only one side has are named and counted. Intervals "
        "come from drawing blocks of the image again and again, because neighbouring pixels are "
        "right or wrong together."
    )
    NEEDS = (
        "A class raster (from <i>Map lithology</i> or anywhere else) and a reference with the same "
        "class names, which the map's model should not have seen."
    )
    GIVES = (
        "Overall accuracy with interval, also adjusted for the area of each mapped class, kappa, "
        "mean IoU; producer's and user's accuracy, F1 and IoU per class; the confusion matrix; a "
        "raster of where both differ; a report."
    )
    SOURCE = (
        "Area-adjusted accuracy: Olofsson and others (2014); kappa: Cohen (1960); blocks: Roberts "
        "and others (2017)."
    )

    PER_CLASS = "PER_CLASS"
    BLOCK_SIZE = "BLOCK_SIZE"
    MATRIX = "MATRIX"
    DIFFERENCES = "DIFFERENCES"
    OVERALL, ADJUSTED = "OVERALL_ACCURACY", "ADJUSTED_ACCURACY"
    KAPPA, MEAN_IOU, COUNT = "KAPPA", "MEAN_IOU", "PIXEL_COUNT"

    def __init__(self) -> None:
        super().__init__()
        self.raster_legend: list[dict[str, Any]] = []

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Class raster"),
            "The map to be assessed: whole numbers, 0 for no data.",
        )
        self.add_geological_map("Reference", REFERENCES)
        self.add_integer(
            self.PER_CLASS,
            "Reference pixels per class (0: all)",
            0,
            "Draws so many reference pixels at random for each mapped class, for area-adjusted "
            "accuracies whose intervals can be trusted.",
            least=0,
            advanced=True,
        )
        self.add_decimal(
            self.BLOCK_SIZE,
            "Block size (map units, 0: automatic)",
            0.0,
            "Side of the blocks that the intervals are drawn from; 0 makes ten across the raster.",
            least=0.0,
            advanced=True,
        )
        self.add_seed()
        self.add_table(self.TABLE, "Scores", "One row per class.")
        self.add(
            QgsProcessingParameterFileDestination(
                self.MATRIX, "Confusion matrix", "CSV tables (*.csv)", None, True, False
            ),
            "Pixels; rows are the reference, columns the map.",
        )
        self.add_raster_result(
            self.DIFFERENCES,
            "Differences",
            "1 where map and reference agree, 2 where they differ, 0 elsewhere.",
            optional=True,
        )
        self.add_report("Scores with intervals, classes, confusion matrix.")
        self.add_output_numbers(
            {
                self.OVERALL: "Overall accuracy",
                self.ADJUSTED: "Overall accuracy, area-adjusted",
                self.KAPPA: "Kappa",
                self.MEAN_IOU: "Mean IoU",
                self.COUNT: "Pixels compared",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:  # noqa: ARG002
        return self.check_geological_map(parameters)

    def prepareAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        self.raster_legend = legend_of(self.parameterAsRasterLayer(parameters, self.INPUT, context))
        return super().prepareAlgorithm(parameters, context, feedback)

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
                raster=self.INPUT,
                per_class=self.PER_CLASS,
                block_size=self.BLOCK_SIZE,
                seed=self.SEED,
                table=self.TABLE,
                matrix=self.MATRIX,
                differences=self.DIFFERENCES,
                report=self.REPORT,
            ),
            **self.geological_map(parameters, self.INPUT, "reference", context, feedback),
            "legend": self.raster_legend,
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("lithology.assess", job, feedback)
        self.style_raster(job["differences"], styles.agreement, context, title="Map and reference")
        return {
            **self.made,
            self.OVERALL: result["overall_accuracy"],
            self.ADJUSTED: result["adjusted_accuracy"],
            self.KAPPA: result["kappa"],
            self.MEAN_IOU: result["mean_iou"],
            self.COUNT: result["pixels"],
        }
