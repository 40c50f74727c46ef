"""Exact non-negative least squares for many spectra that share their endmembers.

Which endmembers a pixel holds (its *passive set*) decides a linear map from the spectrum to the
abundances and to the gradient of those left out, and that gradient tells whether the set is right.
Few passive sets serve many pixels, so each map is made once, from a QR factorisation, and kept.
A pixel then costs one small matrix-vector product per passive set tried: block principal pivoting,
which exchanges all wrong members at once, nearly always needs one to three. Where it does not
settle, as with dependent endmembers, the method of Lawson and Hanson takes over, whose end is
certain. The sum-to-one constraint is met exactly: one member of the passive set is the origin, and
the abundances of the others weigh the differences from it.

Sources
-------
Lawson and Hanson, Solving Least Squares Problems, 1974, chapter 23; Portugal, Judice and Vicente,
A comparison of block pivoting and interior-point algorithms for linear least squares problems with
nonnegative variables, 1994; Van Benthem and Keenan, Fast algorithm for the solution of large-scale
non-negativity-constrained least squares problems, 2004.
"""

from __future__ import annotations

import numpy as np

from gossan.core.errors import InputError
from gossan.models.abundances.compiled_active_set import empty_maps, solve_pixels

MOST_ENDMEMBERS = 64
"""A passive set is kept as the bits of one machine word."""


class ActiveSetSolver:
    """Least squares under constraints, prepared for one set of endmembers.

    Not for use by several threads at once: each needs a solver of its own.

    Parameters
    ----------
    endmembers : ndarray, (k, bands)
        One spectrum per row, finite, at most `MOST_ENDMEMBERS` of them.
    sum_to_one : bool
        Whether the abundances of a pixel must add up to one.

    Raises
    ------
    InputError
        Where the endmembers are not such a table.
    """

    def __init__(self, endmembers: np.ndarray, *, sum_to_one: bool = False) -> None:
        endmembers = check_endmembers(endmembers)
        if len(endmembers) > MOST_ENDMEMBERS:
            raise InputError(
                f"{len(endmembers)} endmembers are too many to unmix: choose at most "
                f"{MOST_ENDMEMBERS} of them, for instance one per class."
            )
        self.sum_to_one = sum_to_one
        # Columns of length one make every tolerance relative. Under the sum constraint all
        # must keep their proportions, so they share one length.
        lengths = np.linalg.norm(endmembers, axis=1)
        if sum_to_one:
            lengths = np.full(len(endmembers), lengths.max())
        lengths[lengths == 0] = 1.0
        basis, reduced = np.linalg.qr((endmembers / lengths[:, None]).T)
        self._basis = basis
        self._data_scale = 1.0 / lengths[0] if sum_to_one else 1.0
        self._scale = np.ones(len(lengths)) if sum_to_one else 1.0 / lengths
        self._reduced = np.ascontiguousarray(reduced)
        self._maps = empty_maps(*reduced.shape)

    def solve(self, spectra: np.ndarray) -> np.ndarray:
        """Return the abundances of each pixel.

        Parameters
        ----------
        spectra : ndarray, (pixels, bands)
            Float32 spectra are projected onto the endmembers in float32 (half the memory
            traffic, abundances within 5e-5), others in float64; the constrained problem that is
            left, as small as the number of endmembers, is always solved in float64. A transposed
            view of a band-sequential block is used as it is.

        Returns
        -------
        ndarray, (pixels, k), float64
            Abundances, NaN for pixels with a value that is not finite.
        """
        spectra = check_spectra(spectra, bands=len(self._basis))
        projected = (spectra @ self._basis.astype(spectra.dtype)).astype(np.float64)
        if self.sum_to_one:
            projected *= self._data_scale
        abundances = np.empty((len(spectra), self._reduced.shape[1]))
        solve_pixels(self._reduced, projected, self._scale, self.sum_to_one, self._maps, abundances)
        return abundances


def check_endmembers(endmembers: np.ndarray) -> np.ndarray:
    """Return endmembers as float64 (k, bands), or raise `InputError` where they are not."""
    table = np.asarray(endmembers, dtype=np.float64)
    if table.ndim != 2 or table.size == 0:
        raise InputError(
            f"Endmembers must be a table of (endmembers, bands), not of shape {table.shape}."
        )
    if not np.isfinite(table).all():
        bad = np.flatnonzero(~np.isfinite(table).all(axis=1)) + 1
        raise InputError(
            f"Endmember {', '.join(map(str, bad))} has missing values: leave out the bands "
            "without values, or the endmember."
        )
    return table


def check_spectra(spectra: np.ndarray, *, bands: int) -> np.ndarray:
    """Return spectra as float32 or float64 (pixels, bands), or raise `InputError`."""
    spectra = np.asarray(spectra)
    if spectra.dtype not in (np.float32, np.float64):
        spectra = spectra.astype(np.float64)
    if spectra.ndim != 2 or spectra.shape[1] != bands:
        raise InputError(
            f"Spectra of shape {spectra.shape} do not fit endmembers of {bands} bands: "
            f"(pixels, {bands}) is needed."
        )
    return spectra
