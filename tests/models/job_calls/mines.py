"""Calls of the jobs on mines that train and search nothing, with an image and findings."""

from __future__ import annotations

import json
from pathlib import Path

from mine_images import scene, to_map, write_image, write_points

from gossan.models.mines import geometry

ONNX = Path(__file__).parents[2] / "processing_provider/algorithm_cases/mean_of_bands.onnx"
CALLS = {
    "mines.match_register": (
        {"findings": "{findings}", "places": "{places}", "registers": "{register}"},
        {"output": "f.geojson", "ghosts": "g.geojson", "report": "r.html"},
    ),
    "mines.import_model": (
        {"source": str(ONNX), "bands": ["B2", "B3", "B4", "B8"]},
        {"model": "m.gossan"},
    ),
    "mines.sample_background": (
        {"raster": "{ground}", "clusters": 2, "count": 6, "spacing": 100.0},
        {"points": "p.geojson"},
    ),
    "mines.extract_chips": (
        {"images": ["{mine_image}"], "points": ["{mine_points}"], "class_field": "class"},
        {"output": "chips", "places": "p.geojson"},
    ),
    "mines.collect_reviewed": (
        {"images": ["{mine_image}"], "findings": ["{reviewed}"]},
        {"output": "chips", "places": "p.geojson"},
    ),
}


def make(folder):
    numbers, _ = scene(400, [(150, 160)], radius=40)
    spots = [_spot(0.0, 0.0), _spot(0.0, 0.02)]
    found = [({"finding": n, "max_probability": 0.9}, spot) for n, spot in enumerate(spots, 1)]
    entry = {"name": "North", "id": "N1", "phase": "", "source": "register"}
    half = 10 * geometry.STRIDE / 2
    mine, false = (
        _square(*to_map(geometry.centre(row), geometry.centre(column)), half)
        for row, column in ((3, 3), (2, 4))
    )
    reviewed = [
        ({"finding": 1, "decision": "mine", "impact": ""}, mine),
        ({"finding": 2, "decision": "false", "impact": ""}, false),
    ]
    return {
        "findings": _write(folder / "findings.geojson", found),
        "places": _write(folder / "places.geojson", [({}, spot) for spot in spots]),
        "register": _write(folder / "register.geojson", [(entry, _spot(0.001, 0.0))]),
        "reviewed": _write(folder / "reviewed.geojson", reviewed),
        "ground": write_image(folder / "ground.tif", numbers[:120, :120]),
        "mine_image": write_image(folder / "mine_image.tif", numbers),
        "mine_points": write_points(
            folder / "mine_points.csv",
            [(*to_map(150, 160), "mine"), (*to_map(240, 240), "background")],
        ),
    }


def _spot(x, y):
    return {"type": "Point", "coordinates": [x, y]}


def _square(x, y, half):
    ring = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    return {
        "type": "MultiPolygon",
        "coordinates": [[[(x + half * a, y + half * b) for a, b in ring]]],
    }


def _write(path, rows):
    features = [{"type": "Feature", "properties": p, "geometry": g} for p, g in rows]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)
