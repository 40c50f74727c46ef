"""The chapter on lithology: from an image and coarse grids to a lithological map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qgis.core import QgsMapLayer, QgsProject

from gossan.examples.demo.layers import add_raster, bands, hide
from gossan.examples.demo.steps import Step
from gossan.processing_provider import styles
from gossan.processing_provider.lithology.styles import agreement, entropy

NAME = "Lithology"
REPORT = "lithology_training.html"
"""Which report to read first."""

SHOWN_BANDS = (12, 40, 75, 130, 205, 285)
"""Bands of the hyperspectral scene that give the detail, like those of a multispectral sensor."""

INCLINATION, DECLINATION = 42.0, -3.5
"""Of the field over the simulated district, as its manifest says."""


def steps(district: Mapping[str, str], results: Path) -> list[Step]:
    """Return the way from coarse grids, an image and a geological map to a map and its scores."""

    def result(name: str) -> str:
        return str(results / name)

    return [
        Step(
            "Reducing the magnetic survey to the pole",
            "reducetopole",
            {
                "INPUT": district["magnetics"],
                "INCLINATION": INCLINATION,
                "DECLINATION": DECLINATION,
                "OUTPUT": result("magnetics_pole.tif"),
            },
        ),
        Step(
            "Fusing oxides, magnetics, terrain and gamma rays with the image",
            "fusesources",
            {
                "INPUT": district["hyperspectral"],
                "BANDS": list(SHOWN_BANDS),
                "COMPOSITION": [district["geochemistry"]],
                "OTHERS": [result("magnetics_pole.tif")],
                "TERRAIN": [district["dem"], district["radiometrics"]],
                "OUTPUT": result("lithology_stack.tif"),
                "REPORT": result("fusion.html"),
            },
        ),
        Step(
            "Training on the geological map (random forest, blocks kept back)",
            "trainlithology",
            {
                "FEATURES": [result("lithology_stack.tif")],
                "MAP_RASTER": district["geological_map_raster"],
                "METHOD": "random forest",
                "BLOCK_SIZE": 900,
                "MODEL": result("lithology.gossan"),
                "TABLE": result("lithology_scores.csv"),
                "DIFFERENCES": result("lithology_differences.tif"),
                "REPORT": result(REPORT),
            },
        ),
        Step(
            "Mapping lithology",
            "maplithology",
            {
                "FEATURES": [result("lithology_stack.tif")],
                "MODEL": result("lithology.gossan"),
                "OUTPUT": result("lithology.tif"),
                "PROBABILITIES": result("lithology_probabilities.tif"),
                "ENTROPY": result("lithology_entropy.tif"),
            },
        ),
        Step(
            "Assessing the map against the true units",
            "assessmap",
            {
                "INPUT": result("lithology.tif"),
                "MAP_RASTER": district["units"],
                "REPORT": result("lithology_assessment.html"),
            },
        ),
    ]


def add_layers(
    project: QgsProject, district: Mapping[str, str], results: Path
) -> dict[str, QgsMapLayer]:
    """Add all results in groups, the most telling on top; return those of the layout by title."""
    root = project.layerTreeRoot()
    shown: dict[str, QgsMapLayer] = {}

    group = root.addGroup("Lithology")
    lithology = add_raster(project, group, results / "lithology.tif", "Lithological map")
    lithology.loadDefaultStyle()
    shown["Lithological map"] = lithology
    geology = add_raster(
        project, group, Path(district["geological_map_raster"]), "Geological map (learned from)"
    )
    # Its own colour table goes on to 255 in black.
    geology.setRenderer(lithology.renderer().clone())
    shown["Geological map"] = geology
    differences = add_raster(
        project, group, results / "lithology_differences.tif", "Differences from the geological map"
    )
    agreement(differences)
    undecided = add_raster(project, group, results / "lithology_entropy.tif", "Entropy of the map")
    entropy(undecided)
    shown["Where the map is undecided (entropy)"] = undecided
    probabilities = add_raster(
        project, group, results / "lithology_probabilities.tif", "Probabilities of the units"
    )
    styles.probability(probabilities)

    group = root.addGroup("Sources of the lithological map")
    pole = add_raster(project, group, results / "magnetics_pole.tif", "Magnetics at the pole (nT)")
    styles.difference(pole, unit="nT")
    shown["Magnetic anomaly at the pole (nT)"] = pole
    stack = results / "lithology_stack.tif"
    for band, name in bands(stack):
        layer = add_raster(project, group, stack, f"Fused {name}")
        styles.difference(layer, band)
        hide(root, layer)
    for layer in (lithology, geology, differences, undecided, probabilities, pole):
        hide(root, layer)
    return shown
