"""Algorithm: spectral angles to references, and the nearest reference of every pixel."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm


class MapSpectralAngles(GossanAlgorithm):
    """Compares every pixel with reference spectra by the angle between them."""

    ID = "mapspectralangles"
    NAME = "Map spectral angles"
    GROUP = "endmembers"
    TAGS = ("SAM", "spectral angle mapper", "classification", "minerals", "hyperspectral")
    DOES = (
        "Maps the angle between each pixel's spectrum and each reference spectrum: 0 where they "
        "have the same shape, however bright, larger the more they differ. Each pixel is also "
        "given the class of the reference of least angle, where that is below the threshold."
    )
    NEEDS = (
        "A hyperspectral or multispectral scene and a library of reference spectra. A library on "
        "other bands is resampled to the scene's."
    )
    GIVES = (
        "A raster with one band of angles (radians) per reference, and a class raster with the "
        "references' names; 0 is no class."
    )
    SOURCE = "Kruse and others (1993)."

    LIBRARY = "LIBRARY"
    THRESHOLD = "THRESHOLD"
    ANGLES = "ANGLES"
    CLASSES = "CLASSES"
    CLASSIFIED_SHARE = "CLASSIFIED_SHARE"
    VALID_PIXELS = "VALID_PIXELS"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_scene("The image whose pixels are compared, in reflectance.")
        self.add_library(
            self.LIBRARY,
            "Reference spectra",
            "Spectral library as ENVI library (.sli), CSV table or ECOSTRESS text.",
        )
        self.add_decimal(
            self.THRESHOLD,
            "Greatest angle (radians)",
            0.1,
            "Pixels whose least angle is greater get no class. 0.1 is common for one sensor and "
            "its own spectra; laboratory spectra may need 0.15 to 0.2.",
            least=0.0001,
            most=math.pi,
        )
        self.add_image_options()
        self.add_pixel_options()
        self.add_by_position()
        self.add_raster_result(
            self.ANGLES,
            "Spectral angles",
            "One band per reference, radians; NaN where the scene has no values.",
        )
        self.add_raster_result(
            self.CLASSES,
            "Nearest reference",
            "Number of the nearest reference in the library's order, with its name; 0 for none.",
            optional=True,
            by_default=True,
        )
        self.add_output_numbers(
            {
                self.CLASSIFIED_SHARE: "Share with a class",
                self.VALID_PIXELS: "Pixels compared",
            }
        )

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        job = {
            **self.scene(parameters, context),
            **self.values(
                parameters,
                context,
                library=self.LIBRARY,
                threshold=self.THRESHOLD,
                by_position=self.BY_POSITION,
                angles=self.ANGLES,
                classes=self.CLASSES,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("spectra.map_angles", job, feedback)
        legend = result["legend"]
        for row in legend:
            feedback.pushInfo(f"{row['value']} {row['name']}: {row['pixels']} pixels.")
        angle_style = partial(styles.spectral_angle, largest=2 * job["threshold"])
        self.style_raster(job["angles"], angle_style, context, title="Spectral angles")
        class_style = partial(
            styles.classes,
            names={row["value"]: row["name"] for row in legend},
            colours={row["value"]: row["colour"] for row in legend},
        )
        self.style_raster(job["classes"], class_style, context, title="Nearest reference")
        valid = result["valid_pixels"]
        return {
            **self.made,
            self.CLASSIFIED_SHARE: 1 - result["unclassified_pixels"] / valid,
            self.VALID_PIXELS: valid,
        }
