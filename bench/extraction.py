"""Speed and accuracy of endmember extraction, side by side with the peers installed from PyPI.

Run ``python bench/extraction.py`` in the engine's environment; ``--data`` names the folder of
shared data for the accuracy on real scenes, ``--scene`` a large raster to go through whole.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gossan.bench.extraction_scenes import angles_to_reference, reference_scenes
from gossan.bench.published_vca import published_vca
from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.models.endmembers.cloud import MemoryCloud
from gossan.models.endmembers.components import principal_components, scene_statistics
from gossan.models.endmembers.extraction import extract
from gossan.models.endmembers.jobs import extract as extract_job
from gossan.models.endmembers.options import ExtractionOptions
from gossan.models.endmembers.parametric import MATERIALS
from gossan.models.endmembers.ppi import pixel_purity, random_skewers
from gossan.models.endmembers.scene import ArrayScene
from gossan.models.endmembers.vca import vertex_components
from gossan.models.spectra.scene import plan_blocks

SKEWERS = 10_000
WORKFLOWS = ("PPI", "VCA", "prior", "PPI+VCA", "PPI+prior", "VCA+prior", "PCCEE", "N-FINDR")


def mixtures(side: int, bands: int) -> np.ndarray:
    """Return an image (side, side, bands) of noisy mixtures of six materials, float32."""
    rng = np.random.default_rng(0)
    nm = np.linspace(400, 2450, bands)
    names = ("broadleaf forest", "loam", "gossan, goethite", "grey tailings", "concrete", "straw")
    pure = np.array([MATERIALS[name].spectrum(nm) for name in names])
    shares = rng.dirichlet(np.full(len(pure), 0.5), (side, side))
    lit = rng.uniform(0.85, 1.1, (side, side, 1))
    return (shares @ pure * lit + rng.normal(0, 0.002, (side, side, bands))).astype(np.float32)


def seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """Return the least time that `work` takes."""
    least = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - start)
    return least


def line(work: str, ours: float, peer: str, theirs: float, reach: str) -> None:
    """Print one row of the table."""
    sys.stdout.write(
        f"{work:<46} {ours:9.4f} s   {peer:<26} {theirs:9.4f} s   {theirs / ours:8.1f}x   {reach}\n"
    )
    sys.stdout.flush()


def compare_ppi(side: int, bands: int) -> None:
    """Pixel purity index, from the scene to the ranked pixels, against pysptools."""
    image = mixtures(side, bands)
    pixels = image.reshape(-1, bands)

    def in_bands() -> None:
        cloud = MemoryCloud(pixels - pixels.mean(axis=0))
        pixel_purity(cloud, random_skewers(SKEWERS, bands, 0), Progress())

    def in_components() -> None:
        statistics = scene_statistics(ArrayScene(image), Progress())
        found = principal_components(statistics, 9)
        scores = pixels @ found.vectors.astype(np.float32)
        scores -= (found.mean @ found.vectors).astype(np.float32)
        pixel_purity(MemoryCloud(scores), random_skewers(SKEWERS, 9, 0), Progress())

    eea = importlib.import_module("pysptools.eea.eea")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = seconds(lambda: eea.PPI(pixels, 10, SKEWERS), 1)
        statistics = scene_statistics(ArrayScene(image), Progress())
        found = principal_components(statistics, 9)
        scores = ((pixels - found.mean) @ found.vectors).astype(np.float32)
        peer_components = seconds(lambda: eea.PPI(scores, 10, SKEWERS), 1)
    size = f"{side} x {side} x {bands}"
    line(f"PPI {SKEWERS}, bands, {size}", seconds(in_bands), "pysptools PPI", peer, ">= 20x")
    took = seconds(in_components)
    line(f"PPI {SKEWERS}, components (made too), {size}", took, "pysptools PPI", peer, ">= 200x")
    cloud = MemoryCloud(scores)
    skewers = random_skewers(SKEWERS, 9, 0)
    took = seconds(lambda: pixel_purity(cloud, skewers, Progress()))
    line(
        f"PPI {SKEWERS}, ready components, {size}",
        took,
        "pysptools PPI on them",
        peer_components,
        "",
    )


def compare_vca(side: int, bands: int) -> None:
    """VCA from the scene to the chosen pixels, against the published steps."""
    image = mixtures(side, bands)
    pixels = image.reshape(-1, bands)
    double = pixels.astype(np.float64)

    def ours() -> None:
        statistics = scene_statistics(ArrayScene(image), Progress())
        found = principal_components(statistics, 5)
        scores = pixels @ found.vectors.astype(np.float32)
        scores -= (found.mean @ found.vectors).astype(np.float32)
        vertex_components(MemoryCloud(scores), 6, 0, Progress())

    took = seconds(lambda: published_vca(double, 6, 0), 2)
    line(f"VCA 6, {side} x {side} x {bands}", seconds(ours), "published VCA", took, ">= 10x")


def compare_accuracy(data: Path, seeds: int) -> None:
    """Median spectral angle to the reference endmembers over seeds, per workflow."""
    for scene in reference_scenes(data):
        number = len(scene.reference)
        pixels = scene.spectra.reshape(-1, scene.spectra.shape[-1])
        published = [
            angles_to_reference(pixels[published_vca(pixels, number, seed)[0]], scene.reference)
            for seed in range(seeds)
        ]
        sys.stdout.write(
            f"\n{scene.name}, {seeds} seeds: spectral angle (rad) to the reference, median over "
            "seeds and endmembers | of the mean over endmembers | per endmember\n"
        )
        _accuracy_line("published VCA", published)
        for workflow in WORKFLOWS:
            angles = []
            for seed in range(seeds):
                options = ExtractionOptions(workflow=workflow, endmembers=number, seed=seed)
                found = extract(scene.spectra, scene.wavelengths, options, priors=scene.priors)
                angles.append(angles_to_reference(found.spectra, scene.reference))
            _accuracy_line(workflow, angles)


def _accuracy_line(name: str, angles: list[np.ndarray]) -> None:
    each = " ".join(f"{value:.3f}" for value in np.median(angles, axis=0))
    sys.stdout.write(
        f"  {name:<14} {np.median(angles):.4f} | {np.median(np.mean(angles, axis=1)):.4f} | "
        f"{each}\n"
    )
    sys.stdout.flush()


def whole_scene(path: str) -> None:
    """Extract from a raster and tell time and peak memory beside the bare reading."""

    def read() -> None:
        with open_raster(path) as raster:
            for block in plan_blocks(raster.info, raster.info.count):
                raster.read(block.outer)

    reading = seconds(read, 1)
    with tempfile.TemporaryDirectory() as folder:
        result: dict[str, Any] = {}
        took = seconds(
            lambda: result.update(extract_job(Progress(), raster=path, library=f"{folder}/e.sli")),
            1,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(
        f"\n{path}: PCCEE {took:.1f} s, bare reading {reading:.1f} s, peak {peak:.2f} GiB, "
        f"{result['endmembers']} endmembers; steps {result['seconds']}\n"
    )


def main() -> int:
    """Run the comparisons and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=150)
    parser.add_argument("--bands", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--data", default=os.environ.get("GOSSAN_SHARED", ""))
    parser.add_argument("--scene", default="")
    chosen = parser.parse_args()
    if chosen.scene:
        whole_scene(chosen.scene)
    compare_ppi(chosen.side, chosen.bands)
    compare_vca(2 * chosen.side, chosen.bands)
    if chosen.data:
        compare_accuracy(Path(chosen.data) / "data", chosen.seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
