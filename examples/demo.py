"""The demonstration: a simulated mining district, mapped through the toolbox without a screen.

Runs in QGIS's Python (``./run demo``): every step is one call of ``qgis_process``, exactly what a
user of the toolbox does; then the results become a QGIS project, and a picture of it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from gossan.examples.demo_project import build_project

PROGRESS = re.compile(r"^(?:\.|100 - done\.|[1-9]?0(?=\.(?!\d)))*(?:(?<=\.\.\.)[1-9]?0\.?)?")
"""What qgis_process prints of the progress, without ends of lines between."""

METALS = ("As", "Cd", "Cr", "Cu", "Hg", "Ni", "Pb", "Zn")
SIZE = 200
"""Pixels of 30 m along each side of the demonstration's scene: 6 km."""


@dataclass(frozen=True)
class Step:
    """One algorithm of the toolbox with its parameters; lists become repeated parameters."""

    title: str
    algorithm: str
    parameters: dict[str, object] = field(default_factory=dict)


def steps(district: Path, results: Path) -> list[Step]:
    """Return the way from the scene and the soil samples to maps of metals and zones."""
    files = json.loads((district / "manifest.json").read_text(encoding="utf-8"))
    path = {item["name"]: str(district / item["file"]) for item in files["products"]}
    scene = path["hyperspectral"]

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
                "SAMPLES": path["sample_points"],
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


def run_step(number: int, count: int, step: Step) -> None:
    """Run one algorithm through ``qgis_process`` and show its progress.

    Raises
    ------
    SystemExit
        The algorithm failed; its own words were shown.
    """
    print(f"[{number}/{count}] {step.title} ...", flush=True)
    call = [os.environ["QGIS_PROCESS"], "run", f"gossan:{step.algorithm}", "--"]
    for name, value in step.parameters.items():
        values = value if isinstance(value, list) else [value]
        call += [f"{name}={item}" for item in values]
    began = time.monotonic()
    process = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    lines: list[str] = []
    told = False
    for line in process.stdout or ():
        lines.append(line)
        told = told or line.startswith("Results")
        # Between the parameters and the results stands what the algorithm has to say, at times
        # behind the dots of the progress.
        text = PROGRESS.sub("", line).strip().replace("\t", " ")
        if text and not told and not _is_chatter(line):
            print(f"      {text}", flush=True)
    if process.wait() != 0:
        sys.stdout.writelines(lines)
        sys.exit(f"The step gossan:{step.algorithm} failed.")
    print(f"      done in {time.monotonic() - began:.0f} s", flush=True)


def _is_chatter(line: str) -> bool:
    """Return whether a line is of qgis_process itself and not of the algorithm."""
    start = ("QStandardPaths", "<string>", "---", "Inputs", "Results", "Problem with ")
    return line.startswith(start) or (":\t" in line and "WARNING:\t" not in line)


def make_district(folder: Path) -> None:
    """Simulate the district with the engine's Python; an existing one is kept."""
    if (folder / "manifest.json").exists():
        print(f"The district in {folder} is there already.")
        return
    print(
        "[0] Simulating a mining district (images, soil samples, maps, registers) ...", flush=True
    )
    call = [
        os.environ["GOSSAN_ENGINE"],
        "-m",
        "gossan.examples.district",
        str(folder),
        "--size",
        str(SIZE),
    ]
    subprocess.run(call, check=True)


def main() -> None:
    """Make the demonstration in the folder that the command line names."""
    began = time.monotonic()
    folder = Path(sys.argv[1]).absolute()
    district, results = folder / "district", folder / "results"
    results.mkdir(parents=True, exist_ok=True)
    make_district(district)
    todo = steps(district, results)
    for number, step in enumerate(todo, start=1):
        run_step(number, len(todo), step)
    print("Building the QGIS project and its picture ...", flush=True)
    project, picture = build_project(folder, district, results)
    minutes = (time.monotonic() - began) / 60
    print(
        f"\nDone in {minutes:.1f} minutes.\n"
        f"  Project   {project}\n"
        f"  Picture   {picture}\n"
        f"  Reports   {results}/*.html, begin with metal_inversion.html\n"
        "Open the project with: ./run desktop"
    )


if __name__ == "__main__":
    main()
