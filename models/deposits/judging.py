"""How good predictions of presence or richness are, and what plain guesses reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score

from gossan.core.validation import r2, rmse
from gossan.models.deposits.chip_files import Chip
from gossan.models.deposits.learning_sets import GOALS, LearningSet

MEDIAN, BRIGHTNESS, PLACE = "median", "mean brightness", "latitude and longitude"
RANDOMISED = "randomised labels"
"""Names of what a result stands beside."""

MEASURES = {
    GOALS[0]: ("cross-entropy", "accuracy", "AUC"),
    GOALS[1]: ("MAE", "RMSE", "R²"),
}
"""What is measured for each goal; the first one is what is learnt, and less of it is better."""

_FLOOR = 1e-6
_TREES = 200


def scores(goal: str, targets: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the measures of a goal.

    Parameters
    ----------
    goal : str
    targets : ndarray, shape (n,)
    predicted : ndarray, shape (n,)
        Probabilities, or richness.
    """
    wanted = np.asarray(targets, dtype=np.float64)
    given = np.asarray(predicted, dtype=np.float64)
    if goal == GOALS[0]:
        safe = np.clip(given, _FLOOR, 1 - _FLOOR)
        entropy = -np.mean(wanted * np.log(safe) + (1 - wanted) * np.log(1 - safe))
        both = 0 < wanted.sum() < len(wanted)
        return {
            "cross-entropy": float(entropy),
            "accuracy": float(np.mean((given > 0.5) == (wanted > 0.5))),
            "AUC": float(roc_auc_score(wanted, given)) if both else math.nan,
        }
    return {
        "MAE": float(np.mean(np.abs(wanted - given))),
        "RMSE": rmse(wanted, given),
        "R²": r2(wanted, given),
    }


def baselines(data: LearningSet, seed: int) -> dict[str, dict[str, float]]:
    """Return the scores of plain guesses on the validation chips.

    The median of the training targets (for presence their share), a straight line over mean
    brightness (logistic for presence), and a forest over latitude and longitude: what a network
    must beat to have learnt anything from the images.
    """
    fitted = np.concatenate([data.learning, data.tuning])
    wanted = data.targets[fitted].astype(np.float64)
    constant = wanted.mean() if data.goal == GOALS[0] else float(np.median(wanted))
    guesses: Mapping[str, np.ndarray] = {
        MEDIAN: np.full(len(data.validation), constant),
        BRIGHTNESS: _fitted(data, fitted, _brightness, forest=False, seed=seed),
        PLACE: _fitted(data, fitted, _place, forest=True, seed=seed),
    }
    truth = data.targets[data.validation]
    return {name: scores(data.goal, truth, guess) for name, guess in guesses.items()}


def _fitted(
    data: LearningSet,
    fitted: np.ndarray,
    features: Callable[[Chip], list[float]],
    *,
    forest: bool,
    seed: int,
) -> np.ndarray:
    """Return what a plain model of few features says of the validation chips."""
    one = np.array([features(data.chips[i]) for i in fitted])
    other = np.array([features(data.chips[i]) for i in data.validation])
    wanted = data.targets[fitted]
    if data.goal == GOALS[0]:
        trees = RandomForestClassifier(_TREES, min_samples_leaf=2, random_state=seed)
        classifier = trees if forest else LogisticRegression()
        return np.asarray(classifier.fit(one, wanted > 0.5).predict_proba(other)[:, -1])
    trees = RandomForestRegressor(_TREES, min_samples_leaf=2, random_state=seed)
    regressor = trees if forest else LinearRegression()
    return np.asarray(regressor.fit(one, wanted).predict(other))


def _brightness(chip: Chip) -> list[float]:
    return [chip.brightness]


def _place(chip: Chip) -> list[float]:
    return [chip.latitude, chip.longitude]
