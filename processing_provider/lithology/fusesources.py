"""Algorithm: fusion of coarse layers with the detail of a fine image."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterBand,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm


class FuseSources(GossanAlgorithm):
    """Sharpens coarse geochemical, magnetic and other rasters with an image, and stacks them."""

    ID = "fusesources"
    NAME = "Fuse sources"
    GROUP = "lithology"
    TAGS = ("fusion", "sharpening", "geochemistry", "magnetics", "stack", "downscaling", "clr")
    DOES = (
        "Brings coarse rasters of any CRS and resolution to the grid of a fine image and adds the "
        "image's detail to them. The image is parted into low and high frequencies; each layer is "
        "fitted on the low ones by least squares, and the high ones are added with the same "
        "factors. Compositions are taken as centred log-ratios first. A layer that hardly relates "
        "to the image is resampled only, and the log says so."
    )
    NEEDS = (
        "A multispectral raster; geochemical grids (one band or one raster per part), magnetic or "
        "other grids; a terrain model."
    )
    GIVES = (
        "A stack on the image's grid for <i>Train lithology</i>, and a report of how each layer "
        "relates to the image."
    )
    SOURCE = "Lithological mapping by FCN on multi-source data (Remote Sens. 2021, 13, 4860)."

    COMPOSITION = "COMPOSITION"
    OTHERS = "OTHERS"
    TERRAIN = "TERRAIN"
    SCALE = "FILTER_SCALE"
    LEAST_FIT = "LEAST_FIT"
    KEEP_BANDS = "KEEP_BANDS"
    OUTPUT = "OUTPUT"
    COUNT, SHARPENED, ZEROS, MISSING = "BAND_COUNT", "SHARPENED", "ZEROS", "MISSING"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Multispectral image"),
            "Its grid is that of the result, and its bands give the detail.",
        )
        self.add(
            QgsProcessingParameterBand(
                self.BANDS, "Bands", None, self.INPUT, optional=True, allowMultiple=True
            ),
            "Bands that give the detail; all when none is chosen. Of a hyperspectral scene choose "
            "a few.",
        )
        self._add_rasters(
            self.COMPOSITION,
            "Geochemical rasters",
            "All their bands together are the parts of one composition, such as seven oxides.",
        )
        self._add_rasters(self.OTHERS, "Other coarse rasters", "Magnetics, gravity, radiometrics.")
        self._add_rasters(
            self.TERRAIN, "Terrain", "Resampled and taken as it is: elevation and the like."
        )
        self.add_decimal(
            self.SCALE,
            "Scale of the filter (coarse pixels)",
            0.5,
            "Standard deviation of the filter that parts low from high frequencies, as a share of "
            "each layer's own pixel.",
            least=0.05,
            most=10.0,
            advanced=True,
        )
        self.add_decimal(
            self.LEAST_FIT,
            "Least fit (adjusted R²)",
            0.1,
            "A layer of which the image tells less than this share is resampled only.",
            least=0.0,
            most=1.0,
            advanced=True,
        )
        self.add_switch(
            self.KEEP_BANDS,
            "Keep the image's bands",
            False,
            "Puts the chosen bands of the image into the stack as well.",
        )
        self.add_raster_result(
            self.OUTPUT, "Stack", "Fused layers, terrain and, where wanted, the image's bands."
        )
        self.add_table(self.TABLE, "Fit of the layers", "One row per layer.")
        self.add_report("How each layer relates to the image, zeros, gaps.")
        self.add_output_numbers(
            {
                self.COUNT: "Bands of the stack",
                self.SHARPENED: "Layers that were sharpened",
                self.ZEROS: "Zeros replaced",
                self.MISSING: "Pixels that lack a layer",
            }
        )

    def _add_rasters(self, name: str, description: str, tip: str) -> None:
        kind = QgsProcessing.SourceType.TypeRaster
        self.add(QgsProcessingParameterMultipleLayers(name, description, kind, optional=True), tip)

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:  # noqa: ARG002
        if any(self.is_given(parameters, name) for name in (self.COMPOSITION, self.OTHERS)):
            return ""
        return "There is nothing to fuse: give geochemical or other coarse rasters."

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
                image=self.INPUT,
                bands=self.BANDS,
                composition=self.COMPOSITION,
                others=self.OTHERS,
                terrain=self.TERRAIN,
                scale=self.SCALE,
                least_fit=self.LEAST_FIT,
                keep_bands=self.KEEP_BANDS,
                output=self.OUTPUT,
                table=self.TABLE,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("lithology.fuse", job, feedback)
        title = f"Fused sources: {result['bands'][0]}"
        self.style_raster(job["output"], styles.difference, context, title=title)
        return {
            **self.made,
            self.COUNT: len(result["bands"]),
            self.SHARPENED: result["sharpened"],
            self.ZEROS: result["zeros"],
            self.MISSING: result["missing"],
        }
