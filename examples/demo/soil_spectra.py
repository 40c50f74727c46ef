"""The chapter on laboratory soil spectra: from tables of the laboratory to points of antimony."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qgis.core import QgsMapLayer, QgsProject

from gossan.examples.demo.layers import add_vector
from gossan.examples.demo.steps import Step
from gossan.processing_provider.soilspectra.styles import applicability_points, predicted_points

NAME = "Laboratory soil spectra"
REPORT = "antimony_training.html"
"""Which report to read first."""

ELEMENTS = ("Sb", "As")


def steps(district: Mapping[str, str], results: Path) -> list[Step]:
    """Return the way from spectra and the laboratory's table to predicted points."""
    spectra = district["laboratory_spectra"]

    def result(name: str) -> str:
        return str(results / name)

    return [
        Step(
            "Pre-processing laboratory spectra, step by step",
            "preprocessspectra",
            {
                "SPECTRA": spectra,
                "STEPS": "splice, trim, continuum, absorbance, smooth, derivative",
                "OUTPUT": result("processed_spectra.sli"),
                "REPORT": result("spectra_steps.html"),
            },
        ),
        Step(
            "Training antimony and arsenic on spectra (network, PLSR, random forest)",
            "trainspectralmodel",
            {
                "SPECTRA": spectra,
                "SAMPLES": district["laboratory_elements"],
                "NAME_FIELD": "sample",
                "ELEMENTS": list(ELEMENTS),
                "AREA_FIELD": "area",
                "OUTLIER_LIMITS": "Sb=1000",
                "LOGARITHM": "true",
                "REPEATS": 1,
                "PERMUTATIONS": 1,
                "EPOCHS": 200,
                "PATIENCE": 40,
                "MODEL": result("antimony.gossan"),
                "TABLE": result("antimony_scores.csv"),
                "PREDICTIONS": result("antimony_validation.csv"),
                "REPORT": result(REPORT),
            },
        ),
        Step(
            "Predicting antimony and arsenic at the sample points",
            "predictelements",
            {
                "SPECTRA": spectra,
                "MODEL": result("antimony.gossan"),
                "SAMPLES": district["sample_points"],
                "NAME_FIELD": "sample",
                "PREDICTIONS": result("antimony_points.gpkg"),
                "TABLE": result("antimony_points.csv"),
                "REPORT": result("antimony_prediction.html"),
            },
        ),
        Step(
            "Explaining where the model looks",
            "explainspectralmodel",
            {
                "SPECTRA": spectra,
                "MODEL": result("antimony.gossan"),
                "MOST_SAMPLES": 20,
                "TABLE": result("antimony_importance.csv"),
                "REPORT": result("antimony_importance.html"),
            },
        ),
    ]


def add_layers(
    project: QgsProject,
    district: Mapping[str, str],  # noqa: ARG001
    results: Path,
) -> dict[str, QgsMapLayer]:
    """Add the predicted points; return those of the layout by title."""
    group = project.layerTreeRoot().addGroup("Laboratory soil spectra (mg/kg)")
    shown: dict[str, QgsMapLayer] = {}
    for element in ELEMENTS:
        title = f"{element} from laboratory spectra (mg/kg)"
        layer = add_vector(project, group, results / "antimony_points.gpkg", title)
        predicted_points(layer, element)
        shown[title] = layer
    foreign = add_vector(
        project, group, results / "antimony_points.gpkg", "Does the spectral model apply?"
    )
    applicability_points(foreign)
    shown["Does the spectral model apply?"] = foreign
    return shown
