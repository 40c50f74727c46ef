"""Least squares without constraints: a check on endmembers rather than a map of shares."""

from __future__ import annotations

import numpy as np

from gossan.models.abundances.active_set import check_endmembers, check_spectra


def unconstrained(spectra: np.ndarray, endmembers: np.ndarray) -> np.ndarray:
    """Return the abundances of least squared misfit, of any sign and sum.

    Many negative ones say that an endmember is missing or is itself a mixture.

    Parameters
    ----------
    spectra : ndarray, (pixels, bands)
        Spectra in the unit of the endmembers.
    endmembers : ndarray, (k, bands)
        One spectrum per row; where they depend on each other, the shortest solution is given.

    Returns
    -------
    ndarray, (pixels, k), float64
        Abundances; NaN for pixels with a value that is not finite.

    Raises
    ------
    InputError
        Where the shapes do not fit, or an endmember has missing values.
    """
    endmembers = check_endmembers(endmembers)
    spectra = check_spectra(spectra, bands=endmembers.shape[1])
    inverse = np.linalg.pinv(endmembers)
    abundances = (spectra @ inverse.astype(spectra.dtype)).astype(np.float64)
    abundances[~np.isfinite(abundances).all(axis=1)] = np.nan
    return abundances
