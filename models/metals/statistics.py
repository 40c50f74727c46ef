"""Descriptive statistics and Pearson correlations of elements, exact and streaming."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError

QUANTILE_PIXELS = 4_000_000
"""Pixels kept for quantiles; larger images are thinned evenly, and the report says so."""


class CoMoments:
    """Count, means and co-moments of several variables, gathered block by block.

    Blocks are centred on their own means before they are merged, so that the result does not
    lose digits however long the stream and however large the mean. Source: T. F. Chan,
    G. H. Golub, R. J. LeVeque: Algorithms for computing the sample variance (1983).

    Parameters
    ----------
    variables : int
        Number of variables (elements).
    """

    def __init__(self, variables: int) -> None:
        self.count = 0
        self.means = np.zeros(variables)
        self.comoments = np.zeros((variables, variables))

    def add(self, values: np.ndarray) -> None:
        """Take in a block of observations.

        Parameters
        ----------
        values : ndarray of shape (observations, variables)
            Finite values only.
        """
        count = len(values)
        if count == 0:
            return
        block = np.asarray(values, dtype=np.float64)
        means = block.mean(axis=0)
        centred = block - means
        total = self.count + count
        shift = means - self.means
        weight = self.count * count / total
        self.comoments += centred.T @ centred + np.outer(shift, shift) * weight
        self.means += shift * (count / total)
        self.count = total

    def covariance(self) -> np.ndarray:
        """Return the sample covariance (n - 1), of shape (variables, variables)."""
        if self.count < 2:
            raise InputError(
                f"{self.count} observation(s) have a value of every element, and at least 2 are "
                "needed. Choose fewer elements, or check the values that count as missing."
            )
        return self.comoments / (self.count - 1)

    def correlation(self) -> np.ndarray:
        """Return Pearson's r, of shape (variables, variables); NaN where a variable is constant."""
        covariance = self.covariance()
        deviations = np.sqrt(np.diag(covariance))
        # A constant that float32 cannot hold exactly leaves rounding dust, not variation.
        dust = np.abs(self.means) * 1e-7
        deviations = np.where(deviations > dust, deviations, np.nan)
        matrix = covariance / np.outer(deviations, deviations)
        np.fill_diagonal(matrix, np.where(np.isfinite(deviations), 1.0, np.nan))
        return np.clip(matrix, -1.0, 1.0)


@dataclass(frozen=True)
class ElementStatistics:
    """Descriptive statistics of one element, in the element's unit where there is one."""

    element: str
    count: int
    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float
    mean: float
    standard_deviation: float
    coefficient_of_variation: float
    skewness: float
    kurtosis: float


def describe(
    elements: list[str], blocks: Callable[[], Iterable[np.ndarray]]
) -> tuple[list[ElementStatistics], np.ndarray, bool]:
    """Describe each element and correlate all of them over the complete observations.

    Parameters
    ----------
    elements : list of str
        Names, one per column.
    blocks : callable
        Starts a pass over the observations: blocks of shape (observations, elements). An
        observation with a NaN in any element is left out. Called twice.

    Returns
    -------
    statistics : list of ElementStatistics
        Standard deviation with n - 1; skewness and excess kurtosis of the sample moments.
    correlation : ndarray of shape (elements, elements)
    thinned : bool
        True where the quartiles come from an even sample of the observations.

    Raises
    ------
    InputError
        If fewer than two observations are complete.
    """
    moments = CoMoments(len(elements))
    for block in blocks():
        moments.add(complete(block))
    correlation = moments.correlation()
    deviations = np.sqrt(np.diag(moments.covariance()))
    step = -(-moments.count // QUANTILE_PIXELS)

    thirds = np.zeros(len(elements))
    fourths = np.zeros(len(elements))
    lowest = np.full(len(elements), np.inf)
    highest = np.full(len(elements), -np.inf)
    kept: list[np.ndarray] = []
    passed = 0
    for block in blocks():
        values = complete(block)
        if len(values) == 0:
            continue
        centred = values.astype(np.float64) - moments.means
        thirds += (centred**3).sum(axis=0)
        fourths += (centred**4).sum(axis=0)
        lowest = np.minimum(lowest, values.min(axis=0))
        highest = np.maximum(highest, values.max(axis=0))
        kept.append(values[-passed % step :: step])
        passed += len(values)
    quartiles = np.percentile(np.concatenate(kept), [25, 50, 75], axis=0)

    population = np.sqrt(np.diag(moments.comoments) / moments.count)
    with np.errstate(divide="ignore", invalid="ignore"):
        variation = deviations / moments.means
        skewness = thirds / moments.count / population**3
        kurtosis = fourths / moments.count / population**4 - 3.0
    statistics = [
        ElementStatistics(
            element,
            moments.count,
            float(lowest[i]),
            float(quartiles[0, i]),
            float(quartiles[1, i]),
            float(quartiles[2, i]),
            float(highest[i]),
            float(moments.means[i]),
            float(deviations[i]),
            float(variation[i]),
            float(skewness[i]),
            float(kurtosis[i]),
        )
        for i, element in enumerate(elements)
    ]
    return statistics, correlation, step > 1


def complete(values: np.ndarray) -> np.ndarray:
    """Return the rows in which every value is finite, of shape (rows, elements)."""
    rows = values.reshape(-1, values.shape[-1])
    return rows[np.isfinite(rows).all(axis=1)]
