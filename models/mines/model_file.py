"""Detectors and impact classifiers as model files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from gossan.core.bands import Band
from gossan.core.bundle import Bundle, Card, ClassLabel, Training, read_bundle, write_bundle
from gossan.core.errors import BundleError
from gossan.core.origin import Origin
from gossan.models.mines import geometry
from gossan.models.mines.architecture import (
    build_detector,
    build_impact_classifier,
    detector_shapes,
    impact_shapes,
)
from gossan.models.networks import runtime
from gossan.models.networks.weights import check_weights, set_weights, weights_of

DETECTOR_KIND = "mine-detector"
IMPACT_KIND = "mine-impact"

FCN = "fcn-detector"
IMPACT_CNN = "impact-cnn"
SLIDING = "sliding-window"
"""Classifiers of patches by others; see `gossan.models.mines.sliding_window`."""

IMPACT_CLASSES = (
    ClassLabel(1, "high impact", "#d7191c"),
    ClassLabel(2, "low impact", "#fecc2f"),
    ClassLabel(3, "no ore", "#9e9e9e"),
)
"""Classes of the impact classifier, in the order of its outputs."""

_DETECTOR_CLASSES = (ClassLabel(1, "mine", "#d7191c"),)


@dataclass(frozen=True)
class BandScaling:
    """How images become inputs: (reflectance - mean) / deviation, each of shape (bands,)."""

    mean: np.ndarray
    deviation: np.ndarray

    def apply(self, reflectance: np.ndarray) -> np.ndarray:
        """Return float32 inputs for an image of shape (..., bands)."""
        scaled = (reflectance - self.mean) / self.deviation
        return np.asarray(scaled, dtype=np.float32)


def write_model(
    path: str | os.PathLike[str],
    model: Any,
    bands: tuple[Band, ...],
    scaling: BandScaling,
    *,
    training: Training,
    origin: Origin,
    ground_sampling_distance: float | None,
    details: dict[str, Any] | None = None,
    licence: str = "",
) -> str:
    """Write a detector or an impact classifier and return the fingerprint of its file.

    Parameters
    ----------
    path : path
    model : keras.Model
        From `build_detector` or `build_impact_classifier`.
    bands : tuple of Band
        What the image has to have, in the network's order.
    scaling : BandScaling
        Mean and standard deviation of the training images, reflectance 0 to 1.
    training : Training
    origin : Origin
    ground_sampling_distance : float or None
        Metres per pixel of the training images.
    details : dict, optional
        Further entries of the card's architecture, such as ``chip``: how chips were cut, or
        ``threshold``: see `suggested_threshold`.
    licence : str
    """
    is_detector = model.name == "detector"
    card = Card(
        kind=DETECTOR_KIND if is_detector else IMPACT_KIND,
        architecture={"name": FCN if is_detector else IMPACT_CNN, **(details or {})},
        bands=bands,
        scaling={
            "mean": [float(value) for value in scaling.mean],
            "deviation": [float(value) for value in scaling.deviation],
        },
        ground_sampling_distance=ground_sampling_distance,
        patch=geometry.FIELD if is_detector else geometry.IMPACT_CHIP,
        stride=geometry.STRIDE if is_detector else None,
        classes=_DETECTOR_CLASSES if is_detector else IMPACT_CLASSES,
        training=training,
        versions=runtime.versions(),
        licence=licence,
        origin=origin,
    )
    return write_bundle(path, card, arrays=weights_of(model))


def scaling_of(bundle: Bundle) -> BandScaling:
    """Return the scaling of a model file.

    Raises
    ------
    BundleError
        When it does not fit the bands.
    """
    entries = bundle.card.scaling
    count = len(bundle.card.bands)
    try:
        mean = np.array([float(value) for value in entries["mean"]])
        deviation = np.array([float(value) for value in entries["deviation"]])
    except (KeyError, TypeError, ValueError) as problem:
        raise BundleError(f"{bundle.path} does not say how images are scaled.") from problem
    if mean.shape != (count,) or deviation.shape != (count,):
        raise BundleError(f"{bundle.path} scales {mean.size} bands but has {count}.")
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all() and (deviation > 0).all()):
        raise BundleError(f"{bundle.path} scales by numbers that are not finite and above 0.")
    return BandScaling(mean, deviation)


def suggested_threshold(bundle: Bundle) -> float | None:
    """Return the least probability of a mine that a card suggests to search with, or None.

    Raises
    ------
    BundleError
        When the card has one that is no probability.
    """
    value = bundle.card.architecture.get("threshold")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise BundleError(
            f"{bundle.path} suggests a threshold of {value!r:.80}, which is no probability. Get "
            "the file again."
        )
    return float(value)


def network_of(bundle: Bundle) -> Any:
    """Return the network of a model file that `write_model` has written, with its weights.

    Raises
    ------
    BundleError
        When architecture and weights do not fit.
    """
    bands, classes = len(bundle.card.bands), len(bundle.card.classes)
    if _is_detector(bundle):
        model = build_detector(bands)
    else:
        model = build_impact_classifier(bands, classes)
    set_weights(model, bundle.arrays(), str(bundle.path))
    return model


def weights_in(bundle: Bundle) -> dict[str, np.ndarray]:
    """Return the weights of such a file by ``layer/weight``, for whoever runs it in another way.

    Raises
    ------
    BundleError
        When architecture and weights do not fit.
    """
    bands, classes = len(bundle.card.bands), len(bundle.card.classes)
    wanted = detector_shapes(bands) if _is_detector(bundle) else impact_shapes(bands, classes)
    arrays = bundle.arrays()
    check_weights(arrays, wanted, str(bundle.path))
    return arrays


def _is_detector(bundle: Bundle) -> bool:
    """Tell a detector from an impact classifier, and refuse what is neither."""
    name = bundle.card.architecture.get("name")
    if not bundle.card.bands:
        raise BundleError(f"{bundle.path} does not say which bands it needs.")
    if (name, bundle.card.kind) not in ((FCN, DETECTOR_KIND), (IMPACT_CNN, IMPACT_KIND)):
        raise BundleError(
            f"{bundle.path} has the architecture {name!r}, which this version of Gossan does not "
            "know. Open it with the version that made it."
        )
    return bool(name == FCN)


def read_model(path: str | os.PathLike[str], kind: str) -> Bundle:
    """Open a detector (`DETECTOR_KIND`) or an impact classifier (`IMPACT_KIND`)."""
    return read_bundle(path, kind=kind)
