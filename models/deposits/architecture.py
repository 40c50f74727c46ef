"""The grid of nine networks: a convolution part and a dense part, each small, medium or big.

The source's table of sizes is lost; these are ours. Between the two parts the last layer of the
convolution is averaged over the chip: laid out flat, a chip of 512 pixels would need up to 268
million weights, and a deposit may lie anywhere in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gossan.core.errors import BundleError, InputError
from gossan.models.networks import runtime

CONVOLUTION = {"small": (16, 32), "medium": (32, 64, 128), "big": (32, 64, 128, 256, 256)}
"""Filters of 3 x 3 in each layer, each with batch normalisation and 2 x 2 pooling."""
DENSE = {"small": (32,), "medium": (128, 32), "big": (512, 128, 32)}
"""Units of each layer, with dropout before each."""

SIZES = ("small", "medium", "big")

_MOMENTUM = 0.9


@dataclass(frozen=True)
class Architecture:
    """One network of the grid.

    Parameters
    ----------
    convolution, dense : str
        One of `SIZES` each.
    dropout : float
        Share of the inputs of each dense layer that is left out in training, 0 to 1.
    l1, l2 : float
        Weights of the sums of absolute and of squared weights in the loss.
    """

    convolution: str = "small"
    dense: str = "small"
    dropout: float = 0.5
    l1: float = 0.0
    l2: float = 1e-4

    def __post_init__(self) -> None:
        for part in (self.convolution, self.dense):
            if part not in SIZES:
                raise InputError(f"Unknown size {part!r}; use one of {', '.join(SIZES)}.")
        if not 0.0 <= self.dropout < 1.0:
            raise InputError(f"A dropout of {self.dropout:g} has to be from 0 to below 1.")
        if self.l1 < 0 or self.l2 < 0:
            raise InputError("The weights of L1 and L2 must not be negative.")

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.convolution} convolution, {self.dense} dense"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON for a model's card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any, where: str) -> Architecture:
        """Read it from a model's card.

        Raises
        ------
        BundleError
            When it is not understood.
        """
        try:
            return cls(**dict(values))
        except (TypeError, ValueError) as problem:
            raise BundleError(
                f"{where} has an architecture that this version of Gossan does not know "
                f"({problem})."
            ) from problem


def grid(like: Architecture) -> list[Architecture]:
    """Return the nine networks with the dropout and the penalties of another one."""
    shared: Mapping[str, float] = {"dropout": like.dropout, "l1": like.l1, "l2": like.l2}
    return [Architecture(one, other, **shared) for one in SIZES for other in SIZES]


def build(architecture: Architecture, size: int, bands: int) -> Any:
    """Return a network with its first, random weights.

    Parameters
    ----------
    architecture : Architecture
    size : int
        Pixels along a chip's side.
    bands : int

    Returns
    -------
    keras.Model
        From chips (n, size, size, bands), 0 to 1, to one number each, (n, 1): the logit
        of presence, or of richness, which lies between 0 and 1 too.

    Raises
    ------
    InputError
        When a chip is too small for the poolings.
    """
    filters = CONVOLUTION[architecture.convolution]
    if size < 2 ** len(filters):
        raise InputError(
            f"Chips of {size} pixels are too small for {len(filters)} poolings: take a smaller "
            f"convolution part or chips of {2 ** len(filters)} pixels or more."
        )
    keras = runtime.load().keras
    layers = keras.layers
    penalty = keras.regularizers.L1L2(l1=architecture.l1, l2=architecture.l2)
    inputs = keras.Input((size, size, bands), name="chip")
    flow = inputs
    for number, count in enumerate(filters, start=1):
        flow = layers.Conv2D(
            count,
            3,
            padding="same",
            use_bias=False,
            kernel_regularizer=penalty,
            name=f"convolution{number}",
        )(flow)
        flow = layers.BatchNormalization(momentum=_MOMENTUM, name=f"normalisation{number}")(flow)
        flow = layers.ReLU(name=f"activation{number}")(flow)
        flow = layers.MaxPooling2D(2, name=f"pool{number}")(flow)
    flow = layers.GlobalAveragePooling2D(name="average")(flow)
    for number, count in enumerate(DENSE[architecture.dense], start=1):
        flow = layers.Dropout(architecture.dropout, name=f"dropout{number}")(flow)
        flow = layers.Dense(
            count, activation="relu", kernel_regularizer=penalty, name=f"dense{number}"
        )(flow)
    flow = layers.Dropout(architecture.dropout, name="dropout")(flow)
    # Zero weights: the first predictions are the typical target, whatever the image.
    outputs = layers.Dense(1, kernel_initializer="zeros", name="output")(flow)
    return keras.Model(inputs, outputs, name="deposits")
