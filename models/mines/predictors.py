"""What the search asks of a detector of any network: scaling, cells, probabilities."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from gossan.core.bundle import Bundle
from gossan.core.errors import BundleError, InputError
from gossan.models.mines import geometry
from gossan.models.mines.model_file import (
    DETECTOR_KIND,
    FCN,
    BandScaling,
    network_of,
    read_model,
    scaling_of,
)
from gossan.models.networks import runtime


class Crop(NamedTuple):
    """The pixels along one side of an image that some cells need.

    Parameters
    ----------
    start, stop : int
        First pixel, and the one after the last.
    skipped : int
        Cells of the crop before the first wanted one; they see the crop's border.
    """

    start: int
    stop: int
    skipped: int


@dataclass(frozen=True)
class CellGeometry:
    """Where the cells of a detector lie along one side of an image, in corner-based pixels.

    Parameters
    ----------
    smallest : int
        Pixels of the smallest image that gives a cell; the first cell is centred in its middle.
    stride : int
        Pixels from one cell to the next, and the side of the square that a cell stands for.
    field : int
        Pixels around its centre that a cell sees.
    given_up : int
        Cells at each end of a crop that see the crop's border where the whole image goes on.
    """

    smallest: int
    stride: int
    field: int
    given_up: int = 0

    def __post_init__(self) -> None:
        if self.stride < 1 or self.smallest < 1:
            raise InputError(
                f"A detector of {self.smallest} pixels cannot move by {self.stride} pixels from "
                "cell to cell. Give a stride of 1 or more."
            )

    @classmethod
    def sliding(cls, patch: int, stride: int) -> CellGeometry:
        """Return the geometry of a classifier of square patches that slides over an image."""
        return cls(patch, stride, patch)

    @property
    def first_centre(self) -> float:
        """Centre of the first cell."""
        return self.smallest / 2

    def cells(self, pixels: int) -> int:
        """Return how many cells that many pixels give; 0 where they are too few."""
        return max((pixels - self.smallest) // self.stride + 1, 0)

    def pixels(self, cells: int) -> int:
        """Return the fewest pixels that give that many cells."""
        return self.stride * (cells - 1) + self.smallest

    def centre(self, cell: float) -> float:
        """Return the coordinate of a cell's centre."""
        return self.stride * cell + self.first_centre

    def corner(self, cell: float) -> float:
        """Return where the square that a cell stands for begins; its end is that of the next."""
        return self.centre(cell) - self.stride / 2

    def crop(self, first: int, count: int, pixels: int) -> Crop:
        """Return the pixels that ``count`` cells from ``first`` on need for what they are.

        Parameters
        ----------
        first, count : int
        pixels : int
            Of the whole side of the image.
        """
        skipped = min(first, self.given_up)
        start = self.stride * (first - skipped)
        if first + count >= self.cells(pixels):
            return Crop(start, pixels, skipped)
        return Crop(start, start + self.pixels(skipped + count + self.given_up), skipped)


class Inputs(Protocol):
    """The inputs of a crop, (rows, columns, bands), which are made row by row as they are needed.

    A plain array is one. Whoever needs all of it at once takes ``inputs[:]``; large crops cost less
    memory when they are gone through by some rows at a time.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns and bands."""
        ...

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Return those rows as a contiguous array (rows, columns, bands), float32, scaled."""
        ...


class Predictor(Protocol):
    """A detector that the search runs over an image, crop by crop.

    Attributes
    ----------
    bundle : Bundle
        Its model file: the card tells bands, ground sampling distance, scores; the fingerprint.
    geometry : CellGeometry
    scaling : BandScaling
        From reflectance to inputs; what is missing becomes 0, which is the bands' mean.
    """

    bundle: Bundle
    geometry: CellGeometry
    scaling: BandScaling

    def probabilities(self, inputs: Inputs) -> np.ndarray:
        """Return the probability of a mine for each cell of a crop.

        Several threads may call this at once. What a cell gets depends on the crop's pixels around
        it alone, except for the `CellGeometry.given_up` cells at each end.

        Parameters
        ----------
        inputs : Inputs (rows, columns, bands)

        Returns
        -------
        ndarray (cells of the rows, cells of the columns), float32
        """
        ...


class FullyConvolutional:
    """The detector of `gossan.models.mines.architecture` as a `Predictor`."""

    def __init__(self, bundle: Bundle) -> None:
        tensorflow = runtime.load()
        self.bundle = bundle
        self.scaling = scaling_of(bundle)
        self.geometry = CellGeometry(
            2 * int(geometry.FIRST_CENTRE), geometry.STRIDE, geometry.FIELD, given_up=1
        )
        network = network_of(bundle)
        shape = tensorflow.TensorSpec((1, None, None, len(bundle.card.bands)), "float32")
        self._run = tensorflow.function(
            lambda image: tensorflow.nn.softmax(network(image, training=False))[0, ..., 1],
            input_signature=[shape],
        )

    def probabilities(self, inputs: Inputs) -> np.ndarray:
        """Return the probability of a mine for each cell; see `Predictor`."""
        return np.asarray(self._run(inputs[:][np.newaxis]))


ARCHITECTURES: dict[str, Callable[[Bundle, int | None], Predictor]] = {
    FCN: lambda bundle, _: FullyConvolutional(bundle),
}
"""How a detector is made from its model file and the stride that the user asks for, by the name of
its architecture; the stride of a fully convolutional one is its own."""


def load_predictor(path: str | os.PathLike[str], stride: int | None = None) -> Predictor:
    """Open a detector.

    Parameters
    ----------
    path : path
        A model file of `gossan.models.mines.model_file.DETECTOR_KIND`.
    stride : int or None
        Pixels from cell to cell, for detectors that slide; None for what the card says.

    Raises
    ------
    BundleError
        When the file is none, or its architecture is unknown.
    """
    bundle = read_model(path, DETECTOR_KIND)
    name = bundle.card.architecture.get("name")
    if name not in ARCHITECTURES:
        raise BundleError(
            f"{path} has the architecture {name!r}, which this version of Gossan does not know. "
            "Open it with the version that made it."
        )
    return ARCHITECTURES[name](bundle, stride)
