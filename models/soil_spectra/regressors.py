"""The three ways from pre-processed spectra to concentrations, with one face for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

import numpy as np

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.metals.forest import Forest
from gossan.models.metals.predictors import LinearEquation, Pixels
from gossan.models.metals.regressors import (
    Settings,
    choose_components,
    fit_forest,
    inner_splits,
)
from gossan.models.networks.training import History
from gossan.models.soil_spectra.network import NetworkOptions, NetworkPredictor, fit_network
from gossan.models.soil_spectra.spectrogram import on_network_grid
from gossan.models.soil_spectra.steps import Spectra

NETWORK, PLSR, FOREST = "network", "PLSR", "random forest"
METHODS = (NETWORK, PLSR, FOREST)

FOREST_BAND = 10.0
"""Width of the bands that the forest sees, nm: neighbours tell the same, and trees try them all."""


@dataclass(frozen=True)
class FitOptions:
    """How the methods are fitted.

    Parameters
    ----------
    components : int
        Most components of PLSR; how many are used is chosen by inner cross-validation.
    trees : int
        Of the forest.
    log_transform : bool
        Fit logarithms of the concentrations.
    seed : int
    network : NetworkOptions
    """

    components: int = 15
    trees: int = 200
    log_transform: bool = False
    seed: int = 0
    network: NetworkOptions = field(default_factory=NetworkOptions)

    def __post_init__(self) -> None:
        if self.components < 1:
            raise InputError(f"PLSR needs 1 component or more, not {self.components}.")


@dataclass(frozen=True, eq=False)
class Features:
    """Pre-processed spectra with the covariates of their samples.

    Parameters
    ----------
    spectra : Spectra
    covariates : ndarray, shape (n, covariates)
    """

    spectra: Spectra
    covariates: np.ndarray

    def __len__(self) -> int:
        return len(self.covariates)

    def rows(self, index: np.ndarray) -> Features:
        """Return some of the spectra."""
        return Features(
            Spectra(self.spectra.values[index], self.spectra.wavelengths), self.covariates[index]
        )

    def with_values(self, values: np.ndarray) -> Features:
        """Return other values on the same grid, of the same samples."""
        return Features(Spectra(values, self.spectra.wavelengths), self.covariates)

    def flat(self) -> np.ndarray:
        """Return what PLSR sees: (n, bands + covariates)."""
        return np.concatenate([self.spectra.values, self.covariates], axis=1)

    def coarse(self) -> np.ndarray:
        """Return what the forest sees: means over `FOREST_BAND`, and the covariates."""
        bins = np.floor((self.spectra.wavelengths - self.spectra.wavelengths[0]) / FOREST_BAND)
        starts = np.flatnonzero(np.diff(bins, prepend=-1.0))
        counts = np.diff(np.r_[starts, len(bins)])
        means = np.add.reduceat(self.spectra.values, starts, axis=1) / counts
        return np.concatenate([means, self.covariates], axis=1)


@dataclass(frozen=True, eq=False)
class LinearMethod:
    """PLSR of each element, as linear equations, and how many components each has."""

    equations: tuple[LinearEquation, ...]
    components: tuple[int, ...] = ()

    def predict(self, features: Features) -> np.ndarray:
        """Return (n, elements)."""
        flat = features.flat()
        return np.column_stack([equation.predict(flat) for equation in self.equations])


@dataclass(frozen=True, eq=False)
class ForestMethod:
    """A random forest of each element."""

    forests: tuple[Forest, ...]

    def predict(self, features: Features) -> np.ndarray:
        """Return (n, elements)."""
        pixels = Pixels.of(features.coarse())
        return np.column_stack([pixels.predict(forest) for forest in self.forests])


@dataclass(frozen=True, eq=False)
class NetworkMethod:
    """One network for all elements."""

    predictor: NetworkPredictor
    history: History | None = None

    def predict(self, features: Features) -> np.ndarray:
        """Return (n, elements)."""
        return self.predictor.predict(on_network_grid(features.spectra), features.covariates)


AnyMethod = Union[LinearMethod, ForestMethod, NetworkMethod]


def fit(
    method: str,
    features: Features,
    targets: np.ndarray,
    groups: np.ndarray,
    options: FitOptions,
    progress: Progress,
) -> AnyMethod:
    """Fit a method to all elements.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    features : Features
    targets : ndarray, shape (n, elements)
        Concentrations or their logarithms, NaN where missing.
    groups : ndarray, shape (n,)
        Spectra of one sample, which inner splits keep together.
    options : FitOptions
    progress : Progress
    """
    if method == NETWORK:
        values = on_network_grid(features.spectra)
        return NetworkMethod(
            *fit_network(values, features.covariates, targets, groups, options.network, progress)
        )
    if method == PLSR:
        return _fit_linear(features.flat(), targets, groups, options, progress)
    if method == FOREST:
        return _fit_forests(features.coarse(), targets, options, progress)
    raise InputError(f"Unknown method {method!r}; use one of {', '.join(METHODS)}.")


def _fit_linear(
    x: np.ndarray, targets: np.ndarray, groups: np.ndarray, options: FitOptions, progress: Progress
) -> LinearMethod:
    equations, counts = [], []
    for k in range(targets.shape[1]):
        progress.check()
        known = np.isfinite(targets[:, k])
        inner = inner_splits(int(known.sum()), groups[known], options.seed)
        equation, count = choose_components(x[known], targets[known, k], inner, options.components)
        equations.append(equation)
        counts.append(count)
    return LinearMethod(tuple(equations), tuple(counts))


def _fit_forests(
    x: np.ndarray, targets: np.ndarray, options: FitOptions, progress: Progress
) -> ForestMethod:
    forests = []
    settings = Settings(trees=options.trees, seed=options.seed)
    for k in range(targets.shape[1]):
        progress.check()
        known = np.isfinite(targets[:, k])
        forests.append(fit_forest(x[known], targets[known, k], settings))
    return ForestMethod(tuple(forests))
