"""Algorithm: the ablation of extraction workflows and abundance methods."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
)

from gossan.processing_provider.algorithm import GossanAlgorithm
from gossan.processing_provider.inputs import write_points

WORKFLOWS = ("PPI", "VCA", "prior", "PPI+VCA", "PPI+prior", "VCA+prior", "PCCEE")
METHODS = ("nnls", "nmf", "svr")
VALIDATIONS = ("spatial blocks", "k-fold", "leave-one-out")


class CompareWorkflows(GossanAlgorithm):
    """Scores the metals of seven extraction workflows and three abundance methods."""

    ID = "compareworkflows"
    NAME = "Compare workflows"
    GROUP = "metals"
    TAGS = ("ablation", "PCCEE", "PPI", "VCA", "NNLS", "NMF", "SVR", "validation", "benchmark")
    DOES = (
        "Repeats extraction, unmixing and the inversion of metals for each extraction workflow "
        "and each abundance method, seed by seed, and compares their cross-validated R2, RMSE, "
        "RPD and seconds. All inversions have equally many features."
    )
    NEEDS = "A hyperspectral raster and soil samples with element fields."
    GIVES = (
        "A table with median and spread over the seeds, a table of every run and element, and a "
        "report. Choosing the best of many rows on the same samples flatters it: the report says "
        "where ranges overlap."
    )
    SOURCE = (
        "The ablation of Physically-Constrained Collaborative Endmember Extraction (GF-5, "
        "Lengshuijiang antimony mine), with spatial blocks and several seeds."
    )

    INPUT = "INPUT"
    SAMPLES = "SAMPLES"
    ELEMENTS = "ELEMENTS"
    PRIORS = "PRIORS"
    WORKFLOWS = "WORKFLOWS"
    METHODS = "METHODS"
    ENDMEMBERS = "ENDMEMBERS"
    SEEDS = "SEEDS"
    TREES = "TREES"
    VALIDATION = "VALIDATION"
    FOLDS = "FOLDS"
    TABLE = "TABLE"
    DETAILS = "DETAILS"
    REPORT = "REPORT"
    BEST_WORKFLOW = "BEST_WORKFLOW"
    BEST_METHOD = "BEST_METHOD"
    R2_BEST = "R2_BEST"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        integer = QgsProcessingParameterNumber.Type.Integer
        self.add(
            QgsProcessingParameterRasterLayer(self.INPUT, "Hyperspectral raster"),
            "Reflectance with wavelengths.",
        )
        self.add(
            QgsProcessingParameterFeatureSource(
                self.SAMPLES, "Samples", [QgsProcessing.SourceType.TypeVector]
            ),
            "Soil samples as points, or a table with coordinates.",
        )
        self.add(
            QgsProcessingParameterField(
                self.ELEMENTS,
                "Elements",
                None,
                self.SAMPLES,
                QgsProcessingParameterField.DataType.Any,
                allowMultiple=True,
            ),
            "Fields with concentrations; &lt;0.02 and &gt;4000 are understood.",
        )
        self.add(
            QgsProcessingParameterFile(
                self.PRIORS,
                "Prior spectral library",
                QgsProcessingParameterFile.Behavior.File,
                fileFilter="Spectral libraries (*.sli *.csv *.txt);;All files (*)",
                optional=True,
            ),
            "Spectra of what is expected; empty takes the library that ships.",
        )
        self._add_several(
            self.WORKFLOWS,
            "Extraction workflows",
            WORKFLOWS,
            "Each is run with NNLS abundances; PCCEE is PPI, VCA and priors together.",
        )
        self._add_several(
            self.METHODS,
            "Abundance methods",
            METHODS,
            "Each is run with the endmembers of PCCEE.",
        )
        self.add(
            QgsProcessingParameterNumber(
                self.ENDMEMBERS, "Endmembers of every workflow", integer, 6, False, 2, 30
            ),
            "The same for all, so that every inversion has equally many features.",
        )
        self.add(
            QgsProcessingParameterNumber(self.SEEDS, "Number of seeds", integer, 5, False, 1, 100),
            "Each repeats everything random; medians and extremes are over the seeds.",
        )
        self.add(
            QgsProcessingParameterNumber(
                self.TREES, "Trees per forest", integer, 100, False, 10, 5000
            ),
            "Fewer than for a final model, for there are many to grow.",
            advanced=True,
        )
        self.add_choice(
            self.VALIDATION,
            "Validation",
            VALIDATIONS,
            VALIDATIONS[0],
            "Spatial blocks keep neighbouring samples on one side of every split.",
            advanced=True,
        )
        self.add(
            QgsProcessingParameterNumber(self.FOLDS, "Folds", integer, 5, False, 2, 50),
            "Of the validation.",
            advanced=True,
        )
        self.add_image_options()
        self.add_seed()
        csv = "CSV (*.csv)"
        self.add(
            QgsProcessingParameterFileDestination(self.TABLE, "Comparison", csv),
            "One row per workflow and method.",
        )
        self.add(
            QgsProcessingParameterFileDestination(
                self.DETAILS, "Every run", csv, None, True, False
            ),
            "One row per workflow, method, seed and element.",
        )
        self.add(
            QgsProcessingParameterFileDestination(self.REPORT, "Report", "HTML (*.html)"),
            "The tables with how they came about.",
        )
        self.addOutput(QgsProcessingOutputString(self.BEST_WORKFLOW, "Workflow of highest R2"))
        self.addOutput(QgsProcessingOutputString(self.BEST_METHOD, "Method of highest R2"))
        self.addOutput(QgsProcessingOutputNumber(self.R2_BEST, "Highest median R2"))

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        if not self._several(parameters, self.WORKFLOWS, context) and not self._several(
            parameters, self.METHODS, context
        ):
            return "Choose at least one extraction workflow or abundance method."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        elements = self.parameterAsFields(parameters, self.ELEMENTS, context)
        samples = write_points(
            self.feature_source(parameters, self.SAMPLES, context),
            elements,
            self.raster_crs(parameters, self.INPUT, context),
            context,
            feedback,
        )
        outputs = {
            name: self.output_path(parameters, name, context)
            for name in (self.TABLE, self.DETAILS, self.REPORT)
        }
        result = self.run_job(
            "metals.compare_workflows",
            {
                "raster": self.raster_path(parameters, self.INPUT, context),
                "samples": samples,
                "elements": elements,
                "priors": self.file_path(parameters, self.PRIORS, context),
                "workflows": self._several(parameters, self.WORKFLOWS, context),
                "methods": self._several(parameters, self.METHODS, context),
                "endmembers": self.parameterAsInt(parameters, self.ENDMEMBERS, context),
                "seeds": self.parameterAsInt(parameters, self.SEEDS, context),
                "seed": self.seed(parameters, context),
                "trees": self.parameterAsInt(parameters, self.TREES, context),
                "validation": self.choice(parameters, self.VALIDATION, context),
                "folds": self.parameterAsInt(parameters, self.FOLDS, context),
                "table": outputs[self.TABLE],
                "details": outputs[self.DETAILS],
                "report": outputs[self.REPORT],
                "origin": self.origin(parameters, context),
                **self.image_options(parameters, context),
            },
            feedback,
        )
        return {
            **outputs,
            self.BEST_WORKFLOW: result["best_workflow"],
            self.BEST_METHOD: result["best_method"],
            self.R2_BEST: result["r2_best"],
        }

    def _add_several(self, name: str, description: str, options: tuple[str, ...], tip: str) -> None:
        """Add a choice of several texts, all of them by default."""
        parameter = QgsProcessingParameterEnum(
            name, description, list(options), True, list(options), True, True
        )
        self.add(parameter, tip)

    def _several(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[str]:
        return self.parameterAsEnumStrings(parameters, name, context)
