"""Where along the wavelength a model looks: occlusion, Shapley values, and named absorptions.

Both ask what becomes of a prediction when a stretch of the spectrum is replaced by that of the mean
training spectrum. Occlusion takes one stretch away from the whole; Shapley values average over all
orders in which stretches can be added, so that they sum to the prediction's difference from that of
the mean spectrum (Strumbelj and Kononenko 2014, by sampled permutations and their reverses).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.soil_spectra.model_file import SpectralModel
from gossan.models.soil_spectra.regressors import Features
from gossan.models.soil_spectra.steps import Spectra

OCCLUSION, SHAPLEY = "occlusion", "Shapley values"
EXPLANATIONS = (OCCLUSION, SHAPLEY)

SHAPLEY_PAIRS = 6
"""Permutations of the stretches, each also taken backwards, for each spectrum."""

OVERLAP = 4
"""An occluded stretch moves on by this part of its width."""

ABSORPTIONS = (
    ("iron oxides", 450.0, 580.0),
    ("iron oxides", 840.0, 960.0),
    ("water, OH", 1380.0, 1460.0),
    ("organic matter", 1700.0, 1770.0),
    ("water", 1880.0, 1980.0),
    ("Al-OH", 2160.0, 2230.0),
    ("Mg-OH", 2280.0, 2319.0),
    ("carbonate", 2320.0, 2360.0),
)
"""Known absorption regions of soils: name, from and to in nm (Hunt 1977; Clark 1999)."""


@dataclass(frozen=True, eq=False)
class Importance:
    """How much predictions hang on each wavelength.

    Parameters
    ----------
    wavelengths : ndarray, shape (bands,)
    values : ndarray, shape (bands, elements)
        Change of the prediction in the element's unit: root mean square over the spectra for
        occlusion, mean size for Shapley values.
    method : str
    """

    wavelengths: np.ndarray
    values: np.ndarray
    method: str

    def in_regions(self) -> list[tuple[str, float, float, np.ndarray, float]]:
        """Return for each known absorption its part of the importance, and of the bands.

        Returns
        -------
        list of (name, from, to, shares of shape (elements,), share of the bands)
        """
        total = self.values.sum(axis=0)
        rows = []
        for name, low, high in ABSORPTIONS:
            inside = (self.wavelengths >= low) & (self.wavelengths <= high)
            if inside.any():
                part = self.values[inside].sum(axis=0)
                share = np.divide(part, total, out=np.zeros_like(part), where=total > 0)
                rows.append((name, low, high, share, float(inside.mean())))
        return rows


def explain(
    model: SpectralModel,
    features: Features,
    method: str,
    width: float,
    progress: Progress,
    *,
    seed: int,
) -> Importance:
    """Find how much predictions hang on each wavelength.

    Parameters
    ----------
    model : SpectralModel
    features : Features
        Pre-processed spectra.
    method : str
        One of `EXPLANATIONS`.
    width : float
        Of a stretch, nm.
    progress : Progress
    seed : int
        Of the permutations behind Shapley values.

    Raises
    ------
    InputError
        When the method is unknown or a stretch is wider than the spectra.
    """
    if method not in EXPLANATIONS:
        raise InputError(f"Unknown method {method!r}; use {' or '.join(EXPLANATIONS)}.")
    x = features.spectra.wavelengths
    if not 0 < width <= 0.5 * (x[-1] - x[0]):
        raise InputError(
            f"Stretches of {width:g} nm do not fit spectra from {x[0]:g} to {x[-1]:g} nm; take a "
            "width above 0 and below half of that."
        )
    values = (
        _occlude(model, features, width, progress)
        if method == OCCLUSION
        else _shapley(model, features, width, progress, seed)
    )
    return Importance(x, values, method)


def _occlude(
    model: SpectralModel, features: Features, width: float, progress: Progress
) -> np.ndarray:
    x, values = features.spectra.wavelengths, features.spectra.values
    whole = model.predict(features)
    starts = np.arange(x[0] - width * (1 - 1 / OVERLAP), x[-1], width / OVERLAP)
    total, count = np.zeros((len(x), whole.shape[1])), np.zeros(len(x))
    for number, start in enumerate(starts):
        inside = (x >= start) & (x < start + width)
        if inside.any():
            hidden = values.copy()
            hidden[:, inside] = model.mean[inside]
            change = model.predict(features.with_values(hidden)) - whole
            total[inside] += np.sqrt(np.mean(change**2, axis=0))
            count[inside] += 1
        progress.fraction((number + 1) / len(starts))
    return total / np.maximum(count, 1.0)[:, None]


def _shapley(
    model: SpectralModel, features: Features, width: float, progress: Progress, seed: int
) -> np.ndarray:
    x, values = features.spectra.wavelengths, features.spectra.values
    stretch = np.floor((x - x[0]) / width).astype(int)
    numbers = np.unique(stretch)
    rng = np.random.default_rng(seed)
    sizes = np.zeros((len(numbers), len(model.elements)))
    for row in range(len(values)):
        parts = np.zeros_like(sizes)
        for _ in range(SHAPLEY_PAIRS):
            order = rng.permutation(len(numbers))
            for one in (order, order[::-1]):
                place = np.argsort(one)[np.searchsorted(numbers, stretch)]
                steps = np.arange(len(numbers) + 1)[:, None]
                mixed = np.where(place < steps, values[row], model.mean)
                covariates = np.repeat(features.covariates[row : row + 1], len(mixed), axis=0)
                course = model.predict(Features(Spectra(mixed, x), covariates))
                parts[one] += np.diff(course, axis=0)
        sizes += np.abs(parts) / (2 * SHAPLEY_PAIRS)
        progress.fraction((row + 1) / len(values))
    counts = np.bincount(np.searchsorted(numbers, stretch))
    # Each band gets its part, so that the bands add up to the whole.
    return np.asarray((sizes / len(values) / counts[:, None])[np.searchsorted(numbers, stretch)])
