"""Algorithm: chips of reviewed findings, for the next training."""

from __future__ import annotations

from functools import partial
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
)

from gossan.processing_provider.inputs import write_features
from gossan.processing_provider.mines import chip_styles
from gossan.processing_provider.mines.images import ChipAlgorithm, per_image

KINDS = ("exact: 243 px", "impact: 21 px")
FIELDS = ("finding", "impact", "reason")
"""What is taken of a finding besides its decision, where it has it."""


class CollectReviewed(ChipAlgorithm):
    """Cuts chips of confirmed and of rejected findings."""

    ID = "collectreviewed"
    NAME = "Collect reviewed findings"
    GROUP = "mines"
    TAGS = ("review", "feedback", "active learning", "hard negatives", "chips", "mines", "teach")
    DOES = (
        "Turns what an analyst has decided about findings into chips for the next training: "
        "confirmed findings (mine, dam) become examples of mines, with their impact where it is "
        "known, and every cell of a rejected one becomes an example of what is none. Unsure and "
        "unreviewed findings are left out and counted."
    )
    NEEDS = (
        "The images that were searched and the reviewed findings, best as polygons, with a field "
        "of decisions: mine, dam, false, unsure."
    )
    GIVES = (
        "A folder of chips for <i>Train mine detector</i>, as the model to teach further the one "
        "that made the findings, or for <i>Train impact classifier</i>; their places as points."
    )
    SOURCE = "Hard negatives: Felzenszwalb and others (2010), IEEE TPAMI 32, 1627-1645."

    FINDINGS = "FINDINGS"
    DECISION_FIELD = "DECISION_FIELD"
    CONFIRMED, REJECTED, UNSURE = "CONFIRMED_COUNT", "REJECTED_COUNT", "UNSURE_COUNT"

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.add_images("Those that were searched; a finding is cut from the first that holds it.")
        self.add(
            QgsProcessingParameterFeatureSource(
                self.FINDINGS,
                "Reviewed findings",
                [
                    QgsProcessing.SourceType.TypeVectorPolygon,
                    QgsProcessing.SourceType.TypeVectorPoint,
                ],
            ),
            "Polygons give the chips of their cells, points one chip each, in any CRS.",
        )
        self.add(
            QgsProcessingParameterField(
                self.DECISION_FIELD, "Decision field", "decision", self.FINDINGS, optional=True
            ),
            "Holds mine, dam, false, unsure or nothing. Empty: the field decision.",
        )
        self.add_choice(
            self.KIND,
            "Kind of chips",
            KINDS,
            KINDS[0],
            "243 pixels teach the detector, 21 the impact classifier (confirmed findings need a "
            "class of impact then).",
        )
        self.add_missing_share()
        self.add_image_options()
        self.add_chip_results()
        self.add_output_numbers(
            {
                self.COUNT: "Chips",
                self.CONFIRMED: "Confirmed findings",
                self.REJECTED: "Rejected findings",
                self.UNSURE: "Unsure or not reviewed",
            }
        )

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        layers = self.image_layers(parameters, context)
        source = self.feature_source(parameters, self.FINDINGS, context)
        decision = self.parameterAsString(parameters, self.DECISION_FIELD, context) or "decision"
        present = source.fields().names()
        fields = [decision, *(name for name in FIELDS if name in present and name != decision)]
        write = partial(_findings, source, fields, context, feedback)
        job = {
            **self.values(
                parameters,
                context,
                images=self.IMAGES,
                kind=self.KIND,
                missing_share=self.MISSING_SHARE,
                output=self.OUTPUT,
                places=self.PLACES,
            ),
            **self.image_options(parameters, context),
            "findings": per_image(layers, write),
            "decision_field": decision,
            "origin": self.origin(parameters, context),
        }
        result = self.run_job("mines.collect_reviewed", job, feedback)
        self.features_to_sink(
            job["places"],
            parameters,
            self.PLACES,
            self.places_crs(result, layers),
            context,
            feedback,
            style=chip_styles.chips,
            title="Chips of reviewed findings",
        )
        return {
            **self.made,
            self.COUNT: result["chips"],
            self.CONFIRMED: result["confirmed"],
            self.REJECTED: result["rejected"],
            self.UNSURE: result["unsure"],
        }


def _findings(
    source: QgsProcessingFeatureSource,
    fields: list[str],
    context: QgsProcessingContext,
    feedback: QgsProcessingFeedback,
    crs: QgsCoordinateReferenceSystem,
) -> str:
    return write_features(source, fields, crs, context, feedback)
