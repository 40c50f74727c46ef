"""How a network is trained: everything but the data and the network itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gossan.core.errors import InputError

OPTIMIZERS = ("adam", "sgd")
SCHEDULES = ("by factors", "cosine")


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
    decline : float
        Share of the learning rate that is left in the last epoch. 1 keeps it.
    schedule : str
        How it falls to that: ``by factors``, the same from epoch to epoch, or along half a
        ``cosine``, slowly at first and at last (Loshchilov and Hutter, 2017).
    seed : int
        Start of the random numbers.
    """

    epochs: int = 30
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    momentum: float = 0.9
    patience: int | None = None
    clip_norm: float | None = None
    decline: float = 1.0
    schedule: str = SCHEDULES[0]
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise InputError(f"{self.epochs} epochs train nothing; give 1 or more.")
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise InputError(f"The learning rate {self.learning_rate:g} has to be above 0.")
        if not 0 < self.decline <= 1:
            raise InputError(
                f"{self.decline:g} of the learning rate cannot be left at the end; give a share "
                "above 0, up to 1."
            )
        if self.optimizer not in OPTIMIZERS:
            known = ", ".join(OPTIMIZERS)
            raise InputError(
                f"The optimizer {self.optimizer!r} is unknown. Choose one of: {known}."
            )
        if self.schedule not in SCHEDULES:
            known = ", ".join(SCHEDULES)
            raise InputError(f"The schedule {self.schedule!r} is unknown. Choose one of: {known}.")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"A patience of {self.patience} epochs is none; give 1 or more.")

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, from 1."""
        if self.epochs == 1:
            return self.learning_rate
        done = (epoch - 1) / (self.epochs - 1)
        if self.schedule == "cosine":
            left = self.decline + (1.0 - self.decline) * (1.0 + math.cos(math.pi * done)) / 2.0
            return self.learning_rate * left
        return float(self.learning_rate * self.decline**done)
