"""Calls of the jobs on metals; their files are the small world's."""

from __future__ import annotations

SAMPLES = {"samples": "{samples}", "elements": ["Pb", "As"]}
CALLS = {
    "metals.train": (
        {"features": ["{features}"], "trees": 3, "folds": 2, **SAMPLES},
        {"model": "m.gossan", "table": "t.csv", "predictions": "p.geojson", "report": "r.html"},
    ),
    "metals.map": (
        {"features": ["{features}"], "model": "{model}", "limits": "Pb=100", "workers": 1},
        {
            "concentrations": "c.tif",
            "uncertainty": "u.tif",
            "exceedance": "e.tif",
            "applicability": "a.tif",
            "report": "r.html",
        },
    ),
    "metals.assess": (
        {"concentrations": "{metals}", **SAMPLES},
        {"table": "t.csv", "predictions": "p.geojson", "report": "r.html"},
    ),
    "metals.correlate": (
        {"raster": "{metals}"},
        {"table": "t.csv", "matrix": "m.csv", "report": "r.html"},
    ),
    "metals.cluster": (
        {"raster": "{metals}", "zones": 3},
        {"output": "z.tif", "polygons": "z.geojson", "table": "t.csv", "report": "r.html"},
    ),
    "metals.indices": (
        {"raster": "{metals}", "backgrounds": "Pb=17;As=4.8"},
        {"output": "i.tif", "report": "r.html"},
    ),
    "metals.describe_model": ({"model": "{model}"}, {}),
    "metals.score_pairs": ({"measured": [1.0, 2.0, 4.0], "predicted": [1.0, 3.0, 3.5]}, {}),
    "metals.histogram": ({"raster": "{metals}", "band": 2}, {}),
    "metals.area_above": ({"raster": "{metals}", "threshold": 50.0}, {}),
    "metals.compare_workflows": (
        {
            "raster": "{cube}",
            "workflows": ["VCA"],
            "methods": [],
            "endmembers": 3,
            "seeds": 1,
            "trees": 3,
            "folds": 2,
            **SAMPLES,
        },
        {"table": "t.csv", "details": "d.csv", "report": "r.html"},
    ),
}
