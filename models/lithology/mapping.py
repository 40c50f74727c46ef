"""Dense prediction: shares of all classes for an image of any size, without a seam."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gossan.core.blocks import DATA_BUDGET, Block, plan, rows_for_budget, run
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, Stack, valid_pixels
from gossan.models.lithology.architecture import BLOCKS, HALO, STRIDE, channels
from gossan.models.lithology.class_forest import ClassForest
from gossan.models.lithology.labelled_stack import Scaling
from gossan.models.networks import runtime

LARGEST_TILE = 1024
"""Most rows and columns that a network answers for at once, so that progress shows."""

BLOCK_PIXELS = 262_144
"""Most pixels of a forest's block."""

_TENSORS_ALIVE = 4
"""Layers of full resolution that a network holds at its peak."""

Predict = Callable[[Block, np.ndarray], np.ndarray]
"""From a block and its bands with halo to the classes' shares of its inner window."""


def plan_network(info: RasterInfo, width: float, tile: int = 0) -> list[Block]:
    """Return tiles whose origins are multiples of 32, with the halo that their pixels see.

    Parameters
    ----------
    info : RasterInfo
    width : float
        Of the network; the wider it is, the smaller are the tiles that the budget allows.
    tile : int
        Side of a tile, pixels, a multiple of 32; 0 takes what the budget allows.
    """
    if not tile:
        per_pixel = 4.0 * _TENSORS_ALIVE * channels(BLOCKS[0][1], width)
        side = int(math.sqrt(DATA_BUDGET / 2 / per_pixel)) - 2 * HALO
        tile = min(max(side // STRIDE * STRIDE, STRIDE), LARGEST_TILE)
    return plan(info.height, info.width, rows=tile, columns=tile, halo=HALO)


def plan_forest(info: RasterInfo, bands: int, classes: int) -> list[Block]:
    """Return windows of full rows that keep within the budget."""
    rows = rows_for_budget(info.width, 4.0 * (4 * bands + 4 * classes + 8))
    rows = min(rows, max(BLOCK_PIXELS // info.width, 1))
    return plan(info.height, info.width, rows=rows, columns=info.width)


def network_predictor(model: Any, scaling: Scaling) -> Predict:
    """Return what maps a block by a network.

    Parameters
    ----------
    model : keras.Model
    scaling : Scaling
    """
    tensorflow = runtime.load()

    @tensorflow.function(reduce_retracing=True)
    def shares(windows: Any) -> Any:
        return tensorflow.nn.softmax(model(windows, training=False))

    def predict(block: Block, values: np.ndarray) -> np.ndarray:
        height, width = values.shape[:2]
        # Only at the image's border a window is no multiple of 32; there the network sees what it
        # sees beyond every border: the mean of all bands.
        padded = np.pad(
            scaling.apply(values), [(0, -height % STRIDE), (0, -width % STRIDE), (0, 0)]
        )
        found = shares(tensorflow.convert_to_tensor(padded[np.newaxis])).numpy()[0]
        return np.asarray(found[:height, :width][block.inner_slices])

    return predict


def forest_predictor(forest: ClassForest, progress: Progress) -> Predict:
    """Return what maps a block by a forest."""

    def predict(_: Block, values: np.ndarray) -> np.ndarray:
        flat = values.reshape(-1, values.shape[-1])
        known = np.isfinite(flat).all(axis=1)
        out = np.full((len(flat), forest.classes), np.nan, dtype=np.float32)
        out[known] = forest.shares(flat[known], progress)
        return out.reshape(*values.shape[:2], forest.classes)

    return predict


def map_shares(
    stack: Stack,
    indexes: Sequence[int] | None,
    blocks: Sequence[Block],
    predict: Predict,
    consume: Callable[[Block, np.ndarray, np.ndarray], None],
    progress: Progress,
) -> None:
    """Predict block by block.

    Parameters
    ----------
    stack : Stack
    indexes : sequence of int, optional
        Bands in the model's order; all by default.
    blocks : sequence of Block
        From `plan_network` or `plan_forest`.
    predict : callable
        From `network_predictor` or `forest_predictor`.
    consume : callable
        ``consume(block, shares, valid)``: shares (rows, columns, classes) and where every band has
        a value (rows, columns).
    progress : Progress
    """

    def read(block: Block) -> np.ndarray:
        return stack.read(block.outer, indexes)

    def compute(block: Block, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return predict(block, values), valid_pixels(values[block.inner_slices])

    run(blocks, read, compute, lambda block, found: consume(block, *found), progress)


def entropy_of(shares: np.ndarray) -> np.ndarray:
    """Return how undecided shares (..., classes) are: 0 for one class, 1 for all of them alike."""
    logarithms = np.log(np.where(shares > 0, shares, 1.0))
    entropy: np.ndarray = -(shares * logarithms).sum(axis=-1) / math.log(shares.shape[-1])
    return entropy
