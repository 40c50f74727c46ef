"""The chapter on mineral deposits: from Landsat scenes and a table of deposits to prospects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qgis.core import QgsMapLayer, QgsProject

from gossan.examples.demo.layers import add_vector, hide
from gossan.examples.demo.steps import Step
from gossan.processing_provider.deposits import styles

NAME = "Mineral deposits"
REPORT = "deposit_training.html"
"""Which report to read first."""

CHIP = 64
"""Pixels along a chip: 2 km, for the district is small; the source has 512."""


def steps(district: Mapping[str, str], results: Path) -> list[Step]:
    """Return the way from the scenes and the deposits to ranked prospects."""

    def result(name: str) -> str:
        return str(results / name)

    return [
        Step(
            "Labelling Landsat scenes by the deposits in them",
            "labelscenes",
            {
                "FOLDER": district["landsat"],
                "DEPOSITS": district["deposits"],
                "OUTPUT": result("scene_labels.gpkg"),
                "REPORT": result("scene_labels.html"),
            },
        ),
        Step(
            "Preparing the scenes: collars, clouds, chips, split by location",
            "preparescenes",
            {
                "LABELS": result("scene_labels.gpkg"),
                "DEPOSITS": district["deposits"],
                "SIZE": CHIP,
                "INDEX": result("deposit_chips.csv"),
                "CHIPS": result("deposit_chips.gpkg"),
                "REPORT": result("deposit_chips.html"),
            },
        ),
        Step(
            "Training a small network on richness, beside randomised labels",
            "traindepositmodel",
            {
                "INDEX": result("deposit_chips.csv"),
                "GOAL": "richness",
                "EPOCHS": 12,
                "MODEL": result("deposits.gossan"),
                "TABLE": result("deposit_runs.csv"),
                "REPORT": result(REPORT),
            },
        ),
        Step(
            "Predicting richness and ranking prospects",
            "mapdepositrichness",
            {
                "MODEL": result("deposits.gossan"),
                "LABELS": result("scene_labels.gpkg"),
                "DEPOSITS": district["deposits"],
                "OUTPUT": result("deposit_prospects.gpkg"),
                "TABLE": result("deposit_prospects.csv"),
                "REPORT": result("deposit_prospects.html"),
            },
        ),
    ]


def add_layers(
    project: QgsProject,
    district: Mapping[str, str],  # noqa: ARG001 - every chapter is called alike
    results: Path,
) -> dict[str, QgsMapLayer]:
    """Add footprints, chips and prospects; return those of the layout by title."""
    root = project.layerTreeRoot()
    group = root.addGroup("Mineral deposits")
    prospects = add_vector(
        project, group, results / "deposit_prospects.gpkg", "Predicted richness and prospects"
    )
    styles.predictions(prospects)
    chips = add_vector(project, group, results / "deposit_chips.gpkg", "Chips by part of the split")
    styles.chips(chips)
    known = add_vector(project, group, results / "deposit_chips.gpkg", "Deposits in the chips")
    styles.counts(known)
    scenes = add_vector(project, group, results / "scene_labels.gpkg", "Landsat scenes by richness")
    styles.richness(scenes)
    for layer in (prospects, chips, known, scenes):
        hide(root, layer)
    return {
        "Predicted richness": prospects,
        "Known deposits": known,
        "Split by location": chips,
        "Scenes": scenes,
    }
