"""From features to concentrations: one model per element, fitted and cross-validated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.validation import Splits
from gossan.models.metals.forest import Forest
from gossan.models.metals.predictors import AnyPredictor, Pixels
from gossan.models.metals.regressors import FOREST, Settings, fit_method

INTERVAL = (0.05, 0.95)
"""Quantiles that bound the prediction interval."""

FEWEST_SAMPLES = 8
"""Fewer values of an element than this teach nothing that a validation could confirm."""

_GREATEST_LOGARITHM = 80.0
_IMPORTANCE_DRAWS, _MANY_FEATURES = 5, 50
_IMPORTANCE_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class Member:
    """One fitted method.

    Parameters
    ----------
    method : str
        One of `gossan.models.metals.regressors.METHODS` but the mean.
    predictor : Forest, LinearEquation or KernelMachine
    smearing : float or None
        None where it predicts concentrations; where it predicts their logarithm, the factor that
        takes the bias out of the way back (Duan 1983).
    """

    method: str
    predictor: AnyPredictor
    smearing: float | None = None

    def predict(self, pixels: Pixels) -> np.ndarray:
        """Return one concentration per pixel."""
        values = pixels.predict(self.predictor)
        if self.smearing is None:
            return values
        return self.smearing * np.exp(np.minimum(values, _GREATEST_LOGARITHM))


@dataclass(frozen=True, eq=False)
class ElementModel:
    """What predicts one element.

    Parameters
    ----------
    name, unit : str
    members : tuple of Member
        The prediction is their mean.
    minimum, maximum : float
        Range of the concentrations it was fitted to.
    residuals : ndarray, shape (samples,)
        Out-of-fold measured - predicted, sorted; empty before validation.
    """

    name: str
    unit: str
    members: tuple[Member, ...]
    minimum: float
    maximum: float
    residuals: np.ndarray

    @property
    def forest(self) -> Forest | None:
        """The random forest whose trees tell the uncertainty, None for other methods."""
        first = self.members[0]
        single = len(self.members) == 1 and first.method == FOREST
        return first.predictor if single and isinstance(first.predictor, Forest) else None

    @property
    def cannot_extrapolate(self) -> bool:
        """Whether no prediction can leave the range of the training concentrations."""
        return self.forest is not None

    def predict(self, pixels: Pixels) -> np.ndarray:
        """Return concentrations of shape (pixels,), never below zero where none was measured."""
        total = self.members[0].predict(pixels)
        for member in self.members[1:]:
            total = total + member.predict(pixels)
        mean = total / len(self.members)
        return np.maximum(mean, 0.0) if self.minimum >= 0 else mean

    def interval(self, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds (pixels,) between which nine of ten values are expected.

        Quantiles across the trees of a random forest (Meinshausen 2006); for other methods the
        prediction with the quantiles of the out-of-fold residuals.
        """
        if self.forest is not None:
            low, high = np.quantile(self.forest.tree_values_keys(pixels.keys), INTERVAL, axis=0)
            return low, high
        mean = self.predict(pixels)
        low, high = np.quantile(self._known_residuals(), INTERVAL)
        floor = 0.0 if self.minimum >= 0 else -np.inf
        return np.maximum(mean + low, floor), np.maximum(mean + high, floor)

    def moments(
        self, pixels: Pixels, limit: float = np.inf
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return mean, standard deviation and probability above a limit, each (pixels,).

        Across the trees of a random forest; for other methods from the out-of-fold residuals.
        """
        if self.forest is not None:
            return tuple(self.forest.moments_keys(pixels.keys, limit))  # type: ignore[return-value]
        mean = self.predict(pixels)
        residuals = self._known_residuals()
        deviation = np.full(len(mean), np.sqrt(np.mean(residuals**2)))
        below = np.searchsorted(residuals, limit - mean, side="right")
        return mean, deviation, 1.0 - below / len(residuals)

    def _known_residuals(self) -> np.ndarray:
        if not len(self.residuals):
            raise InputError(
                f"The model of {self.name} was never validated, so its uncertainty is unknown."
            )
        return self.residuals


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Predictions for samples that their model had not seen.

    Parameters
    ----------
    predicted : ndarray, shape (repeats, samples, elements)
        NaN for samples that were never in a test.
    folds : ndarray of int, shape (repeats, samples)
        The fold in which a sample was tested, from 1; 0 for never.
    coverage : ndarray, shape (elements,)
        Share of test values inside the interval that should hold nine of ten; NaN where the
        interval does not come from the model itself.
    importance : ndarray, shape (features, elements)
        By which share the RMSE grows when a feature takes the values of other samples.
    """

    predicted: np.ndarray
    folds: np.ndarray
    coverage: np.ndarray
    importance: np.ndarray

    def mean_prediction(self) -> np.ndarray:
        """Return the out-of-fold prediction (samples, elements), averaged over the repeats."""
        known = np.isfinite(self.predicted)
        total = np.where(known, self.predicted, 0.0).sum(axis=0)
        count = known.sum(axis=0)
        return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def check_elements(values: np.ndarray, names: Sequence[str], settings: Settings) -> None:
    """Refuse elements that cannot be fitted.

    Parameters
    ----------
    values : ndarray, shape (samples, elements)
        Concentrations, NaN where missing.
    names : sequence of str
    settings : Settings

    Raises
    ------
    InputError
        Too few values, all the same, or none above zero where logarithms are wanted.
    """
    for k, name in enumerate(names):
        known = values[np.isfinite(values[:, k]), k]
        if len(known) < FEWEST_SAMPLES:
            raise InputError(
                f"{name} has {len(known)} usable value{'' if len(known) == 1 else 's'}, and at "
                f"least {FEWEST_SAMPLES} are needed; add samples or leave {name} out."
            )
        if np.ptp(known) == 0:
            raise InputError(
                f"{name} is {known[0]:g} at all {len(known)} samples, so there is nothing to "
                f"learn; leave {name} out."
            )
        if settings.log_transform and np.any(known <= 0):
            raise InputError(
                f"{name} has {int(np.sum(known <= 0))} values of zero or less, which have no "
                "logarithm; switch the logarithm off or correct them."
            )


def fit_element(
    name: str,
    features: np.ndarray,
    target: np.ndarray,
    settings: Settings,
    *,
    unit: str = "",
    groups: np.ndarray | None = None,
) -> ElementModel:
    """Fit the chosen method, or methods, to one element.

    Parameters
    ----------
    name : str
    features : ndarray, shape (samples, features)
        Finite values.
    target : ndarray, shape (samples,)
        Concentrations, NaN where missing.
    settings : Settings
    unit : str
    groups : ndarray, shape (samples,), optional
        Samples that inner cross-validation keeps together.
    """
    used = np.isfinite(target)
    if settings.outlier_limit > 0:
        used &= ~outliers(target, settings.outlier_limit)
        if used.sum() < 3:
            raise InputError(
                f"The outlier limit of {settings.outlier_limit:g} leaves {int(used.sum())} values "
                f"of {name} to learn from, and at least 3 are needed. Take a greater limit."
            )
    x, y = features[used].astype(np.float32), target[used].astype(np.float64)
    inner = None if groups is None else groups[used]
    members = tuple(_fit_member(method, x, y, settings, inner) for method in settings.members)
    return ElementModel(name, unit, members, float(y.min()), float(y.max()), np.empty(0))


def outliers(target: np.ndarray, limit: float) -> np.ndarray:
    """Return which values lie farther from the median than `limit` scaled absolute deviations.

    Parameters
    ----------
    target : ndarray, shape (samples,)
        NaN where missing.
    limit : float
        In units of 1.4826 times the median absolute deviation, the standard deviation of a normal
        distribution.
    """
    known = target[np.isfinite(target)]
    centre = np.median(known)
    spread = 1.4826 * np.median(np.abs(known - centre))
    if spread == 0:
        return np.zeros(len(target), dtype=bool)
    return np.nan_to_num(np.abs(target - centre)) > limit * spread


def cross_validate(
    features: np.ndarray,
    values: np.ndarray,
    splits: Sequence[Splits],
    settings: Settings,
    progress: Progress | None = None,
    *,
    names: Sequence[str] | None = None,
    groups: np.ndarray | None = None,
    importance: bool = True,
) -> CrossValidation:
    """Predict every sample by models that have not seen it.

    Everything that is fitted (standardisation, components, outlier limits) is fitted to the
    training part of each split alone.

    Parameters
    ----------
    features : ndarray, shape (samples, features)
        Finite values.
    values : ndarray, shape (samples, elements)
        Concentrations, NaN where missing.
    splits : sequence of Splits
        One entry per repeat.
    settings : Settings
    progress : Progress, optional
    names : sequence of str, optional
        Elements, for messages.
    groups : ndarray, shape (samples,), optional
        Samples that inner cross-validation keeps together.
    importance : bool
        Also find how much each feature matters.

    Raises
    ------
    InputError
        When the training part of a split has too few values of an element.
    """
    progress = progress or Progress()
    n, elements = values.shape
    labels = list(names) if names is not None else [f"element {k + 1}" for k in range(elements)]
    predicted = np.full((len(splits), n, elements), np.nan)
    folds = np.zeros((len(splits), n), dtype=np.int64)
    inside, tested = np.zeros(elements), np.zeros(elements)
    errors = np.zeros(elements)
    exchanged = np.zeros((features.shape[1], elements))
    rng = np.random.default_rng(settings.seed)
    steps, done = sum(len(split) for split in splits) * elements, 0
    for repeat, split in enumerate(splits):
        for fold, (train, test) in enumerate(split):
            folds[repeat, test] = fold + 1
            for k in range(elements):
                progress.fraction(done / steps)
                done += 1
                known = test[np.isfinite(values[test, k])]
                if not len(known):
                    continue
                if np.isfinite(values[train, k]).sum() < 3:
                    raise InputError(
                        f"{labels[k]} has fewer than 3 values to learn from in fold {fold + 1}; "
                        "take fewer folds or larger training parts, or leave it out."
                    )
                model = fit_element(
                    labels[k],
                    features[train],
                    values[train, k],
                    settings,
                    groups=None if groups is None else groups[train],
                )
                pixels = Pixels.of(features[known])
                predicted[repeat, known, k] = model.predict(pixels)
                if model.forest is not None:
                    low, high = model.interval(pixels)
                    inside[k] += np.sum((values[known, k] >= low) & (values[known, k] <= high))
                    tested[k] += len(known)
                if importance:
                    errors[k] += np.sum((predicted[repeat, known, k] - values[known, k]) ** 2)
                    exchanged[:, k] += _exchanged_errors(
                        model, features, known, values[known, k], rng
                    )
    progress.fraction(1.0)
    growth = np.full(exchanged.shape, np.nan)
    if importance:
        ratio = np.divide(exchanged, errors, out=np.ones_like(exchanged), where=errors > 0)
        growth = np.sqrt(ratio) - 1.0
    return CrossValidation(
        predicted=predicted,
        folds=folds,
        coverage=np.divide(inside, tested, out=np.full(elements, np.nan), where=tested > 0),
        importance=growth,
    )


def with_residuals(
    model: ElementModel, measured: np.ndarray, predicted: np.ndarray
) -> ElementModel:
    """Return the model with its out-of-fold residuals, from which its uncertainty follows."""
    residuals = measured - predicted
    return replace(model, residuals=np.sort(residuals[np.isfinite(residuals)]))


def _fit_member(
    method: str,
    features: np.ndarray,
    target: np.ndarray,
    settings: Settings,
    groups: np.ndarray | None,
) -> Member:
    if not settings.log_transform:
        return Member(method, fit_method(method, features, target, settings, groups))
    logarithm = np.log(target)
    predictor = fit_method(method, features, logarithm, settings, groups)
    if method == FOREST and isinstance(predictor, Forest):
        # Leaves in concentrations: the mean over the trees then needs no way back.
        return Member(method, replace(predictor, values=np.exp(predictor.values)))
    residuals = logarithm - Pixels.of(features).predict(predictor)
    return Member(method, predictor, smearing=float(np.mean(np.exp(residuals))))


def _exchanged_errors(
    model: ElementModel,
    features: np.ndarray,
    test: np.ndarray,
    measured: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the squared errors, shape (features,), when each feature comes from other samples."""
    n, count = features.shape
    draws = 1 if count > _MANY_FEATURES else _IMPORTANCE_DRAWS
    totals = np.zeros(count)
    block = max(1, _IMPORTANCE_CELLS // (len(test) * count))
    for _ in range(draws):
        donors = rng.integers(0, n, size=len(test))
        for start in range(0, count, block):
            chosen = np.arange(start, min(start + block, count))
            rows = np.repeat(features[test][None], len(chosen), axis=0)
            rows[np.arange(len(chosen)), :, chosen] = features[donors][:, chosen].T
            predicted = model.predict(Pixels.of(rows.reshape(-1, count)))
            totals[chosen] += np.sum(
                (predicted.reshape(len(chosen), len(test)) - measured) ** 2, axis=1
            )
    return totals / draws
