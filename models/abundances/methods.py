"""The ways to estimate abundances, each prepared once for a scene and applied block by block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.abundances.active_set import ActiveSetSolver
from gossan.models.abundances.nmf import SAMPLED_PIXELS, correct_endmembers
from gossan.models.abundances.svr import MixtureRegression
from gossan.models.abundances.unconstrained import unconstrained

METHODS = ("nnls", "fcls", "nmf", "svr", "unconstrained")

SILENT = Progress()

_PIXELS_AT_ONCE = 512


@dataclass(frozen=True)
class Method:
    """A prepared method.

    Parameters
    ----------
    estimate : callable
        Abundances (pixels, k) of spectra (pixels, bands); may be called by several threads.
    endmembers : ndarray, (k, bands)
        What the abundances multiply to give the spectra.
    """

    estimate: Callable[[np.ndarray], np.ndarray]
    endmembers: np.ndarray


def prepare_method(
    name: str,
    endmembers: np.ndarray,
    sample: Callable[[int], np.ndarray],
    *,
    mixtures: int = 1000,
    iterations: int = 200,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Method:
    """Prepare a method for a scene.

    Parameters
    ----------
    name : str
        One of `METHODS`, in any case.
    endmembers : ndarray, (k, bands)
        In the unit of the scene's values.
    sample : callable
        Returns so many complete spectra of the scene; called by the factorisation only.
    mixtures, iterations, seed : int
        Options of `gossan.models.abundances.svr.svr` and `gossan.models.abundances.nmf.nmf`.
    progress : Progress
        Where training looks for cancellation.

    Raises
    ------
    InputError
        Where the method is unknown or the endmembers cannot be used.
    """
    name = name.lower()
    if name == "nnls":
        return Method(_ThreadedSolver(endmembers, sum_to_one=False), endmembers)
    if name == "fcls":
        return Method(_ThreadedSolver(endmembers, sum_to_one=True), endmembers)
    if name == "nmf":
        corrected = correct_endmembers(
            sample(SAMPLED_PIXELS), endmembers, iterations=iterations, progress=progress
        )
        return Method(_ThreadedSolver(corrected, sum_to_one=False), corrected)
    if name == "svr":
        machine = MixtureRegression(endmembers, mixtures=mixtures, seed=seed, progress=progress)
        return Method(machine.predict, endmembers)
    if name == "unconstrained":
        return Method(lambda spectra: unconstrained(spectra, endmembers), endmembers)
    raise InputError(f"{name} is no method to estimate abundances; use {', '.join(METHODS)}.")


def residual_rmse(
    spectra: np.ndarray, abundances: np.ndarray, endmembers: np.ndarray
) -> np.ndarray:
    """Return the root mean square of what the abundances leave unexplained in each pixel.

    Parameters
    ----------
    spectra : ndarray, (pixels, bands)
        Preferably a transposed view of band-sequential memory.
    abundances : ndarray, (pixels, k)
    endmembers : ndarray, (k, bands)

    Returns
    -------
    ndarray, (pixels,), float64
        In the unit of the spectra. The differences themselves are squared: the shortcut over
        lengths cancels in float32 where the fit is good.
    """
    by_band = spectra.T
    mixing = np.ascontiguousarray(endmembers.T, dtype=spectra.dtype)
    shares = np.ascontiguousarray(abundances.T, dtype=spectra.dtype)
    squares = np.empty(len(spectra))
    for start in range(0, len(spectra), _PIXELS_AT_ONCE):
        piece = slice(start, start + _PIXELS_AT_ONCE)
        difference = mixing @ shares[:, piece]
        difference -= by_band[:, piece]
        squares[piece] = np.einsum("bp,bp->p", difference, difference)
    return np.sqrt(squares / len(by_band))


class _ThreadedSolver:
    """A solver for each thread, made when the thread first needs it."""

    def __init__(self, endmembers: np.ndarray, *, sum_to_one: bool) -> None:
        self._endmembers, self._sum_to_one = endmembers, sum_to_one
        self._of_thread = threading.local()
        self._of_thread.solver = ActiveSetSolver(endmembers, sum_to_one=sum_to_one)

    def __call__(self, spectra: np.ndarray) -> np.ndarray:
        if not hasattr(self._of_thread, "solver"):
            self._of_thread.solver = ActiveSetSolver(self._endmembers, sum_to_one=self._sum_to_one)
        solver: ActiveSetSolver = self._of_thread.solver
        return solver.solve(spectra)
