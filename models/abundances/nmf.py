"""Non-negative matrix factorisation: the scene may correct the library's endmembers."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.abundances.active_set import check_endmembers, check_spectra
from gossan.models.abundances.nnls import nnls

SAMPLED_PIXELS = 20_000
"""So many pixels correct the endmembers; more change them less than the noise does."""

SILENT = Progress()

_AT_ONCE = 10
_LEAST_GAIN = 1e-3


def nmf(
    spectra: np.ndarray,
    endmembers: np.ndarray,
    *,
    iterations: int = 200,
    pixels: int = SAMPLED_PIXELS,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Factorise spectra into non-negative abundances and endmembers, starting from the library.

    The endmembers are corrected on a random sample of the pixels; with them fixed, the abundances
    of every pixel are its exact non-negative least squares solution, which is where the
    factorisation's own updates of the abundances lead.

    Parameters
    ----------
    spectra : ndarray, (pixels, bands)
        Reflectance; pixels with missing values take no part and get NaN.
    endmembers : ndarray, (k, bands)
        Where to start from.
    iterations : int
        Most passes of coordinate descent over the sample.
    pixels : int
        Size of the sample.
    seed : int
        Seed of the sample.

    Returns
    -------
    abundances : ndarray, (pixels, k), float64
    endmembers : ndarray, (k, bands), float64
        As corrected.

    Raises
    ------
    InputError
        Where the shapes do not fit, or no pixel has values in all bands.
    """
    endmembers = check_endmembers(endmembers)
    spectra = check_spectra(spectra, bands=endmembers.shape[1])
    corrected = correct_endmembers(
        sample_spectra(spectra, pixels, np.random.default_rng(seed)),
        endmembers,
        iterations=iterations,
    )
    return nnls(spectra, corrected), corrected


def sample_spectra(spectra: np.ndarray, pixels: int, generator: np.random.Generator) -> np.ndarray:
    """Return up to ``pixels`` complete spectra, drawn without repetition, in their order."""
    complete = np.flatnonzero(np.isfinite(spectra).all(axis=1))
    if complete.size > pixels:
        complete = np.sort(generator.choice(complete, size=pixels, replace=False))
    return np.ascontiguousarray(spectra[complete])


def correct_endmembers(
    spectra: np.ndarray,
    endmembers: np.ndarray,
    *,
    iterations: int = 200,
    progress: Progress = SILENT,
) -> np.ndarray:
    """Return the endmembers (k, bands) of the factorisation of complete spectra (pixels, bands).

    It ends after so many iterations, or once ten of them take off less than a thousandth of the
    misfit; it can be cancelled after every ten.

    A factorisation leaves the length of each endmember open; it is chosen so that the endmember
    fits the library's best, and abundances keep their meaning.

    References
    ----------
    Cichocki and Phan, Fast local algorithms for large scale nonnegative matrix and tensor
    factorizations, 2009: the coordinate descent of scikit-learn's `NMF`.
    """
    if len(spectra) == 0:
        raise InputError("No pixel has values in all bands, so there is nothing to factorise.")
    data = np.maximum(np.asarray(spectra, dtype=np.float64), 0.0)
    start = np.maximum(endmembers, 0.0)
    shares, found = nnls(data, start), start.copy()
    misfit = np.inf
    for done in range(0, iterations, _AT_ONCE):
        progress.check()
        model = NMF(
            len(start),
            init="custom",
            solver="cd",
            max_iter=min(_AT_ONCE, iterations - done),
            tol=0.0,
        )
        with warnings.catch_warnings():
            # The number of passes is the user's; the fit after it is what was asked for.
            warnings.simplefilter("ignore", ConvergenceWarning)
            shares = model.fit_transform(data, W=shares, H=found)
        found = model.components_
        if model.reconstruction_err_ > (1 - _LEAST_GAIN) * misfit:
            break
        misfit = model.reconstruction_err_
    power = np.einsum("kb,kb->k", found, found)
    # One that no pixel of the sample holds ends at zero: the library's spectrum stays.
    lost = power <= 1e-12 * np.einsum("kb,kb->k", start, start)
    lengths = np.einsum("kb,kb->k", found, start) / np.where(lost, 1.0, power)
    return np.where(lost[:, None], start, found * lengths[:, None])
