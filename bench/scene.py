"""A whole hyperspectral scene, 2000 x 2000 x 330 int16: extraction and unmixing beside reading.

Each part runs in a process of its own, so that its greatest memory can be told.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENDMEMBERS = 4
KIB = 1024

READ = """
from gossan.core.blocks import plan, rows_for_budget
from gossan.core.raster import open_raster
with open_raster({scene!r}) as image:
    info = image.info
    for block in plan(info.height, info.width, rows=rows_for_budget(info.width, 4 * info.count),
                      columns=info.width):
        image.read(block.inner)
"""

EXTRACT = """
from gossan.core.progress import Progress
from gossan.models.endmembers.jobs import extract
extract(Progress(), raster={scene!r}, endmembers={endmembers}, library={library!r})
"""

UNMIX = """
from gossan.core.progress import Progress
from gossan.models.abundances.jobs import estimate
estimate(Progress(), raster={scene!r}, library={library!r}, output={output!r})
"""


def timed(code: str) -> tuple[float, float]:
    """Run code in a fresh process; return its seconds and its greatest memory in GiB."""
    began = time.perf_counter()
    watcher = (
        "import resource, subprocess, sys;"
        "code = subprocess.call([sys.executable, '-c', sys.argv[1]]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss);"
        "sys.exit(code)"
    )
    run = subprocess.run(
        [sys.executable, "-c", watcher, code], capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise SystemExit(run.stderr)
    seconds = time.perf_counter() - began
    return seconds, int(run.stdout.split()[-1]) * KIB / 2**30


def measure(size: int = 2000, bands: int = 330) -> list[dict[str, object]]:
    """Simulate a scene and time reading, extraction and unmixing of it."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="gossan-bench-") as name:
        folder = Path(name)
        subprocess.run(
            [
                sys.executable,
                "-m",
                "gossan.examples.district",
                str(folder),
                "--size",
                str(size),
                "--bands",
                str(bands),
                "--interleave",
                "bsq",
                "--only",
                "hyperspectral",
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        scene = next(str(path) for path in folder.glob("hyperspectral*") if path.suffix != ".hdr")
        values = {
            "scene": scene,
            "endmembers": ENDMEMBERS,
            "library": str(folder / "endmembers.csv"),
            "output": str(folder / "abundances.tif"),
        }
        timed(READ.format(**values))
        for work, code in (("read", READ), ("extract (PCCEE)", EXTRACT), ("unmix (NNLS)", UNMIX)):
            seconds, memory = timed(code.format(**values))
            rows.append(
                {
                    "work": f"{work}, {size} x {size} x {bands} int16",
                    "seconds": round(seconds, 1),
                    "peak memory (GiB)": round(memory, 2),
                }
            )
    total = sum(row["seconds"] for row in rows[1:])
    rows.append(
        {
            "work": f"extract + unmix, K = {ENDMEMBERS}",
            "seconds": round(total, 1),
            "peak memory (GiB)": max(row["peak memory (GiB)"] for row in rows[1:]),
        }
    )
    return rows


if __name__ == "__main__":
    for row in measure(*(int(argument) for argument in sys.argv[1:])):
        print(row)
