"""The network of spectrograms as a regression: fitted with early stopping, kept as plain arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.validation import grouped
from gossan.models.networks import runtime
from gossan.models.networks.options import TrainingOptions
from gossan.models.networks.training import History, train
from gossan.models.networks.weights import weights_of
from gossan.models.soil_spectra.architecture import build_network
from gossan.models.soil_spectra.forward import run_forward
from gossan.models.soil_spectra.spectrogram import spectrograms

STOPPING_FOLDS = 5
"""One part in so many of the training samples decides when training stops."""


@dataclass(frozen=True)
class NetworkOptions:
    """How long and how fast the network learns.

    Parameters
    ----------
    epochs : int
        At most.
    patience : int
        Epochs without a better loss on the stopping samples after which training ends.
    batch : int
        Spectra per step.
    learning_rate : float
    seed : int
    """

    epochs: int = 1000
    patience: int = 60
    batch: int = 64
    learning_rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch < 2:
            raise InputError(
                f"A batch of {self.batch} has no spread to normalise by; give 2 or more."
            )


@dataclass(frozen=True, eq=False)
class NetworkPredictor:
    """A trained network.

    Parameters
    ----------
    weights : dict of ndarray
        See `gossan.models.soil_spectra.forward.weight_shapes`.
    centre : ndarray, shape (frames, frequencies)
        Mean spectrogram of the training spectra.
    spread : float
        Standard deviation of all magnitudes around it.
    covariate_centre, covariate_spread : ndarray, shape (covariates,)
    target_centre, target_spread : ndarray, shape (elements,)
        In which the outputs are.
    """

    weights: dict[str, np.ndarray]
    centre: np.ndarray
    spread: float
    covariate_centre: np.ndarray
    covariate_spread: np.ndarray
    target_centre: np.ndarray
    target_spread: np.ndarray

    def predict(self, values: np.ndarray, covariates: np.ndarray) -> np.ndarray:
        """Return one value per spectrum and element.

        Parameters
        ----------
        values : ndarray, shape (n, bands)
            Pre-processed spectra on the network's grid.
        covariates : ndarray, shape (n, covariates)

        Returns
        -------
        ndarray, shape (n, elements)
        """
        pictures = (spectrograms(values) - self.centre) / self.spread
        more = (covariates - self.covariate_centre) / self.covariate_spread
        return run_forward(self.weights, pictures, more) * self.target_spread + self.target_centre


def fit_network(
    values: np.ndarray,
    covariates: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    options: NetworkOptions,
    progress: Progress,
) -> tuple[NetworkPredictor, History]:
    """Train one network for all elements; what it is standardised by comes from these spectra.

    Parameters
    ----------
    values : ndarray, shape (n, bands)
        Pre-processed spectra on the network's grid.
    covariates : ndarray, shape (n, covariates)
    targets : ndarray, shape (n, elements)
        NaN where missing.
    groups : ndarray, shape (n,)
        Spectra of one sample, never parted between learning and stopping.
    options : NetworkOptions
    progress : Progress

    Raises
    ------
    GossanError
        When TensorFlow is not installed.
    """
    learning, stopping = _parts(groups, options.seed)
    pictures = spectrograms(values)
    predictor = _standardised(pictures, covariates, targets)
    inputs = np.concatenate(
        [
            ((pictures - predictor.centre) / predictor.spread).reshape(len(values), -1),
            (covariates - predictor.covariate_centre) / predictor.covariate_spread,
        ],
        axis=1,
    ).astype(np.float32)
    known = np.isfinite(targets)
    scaled = np.where(known, targets, predictor.target_centre) - predictor.target_centre
    wanted = (scaled / predictor.target_spread).astype(np.float32)
    weights = known.astype(np.float32)
    runtime.repeatable(options.seed)
    model = build_network(
        pictures.shape[1], pictures.shape[2], covariates.shape[1], targets.shape[1]
    )

    def batches(epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        order = np.random.default_rng((options.seed, epoch)).permutation(learning)
        for chosen in np.array_split(order, -(-len(order) // options.batch)):
            yield inputs[chosen], wanted[chosen], weights[chosen]

    def held_out(_: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        yield inputs[stopping], wanted[stopping], weights[stopping]

    history = train(
        model,
        batches,
        lambda target, output: (target - output) ** 2,
        TrainingOptions(
            epochs=options.epochs,
            learning_rate=options.learning_rate,
            patience=min(options.patience, options.epochs),
            clip_norm=1.0,
            seed=options.seed,
        ),
        progress,
        validation=held_out,
    )
    return replace(predictor, weights=weights_of(model)), history


def _parts(groups: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which spectra the network learns from, and which tell when to stop."""
    folds = min(STOPPING_FOLDS, len(np.unique(groups)))
    return grouped(groups, folds, seed=seed)[0]


def _standardised(
    pictures: np.ndarray, covariates: np.ndarray, targets: np.ndarray
) -> NetworkPredictor:
    """Return what inputs and targets are standardised by, as a network without weights."""
    centre = pictures.mean(axis=0)
    spread = float(np.sqrt(np.mean((pictures - centre) ** 2))) or 1.0
    return NetworkPredictor(
        {},
        centre,
        spread,
        covariates.mean(axis=0),
        _above_zero(covariates.std(axis=0)),
        np.nanmean(targets, axis=0),
        _above_zero(np.nanstd(targets, axis=0)),
    )


def _above_zero(spread: np.ndarray) -> np.ndarray:
    return np.where(spread > 0, spread, 1.0)
