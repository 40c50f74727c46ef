"""Spectral models in files: arrays and a card, nothing that could run."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gossan.core.bands import Band
from gossan.core.bundle import Card, Target, Training, read_bundle, write_bundle
from gossan.core.errors import BundleError
from gossan.core.origin import Origin
from gossan.models.metals.forest import Forest
from gossan.models.metals.predictors import LinearEquation
from gossan.models.soil_spectra.architecture import (
    BLOCKS,
    EXPANSION,
    FIRST_FILTERS,
    FIRST_KERNEL,
    FIRST_STRIDES,
)
from gossan.models.soil_spectra.forward import check_weights, weight_shapes
from gossan.models.soil_spectra.network import NetworkPredictor
from gossan.models.soil_spectra.reach import Reach
from gossan.models.soil_spectra.regressors import (
    METHODS,
    NETWORK,
    PLSR,
    Features,
    ForestMethod,
    LinearMethod,
    NetworkMethod,
)
from gossan.models.soil_spectra.spectrogram import FRAME, STEP, TRANSFORM
from gossan.models.soil_spectra.steps import Spectra, StepOptions, preprocess
from gossan.models.soil_spectra.training import INTERVAL, Trained
from gossan.models.soil_spectra.validation import Fitted

KIND = "soil-spectra"

INSIDE, BEYOND_RANGE, UNLIKE = (
    "applies",
    "beyond the training concentrations",
    "unlike the training spectra",
)
"""What a prediction's applicability says."""


@dataclass(frozen=True, eq=False)
class ElementModel:
    """What predicts one element.

    Parameters
    ----------
    name, unit, method : str
    fitted : Fitted
    position : int
        Of the element among those that `fitted` predicts.
    residuals : ndarray
        Errors of unseen samples, sorted; of logarithms where these were fitted.
    """

    name: str
    unit: str
    method: str
    fitted: Fitted
    position: int
    residuals: np.ndarray

    @property
    def logarithmic(self) -> bool:
        """Whether logarithms were fitted."""
        return self.fitted.smearing is not None

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest training concentration."""
        return float(self.fitted.low[self.position]), float(self.fitted.high[self.position])

    def interval(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds between which nine of ten values are expected."""
        low, high = np.quantile(self.residuals, INTERVAL)
        if self.logarithmic:
            return predicted * np.exp(low), predicted * np.exp(high)
        floor = 0.0 if self.range[0] >= 0 else -np.inf
        return np.maximum(predicted + low, floor), np.maximum(predicted + high, floor)


@dataclass(frozen=True, eq=False)
class SpectralModel:
    """All elements with the spectra they need.

    Parameters
    ----------
    elements : tuple of ElementModel
    grid : ndarray, shape (bands,)
        Wavelengths of the reflectance that it needs, nm.
    steps : StepOptions
    covariates : tuple of str
    mean : ndarray
        Mean pre-processed spectrum of the training.
    reach : Reach
    training : Training
    """

    elements: tuple[ElementModel, ...]
    grid: np.ndarray
    steps: StepOptions
    covariates: tuple[str, ...]
    mean: np.ndarray
    reach: Reach
    training: Training

    def predict(self, features: Features) -> np.ndarray:
        """Return concentrations (n, elements); a network runs once for all that it serves."""
        done: dict[int, np.ndarray] = {}
        columns = []
        for element in self.elements:
            method = element.fitted.method
            if id(method) not in done:
                done[id(method)] = method.predict(features)
            columns.append(element.fitted.back(done[id(method)])[:, element.position])
        return np.column_stack(columns)


def model_of(trained: Trained, steps: StepOptions, unit: str, training: Training) -> SpectralModel:
    """Return the model that a training ends in."""
    elements = []
    for k, name in enumerate(trained.elements):
        result = trained.chosen(k)
        elements.append(
            ElementModel(name, unit, result.name, result.fitted, k, result.residuals[k])
        )
    joined = trained.joined
    return SpectralModel(
        tuple(elements),
        joined.laboratory.spectra.wavelengths,
        steps,
        joined.table.covariate_names,
        trained.stages[-1].spectra.values.mean(axis=0),
        trained.reach,
        training,
    )


def save_model(path: str, model: SpectralModel, origin: Origin) -> str:
    """Write a model file and return its fingerprint."""
    arrays: dict[str, np.ndarray] = {"mean": model.mean, **model.reach.arrays()}
    described: list[dict[str, Any]] = []
    for e, element in enumerate(model.elements):
        k, fitted = element.position, element.fitted
        arrays[f"{e}/residuals"] = element.residuals
        described.append(
            {
                "method": element.method,
                "position": k,
                "minimum": element.range[0],
                "maximum": element.range[1],
                "smearing": None if fitted.smearing is None else float(fitted.smearing[k]),
            }
        )
        method = fitted.method
        if isinstance(method, LinearMethod):
            own = method.equations[k].arrays()
        elif isinstance(method, ForestMethod):
            own = method.forests[k].arrays()
        else:
            # One network serves all elements, so it is stored once.
            own = {}
            arrays |= {f"network/{name}": array for name, array in _network_arrays(method).items()}
        arrays |= {f"{e}/{name}": array for name, array in own.items()}
    card = Card(
        kind=KIND,
        architecture={
            "elements": described,
            "steps": model.steps.to_dict(),
            "covariates": list(model.covariates),
            "network": {
                "first_kernel": list(FIRST_KERNEL),
                "first_strides": list(FIRST_STRIDES),
                "transform": {
                    "frame": FRAME,
                    "step": STEP,
                    "length": TRANSFORM,
                    "window": "Hann, symmetric",
                    "value": "magnitude",
                },
                "first_filters": FIRST_FILTERS,
                "expansion": EXPANSION,
                "blocks": [list(block) for block in BLOCKS],
                "outputs": _outputs(model),
            },
        },
        bands=tuple(Band(i, f"{nm:g} nm", float(nm)) for i, nm in enumerate(model.grid)),
        targets=tuple(Target(element.name, element.unit) for element in model.elements),
        training=model.training,
        versions={
            "gossan": origin.version,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        origin=origin,
    )
    return write_bundle(path, card, arrays=arrays)


def load_model(path: str) -> tuple[SpectralModel, str]:
    """Read a model file; nothing of TensorFlow is needed.

    Returns
    -------
    model : SpectralModel
    fingerprint : str

    Raises
    ------
    FileError
        When the file cannot be read.
    BundleError
        When it is damaged, unsafe or not a model of soil spectra.
    """
    bundle = read_bundle(path, kind=KIND)
    card, arrays = bundle.card, bundle.arrays()
    try:
        steps = StepOptions.from_dict(card.architecture["steps"])
        covariates = tuple(str(name) for name in card.architecture["covariates"])
        grid = np.array([band.wavelength for band in card.bands], dtype=np.float64)
        if len(grid) < 3 or not np.isfinite(grid).all() or (np.diff(grid) <= 0).any():
            raise BundleError("its wavelengths are damaged")
        last = preprocess(Spectra(np.full((1, len(grid)), 0.5), grid), steps)[-1].spectra
        bands = len(last.wavelengths)
        mean = np.asarray(arrays["mean"], dtype=np.float64)
        if mean.shape != (bands,) or not np.isfinite(mean).all():
            raise BundleError("its mean spectrum does not fit its steps")
        described = card.architecture["elements"]
        if not described or len(described) != len(card.targets):
            raise BundleError("its elements do not fit its targets")
        shapes = Features(last, np.zeros((1, len(covariates))))
        outputs = int(card.architecture["network"]["outputs"])
        network = _network(arrays, shapes, outputs, path) if outputs else None
        elements = tuple(
            _element(e, target, entry, arrays, shapes, network)
            for e, (target, entry) in enumerate(zip(card.targets, described))
        )
        reach = Reach.from_arrays(arrays, bands)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        raise BundleError(
            f"{path} is no usable model of soil spectra ({problem}). Train it again."
        ) from problem
    model = SpectralModel(elements, grid, steps, covariates, mean, reach, card.training)
    return model, bundle.fingerprint


def _outputs(model: SpectralModel) -> int:
    """Return how many elements the network predicts; 0 where none of the model's uses it."""
    for element in model.elements:
        if isinstance(element.fitted.method, NetworkMethod):
            return len(element.fitted.low)
    return 0


def _network_arrays(method: NetworkMethod) -> dict[str, np.ndarray]:
    own = method.predictor
    return {
        **own.weights,
        "centre": own.centre,
        "spread": np.array([own.spread]),
        "covariate_centre": own.covariate_centre,
        "covariate_spread": own.covariate_spread,
        "target_centre": own.target_centre,
        "target_spread": own.target_spread,
    }


def _network(
    arrays: Mapping[str, np.ndarray], shapes: Features, outputs: int, path: str
) -> NetworkMethod:
    own = {
        name[len("network/") :]: array
        for name, array in arrays.items()
        if name.startswith("network/")
    }
    frames, frequencies = own["centre"].shape
    count = shapes.covariates.shape[1]
    expected = weight_shapes(frames, frequencies, count, outputs)
    others = {
        "centre": (frames, frequencies),
        "spread": (1,),
        "covariate_centre": (count,),
        "covariate_spread": (count,),
        "target_centre": (outputs,),
        "target_spread": (outputs,),
    }
    check_weights(own, {**expected, **others}, path)
    predictor = NetworkPredictor(
        {name: own[name] for name in expected},
        own["centre"],
        float(own["spread"][0]),
        own["covariate_centre"],
        own["covariate_spread"],
        own["target_centre"],
        own["target_spread"],
    )
    method = NetworkMethod(predictor)
    # The frames of its own spectra have to be those that it was trained on.
    method.predict(shapes)
    return method


def _element(
    e: int,
    target: Target,
    entry: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    shapes: Features,
    network: NetworkMethod | None,
) -> ElementModel:
    method, position = str(entry["method"]), int(entry["position"])
    low, high = float(entry["minimum"]), float(entry["maximum"])
    smearing = entry["smearing"]
    if method not in METHODS:
        raise BundleError(f"it uses a method ({method!r:.40}) that this version does not know")
    own = {
        name[len(f"{e}/") :]: array for name, array in arrays.items() if name.startswith(f"{e}/")
    }
    residuals = np.asarray(own.pop("residuals"), dtype=np.float64)
    if residuals.ndim != 1 or not residuals.size or not np.isfinite(residuals).all():
        raise BundleError(f"the errors of {target.name} are missing")
    if method == NETWORK:
        if network is None or not 0 <= position < len(network.predictor.target_centre):
            raise BundleError(f"the network of {target.name} is missing")
        # Each element brings its own range; what stands at the other positions is not read.
        size = len(network.predictor.target_centre)
        lows, highs = np.full(size, low), np.full(size, high)
        factors = None if smearing is None else np.full(size, float(smearing))
        return ElementModel(
            target.name,
            target.unit,
            method,
            Fitted(network, factors, lows, highs),
            position,
            np.sort(residuals),
        )
    single: LinearMethod | ForestMethod
    if method == PLSR:
        count = shapes.flat().shape[1]
        single = LinearMethod((LinearEquation.from_arrays(own, count),))
    else:
        single = ForestMethod((Forest.from_arrays(own, shapes.coarse().shape[1]),))
    fitted = Fitted(
        single,
        None if smearing is None else np.array([float(smearing)]),
        np.array([low]),
        np.array([high]),
    )
    return ElementModel(target.name, target.unit, method, fitted, 0, np.sort(residuals))
