"""Algorithm: pollution zones from a concentration raster."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingFeedback

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm


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

    ZONES = "ZONES"
    LARGEST = "LARGEST"
    SMALLEST_PATCH = "SMALLEST_PATCH"
    OUTPUT = "OUTPUT"
    POLYGONS = "POLYGONS"
    COUNT = "COUNT"
    SILHOUETTE = "SILHOUETTE"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_concentrations("One band per element, as Map metals makes it.")
        self.add_bands("Elements that decide the zones; all when none is chosen.")
        self.add_integer(
            self.ZONES,
            "Number of zones (0: automatic)",
            0,
            "0 chooses the number with the greatest silhouette.",
            least=0,
            most=20,
        )
        self.add_integer(
            self.LARGEST,
            "Greatest number of zones to try",
            8,
            "The automatic choice tries 2 to this many.",
            least=2,
            most=20,
            advanced=True,
        )
        self.add_integer(
            self.SMALLEST_PATCH,
            "Smallest patch (pixels)",
            1,
            "Smaller patches join their greatest neighbour, in raster and polygons alike; 1 keeps "
            "every pixel as it is.",
            least=1,
            advanced=True,
        )
        self.add_seed()
        self.add_raster_result(
            self.OUTPUT,
            "Pollution zones",
            "Class raster: 1 is low background, the last zone high-risk, 0 no data.",
        )
        self.add_features_result(
            self.POLYGONS,
            "Zone polygons",
            QgsProcessing.SourceType.TypeVectorPolygon,
            "One polygon per patch with zone, name, area and the zone's mean concentrations.",
            optional=True,
            by_default=True,
        )
        self.add_table(self.TABLE, "Zone table", "Area and mean concentrations of each zone.")
        self.add_report("How the zones were chosen and what they hold.")
        self.add_output_numbers({self.COUNT: "Zones", self.SILHOUETTE: "Mean silhouette"})

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
                bands=self.BANDS,
                zones=self.ZONES,
                largest=self.LARGEST,
                smallest_patch=self.SMALLEST_PATCH,
                seed=self.SEED,
                output=self.OUTPUT,
                polygons=self.POLYGONS,
                table=self.TABLE,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("metals.cluster", job, feedback)
        names = result["names"]
        zone_style = partial(styles.zones, names=names)
        self.style_raster(job["output"], zone_style, context, title="Pollution zones")
        self.features_to_sink(
            job["polygons"],
            parameters,
            self.POLYGONS,
            self.raster_crs(parameters, self.INPUT, context),
            context,
            feedback,
            style=partial(styles.zone_polygons, order=names),
            title="Pollution zone polygons",
        )
        return {
            **self.made,
            self.COUNT: result["zones"],
            self.SILHOUETTE: result["silhouette"],
        }
