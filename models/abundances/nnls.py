"""Non-negative least squares: abundances that are never negative, and whose sum is free."""

from __future__ import annotations

import numpy as np

from gossan.models.abundances.active_set import ActiveSetSolver


def nnls(spectra: np.ndarray, endmembers: np.ndarray) -> np.ndarray:
    """Return the non-negative abundances of least squared misfit.

    Their sum follows the illumination of a pixel; divide by it for shares of the ground.

    Parameters
    ----------
    spectra : ndarray, (pixels, bands)
        Spectra in the unit of the endmembers; float32 ones are projected in float32.
    endmembers : ndarray, (k, bands)
        One spectrum per row.

    Returns
    -------
    ndarray, (pixels, k), float64
        Abundances, at least 0; NaN for pixels with a value that is not finite.

    Raises
    ------
    InputError
        Where the shapes do not fit, or an endmember has missing values.
    """
    return ActiveSetSolver(endmembers).solve(spectra)
