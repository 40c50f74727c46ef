"""Models of lithology in files: a forest as node arrays or a network's weights, and the card."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gossan.core.bands import Band
from gossan.core.bundle import Card, ClassLabel, Training, read_bundle, write_bundle
from gossan.core.errors import BundleError
from gossan.core.origin import Origin
from gossan.models.lithology.architecture import HALO, NETWORKS, STRIDE, build_network
from gossan.models.lithology.class_forest import ClassForest
from gossan.models.lithology.labelled_stack import Scaling
from gossan.models.networks import runtime
from gossan.models.networks.weights import set_weights, weights_of

KIND = "lithology"

FOREST = "random forest"
METHODS = (*NETWORKS, FOREST)


@dataclass(frozen=True, eq=False)
class LithologyModel:
    """What maps lithology.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    classes : tuple of ClassLabel
        In the order of the outputs.
    bands : tuple of Band
        In the model's order.
    scaling : Scaling
        How networks see the bands; forests take them as they are.
    predictor : ClassForest or keras.Model
    training : Training
    width : float
        Of a network.
    window : int
        Side of the windows that a network was trained on, pixels.
    ground_sampling_distance : float or None
        Metres per pixel of the stack that it was trained on.
    details : dict
        Further entries of the card's architecture.
    """

    method: str
    classes: tuple[ClassLabel, ...]
    bands: tuple[Band, ...]
    scaling: Scaling
    predictor: Any
    training: Training
    width: float = 1.0
    window: int = 0
    ground_sampling_distance: float | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def is_forest(self) -> bool:
        """Whether it looks at pixels one by one."""
        return self.method == FOREST


def save_model(path: str, model: LithologyModel, origin: Origin) -> str:
    """Write a model file and return its fingerprint."""
    architecture: dict[str, Any] = {"name": model.method, **model.details}
    versions = {"gossan": origin.version, "python": platform.python_version()}
    if not model.is_forest:
        architecture["width"] = model.width
        versions |= runtime.versions()
    card = Card(
        kind=KIND,
        architecture=architecture,
        bands=model.bands,
        scaling={
            "mean": [float(value) for value in model.scaling.mean],
            "deviation": [float(value) for value in model.scaling.deviation],
        },
        ground_sampling_distance=model.ground_sampling_distance,
        patch=None if model.is_forest else model.window,
        stride=None if model.is_forest else STRIDE,
        halo=None if model.is_forest else HALO,
        classes=model.classes,
        training=model.training,
        versions=versions,
        origin=origin,
    )
    arrays = model.predictor.arrays() if model.is_forest else weights_of(model.predictor)
    return write_bundle(path, card, arrays=arrays)


def load_model(path: str) -> tuple[LithologyModel, str]:
    """Read a model file.

    Returns
    -------
    model : LithologyModel
    fingerprint : str

    Raises
    ------
    FileError
        When the file cannot be read.
    BundleError
        When it is damaged, unsafe or not a model of lithology.
    """
    bundle = read_bundle(path, kind=KIND)
    card = bundle.card
    bands, classes = len(card.bands), len(card.classes)
    try:
        method = str(card.architecture["name"])
        width = float(card.architecture.get("width", 1.0))
        mean = np.array(card.scaling["mean"], dtype=np.float64)
        deviation = np.array(card.scaling["deviation"], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as problem:
        raise BundleError(f"{path} is no usable model of lithology ({problem}).") from problem
    if method not in METHODS:
        raise BundleError(
            f"{path} has the architecture {method!r}, which this version of Gossan does not know. "
            "Open it with the version that made it."
        )
    fits = mean.shape == deviation.shape == (bands,) and bands > 0 and classes > 1
    if not fits or not np.isfinite(mean).all() or not (deviation > 0).all():
        raise BundleError(f"{path} is damaged: its scaling does not fit its bands. Train it again.")
    if method == FOREST:
        predictor: Any = ClassForest.from_arrays(bundle.arrays(), bands, classes)
    else:
        if not 0 < width <= 1:
            raise BundleError(f"{path} is damaged: a network has no width {width:g}.")
        predictor = build_network(method, bands, classes, width)
        set_weights(predictor, bundle.arrays(), path)
    model = LithologyModel(
        method=method,
        classes=card.classes,
        bands=card.bands,
        scaling=Scaling(mean, deviation),
        predictor=predictor,
        training=card.training,
        width=width,
        window=card.patch or 0,
        ground_sampling_distance=card.ground_sampling_distance,
    )
    return model, bundle.fingerprint
