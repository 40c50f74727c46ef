"""Random-forest map of eight metals: ours side by side with scikit-learn's ``predict``.

Run ``python bench/forest.py`` in the engine's environment. Same forests, same pixels, same number
of threads; the greatest difference between the predictions is printed with the seconds.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestRegressor

from gossan.models.metals.forest import Forest
from gossan.models.metals.predictors import Pixels

SAMPLES, FEATURES, METALS, TREES = 150, 8, 8, 500
CHUNK = 16_384


def measure(pixels: int = 400_000, threads: int | None = None) -> list[dict[str, Any]]:
    """Time both on the same pixels and return one row per way and number of threads.

    Parameters
    ----------
    pixels : int
        Pixels to predict; both are linear in them, so that 4 M take as many times longer.
    threads : int, optional
        Threads of the second round; all processors by default.
    """
    rng = np.random.default_rng(0)
    x = rng.random((SAMPLES, FEATURES), dtype=np.float32)
    truth = np.exp(3 * x @ rng.dirichlet(np.ones(FEATURES), METALS).T)
    values = truth * np.exp(rng.normal(0, 0.2, truth.shape))
    theirs = [
        RandomForestRegressor(TREES, max_features=1 / 3, random_state=k, n_jobs=1).fit(
            x, values[:, k]
        )
        for k in range(METALS)
    ]
    ours = [
        Forest.from_trees([tree.tree_ for tree in forest.estimators_], scale=1 / TREES)
        for forest in theirs
    ]
    image = rng.random((pixels, FEATURES), dtype=np.float32)
    predict_blocks(ours, image[: 2 * CHUNK], 1)
    rows = []
    for count in dict.fromkeys((1, threads or os.cpu_count() or 1)):
        for forest in theirs:
            forest.set_params(n_jobs=count)
        reference, slow = timed(
            lambda: np.column_stack([forest.predict(image) for forest in theirs])
        )
        predicted, fast = timed(lambda count=count: predict_blocks(ours, image, count))
        rows.append(
            {
                "work": f"random-forest map, {METALS} metals, {TREES} trees, {count} threads",
                "pixels": pixels,
                "peer": f"scikit-learn {sklearn.__version__}",
                "peer_seconds": slow,
                "seconds": fast,
                "ratio": slow / fast,
                "reach": 2.0,
                "pixels_per_second": pixels / fast,
                "greatest_difference": float(np.abs(predicted - reference).max()),
            }
        )
    return rows


def predict_blocks(forests: list[Forest], image: np.ndarray, threads: int) -> np.ndarray:
    """Predict all metals in one pass over the pixels, as the map does."""
    out = np.empty((len(image), len(forests)))

    def predict(start: int) -> None:
        chunk = Pixels.of(image[start : start + CHUNK])
        for k, forest in enumerate(forests):
            out[start : start + CHUNK, k] = forest.predict_keys(chunk.keys)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(predict, range(0, len(image), CHUNK)))
    return out


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """Return what the work gives and its seconds."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=400_000)
    for row in measure(parser.parse_args().pixels):
        print(
            f"{row['work']}, {row['pixels']} pixels: {row['seconds']:.1f} s, {row['peer']} "
            f"{row['peer_seconds']:.1f} s, {row['ratio']:.1f}x (reach {row['reach']:g}x), "
            f"greatest difference {row['greatest_difference']:.2g}"
        )
