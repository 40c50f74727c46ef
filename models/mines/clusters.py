"""From cells to findings: neighbouring cells above the threshold become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

_EIGHT = np.ones((3, 3), dtype=int)


@dataclass(frozen=True)
class Impacts:
    """What the impact model says of cells.

    Parameters
    ----------
    cells : ndarray (n, 2) of int
        Row and column of each judged cell.
    probabilities : ndarray (n, classes)
    classes : tuple of str
    """

    cells: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]

    def of_grid(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the number of each cell's class in a grid of that shape, -1 where not judged."""
        grid = np.full(shape, -1, dtype=np.int16)
        if len(self.cells):
            grid[self.cells[:, 0], self.cells[:, 1]] = self.probabilities.argmax(axis=1)
        return grid


@dataclass(frozen=True)
class Cluster:
    """Neighbouring cells that make one finding, sorted by row and column.

    Parameters
    ----------
    rows, columns : ndarray (n,) of int
    probability : ndarray (n,)
    votes : mapping of str to int
        Cells of each class of impact, the most frequent first; empty without an impact model.
    """

    rows: np.ndarray
    columns: np.ndarray
    probability: np.ndarray
    votes: Mapping[str, int]

    @property
    def impact(self) -> str:
        """The class with most votes."""
        return next(iter(self.votes), "")


@dataclass(frozen=True)
class Clusters:
    """The findings of a search, most probable first.

    Parameters
    ----------
    found : tuple of Cluster
    positive : int
        Cells from the threshold on.
    isolated : int
        Those of them that were dropped, for they stand alone below the threshold for such.
    dropped : int
        Those that were dropped as what has no ore.
    """

    found: tuple[Cluster, ...]
    positive: int
    isolated: int
    dropped: int

    @property
    def cells(self) -> int:
        """Number of cells of all findings."""
        return sum(len(cluster.rows) for cluster in self.found)


def cluster(
    probability: np.ndarray,
    threshold: float,
    *,
    isolated_threshold: float | None = None,
    impacts: Impacts | None = None,
    dropped_class: str = "no ore",
) -> Clusters:
    """Join cells that touch at a side or a corner.

    Parameters
    ----------
    probability : ndarray (rows, columns)
        NaN where nothing is known.
    threshold : float
        Cells from this probability on count.
    isolated_threshold : float or None
        What a cell needs that has no neighbour from the threshold on.
    impacts : Impacts or None
        Classes of all cells that count; those of ``dropped_class`` are left out.
    dropped_class : str

    Returns
    -------
    Clusters
    """
    # Comparisons with NaN are False.
    positive = probability >= threshold
    counted = positive.copy()
    if isolated_threshold is not None:
        neighbours = ndimage.convolve(positive.astype(np.int16), _EIGHT, mode="constant") - positive
        counted &= (neighbours > 0) | (probability >= isolated_threshold)
    alone = int(positive.sum() - counted.sum())
    classes = None if impacts is None else impacts.of_grid(probability.shape)
    dropped = 0
    if impacts is not None and classes is not None and dropped_class in impacts.classes:
        ore = classes != impacts.classes.index(dropped_class)
        dropped = int((counted & ~ore).sum())
        counted &= ore
    labels, count = ndimage.label(counted, structure=_EIGHT)
    rows, columns = np.nonzero(labels)
    numbers = labels[rows, columns]
    order = np.argsort(numbers, kind="stable")
    cuts = np.searchsorted(numbers[order], np.arange(2, count + 1))
    names = () if impacts is None else impacts.classes
    found = [
        Cluster(
            rows[part],
            columns[part],
            probability[rows[part], columns[part]].astype(np.float64),
            {} if classes is None else _votes(classes[rows[part], columns[part]], names),
        )
        for part in np.split(order, cuts)
        if part.size
    ]
    found.sort(key=lambda each: (-each.probability.max(), each.rows[0], each.columns[0]))
    return Clusters(tuple(found), int(positive.sum()), alone, dropped)


def _votes(classes: np.ndarray, names: Sequence[str]) -> dict[str, int]:
    """Count the classes; of equal numbers the one that the model names first comes first."""
    counts = np.bincount(classes[classes >= 0], minlength=len(names))
    ranked = sorted(range(len(names)), key=lambda number: -counts[number])
    return {names[number]: int(counts[number]) for number in ranked if counts[number]}
