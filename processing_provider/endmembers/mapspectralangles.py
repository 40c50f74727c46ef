"""Algorithm: spectral angles to references, and the nearest reference of every pixel."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

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

    INPUT = "INPUT"
    LIBRARY = "LIBRARY"
    THRESHOLD = "THRESHOLD"
    DROP_WATER_BANDS = "DROP_WATER_BANDS"
    COLLARS = "COLLARS"
    BY_POSITION = "BY_POSITION"
    ANGLES = "ANGLES"
    CLASSES = "CLASSES"
    CLASSIFIED_SHARE = "CLASSIFIED_SHARE"
    VALID_PIXELS = "VALID_PIXELS"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Scene"),
            "The image whose pixels are compared.",
        )
        self.add(
            QgsProcessingParameterFile(
                self.LIBRARY,
                "Reference spectra",
                fileFilter="Spectral libraries (*.sli *.hdr *.csv *.txt);;All files (*)",
            ),
            "Spectral library as ENVI library (.sli), CSV table or ECOSTRESS text.",
        )
        self.add(
            QgsProcessingParameterNumber(
                self.THRESHOLD,
                "Greatest angle (radians)",
                QgsProcessingParameterNumber.Type.Double,
                0.1,
                False,
                0.0001,
                math.pi,
            ),
            "Pixels whose least angle is greater get no class. 0.1 is common for one sensor and "
            "its own spectra; laboratory spectra may need 0.15 to 0.2.",
        )
        self.add_image_options()
        self.add(
            QgsProcessingParameterBoolean(
                self.DROP_WATER_BANDS, "Leave out water-vapour bands", True
            ),
            "Leaves out 1340-1460 nm and 1790-1980 nm where the scene has no list of bad bands of "
            "its own.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean(self.COLLARS, "Leave out all-zero pixels", True),
            "Pixels that are zero in every band have no direction and get no angle.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterBoolean(self.BY_POSITION, "Match bands by position", False),
            "Takes the library's bands for the scene's in their order, whatever their "
            "wavelengths. Only for libraries made from the same scene or sensor.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterRasterDestination(self.ANGLES, "Spectral angles"),
            "One band per reference, radians; NaN where the scene has no values.",
        )
        self.add(
            QgsProcessingParameterRasterDestination(
                self.CLASSES, "Nearest reference", None, True, True
            ),
            "Number of the nearest reference in the library's order, with its name; 0 for none.",
        )
        self.addOutput(QgsProcessingOutputNumber(self.CLASSIFIED_SHARE, "Share with a class"))
        self.addOutput(QgsProcessingOutputNumber(self.VALID_PIXELS, "Pixels compared"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        angles = self.output_path(parameters, self.ANGLES, context)
        classes = self.output_path(parameters, self.CLASSES, context)
        threshold = self.parameterAsDouble(parameters, self.THRESHOLD, context)
        result = self.run_job(
            "spectra.map_angles",
            {
                "raster": self.raster_path(parameters, self.INPUT, context),
                "library": self.file_path(parameters, self.LIBRARY, context),
                "angles": angles,
                "classes": classes,
                "threshold": threshold,
                "drop_water_bands": self.parameterAsBool(
                    parameters, self.DROP_WATER_BANDS, context
                ),
                "collars": self.parameterAsBool(parameters, self.COLLARS, context),
                "by_position": self.parameterAsBool(parameters, self.BY_POSITION, context),
                "origin": self.origin(parameters, context),
                **self.image_options(parameters, context),
            },
            feedback,
        )
        legend = result["legend"]
        for row in legend:
            feedback.pushInfo(f"{row['value']} {row['name']}: {row['pixels']} pixels.")
        self.style_raster(
            angles,
            partial(styles.spectral_angle, largest=2 * threshold),
            context,
            title="Spectral angles",
        )
        self.style_raster(
            classes,
            partial(
                styles.classes,
                names={row["value"]: row["name"] for row in legend},
                colours={row["value"]: row["colour"] for row in legend},
            ),
            context,
            title="Nearest reference",
        )
        valid = result["valid_pixels"]
        return {
            self.ANGLES: angles,
            **({self.CLASSES: classes} if classes else {}),
            self.CLASSIFIED_SHARE: 1 - result["unclassified_pixels"] / valid,
            self.VALID_PIXELS: valid,
        }
