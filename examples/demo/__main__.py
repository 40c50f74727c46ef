"""Makes the demonstration: ``python -m gossan.examples.demo FOLDER``, in QGIS's Python.

Every step is one call of ``qgis_process``, exactly what a user of the toolbox does; then the
results become a QGIS project, and pictures of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from gossan.examples.demo import deposits, heavy_metals, lithology, soil_spectra
from gossan.examples.demo.project import build_project
from gossan.examples.demo.steps import run_step

CHAPTERS = (heavy_metals, soil_spectra, lithology, deposits)
"""Each has ``NAME``, ``REPORT``, ``steps`` and ``add_layers``."""

SIZE = 200
"""Pixels of 30 m along each side of the demonstration's scene: 6 km."""


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
    manifest = json.loads((district / "manifest.json").read_text(encoding="utf-8"))
    products = {item["name"]: str(district / item["file"]) for item in manifest["products"]}
    todo = [step for chapter in CHAPTERS for step in chapter.steps(products, results)]
    for number, step in enumerate(todo, start=1):
        run_step(number, len(todo), step)
    print("Building the QGIS project and its pictures ...", flush=True)
    project, pictures = build_project(folder, CHAPTERS, products, results)
    minutes = (time.monotonic() - began) / 60
    print(f"\nDone in {minutes:.1f} minutes.")
    print(f"  Project   {project}")
    for picture in pictures:
        print(f"  Picture   {picture}")
    print(f"  Reports   {results}/*.html, begin with:")
    for chapter in CHAPTERS:
        print(f"            {chapter.REPORT} ({chapter.NAME.lower()})")
    print("Open the project with: ./run desktop")


if __name__ == "__main__":
    main()
