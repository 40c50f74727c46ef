"""The chapter on heavy metals: from the hyperspectral scene and soil samples to zones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qgis.core import QgsMapLayer, QgsProject

from gossan.examples.demo.layers import (
    add_raster,
    add_vector,
    bands,
    hide,
    true_colour,
)
from gossan.examples.demo.steps import Step
from gossan.processing_provider import styles

NAME = "Heavy metals"
REPORT = "metal_inversion.html"
"""Which report to read first."""

METALS = ("As", "Cd", "Cr", "Cu", "Hg", "Ni", "Pb", "Zn")
SHOWN_METAL = "As"


def steps(district: Mapping[str, str], results: Path) -> list[Step]:
    """Return the way from the scene and the soil samples to maps of metals and zones."""
    scene = district["hyperspectral"]

    def result(name: str) -> str:
        return str(results / name)

    return [
        Step(
            "Estimating the number of endmembers",
            "estimateendmembercount",
            {"INPUT": scene, "REPORT": result("endmember_count.html")},
        ),
        Step(
            "Extracting endmembers (PPI + VCA + prior library)",
            "extractendmembers",
            {
                "INPUT": scene,
                "LIBRARY": result("endmembers.sli"),
                "POINTS": result("endmember_points.gpkg"),
                "REPORT": result("endmembers.html"),
            },
        ),
        Step(
            "Mapping abundances (NNLS)",
            "estimateabundances",
            {
                "INPUT": scene,
                "LIBRARY": result("endmembers.sli"),
                "OUTPUT": result("abundances.tif"),
            },
        ),
        Step(
            "Training the inversion of eight metals on the soil samples",
            "trainmetalinversion",
            {
                "FEATURES": [result("abundances.tif")],
                "SAMPLES": district["sample_points"],
                "ELEMENTS": list(METALS),
                "MODEL": result("metals.gossan"),
                "TABLE": result("metal_scores.csv"),
                "PREDICTIONS": result("sample_predictions.gpkg"),
                "REPORT": result("metal_inversion.html"),
            },
        ),
        Step(
            "Mapping metals",
            "mapmetals",
            {
                "FEATURES": [result("abundances.tif")],
                "MODEL": result("metals.gossan"),
                "OUTPUT": result("metals.tif"),
                "UNCERTAINTY": result("metal_uncertainty.tif"),
            },
        ),
        Step(
            "Correlating metals",
            "correlatemetals",
            {"INPUT": result("metals.tif"), "REPORT": result("metal_correlation.html")},
        ),
        Step(
            "Clustering pollution zones",
            "clusterpollution",
            {
                "INPUT": result("metals.tif"),
                "ZONES": 4,
                "OUTPUT": result("zones.tif"),
                "POLYGONS": result("zones.gpkg"),
                "SMALLEST_PATCH": 9,
                "REPORT": result("zones.html"),
            },
        ),
        Step(
            "Working out pollution indices",
            "pollutionindices",
            {
                "INPUT": result("metals.tif"),
                "OUTPUT": result("pollution_indices.tif"),
                "REPORT": result("pollution_indices.html"),
            },
        ),
    ]


def add_layers(
    project: QgsProject, district: Mapping[str, str], results: Path
) -> dict[str, QgsMapLayer]:
    """Add all results in groups, the most telling on top; return those of the layout by title."""
    root = project.layerTreeRoot()
    shown: dict[str, QgsMapLayer] = {}

    points = root.addGroup("Samples and endmembers")
    predictions = add_vector(
        project,
        points,
        results / "sample_predictions.gpkg",
        "Soil samples: As, predicted - measured",
    )
    styles.sample_residuals(predictions, f"{SHOWN_METAL}_residual")
    endmembers = add_vector(project, points, results / "endmember_points.gpkg", "Endmember pixels")
    styles.endmember_points(endmembers)

    group = root.addGroup("Pollution zones")
    zones = add_raster(project, group, results / "zones.tif", "Pollution zones")
    shown["Pollution zones"] = zones
    indices = add_raster(project, group, results / "pollution_indices.tif", "Nemerow index")
    hide(root, indices)
    hide(root, zones)

    group = root.addGroup("Heavy metals (mg/kg)")
    for band, name in bands(results / "metals.tif"):
        layer = add_raster(project, group, results / "metals.tif", f"{name} (mg/kg)")
        styles.concentration(layer, band)
        if name == SHOWN_METAL:
            shown[f"{name} in soil (mg/kg)"] = layer
        else:
            hide(root, layer)
    group = root.addGroup("Uncertainty (mg/kg)")
    for band, name in bands(results / "metal_uncertainty.tif"):
        layer = add_raster(project, group, results / "metal_uncertainty.tif", name)
        styles.uncertainty(layer, band)
        hide(root, layer)

    group = root.addGroup("Abundances")
    for band, name in bands(results / "abundances.tif"):
        layer = add_raster(project, group, results / "abundances.tif", name)
        if "residual" in name.lower():
            styles.residual(layer, band)
        else:
            styles.abundance(layer, band)
        if any(word in name.lower() for word in ("tailing", "mining")) and "Abundance" not in shown:
            shown["Abundance"] = layer
        hide(root, layer)

    group = root.addGroup("Scene")
    scene = add_raster(project, group, Path(district["hyperspectral"]), "Hyperspectral scene")
    true_colour(scene)
    shown["Scene in true colour"] = scene
    return shown
