"""Mines on simulated districts: recall and false findings on unseen seeds, and what teaching does.

Run ``python bench/mines.py`` in the engine's environment. The detector that ships has learnt from
districts of the seeds 101 to 116; those here are others. Definitions, which decide the figures:

* A mine counts when the middle of its pit lies in the searched area; it is found when a finding
  has a cell (27 x 27 pixels) with ground of a mine in it, within 1 km of that middle.
* A finding is false when none of its cells holds a single pixel of any mine's ground: pit, dump,
  plant, tailings, dam.
* Teaching: an image of a foreign sensor, whose gains (1.25 at 440 nm to 0.8 at 2200 nm) and haze no
  training image had, is searched. The findings of one district are reviewed by the truth, the
  detector is taught further by them alone, and the other districts, which nobody reviewed, are
  searched by both.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.bundle import fingerprint_of
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.examples.district.landscapes import DRY, HUMID
from gossan.examples.district.sentinel import MOSAIC, SHIFTED, Look
from gossan.examples.mine_models import Area, simulate
from gossan.models.mines import geometry
from gossan.models.mines.masks import RasterMask, mine_shares
from gossan.models.registry import load

SHIPPED = (
    Path(__file__).resolve().parent.parent
    / "models"
    / "pretrained"
    / "mine_detector_simulated.gossan"
)
THRESHOLD = 0.6
NEAR_METRES = 1000.0
DRY_SEASON = Look("", season=0.15)
LOOKS = {"normal": MOSAIC, "shifted": SHIFTED, "dry": DRY_SEASON}
TEACHING_EPOCHS, TEACHING_BATCH = 15, 4


@dataclass(frozen=True)
class Searched:
    """A searched district.

    Parameters
    ----------
    area : Area
    clusters : ndarray of int (cells, cells)
        Number of the finding of each cell, 0 for none.
    ground : ndarray of bool (cells, cells)
        Cells that hold ground of a mine.
    findings : dict
        GeoJSON of the findings as polygons.
    """

    area: Area
    clusters: np.ndarray
    ground: np.ndarray
    findings: dict[str, Any]

    @property
    def square_kilometres(self) -> float:
        """Searched area."""
        return self.clusters.size * (geometry.STRIDE * 10 / 1000) ** 2

    @property
    def false(self) -> list[int]:
        """Numbers of the findings without ground of a mine."""
        true = set(np.unique(self.clusters[self.ground]))
        return [n for n in range(1, int(self.clusters.max()) + 1) if n not in true]

    def mines(self) -> list[bool]:
        """Tell for each mine of the searched area whether it was found."""
        grid = self.area.settings.grid.refined(3)
        rows, columns = np.indices(self.clusters.shape)
        found = []
        for mine in self.area.world.places.mines(self.area.settings.grid.bounds):
            row = ((grid.top - mine.y) / grid.cell - geometry.first_pixel(0)) / geometry.STRIDE
            column = ((mine.x - grid.left) / grid.cell - geometry.first_pixel(0)) / geometry.STRIDE
            if not (0 <= row < rows.shape[0] and 0 <= column < rows.shape[1]):
                continue
            metres = np.hypot(rows + 0.5 - row, columns + 0.5 - column) * geometry.STRIDE * 10
            found.append(bool(((self.clusters > 0) & self.ground & (metres < NEAR_METRES)).any()))
        return found


def search(model: Path, area: Area, folder: Path, impact: str = "") -> Searched:
    """Search a district as the toolbox does; with an impact model, cells without ore are gone."""
    place = folder / area.name
    with open_raster(area.mask(folder)) as mask:
        info = mask.info
        shares = mine_shares(RasterMask(mask), info.height, info.width, Progress())
    load("mines.detect")(
        Progress(),
        images=[str(area.image(folder))],
        detector=str(model),
        impact_model=impact,
        threshold=THRESHOLD,
        probability=str(place / "probability.tif"),
        polygons=str(place / "findings.geojson"),
        cells=str(place / "cells.geojson"),
    )
    clusters = np.zeros(shares.shape, dtype=int)
    for feature in json.loads((place / "cells.geojson").read_text(encoding="utf-8"))["features"]:
        fields = feature["properties"]
        clusters[fields["row"], fields["column"]] = fields["finding"] or 0
    findings = json.loads((place / "findings.geojson").read_text(encoding="utf-8"))
    return Searched(area, clusters, shares > 0, findings)


def totals(results: list[Searched]) -> tuple[int, int, int, float]:
    """Return mines found, mines, false findings and square kilometres."""
    mines = [found for result in results for found in result.mines()]
    false = sum(len(result.false) for result in results)
    return sum(mines), len(mines), false, sum(result.square_kilometres for result in results)


def tell(name: str, results: list[Searched]) -> None:
    """Print recall and false findings."""
    found, mines, false, area = totals(results)
    recall = found / mines if mines else float("nan")
    sys.stdout.write(
        f"{name:<34} mines {found:>3} of {mines:>3} ({recall:.3f})   false {false:>4} in "
        f"{area:>6.0f} km2 = {1000 * false / area:6.1f} per 1000 km2\n"
    )
    sys.stdout.flush()


def areas_of(look: str, seeds: list[int], size: int, folder: Path) -> list[Area]:
    """Return districts of some seeds, simulated."""
    landscape = DRY if look == "dry" else HUMID
    areas = [Area(seed, size, LOOKS[look], f"{seed}-{size}-{look}", landscape) for seed in seeds]
    for area in areas:
        simulate(area, folder)
    return areas


def review(result: Searched, folder: Path) -> Path:
    """Write the findings of a district as an analyst who knows the truth would leave them."""
    false = set(result.false)
    rows = []
    for feature in result.findings["features"]:
        fields = feature["properties"]
        decision = "false" if fields["finding"] in false else "mine"
        rows.append({**feature, "properties": {**fields, "decision": decision}})
    path = folder / result.area.name / "reviewed.geojson"
    path.write_text(json.dumps({**result.findings, "features": rows}), encoding="utf-8")
    return path


def teach(model: Path, result: Searched, folder: Path) -> Path:
    """Teach a detector by the reviewed findings of one district."""
    chips = folder / f"reviewed-{result.area.name}"
    load("mines.collect_reviewed")(
        Progress(),
        images=[str(result.area.image(folder))],
        findings=[str(review(result, folder))],
        output=str(chips),
    )
    taught = folder / f"taught-{result.area.name}.gossan"
    load("mines.train_detector")(
        Progress(),
        chips=[str(chips)],
        base=str(model),
        model=str(taught),
        validation="none",
        epochs=TEACHING_EPOCHS,
        batch=TEACHING_BATCH,
    )
    return taught


def accuracy(model: Path, impact: str, seeds: list[int], size: int, folder: Path) -> None:
    """Search districts of unseen seeds, as they usually look and with shifted appearance."""
    for look in ("normal", "shifted"):
        results = []
        for area in areas_of(look, seeds, size, folder):
            results.append(search(model, area, folder, impact))
            tell(f"  {look}, seed {area.seed}", results[-1:])
        tell(f"{look} appearance, all seeds", results)


def teaching(model: Path, seeds: list[int], teachers: list[int], size: int, folder: Path) -> None:
    """Teach by one district and search the others, with each of some seeds as the one."""
    areas = areas_of("foreign", seeds, size, folder)
    before = [search(model, area, folder) for area in areas]
    tell("foreign sensor, before teaching", before)
    changes = []
    for reviewed in (each for each in before if each.area.seed in teachers):
        if not reviewed.false:
            sys.stdout.write(f"  seed {reviewed.area.seed}: no false finding to teach by\n")
            continue
        try:
            taught = teach(model, reviewed, folder)
        except InputError as problem:
            # All its false findings lie at the image's edge, where no chip fits.
            sys.stdout.write(f"  seed {reviewed.area.seed}: {problem}\n")
            continue
        others = [each for each in before if each is not reviewed]
        after = [search(taught, each.area, folder) for each in others]
        name = f"  taught by seed {reviewed.area.seed}"
        tell(f"{name}: others before", others)
        tell(f"{name}: others after", after)
        (found, mines, false, _), (again, _, left, _) = totals(others), totals(after)
        changes.append((false, left, found / mines, again / mines))
    if changes:
        false, left, recall, kept = np.median(np.array(changes), axis=0)
        sys.stdout.write(
            f"medians over {len(changes)} teachers: false findings {false:g} before, {left:g} "
            f"after; recall {recall:.3f} before, {kept:.3f} after\n"
        )


def main() -> int:
    """Run what the command line names, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["accuracy", "teaching"])
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--impact", default="", help="impact model; none by default")
    parser.add_argument("--folder", type=Path, default=Path("build/bench_mines"))
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(201, 211)))
    parser.add_argument("--teachers", type=int, nargs="+", default=list(range(201, 206)))
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{chosen.model.name}, {fingerprint_of(chosen.model)[:12]}\n")
    if "accuracy" in chosen.parts:
        accuracy(chosen.model, chosen.impact, chosen.seeds, chosen.size, chosen.folder)
    if "teaching" in chosen.parts:
        teaching(chosen.model, chosen.seeds, chosen.teachers, chosen.size, chosen.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
