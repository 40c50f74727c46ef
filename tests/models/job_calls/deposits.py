"""Calls of the jobs on deposits, with scenes at three places and a table of deposits."""

from __future__ import annotations

import numpy as np
from landsat_scenes import askew, degrees_of, product, write_scene

from gossan.core.progress import Progress
from gossan.models.registry import load

SIDE, TOP = 64, 3_100_000.0
CHIPS = {"size": 16, "least_valid": 0.3, "resume": False}
CALLS = {
    "deposits.label": (
        {"deposits": ["{deposits}"], "folder": "{scenes}"},
        {"output": "l.geojson", "table": "t.csv", "report": "r.html"},
    ),
    "deposits.prepare": (
        {"labels": "{labels}", "deposits": ["{deposits}"], **CHIPS},
        {"index": "i.csv", "chips": "c.geojson", "report": "r.html"},
    ),
    "deposits.map": (
        {"labels": "{labels}", "deposits": ["{deposits}"], "model": "{deposit_model}"},
        {"output": "m.geojson", "table": "t.csv", "report": "r.html"},
    ),
}


def make(folder):
    random = np.random.default_rng(3)
    rows = ["site_name,longitude,latitude,commod1"]
    scenes = folder / "scenes"
    for number, path in enumerate((123, 122, 121, 120)):
        left = 300_000.0 + 100_000.0 * number
        values = np.where(askew(SIDE), random.integers(8000, 20000, (SIDE, SIDE)), 0)
        write_scene(scenes, product(path, 41), values, path=path, left=left)
        for column, row in ((25, 25), (40, 28)):
            longitude, latitude = degrees_of(left, TOP, column, row)
            rows.append(f"Site {len(rows)},{longitude!r},{latitude!r},Gold")
    made = {
        "scenes": str(scenes),
        "deposits": str(folder / "deposits.csv"),
        "labels": str(folder / "labels.geojson"),
        "deposit_model": str(folder / "deposits.gossan"),
    }
    (folder / "deposits.csv").write_text("\n".join(rows))
    deposits = [made["deposits"]]
    load("deposits.label")(
        Progress(), folder=made["scenes"], deposits=deposits, output=made["labels"]
    )
    index = str(folder / "index.csv")
    load("deposits.prepare")(
        Progress(), labels=made["labels"], deposits=deposits, **CHIPS, index=index
    )
    load("deposits.train")(
        Progress(), index=index, goal="richness", epochs=1, model=made["deposit_model"]
    )
    return made
