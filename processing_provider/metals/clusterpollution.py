"""Algorithm: pollution zones from a concentration raster."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBand,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import temporary_file


class ClusterPollution(GossanAlgorithm):
    """Divides a concentration raster into zones, from low background to high-risk."""

    ID = "clusterpollution"
    NAME = "Cluster pollution zones"
    GROUP = "metals"
    TAGS = ("k-means", "zones", "silhouette", "elbow", "contamination", "soil")
    DOES = (
        "Groups the pixels of a concentration raster into zones of similar composition by K-means "
        "over standardised concentrations, and orders the zones from low background to high-risk. "
        "The number of zones is given, or chosen by the silhouette with the elbow beside it."
    )
    NEEDS = "A concentration raster with one band per element, as <i>Map metals</i> makes it."
    GIVES = (
        "A zone raster, zone polygons with area and mean concentrations, a table and a report. "
        "The names say more or less contaminated than elsewhere in this raster; whether that is "
        "harmful is for limits to say (see <i>Pollution indices</i>)."
    )
    SOURCE = (
        "K-means: Lloyd (1982); silhouette: Rousseeuw (1987); elbow: Satopää and others (2011)."
    )

    INPUT = "INPUT"
    BANDS = "BANDS"
    ZONES = "ZONES"
    LARGEST = "LARGEST"
    SMALLEST_PATCH = "SMALLEST_PATCH"
    OUTPUT = "OUTPUT"
    POLYGONS = "POLYGONS"
    TABLE = "TABLE"
    REPORT = "REPORT"
    COUNT = "COUNT"
    SILHOUETTE = "SILHOUETTE"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        integer = QgsProcessingParameterNumber.Type.Integer
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Concentration raster"),
            "One band per element.",
        )
        self.add(
            QgsProcessingParameterBand(
                self.BANDS, "Bands", None, self.INPUT, optional=True, allowMultiple=True
            ),
            "Elements that decide the zones; all when none is chosen.",
        )
        self.add(
            QgsProcessingParameterNumber(
                self.ZONES, "Number of zones (0: automatic)", integer, 0, False, 0, 20
            ),
            "0 chooses the number with the greatest silhouette.",
        )
        self.add(
            QgsProcessingParameterNumber(
                self.LARGEST, "Greatest number of zones to try", integer, 8, False, 2, 20
            ),
            "For the automatic choice.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(
                self.SMALLEST_PATCH, "Smallest patch (pixels)", integer, 1, False, 1
            ),
            "Smaller patches join their greatest neighbour, in raster and polygons alike; 1 keeps "
            "every pixel as it is.",
            advanced=True,
        )
        self.add_seed()
        self.add(
            QgsProcessingParameterRasterDestination(self.OUTPUT, "Pollution zones"),
            "Class raster: 1 is low background, the last zone high-risk, 0 no data.",
        )
        self.add(
            QgsProcessingParameterFeatureSink(
                self.POLYGONS,
                "Zone polygons",
                QgsProcessing.SourceType.TypeVectorPolygon,
                None,
                True,
            ),
            "One polygon per patch with zone, name, area and the zone's mean concentrations.",
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.TABLE, "Zone table", "CSV (*.csv)", None, True, False
            ),
            "Area and mean concentrations of each zone.",
        )
        self.add(
            QgsProcessingParameterFileDestination(self.REPORT, "Report", "HTML (*.html)"),
            "How the zones were chosen and what they hold.",
        )
        self.addOutput(QgsProcessingOutputNumber(self.COUNT, "Zones"))
        self.addOutput(QgsProcessingOutputNumber(self.SILHOUETTE, "Mean silhouette"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        output = self.output_path(parameters, self.OUTPUT, context)
        wanted = self.is_wanted(parameters, self.POLYGONS, context)
        polygons = temporary_file("zones.geojson") if wanted else ""
        table = self.output_path(parameters, self.TABLE, context)
        report = self.output_path(parameters, self.REPORT, context)
        result = self.run_job(
            "metals.cluster",
            {
                "raster": self.raster_path(parameters, self.INPUT, context),
                "bands": self.parameterAsInts(parameters, self.BANDS, context),
                "zones": self.parameterAsInt(parameters, self.ZONES, context),
                "largest": self.parameterAsInt(parameters, self.LARGEST, context),
                "smallest_patch": self.parameterAsInt(parameters, self.SMALLEST_PATCH, context),
                "seed": self.seed(parameters, context),
                "output": output,
                "polygons": polygons,
                "table": table,
                "report": report,
                "origin": self.origin(parameters, context),
            },
            feedback,
        )
        names = result["names"]

        def raster_style(layer: QgsMapLayer) -> None:
            styles.zones(layer, names)

        def polygon_style(layer: QgsMapLayer) -> None:
            styles.zone_polygons(layer, "name", names)

        self.style_raster(output, raster_style, context, title="Pollution zones")
        results = {
            self.OUTPUT: output,
            self.TABLE: table,
            self.REPORT: report,
            self.COUNT: result["zones"],
            self.SILHOUETTE: result["silhouette"],
        }
        if wanted:
            results[self.POLYGONS] = self.features_to_sink(
                polygons,
                parameters,
                self.POLYGONS,
                self.raster_crs(parameters, self.INPUT, context),
                context,
                feedback,
                style=polygon_style,
                title="Pollution zone polygons",
            )
        return results
