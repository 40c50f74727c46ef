"""How samples are kept apart, and what every method predicts for those it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.model_selection import train_test_split

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.validation import Splits, grouped, repeated
from gossan.models.soil_spectra.regressors import NETWORK, AnyMethod, Features, FitOptions, fit

CROSS, AREAS, SINGLE = (
    "repeated cross-validation",
    "leave-one-area-out",
    "single split of the source",
)
VALIDATIONS = (CROSS, AREAS, SINGLE)

SOURCE_SHARE, SOURCE_SEED = 1 / 3, 42
"""The source holds out a third of the samples, drawn once at random with this seed."""

FEWEST_SAMPLES = 10
"""Fewer samples with an element teach nothing that a validation could confirm."""

FARTHEST = np.log(10.0)
"""Logarithms are predicted no further than ten times beyond the training range."""


@dataclass(frozen=True)
class Validation:
    """How samples are kept apart.

    Parameters
    ----------
    kind : str
        One of `VALIDATIONS`.
    folds, repeats, seed : int
        Of the cross-validation.
    permutations : int
        How often the concentrations are dealt anew to the samples for the baseline; 0 for none.
    """

    kind: str = CROSS
    folds: int = 5
    repeats: int = 3
    seed: int = 0
    permutations: int = 5

    def __post_init__(self) -> None:
        if self.kind not in VALIDATIONS:
            raise InputError(
                f"Unknown validation {self.kind!r}; use one of {', '.join(VALIDATIONS)}."
            )
        if self.permutations < 0:
            raise InputError("The number of permutations is 0 or more.")


@dataclass(frozen=True, eq=False)
class Fitted:
    """A method with the way back from logarithms.

    Parameters
    ----------
    method : AnyMethod
    smearing : ndarray, shape (elements,), or None
        None where it predicts concentrations; else the factor that takes the bias out of the way
        back (Duan 1983).
    low, high : ndarray, shape (elements,)
        Range of the training concentrations.
    """

    method: AnyMethod
    smearing: np.ndarray | None
    low: np.ndarray
    high: np.ndarray

    def predict(self, features: Features) -> np.ndarray:
        """Return concentrations (n, elements), not below zero where none was measured."""
        return self.back(self.method.predict(features))

    def back(self, values: np.ndarray) -> np.ndarray:
        """Return what the method predicts (n, elements) as concentrations."""
        if self.smearing is not None:
            ends = np.log(self.low) - FARTHEST, np.log(self.high) + FARTHEST
            values = self.smearing * np.exp(np.clip(values, *ends))
        return np.where(self.low >= 0, np.maximum(values, 0.0), values)


@dataclass(frozen=True, eq=False)
class OutOfSample:
    """What a method predicts for samples that it had not seen.

    Parameters
    ----------
    predicted : ndarray, shape (repeats, spectra, elements)
        NaN for spectra that were never in a test.
    permuted : ndarray, shape (permutations, elements)
        R2 of the same on concentrations dealt at random to the samples.
    """

    predicted: np.ndarray
    permuted: np.ndarray


def make_splits(
    samples: Sequence[str], areas: np.ndarray | None, validation: Validation
) -> tuple[list[Splits], str]:
    """Split samples, and say how in words.

    Parameters
    ----------
    samples : sequence of str (n,)
        Sample of each spectrum; the spectra of one are never parted.
    areas : ndarray of str, shape (n,), or None
    validation : Validation

    Raises
    ------
    InputError
        When there are too few samples or areas.
    """
    labels = np.asarray(samples)
    count = len(np.unique(labels))
    if validation.kind == AREAS:
        if areas is None:
            raise InputError("Leaving out one area after the other needs a field of the areas.")
        if (areas == "").any():
            raise InputError(
                f"{int((areas == '').sum())} spectra are of samples without an area; fill the "
                "field, or take another validation."
            )
        names = np.unique(areas)
        if len(names) < 2:
            raise InputError(f"All samples lie in one area ({names[0]}); take another validation.")
        split = [(np.flatnonzero(areas != name), np.flatnonzero(areas == name)) for name in names]
        return [split], f"leaving out one of {len(names)} areas after the other"
    if validation.kind == SINGLE:
        train, test = train_test_split(
            np.unique(labels), test_size=SOURCE_SHARE, random_state=SOURCE_SEED
        )
        pair = (np.flatnonzero(np.isin(labels, train)), np.flatnonzero(np.isin(labels, test)))
        return [[pair]], (
            f"the source's single random split: {len(train)} samples to learn from, {len(test)} to "
            f"test, seed {SOURCE_SEED}"
        )
    if count < validation.folds:
        raise InputError(
            f"{count} samples cannot be split into {validation.folds} folds; take fewer folds."
        )
    splits = repeated(
        lambda seed: grouped(labels, validation.folds, seed=seed),
        validation.repeats,
        seed=validation.seed,
    )
    times = f", {validation.repeats} times" if validation.repeats > 1 else ""
    return splits, (
        f"{validation.folds} folds of whole samples drawn at random{times}, seed {validation.seed}"
    )


def fit_to(
    method: str,
    features: Features,
    values: np.ndarray,
    groups: np.ndarray,
    options: FitOptions,
    progress: Progress,
) -> Fitted:
    """Fit a method to concentrations, or to their logarithms; see `regressors.fit`."""
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    if not options.log_transform:
        return Fitted(fit(method, features, values, groups, options, progress), None, low, high)
    logarithms = np.log(values)
    fitted = fit(method, features, logarithms, groups, options, progress)
    residuals = logarithms - fitted.predict(features)
    return Fitted(fitted, np.nanmean(np.exp(residuals), axis=0), low, high)


def out_of_sample(
    method: str,
    features: Features,
    values: np.ndarray,
    groups: np.ndarray,
    splits: Sequence[Splits],
    options: FitOptions,
    permutations: int,
    names: Sequence[str],
    progress: Progress,
) -> OutOfSample:
    """Predict every spectrum by models that have not seen its sample.

    Parameters
    ----------
    method : str
    features : Features
        Of n spectra.
    values : ndarray, shape (n, elements)
        NaN where missing.
    groups : ndarray of int, shape (n,)
        Number of each spectrum's sample.
    splits : sequence of Splits
        One entry per repeat.
    options : FitOptions
    permutations : int
        Of the baseline; the network, which takes long, gets one at most.
    names : sequence of str
        Elements, for messages.
    progress : Progress

    Raises
    ------
    InputError
        When the training part of a split has too few values of an element.
    """
    dealt = min(permutations, 1) if method == NETWORK else permutations
    steps = sum(len(split) for split in splits) + dealt * len(splits[0])
    quiet = replace(progress, on_message=_ignore, on_measures=_ignore_measures)
    done = 0

    def predict(target: np.ndarray, split: Splits) -> np.ndarray:
        nonlocal done
        predicted = np.full(target.shape, np.nan)
        for fold, (train, test) in enumerate(split, start=1):
            known = np.isfinite(target[train]).sum(axis=0)
            if known.min() < 5:
                raise InputError(
                    f"{names[int(known.argmin())]} has {int(known.min())} values to learn from in "
                    f"fold {fold}, and 5 are needed; take fewer folds, or leave it out."
                )
            part = quiet.part(done / steps, (done + 1) / steps)
            model = fit_to(
                method, features.rows(train), target[train], groups[train], options, part
            )
            predicted[test] = model.predict(features.rows(test))
            done += 1
            progress.fraction(done / steps)
        return predicted

    predicted = np.stack([predict(values, split) for split in splits])
    permuted = np.full((dealt, values.shape[1]), np.nan)
    for number in range(dealt):
        target = _dealt_anew(values, groups, np.random.default_rng((options.seed, number)))
        again = predict(target, splits[0])
        permuted[number] = [
            _r2_of_samples(target[:, k], again[:, k], groups) for k in range(values.shape[1])
        ]
    return OutOfSample(predicted, permuted)


def of_samples(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the means over the spectra of each sample, shape (samples,); NaN without any."""
    known = np.isfinite(values)
    count = np.bincount(groups, weights=known)
    total = np.bincount(groups, weights=np.where(known, values, 0.0))
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _r2_of_samples(measured: np.ndarray, predicted: np.ndarray, groups: np.ndarray) -> float:
    m, p = of_samples(measured, groups), of_samples(predicted, groups)
    known = np.isfinite(m) & np.isfinite(p)
    spread = np.sum((m[known] - m[known].mean()) ** 2) if known.any() else 0.0
    return float(1.0 - np.sum((m[known] - p[known]) ** 2) / spread) if spread > 0 else np.nan


def _dealt_anew(values: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal the concentrations to other samples; the spectra of one keep sharing theirs."""
    samples, first = np.unique(groups, return_index=True)
    dealt = values[first][rng.permutation(len(samples))]
    return np.asarray(dealt[np.searchsorted(samples, groups)])


def _ignore(_: str) -> None:
    """Keep the course of a single fold to itself."""


def _ignore_measures(_: int, __: object) -> None:
    """Keep the curves of a single fold to themselves."""
