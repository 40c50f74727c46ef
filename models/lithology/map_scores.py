"""How well a class map meets its reference, with intervals for alike neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gossan.core.blocks import Window
from gossan.core.errors import InputError
from gossan.core.validation import (
    AreaAdjusted,
    area_adjusted,
    confusion_matrix,
    f1,
    iou,
    kappa,
    mean_iou,
    overall_accuracy,
    producers_accuracy,
    users_accuracy,
)

RESAMPLES = 1000
"""Bootstrap samples of blocks."""

LEVEL = 0.95

SCORE_COLUMNS = (
    "Class", "Reference pixels", "Mapped pixels", "Producer's accuracy", "User's accuracy", "F1",
    "IoU",
)  # fmt: skip


@dataclass(frozen=True)
class Interval:
    """A score with the ends of its 95 % interval; NaN where blocks are too few."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if not math.isfinite(self.low):
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass
class BlockCounts:
    """Confusion matrices of square blocks of an image, gathered window by window.

    Parameters
    ----------
    classes : tuple of int
        Class values, in the order of rows and columns.
    side : int
        Side of a block, pixels.
    """

    classes: tuple[int, ...]
    side: int
    matrices: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)

    def add(self, window: Window, reference: np.ndarray, mapped: np.ndarray) -> None:
        """Count a window; pixels where either is none of the classes are not counted."""
        rows = np.arange(window.row, window.row + window.height) // self.side
        columns = np.arange(window.column, window.column + window.width) // self.side
        for row in np.unique(rows):
            across = rows == row
            for column in np.unique(columns):
                down = columns == column
                part = np.ix_(across, down)
                counted = confusion_matrix(reference[part], mapped[part], self.classes)
                if counted.any():
                    key = int(row), int(column)
                    self.matrices[key] = self.matrices.get(key, 0) + counted

    @property
    def matrix(self) -> np.ndarray:
        """The confusion matrix of all blocks, rows reference and columns map."""
        count = len(self.classes)
        total = np.zeros((count, count), dtype=np.int64)
        for one in self.matrices.values():
            total += one
        return total

    def interval(self, score: Callable[[np.ndarray], float], *, seed: int = 0) -> Interval:
        """Return a score with its interval from drawing blocks with replacement.

        Neighbouring pixels are right or wrong together, so an interval that counts each of them as
        a sample of its own is far too narrow.
        """
        return self._interval(score, list(self.matrices.values()), seed)

    def difference(
        self, other: BlockCounts, score: Callable[[np.ndarray], float], *, seed: int = 0
    ) -> Interval:
        """Return by how much a score exceeds another map's on the same blocks, with its interval.

        Parameters
        ----------
        other : BlockCounts
            Of the same image and blocks.
        score : callable
            From a confusion matrix to a number.
        """
        keys = sorted(set(self.matrices) & set(other.matrices))
        pairs = [np.stack([self.matrices[key], other.matrices[key]]) for key in keys]
        return self._interval(lambda pair: score(pair[0]) - score(pair[1]), pairs, seed)

    @staticmethod
    def _interval(
        score: Callable[[np.ndarray], float], matrices: list[np.ndarray], seed: int
    ) -> Interval:
        if not matrices:
            return Interval(math.nan, math.nan, math.nan)
        stacked = np.stack(matrices)
        value = float(score(stacked.sum(axis=0)))
        count = len(stacked)
        if count < 4:
            return Interval(value, math.nan, math.nan)
        drawn = np.random.default_rng(seed).multinomial(
            count, np.full(count, 1.0 / count), size=RESAMPLES
        )
        flat = drawn @ stacked.reshape(count, -1)
        scores = [score(one.reshape(stacked.shape[1:])) for one in flat]
        known = np.array([one for one in scores if math.isfinite(one)])
        if not len(known):
            return Interval(value, math.nan, math.nan)
        low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Interval(value, float(low), float(high))


@dataclass(frozen=True)
class MapScores:
    """All scores of a class map.

    Parameters
    ----------
    names : tuple of str
        The classes.
    matrix : ndarray of int64, shape (classes, classes)
        Rows reference, columns map.
    overall, mean_iou : Interval
    kappa : float
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    overall: Interval
    mean_iou: Interval
    kappa: float

    @classmethod
    def of(cls, counts: BlockCounts, names: Sequence[str], *, seed: int = 0) -> MapScores:
        """Score what was counted.

        Raises
        ------
        InputError
            When no pixel was counted.
        """
        matrix = counts.matrix
        if not matrix.any():
            raise InputError("No pixel has both a mapped class and a reference to compare it with.")
        return cls(
            names=tuple(names),
            matrix=matrix,
            overall=counts.interval(overall_accuracy, seed=seed),
            mean_iou=counts.interval(mean_iou, seed=seed),
            kappa=kappa(matrix),
        )

    def rows(self) -> list[list[Any]]:
        """Return a row per class, in the order of `SCORE_COLUMNS`."""
        return [
            [name, int(reference), int(mapped), *(float(score) for score in scores)]
            for name, reference, mapped, *scores in zip(
                self.names,
                self.matrix.sum(axis=1),
                self.matrix.sum(axis=0),
                producers_accuracy(self.matrix),
                users_accuracy(self.matrix),
                f1(self.matrix),
                iou(self.matrix),
            )
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain JSON; undefined ones are None."""
        return {
            "overall_accuracy": _plain(self.overall.value),
            "kappa": _plain(self.kappa),
            "mean_iou": _plain(self.mean_iou.value),
            "iou": {name: _plain(value) for name, value in zip(self.names, iou(self.matrix))},
            "pixels": int(self.matrix.sum()),
        }

    def shares(self) -> np.ndarray:
        """Return the confusion matrix as per cent of each reference class, NaN for none."""
        totals = self.matrix.sum(axis=1, keepdims=True)
        return np.divide(
            100.0 * self.matrix, totals, out=np.full(self.matrix.shape, np.nan), where=totals > 0
        )


def adjusted_for_area(
    matrix: np.ndarray, areas: Mapping[int, float], classes: Sequence[int]
) -> tuple[AreaAdjusted | None, str]:
    """Return accuracies that allow for the area of each mapped class, or why there are none.

    Parameters
    ----------
    matrix : ndarray, shape (classes, classes)
    areas : mapping
        Area of each class value in the whole map.
    classes : sequence of int
        Class values in the order of the matrix.
    """
    try:
        return area_adjusted(matrix, np.array([areas.get(value, 0.0) for value in classes])), ""
    except InputError as problem:
        return None, str(problem)


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
