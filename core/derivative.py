"""The first derivative of spectra over wavelength, which stops at gaps and does not cross them."""

from __future__ import annotations

import numpy as np

from gossan.core.errors import InputError

GAP = 3.0
"""Neighbours this many times farther apart than usual have a gap between them."""


def first_derivative(spectra: np.ndarray, wavelengths: np.ndarray) -> np.ndarray:
    """Return how steeply spectra rise, per unit of wavelength.

    Inside a run of bands the slopes to either neighbour are weighted so that parabolas come out
    exactly on any spacing; at its ends the slope to the only neighbour is taken.

    Parameters
    ----------
    spectra : ndarray, shape (n, bands)
        Missing values (NaN) stay missing and end a run.
    wavelengths : ndarray, shape (bands,)
        Ascending. A distance of more than `GAP` times the median ends a run too.

    Returns
    -------
    ndarray of float64, shape (n, bands)
        NaN at missing values and at bands without a neighbour.

    Raises
    ------
    InputError
        When the shapes do not agree or the wavelengths do not ascend.
    """
    values = np.array(spectra, dtype=np.float64, ndmin=2)
    x = np.asarray(wavelengths, dtype=np.float64)
    if x.shape != values.shape[1:]:
        raise InputError(f"The spectra have {values.shape[1]} bands and {x.size} wavelengths.")
    steps = np.diff(x)
    if np.any(steps <= 0):
        raise InputError("The wavelengths do not ascend; a slope between them is not defined.")
    if not steps.size:
        return np.full_like(values, np.nan)
    slopes = np.diff(values, axis=1) / steps
    slopes[:, steps > GAP * np.median(steps)] = np.nan
    edge = np.full((len(values), 1), np.nan)
    left, right = np.hstack([edge, slopes]), np.hstack([slopes, edge])
    before, after = np.append(0.0, steps), np.append(steps, 0.0)
    inside = (left * after + right * before) / (before + after)
    return np.where(np.isnan(left), right, np.where(np.isnan(right), left, inside))
