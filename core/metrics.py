"""How well predicted values meet measured ones: R2, RMSE, bias, RPD with its class, RPIQ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from gossan.core.errors import InputError

RPD_CLASSES = ("poor", "acceptable", "good", "excellent")
"""Below 1.4, 1.4 to 2.0, 2.0 to 2.5, above 2.5."""


@dataclass(frozen=True)
class RegressionScores:
    """Scores of one element; RMSE and bias in its unit.

    Parameters
    ----------
    n : int
        Pairs that were compared.
    r2, r2_low, r2_high : float
        Coefficient of determination with its 95 % bootstrap interval.
    rmse, bias : float
        Root mean squared error, mean of predicted - measured.
    rpd, rpiq : float
        Standard deviation and interquartile range of the measured values over the RMSE.
    rpd_class : str
        One of `RPD_CLASSES`, empty where RPD is undefined.
    """

    n: int
    r2: float
    r2_low: float
    r2_high: float
    rmse: float
    bias: float
    rpd: float
    rpd_class: str
    rpiq: float

    def to_dict(self) -> dict[str, float | int | str | None]:
        """Return the scores as JSON values; undefined and infinite ones are None."""
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in asdict(self).items()
        }


def r2(measured: np.ndarray, predicted: np.ndarray) -> float:
    """Return 1 - SSE / SST; below 0 when the mean would do better, NaN for constant `measured`."""
    m, p = _pairs(measured, predicted)
    total = float(np.sum((m - m.mean()) ** 2)) if len(m) else 0.0
    return 1.0 - float(np.sum((m - p) ** 2)) / total if total > 0 else math.nan


def rmse(measured: np.ndarray, predicted: np.ndarray) -> float:
    """Return the root mean squared error in the unit of the values."""
    m, p = _pairs(measured, predicted)
    return float(np.sqrt(np.mean((m - p) ** 2))) if len(m) else math.nan


def bias(measured: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean of predicted - measured, positive where predictions are too high."""
    m, p = _pairs(measured, predicted)
    return float(np.mean(p - m)) if len(m) else math.nan


def rpd(measured: np.ndarray, predicted: np.ndarray) -> float:
    """Return the standard deviation (n - 1) of the measured values over the RMSE."""
    m, _ = _pairs(measured, predicted)
    spread = float(np.std(m, ddof=1)) if len(m) > 1 else math.nan
    return _ratio(spread, rmse(measured, predicted))


def rpiq(measured: np.ndarray, predicted: np.ndarray) -> float:
    """Return the interquartile range of the measured values over the RMSE.

    References
    ----------
    Bellon-Maurel et al. (2010), Critical review of chemometric indicators. TrAC 29, 1073-1081.
    """
    m, _ = _pairs(measured, predicted)
    if not len(m):
        return math.nan
    low, high = np.percentile(m, [25, 75])
    return _ratio(float(high - low), rmse(measured, predicted))


def rpd_class(value: float) -> str:
    """Return what an RPD means: poor < 1.4 <= acceptable < 2.0 <= good <= 2.5 < excellent."""
    if math.isnan(value):
        return ""
    if value < 1.4:
        return "poor"
    if value < 2.0:
        return "acceptable"
    return "good" if value <= 2.5 else "excellent"


def r2_interval(
    measured: np.ndarray,
    predicted: np.ndarray,
    *,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the bootstrap percentile interval of R2 over the pairs.

    Parameters
    ----------
    measured, predicted : ndarray, shape (n,)
        Values in one unit; pairs with a missing one are left out.
    level : float
        Confidence, 0 to 1.
    resamples : int
        Bootstrap samples.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    tuple of float
        NaN where fewer than three pairs or constant values leave it undefined.
    """
    m, p = _pairs(measured, predicted)
    if len(m) < 3:
        return math.nan, math.nan
    chosen = np.random.default_rng(seed).integers(0, len(m), size=(resamples, len(m)))
    drawn = m[chosen]
    total = np.sum((drawn - drawn.mean(axis=1, keepdims=True)) ** 2, axis=1)
    errors = np.sum(((m - p) ** 2)[chosen], axis=1)
    scores = 1.0 - errors[total > 0] / total[total > 0]
    if not len(scores):
        return math.nan, math.nan
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def regression_scores(
    measured: np.ndarray, predicted: np.ndarray, *, seed: int = 0
) -> RegressionScores:
    """Return all scores of one element; pairs with a missing value are left out.

    Parameters
    ----------
    measured, predicted : ndarray, shape (n,)
        Values in one unit.
    seed : int
        Seed of the bootstrap interval of R2.
    """
    m, p = _pairs(measured, predicted)
    low, high = r2_interval(m, p, seed=seed)
    ratio = rpd(m, p)
    return RegressionScores(
        n=len(m),
        r2=r2(m, p),
        r2_low=low,
        r2_high=high,
        rmse=rmse(m, p),
        bias=bias(m, p),
        rpd=ratio,
        rpd_class=rpd_class(ratio),
        rpiq=rpiq(m, p),
    )


def mean_scores(repeats: Sequence[RegressionScores]) -> RegressionScores:
    """Return the mean of the scores of several repeats; averaging predictions would flatter."""
    if len(repeats) == 1:
        return repeats[0]

    def mean(name: str) -> float:
        return float(np.mean([getattr(scores, name) for scores in repeats]))

    ratio = mean("rpd")
    return RegressionScores(
        n=round(mean("n")),
        r2=mean("r2"),
        r2_low=mean("r2_low"),
        r2_high=mean("r2_high"),
        rmse=mean("rmse"),
        bias=mean("bias"),
        rpd=ratio,
        rpd_class=rpd_class(ratio),
        rpiq=mean("rpiq"),
    )


def _pairs(measured: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    m = np.asarray(measured, dtype=np.float64).ravel()
    p = np.asarray(predicted, dtype=np.float64).ravel()
    if len(m) != len(p):
        raise InputError(f"{len(m)} measured values cannot be compared with {len(p)} predictions.")
    known = np.isfinite(m) & np.isfinite(p)
    return m[known], p[known]


def _ratio(spread: float, error: float) -> float:
    if not spread > 0 or math.isnan(error):
        return math.nan
    return spread / error if error > 0 else math.inf
