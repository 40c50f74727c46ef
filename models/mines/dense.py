"""The fully convolutional detector by TensorFlow: some rows at a time, nothing twice.

What the first convolution makes of a crop takes ten times the memory of the crop, and memory of
that size costs more time than the sums. So the rows of a crop stream through the three convolutions
with their pools, and each of these keeps the two rows that its 3 x 3 windows need again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gossan.core.bundle import Bundle
from gossan.models.mines import geometry
from gossan.models.mines.cells import CellGeometry
from gossan.models.mines.model_file import network_of, scaling_of
from gossan.models.mines.pixels import read_ahead
from gossan.models.networks import runtime

if TYPE_CHECKING:
    from gossan.models.mines.predictors import Inputs

_STEP_BYTES = 24 * 2**20
"""Greatest output of the first convolution: beyond 32 MB, memory comes from the system."""

_LONGEST_STEP = 6

_POOL = 3


class FullyConvolutional:
    """The detector of `gossan.models.mines.architecture` as a `Predictor`.

    Its result is that of the network over the whole crop, zero padding at the crop's border
    included, to the rounding of sums in another order.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.scaling = scaling_of(bundle)
        self.geometry = CellGeometry.dense()
        self._tensorflow = runtime.load()
        self._weights = self._constants(network_of(bundle))
        self._steps: dict[tuple[bool, bool], Any] = {}
        self._cells = self._head()

    def probabilities(self, inputs: Inputs) -> np.ndarray:
        """Return the probability of a mine for each cell; see `Predictor`."""
        features = self._features(inputs)
        return np.asarray(self._cells(features))

    def _features(self, inputs: Inputs) -> Any:
        """Return what the three convolutions see (1, rows // 27, columns // 27, filters)."""
        height, width, _ = inputs.shape
        step = _rows_per_step(width, self._filters(1))
        count = height // geometry.STRIDE
        firsts = range(0, count, step)
        parts = [
            slice(
                geometry.STRIDE * first + 11 if first else 0,
                height if first + step >= count else geometry.STRIDE * (first + step) + 13,
            )
            for first in firsts
        ]
        made, above = [], self._nothing_above()
        for first, rows in zip(firsts, read_ahead(inputs, parts)):
            take_in = self._step(first == 0, first + step >= count)
            features, *above = take_in(self._tensorflow.constant(rows[np.newaxis]), *above)
            made.append(features)
        return self._tensorflow.concat(made, axis=1)

    def _step(self, top: bool, bottom: bool) -> Any:
        """Return the function that takes the next rows in.

        Parameters
        ----------
        top, bottom : bool
            Whether the rows begin or end with the crop, where it is padded with zeros.
        """
        if (top, bottom) in self._steps:
            return self._steps[top, bottom]
        tf, weights = self._tensorflow, self._weights
        ends = [[0, 0], [int(top), int(bottom)], [1, 1], [0, 0]]

        def convolve(flow: Any, number: int) -> Any:
            kernel, bias = weights[f"convolution{number}"]
            flow = tf.nn.conv2d(flow, kernel, 1, ends)
            return tf.nn.max_pool2d(tf.nn.relu(tf.nn.bias_add(flow, bias)), _POOL, _POOL, "VALID")

        def step(strip: Any, above_second: Any, above_third: Any) -> tuple[Any, Any, Any]:
            second = convolve(strip, 1)
            second = second if top else tf.concat([above_second, second], axis=1)
            third = convolve(second, 2)
            third = third if top else tf.concat([above_third, third], axis=1)
            return convolve(third, 3), second[:, -2:], third[:, -2:]

        bands = len(self.bundle.card.bands)
        self._steps[top, bottom] = tf.function(
            step,
            input_signature=[
                tf.TensorSpec((1, None, None, channels), "float32")
                for channels in (bands, self._filters(1), self._filters(2))
            ],
            autograph=False,
        )
        return self._steps[top, bottom]

    def _head(self) -> Any:
        """Return the function from features to probabilities (rows, columns)."""
        tf, weights = self._tensorflow, self._weights
        kernel, bias = weights["context"]
        # The softmax of two classes is the logistic function of their difference.
        last, shift = (array[..., 1:] - array[..., :1] for array in weights["cells"])

        def cells(features: Any) -> Any:
            flow = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(features, kernel, 1, "VALID"), bias))
            flow = tf.nn.bias_add(tf.nn.conv2d(flow, last, 1, "VALID"), shift)
            return tf.nn.sigmoid(flow)[0, ..., 0]

        shape = tf.TensorSpec((1, None, None, self._filters(3)), "float32")
        return tf.function(cells, input_signature=[shape], autograph=False)

    def _constants(self, network: Any) -> dict[str, tuple[Any, Any]]:
        """Return kernel and bias of each layer as constants, which fuse where variables do not."""
        constant = self._tensorflow.constant
        return {
            layer.name: tuple(constant(weight.numpy()) for weight in layer.weights)
            for layer in network.layers
            if layer.weights
        }

    def _filters(self, number: int) -> int:
        return int(self._weights[f"convolution{number}"][1].shape[0])

    def _nothing_above(self) -> list[Any]:
        return [self._tensorflow.zeros((1, 0, 1, self._filters(number))) for number in (1, 2)]


def _rows_per_step(width: int, filters: int) -> int:
    """Return how many rows of cells are computed at once."""
    each = geometry.STRIDE * width * filters * 4
    return min(max(_STEP_BYTES // each, 1), _LONGEST_STEP)
