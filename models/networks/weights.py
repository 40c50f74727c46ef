"""Weights of a network as plain arrays, which is how model files hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gossan.core.errors import BundleError


def weights_of(model: Any) -> dict[str, np.ndarray]:
    """Return all weights of a Keras model by ``layer/weight``.

    The layers need names of their own: those that Keras invents count on from model to model.
    """
    return {weight.path: weight.numpy() for weight in model.weights}


def set_weights(model: Any, arrays: Mapping[str, np.ndarray], where: str) -> None:
    """Give a model the weights that `weights_of` has returned.

    Parameters
    ----------
    model : keras.Model
    arrays : mapping of ndarray
    where : str
        The model file, for the message.

    Raises
    ------
    BundleError
        When one is missing, unknown, not finite or of another shape than the architecture's.
    """
    wanted = {weight.path: weight for weight in model.weights}
    check_weights(arrays, {name: tuple(weight.shape) for name, weight in wanted.items()}, where)
    for name, weight in wanted.items():
        weight.assign(arrays[name])


def check_weights(
    arrays: Mapping[str, np.ndarray], wanted: Mapping[str, tuple[int, ...]], where: str
) -> None:
    """Refuse weights that are not those of an architecture.

    Parameters
    ----------
    arrays : mapping of ndarray
    wanted : mapping of tuple of int
        The shape of each.
    where : str
        The model file, for the message.

    Raises
    ------
    BundleError
        When one is missing, unknown, not finite or of another shape.
    """
    missing = sorted(set(wanted) - set(arrays))
    unknown = sorted(set(arrays) - set(wanted))
    if missing or unknown:
        name = (missing or unknown)[0]
        trouble = "lacks the weights" if missing else "has unknown weights"
        raise BundleError(f"{where} does not fit its own architecture: it {trouble} {name}.")
    for name, shape in wanted.items():
        array = arrays[name]
        if tuple(array.shape) != shape:
            raise BundleError(
                f"{where} does not fit its own architecture: the weights {name} have the shape "
                f"{tuple(array.shape)}, not {shape}."
            )
        if not np.isfinite(array).all():
            raise BundleError(f"{where} is damaged: the weights {name} are not all finite numbers.")


def count_weights(model: Any) -> int:
    """Return the number of all weights of a model, trained or not."""
    return sum(int(np.prod(weight.shape)) for weight in model.weights)
