"""Algorithm: the purest spectra of a hyperspectral scene, as a spectral library."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import temporary_file

WORKFLOWS = (
    "PCCEE",
    "PPI",
    "VCA",
    "prior",
    "PPI+VCA",
    "PPI+prior",
    "VCA+prior",
    "N-FINDR",
    "ATGP",
)
SELECTIONS = ("purest per class", "top-k")
SPACES = ("components", "bands")
VCA_PROJECTIONS = ("mean removed", "by SNR")


class ExtractEndmembers(GossanAlgorithm):
    """Finds the pixels of a scene that its mixtures are made of."""

    ID = "extractendmembers"
    NAME = "Extract endmembers"
    GROUP = "endmembers"
    TAGS = ("unmixing", "PPI", "VCA", "PCCEE", "N-FINDR", "ATGP", "purity", "hyperspectral")
    DOES = (
        "Finds the purest spectra of a scene. PPI counts how often a pixel lies outermost along "
        "random directions and rejects pixels that no neighbour resembles; VCA goes from vertex "
        "to vertex; the prior takes the pixels most like the spectra of a library. PCCEE lets all "
        "three propose and chooses, for each class of the priors, the purest candidate near the "
        "best pixel of that class. N-FINDR (largest simplex) and ATGP (farthest from all found) "
        "stand beside them."
    )
    NEEDS = (
        "A hyperspectral scene with wavelengths (a multispectral one works, with few endmembers). "
        "Priors: any spectral library, its classes saying what is looked for; without one a small "
        "library ships for vegetation, dry vegetation, built-up, mining soil, tailings, bare soil "
        "and water."
    )
    GIVES = (
        "A spectral library for <i>Estimate abundances</i>; points at the source pixels with "
        "source, purity (1: on the convex hull of the scene), nearest class and angle; on request "
        "the spectral angle to each endmember; a report with curves and the rejected candidates, "
        "among which a real hotspot of one pixel may be."
    )
    SOURCE = (
        "Boardman, Kruse and Green (1995) for PPI; Nascimento and Bioucas-Dias (2005) for VCA; "
        "Winter (1999) for N-FINDR; Ren and Chang (2003) for ATGP; Physically-Constrained "
        "Collaborative Endmember Extraction, GF-5, Lengshuijiang antimony mine."
    )

    INPUT = "INPUT"
    WORKFLOW = "WORKFLOW"
    PRIORS = "PRIORS"
    ENDMEMBERS = "ENDMEMBERS"
    MASK = "MASK"
    SELECTION = "SELECTION"
    SPACE = "SPACE"
    COMPONENTS = "COMPONENTS"
    SKEWERS = "SKEWERS"
    NEIGHBOUR_ANGLE = "NEIGHBOUR_ANGLE"
    PPI_ENDMEMBERS = "PPI_ENDMEMBERS"
    VCA_ENDMEMBERS = "VCA_ENDMEMBERS"
    VCA_PROJECTION = "VCA_PROJECTION"
    CLASS_ANGLE = "CLASS_ANGLE"
    ABSENT_ANGLE = "ABSENT_ANGLE"
    DISTINCT_ANGLE = "DISTINCT_ANGLE"
    DROP_WATER_BANDS = "DROP_WATER_BANDS"
    COLLARS = "COLLARS"
    LIBRARY = "LIBRARY"
    POINTS = "POINTS"
    ANGLES = "ANGLES"
    REPORT = "REPORT"
    COUNT = "COUNT"
    CANDIDATES = "CANDIDATES"
    REJECTED = "REJECTED"
    VALID_PIXELS = "VALID_PIXELS"
    NAMES = "NAMES"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Scene"),
            "The hyperspectral image, in reflectance (see scale and offset below).",
        )
        self.add_choice(
            self.WORKFLOW,
            "Workflow",
            WORKFLOWS,
            WORKFLOWS[0],
            "Which methods propose endmembers. PCCEE is PPI, VCA and priors together; those "
            "without prior need no library.",
        )
        self.add(
            QgsProcessingParameterFile(
                self.PRIORS,
                "Prior library",
                fileFilter="Spectral libraries (*.sli *.hdr *.csv *.txt);;All files (*)",
                optional=True,
            ),
            "Spectra of what is expected in the scene, with a class each. Empty: the library that "
            "ships.",
        )
        integer = QgsProcessingParameterNumber.Type.Integer
        self.add(
            QgsProcessingParameterNumber(
                self.ENDMEMBERS, "Number of endmembers (0: by rule)", integer, 0, False, 0, 64
            ),
            "0 keeps one per prior class (4 for top-k), or what a workflow without priors finds: "
            "10 by PPI, 6 by the others.",
        )
        self.add(
            QgsProcessingParameterRasterLayer(self.MASK, "Mask", optional=True),
            "Raster on the scene's grid; pixels other than 0 are used.",
        )
        self.add_image_options()
        self._add_method_options()
        self._add_selection_options()
        self.add_seed()
        self._add_outputs()

    def _add_method_options(self) -> None:
        integer = QgsProcessingParameterNumber.Type.Integer
        double = QgsProcessingParameterNumber.Type.Double
        self.add_choice(
            self.SPACE,
            "Search in",
            SPACES,
            SPACES[0],
            "Principal components are fast and leave most of the noise out; bands are the "
            "originals, and large scenes are read anew for every endmember.",
            advanced=True,
        )
        numbers = (
            (
                self.COMPONENTS,
                "Components (0: by rule)",
                0,
                0,
                500,
                "0 takes the greater of those that hold 95 % of the variance and the method's "
                "endmembers less one.",
            ),
            (
                self.SKEWERS,
                "Random directions (PPI)",
                10_000,
                1,
                1_000_000,
                "Unit vectors along which the outermost pixels are counted, at both ends.",
            ),
            (
                self.PPI_ENDMEMBERS,
                "Candidates of PPI",
                10,
                1,
                200,
                "How many PPI proposes to a workflow of several methods.",
            ),
            (
                self.VCA_ENDMEMBERS,
                "Candidates of VCA",
                6,
                2,
                200,
                "How many VCA proposes to a workflow of several methods.",
            ),
        )
        for name, description, default, least, most, tip in numbers:
            self.add(
                QgsProcessingParameterNumber(
                    name, description, integer, default, False, least, most
                ),
                tip,
                advanced=True,
            )
        self.add(
            QgsProcessingParameterNumber(
                self.NEIGHBOUR_ANGLE, "Neighbour within (rad, PPI)", double, 0.1, False, 0, 3.15
            ),
            "A PPI candidate is rejected when none of its eight neighbours comes within this "
            "spectral angle; 0 keeps all. The report lists the rejected.",
            advanced=True,
        )
        self.add_choice(
            self.VCA_PROJECTION,
            "Projection of VCA",
            VCA_PROJECTIONS,
            VCA_PROJECTIONS[0],
            "By SNR projects through the origin where the signal is strong, as its authors do, "
            "which takes brightness out.",
            advanced=True,
        )
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
            "Pixels that are zero in every band, as around scenes without a nodata value.",
            advanced=True,
        )

    def _add_selection_options(self) -> None:
        double = QgsProcessingParameterNumber.Type.Double
        self.add_choice(
            self.SELECTION,
            "Selection",
            SELECTIONS,
            SELECTIONS[0],
            "Purest per class gives each prior class its purest candidate. Top-k ranks all "
            "candidates by least angle to the priors, as published, and may return one class "
            "several times. Workflows without priors rank by purity.",
            advanced=True,
        )
        angles = (
            (
                self.CLASS_ANGLE,
                "Class reaches (rad)",
                0.05,
                "Candidates this much farther from a prior class than its best pixel still "
                "belong to it.",
            ),
            (
                self.ABSENT_ANGLE,
                "Class is absent beyond (rad)",
                0.3,
                "A prior class whose best pixel is farther gets no endmember.",
            ),
            (
                self.DISTINCT_ANGLE,
                "Same below (rad)",
                0.03,
                "Endmembers closer to each other than this count as the same.",
            ),
        )
        for name, description, default, tip in angles:
            self.add(
                QgsProcessingParameterNumber(name, description, double, default, False, 0, 3.15),
                tip,
                advanced=True,
            )

    def _add_outputs(self) -> None:
        self.add(
            QgsProcessingParameterFileDestination(
                self.LIBRARY, "Endmember library", "ENVI library (*.sli);;CSV table (*.csv)"
            ),
            "The endmembers' reflectance on the bands in use, with name, class and source pixel.",
        )
        self.add(
            QgsProcessingParameterFeatureSink(
                self.POINTS, "Source pixels", QgsProcessing.SourceType.TypeVectorPoint
            ),
            "Centre of each endmember's pixel with name, source, purity, class, angle (rad), row "
            "and column.",
        )
        self.add(
            QgsProcessingParameterRasterDestination(
                self.ANGLES, "Spectral angles", None, True, False
            ),
            "Angle of every pixel to every endmember, a band each, in radians; another pass over "
            "the scene.",
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.REPORT, "Report", "HTML files (*.html)", None, True
            ),
            "Curves, chosen endmembers, rejected candidates with reasons, seconds of each step.",
        )
        self.addOutput(QgsProcessingOutputNumber(self.COUNT, "Number of endmembers"))
        self.addOutput(QgsProcessingOutputNumber(self.CANDIDATES, "Number of candidates"))
        self.addOutput(QgsProcessingOutputNumber(self.REJECTED, "Candidates not chosen"))
        self.addOutput(QgsProcessingOutputNumber(self.VALID_PIXELS, "Pixels in use"))
        self.addOutput(QgsProcessingOutputString(self.NAMES, "Names of the endmembers"))

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        if self.choice(parameters, self.WORKFLOW, context) == "N-FINDR":
            wanted = self.parameterAsInt(parameters, self.ENDMEMBERS, context)
            if wanted == 1:
                return "N-FINDR needs at least 2 endmembers to span a simplex."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        library = self.output_path(parameters, self.LIBRARY, context)
        angles = self.output_path(parameters, self.ANGLES, context)
        report = self.output_path(parameters, self.REPORT, context)
        wanted = self.is_wanted(parameters, self.POINTS, context)
        points = temporary_file("endmembers.geojson") if wanted else ""
        whole = {
            "components": self.COMPONENTS,
            "skewers": self.SKEWERS,
            "ppi_endmembers": self.PPI_ENDMEMBERS,
            "vca_endmembers": self.VCA_ENDMEMBERS,
            "endmembers": self.ENDMEMBERS,
        }
        radians = {
            "neighbour_angle": self.NEIGHBOUR_ANGLE,
            "class_angle": self.CLASS_ANGLE,
            "absent_angle": self.ABSENT_ANGLE,
            "distinct_angle": self.DISTINCT_ANGLE,
        }
        choices = {
            "workflow": self.WORKFLOW,
            "space": self.SPACE,
            "vca_projection": self.VCA_PROJECTION,
            "selection": self.SELECTION,
        }
        result = self.run_job(
            "endmembers.extract",
            {
                "raster": self.raster_path(parameters, self.INPUT, context),
                "priors": self.file_path(parameters, self.PRIORS, context),
                "mask": self.raster_path(parameters, self.MASK, context),
                "drop_water_bands": self.parameterAsBool(
                    parameters, self.DROP_WATER_BANDS, context
                ),
                "collars": self.parameterAsBool(parameters, self.COLLARS, context),
                "seed": self.seed(parameters, context),
                "library": library,
                "points": points,
                "angles": angles,
                "report": report,
                "origin": self.origin(parameters, context),
                **{key: self.parameterAsInt(parameters, p, context) for key, p in whole.items()},
                **{
                    key: self.parameterAsDouble(parameters, p, context)
                    for key, p in radians.items()
                },
                **{key: self.choice(parameters, p, context) for key, p in choices.items()},
                **self.image_options(parameters, context),
            },
            feedback,
        )
        outputs: dict[str, Any] = {
            self.LIBRARY: library,
            self.COUNT: result["endmembers"],
            self.CANDIDATES: result["candidates"],
            self.REJECTED: result["rejected"],
            self.VALID_PIXELS: result["pixels"],
            self.NAMES: ", ".join(result["names"]),
        }
        if wanted:
            outputs[self.POINTS] = self.features_to_sink(
                points,
                parameters,
                self.POINTS,
                self.raster_crs(parameters, self.INPUT, context),
                context,
                feedback,
                style=styles.endmember_points,
                title="Endmembers",
            )
        if angles:
            self.style_raster(angles, styles.spectral_angle, context, title="Spectral angles")
            outputs[self.ANGLES] = angles
        if report:
            outputs[self.REPORT] = report
        return outputs
