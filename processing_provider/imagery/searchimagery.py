"""Algorithm: find scenes in a catalogue of images."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterString,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.imagery import network, styles
from gossan.processing_provider.inputs import write_features

OTHER = "other (address and collection below)"
ADDRESSES = {
    "Sentinel-2 L2A, Collection 1 (Earth Search)": "https://earth-search.aws.element84.com",
    "Sentinel-2 L2A (Earth Search)": "https://earth-search.aws.element84.com",
    "Sentinel-2 L1C (Earth Search)": "https://earth-search.aws.element84.com",
    "Sentinel-2 L2A (Planetary Computer)": "https://planetarycomputer.microsoft.com",
    "Sentinel-2 L2A (Copernicus Data Space)": "https://stac.dataspace.copernicus.eu",
    "Sentinel-2 L1C (Copernicus Data Space)": "https://stac.dataspace.copernicus.eu",
    "Landsat Collection 2 level 2 (Planetary Computer)": "https://planetarycomputer.microsoft.com",
    "Landsat Collection 2 level 2 (USGS)": "https://landsatlook.usgs.gov",
    "Landsat Collection 2 level 1 (USGS)": "https://landsatlook.usgs.gov",
    OTHER: "",
}
"""The catalogues that are offered, and their servers, for the choice of a proxy."""


class SearchImagery(GossanAlgorithm):
    """Finds scenes of an area and a period, best first."""

    ID = "searchimagery"
    NAME = "Search imagery"
    GROUP = "imagery"
    TAGS = ("STAC", "Sentinel-2", "Landsat", "catalogue", "download", "scenes", "clouds")
    DOES = (
        "Finds Sentinel-2 and Landsat scenes of an area and a period in a public catalogue (a STAC "
        "API), with little cloud, best first: those that cover most of the area, then those with "
        "least cloud. Nothing is downloaded; <i>Cloud-free composite</i> reads what it needs."
    )
    NEEDS = (
        "An extent or a layer as the area, and a connection to the internet; proxy settings and "
        "authentication configurations of QGIS are used. All catalogues can be searched freely. "
        "The files of Earth Search's L2A and of the Planetary Computer can be read freely too; "
        "those of Copernicus and USGS ask for an account, and Earth Search's L1C lies where the "
        "reader pays."
    )
    GIVES = (
        "Footprints with date, cloud cover, share of the area, processing baseline, whether the "
        "offset of Sentinel-2 was taken off already, tile or path and row, and the addresses of "
        "the bands as JSON. Keep the layer as GeoPackage or GeoJSON: shapefiles cut texts off. "
        "For some scenes of Earth Search's first L2A collection the offset's flag is known to be "
        "wrong; Collection 1 is better there."
    )
    SOURCE = "SpatioTemporal Asset Catalog (STAC) API 1.0."

    CATALOGUE = "CATALOGUE"
    URL = "URL"
    COLLECTION = "COLLECTION"
    EXTENT = "EXTENT"
    AREA = "AREA"
    START, END = "START", "END"
    CLOUD_LIMIT = "CLOUD_LIMIT"
    COVERAGE = "COVERAGE"
    MOST = "MOST"
    TIMEOUT = "TIMEOUT"
    AUTHENTICATION = "AUTHENTICATION"
    OUTPUT = "OUTPUT"
    FOUND, BEST, COVERED = "FOUND", "BEST_COVERAGE", "COVERED"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_what()
        self._add_where()
        self._add_network()
        self.add_features_result(
            self.OUTPUT,
            "Found scenes",
            QgsProcessing.SourceType.TypeVectorPolygon,
            "Footprints in longitude and latitude, best first.",
        )
        self.add_output_numbers(
            {
                self.FOUND: "Scenes found",
                self.BEST: "Share of the area that the best scene covers (%)",
                self.COVERED: "Share of the area that all scenes cover (%)",
            }
        )

    def _add_what(self) -> None:
        self.add_choice(
            self.CATALOGUE,
            "Catalogue",
            list(ADDRESSES),
            next(iter(ADDRESSES)),
            "Well-known public catalogues, or any other by its address.",
        )
        day = QgsProcessingParameterDateTime.Type.Date
        self.add(
            QgsProcessingParameterDateTime(self.START, "First day", day, None, True),
            "Empty: no limit.",
        )
        self.add(
            QgsProcessingParameterDateTime(self.END, "Last day", day, None, True),
            "Empty: no limit.",
        )
        self.add_decimal(
            self.CLOUD_LIMIT,
            "Cloud limit (%)",
            20.0,
            "Scenes with more cloud are left out.",
            least=0.0,
            most=100.0,
        )

    def _add_where(self) -> None:
        self.add(
            QgsProcessingParameterExtent(self.EXTENT, "Extent", None, True),
            "The area to search; or choose a layer below.",
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.AREA, "Area", [QgsProcessing.SourceType.TypeVectorAnyGeometry], optional=True
            ),
            "A layer whose features, or selected features, are the area.",
        )
        self.add_decimal(
            self.COVERAGE,
            "Least share of the area (%)",
            0.0,
            "Scenes that cover less of the area are left out.",
            least=0.0,
            most=100.0,
        )

    def _add_network(self) -> None:
        self.add(
            QgsProcessingParameterString(
                self.URL, "Address of another catalogue", None, False, True
            ),
            "Landing page of a STAC API, such as https://host/stac/v1, without keys or passwords.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterString(self.COLLECTION, "Collection", None, False, True),
            "Such as sentinel-2-l2a. Empty: that of the chosen catalogue.",
            advanced=True,
        )
        self.add_integer(
            self.MOST,
            "Scenes at most",
            500,
            "How many are taken from the catalogue before the best are sorted out.",
            least=1,
            most=10_000,
            advanced=True,
        )
        self.add_decimal(
            self.TIMEOUT,
            "Time-out (s)",
            30.0,
            "How long an answer is waited for. Failed requests are repeated four times, after "
            "pauses that grow.",
            least=1.0,
            advanced=True,
        )
        self.add(
            network.authentication(self.AUTHENTICATION),
            "For catalogues that ask for a login.",
            advanced=True,
        )

    def check(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
    ) -> str:
        if self.is_given(parameters, self.EXTENT) == self.is_given(parameters, self.AREA):
            return "Give either an extent or a layer as the area to search."
        other = self.choice(parameters, self.CATALOGUE, context) == OTHER
        if other and not self.is_given(parameters, self.URL):
            return "Another catalogue needs its address."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        world = QgsCoordinateReferenceSystem("EPSG:4326")
        area = ""
        if self.is_given(parameters, self.AREA):
            source = self.feature_source(parameters, self.AREA, context)
            area = write_features(source, [], world, context, feedback)
        job = {
            **self.values(
                parameters,
                context,
                catalogue=self.CATALOGUE,
                url=self.URL,
                collection=self.COLLECTION,
                extent=self.EXTENT,
                start=self.START,
                end=self.END,
                cloud_limit=self.CLOUD_LIMIT,
                coverage=self.COVERAGE,
                most=self.MOST,
                timeout=self.TIMEOUT,
                output=self.OUTPUT,
            ),
            "extent_crs": self.extent_crs(parameters, self.EXTENT, context),
            "area": area,
            "origin": self.origin(parameters, context),
        }
        configuration = self.parameterAsString(parameters, self.AUTHENTICATION, context)
        address = ADDRESSES[job["catalogue"]] or job["url"]
        job.update(network.settings_for(address, configuration))
        result = self.run_job("imagery.search", job, feedback)
        self.features_to_sink(
            job["output"],
            parameters,
            self.OUTPUT,
            world,
            context,
            feedback,
            style=styles.footprints,
            title="Found scenes",
        )
        return {
            **self.made,
            self.FOUND: result["found"],
            self.BEST: result["best_coverage"],
            self.COVERED: result["covered"],
        }
