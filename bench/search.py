"""The search for mines on 9216 x 9216 x 12 uint16: speed, memory, sameness, Dask.

The search runs compiled, and starts no TensorFlow. Beside it: TensorFlow alone on arrays in memory,
and the published procedure, which cuts without overlap and spaces the cells of a slice evenly. The
image is a simulated district, mirrored over the area with other gains for each copy. Each part runs
in a process of its own. Run ``python bench/search.py [SIDE]`` in the engine's environment.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

SIDE = 9216
DISTRICT = 256
"""Pixels of 30 m of the simulated district, which has three times as many of 10 m."""

PRETRAINED = Path(__file__).resolve().parent.parent / "models" / "pretrained"
DETECTOR = PRETRAINED / "mine_detector_simulated.gossan"

IMAGE = """
import numpy as np, rasterio
from affine import Affine
with rasterio.open({mosaic!r}) as source:
    part, names = source.read(), source.descriptions
random = np.random.default_rng(0)
size = part.shape[1]
with rasterio.open({image!r}, "w", driver="GTiff", height={side}, width={side}, count=12,
                   dtype="uint16", crs=source.crs, transform=source.transform, nodata=0,
                   tiled=True, blockxsize=256, blockysize=256, interleave="band",
                   bigtiff="yes") as out:
    out.descriptions = names
    for i, row in enumerate(range(0, {side}, size)):
        for j, column in enumerate(range(0, {side}, size)):
            copy = part[:, :: (-1) ** i, :: (-1) ** j] * random.uniform(0.9, 1.1, (12, 1, 1))
            copy = copy[:, : {side} - row, : {side} - column].clip(1, 65535).astype("uint16")
            place = ((row, row + copy.shape[1]), (column, column + copy.shape[2]))
            out.write(copy, window=place)
"""

SEARCH = """
from gossan.core.progress import Progress
from gossan.models.registry import load
result = load("mines.detect")(Progress(), images=[{image!r}], detector={detector!r},
                              probability={output!r}, points={output!r} + ".geojson")
print(json.dumps({{"seconds": result["seconds"], "findings": result["findings"]}}))
"""

DASK = """
import distributed, time
from gossan.core.progress import Progress
from gossan.models.mines.search import search_block
from gossan.models.registry import load
if __name__ == "__main__":
    with distributed.LocalCluster(n_workers={workers}, threads_per_worker=1,
                                  dashboard_address=":0", silence_logs=50) as cluster:
        for _ in range(2):  # the second run finds the models loaded, as a large search does
            result = load("mines.detect")(
                Progress(), images=[{image!r}], detector={detector!r}, probability={output!r},
                points={output!r} + ".geojson", dask=cluster.scheduler_address)
    print(json.dumps({{"seconds": result["seconds"], "findings": result["findings"]}}))
"""

RAW = """
import time
import numpy as np
import tensorflow as tf
from gossan.models.mines.model_file import DETECTOR_KIND, network_of, read_model
network = network_of(read_model({detector!r}, DETECTOR_KIND))
run = tf.function(lambda x: network(x, training=False),
                  input_signature=[tf.TensorSpec((1, None, None, 12))])
tile = np.random.default_rng(0).normal(size=(1, 972, 972, 12)).astype("float32")
run(tile)
began = time.perf_counter()
for _ in range({tiles}):
    run(tile).numpy()
seconds = (time.perf_counter() - began) * {side} ** 2 / ({tiles} * 972 ** 2)
print(json.dumps({{"seconds": seconds}}))
"""

PUBLISHED = """
import time
import numpy as np, rasterio
import tensorflow as tf
from gossan.models.mines import geometry
from gossan.models.mines.model_file import DETECTOR_KIND, network_of, read_model, scaling_of
bundle = read_model({detector!r}, DETECTOR_KIND)
network, scaling = network_of(bundle), scaling_of(bundle)
run = tf.function(lambda x: tf.nn.softmax(network(x, training=False)),
                  input_signature=[tf.TensorSpec((1, None, None, 12))])
slice_side, found = 1005, 0
began = time.perf_counter()
with rasterio.open({image!r}) as source:
    for row in range(0, {side} - slice_side + 1, slice_side):
        for column in range(0, {side} - slice_side + 1, slice_side):
            window = ((row, row + slice_side), (column, column + slice_side))
            pixels = np.moveaxis(source.read(window=window), 0, -1) * 1e-4
            found += run(scaling.apply(pixels)[np.newaxis]).numpy()[0, ..., 1].size
seconds = time.perf_counter() - began
count = geometry.cells(slice_side)
spread = (np.arange(count) + 0.5) * slice_side / count
true = np.array([geometry.centre(i) for i in range(count)])
print(json.dumps({{"seconds": seconds, "cells": found,
                   "misplaced": float(np.abs(spread - true).max())}}))
"""

SAME = """
import numpy as np, rasterio
from gossan.models.mines.model_file import DETECTOR_KIND, network_of, read_model, scaling_of
bundle = read_model({detector!r}, DETECTOR_KIND)
side = {part}
with rasterio.open({image!r}) as source:
    pixels = np.moveaxis(source.read(window=((0, side), (0, side))), 0, -1)
inputs = scaling_of(bundle).apply(pixels.astype("float32") * np.float32(1e-4))
logits = network_of(bundle)(inputs[np.newaxis], training=False).numpy()[0]
whole = 1 / (1 + np.exp(logits[..., 0].astype(float) - logits[..., 1]))
with rasterio.open({output!r}) as source:
    tiled = source.read(1)
# Cells at the part's own right and lower border see zeros where the whole image goes on.
shared = whole[:-1, :-1]
worst = float(np.abs(shared - tiled[: shared.shape[0], : shared.shape[1]]).max())
print(json.dumps({{"worst": worst}}))
"""


def timed(code: str) -> tuple[dict[str, float], float]:
    """Run code in a fresh process; return what it tells and its greatest memory in GiB."""
    watcher = (
        "import resource, subprocess, sys;"
        "code = subprocess.call([sys.executable, sys.argv[1]]);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(used.ru_maxrss, used.ru_utime + used.ru_stime);"
        "sys.exit(code)"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write("import json\n" + code)
        script.flush()
        done = subprocess.run(
            [sys.executable, "-c", watcher, script.name],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    lines = done.stdout.strip().splitlines()
    memory, processor = lines[-1].split()
    told = json.loads(lines[-2]) if len(lines) > 1 else {}
    return {**told, "processor": float(processor)}, int(memory) / 2**20


def measure(side: int = SIDE) -> None:
    """Make the image, and print each figure as it comes."""
    megapixels = side**2 / 1e6
    with tempfile.TemporaryDirectory(prefix="gossan-bench-") as name:
        folder = Path(name)
        call = [sys.executable, "-m", "gossan.examples.district", str(folder), "--size"]
        subprocess.run(
            [*call, str(DISTRICT), "--seed", "2", "--only", "mosaic"],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        values = {
            "mosaic": str(folder / "sentinel2_mosaic.tif"),
            "image": str(folder / "image.tif"),
            "detector": str(DETECTOR),
            "output": str(folder / "probability.tif"),
            "side": side,
            "part": min(side, 2700),
            "tiles": 20,
            "workers": 2,
        }
        timed(IMAGE.format(**values))
        # What is not yet in Numba's cache is compiled now, as by the first search after a set-up.
        timed(SEARCH.format(**{**values, "image": values["mosaic"]}))
        for work, code in (
            ("search", SEARCH),
            ("TensorFlow alone, arrays in memory", RAW),
            ("published slices of 1005 px", PUBLISHED),
            ("whole-image network on a part", SAME),
            ("search on 2 Dask workers", DASK),
        ):
            told, memory = timed(code.format(**values))
            row: dict[str, object] = {"work": f"{work}, {side} x {side} x 12 uint16"}
            if "seconds" in told:
                row["seconds"] = round(told["seconds"], 1)
                row["Mpixels/s"] = round(megapixels / told["seconds"], 1)
            row["processor seconds, start included"] = round(told["processor"], 1)
            row["peak memory (GiB)"] = round(memory, 2)
            for key in ("findings", "cells", "misplaced", "worst"):
                if key in told:
                    row[key] = told[key]
            print(row, flush=True)


if __name__ == "__main__":
    measure(*(int(argument) for argument in sys.argv[1:]))
