"""Algorithm: labels of scenes from tables of mineral deposits."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)

from gossan.processing_provider.deposits import styles
from gossan.processing_provider.deposits.layers import DepositAlgorithm, land_polygons
from gossan.processing_provider.inputs import write_features
from gossan.processing_provider.values import listed

FOOTPRINTS = ("valid pixels or corners", "corners of the file")
OCEAN_RULES = ("centre", "land fraction")


class LabelScenes(DepositAlgorithm):
    """Counts the deposits in each scene and tells ocean from land."""

    ID = "labelscenes"
    NAME = "Label scenes by deposits"
    GROUP = "deposits"
    TAGS = ("Landsat", "mineral deposits", "MRDS", "footprints", "MTL", "ocean", "richness")
    DOES = (
        "Counts the mineral deposits that lie in each scene, all of them and by commodity. "
        "Footprints are polygons on the sphere and every deposit is tested exactly, also across "
        "the date line and near the poles. Scenes over the ocean are flagged."
    )
    NEEDS = (
        "Scenes: a folder of Landsat 4 to 9 products with their metadata (MTL as text, XML or "
        "JSON, of any collection) or of rasters, a layer of footprints, a list of scene "
        "identifiers, or several of these. Deposits: tables with longitude and latitude, such as "
        "those of the USGS Mineral Resources Data System, or point layers."
    )
    GIVES = (
        "Footprints with presence (0 or 1), count and richness, ln(n + 1) over the greatest "
        "ln(n + 1), the count of each commodity, the share of land and whether the scene is "
        "ocean; a table and a report."
    )
    SOURCE = "Mineral deposits in Landsat images by convolutional networks; footprints as there."

    FOLDER = "FOLDER"
    FOOTPRINTS = "FOOTPRINTS"
    LIST = "LIST"
    COMMODITIES = "COMMODITIES"
    COMMODITY_FIELDS = "COMMODITY_FIELDS"
    OUTLINE = "OUTLINE"
    BAND = "BAND"
    LAND = "LAND"
    OCEAN_RULE = "OCEAN_RULE"
    LAND_SHARE = "LAND_SHARE"
    OUTPUT = "OUTPUT"
    SCENES, WITH_DEPOSITS, OCEAN, COVERED = "SCENES", "WITH_DEPOSITS", "OCEAN", "COVERED"
    LEFT_OUT = "LEFT_OUT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_scenes()
        self._add_options()
        self.add_features_result(
            self.OUTPUT,
            "Labelled footprints",
            QgsProcessing.SourceType.TypeVectorPolygon,
            "One polygon per scene, in longitude and latitude, cut at the date line.",
        )
        self.add_table(self.TABLE, "Labels", "The same labels as a CSV table.")
        self.add_report("Counts, what was left out and why.", optional=True, by_default=True)
        self.add_output_numbers(
            {
                self.SCENES: "Scenes",
                self.WITH_DEPOSITS: "Scenes with deposits",
                self.OCEAN: "Scenes that are ocean",
                self.COVERED: "Deposits in a scene",
                self.LEFT_OUT: "Rows of the tables left out",
            }
        )

    def _add_scenes(self) -> None:
        self.add(
            QgsProcessingParameterFile(
                self.FOLDER,
                "Folder of scenes",
                QgsProcessingParameterFile.Behavior.Folder,
                optional=True,
            ),
            "Every MTL file in it and in the folders below is a scene; so is every raster in a "
            "folder without one.",
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.FOOTPRINTS,
                "Footprints",
                [QgsProcessing.SourceType.TypeVectorPolygon],
                optional=True,
            ),
            "Polygons in any CRS that stand for scenes; a field called name names them. Edges are "
            "taken as arcs of great circles.",
        )
        self.add_file(
            self.LIST,
            "List of scenes",
            "Lists (*.csv *.txt)",
            "Identifiers of Landsat 4 to 9 scenes in the first column. Their footprints are the "
            "nominal frames of their path and row.",
            optional=True,
        )
        self.add_deposits(
            "One or more tables with longitude and latitude (degrees), or point layers. Rows "
            "without a place, out of range or repeated are counted and left out."
        )

    def _add_options(self) -> None:
        self.add(
            QgsProcessingParameterString(self.COMMODITIES, "Commodities", None, False, True),
            "Commodities to count apart, such as Gold; Copper. Empty: the ten most frequent.",
        )
        self.add(
            QgsProcessingParameterString(
                self.COMMODITY_FIELDS, "Commodity fields", None, False, True
            ),
            "Fields that hold commodities, such as commod1; commod2. Empty: commod1, commod2, "
            "commod3, commodity or commodities, where a table has them.",
            advanced=True,
        )
        self.add_choice(
            self.OUTLINE,
            "Outline of a scene",
            FOOTPRINTS,
            FOOTPRINTS[0],
            "The valid pixels where the image is at hand, or always the corners in the metadata, "
            "which bound the black collar too (as in the source, and quicker).",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterString(self.BAND, "Band for the outline", "B7", False, True),
            "Band whose pixels are looked at; another one stands in where it is missing.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.LAND, "Land", [QgsProcessing.SourceType.TypeVectorPolygon], optional=True
            ),
            "Polygons of land, to tell ocean. Empty: the countries of QGIS's own world map.",
        )
        self.add_choice(
            self.OCEAN_RULE,
            "A scene is ocean by its",
            OCEAN_RULES,
            OCEAN_RULES[0],
            "Centre: where its middle is no land, as in the source. Land fraction: where less than "
            "the share below is land, which keeps scenes at coasts.",
        )
        self.add_decimal(
            self.LAND_SHARE,
            "Least share of land",
            0.1,
            "For the rule by land fraction, 0 to 1.",
            least=0.0,
            most=1.0,
            advanced=True,
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:  # noqa: ARG002
        if not any(self.is_given(parameters, n) for n in (self.FOLDER, self.FOOTPRINTS, self.LIST)):
            return "Give scenes: a folder, a layer of footprints or a list of identifiers."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        crs = QgsCoordinateReferenceSystem("EPSG:4326")
        polygons = ""
        if self.is_given(parameters, self.FOOTPRINTS):
            source = self.feature_source(parameters, self.FOOTPRINTS, context)
            polygons = write_features(source, source.fields().names(), crs, context, feedback)
        land = None
        if self.is_given(parameters, self.LAND):
            land = self.feature_source(parameters, self.LAND, context)
        job = {
            **self.values(
                parameters,
                context,
                folder=self.FOLDER,
                names=self.LIST,
                footprints=self.OUTLINE,
                band=self.BAND,
                ocean_rule=self.OCEAN_RULE,
                land_share=self.LAND_SHARE,
                output=self.OUTPUT,
                table=self.TABLE,
                report=self.REPORT,
            ),
            "polygons": polygons,
            "deposits": self.deposit_tables(parameters, context, feedback),
            "commodities": listed(self.parameterAsString(parameters, self.COMMODITIES, context)),
            "commodity_fields": listed(
                self.parameterAsString(parameters, self.COMMODITY_FIELDS, context)
            ),
            "land": land_polygons(land, context, feedback),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("deposits.label", job, feedback)
        self.features_to_sink(
            job["output"],
            parameters,
            self.OUTPUT,
            crs,
            context,
            feedback,
            style=styles.richness,
            title="Scenes by richness",
        )
        return {
            **self.made,
            self.SCENES: result["scenes"],
            self.WITH_DEPOSITS: result["with_deposits"],
            self.OCEAN: result["ocean"],
            self.COVERED: result["covered"],
            self.LEFT_OUT: result["left_out"],
        }
