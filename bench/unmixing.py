"""Unmixing on one thread: NNLS and FCLS beside pysptools, scipy and the bare matrix product.

Run ``python bench/unmixing.py`` in the engine's environment. Times are seconds per million pixels;
the slower ways run on fewer pixels. The spectra are random mixtures of random smooth endmembers
(Dirichlet 0.5) with noise, so that neighbouring pixels have nothing in common: the worst case for
a solver that remembers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pysptools
import scipy
from pysptools.abundance_maps import amaps
from scipy.optimize import nnls as scipy_nnls
from threadpoolctl import threadpool_limits

from gossan.models.abundances.fcls import fcls
from gossan.models.abundances.nnls import nnls

BANDS = 200
PIXELS, PIXELS_OF_PEERS, PIXELS_OF_CVXOPT = 200_000, 5_000, 500
REPEATS = 5
NNLS_REACH = {4: 10.0, 8: 10.0, 16: 5.0}
FCLS_REACH = 250.0
PRODUCT_REACH = 6.0

FIRST_USE = """
import time, numpy as np
from gossan.models.abundances.nnls import nnls
start = time.perf_counter()
nnls(np.ones((2, 5)), np.eye(3, 5))
print(time.perf_counter() - start)
"""


def measure() -> list[dict[str, Any]]:
    """Time all ways in one run and return one row per comparison."""
    rows = []
    with threadpool_limits(1):
        for k in NNLS_REACH:
            spectra, endmembers = mixtures(k)
            for dtype in (np.float64, np.float32):
                rows.extend(_rows(spectra.astype(dtype), endmembers))
    return rows


def mixtures(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy spectra (pixels, bands) and the endmembers (k, bands) they are mixed from."""
    random = np.random.default_rng(k)
    steps = random.normal(0, 0.02, (k, BANDS))
    endmembers = np.clip(0.3 + np.cumsum(steps, axis=1), 0.02, 1.0)
    spectra = random.dirichlet(np.full(k, 0.5), PIXELS) @ endmembers
    spectra += random.normal(0, 0.005, spectra.shape)
    return spectra, endmembers


def _rows(spectra: np.ndarray, endmembers: np.ndarray) -> list[dict[str, Any]]:
    k = len(endmembers)
    columns = np.ascontiguousarray(endmembers.T, dtype=spectra.dtype)
    few = spectra[:PIXELS_OF_PEERS]
    fewest = spectra[:PIXELS_OF_CVXOPT]
    product = per_million(lambda: spectra @ columns, len(spectra))
    ours = per_million(lambda: nnls(spectra, endmembers), len(spectra))
    ours_to_one = per_million(lambda: fcls(spectra, endmembers), len(spectra))
    in_scipy = per_million(lambda: by_scipy(few, endmembers), len(few), repeats=1)
    in_pysptools = per_million(lambda: amaps.NNLS(few, endmembers), len(few), repeats=1)
    in_cvxopt = per_million(lambda: amaps.FCLS(fewest, endmembers), len(fewest), repeats=1)
    difference = np.abs(nnls(few, endmembers) - by_scipy(few, endmembers)).max()
    abundances = fcls(spectra, endmembers)
    sums = np.abs(abundances.sum(axis=1) - 1).max()
    case = f"k = {k}, {BANDS} bands, {spectra.dtype}, 1 thread"
    package = f"pysptools {pysptools.__version__}"
    return [
        _row(f"NNLS, {case}", package, in_pysptools, ours, product, NNLS_REACH[k])
        | {"difference_to_scipy": float(difference)},
        _row(f"NNLS, {case}", f"scipy {scipy.__version__}", in_scipy, ours, product, None)
        | {"difference_to_scipy": float(difference)},
        _row(f"FCLS, {case}", f"{package} (cvxopt)", in_cvxopt, ours_to_one, product, FCLS_REACH)
        | {
            "sum_off_by": float(sums),
            "difference_to_cvxopt": float(
                np.abs(abundances[: len(fewest)] - amaps.FCLS(fewest, endmembers)).max()
            ),
        },
    ]


def _row(
    work: str, peer: str, theirs: float, ours: float, product: float, reach: float | None
) -> dict[str, Any]:
    return {
        "work": work,
        "pixels": 1_000_000,
        "peer": peer,
        "peer_seconds": theirs,
        "seconds": ours,
        "ratio": theirs / ours,
        "reach": reach,
        "times_matrix_product": ours / product,
        "times_matrix_product_reach": PRODUCT_REACH,
    }


def by_scipy(spectra: np.ndarray, endmembers: np.ndarray) -> np.ndarray:
    """Solve pixel by pixel with scipy."""
    columns = np.ascontiguousarray(endmembers.T)
    return np.array([scipy_nnls(columns, spectrum)[0] for spectrum in spectra])


def per_million(call: Callable[[], object], pixels: int, *, repeats: int = REPEATS) -> float:
    """Return the seconds that a call takes for a million pixels, the best of some repeats."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best / pixels * 1e6


def first_use() -> tuple[float, float]:
    """Return the seconds of the first call on a machine (compiled then) and in later runs."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        times = [
            float(
                subprocess.run(
                    [sys.executable, "-c", FIRST_USE],
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            for _ in range(2)
        ]
    return times[0], times[1]


def main() -> None:
    """Print the table."""
    print(
        f"{'work':44} {'peer':27} {'peer s':>8} {'ours s':>7} {'ratio':>7} {'reach':>6} {'x EY':>5}"
    )
    for row in measure():
        print(
            f"{row['work']:44} {row['peer']:27} {row['peer_seconds']:8.2f} {row['seconds']:7.3f} "
            f"{row['ratio']:7.1f} {row['reach'] or 0:6.0f} {row['times_matrix_product']:5.1f}  "
            + ", ".join(
                f"{key} {row[key]:.1e}" for key in row if "difference" in key or "off" in key
            )
        )
    first, later = first_use()
    print(f"first call ever: {first:.1f} s (compiles), in later runs: {later:.2f} s")


if __name__ == "__main__":
    main()
