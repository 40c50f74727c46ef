"""Classifiers of small patches, made by others, that slide over an image as a detector."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gossan.core.bands import Band
from gossan.core.bundle import Bundle, Card, ClassLabel, Training, write_bundle
from gossan.core.errors import BundleError, FileError, InputError
from gossan.core.origin import Origin
from gossan.models.mines import foreign_keras, foreign_onnx, keras_layers
from gossan.models.mines.cells import CellGeometry
from gossan.models.mines.model_file import DETECTOR_KIND, SLIDING, BandScaling, scaling_of
from gossan.models.networks import runtime
from gossan.models.networks.weights import set_weights

if TYPE_CHECKING:
    from gossan.models.mines.predictors import Inputs

ANSWERS = ("probabilities", "logits (softmax)", "logits (sigmoid)")
"""What a classifier's last layer gives."""

LAYOUTS = ("as the file says", "rows, columns, bands", "bands, rows, columns")
"""Order of the axes of its input, behind the one that counts the patches."""

LARGEST_PATCH = 1024

_BATCH = 128
_ONNX_ARRAY = "onnx"

Run = Callable[[np.ndarray], np.ndarray]
"""From patches (patches, rows, columns, bands) to outputs (patches, numbers)."""


@dataclass(frozen=True)
class Answer:
    """How the outputs of a classifier become the probability of a mine.

    Parameters
    ----------
    kind : str
        One of `ANSWERS`.
    number : int
        Which output stands for a mine, from 1; 0 for the last one.
    """

    kind: str
    number: int

    def __post_init__(self) -> None:
        if self.kind not in ANSWERS:
            raise InputError(f"Outputs are {', '.join(ANSWERS)}, not {self.kind!r:.60}.")

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probability for each patch from outputs of shape (patches, numbers).

        Raises
        ------
        InputError
            When there is no output of that number.
        """
        count = outputs.shape[1]
        if not 0 <= self.number <= count:
            raise InputError(
                f"Output {self.number} was said to mean a mine, but the model has {count}."
            )
        wanted = (self.number or count) - 1
        values = outputs.astype(np.float64)
        if self.kind == ANSWERS[1]:
            if count < 2:
                raise InputError("A softmax needs two outputs or more, and the model has one.")
            values = np.exp(values - values.max(axis=1, keepdims=True))
            values /= values.sum(axis=1, keepdims=True)
        elif self.kind == ANSWERS[2]:
            values = 0.5 * (1.0 + np.tanh(0.5 * values))
        return np.asarray(values[:, wanted], dtype=np.float32)


@dataclass(frozen=True)
class ForeignModel:
    """A classifier as it was read from its file.

    Parameters
    ----------
    run : callable
    architecture : dict
        What a card says about it, from which it is made again.
    arrays : dict of ndarray
    patch : int
        Pixels along each side of its patches.
    """

    run: Run
    architecture: dict[str, Any]
    arrays: dict[str, np.ndarray]
    patch: int


class SlidingWindow:
    """A classifier of patches as a `gossan.models.mines.predictors.Predictor`."""

    def __init__(self, bundle: Bundle, stride: int | None = None) -> None:
        card = bundle.card
        if not card.patch or not card.bands:
            raise BundleError(f"{bundle.path} does not say which patches and bands it needs.")
        self.bundle = bundle
        self.scaling: BandScaling = scaling_of(bundle)
        self.geometry = CellGeometry.sliding(card.patch, stride or card.stride or card.patch)
        try:
            answer = card.architecture["answer"]
            self._answer = Answer(str(answer["kind"]), int(answer["number"]))
            self._run = runner_of(
                card.architecture, bundle.arrays(), card.patch, len(card.bands), str(bundle.path)
            )
        except (KeyError, TypeError) as problem:
            raise BundleError(f"{bundle.path} does not say how it is run: {problem}.") from problem

    def probabilities(self, inputs: Inputs) -> np.ndarray:
        """Return the probability of a mine for each cell; see `Predictor`."""
        patch, stride = self.geometry.smallest, self.geometry.stride
        rows, columns = (self.geometry.cells(size) for size in inputs.shape[:2])
        found = np.empty((rows, columns), dtype=np.float32)
        for row in range(rows):
            band = inputs[row * stride : row * stride + patch]
            views = np.lib.stride_tricks.sliding_window_view(band, patch, axis=1)[:, ::stride]
            patches = np.moveaxis(views, (1, 3), (0, 2))
            for first in range(0, columns, _BATCH):
                outputs = self._run(np.ascontiguousarray(patches[first : first + _BATCH]))
                found[row, first : first + _BATCH] = self._answer.probabilities(outputs)
        return found


def read_foreign(
    path: str, bands: int, *, patch: int = 0, layout: str = LAYOUTS[0]
) -> ForeignModel:
    """Read someone's classifier, Keras by its ending, else ONNX.

    Parameters
    ----------
    path : str
    bands : int
        Bands that it is said to take.
    patch : int
        Its pixels along each side, where the file leaves that open; 0: as the file says.
    layout : str
        One of `LAYOUTS`; the first: the one in which the file's number of bands fits.

    Raises
    ------
    InputError
        The file says otherwise, or leaves open what was not given.
    """
    if path.lower().endswith((".h5", ".hdf5", ".keras")):
        layers, arrays = foreign_keras.read_keras(path)
        shape: Sequence[int | None] = layers[0]["shape"]
        architecture: dict[str, Any] = {"format": "keras", "layers": layers}
    else:
        content = _content(path)
        arrays = {_ONNX_ARRAY: foreign_onnx.as_array(content)}
        signature = foreign_onnx.signature_of(foreign_onnx.session(content, path), path)
        shape = signature.shape[1:]
        architecture = {"format": "onnx"}
    if layout not in LAYOUTS:
        raise InputError(f"Axes are ordered {'; '.join(LAYOUTS)}, not {layout!r:.60}.")
    layout = _layout(shape, bands) if layout == LAYOUTS[0] else layout
    side = _side(shape, bands, patch, layout, path)
    architecture["layout"] = layout
    run = runner_of(architecture, arrays, side, bands, path)
    return ForeignModel(run, architecture, arrays, side)


def write_foreign(
    path: str | os.PathLike[str],
    model: ForeignModel,
    answer: Answer,
    bands: tuple[Band, ...],
    scaling: BandScaling,
    *,
    stride: int,
    ground_sampling_distance: float,
    source: str,
    licence: str,
    origin: Origin,
) -> str:
    """Write a classifier as a model file and return the fingerprint of that."""
    card = Card(
        kind=DETECTOR_KIND,
        architecture={
            "name": SLIDING,
            **model.architecture,
            "answer": {"kind": answer.kind, "number": answer.number},
        },
        bands=bands,
        scaling={
            "mean": [float(value) for value in scaling.mean],
            "deviation": [float(value) for value in scaling.deviation],
        },
        ground_sampling_distance=ground_sampling_distance,
        patch=model.patch,
        stride=stride,
        classes=(ClassLabel(1, "mine", "#d7191c"),),
        training=Training(f"Imported from {source}; trained by others, not validated here."),
        licence=licence,
        origin=origin,
    )
    return write_bundle(path, card, arrays=model.arrays)


def runner_of(
    architecture: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    patch: int,
    bands: int,
    where: str,
) -> Run:
    """Return what runs a classifier from its card's description and its arrays."""
    first = architecture["layout"] == LAYOUTS[2]
    if architecture["format"] == "keras":
        run = _keras_runner(architecture["layers"], arrays, where)
    elif architecture["format"] == "onnx":
        run = _onnx_runner(arrays[_ONNX_ARRAY].tobytes(), where)
    else:
        raise BundleError(f"{where} holds a model of an unknown format.")

    def guarded(patches: np.ndarray) -> np.ndarray:
        if patches.shape[1:] != (patch, patch, bands):
            raise InputError(f"{where} takes {patch} x {patch} pixels of {bands} bands.")
        given = np.ascontiguousarray(np.moveaxis(patches, 3, 1)) if first else patches
        outputs = np.asarray(run(given)).reshape(len(patches), -1)
        if outputs.shape[1] > 1000:
            raise InputError(
                f"{where} gives {outputs.shape[1]} numbers for a patch; a classifier gives one for "
                "each class. A smaller patch may be the right one."
            )
        return outputs

    return guarded


def _keras_runner(
    layers: Sequence[Mapping[str, Any]], arrays: Mapping[str, np.ndarray], where: str
) -> Run:
    tensorflow = runtime.load()
    network = keras_layers.build(layers)
    set_weights(network, arrays, where)
    shape = tensorflow.TensorSpec((None, *network.input_shape[1:]), "float32")
    call = tensorflow.function(
        lambda image: network(image, training=False), input_signature=[shape]
    )
    return lambda patches: np.asarray(call(patches))


def _onnx_runner(content: bytes, where: str) -> Run:
    runner = foreign_onnx.session(content, where)
    signature = foreign_onnx.signature_of(runner, where)
    size = signature.shape[0]

    def batch(patches: np.ndarray) -> np.ndarray:
        with foreign_onnx.naming_refusals(where):
            return np.asarray(runner.run([signature.output], {signature.name: patches})[0])

    def run(patches: np.ndarray) -> np.ndarray:
        if size is None:
            return batch(patches)
        # Some models are exported for a fixed number of patches; the last ones are filled up.
        missing = -len(patches) % size
        filled = np.concatenate([patches, np.zeros((missing, *patches.shape[1:]), np.float32)])
        parts = [batch(filled[i : i + size]) for i in range(0, len(filled), size)]
        return np.concatenate(parts)[: len(patches)]

    return run


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(foreign_onnx.LARGEST + 1)
    except OSError as problem:
        raise FileError(f"{path} cannot be read: {problem.strerror}.") from problem


def _layout(shape: Sequence[int | None], bands: int) -> str:
    """Return in which order of axes a shape has that many bands; the usual one where both do."""
    if len(shape) == 3 and shape[2] != bands and shape[0] == bands:
        return LAYOUTS[2]
    return LAYOUTS[1]


def _side(shape: Sequence[int | None], bands: int, patch: int, layout: str, path: str) -> int:
    """Return how large the patches of a model are, after a check of its bands."""
    if len(shape) != 3:
        raise InputError(f"{path} takes inputs of {len(shape)} axes; images have three.")
    rows, columns, depth = shape if layout == LAYOUTS[1] else (shape[1], shape[2], shape[0])
    if depth not in (None, bands):
        raise InputError(
            f"{path} takes {depth} bands ({layout}), but {bands} were named. Name its bands in its "
            "order."
        )
    if rows != columns:
        raise InputError(f"{path} takes patches of {rows} x {columns} pixels; squares are needed.")
    if rows is None and not patch:
        raise InputError(f"{path} takes patches of any size: say how many pixels they have.")
    if rows is not None and patch not in (0, rows):
        raise InputError(f"{path} takes patches of {rows} pixels, not {patch}.")
    side = patch or int(rows or 0)
    if not 1 <= side <= LARGEST_PATCH:
        raise InputError(f"Patches of {side} pixels are too large; use up to {LARGEST_PATCH}.")
    return side
