"""Calls of the jobs on images, with two looks, a scene with metadata and one of a camera."""

from __future__ import annotations

import json

import numpy as np
import rasterio
from affine import Affine
from landsat_scenes import askew, product, write_scene
from rasterio.rpc import RPC

from gossan.models.imagery.catalogues import OTHER

BOX = (111.0, 26.0, 111.4, 26.4)
SIDE = 40
CALLS = {
    "imagery.search": (
        {
            "area": "{area}",
            "catalogue": OTHER,
            "url": "{catalogue}",
            "collection": "sentinel-2-l2a",
            "timeout": 5.0,
        },
        {"output": "found.geojson"},
    ),
    "imagery.calibrate": (
        {"metadata": "{landsat}"},
        {"output": "c.tif", "report": "r.html"},
    ),
    "imagery.orthorectify": ({"raster": "{raw}", "dem": "{heights}"}, {"output": "o.tif"}),
    "imagery.composite": (
        {"rasters": ["{look_1}", "{look_2}"], "mask": "none"},
        {"output": "c.tif", "counts": "n.tif", "report": "r.html"},
    ),
}


def make(folder):
    random = np.random.default_rng(4)
    ring = [(BOX[0], BOX[1]), (BOX[2], BOX[1]), (BOX[2], BOX[3]), (BOX[0], BOX[3])]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    (folder / "area.geojson").write_text(
        json.dumps({"features": [{"type": "Feature", "properties": {}, "geometry": shape}]})
    )
    numbers = np.where(askew(SIDE), random.integers(8000, 20000, (SIDE, SIDE)), 0)
    landsat = write_scene(folder / "landsat", product(123, 41), numbers)
    utm = {"crs": "EPSG:32649", "transform": Affine(10, 0, 500_000, 0, -10, 4_000_000)}
    looks = {}
    for number in (1, 2):
        looks[f"look_{number}"] = _write(
            folder / f"look_{number}.tif", random.integers(500, 3000, (2, SIDE, SIDE)), **utm
        )
    degrees = {"crs": "EPSG:4326", "transform": Affine(1e-3, 0, 110.96, 0, -1e-3, 36.04)}
    heights = _write(folder / "heights.tif", random.integers(100, 120, (1, 80, 80)), **degrees)
    raw = _write(folder / "raw.tif", random.integers(500, 3000, (2, SIDE, SIDE)), rpcs=_camera())
    return {
        "area": str(folder / "area.geojson"),
        "landsat": str(landsat),
        "heights": heights,
        "raw": raw,
        **looks,
    }


def _camera():
    """A camera that looks straight down on 0.02 degrees."""
    one, nothing = [1.0] + [0.0] * 19, [0.0] * 17
    return RPC(
        height_off=110.0, height_scale=500.0, lat_off=36.0, lat_scale=0.01, long_off=111.0,
        long_scale=0.01, line_off=(SIDE - 1) / 2, line_scale=SIDE / 2, samp_off=(SIDE - 1) / 2,
        samp_scale=SIDE / 2, line_num_coeff=[0, 0, -1, *nothing], line_den_coeff=one,
        samp_num_coeff=[0, 1, 0, *nothing], samp_den_coeff=one, err_bias=None, err_rand=None,
    )  # fmt: skip


def _write(path, values, rpcs=None, **place):
    count, height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype="uint16", **place
    ) as file:
        file.write(values.astype(np.uint16))
        for number in range(1, count + 1):
            file.set_band_description(number, f"B{number + 1}")
        if rpcs is not None:
            file.rpcs = rpcs
    return str(path)
