"""Judging cells by the impact classifier: high impact, low impact, no ore."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from gossan.core.bands import Band, match
from gossan.core.bundle import Bundle
from gossan.core.errors import BandMismatchError
from gossan.core.windows import Window
from gossan.models.mines.cells import CellGeometry
from gossan.models.mines.images import MineImage
from gossan.models.mines.impact_network import ImpactNetwork
from gossan.models.mines.model_file import (
    IMPACT_KIND,
    network_of,
    read_model,
    scaling_of,
    weights_in,
)
from gossan.models.networks import runtime

_CHIPS_AT_ONCE = 128
_WIDEST_GAP = 4
"""Cells between two judged ones of a row that are read along with them."""


class ImpactModel:
    """An impact classifier that judges cells of an image.

    Parameters
    ----------
    path : path
        A model file of `gossan.models.mines.model_file.IMPACT_KIND`.
    bands : sequence of Band, optional
        The image's, see `joined_bands`; those of the model alone by default.
    by_position : bool
        Take them in their order.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        bands: tuple[Band, ...] | None = None,
        *,
        by_position: bool = False,
    ) -> None:
        self.bundle = read_model(path, IMPACT_KIND)
        self.scaling = scaling_of(self.bundle)
        self.classes = tuple(label.name for label in self.bundle.card.classes)
        self.size = int(self.bundle.card.patch or 0)
        wanted = self.bundle.card.bands
        self.bands = match(wanted, wanted if bands is None else bands, by_position=by_position)
        self._run = (
            _by_tensorflow(self.bundle)
            if runtime.has_graphics_processor()
            else ImpactNetwork(weights_in(self.bundle))
        )

    def judge(
        self, image: MineImage, cells: CellGeometry, rows: np.ndarray, columns: np.ndarray
    ) -> np.ndarray:
        """Return the probability of each class (n, classes) for cells of an image.

        Parameters
        ----------
        image : MineImage
        cells : CellGeometry
        rows, columns : ndarray (n,) of int
            The cells; best sorted by row and column.
        """
        found = np.empty((len(rows), len(self.classes)), dtype=np.float32)
        for start in range(0, len(rows), _CHIPS_AT_ONCE):
            part = slice(start, start + _CHIPS_AT_ONCE)
            chips = self.chips(image, cells, rows[part], columns[part])
            found[part] = self._run(chips)
        return found

    def chips(
        self, image: MineImage, cells: CellGeometry, rows: np.ndarray, columns: np.ndarray
    ) -> np.ndarray:
        """Return scaled chips (n, size, size, bands) centred at cells; 0 where nothing is seen."""
        chips = np.zeros((len(rows), self.size, self.size, len(self.bands)), dtype=np.float32)
        tops = np.array([self._first(cells, cell) for cell in rows], dtype=int)
        lefts = np.array([self._first(cells, cell) for cell in columns], dtype=int)
        apart = (np.diff(rows) != 0) | (np.abs(np.diff(columns)) > _WIDEST_GAP)
        for run in np.split(np.arange(len(rows)), np.flatnonzero(apart) + 1):
            if not run.size:
                continue
            top, left = int(tops[run[0]]), int(lefts[run].min())
            seen = _clipped(top, left, self.size, int(lefts[run].max()) - left + self.size, image)
            if seen is None:
                continue
            pixels = image.pixels(seen)
            inputs = pixels.inputs(self.scaling, self.bands, slice(None), slice(None))[:]
            for chip in run:
                self._cut(chips[chip], inputs, seen, top, int(lefts[chip]))
        return chips

    def _first(self, cells: CellGeometry, cell: int) -> int:
        """Return the first pixel of the chip around a cell's centre."""
        return int(np.floor(cells.centre(int(cell)) - self.size / 2 + 0.5))

    def _cut(self, chip: np.ndarray, inputs: np.ndarray, seen: Window, top: int, left: int) -> None:
        row, column = max(top, seen.row), max(left, seen.column)
        bottom = min(top + self.size, seen.row + seen.height)
        right = min(left + self.size, seen.column + seen.width)
        if bottom > row and right > column:
            chip[row - top : bottom - top, column - left : right - left] = inputs[
                row - seen.row : bottom - seen.row, column - seen.column : right - seen.column
            ]


def _by_tensorflow(bundle: Bundle) -> Callable[[np.ndarray], np.ndarray]:
    tensorflow = runtime.load()
    network = network_of(bundle)
    judge = tensorflow.function(
        lambda chips: tensorflow.nn.softmax(network(chips, training=False)),
        input_signature=[tensorflow.TensorSpec((None, *network.input_shape[1:]), "float32")],
    )

    def run(chips: np.ndarray) -> np.ndarray:
        # One batch size, for which the function is made once.
        padded = np.zeros((_CHIPS_AT_ONCE, *chips.shape[1:]), dtype=np.float32)
        padded[: len(chips)] = chips
        return np.asarray(judge(padded))[: len(chips)]

    return run


def joined_bands(
    detector: tuple[Band, ...], impact: tuple[Band, ...], *, by_position: bool = False
) -> tuple[Band, ...]:
    """Return the detector's bands and those that the impact model needs besides.

    Raises
    ------
    BandMismatchError
        When bands count by their position and the two models have not as many.
    """
    if by_position:
        if len(detector) != len(impact):
            raise BandMismatchError(
                f"The detector has {len(detector)} bands and the impact model {len(impact)}, so "
                "bands cannot be matched by position. Use models of the same bands."
            )
        return detector
    joined = list(detector)
    for band in impact:
        try:
            match([band], joined)
        except BandMismatchError:
            joined.append(band)
    return tuple(joined)


def _clipped(top: int, left: int, height: int, width: int, image: MineImage) -> Window | None:
    row, column = max(top, 0), max(left, 0)
    bottom, right = min(top + height, image.info.height), min(left + width, image.info.width)
    return (
        Window(row, column, bottom - row, right - column)
        if bottom > row and right > column
        else None
    )
