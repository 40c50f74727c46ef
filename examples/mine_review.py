"""A search of a simulated district, reviewed by its truth, and what is taught by that review.

Definitions, which decide all figures:

* A mine counts when the middle of its pit lies in the searched area; it is found when a finding
  has a cell (27 x 27 pixels) with ground of a mine in it, within 1 km of that middle.
* A finding is false when none of its cells holds a single pixel of any mine's ground: pit, dump,
  plant, tailings, dam.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.core.review import teaching
from gossan.examples.district.landscapes import DRY
from gossan.examples.district.sentinel import Look
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
"""How the dry country is seen; the detector that ships has learnt from images of all seasons."""


def dry_area(seed: int, size: int) -> Area:
    """Return a district of the dry country, which the detector that ships has never seen."""
    return Area(seed, size, DRY_SEASON, f"{seed}-{size}-{DRY}", DRY)


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


def search(
    model: Path, area: Area, folder: Path, impact: str = "", *, threshold: float = THRESHOLD
) -> Searched:
    """Search a district as the toolbox does; with an impact model, cells without ore are gone."""
    simulate(area, folder)
    place = folder / area.name
    with open_raster(area.mask(folder)) as mask:
        info = mask.info
        shares = mine_shares(RasterMask(mask), info.height, info.width, Progress())
    load("mines.detect")(
        Progress(),
        images=[str(area.image(folder))],
        detector=str(model),
        impact_model=impact,
        threshold=threshold,
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


def teach(model: Path, result: Searched, folder: Path, *, epochs: int = teaching.EPOCHS) -> Path:
    """Teach a detector by the reviewed findings of one district, as the dock does."""
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
        epochs=epochs,
        batch=teaching.BATCH,
        balance=teaching.BALANCE,
    )
    return taught
