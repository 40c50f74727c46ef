"""Training of detector and impact classifier: cross-validation, then the model on all chips."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.bundle import Bundle
from gossan.core.errors import InputError
from gossan.core.files import write_then_rename
from gossan.core.progress import Progress
from gossan.models.mines.architecture import build_detector, build_impact_classifier
from gossan.models.mines.batches import Batches, BatchOptions
from gossan.models.mines.model_file import BandScaling, network_of, scaling_of
from gossan.models.mines.training_chips import TrainingChips
from gossan.models.mines.training_scores import Scores, scores_of
from gossan.models.mines.training_splits import Kept
from gossan.models.networks import runtime
from gossan.models.networks.options import TrainingOptions
from gossan.models.networks.training import History, train

THRESHOLD = 0.6
"""Probability from which the search calls a cell a mine."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Parameters
    ----------
    options : TrainingOptions
    batches : BatchOptions
    base : Bundle or None
        A model that is taught further: its weights are the first ones, its scaling stays.
    state_folder : str
        Folder that keeps the state of an interrupted training; nothing is kept when empty.
    """

    options: TrainingOptions
    batches: BatchOptions
    base: Bundle | None = None
    state_folder: str = ""


@dataclass(frozen=True)
class Predicted:
    """Predictions for chips that a network had not seen.

    Parameters
    ----------
    truth : ndarray of int (n,)
        Class of each cell or chip that counts.
    probabilities : ndarray (n, classes)
    items : ndarray of int (n,)
        The chip it belongs to.
    """

    truth: np.ndarray
    probabilities: np.ndarray
    items: np.ndarray


@dataclass(frozen=True)
class Trained:
    """A trained network with what validation found.

    Parameters
    ----------
    model : keras.Model
    scaling : BandScaling
    history : History
        Of the training on all chips.
    kept : Kept
        How chips were kept apart.
    predicted : Predicted or None
        Out-of-fold predictions; None without validation.
    scores : Scores or None
        Pooled over the folds.
    folds : tuple of Scores
        Of each fold by itself.
    curves : tuple of mapping
        For each fold its measures by epoch.
    """

    model: Any
    scaling: BandScaling
    history: History
    kept: Kept
    predicted: Predicted | None
    scores: Scores | None
    folds: tuple[Scores, ...]
    curves: tuple[tuple[Mapping[str, float], ...], ...]


def train_network(
    chips: TrainingChips, kept: Kept, recipe: Recipe, progress: Progress, *, is_detector: bool
) -> Trained:
    """Validate by folds and train on all chips.

    Every fold trains a network of its own for the same number of epochs, with scaling from its
    own training chips; no epoch is chosen by what the held-out chips say.

    Parameters
    ----------
    chips : TrainingChips
    kept : Kept
    recipe : Recipe
    progress : Progress
    is_detector : bool
        Train the detector; else the impact classifier.

    Returns
    -------
    Trained
    """
    runs = _Runs(chips, kept, recipe, is_detector)
    parts = len(kept.splits) + 1
    results = []
    for number, (learn, test) in enumerate(kept.splits):
        part = progress.part(number / parts, (number + 1) / parts)
        part.say(
            f"Fold {number + 1} of {len(kept.splits)}: {len(learn)} chips, {len(test)} held out."
        )
        results.append(runs.fold(number + 1, learn, test, part))
    if kept.splits:
        progress.say(f"Now the model itself, on all {len(chips)} chips.")
    model, scaling, history = runs.final(progress.part((parts - 1) / parts, 1.0))
    runs.forget()
    predicted = [result for result, _ in results]
    pooled = _pooled(predicted)
    return Trained(
        model,
        scaling,
        history,
        kept,
        pooled,
        runs.scores(pooled) if pooled else None,
        tuple(runs.scores(each) for each in predicted),
        tuple(curves for _, curves in results),
    )


def probabilities_of(
    model: Any, chips: TrainingChips, batches: Batches, progress: Progress
) -> Predicted:
    """Return what a network says of the cells or chips that count."""
    tensorflow = runtime.load()
    answer = tensorflow.function(
        lambda inputs: tensorflow.nn.softmax(model(inputs, training=False)), reduce_retracing=True
    )
    truth, found, items = [], [], []
    for indexes, (inputs, targets, weights) in batches.held_out():
        progress.check()
        said = answer(tensorflow.convert_to_tensor(inputs)).numpy()
        counts = weights > 0
        truth.append(targets[counts])
        found.append(said[counts])
        shape = (len(indexes),) + (1,) * (targets.ndim - 1)
        items.append(np.broadcast_to(indexes.reshape(shape), targets.shape)[counts])
    classes = len(chips.classes)
    return Predicted(
        np.concatenate(truth) if truth else np.empty(0, dtype=int),
        np.concatenate(found) if found else np.empty((0, classes)),
        np.concatenate(items) if items else np.empty(0, dtype=int),
    )


class _Runs:
    """The trainings of one job, each of which can go on from where an earlier job stopped."""

    def __init__(self, chips: TrainingChips, kept: Kept, recipe: Recipe, is_detector: bool) -> None:
        self._chips = chips
        self._recipe = recipe
        self._is_detector = is_detector
        self._threshold = THRESHOLD if is_detector else None
        self._key = _key(chips, kept, recipe)
        self._files: list[Path] = []

    def scores(self, predicted: Predicted) -> Scores:
        return scores_of(
            predicted.truth, predicted.probabilities, self._chips.classes, self._threshold
        )

    def fold(
        self, number: int, learn: np.ndarray, test: np.ndarray, progress: Progress
    ) -> tuple[Predicted, tuple[Mapping[str, float], ...]]:
        """Train on some chips and predict the others."""
        done = self._file(f"fold{number}.npz")
        if done is not None and done.exists():
            found = _read_fold(done)
            if found is not None:
                progress.say(f"Fold {number} was done before the interruption.")
                progress.fraction(1.0)
                return found
        counted = np.concatenate([self._chips.items[index].counted for index in learn])
        if len(np.unique(counted)) < 2:
            raise InputError(
                f"Fold {number} has one class only to learn from, for the chips of the other one "
                "lie together. Take fewer folds, smaller groups, or more sites."
            )
        model = self._first(number)
        scaling = self._scaling(learn, progress.part(0.0, 0.02))
        held = Batches(self._chips, test, scaling, self._recipe.batches)

        def measure(network: Any) -> Mapping[str, float]:
            told = probabilities_of(network, self._chips, held, progress)
            chosen = told.probabilities[np.arange(len(told.truth)), told.truth]
            loss = float(-np.log(np.maximum(chosen, 1e-7)).mean()) if len(chosen) else math.nan
            return {"held_out_loss": loss, "held_out_f1": self.scores(told).headline["f1"]}

        history = self._train(
            model, learn, scaling, progress.part(0.02, 1.0), f"fold{number}", measure
        )
        predicted = probabilities_of(model, self._chips, held, progress)
        if done is not None:
            _write_fold(done, predicted, history.measures)
        return predicted, history.measures

    def final(self, progress: Progress) -> tuple[Any, BandScaling, History]:
        """Train on all chips."""
        everything = np.arange(len(self._chips))
        model = self._first(0)
        scaling = self._scaling(everything, progress.part(0.0, 0.02))
        history = self._train(
            model, everything, scaling, progress.part(0.02, 1.0), "final", lambda _: {}
        )
        return model, scaling, history

    def forget(self) -> None:
        """Remove the state, for the training is complete."""
        for file in self._files:
            file.unlink(missing_ok=True)

    def _first(self, number: int) -> Any:
        """Return the network with its first weights: the base's, or random ones."""
        runtime.repeatable(self._recipe.options.seed + number)
        if self._recipe.base is not None:
            return network_of(self._recipe.base)
        bands = len(self._chips.bands)
        if self._is_detector:
            return build_detector(bands)
        return build_impact_classifier(bands, len(self._chips.classes))

    def _scaling(self, chosen: np.ndarray, progress: Progress) -> BandScaling:
        if self._recipe.base is not None:
            return scaling_of(self._recipe.base)
        return self._chips.scaling([int(index) for index in chosen], progress)

    def _train(
        self,
        model: Any,
        chosen: np.ndarray,
        scaling: BandScaling,
        progress: Progress,
        name: str,
        measure: Callable[[Any], Mapping[str, float]],
    ) -> History:
        tensorflow = runtime.load()
        batches = Batches(self._chips, chosen, scaling, self._recipe.batches)

        def loss(targets: Any, outputs: Any) -> Any:
            return tensorflow.nn.sparse_softmax_cross_entropy_with_logits(
                tensorflow.cast(targets, tensorflow.int32), outputs
            )

        return train(
            model,
            batches.learning,
            loss,
            self._recipe.options,
            progress,
            measure=measure,
            checkpoint=self._file(f"{name}.state"),
        )

    def _file(self, name: str) -> Path | None:
        """Return where a part of the state lies; None where none is kept."""
        if not self._recipe.state_folder:
            return None
        kind = "detector" if self._is_detector else "impact"
        path = Path(self._recipe.state_folder) / f"gossan-{kind}-{self._key}-{name}"
        self._files.append(path)
        return path


def _key(chips: TrainingChips, kept: Kept, recipe: Recipe) -> str:
    """Return what is the same for the same chips, folds and recipe only."""
    base = recipe.base.fingerprint if recipe.base is not None else ""
    listed = [
        [str(item.path), item.chip.klass, item.chip.group, item.path.stat().st_mtime_ns]
        for item in chips.items
    ]
    folds = [test.tolist() for _, test in kept.splits]
    told = [listed, folds, asdict(recipe.options), asdict(recipe.batches), base]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


def _pooled(predicted: Sequence[Predicted]) -> Predicted | None:
    if not predicted:
        return None
    return Predicted(
        np.concatenate([each.truth for each in predicted]),
        np.concatenate([each.probabilities for each in predicted]),
        np.concatenate([each.items for each in predicted]),
    )


def _write_fold(path: Path, predicted: Predicted, measures: Sequence[Mapping[str, float]]) -> None:
    with write_then_rename(path) as part, open(part, "wb") as file:
        np.savez(
            file,
            truth=predicted.truth,
            probabilities=predicted.probabilities,
            items=predicted.items,
            measures=np.array(json.dumps([dict(each) for each in measures])),
        )


def _read_fold(path: Path) -> tuple[Predicted, tuple[Mapping[str, float], ...]] | None:
    """Return a fold that was finished before; None where its file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            predicted = Predicted(kept["truth"], kept["probabilities"], kept["items"])
            return predicted, tuple(json.loads(str(kept["measures"])))
    except (OSError, ValueError, KeyError, EOFError):
        return None


def split_in_words(kept: Kept) -> str:
    """Return how chips were kept apart, with what that means for the scores."""
    if not kept.splits:
        return kept.how
    if kept.leaking:
        return f"{kept.how}; leaking: {kept.leaking:.0%} of the tested chips overlap training ones"
    return kept.how
