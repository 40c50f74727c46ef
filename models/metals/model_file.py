"""Inversion models in files: arrays and a card, nothing that could run."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn

from gossan.core.bands import Band
from gossan.core.bundle import Card, Target, Training, read_bundle, write_bundle
from gossan.core.errors import BundleError
from gossan.core.origin import Origin
from gossan.models.metals.inversion import ElementModel, Member
from gossan.models.metals.predictors import KINDS, kind_of
from gossan.models.metals.regressors import METHODS, Settings

KIND = "metals"
MEASURED, OUT_OF_FOLD = "validation/measured", "validation/out_of_fold"
"""Names of the arrays that hold the validation."""


@dataclass(frozen=True, eq=False)
class InversionModel:
    """All elements of an inversion with the features they need.

    Parameters
    ----------
    elements : tuple of ElementModel
    bands : tuple of Band
        The features in the model's order.
    low, high : ndarray of float64, shape (features,)
        Range of each feature among the training samples.
    settings : Settings
        How it was fitted.
    training : Training
        How it was validated, with its scores.
    places : ndarray of float64, shape (samples, 2)
        Coordinates of the training samples, by which later samples are known to be new.
    crs_wkt : str
        CRS of the places, empty where unknown.
    ground_sampling_distance : float or None
        Metres per pixel of the training rasters, None where unknown.
    measured, out_of_fold : ndarray of float64, shape (samples, elements), or None
        Concentrations of the samples and what models that had not seen them predicted, by which
        everyone can judge the model for themselves; None in models of versions that kept none.
    """

    elements: tuple[ElementModel, ...]
    bands: tuple[Band, ...]
    low: np.ndarray
    high: np.ndarray
    settings: Settings
    training: Training
    places: np.ndarray
    crs_wkt: str = ""
    ground_sampling_distance: float | None = None
    measured: np.ndarray | None = None
    out_of_fold: np.ndarray | None = None


def save_model(path: str, model: InversionModel, origin: Origin) -> str:
    """Write a model file and return its fingerprint."""
    arrays: dict[str, np.ndarray] = {"places": np.asarray(model.places, dtype=np.float64)}
    if model.measured is not None and model.out_of_fold is not None:
        arrays[MEASURED] = np.asarray(model.measured, dtype=np.float64)
        arrays[OUT_OF_FOLD] = np.asarray(model.out_of_fold, dtype=np.float64)
    described: list[dict[str, Any]] = []
    for e, element in enumerate(model.elements):
        arrays[f"{e}/residuals"] = element.residuals
        members = []
        for m, member in enumerate(element.members):
            for name, array in member.predictor.arrays().items():
                arrays[f"{e}/{m}/{name}"] = array
            members.append(
                {
                    "method": member.method,
                    "kind": kind_of(member.predictor),
                    "smearing": member.smearing,
                }
            )
        described.append(
            {"minimum": element.minimum, "maximum": element.maximum, "members": members}
        )
    card = Card(
        kind=KIND,
        architecture={
            "method": model.settings.method,
            "trees": model.settings.trees,
            "seed": model.settings.seed,
            "log_transform": model.settings.log_transform,
            "outlier_limit": model.settings.outlier_limit,
            "elements": described,
            "crs_wkt": model.crs_wkt,
        },
        bands=model.bands,
        scaling={
            "training_minimum": [float(v) for v in model.low],
            "training_maximum": [float(v) for v in model.high],
        },
        ground_sampling_distance=model.ground_sampling_distance,
        targets=tuple(Target(element.name, element.unit) for element in model.elements),
        training=model.training,
        versions={
            "gossan": origin.version,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
        origin=origin,
    )
    return write_bundle(path, card, arrays=arrays)


def load_model(path: str) -> tuple[InversionModel, str]:
    """Read a model file.

    Returns
    -------
    model : InversionModel
    fingerprint : str

    Raises
    ------
    FileError
        When the file cannot be read.
    BundleError
        When it is damaged, unsafe or not a model of heavy metals.
    """
    bundle = read_bundle(path, kind=KIND)
    card, arrays = bundle.card, bundle.arrays()
    features = len(card.bands)
    try:
        described = card.architecture["elements"]
        low = np.array(card.scaling["training_minimum"], dtype=np.float64)
        high = np.array(card.scaling["training_maximum"], dtype=np.float64)
        if not features or low.shape != (features,) or high.shape != (features,):
            raise BundleError("the ranges of its features do not fit its bands")
        places = np.asarray(arrays["places"], dtype=np.float64)
        if places.ndim != 2 or places.shape[1] != 2:
            raise BundleError("the places of its samples are damaged")
        if not described or len(described) != len(card.targets):
            raise BundleError("its elements do not fit its targets")
        elements = tuple(
            _element(e, target, entry, arrays, features)
            for e, (target, entry) in enumerate(zip(card.targets, described))
        )
        settings = Settings(
            method=str(card.architecture["method"]),
            trees=int(card.architecture["trees"]),
            seed=int(card.architecture["seed"]),
            log_transform=bool(card.architecture["log_transform"]),
            outlier_limit=float(card.architecture["outlier_limit"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise BundleError(
            f"{path} is no usable model of heavy metals ({problem}). Train it again."
        ) from problem
    model = InversionModel(
        elements=elements,
        bands=card.bands,
        low=low,
        high=high,
        settings=settings,
        training=card.training,
        places=places,
        crs_wkt=str(card.architecture.get("crs_wkt", "")),
        ground_sampling_distance=card.ground_sampling_distance,
        measured=arrays.get(MEASURED),
        out_of_fold=arrays.get(OUT_OF_FOLD),
    )
    return model, bundle.fingerprint


def _element(
    e: int, target: Target, entry: dict[str, Any], arrays: dict[str, np.ndarray], features: int
) -> ElementModel:
    members = []
    for m, described in enumerate(entry["members"]):
        prefix = f"{e}/{m}/"
        own = {
            name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)
        }
        if described["method"] not in METHODS or described["kind"] not in KINDS:
            raise BundleError("it uses a method that this version does not know")
        predictor = KINDS[described["kind"]].from_arrays(own, features)
        smearing = described["smearing"]
        members.append(
            Member(described["method"], predictor, None if smearing is None else float(smearing))
        )
    residuals = np.asarray(arrays.get(f"{e}/residuals", np.empty(0)), dtype=np.float64)
    if not members or residuals.ndim != 1 or not np.all(np.isfinite(residuals)):
        raise BundleError(f"the part of {target.name} is incomplete")
    return ElementModel(
        target.name,
        target.unit,
        tuple(members),
        float(entry["minimum"]),
        float(entry["maximum"]),
        np.sort(residuals),
    )
