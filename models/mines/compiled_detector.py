"""The fully convolutional detector on the processor, without TensorFlow.

The rows of a crop stream through the three convolutions with their pools, some at a time, and each
of these keeps the two rows that its 3 x 3 windows need again: little enough to stay in the
processor's own memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gossan.core.bundle import Bundle
from gossan.models.mines.cells import CellGeometry
from gossan.models.mines.compiled_convolution import SIDE, convolve, packed
from gossan.models.mines.model_file import scaling_of, weights_in

if TYPE_CHECKING:
    from gossan.models.mines.predictors import Inputs

_ROWS_AT_ONCE = SIDE
"""Rows of the first pool that are made of what is read at once: few, for then it stays near."""


class CompiledDetector:
    """The detector of `gossan.models.mines.architecture` as a `Predictor`.

    Its result is that of the network over the whole crop, zero padding at the crop's border
    included, to the rounding of sums in another order.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.scaling = scaling_of(bundle)
        self.geometry = CellGeometry.dense()
        weights = {
            name: np.ascontiguousarray(array, dtype=np.float32)
            for name, array in weights_in(bundle).items()
        }
        self._layers = [
            _Layer(packed(weights[f"{name}/kernel"]), weights[f"{name}/bias"])
            for name in ("convolution1", "convolution2", "convolution3")
        ]
        self._context = weights["context/kernel"], weights["context/bias"]
        # The softmax of two classes is the logistic function of their difference.
        self._last = np.diff(weights["cells/kernel"][0, 0])[:, 0], np.diff(weights["cells/bias"])

    def probabilities(self, inputs: Inputs) -> np.ndarray:
        """Return the probability of a mine for each cell; see `Predictor`."""
        features = np.concatenate(list(self._features(inputs)))
        kernel, bias = self._context
        side, _, channels, filters = kernel.shape
        flat = kernel.reshape(-1, filters)
        rows, columns = (count - side + 1 for count in features.shape[:2])
        odds = np.empty((rows, columns), dtype=np.float32)
        for row in range(rows):
            band = features[row : row + side]
            windows = np.lib.stride_tricks.sliding_window_view(band, side, axis=1)
            seen = windows.transpose(1, 0, 3, 2).reshape(columns, side * side * channels)
            odds[row] = np.maximum(seen @ flat + bias, 0.0) @ self._last[0]
        return 0.5 + 0.5 * np.tanh(0.5 * (odds + self._last[1]))

    def _features(self, inputs: Inputs) -> Iterator[np.ndarray]:
        """Yield what the three convolutions see, by rows of cells; the last rows may be none."""
        height, width, _ = inputs.shape
        first, second, third = self._layers
        pooled = height // SIDE
        starts = range(0, pooled, _ROWS_AT_ONCE)
        ends = [min(start + _ROWS_AT_ONCE, pooled) for start in starts]
        parts = [
            slice(max(SIDE * start - 1, 0), min(SIDE * end + 1, height))
            for start, end in zip(starts, ends)
        ]
        later = [_Stream(second, pooled), _Stream(third, pooled // SIDE)]
        for start, end, part in zip(starts, ends, parts):
            # By this thread: what another one reads ahead would come from another core's memory.
            planes = np.ascontiguousarray(np.moveaxis(inputs[part], -1, 0))
            top = SIDE * start - 1 - part.start
            rows = first.run(planes, True, top, (end - start, width // SIDE))
            for stream in later:
                rows = stream.take(rows)
            yield rows


class _Layer:
    """Weights and bias of a convolution with its pool."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray) -> None:
        self._weights, self._bias = weights, bias

    def run(self, image: np.ndarray, planes: bool, top: int, size: tuple[int, int]) -> np.ndarray:
        """Return that many pooled rows and columns; see `convolve`."""
        out = np.empty((*size, len(self._bias)), dtype=np.float32)
        convolve(image, planes, top, self._weights, self._bias, out)
        return out


class _Stream:
    """A layer whose image comes some rows at a time.

    Parameters
    ----------
    layer : _Layer
    height : int
        Rows of the whole image.
    """

    def __init__(self, layer: _Layer, height: int) -> None:
        self._layer, self._height = layer, height
        self._kept: np.ndarray | None = None
        self._first = self._made = 0

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the pooled rows that can be made now."""
        image = rows if self._kept is None else np.concatenate([self._kept, rows])
        end = self._first + len(image)
        # A pooled row sees one row above its own three and one below them.
        ready = end // SIDE if end == self._height else max((end - 1) // SIDE, 0)
        top = SIDE * self._made - 1 - self._first
        made = self._layer.run(image, False, top, (ready - self._made, image.shape[1] // SIDE))
        keep = max(SIDE * ready - 1, 0) - self._first
        self._kept = image[keep:]
        self._first, self._made = self._first + keep, ready
        return made
