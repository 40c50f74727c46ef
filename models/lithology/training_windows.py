"""Windows that slide over an image, as batches for a network: turned, mirrored and weighted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.blocks import Window
from gossan.core.errors import InputError
from gossan.models.lithology.architecture import STRIDE as CELL
from gossan.models.lithology.holdout import TRAINING
from gossan.models.lithology.labelled_stack import LabelledStack, StandardisedReader
from gossan.models.networks.training import Batch

SIDE = 256
"""Side of a window, pixels."""

LEAST_LABELLED = 0.02
"""Share of its pixels that have to be learned from for a window to be drawn."""

JITTER = 0.1
"""Standard deviation of what is added to a band of a varied window, in deviations of the band."""

WEIGHT_LIMITS = (0.1, 10.0)
"""Least and greatest weight of a class."""


@dataclass(frozen=True)
class WindowOptions:
    """How windows are drawn.

    Parameters
    ----------
    side : int
        Pixels along each side, a multiple of 32; smaller images are padded to it.
    stride : int
        Pixels from one window to the next.
    count : int
        Windows that are drawn from all of them for training.
    batch : int
        Windows learned from at once.
    varied : bool
        Whether each epoch draws windows of its own from all of them, shifted by up to a stride,
        turned and mirrored at random, and each band made a little brighter or darker.
    """

    side: int = SIDE
    stride: int = 20
    count: int = 1000
    batch: int = 5
    varied: bool = False

    def __post_init__(self) -> None:
        if self.side < CELL or self.side % CELL:
            raise InputError(f"Windows of {self.side} pixels do not fit; give a multiple of 32.")
        if min(self.stride, self.count, self.batch) < 1:
            raise InputError("Stride, number of windows and batch are 1 or more.")


def slide(height: int, width: int, side: int, stride: int) -> list[Window]:
    """Return all windows of a side that a stride gives; the last ones end at the image's border.

    Every pixel lies in at least one, as long as the stride does not exceed the side. An image
    smaller than a window is one window, cut at the border.
    """
    return [
        Window(row, column, min(side, height), min(side, width))
        for row in _starts(height, side, stride)
        for column in _starts(width, side, stride)
    ]


def draw_windows(
    roles: np.ndarray, role: int, options: WindowOptions, stride: int, count: int | None, seed: int
) -> list[Window]:
    """Draw so many windows, or all, that hold enough pixels of a role; the seed orders them."""
    height, width = roles.shape
    sums = np.zeros((height + 1, width + 1), dtype=np.int64)
    sums[1:, 1:] = (roles == role).cumsum(axis=0).cumsum(axis=1)
    fitting = []
    for window in slide(height, width, options.side, stride):
        row, column, bottom, right = (
            window.row,
            window.column,
            window.row + window.height,
            window.column + window.width,
        )
        pixels = sums[bottom, right] - sums[row, right] - sums[bottom, column] + sums[row, column]
        if pixels >= max(LEAST_LABELLED * window.pixels, 1):
            fitting.append(window)
    order = np.random.default_rng(seed).permutation(len(fitting))
    return [fitting[place] for place in order[:count]]


def class_weights(counts: np.ndarray, *, balanced: bool, power: float = 1.0) -> np.ndarray:
    """Return the weight of each class: against its share of the pixels, or 1.

    Parameters
    ----------
    counts : ndarray, shape (classes,)
        Pixels of each class that are learned from.
    balanced : bool
    power : float
        1 has all classes count alike. That finds rare ones where they are not, too; 0.5 lies
        halfway to counting all pixels alike.
    """
    if not balanced:
        return np.ones(len(counts), dtype=np.float32)
    wanted = counts.sum() / max(np.count_nonzero(counts), 1)
    weights = (wanted / np.maximum(counts, 1)) ** power
    return np.clip(weights, *WEIGHT_LIMITS).astype(np.float32)


class WindowBatches:
    """The batches of every epoch.

    Parameters
    ----------
    data : LabelledStack
    reader : StandardisedReader
    roles : ndarray of uint8, shape (rows, columns)
    role : int
        Pixels of this role count; all others have the weight 0.
    windows : sequence of Window
    weights : ndarray, shape (classes,)
    options : WindowOptions
    seed : int
    """

    def __init__(
        self,
        data: LabelledStack,
        reader: StandardisedReader,
        roles: np.ndarray,
        role: int,
        windows: Sequence[Window],
        weights: np.ndarray,
        options: WindowOptions,
        seed: int,
    ) -> None:
        self._data, self._reader, self._roles, self._role = data, reader, roles, role
        self._windows, self._options, self._seed = list(windows), options, seed
        self._weights = np.concatenate([[0.0], weights]).astype(np.float32)

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch: shuffled and varied, unless it is 0 (validation)."""
        random = np.random.default_rng([self._seed, epoch])
        learning = epoch > 0 and self._role == TRAINING
        count = len(self._windows)
        order = random.permutation(count) if learning else np.arange(count)
        if learning and self._options.varied:
            order = np.resize(order, self._options.count)
        chosen = [self._windows[place] for place in order]
        for start in range(0, len(chosen), self._options.batch):
            samples = [
                self._sample(window, random if learning and self._options.varied else None)
                for window in chosen[start : start + self._options.batch]
            ]
            stacked = tuple(np.stack(arrays) for arrays in zip(*samples))
            yield stacked[0], stacked[1], stacked[2]

    def _sample(
        self, window: Window, random: np.random.Generator | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        side = self._options.side
        if random is not None:
            window = self._shifted(window, random)
        places = self._data.places[window.slices]
        counted = self._roles[window.slices] == self._role
        arrays = (
            self._reader.window(window),
            np.maximum(places.astype(np.int32) - 1, 0),
            np.where(counted, self._weights[places], np.float32(0.0)),
        )
        padded = [
            np.pad(array, [(0, side - window.height), (0, side - window.width)]
                   + [(0, 0)] * (array.ndim - 2))
            for array in arrays
        ]  # fmt: skip
        if random is not None:
            turns, mirrored = int(random.integers(4)), bool(random.integers(2))
            padded = [np.rot90(array, turns) for array in padded]
            if mirrored:
                padded = [array[::-1] for array in padded]
            bands = padded[0].shape[-1]
            padded[0] = padded[0] + np.float32(JITTER) * random.standard_normal(bands, np.float32)
        return padded[0], padded[1], padded[2]

    def _shifted(self, window: Window, random: np.random.Generator) -> Window:
        """Return the window moved by less than a stride, within the image."""
        height, width = self._roles.shape
        row, column = (
            min(start + int(random.integers(self._options.stride)), length - side)
            for start, length, side in (
                (window.row, height, window.height),
                (window.column, width, window.width),
            )
        )
        return Window(row, column, window.height, window.width)


def _starts(length: int, side: int, stride: int) -> list[int]:
    last = max(length - side, 0)
    steps = math.ceil(last / stride)
    return sorted({min(step * stride, last) for step in range(steps + 1)})
