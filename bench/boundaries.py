"""Whether the boundaries with the smallest margins are the poor ones, and how long finding takes.

``python bench/boundaries.py truth`` maps districts by a forest and holds the list by margin against
how much of each piece differs from the true units, which no model has seen, for several reaches.
``size`` goes along the boundaries of maps of 4000 x 4000 pixels, smooth and speckled.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from lithology import district_stack
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter, Window
from gossan.examples.district import Settings, make_district
from gossan.models.registry import load

REACHES = (1, 2, 3, 5)
CLASSES = 6
ALL = 1_000_000


def truth(arguments: argparse.Namespace, folder: Path) -> None:
    """Print how the ranking by margin goes with the differences from the truth."""
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        stack, geology = district_stack(folder, seed, arguments.size)
        model, units, shares = (str(folder / name) for name in ("m.gossan", "u.tif", "p.tif"))
        load("lithology.train")(
            Progress(),
            features=stack,
            map_raster=geology,
            method="random forest",
            block_size=2400.0,
            seed=seed,
            model=model,
        )
        load("lithology.map")(
            Progress(), features=stack, model=model, output=units, probabilities=shares
        )
        differences = str(folder / "differences.tif")
        settings = Settings(seed=seed, size=arguments.size)
        district = make_district(folder / f"truth_{seed}", settings, only=["soils"])
        load("lithology.assess")(
            Progress(),
            raster=units,
            reference_raster=str(district.path("units")),
            differences=differences,
        )
        poor = {piece["wkt"]: piece for piece in pieces(units, differences=differences)}
        for reach in REACHES:
            listed = pieces(units, probabilities=shares, reach=reach)
            wrong = np.array([poor[piece["wkt"]]["value"] for piece in listed])
            rank = spearmanr(-np.array([piece["value"] for piece in listed]), wrong)[0]
            quarter = len(listed) // 4
            print(
                f"seed {seed}, reach {reach}: {len(listed)} pieces, rank correlation {rank:.2f}, "
                f"differing {wrong[:quarter].mean():.2f} in the first quarter of the list, "
                f"{wrong[-quarter:].mean():.2f} in the last",
                flush=True,
            )


def pieces(units: str, **judged: Any) -> list[dict[str, Any]]:
    """Return all pieces of a map, the worst one first."""
    counted = load("lithology.areas")(Progress(), raster=units)["classes"]
    found = load("lithology.boundaries")(
        Progress(), raster=units, classes=counted, **{"count": ALL, **judged}
    )
    return list(found["pieces"])


def size(arguments: argparse.Namespace, folder: Path) -> None:
    """Print seconds and peak memory for large maps."""
    side = arguments.side
    random = np.random.default_rng(1)
    for title, smoothing in (("smooth", 12.0), ("speckled", 0.6)):
        field = gaussian_filter(random.normal(size=(side, side)).astype(np.float32), smoothing)
        steps = np.quantile(field[::7, ::7], np.linspace(0, 1, CLASSES + 1)[1:-1])
        values = (np.digitize(field, steps) + 1).astype(np.uint8)
        units, shares = str(folder / f"{title}.tif"), str(folder / f"{title}_p.tif")
        write(units, values, ["unit"])
        write(shares, (values[..., None] == np.arange(1, CLASSES + 1)) * random.random(
            (side, side, 1), dtype=np.float32
        ), [f"class {value}" for value in range(1, CLASSES + 1)])  # fmt: skip
        del field, values
        # In a process of its own, whose memory is that of the job.
        with get_context("spawn").Pool(1) as pool:
            found, seconds, peak = pool.apply(measure, (units, shares))
        print(
            f"{title}, {side} x {side}: {found} pieces, {seconds:.1f} s, peak {peak:.2f} GiB",
            flush=True,
        )


def measure(units: str, shares: str) -> tuple[int, float, float]:
    """Return how many pieces are listed, seconds and peak memory (GiB)."""
    began = time.monotonic()
    found = len(pieces(units, probabilities=shares, count=100))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return found, time.monotonic() - began, peak


def write(path: str, values: np.ndarray, bands: list[str]) -> None:
    """Write a raster of the size measurement."""
    height, width = values.shape[:2]
    with RasterWriter(
        path,
        height,
        width,
        bands=bands,
        dtype=str(values.dtype),
        transform=Affine(30, 0, 500_000, 0, -30, 3_000_000),
    ) as writer:
        writer.write(Window(0, 0, height, width), values)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", nargs="*", help="truth, size; both by default")
    parser.add_argument("--size", type=int, default=400, help="side of the districts, pixels")
    parser.add_argument("--side", type=int, default=4000, help="side of the large maps, pixels")
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for work in arguments.work or ("truth", "size"):
            {"truth": truth, "size": size}[work](arguments, Path(place))


if __name__ == "__main__":
    main()
