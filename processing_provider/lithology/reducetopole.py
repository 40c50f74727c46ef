"""Algorithm: reduction of a magnetic grid to the pole."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterBand,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm


class ReduceToPole(GossanAlgorithm):
    """Turns a magnetic anomaly into that which a vertical field would have made."""

    ID = "reducetopole"
    NAME = "Reduce magnetics to the pole"
    GROUP = "lithology"
    TAGS = ("magnetics", "TMI", "RTP", "geophysics", "potential field", "inclination")
    DOES = (
        "Turns a grid of total magnetic intensity into the anomaly that the same rocks would show "
        "under a vertical field, so that highs lie over what is magnetic instead of beside it. A "
        "plane is taken off first, gaps are filled for the transform, and below 20 degrees of "
        "inclination the amplification is limited."
    )
    NEEDS = (
        "A grid of total magnetic intensity or its anomaly in a projected CRS, and the inclination "
        "and declination of the Earth's field there and then (as the IGRF gives them)."
    )
    GIVES = "A raster <i>RTP</i> on the same grid."
    SOURCE = "Blakely (1995), chapter 12; limited amplitude: MacLeod and others (1993)."

    BAND = "BAND"
    INCLINATION = "INCLINATION"
    DECLINATION = "DECLINATION"
    OWN_INCLINATION = "MAGNETISATION_INCLINATION"
    OWN_DECLINATION = "MAGNETISATION_DECLINATION"
    OUTPUT = "OUTPUT"
    MINIMUM, MAXIMUM, FILLED = "MINIMUM", "MAXIMUM", "FILLED"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Magnetic grid"),
            "Total magnetic intensity or its anomaly, nT.",
        )
        self.add(
            QgsProcessingParameterBand(self.BAND, "Band", 1, self.INPUT, optional=True),
            "The band with the magnetic intensity.",
        )
        self.add_decimal(
            self.INCLINATION,
            "Inclination (degrees)",
            60.0,
            "Of the Earth's field at the time of the survey; positive downwards, as in the "
            "northern hemisphere.",
            least=-90.0,
            most=90.0,
        )
        self.add_decimal(
            self.DECLINATION,
            "Declination (degrees)",
            0.0,
            "Of the Earth's field at the time of the survey, against the grid's north; positive to "
            "the east.",
            least=-360.0,
            most=360.0,
        )
        for name, angle, most in (
            (self.OWN_INCLINATION, "inclination", 90.0),
            (self.OWN_DECLINATION, "declination", 360.0),
        ):
            self.add_decimal(
                name,
                f"Magnetisation's {angle} (degrees)",
                None,
                "Where the rocks are known to be magnetised in another direction than today's "
                "field. Empty: that of the field.",
                least=-most,
                most=most,
                advanced=True,
            )
        self.add_raster_result(self.OUTPUT, "Anomaly at the pole", "nT, on the same grid.")
        self.add_output_numbers(
            {
                self.MINIMUM: "Least value (nT)",
                self.MAXIMUM: "Greatest value (nT)",
                self.FILLED: "Empty cells",
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
                band=self.BAND,
                inclination=self.INCLINATION,
                declination=self.DECLINATION,
                magnetisation_inclination=self.OWN_INCLINATION,
                magnetisation_declination=self.OWN_DECLINATION,
                output=self.OUTPUT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("lithology.pole", job, feedback)
        look = partial(styles.difference, unit="nT")
        self.style_raster(job["output"], look, context, title="Magnetic anomaly at the pole")
        return {
            **self.made,
            self.MINIMUM: result["minimum"],
            self.MAXIMUM: result["maximum"],
            self.FILLED: result["filled"],
        }
