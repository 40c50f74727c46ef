"""Calls of the jobs on lithology, with a stack of two bands, a map of three units and a model."""

from __future__ import annotations

import json

import numpy as np
import rasterio
from affine import Affine
from scipy.ndimage import gaussian_filter

from gossan.core.progress import Progress
from gossan.models.registry import load

SIDE = 48
TRAINING = {
    "features": ["{stack}"],
    "map_raster": "{units}",
    "method": "random forest",
    "trees": 4,
    "share": 0.3,
    "variables": 2,
}
CALLS = {
    "lithology.clr": (
        {"raster": "{oxides}", "features": "{analyses}", "fields": ["SiO2", "MgO"]},
        {"output": "c.tif", "output_features": "c.geojson"},
    ),
    "lithology.pole": (
        {"raster": "{magnetics}", "inclination": 60.0, "declination": 5.0},
        {"output": "p.tif"},
    ),
    "lithology.fuse": (
        {"image": "{stack}", "others": ["{magnetics}"], "least_fit": 0.0},
        {"output": "f.tif", "table": "t.csv", "report": "r.html"},
    ),
    "lithology.train": (
        TRAINING,
        {"model": "m.gossan", "table": "t.csv", "differences": "d.tif", "report": "r.html"},
    ),
    "lithology.map": (
        {"features": ["{stack}"], "model": "{lithology_model}"},
        {"output": "l.tif", "probabilities": "p.tif", "entropy": "e.tif"},
    ),
    "lithology.assess": (
        {"raster": "{units}", "reference_raster": "{other_units}"},
        {"table": "t.csv", "matrix": "m.csv", "differences": "d.tif", "report": "r.html"},
    ),
    "lithology.areas": ({"raster": "{units}"}, {}),
    "lithology.boundaries": (
        {
            "raster": "{units}",
            "probabilities": "{shares}",
            "classes": [{"value": value, "name": f"unit {value}"} for value in (1, 2, 3)],
        },
        {},
    ),
    "lithology.matrix": ({"table": "{confusion}"}, {}),
    "lithology.point": (
        {
            "raster": "{units}",
            "probabilities": "{shares}",
            "classes": [{"value": value, "name": f"unit {value}"} for value in (1, 2, 3)],
            "x": 500_100.0,
            "y": 2_999_900.0,
        },
        {},
    ),
}


def make(folder):
    random = np.random.default_rng(11)
    field = gaussian_filter(random.normal(size=(SIDE, SIDE)), 4)
    units = np.digitize(field, np.quantile(field, [0.33, 0.67])) + 1
    stack = np.stack([gaussian_filter((units == unit).astype(float), 1) for unit in (1, 2)])
    stack += random.normal(0, 0.1, stack.shape)
    other = np.where(random.random(units.shape) < 0.2, 1, units)
    shares = np.stack([units == unit for unit in (1, 2, 3)]) * 0.7 + 0.1
    analyses = [{"SiO2": 60.0, "MgO": 2.0}, {"SiO2": 50.0, "MgO": 6.0}]
    rows = [{"type": "Feature", "properties": row, "geometry": None} for row in analyses]
    (folder / "analyses.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": rows})
    )
    (folder / "confusion.csv").write_text("reference,a,b\na,5,1\nb,2,7\n")
    coarse = stack[:1].reshape(1, SIDE // 4, 4, SIDE // 4, 4).mean((2, 4))
    made = {
        "oxides": _write(folder / "oxides.tif", random.uniform(1, 60, (2, 20, 20)), "SiO2", "MgO"),
        "analyses": str(folder / "analyses.geojson"),
        "magnetics": _write(folder / "magnetics.tif", 100 * coarse, "TMI", cell=120),
        "stack": _write(folder / "stack.tif", stack, "Fe", "K"),
        "units": _write(folder / "units.tif", units[None], "unit", dtype="uint8"),
        "other_units": _write(folder / "other_units.tif", other[None], "unit", dtype="uint8"),
        "shares": _write(folder / "shares.tif", shares, "unit 1", "unit 2", "unit 3"),
        "confusion": str(folder / "confusion.csv"),
        "lithology_model": str(folder / "lithology.gossan"),
    }
    given = {**TRAINING, "features": [made["stack"]], "map_raster": made["units"]}
    load("lithology.train")(Progress(), **given, model=made["lithology_model"])
    return made


def _write(path, values, *names, cell=30, dtype="float32"):
    count, height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=dtype,
        crs="EPSG:32650", transform=Affine(cell, 0, 500_000, 0, -cell, 3_000_000),
    ) as file:  # fmt: skip
        file.write(values.astype(dtype))
        file.descriptions = names
    return str(path)
