"""Support vector regression that learns abundances from synthetic mixtures of the library."""

from __future__ import annotations

import numpy as np
from sklearn.svm import SVR

from gossan.core.progress import Progress
from gossan.models.abundances.active_set import check_endmembers, check_spectra

SILENT = Progress()

_PIXELS_AT_ONCE = 4096
_NOISE = 0.01
_ILLUMINATION = (0.1, 1.4)
_PENALTY = 10.0
_TUBE = 0.01


class MixtureRegression:
    """One support vector regression per endmember, trained on random mixtures of all of them.

    Mixtures of the library lie in the space that its spectra span, so pixels are compared there,
    in coordinates scaled to unit variance over the mixtures: as few features as endmembers. Every
    mixture is lit differently and its abundances sum to that illumination, as those of NNLS do;
    a regression that only knew full light would be lost in the first shadow.

    Parameters
    ----------
    endmembers : ndarray, (k, bands)
        One spectrum per row.
    mixtures : int
        Number of synthetic mixtures: the pure endmembers in full light, then random shares (half
        of them of two endmembers only, as most pixels hold few) under 10 to 140 % of it, with
        noise of 1 % of the mean reflectance.
    seed : int
        Seed of shares and noise.
    progress : Progress
        Asked between two endmembers whether to go on.
    """

    def __init__(
        self,
        endmembers: np.ndarray,
        *,
        mixtures: int = 1000,
        seed: int = 0,
        progress: Progress = SILENT,
    ) -> None:
        endmembers = check_endmembers(endmembers)
        generator = np.random.default_rng(seed)
        shares = random_shares(len(endmembers), mixtures, generator)
        light = generator.uniform(*_ILLUMINATION, len(shares))
        light[: len(endmembers)] = 1.0
        shares *= light[:, np.newaxis]
        noise = generator.normal(
            0.0, _NOISE * np.abs(endmembers).mean(), (len(shares), len(endmembers[0]))
        )
        spectra = shares @ endmembers + noise
        left, values, _ = np.linalg.svd(endmembers.T, full_matrices=False)
        basis = left[:, values > 1e-10 * values.max(initial=0.0)]
        coordinates = spectra @ basis
        spread = coordinates.std(axis=0)
        self._basis = basis / np.where(spread > 0, spread, 1.0)
        coordinates = spectra @ self._basis
        self._centre = coordinates.mean(axis=0)
        coordinates -= self._centre
        self._width = 1.0 / max(coordinates.shape[1], 1)
        machines = []
        for share in shares.T:
            progress.check()
            machine = SVR(kernel="rbf", C=_PENALTY, epsilon=_TUBE, gamma=self._width)
            machines.append(machine.fit(coordinates, share))
        used = np.unique(np.concatenate([machine.support_ for machine in machines]))
        weights = np.zeros((len(coordinates), len(machines)))
        for number, machine in enumerate(machines):
            weights[machine.support_, number] = machine.dual_coef_[0]
        self._vectors = coordinates[used].astype(np.float32)
        self._weights = weights[used].astype(np.float32)
        self._intercepts = np.array([machine.intercept_[0] for machine in machines])

    def predict(self, spectra: np.ndarray) -> np.ndarray:
        """Return abundances (pixels, k), at least 0, NaN where a value is missing.

        All machines share one kernel matrix, made in blocks of pixels in float32.
        """
        spectra = check_spectra(spectra, bands=len(self._basis))
        coordinates = spectra @ self._basis.astype(spectra.dtype) - self._centre
        coordinates = coordinates.astype(np.float32)
        squares = np.einsum("ij,ij->i", self._vectors, self._vectors)
        abundances = np.empty((len(spectra), len(self._intercepts)))
        for start in range(0, len(spectra), _PIXELS_AT_ONCE):
            part = coordinates[start : start + _PIXELS_AT_ONCE]
            distances = part @ (-2.0 * self._vectors.T)
            distances += squares
            distances += np.einsum("ij,ij->i", part, part)[:, np.newaxis]
            distances *= np.float32(-self._width)
            kernel = np.exp(distances, out=distances)
            abundances[start : start + _PIXELS_AT_ONCE] = kernel @ self._weights
        abundances += self._intercepts
        return np.maximum(abundances, 0.0, out=abundances)


def svr(
    spectra: np.ndarray, endmembers: np.ndarray, *, mixtures: int = 1000, seed: int = 0
) -> np.ndarray:
    """Return the abundances that a regression learnt from mixtures of the endmembers predicts.

    Parameters
    ----------
    spectra : ndarray, (pixels, bands)
        Reflectance.
    endmembers : ndarray, (k, bands)
        One spectrum per row.
    mixtures : int
        Number of synthetic mixtures.
    seed : int
        The same seed gives the same abundances.

    Returns
    -------
    ndarray, (pixels, k), float64
        Abundances, at least 0; NaN for pixels with a value that is not finite.

    Raises
    ------
    InputError
        Where the shapes do not fit, or an endmember has missing values.
    """
    return MixtureRegression(endmembers, mixtures=mixtures, seed=seed).predict(spectra)


def random_shares(k: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Return mixing shares (at least k, k): pure ones, pairs and mixtures of all endmembers."""
    pure = np.eye(k)
    rest = max(count - k, 0)
    pairs = np.zeros((rest // 2 if k > 2 else 0, k))
    for row in pairs:
        row[generator.choice(k, size=2, replace=False)] = generator.dirichlet((1.0, 1.0))
    return np.vstack([pure, pairs, generator.dirichlet(np.ones(k), rest - len(pairs))])
