"""Algorithm: background points, spread over strata and away from known mines."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import write_features
from gossan.processing_provider.mines import chip_styles


class SampleBackground(GossanAlgorithm):
    """Draws points that show no mine, from all kinds of ground alike."""

    ID = "samplebackground"
    NAME = "Sample background"
    GROUP = "mines"
    TAGS = ("training", "negatives", "background", "strata", "land cover", "mines")
    DOES = (
        "Draws points where no mine is known, as many from every stratum of the ground, so that "
        "what is rare and easily mistaken (water, river banks, towns, bare ground) is well "
        "represented. Strata are the classes of a land-cover raster, or else clusters of the "
        "image's blocks of 270 m by the mean and spread of their bands."
    )
    NEEDS = (
        "An image or a class raster, and all mines that are known, as points or polygons: points "
        "near a mine that nobody named would be taught as background."
    )
    GIVES = (
        "Points with the class <i>background</i>, their stratum and the distance to the nearest "
        "known mine, for <i>Extract chips</i>."
    )
    SOURCE = (
        "Balaniuk and others (2020), Sensors 20, 6936, who drew negatives by hand; k-means: Lloyd "
        "(1982)."
    )

    STRATA = "STRATA"
    AREA = "AREA"
    MINES = "MINES"
    COUNT = "COUNT"
    MINE_DISTANCE = "MINE_DISTANCE"
    SPACING = "SPACING"
    CLUSTERS = "CLUSTERS"
    OUTPUT = "OUTPUT"
    FOUND = "FOUND_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Image", optional=True),
            "Its blocks are clustered where there is no class raster, and missing pixels get no "
            "points.",
        )
        self.add(
            QgsProcessingParameterRasterLayer(self.STRATA, "Strata", optional=True),
            "Class raster such as land cover, on any grid; 0 gets no points.",
        )
        for name, description, kinds, tip in (
            (
                self.AREA,
                "Area",
                [QgsProcessing.SourceType.TypeVectorPolygon],
                "Polygons in any CRS that points are drawn in. Empty: the whole raster.",
            ),
            (
                self.MINES,
                "Known mines",
                [
                    QgsProcessing.SourceType.TypeVectorPoint,
                    QgsProcessing.SourceType.TypeVectorPolygon,
                ],
                "Points or polygons in any CRS.",
            ),
        ):
            self.add(
                QgsProcessingParameterFeatureSource(name, description, kinds, optional=True), tip
            )
        self.add_integer(self.COUNT, "Points", 300, "Spread over the strata alike.", least=1)
        self.add_decimal(
            self.MINE_DISTANCE,
            "Least distance to known mines (m)",
            2500.0,
            "A chip of 243 pixels of 10 m reaches 1.2 km from its middle.",
            least=0.0,
        )
        self.add_decimal(
            self.SPACING,
            "Least distance between points (m)",
            500.0,
            "Measured at the image's middle; where there is no room, fewer points are drawn.",
            least=0.0,
        )
        self.add_integer(
            self.CLUSTERS,
            "Clusters",
            8,
            "Strata that an image is divided into where there is no class raster.",
            least=1,
            most=100,
            advanced=True,
        )
        self.add_seed()
        self.add_features_result(
            self.OUTPUT,
            "Background points",
            QgsProcessing.SourceType.TypeVectorPoint,
            "With class, stratum and the distance to the nearest known mine.",
        )
        self.add_output_numbers({self.FOUND: "Points found"})

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:  # noqa: ARG002
        if not any(self.is_given(parameters, name) for name in (self.INPUT, self.STRATA)):
            return "Give an image or a class raster of strata."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        base = self.INPUT if self.is_given(parameters, self.INPUT) else self.STRATA
        crs = self.raster_crs(parameters, base, context)
        vectors = {}
        for keyword, name in (("area", self.AREA), ("mines", self.MINES)):
            if self.is_given(parameters, name):
                source = self.feature_source(parameters, name, context)
                vectors[keyword] = write_features(source, [], crs, context, feedback)
        job = {
            **self.values(
                parameters,
                context,
                raster=self.INPUT,
                strata=self.STRATA,
                count=self.COUNT,
                mine_distance=self.MINE_DISTANCE,
                spacing=self.SPACING,
                clusters=self.CLUSTERS,
                seed=self.SEED,
                points=self.OUTPUT,
            ),
            **vectors,
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("mines.sample_background", job, feedback)
        self.features_to_sink(
            job["points"],
            parameters,
            self.OUTPUT,
            crs,
            context,
            feedback,
            style=chip_styles.background,
            title="Background by stratum",
        )
        return {**self.made, self.FOUND: result["count"]}
