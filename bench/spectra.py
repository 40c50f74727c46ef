"""Spectral angles of an image: ours side by side with Spectral Python, one thread each.

Run ``OPENBLAS_NUM_THREADS=1 python bench/spectra.py`` in the engine's environment. Both get the
same image, with its pixels or its bands one after the other in memory. The seconds are those of
the processor, so that other work on the machine counts little; the greatest difference to angles
in float64 by the half-angle formula is printed too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import spectral

from gossan.core.spectra import spectral_angle

REFERENCES = (4, 8, 20)
REPEATS = 5
CHECKED_PIXELS = 5000


def measure(side: int = 512, bands: int = 224) -> list[dict[str, Any]]:
    """Time both on the same float32 images and return one row per arrangement and library.

    Parameters
    ----------
    side, bands : int
        Size of the square image.

    Returns
    -------
    list of dict
        ``work``, ``ours_s``, ``peer``, ``peer_s`` (processor seconds, the least of five),
        ``ratio``, ``ours_wall_s``, ``peer_wall_s``, ``wall_ratio``, ``reach`` (the ratio to
        reach), ``difference`` and ``peer_difference`` (the greatest to the half-angle formula in
        float64, rad).
    """
    rng = np.random.default_rng(0)
    by_pixel = rng.random((side, side, bands), dtype=np.float32)
    by_band = np.moveaxis(np.ascontiguousarray(np.moveaxis(by_pixel, -1, 0)), 0, -1)
    size = f"{side} x {side} x {bands}"
    rows = []
    for order, image in (("pixel by pixel", by_pixel), ("band by band", by_band)):
        pixels = image.reshape(-1, bands)
        assert np.shares_memory(pixels, image)
        for count in REFERENCES:
            library = rng.random((count, bands))
            ours = least_seconds(lambda: spectral_angle(pixels, library))  # noqa: B023
            peer = least_seconds(lambda: spectral.spectral_angles(image, library))  # noqa: B023
            expected = half_angles(pixels[:CHECKED_PIXELS], library)
            found = spectral_angle(pixels, library)[:CHECKED_PIXELS]
            theirs = spectral.spectral_angles(image, library).reshape(-1, count)[:CHECKED_PIXELS]
            rows.append(
                {
                    "work": f"spectral angle, {count} references, {size} {order}",
                    "ours_s": ours[0],
                    "peer": f"Spectral Python {spectral.__version__}",
                    "peer_s": peer[0],
                    "ratio": peer[0] / ours[0],
                    "ours_wall_s": ours[1],
                    "peer_wall_s": peer[1],
                    "wall_ratio": peer[1] / ours[1],
                    "reach": 10.0,
                    "difference": float(np.abs(found - expected).max()),
                    "peer_difference": float(np.abs(theirs - expected).max()),
                }
            )
    return rows


def least_seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the least processor and the least wall seconds, after one run to warm up."""
    work()
    processor, wall = [], []
    for _ in range(REPEATS):
        starts = time.thread_time(), time.perf_counter()
        work()
        processor.append(time.thread_time() - starts[0])
        wall.append(time.perf_counter() - starts[1])
    return min(processor), min(wall)


def half_angles(spectra: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return angles (n, m) by the arc tangent of half the angle, in float64."""
    unit = spectra / np.linalg.norm(spectra.astype(np.float64), axis=1, keepdims=True)
    angles = np.empty((len(spectra), len(references)))
    for j, reference in enumerate(references):
        v = reference / np.linalg.norm(reference)
        angles[:, j] = 2 * np.arctan2(
            np.linalg.norm(unit - v, axis=1), np.linalg.norm(unit + v, axis=1)
        )
    return angles


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--bands", type=int, default=224)
    chosen = parser.parse_args()
    for row in measure(chosen.side, chosen.bands):
        sys.stdout.write(
            f"{row['work']:<62} {row['ours_s']:.4f} s, {row['peer']} {row['peer_s']:.4f} s, "
            f"{row['ratio']:.1f}x (wall {row['wall_ratio']:.1f}x, reach {row['reach']:g}x), "
            f"difference {row['difference']:.1g} (theirs {row['peer_difference']:.1g}) rad\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
