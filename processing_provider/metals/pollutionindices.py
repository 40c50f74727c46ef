"""Algorithm: pollution indices from a concentration raster."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterString,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm

CRUST = "As=4.8; Cd=0.09; Cr=92; Cu=28; Hg=0.05; Ni=47; Pb=17; Sb=0.4; Zn=67"
"""Upper continental crust, mg/kg (Rudnick and Gao 2003)."""

SCREENING = "As=25; Cd=0.6; Cr=250; Cu=100; Hg=3.4; Ni=190; Pb=170; Zn=300"
"""Risk screening values of GB 15618-2018 for farmland other than paddy, pH above 7.5, mg/kg."""


class PollutionIndices(GossanAlgorithm):
    """Geo-accumulation, single and Nemerow index, and exceedance of limits."""

    ID = "pollutionindices"
    NAME = "Pollution indices"
    GROUP = "metals"
    TAGS = ("Igeo", "geo-accumulation", "Nemerow", "limits", "contamination", "soil")
    DOES = (
        "Compares element concentrations with background values and limits: the geo-accumulation "
        "index and the single pollution index of each element, Nemerow's index over all of them, "
        "and the number of elements above their limit."
    )
    NEEDS = (
        "A concentration raster with one band per element, named after it, and background values "
        "of your region. The defaults are those of the upper continental crust."
    )
    GIVES = "A raster of all indices and a report with the share of each pollution class."
    SOURCE = (
        "Müller (1969); Nemerow (1974); crust: Rudnick and Gao (2003); limits: GB 15618-2018, "
        "pH above 7.5."
    )

    BACKGROUNDS = "BACKGROUNDS"
    LIMITS = "LIMITS"
    OUTPUT = "OUTPUT"
    NEMEROW_MEAN = "NEMEROW_MEAN"
    NEMEROW_MAXIMUM = "NEMEROW_MAXIMUM"
    EXCEEDING_SHARE = "EXCEEDING_SHARE"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_concentrations("One band per element, named after it, in mg/kg.")
        self.add_bands("Elements to index; all with a background value when none is chosen.")
        self.add(
            QgsProcessingParameterString(self.BACKGROUNDS, "Background values (mg/kg)", CRUST),
            "Element=value pairs parted by semicolons. Replace the defaults by the background of "
            "your region: it decides every index.",
        )
        self.add(
            QgsProcessingParameterString(self.LIMITS, "Limits (mg/kg)", SCREENING, optional=True),
            "Element=value pairs parted by semicolons; elements without a limit are not counted. "
            "The defaults are Chinese screening values for alkaline farmland: use those that "
            "apply to you.",
        )
        self.add_raster_result(
            self.OUTPUT,
            "Pollution indices",
            "Bands: Igeo and P of each element, Nemerow index, elements above limit.",
        )
        self.add_report("Values that were used and the share of the pixels in each class.")
        self.add_output_numbers(
            {
                self.NEMEROW_MEAN: "Mean Nemerow index",
                self.NEMEROW_MAXIMUM: "Greatest Nemerow index",
                self.EXCEEDING_SHARE: "Share of pixels above a limit",
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
                bands=self.BANDS,
                backgrounds=self.BACKGROUNDS,
                limits=self.LIMITS,
                output=self.OUTPUT,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("metals.indices", job, feedback)
        nemerow = partial(styles.index, band=2 * len(result["elements"]) + 1)
        self.style_raster(
            job["output"], nemerow, context, title="Pollution indices (Nemerow shown)"
        )
        return {
            **self.made,
            self.NEMEROW_MEAN: result["nemerow_mean"],
            self.NEMEROW_MAXIMUM: result["nemerow_maximum"],
            self.EXCEEDING_SHARE: result["exceeding_share"],
        }
