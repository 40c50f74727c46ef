"""Algorithm: a raster with rational polynomials on a map grid."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterCrs,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.imagery import styles

RESAMPLINGS = ("bilinear", "nearest", "cubic")


class Orthorectify(GossanAlgorithm):
    """Lays an image on a map grid."""

    ID = "orthorectify"
    NAME = "Orthorectify"
    GROUP = "imagery"
    TAGS = ("RPC", "rational polynomials", "DEM", "geometry", "relief displacement", "warp")
    DOES = (
        "Lays an image that comes with rational polynomials (RPCs) on a map grid: each pixel where "
        "the ground that it shows lies, with the shift that heights cause taken off."
    )
    NEEDS = (
        "An image with RPCs in its file or beside it (..._RPC.TXT, .RPB), and a DEM of the area, "
        "heights in metres. RPCs count heights from the ellipsoid, most DEMs from the sea: the "
        "difference, some tens of metres, is to be given as the offset of the heights."
    )
    GIVES = "The image's own numbers and bands on a map grid."
    SOURCE = "Rational polynomial camera model: Grodecki and Dial (2003)."

    DEM = "DEM"
    HEIGHT_OFFSET = "HEIGHT_OFFSET"
    CRS = "CRS"
    PIXEL_SIZE = "PIXEL_SIZE"
    RESAMPLING = "RESAMPLING"
    OUTPUT = "OUTPUT"
    SIZE, VALID = "RESULT_PIXEL_SIZE", "VALID_SHARE"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Image with RPCs"),
            "As the provider delivers it, without a place on the map of its own.",
        )
        self.add(
            QgsProcessingParameterRasterLayer(self.DEM, "DEM"),
            "Heights in metres, in any CRS; without a height a pixel stays empty.",
        )
        self.add_decimal(
            self.HEIGHT_OFFSET,
            "Offset of the heights (m)",
            0.0,
            "Added to the DEM: the height of the geoid above the ellipsoid there, for DEMs that "
            "count from the sea.",
        )
        self.add(
            QgsProcessingParameterCrs(self.CRS, "CRS", None, True),
            "Empty: the UTM zone of the middle of the image.",
        )
        self.add_decimal(
            self.PIXEL_SIZE,
            "Pixel size",
            None,
            "In units of the CRS. Empty: that of the image on the ground.",
        )
        self.add_choice(
            self.RESAMPLING,
            "Resampling",
            RESAMPLINGS,
            RESAMPLINGS[0],
            "How values between pixels are found; nearest keeps the image's numbers.",
            advanced=True,
        )
        self.add_raster_result(self.OUTPUT, "Orthorectified image", "The image on the map grid.")
        self.add_output_numbers(
            {
                self.SIZE: "Pixel size of the result",
                self.VALID: "Share of the grid's pixels with a value",
            }
        )

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
                dem=self.DEM,
                height_offset=self.HEIGHT_OFFSET,
                crs=self.CRS,
                pixel_size=self.PIXEL_SIZE,
                resampling=self.RESAMPLING,
                output=self.OUTPUT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("imagery.orthorectify", job, feedback)
        self.style_raster(job["output"], styles.image, context, title="Orthorectified image")
        return {
            **self.made,
            self.SIZE: result["pixel_size"],
            self.VALID: result["valid_share"],
        }
