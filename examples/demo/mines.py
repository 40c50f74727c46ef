"""The chapter on mines: from dated Sentinel-2 images to unregistered mines in Google Earth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qgis.core import QgsProject

from gossan.examples.demo.layers import add_raster, add_vector, hide, true_colour
from gossan.examples.demo.project import Shown
from gossan.examples.demo.steps import Step
from gossan.processing_provider import styles
from gossan.processing_provider.mines import register_styles

NAME = "Mines"
REPORT = "mines_and_registers.html"
"""Which report to read first."""

AREA = "search_"
"""What the names of the products of the district that is searched begin with."""

MODELS = Path(__file__).resolve().parents[2] / "models" / "pretrained"
DETECTOR = MODELS / "mine_detector_simulated.gossan"
IMPACT_MODEL = MODELS / "mine_impact_simulated.gossan"

GRANTED = "mining licence"
DISTANCE = 500
"""Metres of a match: findings are cells of 270 m."""


def steps(district: Mapping[str, str], results: Path) -> list[Step]:
    """Return the way from the images of four dates to KML and CSV."""
    images = sorted(
        path
        for name, path in district.items()
        if name.startswith(f"{AREA}sentinel2_2") and name.count("_") == AREA.count("_") + 1
    )

    def result(name: str) -> str:
        return str(results / name)

    return [
        Step(
            "Composing one cloud-free image of four dates",
            "cloudfreecomposite",
            {
                "RASTERS": images,
                "CLOUD_LIMIT": 100,
                "OUTPUT": result("composite.tif"),
                "REPORT": result("composite.html"),
            },
        ),
        Step(
            "Searching for mines and tailings dams",
            "detectmines",
            {
                "INPUT": [result("composite.tif")],
                "DETECTOR": str(DETECTOR),
                "IMPACT_MODEL": str(IMPACT_MODEL),
                "PROBABILITY": result("mine_probability.tif"),
                "POLYGONS": result("mine_areas.gpkg"),
                "POINTS": result("mine_points.gpkg"),
                "REPORT": result("mine_search.html"),
            },
        ),
        Step(
            "Matching the findings with register, concessions and reserves",
            "matchregister",
            {
                "INPUT": result("mine_areas.gpkg"),
                "REGISTERS": [district[f"{AREA}register"]],
                "CONCESSIONS": [district[f"{AREA}concessions"]],
                "GRANTED": GRANTED,
                "PROTECTED": [district[f"{AREA}protected_areas"]],
                "DISTANCE": DISTANCE,
                "OUTPUT": result("mines_matched.gpkg"),
                "GHOSTS": result("register_without_mine.gpkg"),
                "REPORT": result(REPORT),
            },
        ),
        Step(
            "Exporting for Google Earth and spreadsheets",
            "exportfindings",
            {
                "INPUT": result("mines_matched.gpkg"),
                "KML": result("mines.kml"),
                "CSV": result("mines.csv"),
            },
        ),
    ]


def add_layers(project: QgsProject, district: Mapping[str, str], results: Path) -> dict[str, Shown]:
    """Add the findings over what they were compared with; return the layout's maps by title."""
    root = project.layerTreeRoot()

    group = root.addGroup("Mines and registers")
    matched = add_vector(project, group, results / "mines_matched.gpkg", "Findings and registers")
    register_styles.matched_findings(matched)
    ghosts = add_vector(
        project, group, results / "register_without_mine.gpkg", "Register entries without a finding"
    )
    register_styles.ghosts(ghosts)
    reserves = add_vector(
        project, group, Path(district[f"{AREA}protected_areas"]), "Protected areas"
    )
    register_styles.protected_areas(reserves)
    concessions = add_vector(
        project, group, Path(district[f"{AREA}concessions"]), "Concessions by phase"
    )
    register_styles.concessions(concessions)

    group = root.addGroup("Search for mines")
    probability = add_raster(
        project, group, results / "mine_probability.tif", "Probability of a mine"
    )
    styles.probability(probability)
    hide(root, probability)
    composite = add_raster(project, group, results / "composite.tif", "Sentinel-2 composite")
    true_colour(composite)
    return {
        "Findings and registers": (matched, ghosts, reserves, composite),
        "Concessions by phase": (concessions, matched, reserves, composite),
        "Probability of a mine": probability,
        "Scene without clouds": composite,
    }
