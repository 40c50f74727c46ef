"""How long a click for a spectrum takes: the job behind it, on a scene of 2000 x 2000 x 330.

``python bench/pixel_spectra.py [FOLDER]`` writes the scene (2.6 GB) into a folder in one layout
after the other, and removes it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from gossan.core.progress import Progress
from gossan.models.endmembers.priors import PRIOR_LIBRARY
from gossan.models.spectra.looking_jobs import look

SIDE, BANDS, CLICKS = 2000, 330, 12
REACH = 0.1
WAVELENGTHS = np.linspace(400.0, 2500.0, BANDS)
LAYOUTS = {
    "BSQ": {"driver": "ENVI", "interleave": "bsq"},
    "BIL": {"driver": "ENVI", "interleave": "bil"},
    "GeoTIFF, tiles of 256, band by band": {
        "driver": "GTiff",
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "interleave": "band",
    },
    "GeoTIFF, tiles of 64, pixel by pixel, deflate": {
        "driver": "GTiff",
        "tiled": True,
        "blockxsize": 64,
        "blockysize": 64,
        "interleave": "pixel",
        "compress": "deflate",
        "predictor": 2,
        "zlevel": 1,
    },
}


def write(path: Path, options: dict[str, object]) -> None:
    """Write the scene: smooth spectra with noise, int16, reflectance x 10000, no scale given."""
    random = np.random.default_rng(3)
    curve = 3000 + 2000 * np.sin(WAVELENGTHS / 400.0)
    strip = curve[:, np.newaxis, np.newaxis] + random.normal(0, 60, (BANDS, 64, SIDE))
    strip = strip.astype(np.int16)
    profile = {"width": SIDE, "height": SIDE, "count": BANDS, "dtype": "int16", **options}
    with rasterio.open(path, "w", crs="EPSG:32649", BIGTIFF="YES", **profile) as dataset:
        for row in range(0, SIDE, 64):
            height = min(64, SIDE - row)
            dataset.write(strip[:, :height], window=Window(0, row, SIDE, height))
        for band, wavelength in enumerate(WAVELENGTHS, start=1):
            dataset.update_tags(band, wavelength=f"{wavelength:.2f}", wavelength_units="nm")


def measure(folder: Path) -> list[dict[str, object]]:
    """Time single pixels, their ranking against the library that ships, and a square."""
    rows: list[dict[str, object]] = []
    random = np.random.default_rng(4)
    for name, options in LAYOUTS.items():
        path = folder / "scene.dat"
        write(path, options)
        try:
            places = random.uniform(0, SIDE, (CLICKS, 2)) * (1, -1)
            times, used = [], []
            for x, y in places:
                began, worked = time.perf_counter(), time.process_time()
                look(Progress(), raster=str(path), points=[(x, y)], library=str(PRIOR_LIBRARY))
                times.append(time.perf_counter() - began)
                used.append(time.process_time() - worked)
            square = [(300, -300), (400, -300), (400, -400), (300, -400)]
            began = time.perf_counter()
            look(Progress(), raster=str(path), rings=[square], library=str(PRIOR_LIBRARY))
            shape = time.perf_counter() - began
        finally:
            for file in folder.glob("scene.*"):
                os.unlink(file)
        later = sorted(times[1:])
        rows.append(
            {
                "layout": name,
                "first": times[0],
                "median": later[len(later) // 2],
                "worst": later[-1],
                "used": sorted(used[1:])[len(later) // 2],
                "square": shape,
            }
        )
    return rows


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as folder:
        found = measure(Path(folder))
    for row in found:
        print(
            f"{row['layout']:46} first {row['first']:6.3f} s   median {row['median']:6.3f} s "
            f"({row['used']:5.3f} s of the processor)   worst {row['worst']:6.3f} s   "
            f"(reach {REACH} s)   100 x 100 pixels {row['square']:6.3f} s"
        )
