"""Algorithm: scenes made into chips with labels, split by location."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterString,
)

from gossan.processing_provider.deposits import styles
from gossan.processing_provider.deposits.layers import DepositAlgorithm
from gossan.processing_provider.inputs import write_features
from gossan.processing_provider.values import listed

METHODS = ("partition", "pad and down-sample")
DOWNSAMPLING = ("area average", "nearest", "resampling")
SCALINGS = ("reflectance", "data type")
CLOUD_RULES = ("quality band", "mean brightness")
LOCATIONS = ("path and row", "distance")


class PrepareScenes(DepositAlgorithm):
    """Makes chips of labelled scenes for the training of networks."""

    ID = "preparescenes"
    NAME = "Prepare scenes"
    GROUP = "deposits"
    TAGS = ("Landsat", "chips", "collar", "clouds", "partition", "down-sampling", "split")
    DOES = (
        "Makes chips of labelled scenes. The black collar is found and removed, also where the "
        "scene lies askew in it; scenes are cut into squares of full resolution, each labelled by "
        "the deposits in its own footprint, or padded and brought down as a whole. Chips are "
        "ordered by cloud within their location and split so that no location is on both sides. "
        "An interrupted run goes on where it was."
    )
    NEEDS = (
        "The layer of <i>Label scenes by deposits</i>, whose images lie where its field file says, "
        "and for a partition the tables of deposits. Bands that mean the same in all scenes."
    )
    GIVES = (
        "A table of chips for <i>Train deposit model</i>, with a folder of images beside it "
        "(values 0 to 1 as 16-bit GeoTIFF); the chips' footprints as a layer; a report."
    )
    SOURCE = "Mineral deposits in Landsat images by convolutional networks: its preparation."

    LABELS = "LABELS"
    CHIP_BANDS = "CHIP_BANDS"
    METHOD = "METHOD"
    SIZE = "SIZE"
    DOWNSAMPLING = "DOWNSAMPLING"
    SCALING = "SCALING"
    LEAST_VALID = "LEAST_VALID"
    CLOUD_RULE = "CLOUD_RULE"
    MOST_CLOUD = "MOST_CLOUD"
    LOOKS = "LOOKS"
    WITH_OCEAN = "WITH_OCEAN"
    LOCATIONS = "LOCATIONS"
    DISTANCE = "DISTANCE"
    VALIDATION_SHARE = "VALIDATION_SHARE"
    APART = "APART"
    RESUME = "RESUME"
    INDEX = "INDEX"
    CHIPS = "CHIPS"
    COUNT, TRAINING, VALIDATION = "COUNT", "TRAINING", "VALIDATION"
    WITH_DEPOSITS, LOCATION_COUNT, LEFT_OUT = "WITH_DEPOSITS", "LOCATION_COUNT", "LEFT_OUT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterFeatureSource(
                self.LABELS, "Labelled footprints", [QgsProcessing.SourceType.TypeVectorPolygon]
            ),
            "From Label scenes by deposits; leave scenes out by selecting or deleting footprints.",
        )
        self.add_deposits(
            "The tables that the scenes were labelled with; a partition needs them to label every "
            "chip.",
            optional=True,
        )
        self._add_images()
        self._add_clouds()
        self._add_split()
        self._add_outputs()

    def _add_images(self) -> None:
        self.add(
            QgsProcessingParameterString(self.CHIP_BANDS, "Bands", "B7"),
            "Bands of the chips, such as B7 (short-wave infrared, as in the source) or B5; B7. "
            "They must mean the same in all scenes: B4 is red in Landsat 8 and infrared before.",
        )
        self.add_choice(
            self.METHOD,
            "Method",
            METHODS,
            METHODS[0],
            "Partition: squares of full resolution, each with labels of its own. Pad and "
            "down-sample: one chip per scene.",
        )
        self.add_integer(
            self.SIZE, "Chip size (pixels)", 512, "Side of a chip; 512 in the source.", least=8
        )
        self.add_choice(
            self.DOWNSAMPLING,
            "Down-sampling",
            DOWNSAMPLING,
            DOWNSAMPLING[0],
            "For whole scenes: mean of all that a pixel covers, the pixel at its middle, or cubic "
            "convolution.",
            advanced=True,
        )
        self.add_choice(
            self.SCALING,
            "Scaling",
            SCALINGS,
            SCALINGS[0],
            "Reflectance by the metadata, so that sensors and seasons compare; or numbers over the "
            "greatest of their type (255, 65535), as in the source.",
            advanced=True,
        )
        self.add_decimal(
            self.LEAST_VALID,
            "Least share of valid pixels",
            0.5,
            "Chips of a partition with less data than this are left out, 0 to 1.",
            least=0.0,
            most=1.0,
            advanced=True,
        )

    def _add_clouds(self) -> None:
        self.add_choice(
            self.CLOUD_RULE,
            "Order clouds by",
            CLOUD_RULES,
            CLOUD_RULES[0],
            "The share of cloud by the quality band where all scenes of a location have one, else "
            "(or always, as in the source) mean brightness: the darkest is the clearest.",
            advanced=True,
        )
        self.add_decimal(
            self.MOST_CLOUD,
            "Greatest share of cloud",
            1.0,
            "Chips with more cloud by the quality band are left out, 0 to 1.",
            least=0.0,
            most=1.0,
        )
        self.add_integer(
            self.LOOKS,
            "Scenes per location (0: all)",
            0,
            "How many scenes of a location are kept, the clearest first.",
            least=0,
        )
        self.add_switch(
            self.WITH_OCEAN,
            "Keep ocean scenes",
            False,
            "Scenes flagged as ocean are left out otherwise.",
            advanced=True,
        )

    def _add_split(self) -> None:
        self.add_choice(
            self.LOCATIONS,
            "A location is",
            LOCATIONS,
            LOCATIONS[0],
            "Path and row of the scene, or all scenes nearer to each other than the distance.",
        )
        self.add_decimal(
            self.DISTANCE,
            "Distance (km)",
            200.0,
            "For locations by distance, between the middles of scenes.",
            least=0.0,
            advanced=True,
        )
        self.add_decimal(
            self.VALIDATION_SHARE,
            "Share for validation",
            0.2,
            "Share of the chips, in whole locations, 0 to 1.",
            least=0.01,
            most=0.9,
            advanced=True,
        )
        self.add_switch(
            self.APART,
            "Leave out training chips that overlap validation chips",
            True,
            "Neighbouring paths and rows overlap, so that some ground would be on both sides "
            "although no location is.",
            advanced=True,
        )
        self.add_switch(
            self.RESUME,
            "Go on after an interruption",
            True,
            "Keeps the finished scenes of a run that was cancelled or killed in a hidden folder "
            "beside the index, and goes on from there when it is started again.",
            advanced=True,
        )
        self.add_seed()

    def _add_outputs(self) -> None:
        self.add_table(
            self.INDEX,
            "Table of chips",
            "For Train deposit model; the images lie beside it in a folder named after it.",
            optional=False,
        )
        self.add_features_result(
            self.CHIPS,
            "Chips",
            QgsProcessing.SourceType.TypeVectorPolygon,
            "Footprints of the chips with their labels, location and part of the split.",
            optional=True,
            by_default=True,
        )
        self.add_report("Parts of the split and some chips.", optional=True, by_default=True)
        self.add_output_numbers(
            {
                self.COUNT: "Chips",
                self.TRAINING: "Chips for training",
                self.VALIDATION: "Chips for validation",
                self.WITH_DEPOSITS: "Chips with deposits",
                self.LOCATION_COUNT: "Locations",
                self.LEFT_OUT: "Scenes left out",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        partition = self.choice(parameters, self.METHOD, context) == METHODS[0]
        if partition and not self.is_given(parameters, self.DEPOSITS):
            return "A partition needs the tables of deposits, to label every chip."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        crs = QgsCoordinateReferenceSystem("EPSG:4326")
        source = self.feature_source(parameters, self.LABELS, context)
        job = {
            **self.values(
                parameters,
                context,
                method=self.METHOD,
                size=self.SIZE,
                downsampling=self.DOWNSAMPLING,
                scaling=self.SCALING,
                least_valid=self.LEAST_VALID,
                cloud_rule=self.CLOUD_RULE,
                most_cloud=self.MOST_CLOUD,
                looks=self.LOOKS,
                with_ocean=self.WITH_OCEAN,
                location_rule=self.LOCATIONS,
                distance=self.DISTANCE,
                validation_share=self.VALIDATION_SHARE,
                apart=self.APART,
                resume=self.RESUME,
                seed=self.SEED,
                index=self.INDEX,
                chips=self.CHIPS,
                report=self.REPORT,
            ),
            "labels": write_features(source, source.fields().names(), crs, context, feedback),
            "deposits": self.deposit_tables(parameters, context, feedback),
            "bands": listed(self.parameterAsString(parameters, self.CHIP_BANDS, context)),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("deposits.prepare", job, feedback)
        self.features_to_sink(
            job["chips"],
            parameters,
            self.CHIPS,
            crs,
            context,
            feedback,
            style=styles.chips,
            title="Chips by part",
        )
        return {
            **self.made,
            self.COUNT: result["chips"],
            self.TRAINING: result["training"],
            self.VALIDATION: result["validation"],
            self.WITH_DEPOSITS: result["with_deposits"],
            self.LOCATION_COUNT: result["locations"],
            self.LEFT_OUT: result["left_out"],
        }
