"""The impact classifier on the processor, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gossan.models.mines.architecture import IMPACT_FILTERS

_SIDE = 2
"""Pixels along each side of a convolution's window and of a pool."""


class ImpactNetwork:
    """The classifier of `gossan.models.mines.architecture`.

    Parameters
    ----------
    weights : mapping of ndarray
        From `gossan.models.mines.model_file.weights_in`.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self._weights = {name: array.astype(np.float32) for name, array in weights.items()}

    def __call__(self, chips: np.ndarray) -> np.ndarray:
        """Return the probability of each class (chips, classes) for scaled chips.

        Parameters
        ----------
        chips : ndarray of float32, shape (chips, rows, columns, bands)
        """
        flow = chips
        for number in range(1, len(IMPACT_FILTERS) + 1):
            flow = _pool(_rectified(self._layer(_windows(flow), f"convolution{number}")))
        flow = _rectified(self._layer(flow.reshape(len(chips), -1), "dense"))
        logits = self._layer(flow, "classes")
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def _layer(self, flow: np.ndarray, name: str) -> np.ndarray:
        kernel, bias = self._weights[f"{name}/kernel"], self._weights[f"{name}/bias"]
        return np.asarray(flow @ kernel.reshape(-1, len(bias)) + bias)


def _rectified(flow: np.ndarray) -> np.ndarray:
    return np.maximum(flow, 0.0, out=flow)


def _windows(image: np.ndarray) -> np.ndarray:
    """Return what a window sees from each place (..., rows, columns, 4 x channels).

    Behind the last row and column there are zeros.
    """
    _, rows, columns, _ = image.shape
    padded = np.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)))
    return np.concatenate(
        [
            padded[:, down : down + rows, right : right + columns]
            for down in range(_SIDE)
            for right in range(_SIDE)
        ],
        axis=-1,
    )


def _pool(image: np.ndarray) -> np.ndarray:
    """Return the greatest of every 2 x 2 places; zeros fill up the last ones, for none is less."""
    count, rows, columns, channels = image.shape
    padded = np.pad(image, ((0, 0), (0, rows % _SIDE), (0, columns % _SIDE), (0, 0)))
    squares = padded.reshape(count, -(-rows // _SIDE), _SIDE, -(-columns // _SIDE), _SIDE, channels)
    return np.asarray(squares.max(axis=(2, 4)))
