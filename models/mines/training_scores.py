"""How well a detector or classifier tells its classes, from predictions for unseen chips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from gossan.core.validation import (
    confusion_matrix,
    f1,
    kappa,
    overall_accuracy,
    producers_accuracy,
    proportion_interval,
    users_accuracy,
)

BEST_STEPS = 99


@dataclass(frozen=True)
class Scores:
    """Scores of predictions.

    Parameters
    ----------
    classes : tuple of str
    matrix : ndarray of int (classes, classes)
        Rows truth, columns prediction.
    precision, recall, f1 : ndarray (classes,)
    accuracy, kappa : float
    roc_auc, pr_auc : float
        Of the class mine by its probability; of several classes the mean over one against all.
    threshold : float or None
        From which a cell counts as mine; None for the likeliest of several classes.
    """

    classes: tuple[str, ...]
    matrix: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    accuracy: float
    kappa: float
    roc_auc: float
    pr_auc: float
    threshold: float | None

    @property
    def headline(self) -> dict[str, float]:
        """F1, precision and recall: of mines, or the mean over several classes."""
        if self.threshold is not None:
            chosen = {"f1": self.f1, "precision": self.precision, "recall": self.recall}
            return {name: float(values[1]) for name, values in chosen.items()}
        return {
            name: float(np.nanmean(values)) if np.isfinite(values).any() else math.nan
            for name, values in (
                ("f1", self.f1),
                ("precision", self.precision),
                ("recall", self.recall),
            )
        }

    def intervals(self) -> list[tuple[str, float, float, float]]:
        """Return class, recall and its 95 % Wilson interval."""
        rows = []
        for index, name in enumerate(self.classes):
            total = int(self.matrix[index].sum())
            low, high = proportion_interval(int(self.matrix[index, index]), total)
            rows.append((name, float(self.recall[index]), low, high))
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values; undefined ones are None."""
        values: dict[str, Any] = {
            **self.headline,
            "accuracy": self.accuracy,
            "kappa": self.kappa,
            "roc_auc": self.roc_auc,
            "pr_auc": self.pr_auc,
        }
        plain = {name: value if math.isfinite(value) else None for name, value in values.items()}
        return {
            **plain,
            "confusion_matrix": self.matrix.tolist(),
            "classes": list(self.classes),
            "threshold": self.threshold,
        }


def scores_of(
    truth: np.ndarray,
    probabilities: np.ndarray,
    classes: tuple[str, ...],
    threshold: float | None = None,
) -> Scores:
    """Score predictions.

    Parameters
    ----------
    truth : ndarray of int (n,)
    probabilities : ndarray (n, classes)
    classes : tuple of str
    threshold : float or None
        Probability of the second of two classes from which it counts; None takes the likeliest.
    """
    if threshold is None:
        predicted = probabilities.argmax(axis=1)
    else:
        predicted = (probabilities[:, 1] >= threshold).astype(np.int64)
    matrix = confusion_matrix(truth, predicted, range(len(classes)))
    areas = [_areas(truth == k, probabilities[:, k]) for k in range(len(classes))]
    roc, average = np.array(areas).T if threshold is None else np.array([areas[1]]).T
    return Scores(
        classes=classes,
        matrix=matrix,
        precision=users_accuracy(matrix),
        recall=producers_accuracy(matrix),
        f1=f1(matrix),
        accuracy=overall_accuracy(matrix),
        kappa=kappa(matrix),
        roc_auc=_mean(roc),
        pr_auc=_mean(average),
        threshold=threshold,
    )


def best_threshold(truth: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """Return the threshold with the best F1 of the second class, and that F1; NaN for one class."""
    steps = np.linspace(0.01, 0.99, BEST_STEPS)
    found = [
        float(f1(confusion_matrix(truth, (probabilities[:, 1] >= step).astype(int), (0, 1)))[1])
        for step in steps
    ]
    if not np.isfinite(found).any():
        return math.nan, math.nan
    best = int(np.nanargmax(found))
    return float(steps[best]), found[best]


def _areas(positive: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    if positive.all() or not positive.any():
        return math.nan, math.nan
    return (
        float(roc_auc_score(positive, probability)),
        float(average_precision_score(positive, probability)),
    )


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
