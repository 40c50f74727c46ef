"""How well a class map meets its reference: confusion matrix, accuracies, kappa, IoU, areas.

In every confusion matrix rows are the reference and columns the map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from gossan.core.errors import InputError
from gossan.core.proportions import proportion_interval


def confusion_matrix(
    reference: np.ndarray, mapped: np.ndarray, classes: Sequence[int]
) -> np.ndarray:
    """Count how often each reference class was mapped as each class.

    Parameters
    ----------
    reference, mapped : ndarray of int, any equal shape
        Class values; pairs in which either is not one of `classes` are not counted.
    classes : sequence of int
        Class values in the order of rows and columns.

    Returns
    -------
    ndarray of int64, shape (classes, classes)
        Rows reference, columns map.

    Raises
    ------
    InputError
        When the two differ in size or a class is named twice.
    """
    r, m = np.asarray(reference).ravel(), np.asarray(mapped).ravel()
    if r.size != m.size:
        raise InputError(f"{r.size} reference values cannot be compared with {m.size} mapped ones.")
    values = np.asarray(classes)
    order = np.argsort(values)
    ordered = values[order]
    if len(np.unique(ordered)) < len(ordered):
        raise InputError("A class is named twice.")
    rows, known_rows = _positions(r, ordered, order)
    columns, known_columns = _positions(m, ordered, order)
    known = known_rows & known_columns
    k = len(values)
    flat = np.bincount(rows[known] * k + columns[known], minlength=k * k)
    return flat.reshape(k, k).astype(np.int64)


def overall_accuracy(matrix: np.ndarray) -> float:
    """Return the share of pairs on the diagonal, 0 to 1."""
    return _divide(float(np.trace(matrix)), float(matrix.sum()))


def overall_accuracy_interval(matrix: np.ndarray, *, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson (1927) interval of the overall accuracy for independent pairs."""
    return proportion_interval(int(np.trace(matrix)), int(matrix.sum()), level=level)


def kappa(matrix: np.ndarray) -> float:
    """Return Cohen's (1960) kappa, the agreement beyond chance."""
    total = float(matrix.sum())
    if total == 0:
        return math.nan
    chance = float((matrix.sum(axis=0) * matrix.sum(axis=1)).sum()) / total**2
    return _divide(overall_accuracy(matrix) - chance, 1.0 - chance)


def producers_accuracy(matrix: np.ndarray) -> np.ndarray:
    """Return for each class the share of its reference that was mapped so (recall)."""
    return _ratios(np.diag(matrix), matrix.sum(axis=1))


def users_accuracy(matrix: np.ndarray) -> np.ndarray:
    """Return for each class the share of its mapped pixels that is right (precision)."""
    return _ratios(np.diag(matrix), matrix.sum(axis=0))


def f1(matrix: np.ndarray) -> np.ndarray:
    """Return for each class the harmonic mean of user's and producer's accuracy."""
    return _ratios(2 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1))


def iou(matrix: np.ndarray) -> np.ndarray:
    """Return for each class intersection over union; NaN where neither side has the class."""
    diagonal = np.diag(matrix)
    return _ratios(diagonal, matrix.sum(axis=0) + matrix.sum(axis=1) - diagonal)


def mean_iou(matrix: np.ndarray) -> float:
    """Return the mean IoU over the classes that occur in the reference or the map."""
    values = iou(matrix)
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


@dataclass(frozen=True)
class AreaAdjusted:
    """Accuracies and areas that allow for how the reference was sampled.

    Parameters
    ----------
    overall, overall_error : float
        Overall accuracy and the half width of its interval.
    users, users_error, producers, producers_error : ndarray, shape (classes,)
        Accuracies with the half widths of their intervals.
    shares, shares_error : ndarray, shape (classes,)
        Unbiased share of the area that each class covers, with half widths.
    """

    overall: float
    overall_error: float
    users: np.ndarray
    users_error: np.ndarray
    producers: np.ndarray
    producers_error: np.ndarray
    shares: np.ndarray
    shares_error: np.ndarray


def area_adjusted(
    matrix: np.ndarray, mapped_areas: np.ndarray, *, level: float = 0.95
) -> AreaAdjusted:
    """Estimate accuracies and areas from a reference sample stratified by mapped class.

    Parameters
    ----------
    matrix : ndarray of int, shape (classes, classes)
        Confusion matrix of the sample, rows reference, columns map.
    mapped_areas : ndarray, shape (classes,)
        Area of each class in the map, any unit.
    level : float
        Confidence, 0 to 1.

    Raises
    ------
    InputError
        When a mapped class has an area and fewer than two reference samples.

    References
    ----------
    Olofsson et al. (2014), Good practices for estimating area and assessing accuracy of land
    change. Remote Sensing of Environment 148, 42-57, equations 4 to 11.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    counts = np.asarray(matrix, dtype=np.float64).T  # rows are now map strata, as in the source
    areas = np.asarray(mapped_areas, dtype=np.float64)
    n = counts.sum(axis=1)
    if np.any((areas > 0) & (n < 2)):
        short = ", ".join(str(i + 1) for i in np.flatnonzero((areas > 0) & (n < 2)))
        raise InputError(
            f"Mapped class number {short} has fewer than two reference samples; "
            "collect some before estimating areas."
        )
    weights = areas / areas.sum()
    within = np.divide(counts, n[:, None], out=np.zeros_like(counts), where=n[:, None] > 0)
    p = weights[:, None] * within
    free = np.maximum(n - 1, 1)
    users = _ratios(np.diag(counts), n)
    known_users = np.nan_to_num(users)
    users_variance = known_users * (1 - known_users) / free
    shares = p.sum(axis=0)
    shares_variance = ((weights[:, None] * p - p**2) / free[:, None]).sum(axis=0)
    producers = _ratios(np.diag(p), shares)
    return AreaAdjusted(
        overall=float(np.trace(p)),
        overall_error=z * math.sqrt(float((weights**2 * users_variance).sum())),
        users=users,
        users_error=np.where(n > 0, z * np.sqrt(users_variance), np.nan),
        producers=producers,
        producers_error=z * np.sqrt(_producers_variance(counts, n, areas, producers)),
        shares=shares,
        shares_error=z * np.sqrt(shares_variance),
    )


def _producers_variance(
    counts: np.ndarray, n: np.ndarray, areas: np.ndarray, producers: np.ndarray
) -> np.ndarray:
    """Return the variance of producer's accuracy, equation 7 of Olofsson et al. (2014)."""
    safe = np.maximum(n, 1)
    free = np.maximum(n - 1, 1)
    within = counts / safe[:, None]
    spread = within * (1 - within) / free[:, None]
    totals = (areas[:, None] * within).sum(axis=0)
    own = areas**2 * (1 - producers) ** 2 * np.diag(spread)
    others = (areas[:, None] ** 2 * spread).sum(axis=0) - areas**2 * np.diag(spread)
    return _ratios(own + producers**2 * others, totals**2)


def _positions(
    values: np.ndarray, ordered: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where each value stands among the classes, and whether it is one of them."""
    found = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return order[found], ordered[found] == values


def _ratios(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(
        np.asarray(above, dtype=np.float64),
        np.asarray(below, dtype=np.float64),
        out=np.full(len(above), np.nan),
        where=np.asarray(below) > 0,
    )


def _divide(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan
