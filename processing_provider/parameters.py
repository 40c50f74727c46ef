"""The parameters that several algorithms share: one name, one text and one reading of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterBand,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from gossan.core.censored import LOWER_RULES
from gossan.processing_provider.inputs import write_points
from gossan.processing_provider.values import ReadingAlgorithm


class SharedParameters(ReadingAlgorithm):
    """An algorithm that takes scenes, samples and libraries, and gives rasters and reports."""

    INPUT = "INPUT"
    MASK = "MASK"
    WAVELENGTHS = "WAVELENGTHS"
    SCALE = "SCALE"
    OFFSET = "OFFSET"
    DROP_WATER_BANDS = "DROP_WATER_BANDS"
    COLLARS = "COLLARS"
    BY_POSITION = "BY_POSITION"
    BANDS = "BANDS"
    FEATURES = "FEATURES"
    SAMPLES = "SAMPLES"
    ELEMENTS = "ELEMENTS"
    BELOW_LIMIT = "BELOW_LIMIT"
    SEED = "SEED"
    DASK = "DASK_ADDRESS"
    TABLE = "TABLE"
    REPORT = "REPORT"

    # Scenes

    def add_scene(self, tip: str = "The hyperspectral image, in reflectance.") -> None:
        """Add the scene; its options follow by `add_image_options` and `add_pixel_options`."""
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Scene"),
            f"{tip} Where it stores other numbers, give scale and offset below.",
        )

    def add_mask(self) -> None:
        """Add a raster that says which pixels are used."""
        self.add(
            QgsProcessingParameterRasterLayer(self.MASK, "Mask", optional=True),
            "Raster on the scene's grid; pixels other than 0 are used.",
        )

    def add_image_options(self) -> None:
        """Add what may have to be told about an image: wavelengths, scale and offset."""
        self.add_wavelengths(
            "Table of the bands' centre wavelengths (nm or µm), one row per band, for images whose "
            "own metadata lack them."
        )
        self.add_decimal(
            self.SCALE,
            "Scale of the values",
            None,
            "Stored values times this are reflectance (0 to 1), for example 0.0001. Empty: as the "
            "image's metadata say.",
            advanced=True,
        )
        self.add_decimal(
            self.OFFSET,
            "Offset of the values",
            None,
            "Added after scaling. Empty: as the image's metadata say.",
            advanced=True,
        )

    def add_wavelengths(self, tip: str, *, advanced: bool = True) -> None:
        """Add a table of wavelengths."""
        self.add_file(
            self.WAVELENGTHS,
            "Wavelengths (CSV)",
            "CSV tables (*.csv *.txt)",
            tip,
            optional=True,
            advanced=advanced,
        )

    def add_pixel_options(self) -> None:
        """Add which bands and pixels of a scene are left out."""
        self.add_switch(
            self.DROP_WATER_BANDS,
            "Leave out water-vapour bands",
            True,
            "Leaves out 1340-1460 nm and 1790-1980 nm where the scene has no list of bad bands of "
            "its own.",
            advanced=True,
        )
        self.add_collars()

    def add_collars(self) -> None:
        """Add that pixels which are zero in every band are missing."""
        self.add_switch(
            self.COLLARS,
            "Leave out all-zero pixels",
            True,
            "Pixels that are zero in every band, as around scenes without a nodata value, count "
            "as missing.",
            advanced=True,
        )

    def image_options(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> dict[str, Any]:
        """Return ``wavelengths`` (path or ""), ``scale`` and ``offset`` (number or None)."""
        return self.values(
            parameters,
            context,
            wavelengths=self.WAVELENGTHS,
            scale=self.SCALE,
            offset=self.OFFSET,
        )

    def scene(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, Any]:
        """Return ``raster``, ``drop_water_bands``, ``collars`` and the `image_options`."""
        return {
            **self.values(
                parameters,
                context,
                raster=self.INPUT,
                drop_water_bands=self.DROP_WATER_BANDS,
                collars=self.COLLARS,
            ),
            **self.image_options(parameters, context),
        }

    # Spectral libraries

    def add_library(self, name: str, description: str, tip: str, *, optional: bool = False) -> None:
        """Add a spectral library."""
        files = "Spectral libraries (*.sli *.hdr *.csv *.txt)"
        self.add_file(name, description, files, tip, optional=optional)

    def add_priors(self) -> None:
        """Add the library of what is expected in a scene, as ``PRIORS``."""
        self.add_library(
            "PRIORS",
            "Prior spectral library",
            "Spectra of what is expected in the scene, with a class each. Empty: the library that "
            "ships.",
            optional=True,
        )

    def add_by_position(
        self,
        tip: str = "Takes the library's bands for the scene's in their order, whatever their "
        "wavelengths. Only for libraries made from the same scene or sensor.",
    ) -> None:
        """Add that bands match by their order, which nothing but the user can decide."""
        self.add_switch(self.BY_POSITION, "Match bands by position", False, tip, advanced=True)

    # Rasters of elements and of features

    def add_concentrations(self, tip: str, *, optional: bool = False) -> None:
        """Add a raster with one band per element."""
        self.add(
            QgsProcessingParameterRasterLayer(
                self.INPUT, "Concentration raster", optional=optional
            ),
            tip,
        )

    def add_bands(self, tip: str) -> None:
        """Add a choice among the bands of `add_concentrations`; none stands for all."""
        self.add(
            QgsProcessingParameterBand(
                self.BANDS, "Bands", None, self.INPUT, optional=True, allowMultiple=True
            ),
            tip,
        )

    def add_features(self, tip: str) -> None:
        """Add the rasters whose bands are the features of an inversion."""
        self.add(
            QgsProcessingParameterMultipleLayers(
                self.FEATURES, "Feature rasters", QgsProcessing.SourceType.TypeRaster
            ),
            tip,
        )

    def add_feature_wavelengths(self) -> None:
        """Add the wavelengths of the first raster of `add_features`."""
        self.add_wavelengths(
            "Centre wavelengths (nm or µm) of the bands of the first raster, where its metadata "
            "lack them."
        )

    # Samples

    def add_samples(
        self,
        description: str = "Samples",
        tip: str = "Sample points in any CRS, or a table with coordinate columns.",
        elements_tip: str = "Fields with concentrations, as numbers or as laboratories write "
        "them: values below a limit, n.d. and decimal commas are understood.",
        *,
        optional: bool = False,
    ) -> None:
        """Add measured points and the fields of their elements."""
        self.add(
            QgsProcessingParameterFeatureSource(
                self.SAMPLES, description, [QgsProcessing.SourceType.TypeVector], optional=optional
            ),
            tip,
        )
        self.add(
            QgsProcessingParameterField(
                self.ELEMENTS,
                "Elements",
                None,
                self.SAMPLES,
                QgsProcessingParameterField.DataType.Any,
                allowMultiple=True,
                optional=optional,
            ),
            elements_tip,
        )

    def add_below_limit(self) -> None:
        """Add what values below their detection limit count as."""
        self.add_choice(
            self.BELOW_LIMIT,
            "Values below the detection limit count as",
            LOWER_RULES,
            LOWER_RULES[0],
            "Half of the limit, the limit, zero, or missing. Values above an upper limit count "
            "as that limit; the report says how many.",
            advanced=True,
        )

    def samples(
        self,
        parameters: dict[str, Any],
        crs: QgsCoordinateReferenceSystem,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
        *,
        more: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Return ``samples`` (path of a table of points in a raster's CRS) and ``elements``.

        Parameters
        ----------
        crs : QgsCoordinateReferenceSystem
            Of the raster that the samples belong to.
        more : sequence of str
            Fields that the table gets besides those of the elements.
        """
        elements = self.parameterAsFields(parameters, self.ELEMENTS, context)
        source = self.feature_source(parameters, self.SAMPLES, context)
        fields = list(dict.fromkeys([*elements, *more]))
        return {
            "samples": write_points(source, fields, crs, context, feedback),
            "elements": elements,
        }

    # How the work is done

    def add_seed(self) -> None:
        """Add the seed of a stochastic algorithm."""
        self.add_integer(
            self.SEED,
            "Seed",
            0,
            "Start of the random numbers; the same seed gives the same result on the same machine.",
            least=0,
            advanced=True,
        )

    def seed(self, parameters: dict[str, Any], context: QgsProcessingContext) -> int:
        """Return the seed."""
        return self.parameterAsInt(parameters, self.SEED, context)

    def add_dask(self) -> None:
        """Add the address of a Dask scheduler."""
        self.add(
            QgsProcessingParameterString(self.DASK, "Dask scheduler", None, False, True),
            "Address such as tcp://host:8786 to compute on a Dask cluster whose workers see the "
            "same files; only in networks that you trust. Empty: on this computer.",
            advanced=True,
        )

    # Results

    def add_library_result(self, name: str, description: str, tip: str) -> None:
        """Add a spectral library to be written."""
        files = "ENVI library (*.sli);;CSV table (*.csv)"
        self.add(QgsProcessingParameterFileDestination(name, description, files), tip)

    def add_report(self, tip: str, *, optional: bool = False, by_default: bool = False) -> None:
        """Add an HTML report to be written."""
        files = "HTML files (*.html)"
        self.add(
            QgsProcessingParameterFileDestination(
                self.REPORT, "Report", files, None, optional, by_default or not optional
            ),
            tip,
        )
