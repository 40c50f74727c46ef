"""Run by the engine's Python: writes a small place with a model of metals and its maps to argv[1].

``features.tif``, ``samples.geojson``, ``metals.gossan``, ``predictions.geojson``, ``metals.tif``
(Pb, As and Zn) and ``zones.tif``, all as the toolbox makes them; ``lead.json`` has the mapped lead.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from scipy.ndimage import gaussian_filter

from gossan.core.progress import Progress
from gossan.models.registry import load

ROWS, COLUMNS, SAMPLES = 60, 80, 70
folder = Path(sys.argv[1])
random = np.random.default_rng(2)


def smooth() -> np.ndarray:
    field = gaussian_filter(random.normal(size=(ROWS, COLUMNS)), 5)
    return (field - field.min()) / (field.max() - field.min())


shares = np.stack([smooth(), smooth(), smooth()])
with rasterio.open(
    folder / "features.tif", "w", driver="GTiff", height=ROWS, width=COLUMNS, count=3,
    dtype="float32", crs="EPSG:32649", transform=Affine(30, 0, 500_000, 0, -30, 4_000_000),
) as file:  # fmt: skip
    file.write(shares.astype("float32"))
    file.descriptions = ("tailings", "clay", "soil")
truth = {
    "Pb": 20 + 300 * shares[0] ** 2 + random.normal(0, 12, (ROWS, COLUMNS)),
    "As": 5 + 60 * shares[0] + 20 * shares[1] + random.normal(0, 6, (ROWS, COLUMNS)),
    "Zn": 60 + 100 * shares[1] + random.normal(0, 60, (ROWS, COLUMNS)),
}
lines = ["fid,x,y,Pb,As,Zn"]
for fid, pixel in enumerate(random.choice(ROWS * COLUMNS, SAMPLES, replace=False)):
    row, column = divmod(int(pixel), COLUMNS)
    x, y = 500_000 + 30 * (column + 0.5), 4_000_000 - 30 * (row + 0.5)
    values = ",".join(f"{truth[name][row, column]:.2f}" for name in truth)
    lines.append(f"{fid},{x},{y},{values}")
(folder / "samples.csv").write_text("\n".join(lines))


def path(name: str) -> str:
    return str(folder / name)


def origin(algorithm: str, **parameters: object) -> dict[str, object]:
    return {"algorithm": algorithm, "parameters": parameters}


load("metals.train")(
    Progress(),
    features=[path("features.tif")],
    samples=path("samples.csv"),
    elements=list(truth),
    trees=30,
    model=path("metals.gossan"),
    predictions=path("predictions.geojson"),
    origin=origin("gossan:trainmetalinversion", FEATURES=[path("features.tif")], METHOD="PLSR"),
)
load("metals.map")(
    Progress(),
    features=[path("features.tif")],
    model=path("metals.gossan"),
    concentrations=path("metals.tif"),
    workers=1,
    origin=origin("gossan:mapmetals", MODEL=path("metals.gossan")),
)
load("metals.cluster")(
    Progress(),
    raster=path("metals.tif"),
    zones=3,
    output=path("zones.tif"),
    origin=origin("gossan:clusterpollution"),
)
with rasterio.open(folder / "metals.tif") as file:
    lead = file.read(1)
(folder / "lead.json").write_text(json.dumps(lead[np.isfinite(lead)].tolist()))
