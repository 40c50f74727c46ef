"""Fitted regressions as plain arrays: a linear equation, a kernel machine, a forest.

Nothing here needs the library that fitted them, so that a stored model neither runs foreign code
nor depends on that library's version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

import numpy as np

from gossan.core.errors import BundleError
from gossan.models.metals.forest import Forest, feature_keys

KERNEL_ROWS = 8192
"""Pixels whose distances to all support vectors are in memory at once."""


@dataclass(frozen=True, eq=False)
class LinearEquation:
    """Intercept and one coefficient per feature, as partial least squares ends up with.

    Parameters
    ----------
    coefficients : ndarray of float64, shape (features,)
    intercept : float
    """

    coefficients: np.ndarray
    intercept: float

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predict pixels of shape (pixels, features) as (pixels,)."""
        return np.asarray(features, dtype=np.float64) @ self.coefficients + self.intercept

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what `from_arrays` needs."""
        return {"coefficients": self.coefficients, "intercept": np.array([self.intercept])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], features: int) -> LinearEquation:
        """Rebuild it; raises `BundleError` when the arrays do not fit."""
        coefficients = _array(arrays, "coefficients", (features,))
        return cls(coefficients, float(_array(arrays, "intercept", (1,))[0]))


@dataclass(frozen=True, eq=False)
class KernelMachine:
    """Sum of Gaussian bells around support vectors, as support vector regression ends up with.

    Parameters
    ----------
    vectors : ndarray of float64, shape (vectors, features)
        Standardised support vectors.
    weights : ndarray of float64, shape (vectors,)
    gamma : float
        Bell = exp(-gamma * squared distance).
    intercept, scale, centre : float
        Prediction = (sum + intercept) * scale + centre.
    feature_centre, feature_scale : ndarray of float64, shape (features,)
        How features are standardised.
    """

    vectors: np.ndarray
    weights: np.ndarray
    gamma: float
    intercept: float
    scale: float
    centre: float
    feature_centre: np.ndarray
    feature_scale: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predict pixels of shape (pixels, features) as (pixels,)."""
        out = np.empty(len(features))
        lengths = np.einsum("ij,ij->i", self.vectors, self.vectors)
        for start in range(0, len(features), KERNEL_ROWS):
            rows = np.asarray(features[start : start + KERNEL_ROWS], dtype=np.float64)
            rows = (rows - self.feature_centre) / self.feature_scale
            distances = rows @ self.vectors.T
            distances *= -2.0
            distances += np.einsum("ij,ij->i", rows, rows)[:, None]
            distances += lengths
            np.maximum(distances, 0.0, out=distances)
            distances *= -self.gamma
            np.exp(distances, out=distances)
            out[start : start + len(rows)] = distances @ self.weights
        return (out + self.intercept) * self.scale + self.centre

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what `from_arrays` needs."""
        return {
            "vectors": self.vectors,
            "weights": self.weights,
            "numbers": np.array([self.gamma, self.intercept, self.scale, self.centre]),
            "feature_centre": self.feature_centre,
            "feature_scale": self.feature_scale,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], features: int) -> KernelMachine:
        """Rebuild it; raises `BundleError` when the arrays do not fit."""
        weights = _array(arrays, "weights", None)
        gamma, intercept, scale, centre = _array(arrays, "numbers", (4,))
        return cls(
            _array(arrays, "vectors", (len(weights), features)),
            weights,
            float(gamma),
            float(intercept),
            float(scale),
            float(centre),
            _array(arrays, "feature_centre", (features,)),
            _array(arrays, "feature_scale", (features,)),
        )


AnyPredictor = Union[Forest, LinearEquation, KernelMachine]

KINDS: dict[str, type[AnyPredictor]] = {
    "forest": Forest,
    "linear equation": LinearEquation,
    "kernel machine": KernelMachine,
}
"""Names of the predictors in model cards."""


def kind_of(predictor: AnyPredictor) -> str:
    """Return the name of a predictor's kind in model cards."""
    return next(name for name, kind in KINDS.items() if isinstance(predictor, kind))


@dataclass(frozen=True, eq=False)
class Pixels:
    """Features of pixels with what several predictors can share.

    Parameters
    ----------
    features : ndarray of float32, shape (pixels, features)
    keys : ndarray of int32, shape (pixels, features)
        See `gossan.models.metals.forest.feature_keys`.
    """

    features: np.ndarray
    keys: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> Pixels:
        """Take features as float32."""
        single = np.ascontiguousarray(features, dtype=np.float32)
        return cls(single, feature_keys(single))

    def predict(self, predictor: AnyPredictor) -> np.ndarray:
        """Return one prediction per pixel."""
        if isinstance(predictor, Forest):
            return predictor.predict_keys(self.keys)
        return predictor.predict(self.features)


def _array(
    arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...] | None
) -> np.ndarray:
    array = arrays.get(name)
    fits = array is not None and (array.ndim == 1 if shape is None else array.shape == shape)
    if array is None or not fits or not np.all(np.isfinite(array)):
        raise BundleError(f"The array {name!r} of the model is missing or damaged; train it again.")
    return np.ascontiguousarray(array, dtype=np.float64)
