"""Algorithm: chips around class points or by masks of mines, for training."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
)

from gossan.processing_provider.inputs import write_features, write_points
from gossan.processing_provider.mines import chip_styles
from gossan.processing_provider.mines.images import ChipAlgorithm, per_image

KINDS = ("exact: 243 px", "as published: 201 px", "impact: 21 px", "tiles of cells")


class ExtractChips(ChipAlgorithm):
    """Cuts chips from images, with a table of what each one shows."""

    ID = "extractchips"
    NAME = "Extract chips"
    GROUP = "mines"
    TAGS = ("training", "chips", "patches", "samples", "mines", "tailings", "ore", "impact")
    DOES = (
        "Cuts small images around points of known class, or by masks of mines, for the training of "
        "the mine detector and of the impact classifier. A chip keeps the numbers, bands, scale "
        "and missing pixels of its image. Names of ores become classes of impact by a table that "
        "you may replace; unknown ones are listed."
    )
    NEEDS = (
        "Images with the bands that will be searched, and either points with a class (mine, "
        "background, or an ore), or rasters or polygons of mines. A cell of 27 x 27 pixels counts "
        "as mine from a share of its pixels, as background up to a small one, and is left out in "
        "between. Gold workings look like those of low impact and are not."
    )
    GIVES = (
        "A folder with <i>chips.csv</i> and the chips as GeoTIFF, for <i>Train mine detector</i> "
        "or <i>Train impact classifier</i>, and their places as points. Whatever was left out is "
        "counted by its reason."
    )
    SOURCE = (
        "Balaniuk and others (2020), Sensors 20, 6936; sizes and geometry: docs/mines_training.md."
    )

    POINTS = "POINTS"
    CLASS_FIELD = "CLASS_FIELD"
    GROUP_FIELD = "GROUP_FIELD"
    CLASS = "CLASS"
    ARE_ORES = "ARE_ORES"
    ORES = "ORES"
    MASKS = "MASKS"
    POLYGONS = "POLYGONS"
    MINE_SHARE = "MINE_SHARE"
    BACKGROUND_SHARE = "BACKGROUND_SHARE"
    RATIO = "BACKGROUND_RATIO"
    TILE_SIZE = "TILE_SIZE"
    DROPPED = "DROPPED_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_images("One or many; each is cut by itself, so that they may differ in CRS.")
        self._add_points()
        self._add_masks()
        self.add_choice(
            self.KIND,
            "Kind of chips",
            KINDS,
            KINDS[0],
            "243 pixels are what the search sees around a cell; 201 as published see zero padding "
            "and lie 6 pixels off; 21 teach the impact classifier; tiles hold many cells and train "
            "ten times faster, from masks only.",
        )
        self.add_integer(
            self.TILE_SIZE,
            "Side of tiles (pixels)",
            729,
            "A multiple of 27, 243 or more. Tiles overlap by 216 pixels, so that each cell counts "
            "once.",
            least=243,
            advanced=True,
        )
        self.add_missing_share()
        self.add_image_options()
        self.add_seed()
        self.add_chip_results()
        self.add_output_numbers({self.COUNT: "Chips", self.DROPPED: "Left out"})

    def _add_points(self) -> None:
        vector = [QgsProcessing.SourceType.TypeVector]
        self.add(
            QgsProcessingParameterFeatureSource(self.POINTS, "Class points", vector, optional=True),
            "Points in any CRS, or a table with coordinate columns.",
        )
        for name, description, tip in (
            (self.CLASS_FIELD, "Class field", "Empty: all points are of the class below."),
            (
                self.GROUP_FIELD,
                "Site field",
                "Chips of one site are never parted between training and test.",
            ),
        ):
            self.add(
                QgsProcessingParameterField(name, description, None, self.POINTS, optional=True),
                tip,
            )
        self.add(
            QgsProcessingParameterString(self.CLASS, "Class of all points", "mine", False, True),
            "Where there is no class field: mine, background, or a class of impact.",
        )
        self.add_switch(
            self.ARE_ORES,
            "The classes are names of ores",
            False,
            "They become high impact, low impact or no ore by the table below.",
        )
        self.add_file(
            self.ORES,
            "Table of ores (CSV)",
            "CSV tables (*.csv)",
            "Columns ore and impact (high, low or none). Empty: the table that ships, in English "
            "and Portuguese (models/mines/ores.csv in the plugin's folder).",
            optional=True,
            advanced=True,
        )

    def _add_masks(self) -> None:
        self.add(
            QgsProcessingParameterMultipleLayers(
                self.MASKS, "Masks of mines", QgsProcessing.SourceType.TypeRaster, optional=True
            ),
            "One raster per image, in their order and on their pixels; not 0 on mines.",
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.POLYGONS,
                "Polygons of mines",
                [QgsProcessing.SourceType.TypeVectorPolygon],
                optional=True,
            ),
            "Instead of masks, in any CRS. All mines on the images have to be among them, or some "
            "would be taught as background.",
        )
        for name, description, default, tip in (
            (self.MINE_SHARE, "Mine from (% of a cell)", 30.0, "Cells with less are no mine."),
            (
                self.BACKGROUND_SHARE,
                "Background up to (% of a cell)",
                2.0,
                "Cells between both shares are left out.",
            ),
        ):
            self.add_decimal(name, description, default, tip, least=0.0, most=100.0, advanced=True)
        self.add_decimal(
            self.RATIO,
            "Background chips for each mine chip",
            3.0,
            "Drawn at random where single chips are cut by masks.",
            least=0.0,
            advanced=True,
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        given = [
            n for n in (self.POINTS, self.MASKS, self.POLYGONS) if self.is_given(parameters, n)
        ]
        kind = self.choice(parameters, self.KIND, context)
        if len(given) != 1:
            return "Give either class points, or masks, or polygons of mines: one of them."
        if kind == KINDS[3] and given == [self.POINTS]:
            return "Tiles need the class of every cell: give masks or polygons of mines."
        if kind == KINDS[2] and given != [self.POINTS]:
            return "Masks do not tell an impact: cut impact chips around class points."
        ores = self.parameterAsBool(parameters, self.ARE_ORES, context)
        if ores and not self.is_given(parameters, self.CLASS_FIELD):
            return "Name the field that holds the names of the ores."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        layers = self.image_layers(parameters, context)
        job = {
            **self.values(
                parameters,
                context,
                images=self.IMAGES,
                class_field=self.CLASS_FIELD,
                group_field=self.GROUP_FIELD,
                constant_class=self.CLASS,
                are_ores=self.ARE_ORES,
                ores=self.ORES,
                masks=self.MASKS,
                mine_share=self.MINE_SHARE,
                background_share=self.BACKGROUND_SHARE,
                background_ratio=self.RATIO,
                kind=self.KIND,
                tile_size=self.TILE_SIZE,
                missing_share=self.MISSING_SHARE,
                seed=self.SEED,
                output=self.OUTPUT,
                places=self.PLACES,
            ),
            **self.image_options(parameters, context),
            **self._vectors(parameters, layers, context, feedback),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("mines.extract_chips", job, feedback)
        self.features_to_sink(
            job["places"],
            parameters,
            self.PLACES,
            self.places_crs(result, layers),
            context,
            feedback,
            style=chip_styles.chips,
            title="Chips by class",
        )
        return {**self.made, self.COUNT: result["chips"], self.DROPPED: result["dropped"]}

    def _vectors(
        self,
        parameters: dict[str, Any],
        layers: list[QgsMapLayer],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, list[str]]:
        """Return points and polygons as files for each image."""
        paths: dict[str, list[str]] = {"points": [], "polygons": []}
        if self.is_given(parameters, self.POINTS):
            names = (self.CLASS_FIELD, self.GROUP_FIELD)
            fields = [
                f for f in (self.parameterAsString(parameters, n, context) for n in names) if f
            ]
            source = self.feature_source(parameters, self.POINTS, context)
            write = partial(_points, source, fields, context, feedback)
            paths["points"] = per_image(layers, write)
        if self.is_given(parameters, self.POLYGONS):
            source = self.feature_source(parameters, self.POLYGONS, context)
            write = partial(_polygons, source, context, feedback)
            paths["polygons"] = per_image(layers, write)
        return paths


def _points(
    source: QgsProcessingFeatureSource,
    fields: list[str],
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
    crs: QgsCoordinateReferenceSystem,
) -> str:
    return write_points(source, fields, crs, context, feedback)


def _polygons(
    source: QgsProcessingFeatureSource,
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
    crs: QgsCoordinateReferenceSystem,
) -> str:
    return write_features(source, [], crs, context, feedback)
