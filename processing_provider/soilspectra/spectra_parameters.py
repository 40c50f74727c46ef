"""The parameters that the algorithms on laboratory spectra share."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import write_samples

REPLICATES = ("average", "group")
PATTERN = "<sample>_<replicate>"
STEPS = "trim, continuum, absorbance, smooth, derivative"
STEP_NAMES = (
    "splice",
    "trim",
    "mask",
    "continuum",
    "absorbance",
    "smooth",
    "derivative",
    "snv",
    "detrend",
)


class SoilSpectraAlgorithm(GossanAlgorithm):
    """An algorithm that takes laboratory spectra, and the samples that they are of."""

    SPECTRA = "SPECTRA"
    FOLDER = "FOLDER"
    NAME_COLUMN = "NAME_COLUMN"
    PATTERN = "PATTERN"
    REPLICATES = "REPLICATES"
    SPACING = "SPACING"
    STEPS = "STEPS"
    TRIM_FROM = "TRIM_FROM"
    TRIM_TO = "TRIM_TO"
    SMOOTH_WIDTH = "SMOOTH_WIDTH"
    SMOOTH_ORDER = "SMOOTH_ORDER"
    NAME_FIELD = "NAME_FIELD"
    MODEL = "MODEL"

    def add_spectra(self) -> None:
        """Add the spectra, and how their names are read."""
        self.add_file(
            self.SPECTRA,
            "Spectra",
            "Tables, libraries and texts (*.csv *.tsv *.sli *.hdr *.txt *.asc *.sed *.sig)",
            "A table with one spectrum per row or column or with one value per row, an ENVI "
            "library, or the text of one spectrum. Reflectance from 0 to 1 or in percent, "
            "wavelengths in nm or µm.",
            optional=True,
        )
        self.add(
            QgsProcessingParameterFile(
                self.FOLDER,
                "Folder of spectra",
                QgsProcessingParameterFile.Behavior.Folder,
                optional=True,
            ),
            "In place of one file: a folder with one text per spectrum, as field spectrometers "
            "export them; the file's name is the spectrum's.",
        )
        self.add(
            QgsProcessingParameterString(
                self.NAME_COLUMN, "Column of the spectra's names", None, False, True
            ),
            "Which column of a table of spectra names the sample. Empty: a usual one (sample, "
            "name, id), else the first with text.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterString(
                self.PATTERN, "Pattern of the names", PATTERN, False, True
            ),
            "How names tell sample and replicate, with &lt;sample&gt; and &lt;replicate&gt; in it. "
            "A spectrum named exactly as a sample is that sample in any case; equal names are "
            "replicates. Empty: every name is a sample of its own.",
            advanced=True,
        )

    def add_replicates(self) -> None:
        """Add what becomes of replicates."""
        self.add_choice(
            self.REPLICATES,
            "Replicates",
            REPLICATES,
            REPLICATES[0],
            "Average them to one spectrum per sample, or keep each as a spectrum of its own (those "
            "of one sample are never parted by a split).",
        )

    def add_steps(self) -> None:
        """Add the steps of pre-processing and their numbers."""
        self.add(
            QgsProcessingParameterString(self.STEPS, "Pre-processing steps, in this order", STEPS),
            "Names parted by commas, in any order and number: splice (join detectors), trim, mask "
            "(water bands 1350-1460 and 1790-1960 nm), continuum (divide by the upper hull), "
            "absorbance (log10 of 1/R), smooth (Savitzky-Golay), derivative (twice for the "
            "second), snv, detrend.",
        )
        self.add_decimal(
            self.TRIM_FROM, "Trim from (nm)", 400.0, "First wavelength that trim keeps.", least=0.0
        )
        self.add_decimal(
            self.TRIM_TO, "Trim to (nm)", 2400.0, "Last wavelength that trim keeps.", least=0.0
        )
        self.add_decimal(
            self.SMOOTH_WIDTH,
            "Smoothing window (nm)",
            31.0,
            "Width of the Savitzky-Golay window; the nearest odd number of bands is taken.",
            least=1.0,
            advanced=True,
        )
        self.add_integer(
            self.SMOOTH_ORDER,
            "Order of the smoothing polynomial",
            2,
            "Of Savitzky and Golay's polynomial; lower is smoother.",
            least=0,
            most=6,
            advanced=True,
        )
        self.add_decimal(
            self.SPACING,
            "Grid (nm)",
            1.0,
            "Spacing of the wavelengths that all spectra are brought to first.",
            least=0.1,
            most=100.0,
            advanced=True,
        )

    def add_places(self) -> None:
        """Add the samples of new spectra, by which they get coordinates and covariates."""
        self.add(
            QgsProcessingParameterFeatureSource(
                self.SAMPLES,
                "Samples",
                [QgsProcessing.SourceType.TypeVector],
                optional=True,
            ),
            "Points or table of the samples, for coordinates and for the covariates of the model, "
            "in fields of the same names as in training.",
        )
        self.add_name_field(optional=True)

    def add_name_field(self, *, optional: bool = False) -> None:
        """Add the field that names the samples."""
        self.add(
            QgsProcessingParameterField(
                self.NAME_FIELD,
                "Field of the samples' names",
                None,
                self.SAMPLES,
                optional=optional,
            ),
            "By it samples and spectra meet; case does not matter, blank and underscore are alike.",
        )

    def add_model(self) -> None:
        """Add a model of `trainspectralmodel`."""
        self.add_file(self.MODEL, "Model", "Gossan models (*.gossan)", "From Train spectral model.")

    def spectra_problem(self, parameters: dict[str, Any]) -> str:
        """Return what is wrong with the given spectra, or nothing."""
        given = [self.is_given(parameters, name) for name in (self.SPECTRA, self.FOLDER)]
        if sum(given) != 1:
            return "Give either a file of spectra or a folder of them."
        return ""

    def steps_problem(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return what is wrong with the steps, or nothing."""
        text = self.parameterAsString(parameters, self.STEPS, context)
        words = [word.strip().lower() for word in text.replace(";", ",").split(",")]
        unknown = [word for word in words if word and word not in STEP_NAMES]
        if unknown:
            return f"There is no step {unknown[0]}; there are {', '.join(STEP_NAMES)}."
        return ""

    def places_problem(self, parameters: dict[str, Any]) -> str:
        """Return what is wrong with the samples of new spectra, or nothing."""
        if self.is_given(parameters, self.SAMPLES) and not self.is_given(
            parameters, self.NAME_FIELD
        ):
            return "Name the field that holds the names of the samples."
        return ""

    def spectra(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, Any]:
        """Return ``spectra`` (file or folder), ``name_column`` and ``pattern``."""
        read = self.values(
            parameters,
            context,
            spectra=self.SPECTRA,
            folder=self.FOLDER,
            name_column=self.NAME_COLUMN,
            pattern=self.PATTERN,
        )
        folder = read.pop("folder")
        return {**read, "spectra": read["spectra"] or folder}

    def step_values(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> dict[str, Any]:
        """Return the steps and their numbers."""
        return self.values(
            parameters,
            context,
            steps=self.STEPS,
            trim_from=self.TRIM_FROM,
            trim_to=self.TRIM_TO,
            smooth_width=self.SMOOTH_WIDTH,
            smooth_order=self.SMOOTH_ORDER,
            spacing=self.SPACING,
        )

    def places(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> tuple[dict[str, Any], QgsCoordinateReferenceSystem]:
        """Return ``samples`` and ``name_field`` with all fields of the samples, and their CRS."""
        if not self.is_given(parameters, self.SAMPLES):
            return {"samples": "", "name_field": ""}, QgsCoordinateReferenceSystem()
        source = self.feature_source(parameters, self.SAMPLES, context)
        name = self.parameterAsString(parameters, self.NAME_FIELD, context)
        reserved = ("fid", "x", "y")
        fields = [field for field in source.fields().names() if field not in reserved]
        path, crs = write_samples(source, list(dict.fromkeys([name, *fields])), context, feedback)
        return {"samples": path, "name_field": name}, crs
