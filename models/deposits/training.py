"""Training of one network or of the whole grid, and of the same network on randomised labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gossan.core.progress import Progress
from gossan.models.deposits.architecture import Architecture, build
from gossan.models.deposits.chip_files import ChipSet
from gossan.models.deposits.judging import MEASURES, scores
from gossan.models.deposits.learning_sets import GOALS, LearningSet, batches
from gossan.models.networks import runtime
from gossan.models.networks.options import TrainingOptions
from gossan.models.networks.training import History, train
from gossan.models.networks.weights import count_weights, set_weights, weights_of

_PREDICTED_AT_ONCE = 16
_LEAST_START = 0.1
"""Nearer to 0 or 1 the sigmoid is so flat that a network hardly learns to leave it."""


@dataclass(frozen=True)
class Run:
    """One trained network.

    Parameters
    ----------
    architecture : Architecture
    seed : int
    weights : dict of ndarray
    count : int
        Number of weights.
    history : History
    tuned : float
        Loss on the tuning chips (on those that were learnt where there are none), by which runs
        are ranked: validation chips have no part in the choice.
    learnt, validated : dict of float
        Measures on the learning and on the validation chips.
    predicted : ndarray, shape (validation chips,)
    """

    architecture: Architecture
    seed: int
    weights: dict[str, np.ndarray]
    count: int
    history: History
    tuned: float
    learnt: dict[str, float]
    validated: dict[str, float]
    predicted: np.ndarray


def run(
    chips: ChipSet,
    data: LearningSet,
    architecture: Architecture,
    options: TrainingOptions,
    batch: int,
    progress: Progress,
    *,
    augment: bool,
) -> Run:
    """Train one network and judge it.

    Parameters
    ----------
    chips : ChipSet
    data : LearningSet
    architecture : Architecture
    options : TrainingOptions
        Its patience counts where there are chips for tuning.
    batch : int
        Chips in a batch.
    progress : Progress
    augment : bool
        Turn and mirror chips.
    """
    tensorflow = runtime.repeatable(options.seed)
    tensorflow.keras.backend.clear_session()
    model = build(architecture, chips.size, len(chips.bands))
    _start_at_mean(model, data)
    tuned = len(data.tuning) > 0
    history = train(
        model,
        batches(chips, data.learning, data.targets, batch, options.seed, augment=augment),
        _loss(tensorflow, data.goal),
        options if tuned else replace(options, patience=None),
        progress.part(0.0, 0.95),
        validation=(
            batches(chips, data.tuning, data.targets, batch, options.seed, augment=False)
            if tuned
            else None
        ),
    )
    learnt, tuning, predicted = (
        predict(model, chips, members, progress)
        for members in (data.learning, data.tuning, data.validation)
    )
    judged = (data.tuning, tuning) if tuned else (data.learning, learnt)
    goal, truth = data.goal, data.targets
    return Run(
        architecture,
        options.seed,
        weights_of(model),
        count_weights(model),
        history,
        scores(goal, truth[judged[0]], judged[1])[MEASURES[goal][0]],
        scores(goal, truth[data.learning], learnt),
        scores(goal, truth[data.validation], predicted),
        predicted,
    )


def best_of(runs: Sequence[Run], count: int) -> list[Run]:
    """Return the best few runs by their loss on the tuning chips, the best first."""
    return sorted(runs, key=lambda each: (each.tuned, each.count))[:count]


def mean_prediction(runs: Sequence[Run]) -> np.ndarray:
    """Return the mean of what runs predict for the validation chips."""
    return np.asarray(np.mean([each.predicted for each in runs], axis=0))


def predict(model: Any, chips: ChipSet, members: np.ndarray, progress: Progress) -> np.ndarray:
    """Return what a network says of chips, (members,): probabilities, or richness."""
    found: list[np.ndarray] = []
    nothing = np.zeros(len(chips.chips), dtype=np.float32)
    ordered = batches(chips, members, nothing, _PREDICTED_AT_ONCE, 0, augment=False)
    for images, _, _ in ordered(0):
        progress.check()
        found.append(apply(model, images))
    return np.concatenate(found) if found else np.empty(0)


def apply(model: Any, images: np.ndarray) -> np.ndarray:
    """Return what a network says of images (n, size, size, bands), from 0 to 1."""
    given = np.asarray(model(images, training=False), dtype=np.float64)[:, 0]
    return 1.0 / (1.0 + np.exp(-np.clip(given, -60, 60)))


def rebuild(
    architecture: Architecture,
    arrays: dict[str, np.ndarray],
    size: int,
    bands: int,
    where: str,
) -> Any:
    """Return a network with the weights of a model file."""
    model = build(architecture, size, bands)
    set_weights(model, arrays, where)
    return model


def _loss(tensorflow: Any, goal: str) -> Any:
    def presence(targets: Any, outputs: Any) -> Any:
        return tensorflow.nn.sigmoid_cross_entropy_with_logits(targets, outputs[:, 0])

    def absolute(targets: Any, outputs: Any) -> Any:
        return tensorflow.abs(targets - tensorflow.sigmoid(outputs[:, 0]))

    return presence if goal == GOALS[0] else absolute


def _start_at_mean(model: Any, data: LearningSet) -> None:
    """Let the first predictions be the typical target: training begins where guesses end."""
    wanted = data.targets[data.learning]
    typical = float(wanted.mean() if data.goal == GOALS[0] else np.median(wanted))
    typical = min(max(typical, _LEAST_START), 1.0 - _LEAST_START)
    model.get_layer("output").bias.assign([math.log(typical / (1.0 - typical))])
