"""Cloud-free composite: time and peak memory for many dates, beside NumPy's median in memory.

Run ``python bench/composite.py`` in the engine's environment. The dates are one image under many
names, so that the disk holds one; each has its own mask. NumPy's ``nanmedian`` is timed on a window
of the same looks that fits into memory, without reading or writing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12")
GIB = 1 << 30
PROGRAM = """
import json, resource, sys, time
from gossan.core.progress import Progress
from gossan.models.imagery.composite_jobs import composite
output, method, *files = sys.argv[1:]
began = time.perf_counter()
composite(Progress(), rasters=files, cloud_limit=100, method=method, output=output)
taken = time.perf_counter() - began
print(json.dumps([taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""


def write(folder: Path, side: int, dates: int) -> list[str]:
    """Write one image, names for every date, and a mask for each."""
    rng = np.random.default_rng(0)
    place = {"crs": "EPSG:32649", "transform": Affine(10, 0, 5e5, 0, -10, 4e6), "driver": "GTiff",
             "height": side, "width": side, "tiled": True, "interleave": "band"}  # fmt: skip
    with rasterio.open(
        folder / "image.tif", "w", count=len(BANDS), dtype="uint16", **place
    ) as file:
        for number, name in enumerate(BANDS, start=1):
            file.write(rng.integers(200, 6000, (side, side), dtype=np.uint16), number)
            file.set_band_description(number, name)
        file.update_tags(offset="0")
    files = []
    for date in range(dates):
        stem = f"S2A_{2015 + date // 12}{date % 12 + 1:02d}15"
        (folder / f"{stem}.tif").symlink_to(folder / "image.tif")
        coarse = rng.random((side // 64 + 1, side // 64 + 1)) < 0.3
        cloud = np.where(coarse, 9, 4).astype(np.uint8).repeat(64, 0).repeat(64, 1)
        profile = {**place, "count": 1, "dtype": "uint8", "compress": "deflate"}
        with rasterio.open(folder / f"{stem}_SCL.tif", "w", **profile) as file:
            file.write(cloud[:side, :side], 1)
        files.append(str(folder / f"{stem}.tif"))
    return files


def numpy_rate(dates: int, side: int = 256) -> float:
    """Return pixels per second and band of ``numpy.nanmedian`` on looks in memory."""
    looks = np.random.default_rng(1).random((dates, side, side), dtype=np.float32)
    looks[np.random.default_rng(2).random(looks.shape) < 0.3] = np.nan
    began = time.perf_counter()
    np.nanmedian(looks, axis=0)
    return side * side / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--dates", type=int, default=24)
    parser.add_argument("--methods", nargs="+", default=["median", "medoid"])
    chosen = parser.parse_args()
    print("| looks | method | pixels x bands | seconds | million values/s | peak memory (GiB) |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        files = write(Path(name), chosen.side, chosen.dates)
        for method in chosen.methods:
            call = [sys.executable, "-c", PROGRAM, str(Path(name) / "out.tif"), method, *files]
            done = subprocess.run(call, capture_output=True, text=True, check=True)
            seconds, peak = json.loads(done.stdout.splitlines()[-1])
            values = chosen.side**2 * len(BANDS) * chosen.dates
            print(
                f"| {chosen.dates} | {method} | {chosen.side}² x {len(BANDS)} | {seconds:.0f} | "
                f"{values / seconds / 1e6:.0f} | {peak / GIB:.2f} |",
                flush=True,
            )
    rate = numpy_rate(chosen.dates) * chosen.dates / 1e6
    whole = chosen.side**2 * len(BANDS) * chosen.dates * 4 / GIB
    print(
        f"\nAll looks as float32 would be {whole:.1f} GiB. numpy.nanmedian alone, on looks in "
        f"memory: {rate:.0f} million values/s."
    )


if __name__ == "__main__":
    main()
