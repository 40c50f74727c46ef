"""Training of any network: epochs over batches, live curves, early stopping, cancel and resume."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.errors import GossanError
from gossan.core.progress import Progress
from gossan.models.networks import runtime
from gossan.models.networks.checkpoint import State, read_state, write_state
from gossan.models.networks.options import TrainingOptions

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Inputs, targets, and a weight for each target (0 leaves it out)."""

Batches = Callable[[int], Iterable[Batch]]
"""The batches of an epoch, by its number from 1: shuffled and augmented by that number's seed."""

_SAY_EVERY_SECONDS = 4.0


@dataclass(frozen=True)
class History:
    """The course of a training.

    Parameters
    ----------
    measures : tuple of dict
        For each epoch ``loss``, where validated ``validation_loss``, and whatever else was
        measured.
    best : int
        Epoch whose weights were kept, from 1.
    seconds : float
        How long it took, without what an interrupted run had done before.
    stopped_early : bool
        Whether it ended before the last epoch because nothing improved.
    """

    measures: tuple[Mapping[str, float], ...]
    best: int
    seconds: float
    stopped_early: bool

    def curve(self, name: str) -> np.ndarray:
        """Return a measure over the epochs, shape (epochs,); NaN where it was not taken."""
        return np.array([measures.get(name, math.nan) for measures in self.measures])


def train(
    model: Any,
    batches: Batches,
    loss: Callable[[Any, Any], Any],
    options: TrainingOptions,
    progress: Progress,
    *,
    validation: Batches | None = None,
    measure: Callable[[Any], Mapping[str, float]] | None = None,
    checkpoint: str | Path | None = None,
    reduction: str = "mean",
) -> History:
    """Train a network in place; it ends with the weights of its best epoch.

    Parameters
    ----------
    model : keras.Model
        Built after `runtime.repeatable`, so that its first weights follow from the seed.
    batches : callable
        Gives the training batches of an epoch.
    loss : callable
        ``loss(targets, outputs)`` returns a tensor of the shape of the weights of a batch.
    options : TrainingOptions
    progress : Progress
        Receives fraction, sentences and curves; cancelling ends it within a batch.
    validation : callable, optional
        Gives batches that are not learnt from (asked with epoch 0 each time).
    measure : callable, optional
        ``measure(model)`` after each epoch: further numbers for the curves, by name.
    checkpoint : path, optional
        File that holds the state of the training after every epoch. Where it is there from an
        interrupted run with the same network and options, training goes on from it. It is removed
        at the end.
    reduction : str
        Whether the weighted losses of a batch are averaged (``mean``) or added (``sum``).

    Returns
    -------
    History

    Raises
    ------
    GossanError
        When the loss is no longer a finite number.
    CancelledError
        When the run was cancelled; the checkpoint stays.
    """
    tensorflow = runtime.load()
    optimizer = _optimizer(tensorflow, options)
    optimizer.build(model.trainable_variables)
    steps = _Steps(tensorflow, model, optimizer, loss, options, reduction)
    state = State(options, [], [], math.inf)
    if checkpoint is not None and read_state(checkpoint, state, model, optimizer):
        progress.say(f"Going on after epoch {len(state.measures)} of an interrupted training.")
    began = said = time.monotonic()
    while not state.finished:
        epoch = len(state.measures) + 1
        part = progress.part((epoch - 1) / options.epochs, epoch / options.epochs)
        optimizer.learning_rate.assign(options.rate(epoch))
        measures = {"loss": steps.epoch(batches(epoch), part, learn=True)}
        if validation is not None:
            measures["validation_loss"] = steps.epoch(validation(0), part, learn=False)
        if measure is not None:
            measures.update(measure(model))
        state.add(measures, model)
        if checkpoint is not None:
            write_state(checkpoint, state, model, optimizer)
        progress.measured(epoch, measures)
        progress.fraction(epoch / options.epochs)
        if state.finished or epoch == 1 or time.monotonic() - said >= _SAY_EVERY_SECONDS:
            said = time.monotonic()
            progress.say(f"Epoch {epoch} of {options.epochs}: {_in_words(measures)}")
    state.restore_best(model)
    if checkpoint is not None:
        Path(checkpoint).unlink(missing_ok=True)
    stopped = len(state.measures) < options.epochs
    if stopped:
        progress.say(
            f"Stopped: no better validation loss for {options.patience} epochs. The weights of "
            f"epoch {state.best} are kept."
        )
    return History(tuple(state.measures), state.best, time.monotonic() - began, stopped)


class _Steps:
    """The compiled steps of training and validation."""

    def __init__(
        self,
        tensorflow: Any,
        model: Any,
        optimizer: Any,
        loss: Callable[[Any, Any], Any],
        options: TrainingOptions,
        reduction: str,
    ) -> None:
        def total(inputs: Any, targets: Any, weights: Any, training: bool) -> Any:
            values = loss(targets, model(inputs, training=training)) * weights
            return tensorflow.reduce_sum(values), tensorflow.reduce_sum(weights)

        def learn(inputs: Any, targets: Any, weights: Any) -> Any:
            with tensorflow.GradientTape() as tape:
                added, weight = total(inputs, targets, weights, True)
                objective = added if reduction == "sum" else added / (weight + 1e-12)
                if model.losses:
                    objective += tensorflow.add_n(model.losses)
            gradients = tape.gradient(objective, model.trainable_variables)
            if options.clip_norm is not None:
                gradients, _ = tensorflow.clip_by_global_norm(gradients, options.clip_norm)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
            return added, weight

        def judge(inputs: Any, targets: Any, weights: Any) -> Any:
            return total(inputs, targets, weights, False)

        self._learn = tensorflow.function(learn, reduce_retracing=True)
        self._judge = tensorflow.function(judge, reduce_retracing=True)
        self._tensor = tensorflow.convert_to_tensor

    def epoch(self, batches: Iterable[Batch], progress: Progress, *, learn: bool) -> float:
        """Go once over the batches and return the weighted mean loss."""
        step = self._learn if learn else self._judge
        added = weight = 0.0
        for batch in batches:
            progress.check()
            one, other = step(*(self._tensor(array) for array in batch))
            added, weight = added + float(one), weight + float(other)
            if not math.isfinite(added):
                raise GossanError(
                    "The training ran away: its loss is no longer a finite number. Lower the "
                    "learning rate, and check the inputs for values far out of range."
                )
        if weight == 0.0:
            raise GossanError("There is nothing to learn from: all samples have the weight 0.")
        return added / weight


def _optimizer(tensorflow: Any, options: TrainingOptions) -> Any:
    if options.optimizer == "sgd":
        return tensorflow.keras.optimizers.SGD(options.learning_rate, momentum=options.momentum)
    return tensorflow.keras.optimizers.Adam(options.learning_rate)


def _in_words(measures: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in measures.items())
