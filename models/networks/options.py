"""How a network is trained: everything but the data and the network itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gossan.core.errors import InputError

OPTIMIZERS = ("adam", "sgd")


@dataclass(frozen=True)
class TrainingOptions:
    """How long and how fast a network learns.

    Parameters
    ----------
    epochs : int
        Passes over the training data at most.
    learning_rate : float
    optimizer : str
        One of `OPTIMIZERS`; ``sgd`` has a momentum.
    momentum : float
        Of ``sgd``.
    patience : int or None
        Epochs without a better validation loss after which training ends; None never ends it
        early. Either way the weights of the best epoch are kept, where there is validation data.
    clip_norm : float or None
        Greatest norm of all gradients together; longer ones are shortened to it.
    seed : int
        Start of the random numbers.
    """

    epochs: int = 30
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    momentum: float = 0.9
    patience: int | None = None
    clip_norm: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise InputError(f"{self.epochs} epochs train nothing; give 1 or more.")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise InputError(f"The learning rate {self.learning_rate:g} has to be above 0.")
        if self.optimizer not in OPTIMIZERS:
            known = ", ".join(OPTIMIZERS)
            raise InputError(
                f"The optimizer {self.optimizer!r} is unknown. Choose one of: {known}."
            )
        if self.patience is not None and self.patience < 1:
            raise InputError(f"A patience of {self.patience} epochs is none; give 1 or more.")
