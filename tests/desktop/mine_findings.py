"""Findings and an image for tests of the dock *Mines*, made without QGIS."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

CRS = "EPSG:32723"
CORNER = (600_000.0, 7_600_000.0)
"""Upper left corner of the image."""

PIXEL = 20.0
SIZE = 600
STEP = 2700.0
"""Metres from one finding to the next."""

HEADER = """ENVI
samples = {size}
lines = {size}
bands = 3
header offset = 0
data type = 1
interleave = bsq
byte order = 0
map info = {{UTM, 1, 1, {x}, {y}, {pixel}, {pixel}, 23, South, WGS-84, units=Meters}}
"""


def write_image(path: Path, seed: int = 1) -> Path:
    """Write an ENVI image of gentle hills with bright spots where findings are."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    hills = 90 + 30 * np.sin(rows / 37 + seed) + 25 * np.cos(columns / 53)
    bands = np.stack([hills * 0.8, hills, hills * 0.6]) + generator.normal(0, 6, (3, SIZE, SIZE))
    for number in range(1, 13):
        x, y = centre(number)
        row, column = round((CORNER[1] - y) / PIXEL), round((x - CORNER[0]) / PIXEL)
        near = (rows - row) ** 2 + (columns - column) ** 2 < 60 + 20 * (number % 3)
        bands[:, near] += 70
    bands.clip(0, 255).astype(np.uint8).tofile(path)
    header = HEADER.format(size=SIZE, x=CORNER[0], y=CORNER[1], pixel=PIXEL)
    path.with_suffix(".hdr").write_text(header)
    return path


def centre(number: int) -> tuple[float, float]:
    """Where a finding is."""
    return (
        CORNER[0] + 1500 + STEP * ((number - 1) % 4),
        CORNER[1] - 1500 - STEP * ((number - 1) // 4),
    )


def write_findings(path: Path, count: int = 12) -> Path:
    """Write findings as the search and the comparison with registers make them."""
    features = []
    for number in range(1, count + 1):
        x, y = centre(number)
        ring = [
            [x + dx, y + dy]
            for dx, dy in ((-270, -270), (270, -270), (270, 270), (-270, 270), (-270, -270))
        ]
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [ring]},
                "properties": {
                    "finding": number,
                    "cells": 4,
                    "area_ha": 29.16,
                    "max_probability": round(1 - 0.03 * number, 3),
                    "mean_probability": round(0.95 - 0.03 * number, 3),
                    "impact": ("high impact", "low impact")[number % 2],
                    "impact_votes": "high impact 3, low impact 1",
                    "detector": "0123456789ab",
                    "registered": ("no", "yes", "yes")[number % 3],
                    "register_name": f"Mina {number}",
                    "register_distance_m": 120.0 * number,
                    "phase": "mining licence",
                },
            }
        )
    return _convert(path, features)


def write_register(path: Path, count: int = 12) -> Path:
    """Write entries of a register, each 600 m east of its finding."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [centre(n)[0] + 600, centre(n)[1]]},
            "properties": {"name": f"Mina {n}"},
        }
        for n in range(1, count + 1)
    ]
    return _convert(path, features)


def _convert(path: Path, features: list[dict]) -> Path:
    source = path.with_suffix(".geojson")
    source.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    subprocess.run(
        ["ogr2ogr", "-q", "-f", "GPKG", "-a_srs", CRS, "-nln", path.stem, path, source], check=True
    )
    source.unlink()
    return path
