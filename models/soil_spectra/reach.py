"""Where a spectral model applies: for spectra like those that it was trained on.

A spectrum may differ in two ways: by unusual amounts of what the training spectra vary in
(Hotelling's T2 of its principal components), and by something they do not have at all (the squared
rest, Q). The limits are such that of new samples of the same kind a few per cent lie beyond.

References
----------
Jackson and Mudholkar (1979), Control procedures for residuals associated with principal component
analysis. Technometrics 21, 341-349.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gossan.core.errors import BundleError
from gossan.core.validation import kfold

EXPLAINED, MOST_COMPONENTS = 0.99, 10
KEPT = 0.975
"""Share of left-out training samples inside each limit."""


@dataclass(frozen=True, eq=False)
class Reach:
    """The cloud of the training spectra.

    Parameters
    ----------
    centre : ndarray, shape (bands,)
    components : ndarray, shape (components, bands)
    variances : ndarray, shape (components,)
    limits : ndarray, shape (2,)
        Of T2 and of Q.
    """

    centre: np.ndarray
    components: np.ndarray
    variances: np.ndarray
    limits: np.ndarray

    def distance(self, values: np.ndarray) -> np.ndarray:
        """Return for spectra (n, bands) the greater of T2 and Q over its limit; 1 is the limit."""
        return (_statistics(values, self) / self.limits).max(axis=1)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what `from_arrays` needs."""
        return {
            "reach/centre": self.centre,
            "reach/components": self.components,
            "reach/variances": self.variances,
            "reach/limits": self.limits,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], bands: int) -> Reach:
        """Rebuild it; raises `BundleError` when the arrays do not fit."""
        try:
            own = cls(*(np.asarray(arrays[f"reach/{name}"], dtype=np.float64) for name in _NAMES))
        except KeyError as problem:
            raise BundleError(f"the array {problem} is missing") from problem
        count = len(own.variances)
        fits = (
            own.centre.shape == (bands,)
            and own.components.shape == (count, bands)
            and own.limits.shape == (2,)
            and all(np.isfinite(array).all() for array in own.arrays().values())
            and (own.limits > 0).all()
            and (own.variances > 0).all()
        )
        if not fits:
            raise BundleError("the description of its training spectra is damaged")
        return own


_NAMES = ("centre", "components", "variances", "limits")


def reach_of(values: np.ndarray, seed: int = 0) -> Reach:
    """Describe training spectra of shape (n, bands), n at least 4.

    The limits come from samples that were left out in turn, because distances of the training
    samples themselves are too small.
    """
    folds = kfold(len(values), min(5, len(values)), seed=seed)
    left_out = np.concatenate(
        [_statistics(values[test], _cloud(values[train])) for train, test in folds]
    )
    limits = np.maximum(np.quantile(left_out, KEPT, axis=0), 1e-12)
    whole = _cloud(values)
    return Reach(whole.centre, whole.components, whole.variances, limits)


def _cloud(values: np.ndarray) -> Reach:
    centre = values.mean(axis=0)
    _, sizes, axes = np.linalg.svd(values - centre, full_matrices=False)
    power = sizes**2
    real = power > 1e-12 * max(float(power.sum()), 1e-300)
    wanted = int(np.searchsorted(np.cumsum(power) / max(float(power.sum()), 1e-300), EXPLAINED)) + 1
    count = max(1, min(wanted, MOST_COMPONENTS, int(real.sum())))
    variances = np.maximum(power[:count] / max(len(values) - 1, 1), 1e-300)
    return Reach(centre, axes[:count], variances, np.ones(2))


def _statistics(values: np.ndarray, cloud: Reach) -> np.ndarray:
    """Return T2 and Q of spectra, shape (n, 2)."""
    rest = values - cloud.centre
    scores = rest @ cloud.components.T
    hotelling = np.sum(scores**2 / cloud.variances, axis=1)
    return np.column_stack([hotelling, np.sum((rest - scores @ cloud.components) ** 2, axis=1)])
