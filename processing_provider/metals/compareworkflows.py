"""Algorithm: the ablation of extraction workflows and abundance methods."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingOutputString

from gossan.processing_provider.algorithm import GossanAlgorithm

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
        "and each abundance method, seed by seed, and compares their cross-validated R², RMSE, "
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

    PRIORS = "PRIORS"
    WORKFLOWS = "WORKFLOWS"
    METHODS = "METHODS"
    ENDMEMBERS = "ENDMEMBERS"
    SEEDS = "SEEDS"
    TREES = "TREES"
    VALIDATION = "VALIDATION"
    FOLDS = "FOLDS"
    DETAILS = "DETAILS"
    BEST_WORKFLOW = "BEST_WORKFLOW"
    BEST_METHOD = "BEST_METHOD"
    R2_BEST = "R2_BEST"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_scene()
        self.add_samples()
        self.add_priors()
        self.add_choices(
            self.WORKFLOWS,
            "Extraction workflows",
            WORKFLOWS,
            "Each is run with NNLS abundances; PCCEE is PPI, VCA and priors together.",
        )
        self.add_choices(
            self.METHODS,
            "Abundance methods",
            METHODS,
            "Each is run with the endmembers of PCCEE.",
        )
        self.add_integer(
            self.ENDMEMBERS,
            "Endmembers of every workflow",
            6,
            "The same for all, so that every inversion has equally many features.",
            least=2,
            most=30,
        )
        self.add_integer(
            self.SEEDS,
            "Number of seeds",
            5,
            "Each repeats everything random; medians and extremes are over the seeds.",
            least=1,
            most=100,
        )
        self.add_integer(
            self.TREES,
            "Trees per forest",
            100,
            "Fewer than for a final model, for there are many to grow.",
            least=10,
            most=5000,
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
        self.add_integer(
            self.FOLDS,
            "Folds",
            5,
            "For spatial blocks and k-fold.",
            least=2,
            most=50,
            advanced=True,
        )
        self.add_image_options()
        self.add_seed()
        self.add_table(self.TABLE, "Comparison", "One row per workflow and method.", optional=False)
        self.add_table(self.DETAILS, "Every run", "One row per workflow, method, seed and element.")
        self.add_report("The tables with how they came about.")
        self.addOutput(QgsProcessingOutputString(self.BEST_WORKFLOW, "Workflow of highest R²"))
        self.addOutput(QgsProcessingOutputString(self.BEST_METHOD, "Method of highest R²"))
        self.add_output_numbers({self.R2_BEST: "Highest median R²"})

    def check(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        lists = (self.WORKFLOWS, self.METHODS)
        if not any(self.choices(parameters, name, context) for name in lists):
            return "Choose at least one extraction workflow or abundance method."
        return ""

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        crs = self.raster_crs(parameters, self.INPUT, context)
        job = {
            **self.values(
                parameters,
                context,
                raster=self.INPUT,
                priors=self.PRIORS,
                workflows=self.WORKFLOWS,
                methods=self.METHODS,
                endmembers=self.ENDMEMBERS,
                seeds=self.SEEDS,
                seed=self.SEED,
                trees=self.TREES,
                validation=self.VALIDATION,
                folds=self.FOLDS,
                table=self.TABLE,
                details=self.DETAILS,
                report=self.REPORT,
            ),
            **self.image_options(parameters, context),
            **self.samples(parameters, crs, context, feedback),
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("metals.compare_workflows", job, feedback)
        return {
            **self.made,
            self.BEST_WORKFLOW: result["best_workflow"],
            self.BEST_METHOD: result["best_method"],
            self.R2_BEST: result["r2_best"],
        }
