"""Training of spectral models: every method in the same folds, the better one kept per element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError
from gossan.core.metrics import RegressionScores, mean_scores, r2, regression_scores, rmse, rpd
from gossan.core.progress import Progress
from gossan.core.validation import Splits
from gossan.models.networks.training import History
from gossan.models.soil_spectra.joining import Joined
from gossan.models.soil_spectra.reach import Reach, reach_of
from gossan.models.soil_spectra.regressors import (
    METHODS,
    NETWORK,
    Features,
    FitOptions,
    NetworkMethod,
)
from gossan.models.soil_spectra.steps import Stage, StepOptions, preprocess
from gossan.models.soil_spectra.validation import (
    FEWEST_SAMPLES,
    Fitted,
    Validation,
    fit_to,
    make_splits,
    of_samples,
    out_of_sample,
)

BEST = "best in validation"
KEEP = (BEST, *METHODS)

INTERVAL = (0.05, 0.95)
"""Quantiles of the errors that bound the prediction interval."""

_NETWORK_COST = 12.0
"""How many times longer than another method the network takes, about; for the progress."""


@dataclass(frozen=True)
class MethodScores:
    """How well a method does for an element.

    Parameters
    ----------
    element, method : str
    validation : RegressionScores
        Of predictions for samples that the model had not seen, mean over the repeats.
    spread : float
        Standard deviation of R2 over the repeats; NaN for one.
    r2_training, rmse_training, rpd_training : float
        Of the final model on its own training samples.
    permuted : tuple of float
        R2 of the same on concentrations dealt at random.
    coverage : float
        Share of unseen samples inside an interval that should hold nine of ten, made from the
        errors of the other folds.
    """

    element: str
    method: str
    validation: RegressionScores
    spread: float
    r2_training: float
    rmse_training: float
    rpd_training: float
    permuted: tuple[float, ...]
    coverage: float

    @property
    def gap(self) -> float:
        """R2 on the training samples minus R2 of validation: what the model only remembers."""
        return self.r2_training - self.validation.r2

    @property
    def beats_chance(self) -> bool:
        """Whether R2 is above all that chance brought, and above zero."""
        known = [value for value in self.permuted if math.isfinite(value)]
        return self.validation.r2 > max([0.0, *known])


@dataclass(frozen=True, eq=False)
class MethodResult:
    """A method with what it predicted.

    Parameters
    ----------
    name : str
    fitted : Fitted
        To all samples.
    unseen : ndarray, shape (samples, elements)
        Predictions for samples that the model had not seen, mean over the repeats.
    seen : ndarray, shape (samples, elements)
        Of the final model for its own training samples.
    residuals : tuple of ndarray
        For each element the errors of unseen samples, sorted; of logarithms where these are
        fitted.
    scores : tuple of MethodScores
    """

    name: str
    fitted: Fitted
    unseen: np.ndarray
    seen: np.ndarray
    residuals: tuple[np.ndarray, ...]
    scores: tuple[MethodScores, ...]

    @property
    def history(self) -> History | None:
        """The course of the final network's training."""
        method = self.fitted.method
        return method.history if isinstance(method, NetworkMethod) else None


@dataclass(frozen=True, eq=False)
class Trained:
    """A training with all that its report tells.

    Parameters
    ----------
    joined : Joined
    stages : list of Stage
        The spectra after each step.
    samples : tuple of str
        In the order of the predictions.
    rows : ndarray of int, shape (samples,)
        Row of the element table of each.
    values : ndarray, shape (samples, elements)
    folds : ndarray of int, shape (samples,)
        In which a sample was tested in the first repeat, from 1; 0 for never.
    results : tuple of MethodResult
    kept : tuple of int
        For each element the position of the method that the model uses.
    reach : Reach
    split : str
    """

    joined: Joined
    stages: list[Stage]
    samples: tuple[str, ...]
    rows: np.ndarray
    values: np.ndarray
    folds: np.ndarray
    results: tuple[MethodResult, ...]
    kept: tuple[int, ...]
    reach: Reach
    split: str

    @property
    def elements(self) -> tuple[str, ...]:
        """Names of the elements."""
        return self.joined.table.samples.names

    def chosen(self, k: int) -> MethodResult:
        """Return the method that the model uses for element `k`."""
        return self.results[self.kept[k]]


def train_spectral(
    joined: Joined,
    steps: StepOptions,
    methods: Sequence[str],
    keep: str,
    validation: Validation,
    options: FitOptions,
    progress: Progress,
) -> Trained:
    """Validate the methods in the same folds, then fit each to all samples.

    Parameters
    ----------
    joined : Joined
    steps : StepOptions
    methods : sequence of str
        Of `METHODS`.
    keep : str
        One of `KEEP`: the method that the model uses.
    validation : Validation
    options : FitOptions
    progress : Progress

    Raises
    ------
    InputError
        When the methods are unknown or the samples do not suffice.
    """
    wanted = _methods(methods, keep)
    table = joined.table.samples
    stages = preprocess(joined.laboratory.spectra, steps)
    features = Features(stages[-1].spectra, joined.covariates)
    labels = joined.laboratory.samples
    samples, groups = _numbered(labels)
    rows = np.array([joined.rows[labels.index(name)] for name in samples], dtype=int)
    values = table.values[rows]
    _check(values, table.names, options)
    areas = None if table.groups is None else table.groups[joined.rows]
    splits, how = make_splits(labels, areas, validation)
    progress.say(
        f"{len(samples)} samples with {len(labels)} spectra of {features.spectra.values.shape[1]} "
        f"bands; {', '.join(wanted)}; validation: {how}."
    )
    costs = [_NETWORK_COST if name == NETWORK else 1.0 for name in wanted]
    results, done = [], 0.0
    for name, cost in zip(wanted, costs):
        part = progress.part(done / sum(costs), (done + cost) / sum(costs))
        progress.say(f"Validating and fitting: {name}.")
        results.append(
            _result(
                name,
                features,
                joined.values,
                groups,
                splits,
                options,
                validation,
                table.names,
                part,
            )
        )
        done += cost
    folds = np.zeros(len(samples), dtype=int)
    for number, (_, test) in enumerate(splits[0], start=1):
        folds[groups[test]] = number
    means = np.stack([of_samples(column, groups) for column in features.spectra.values.T], axis=1)
    return Trained(
        joined,
        stages,
        samples,
        rows,
        values,
        folds,
        tuple(results),
        tuple(_best(results, k, keep) for k in range(len(table.names))),
        reach_of(means, validation.seed),
        how,
    )


def _methods(methods: Sequence[str], keep: str) -> list[str]:
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        given = repr(unknown[0]) if unknown else "none"
        raise InputError(f"Choose one or more of the methods {', '.join(METHODS)}, not {given}.")
    if keep not in KEEP:
        raise InputError(f"Unknown method to keep {keep!r}; use one of {', '.join(KEEP)}.")
    if keep != BEST and keep not in methods:
        raise InputError(f"The model is to keep {keep}, which is not among the chosen methods.")
    return list(dict.fromkeys(methods))


def _numbered(labels: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the samples in the order of their first spectrum, and each spectrum's number."""
    order = tuple(dict.fromkeys(labels))
    places = {name: number for number, name in enumerate(order)}
    return order, np.array([places[name] for name in labels], dtype=int)


def _check(values: np.ndarray, names: Sequence[str], options: FitOptions) -> None:
    for k, name in enumerate(names):
        known = values[np.isfinite(values[:, k]), k]
        if len(known) < FEWEST_SAMPLES:
            raise InputError(
                f"{name} has {len(known)} samples with a spectrum and a value, and at least "
                f"{FEWEST_SAMPLES} are needed; add samples or leave {name} out."
            )
        if np.ptp(known) == 0:
            raise InputError(
                f"{name} is {known[0]:g} in all {len(known)} samples, so there is nothing to "
                f"learn; leave {name} out."
            )
        if options.log_transform and np.any(known <= 0):
            raise InputError(
                f"{name} has {int(np.sum(known <= 0))} values of zero or less, which have no "
                "logarithm; switch the logarithm off or correct them."
            )


def _result(
    name: str,
    features: Features,
    values: np.ndarray,
    groups: np.ndarray,
    splits: Sequence[Splits],
    options: FitOptions,
    validation: Validation,
    elements: Sequence[str],
    progress: Progress,
) -> MethodResult:
    tested = out_of_sample(
        name,
        features,
        values,
        groups,
        splits,
        options,
        validation.permutations,
        elements,
        progress.part(0.0, 0.9),
    )
    fitted = fit_to(name, features, values, groups, options, progress.part(0.9, 1.0))
    own = fitted.predict(features)
    measured = _per_sample(values, groups)
    seen = np.where(np.isfinite(measured), _per_sample(own, groups), np.nan)
    repeats = np.stack([_per_sample(predicted, groups) for predicted in tested.predicted])
    residuals = _errors(measured, repeats, options.log_transform)
    folds = np.zeros(len(measured), dtype=int)
    for number, (_, test) in enumerate(splits[0], start=1):
        folds[groups[test]] = number
    scores = []
    for k, element in enumerate(elements):
        each = [regression_scores(measured[:, k], one[:, k], seed=options.seed) for one in repeats]
        spread = [one.r2 for one in each]
        scores.append(
            MethodScores(
                element,
                name,
                mean_scores(each),
                float(np.std(spread, ddof=1)) if len(spread) > 1 else math.nan,
                r2(measured[:, k], seen[:, k]),
                rmse(measured[:, k], seen[:, k]),
                rpd(measured[:, k], seen[:, k]),
                tuple(float(value) for value in tested.permuted[:, k]),
                _coverage(residuals[0, :, k], folds),
            )
        )
    known = [
        np.sort(residuals[..., k][np.isfinite(residuals[..., k])]) for k in range(len(elements))
    ]
    return MethodResult(name, fitted, _mean(repeats), seen, tuple(known), tuple(scores))


def _per_sample(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return np.stack([of_samples(column, groups) for column in values.T], axis=1)


def _errors(measured: np.ndarray, predicted: np.ndarray, logarithm: bool) -> np.ndarray:
    """Return measured - predicted, or the logarithm of their ratio."""
    if not logarithm:
        return np.asarray(measured - predicted)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(measured) - np.log(predicted))


def _coverage(errors: np.ndarray, folds: np.ndarray) -> float:
    """Return how many errors lie between the quantiles of those of the other folds."""
    inside: list[bool] = []
    for fold in range(1, folds.max() + 1):
        others = errors[(folds != fold) & (folds > 0) & np.isfinite(errors)]
        own = errors[(folds == fold) & np.isfinite(errors)]
        if len(others) >= FEWEST_SAMPLES and len(own):
            low, high = np.quantile(others, INTERVAL)
            inside += ((own >= low) & (own <= high)).tolist()
    return float(np.mean(inside)) if inside else math.nan


def _mean(repeats: np.ndarray) -> np.ndarray:
    known = np.isfinite(repeats)
    count = known.sum(axis=0)
    total = np.where(known, repeats, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _best(results: Sequence[MethodResult], k: int, keep: str) -> int:
    if keep != BEST:
        return next(i for i, result in enumerate(results) if result.name == keep)
    scores = [result.scores[k].validation.r2 for result in results]
    return int(np.argmax([value if math.isfinite(value) else -math.inf for value in scores]))
