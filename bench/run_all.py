"""Run the benchmarks one after the other; ``--write`` puts them into docs/benchmarks.md.

``./run bench`` runs all, ``./run bench unmixing forest`` only these, each in a process of its own.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "docs" / "benchmarks.md"

BENCHMARKS = {
    "unmixing": "Unmixing: NNLS and FCLS",
    "extraction": "Extraction: PPI, VCA, accuracy on real scenes",
    "spectra": "Spectral angles",
    "forest": "Random-forest maps",
    "scene": "A whole scene",
    "composite": "Cloud-free composites of many dates",
    "search": "The search for mines",
    "start": "Starting",
    "pixel_spectra": "A click for a spectrum",
    "review": "The review of findings",
    "soil_spectra": "Laboratory soil spectra: continuum, real soils beside published scores",
    "labelling": "Labelling scenes by deposits",
    "mines": "Mines: recall and false findings on unseen districts, and teaching",
    "lithology": "Lithology: networks and forests on districts and on real ground",
    "district": "The district: what each workflow's metals are worth",
}
PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "numba",
    "rasterio",
    "pysptools",
    "cvxopt",
    "spectral",
)

HEAD = """# Benchmarks

Written by `./run bench --write`; every comparison is made in one run on one machine. Times depend
on the machine, ratios much less. Nothing here is asserted by the test suite.

"""


def run(name: str) -> str:
    """Run a benchmark, show its output as it comes, and return it."""
    shared = HERE.parent.parent / "shared" / "data"
    call = [sys.executable, str(HERE / f"{name}.py")]
    if name in ("extraction", "soil_spectra") and shared.is_dir():
        call += ["--data", str(shared.parent)]
    # As in the engine, which is parallel by blocks.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True, env=environment)
    lines = []
    for line in process.stdout or ():
        sys.stdout.write(line)
        sys.stdout.flush()
        lines.append(line)
    if process.wait() != 0:
        sys.exit(f"The benchmark {name} failed.")
    return "".join(lines)


def machine() -> str:
    """Return what the figures were measured on."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return (
        f"{date.today():%d %B %Y}; {model}, {os.cpu_count()} cores; "
        f"Python {platform.python_version()}; {versions}."
    )


def main() -> None:
    """Run what the command line names, all by default."""
    parser = argparse.ArgumentParser(description="Measure side by side with other packages.")
    parser.add_argument("names", nargs="*", help=", ".join(BENCHMARKS))
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown:
        parser.error(
            f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}"
        )
    sections = written() if chosen.write else {}
    for name in chosen.names or BENCHMARKS:
        title = BENCHMARKS[name]
        print(f"\n== {title}", flush=True)
        sections[title] = f"{machine()}\n\n```\n{run(name).rstrip()}\n```"
    if chosen.write:
        ordered = [title for title in BENCHMARKS.values() if title in sections]
        text = HEAD + "\n\n".join(f"## {title}\n\n{sections[title]}" for title in ordered) + "\n"
        TARGET.write_text(text, encoding="utf-8")
        print(f"\n{TARGET}")


def written() -> dict[str, str]:
    """Return the sections that stand in the file already; those measured anew replace them."""
    if not TARGET.exists():
        return {}
    parts = TARGET.read_text(encoding="utf-8").split("\n## ")[1:]
    return {title: body.strip() for title, _, body in (part.partition("\n") for part in parts)}


if __name__ == "__main__":
    main()
