"""Algorithm: a spectral library on the bands of a raster or of a wavelength list."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider.algorithm import GossanAlgorithm

METHODS = ("Linear", "Gaussian")


class ResampleLibrary(GossanAlgorithm):
    """Brings the spectra of a library onto other bands."""

    ID = "resamplelibrary"
    NAME = "Resample spectral library"
    GROUP = "endmembers"
    TAGS = ("spectral library", "convolution", "band response", "FWHM", "sensor")
    DOES = (
        "Brings the spectra of a library onto the bands of a raster or of a list of wavelengths, "
        "by linear interpolation or by averaging under Gaussian band responses."
    )
    NEEDS = (
        "A spectral library (ENVI .sli, CSV or ECOSTRESS text), and a raster that knows its "
        "wavelengths or a table of wavelengths with, for the Gaussian response, band widths."
    )
    GIVES = (
        "A library with the same names, classes and sources on the new bands, empty where the "
        "spectra do not reach."
    )
    SOURCE = "Physically-Constrained Collaborative Endmember Extraction (linear interpolation)."

    LIBRARY = "LIBRARY"
    RASTER = "RASTER"
    METHOD = "METHOD"
    OUTPUT = "OUTPUT"
    SPECTRA = "SPECTRA"
    INCOMPLETE = "INCOMPLETE"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_library(self.LIBRARY, "Spectral library", "The library to resample.")
        self.add(
            QgsProcessingParameterRasterLayer(self.RASTER, "Raster with the bands", optional=True),
            "Its bands, with their widths where it knows them, become the library's. Give this or "
            "a table of wavelengths.",
        )
        self.add_wavelengths(
            "One row per band: wavelength and, in a column named fwhm, width. Together with a "
            "raster it describes that raster's bands.",
            advanced=False,
        )
        self.add_choice(
            self.METHOD,
            "Method",
            METHODS,
            METHODS[0],
            "Linear takes the spectrum at each band's centre; Gaussian averages it over the "
            "band's width, which suits libraries much finer than the sensor.",
        )
        self.add_library_result(
            self.OUTPUT,
            "Resampled library",
            "ENVI library (.sli with .hdr) or CSV table, by the ending of its name.",
        )
        self.add_output_numbers(
            {
                self.SPECTRA: "Number of spectra",
                self.BANDS: "Number of bands",
                self.INCOMPLETE: "Spectra with gaps",
            }
        )

    def check(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,  # noqa: ARG002
    ) -> str:
        if not any(self.is_given(parameters, name) for name in (self.RASTER, self.WAVELENGTHS)):
            return "Give a raster or a table of wavelengths to resample the library to."
        return ""

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
                library=self.LIBRARY,
                raster=self.RASTER,
                wavelengths=self.WAVELENGTHS,
                output=self.OUTPUT,
            ),
            "method": self.choice(parameters, self.METHOD, context).lower(),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("spectra.resample_library", job, feedback)
        return {
            **self.made,
            self.SPECTRA: result["spectra"],
            self.BANDS: result["bands"],
            self.INCOMPLETE: result["incomplete"],
        }
