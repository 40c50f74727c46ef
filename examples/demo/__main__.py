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

from gossan.examples.demo import deposits, heavy_metals, lithology, mines, soil_spectra
from gossan.examples.demo.project import build_project
from gossan.examples.demo.steps import run_step

CHAPTERS = (heavy_metals, soil_spectra, lithology, deposits, mines)
"""Each has ``NAME``, ``REPORT``, ``steps`` and ``add_layers``."""

SIZE = 200
"""Pixels of 30 m along each side of the demonstration's scene: 6 km."""

SEARCHED = {"--size": "400", "--seed": "5"}
"""The district that is searched for mines: 12 km, of which the models have seen nothing."""


def make_district(folder: Path, what: str, options: list[str]) -> dict[str, str]:
    """Simulate a district with the engine's Python and return the path of each product by name.

    A district that is there already is kept.
    """
    manifest = folder / "manifest.json"
    if manifest.exists():
        print(f"The district in {folder} is there already.")
    else:
        print(f"[0] Simulating {what} ...", flush=True)
        call = [os.environ["GOSSAN_ENGINE"], "-m", "gossan.examples.district", str(folder)]
        subprocess.run([*call, *options], check=True)
    products = json.loads(manifest.read_text(encoding="utf-8"))["products"]
    return {item["name"]: str(folder / item["file"]) for item in products}


def make_districts(folder: Path) -> dict[str, str]:
    """Simulate both districts; names of the second one's products begin with `mines.AREA`."""
    products = make_district(
        folder / "district",
        "a mining district (images, soil samples, maps, registers)",
        ["--size", str(SIZE)],
    )
    searched = make_district(
        folder / "searched",
        "a wider district, to be searched for mines",
        [*(text for pair in SEARCHED.items() for text in pair), "--only", "sentinel", "registers"],
    )
    return {**products, **{f"{mines.AREA}{name}": path for name, path in searched.items()}}


def main() -> None:
    """Make the demonstration in the folder that the command line names."""
    began = time.monotonic()
    folder = Path(sys.argv[1]).absolute()
    results = folder / "results"
    results.mkdir(parents=True, exist_ok=True)
    products = make_districts(folder)
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
