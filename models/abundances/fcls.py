"""Fully constrained least squares: abundances that are never negative and add up to one."""

from __future__ import annotations

import numpy as np

from gossan.models.abundances.active_set import ActiveSetSolver


def fcls(spectra: np.ndarray, endmembers: np.ndarray) -> np.ndarray:
    """Return the abundances of least squared misfit that are non-negative and add up to one.

    Both constraints are met exactly (the sum to rounding), not by a heavily weighted equation.

    Parameters
    ----------
    spectra : ndarray, (pixels, bands)
        Spectra in the unit of the endmembers; float32 ones are projected in float32.
    endmembers : ndarray, (k, bands)
        One spectrum per row. A spectrum of zeros stands for shade.

    Returns
    -------
    ndarray, (pixels, k), float64
        Abundances between 0 and 1; NaN for pixels with a value that is not finite.

    Raises
    ------
    InputError
        Where the shapes do not fit, or an endmember has missing values.

    References
    ----------
    Heinz and Chang, Fully constrained least squares linear spectral mixture analysis method for
    material quantification in hyperspectral imagery, 2001, state the problem.
    """
    return ActiveSetSolver(endmembers, sum_to_one=True).solve(spectra)
