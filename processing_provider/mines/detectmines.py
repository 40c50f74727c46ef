"""Algorithm: search of images of any size for mines and tailings dams."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
    QgsRasterLayer,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.mines import finding_styles


class DetectMines(GossanAlgorithm):
    """Searches images for mines and tailings dams."""

    ID = "detectmines"
    NAME = "Detect mines"
    GROUP = "mines"
    TAGS = ("mine", "tailings dam", "search", "detector", "Sentinel-2", "wide area", "impact")
    DOES = (
        "Searches an image of any size for mines and tailings dams, cell by cell, without a seam "
        "between its parts; judges the impact of each cell that it finds, and joins neighbouring "
        "cells to findings. A search that was cancelled or killed goes on where it was when it is "
        "started again with the same parameters and results."
    )
    NEEDS = (
        "An image: one or several rasters of one area, a VRT or a folder; a detector of <i>Train "
        "mine detector</i> or <i>Import model</i>, or one of those that ship in the plugin's "
        "folder models/pretrained. Bands are matched by name, else by wavelength; other pixel "
        "sizes are resampled to the detector's. Or the probability raster of an earlier search, "
        "for another threshold."
    )
    GIVES = (
        "A probability raster with a pixel per cell; findings as polygons and points with cells, "
        "area, greatest and mean probability, impact, longitude and latitude; if wanted the "
        "single cells and a report. A finding is what a network takes for a mine: review it."
    )
    SOURCE = "Balaniuk, Isupova and Reece (2020), Sensors 20, 6936."

    IMAGES, FOLDER = "INPUT", "FOLDER"
    DETECTOR, IMPACT_MODEL = "DETECTOR", "IMPACT_MODEL"
    EARLIER = "EARLIER"
    THRESHOLD, ISOLATED = "THRESHOLD", "ISOLATED_THRESHOLD"
    STRIDE, VALID_SHARE = "STRIDE", "VALID_SHARE"
    JOURNAL_FOLDER = "JOURNAL_FOLDER"
    PROBABILITY, POLYGONS, POINTS, CELLS = "PROBABILITY", "POLYGONS", "POINTS", "CELLS"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._add_image_and_models()
        self._add_thresholds()
        self._add_work()
        self._add_outputs()

    def _add_image_and_models(self) -> None:
        kind = QgsProcessing.SourceType.TypeRaster
        self.add(
            QgsProcessingParameterMultipleLayers(self.IMAGES, "Images", kind, optional=True),
            "The image to search, in one file or several; the first one gives the grid.",
        )
        self.add(
            QgsProcessingParameterFile(
                self.FOLDER,
                "Folder of images",
                QgsProcessingParameterFile.Behavior.Folder,
                optional=True,
            ),
            "All images of a folder (GeoTIFF, VRT, JPEG 2000), instead of or besides the files.",
        )
        models = "Gossan model (*.gossan)"
        self.add_file(
            self.DETECTOR,
            "Detector",
            models,
            "Model that finds mines. Ready ones lie in the plugin's folder models/pretrained.",
            optional=True,
        )
        self.add_file(
            self.IMPACT_MODEL,
            "Impact model",
            models,
            "Model that tells high from low impact and drops what has no ore. Empty: not judged.",
            optional=True,
        )
        self.add(
            QgsProcessingParameterRasterLayer(
                self.EARLIER, "Probabilities of an earlier search", optional=True
            ),
            "Uses this probability raster instead of searching again, for another threshold. The "
            "image is then needed only for an impact model.",
        )

    def _add_thresholds(self) -> None:
        self.add_decimal(
            self.THRESHOLD,
            "Threshold",
            0.6,
            "Least probability of a cell. The log says so where the detector's card suggests "
            "another one, as that of the tailings detector does.",
            least=0.0,
            most=1.0,
        )
        self.add_decimal(
            self.ISOLATED,
            "Threshold for isolated cells",
            None,
            "Least probability of a cell without neighbours above the threshold; a higher one "
            "drops lone false alarms. Empty: the same for all.",
            least=0.0,
            most=1.0,
        )
        self.add_decimal(
            self.VALID_SHARE,
            "Least share of valid pixels",
            0.5,
            "A cell counts where this share of the pixels it stands for is there.",
            least=0.01,
            most=1.0,
            advanced=True,
        )
        self.add_integer(
            self.STRIDE,
            "Stride (pixels, 0: the detector's own)",
            0,
            "Pixels from cell to cell of an imported detector that slides over the image.",
            least=0,
            advanced=True,
        )

    def _add_work(self) -> None:
        self.add_image_options()
        self.add_by_position(
            "Takes the bands in their order where neither names nor wavelengths agree; only if "
            "you know that the order is the detector's."
        )
        self.add_collars()
        self.add_dask()
        self.add(
            QgsProcessingParameterFile(
                self.JOURNAL_FOLDER,
                "Folder for the journal",
                QgsProcessingParameterFile.Behavior.Folder,
                optional=True,
            ),
            "Where the finished parts of the search are kept until it is complete. Empty: beside "
            "the probability raster.",
            advanced=True,
        )

    def _add_outputs(self) -> None:
        self.add_raster_result(
            self.PROBABILITY, "Probability of a mine", "A pixel per cell, 0 to 1."
        )
        self.add_features_result(
            self.POLYGONS,
            "Findings (areas)",
            QgsProcessing.SourceType.TypeVectorPolygon,
            "Each finding as the area of its cells.",
            optional=True,
            by_default=True,
        )
        self.add_features_result(
            self.POINTS,
            "Findings (points)",
            QgsProcessing.SourceType.TypeVectorPoint,
            "Each finding as its centre, with the same fields.",
            optional=True,
            by_default=True,
        )
        self.add_features_result(
            self.CELLS,
            "Cells",
            QgsProcessing.SourceType.TypeVectorPoint,
            "Every cell from the threshold on, with its probability and impact.",
            optional=True,
        )
        self.add_report(
            "Map, histogram, findings, and by what models they were made.", optional=True
        )
        self.add_output_numbers(
            {
                "SEARCHED": "Cells searched",
                "CELL_COUNT": "Cells from the threshold on",
                "FINDINGS": "Findings",
                "DROPPED_NO_ORE": "Cells dropped as no ore",
                "DROPPED_ISOLATED": "Isolated cells dropped",
                "AREA_KM2": "Area searched (km²)",
                "SECONDS": "Seconds",
            }
        )

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        image = self.is_given(parameters, self.IMAGES) or self.is_given(parameters, self.FOLDER)
        earlier = self.is_given(parameters, self.EARLIER)
        if not image and not earlier:
            return "Choose the images to search, a folder of them, or an earlier search."
        if not image and self.is_given(parameters, self.IMPACT_MODEL):
            return "The impact model needs the images that were searched."
        if not earlier and not self.is_given(parameters, self.DETECTOR):
            return "Choose a detector; ready ones lie in the plugin's folder models/pretrained."
        isolated = self.number(parameters, self.ISOLATED, context)
        threshold = self.number(parameters, self.THRESHOLD, context)
        if isolated is not None and threshold is not None and isolated < threshold:
            return "The threshold for isolated cells must not lie below the general one."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        job = {
            **self.image_options(parameters, context),
            **self.values(
                parameters,
                context,
                images=self.IMAGES,
                folder=self.FOLDER,
                detector=self.DETECTOR,
                impact_model=self.IMPACT_MODEL,
                earlier=self.EARLIER,
                threshold=self.THRESHOLD,
                isolated_threshold=self.ISOLATED,
                stride=self.STRIDE,
                valid_share=self.VALID_SHARE,
                by_position=self.BY_POSITION,
                collars=self.COLLARS,
                dask=self.DASK,
                journal_folder=self.JOURNAL_FOLDER,
                probability=self.PROBABILITY,
                polygons=self.POLYGONS,
                points=self.POINTS,
                cells=self.CELLS,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("mines.detect", job, feedback)
        self.style_raster(
            job["probability"], styles.probability, context, title="Probability of a mine"
        )
        crs = _crs_of(job["probability"])
        looks = {
            self.POLYGONS: ("polygons", finding_styles.findings, "Findings (areas)"),
            self.POINTS: ("points", finding_styles.findings, "Findings"),
            self.CELLS: ("cells", finding_styles.cells, "Cells"),
        }
        for name, (key, style, title) in looks.items():
            self.features_to_sink(
                job[key], parameters, name, crs, context, feedback, style=style, title=title
            )
        return {
            **self.made,
            "SEARCHED": result["searched"],
            "CELL_COUNT": result["positive"],
            "FINDINGS": result["findings"],
            "DROPPED_NO_ORE": result["dropped_no_ore"],
            "DROPPED_ISOLATED": result["dropped_isolated"],
            "AREA_KM2": result["area_km2"],
            "SECONDS": result["seconds"],
        }


def _crs_of(path: str) -> QgsCoordinateReferenceSystem:
    """Return the CRS of the raster that the job has written, which is that of its features."""
    return QgsRasterLayer(path, "probability").crs()
