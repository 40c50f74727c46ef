"""What the search asks of a detector of any network: scaling, cells, probabilities."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

import numpy as np

from gossan.core.bundle import Bundle
from gossan.core.errors import BundleError
from gossan.core.progress import Progress
from gossan.models.mines.cells import CellGeometry, Crop
from gossan.models.mines.compiled_detector import CompiledDetector
from gossan.models.mines.dense import FullyConvolutional
from gossan.models.mines.model_file import DETECTOR_KIND, FCN, SLIDING, BandScaling, read_model
from gossan.models.networks import runtime

__all__ = [
    "ARCHITECTURES",
    "CellGeometry",
    "CompiledDetector",
    "Crop",
    "FullyConvolutional",
    "Inputs",
    "Predictor",
    "load_predictor",
]


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
        """Return those rows (rows, columns, bands), float32, scaled; in any order of memory."""
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


def _fully_convolutional(bundle: Bundle, _: int | None, progress: Progress) -> Predictor:
    if runtime.has_graphics_processor():
        runtime.load(progress)
        return FullyConvolutional(bundle)
    progress.say("The detector runs compiled, on the processor.")
    return CompiledDetector(bundle)


def _sliding(bundle: Bundle, stride: int | None, _: Progress) -> Predictor:
    # Loaded when it is needed: it brings the readers of foreign models with it.
    from gossan.models.mines.sliding_window import SlidingWindow

    return SlidingWindow(bundle, stride)


ARCHITECTURES: dict[str, Callable[[Bundle, int | None, Progress], Predictor]] = {
    FCN: _fully_convolutional,
    SLIDING: _sliding,
}
"""How a detector is made from its model file and the stride that the user asks for, by the name of
its architecture; the stride of a fully convolutional one is its own. That one runs by TensorFlow
where TensorFlow has a graphics processor, and compiled elsewhere."""


def load_predictor(
    path: str | os.PathLike[str], stride: int | None = None, progress: Progress | None = None
) -> Predictor:
    """Open a detector.

    Parameters
    ----------
    path : path
        A model file of `gossan.models.mines.model_file.DETECTOR_KIND`.
    stride : int or None
        Pixels from cell to cell, for detectors that slide; None for what the card says.
    progress : Progress, optional
        Is told on what the detector computes.

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
    return ARCHITECTURES[name](bundle, stride, progress or Progress())
