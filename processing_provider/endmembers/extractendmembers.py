"""Algorithm: the purest spectra of a hyperspectral scene, as a spectral library."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
)

from gossan.processing_provider import styles
from gossan.processing_provider.algorithm import GossanAlgorithm

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
LARGEST_ANGLE = 3.15
"""What the dialog accepts, in radians: just above a half turn."""


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

    WORKFLOW = "WORKFLOW"
    PRIORS = "PRIORS"
    ENDMEMBERS = "ENDMEMBERS"
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
    LIBRARY = "LIBRARY"
    POINTS = "POINTS"
    ANGLES = "ANGLES"
    COUNT = "COUNT"
    CANDIDATES = "CANDIDATES"
    REJECTED = "REJECTED"
    VALID_PIXELS = "VALID_PIXELS"
    NAMES = "NAMES"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_scene()
        self.add_choice(
            self.WORKFLOW,
            "Workflow",
            WORKFLOWS,
            WORKFLOWS[0],
            "Which methods propose endmembers. PCCEE is PPI, VCA and priors together; those "
            "without prior need no library.",
        )
        self.add_priors()
        self.add_integer(
            self.ENDMEMBERS,
            "Number of endmembers (0: by rule)",
            0,
            "0 keeps one per prior class (4 for top-k), or what a workflow without priors finds: "
            "10 by PPI, 6 by the others.",
            least=0,
            most=64,
        )
        self.add_mask()
        self.add_image_options()
        self._add_method_options()
        self.add_pixel_options()
        self._add_selection_options()
        self.add_seed()
        self._add_outputs()

    def _add_method_options(self) -> None:
        self.add_choice(
            self.SPACE,
            "Search in",
            SPACES,
            SPACES[0],
            "Principal components are fast and leave most of the noise out; bands are the "
            "originals, and large scenes are read anew for every endmember.",
            advanced=True,
        )
        self.add_integer(
            self.COMPONENTS,
            "Components (0: by rule)",
            0,
            "0 takes the greater of those that hold 95 % of the variance and the method's "
            "endmembers less one.",
            least=0,
            most=500,
            advanced=True,
        )
        self.add_integer(
            self.SKEWERS,
            "Random directions (PPI)",
            10_000,
            "Unit vectors along which the outermost pixels are counted, at both ends.",
            least=1,
            most=1_000_000,
            advanced=True,
        )
        self.add_integer(
            self.PPI_ENDMEMBERS,
            "Candidates of PPI",
            10,
            "How many PPI proposes to a workflow of several methods.",
            least=1,
            most=200,
            advanced=True,
        )
        self.add_integer(
            self.VCA_ENDMEMBERS,
            "Candidates of VCA",
            6,
            "How many VCA proposes to a workflow of several methods.",
            least=2,
            most=200,
            advanced=True,
        )
        self._add_angle(
            self.NEIGHBOUR_ANGLE,
            "Neighbour within (rad, PPI)",
            0.1,
            "A PPI candidate is rejected when none of its eight neighbours comes within this "
            "spectral angle; 0 keeps all. The report lists the rejected.",
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

    def _add_selection_options(self) -> None:
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
        self._add_angle(
            self.CLASS_ANGLE,
            "Class reaches (rad)",
            0.05,
            "Candidates this much farther from a prior class than its best pixel still "
            "belong to it.",
        )
        self._add_angle(
            self.ABSENT_ANGLE,
            "Class is absent beyond (rad)",
            0.3,
            "A prior class whose best pixel is farther gets no endmember.",
        )
        self._add_angle(
            self.DISTINCT_ANGLE,
            "Same below (rad)",
            0.03,
            "Endmembers closer to each other than this count as the same.",
        )

    def _add_angle(self, name: str, description: str, default: float, tip: str) -> None:
        self.add_decimal(
            name, description, default, tip, least=0, most=LARGEST_ANGLE, advanced=True
        )

    def _add_outputs(self) -> None:
        self.add_library_result(
            self.LIBRARY,
            "Endmember library",
            "The endmembers' reflectance on the bands in use, with name, class and source pixel.",
        )
        self.add_features_result(
            self.POINTS,
            "Source pixels",
            QgsProcessing.SourceType.TypeVectorPoint,
            "Centre of each endmember's pixel with name, source, purity, class, angle (rad), row "
            "and column.",
        )
        self.add_raster_result(
            self.ANGLES,
            "Spectral angles",
            "Angle of every pixel to every endmember, a band each, in radians; another pass over "
            "the scene.",
            optional=True,
        )
        self.add_report(
            "Curves, chosen endmembers, rejected candidates with reasons, seconds of each step.",
            optional=True,
            by_default=True,
        )
        self.add_output_numbers(
            {
                self.COUNT: "Number of endmembers",
                self.CANDIDATES: "Number of candidates",
                self.REJECTED: "Candidates not chosen",
                self.VALID_PIXELS: "Pixels in use",
            }
        )
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
        job = {
            **self.scene(parameters, context),
            **self.values(
                parameters,
                context,
                workflow=self.WORKFLOW,
                priors=self.PRIORS,
                endmembers=self.ENDMEMBERS,
                mask=self.MASK,
                space=self.SPACE,
                components=self.COMPONENTS,
                skewers=self.SKEWERS,
                neighbour_angle=self.NEIGHBOUR_ANGLE,
                ppi_endmembers=self.PPI_ENDMEMBERS,
                vca_endmembers=self.VCA_ENDMEMBERS,
                vca_projection=self.VCA_PROJECTION,
                selection=self.SELECTION,
                class_angle=self.CLASS_ANGLE,
                absent_angle=self.ABSENT_ANGLE,
                distinct_angle=self.DISTINCT_ANGLE,
                seed=self.SEED,
                library=self.LIBRARY,
                points=self.POINTS,
                angles=self.ANGLES,
                report=self.REPORT,
            ),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("endmembers.extract", job, feedback)
        self.features_to_sink(
            job["points"],
            parameters,
            self.POINTS,
            self.raster_crs(parameters, self.INPUT, context),
            context,
            feedback,
            style=styles.endmember_points,
            title="Endmembers",
        )
        self.style_raster(job["angles"], styles.spectral_angle, context, title="Spectral angles")
        return {
            **self.made,
            self.COUNT: result["endmembers"],
            self.CANDIDATES: result["candidates"],
            self.REJECTED: result["rejected"],
            self.VALID_PIXELS: result["pixels"],
            self.NAMES: ", ".join(result["names"]),
        }
