"""The state of a training between two epochs, in memory and in a file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from gossan.core.files import write_then_rename
from gossan.models.networks.options import TrainingOptions


@dataclass
class State:
    """What a training knows between two epochs.

    Parameters
    ----------
    options : TrainingOptions
    measures : list of dict
        What each epoch so far has measured.
    best_weights : list of ndarray
        All weights after the best epoch; empty without validation.
    best_loss : float
        Its validation loss.
    best : int
        Its number, from 1.
    """

    options: TrainingOptions
    measures: list[Mapping[str, float]]
    best_weights: list[np.ndarray]
    best_loss: float
    best: int = 0

    @property
    def finished(self) -> bool:
        """Whether there is no further epoch to do."""
        done = len(self.measures)
        patience = self.options.patience
        weary = patience is not None and bool(self.best_weights) and done - self.best >= patience
        return done >= self.options.epochs or weary

    def add(self, measures: Mapping[str, float], model: Any) -> None:
        """Take an epoch in, and its weights where they are the best so far."""
        self.measures.append(dict(measures))
        judged = measures.get("validation_loss")
        if judged is None:
            self.best = len(self.measures)
        elif judged < self.best_loss or not self.best_weights:
            self.best, self.best_loss = len(self.measures), judged
            self.best_weights = [weight.numpy().copy() for weight in model.weights]

    def restore_best(self, model: Any) -> None:
        """Give the model the weights of the best epoch, where one was found."""
        for weight, value in zip(model.weights, self.best_weights):
            weight.assign(value)


def write_state(path: str | Path, state: State, model: Any, optimizer: Any) -> None:
    """Write the state after an epoch; what stood there before is replaced in one step."""
    arrays = {
        f"{group}.{index}": np.asarray(variable.numpy())
        for group, variables in _variables(model, optimizer).items()
        for index, variable in enumerate(variables)
    }
    arrays |= {f"best.{index}": array for index, array in enumerate(state.best_weights)}
    about = {
        "options": asdict(state.options),
        "measures": state.measures,
        "best": state.best,
        "best_loss": state.best_loss if math.isfinite(state.best_loss) else None,
    }
    content = safetensors.numpy.save(arrays, {"state": json.dumps(about)})
    with write_then_rename(path) as part:
        part.write_bytes(content)


def read_state(path: str | Path, state: State, model: Any, optimizer: Any) -> bool:
    """Go on from a state where it is there and belongs to this training; say whether it was.

    A state of another network, of other options or a damaged file is passed over.
    """
    try:
        with safetensors.safe_open(str(path), framework="numpy") as opened:
            about = json.loads((opened.metadata() or {}).get("state", "{}"))
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, ValueError, safetensors.SafetensorError):
        return False
    if about.get("options") != asdict(state.options):
        return False
    variables = {
        f"{group}.{index}": variable
        for group, members in _variables(model, optimizer).items()
        for index, variable in enumerate(members)
    }
    kept = [name for name in arrays if name.startswith("best.")]
    if set(arrays) - set(kept) != set(variables):
        return False
    if any(arrays[name].shape != tuple(variable.shape) for name, variable in variables.items()):
        return False
    for name, variable in variables.items():
        variable.assign(arrays[name])
    state.measures = list(about["measures"])
    state.best = int(about["best"])
    state.best_loss = math.inf if about["best_loss"] is None else float(about["best_loss"])
    state.best_weights = [arrays[f"best.{index}"] for index in range(len(kept))]
    return True


def _variables(model: Any, optimizer: Any) -> dict[str, list[Any]]:
    """Return all that training changes: weights, states of dropout, momenta."""
    return {"model": list(model.variables), "optimizer": list(optimizer.variables)}
