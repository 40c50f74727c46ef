"""Scores of the tailings detector: per cell and per finding, with intervals over site clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.ndimage import label
from sklearn.metrics import roc_auc_score

from gossan.models.mines.few_images import BACKGROUND_TO, MINE_FROM
from gossan.models.mines.geometry import FIELD, STRIDE

SMALLEST_POND = 10_000.0
"""Square metres of what counts as a pond."""

_NEIGHBOURS = np.ones((3, 3))


@dataclass(frozen=True)
class Cells:
    """Cells of many crops.

    Parameters
    ----------
    share : ndarray, shape (images, crops, cells, cells)
        Marked share of each.
    clusters : ndarray, shape (images,)
    """

    share: np.ndarray
    clusters: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Cells that are tailings or background and nothing in between."""
        return (self.share >= MINE_FROM) | (self.share <= BACKGROUND_TO)

    @property
    def mines(self) -> np.ndarray:
        """Cells that are tailings."""
        return self.share >= MINE_FROM


def auc(cells: Cells, scores: np.ndarray, images: np.ndarray) -> float:
    """Return the area under the curve for some images (by index, repeated as one likes)."""
    known = cells.known[images]
    return float(roc_auc_score(cells.mines[images][known], scores[images][known]))


def counts(cells: Cells, positive: np.ndarray) -> np.ndarray:
    """Return hits, false alarms and misses of each image, shape (images, 3)."""
    parts = (
        positive & cells.mines,
        positive & cells.known & ~cells.mines,
        ~positive & cells.mines,
    )
    return np.stack([part.sum(axis=(1, 2, 3)) for part in parts], axis=-1)


def f1(found: np.ndarray) -> float:
    """Return F1 from hits, false alarms and misses of images, shape (images, 3)."""
    hits, false, missed = found.sum(axis=0)
    return float(2 * hits / (2 * hits + false + missed))


def best_threshold(cells: Cells, scores: np.ndarray, images: np.ndarray) -> float:
    """Return the threshold with the greatest F1 on some images."""
    known = cells.known[images]
    truth, values = cells.mines[images][known], scores[images][known]
    order = np.argsort(-values, kind="stable")
    hits = np.cumsum(truth[order])
    quality = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    # Equal scores stand or fall together.
    ends = np.append(np.diff(values[order]) != 0, True)
    best = int(np.argmax(np.where(ends, quality, -1.0)))
    return float(values[order][best])


@dataclass(frozen=True)
class Findings:
    """Ponds and clusters counted over crops.

    Parameters
    ----------
    ponds, found : int
    false : int
        Clusters of cells none of which shows any marked tailings.
    area : float
        Square kilometres searched.
    """

    ponds: int
    found: int
    false: int
    area: float

    @property
    def recall(self) -> float:
        """Share of the ponds that are found."""
        return self.found / max(self.ponds, 1)

    @property
    def false_per_100_km2(self) -> float:
        """False clusters per 100 square kilometres."""
        return 100 * self.false / self.area


@dataclass(frozen=True)
class Crop:
    """One crop's truth, ready to be compared with any set of positive cells.

    Parameters
    ----------
    share : ndarray, shape (cells, cells)
        Marked share of each cell.
    ponds : tuple of ndarray of bool, shape (cells, cells)
        For each pond the cells that show some of it.
    area : float
        Square kilometres of the cells.
    """

    share: np.ndarray
    ponds: tuple[np.ndarray, ...]
    area: float


def crop_truth(marked: np.ndarray, row: int, column: int, cells: int, pixel_area: float) -> Crop:
    """Return what there is to find in a crop whose first pixel is given."""
    side = cells * STRIDE
    top, left = (start + (FIELD - STRIDE) // 2 for start in (row, column))
    part = marked[top : top + side, left : left + side]
    numbered, _ = label(part, _NEIGHBOURS)
    sizes = np.bincount(numbered.ravel()) * pixel_area
    sizes[0] = 0.0
    blocks = numbered.reshape(cells, STRIDE, cells, STRIDE)
    ponds = tuple(
        (blocks == number).any(axis=(1, 3)) for number in np.flatnonzero(sizes >= SMALLEST_POND)
    )
    share = (blocks > 0).mean(axis=(1, 3))
    return Crop(share, ponds, side**2 * pixel_area / 1e6)


def findings(crops: Iterable[tuple[Crop, np.ndarray]]) -> Findings:
    """Count ponds found and false clusters.

    Parameters
    ----------
    crops : iterable of (Crop, ndarray of bool, shape (cells, cells))
        Each crop with its positive cells.
    """
    ponds = found = false = 0
    area = 0.0
    for crop, positive in crops:
        ponds += len(crop.ponds)
        found += sum(bool(positive[pond].any()) for pond in crop.ponds)
        numbered, clusters = label(positive, _NEIGHBOURS)
        true = np.unique(numbered[(crop.share > BACKGROUND_TO) & positive])
        false += clusters - len(true)
        area += crop.area
    return Findings(ponds, found, false, area)


def threshold_that_finds(crops: Iterable[tuple[Crop, np.ndarray]], share: float) -> float:
    """Return the greatest threshold at which a share of the ponds is found.

    Parameters
    ----------
    crops : iterable of (Crop, ndarray, shape (cells, cells))
        Each crop with the probabilities of its cells.
    share : float
        Above 0, up to 1.
    """
    highest = sorted(
        (float(values[pond].max()) for crop, values in crops for pond in crop.ponds), reverse=True
    )
    # A rounding error must not ask for one pond more.
    return highest[ceil(share * len(highest) - 1e-9) - 1]


def resampled(
    clusters: np.ndarray, statistic: Callable[[np.ndarray], float], *, draws: int = 1000
) -> tuple[float, float]:
    """Return the 95 % interval of a statistic when whole site clusters are drawn anew.

    Parameters
    ----------
    clusters : ndarray, shape (images,)
    statistic : callable
        From indexes of images, repeated as drawn.
    draws : int
    """
    random = np.random.default_rng(0)
    members = [np.flatnonzero(clusters == cluster) for cluster in np.unique(clusters)]
    values = [
        statistic(
            np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        )
        for _ in range(draws)
    ]
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)
