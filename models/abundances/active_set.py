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

from typing import Any

import numpy as np
from numba import njit

from gossan.core.errors import InputError

MOST_ENDMEMBERS = 64
"""A passive set is kept as the bits of one machine word."""

_CACHE_BYTES = 32 * 2**20
_PATIENCE = 3
_ROUNDING = 4e-15  # of a gradient, for spectra and endmembers of length one


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
        self._maps = _empty_maps(*reduced.shape)

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
        _solve_pixels(
            self._reduced, projected, self._scale, self.sum_to_one, self._maps, abundances
        )
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


def _empty_maps(rank: int, k: int) -> tuple[Any, ...]:
    """Return room for the maps of as many passive sets as the cache may hold, and one to spare."""
    one = 8 * (rank * k + rank + k + 2)
    most = max(min(2**k, _CACHE_BYTES // one), 16)
    slots = 1 << (2 * most).bit_length()
    return (
        np.zeros(1, dtype=np.int64),  # how many are kept
        np.full(slots, -1, dtype=np.int64),  # hash table: number of the map
        np.zeros(most + 1, dtype=np.uint64),  # passive set asked for
        np.zeros(most + 1, dtype=np.uint64),  # independent members of it
        np.zeros(most + 1, dtype=np.bool_),  # too ill-conditioned to go unrefined
        np.empty((most + 1, rank, k)),  # linear part
        np.empty((most + 1, rank)),  # taken off the spectrum first
        np.empty((most + 1, k)),  # added to the result
    )


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _build_map(
    reduced: np.ndarray, passive: np.uint64, sum_to_one: bool, maps: tuple[Any, ...], slot: int
) -> None:
    """Make the map of one passive set.

    Column j of the linear part gives the abundance where endmember j is passive, else the
    gradient of the misfit when j grows: a pixel's set is right when neither is negative.
    """
    rank, k = reduced.shape
    one = np.uint64(1)
    linear = maps[5][slot]
    origin = maps[6][slot]
    offset = maps[7][slot]
    linear[:] = 0.0
    origin[:] = 0.0
    offset[:] = 0.0
    pivot = -1
    independent = np.uint64(0)
    if sum_to_one:
        pivot = 0
        while pivot < k - 1 and not (passive >> np.uint64(pivot)) & one:
            pivot += 1
        independent |= one << np.uint64(pivot)
        offset[pivot] = 1.0
        for row in range(rank):
            origin[row] = reduced[row, pivot]

    # Gram-Schmidt, each column twice, which keeps the basis orthogonal to rounding.
    basis = np.empty((rank + 1, rank))
    upper = np.zeros((rank + 1, rank + 1))
    members = np.empty(k, dtype=np.int64)
    found = 0
    rough = False
    for j in range(k):
        if j == pivot or found == rank or not (passive >> np.uint64(j)) & one:
            continue
        size = 0.0
        for row in range(rank):
            basis[found, row] = reduced[row, j] - origin[row]
            size += basis[found, row] ** 2
        for _ in range(2):
            for i in range(found):
                share = 0.0
                for row in range(rank):
                    share += basis[i, row] * basis[found, row]
                upper[i, found] += share
                for row in range(rank):
                    basis[found, row] -= share * basis[i, row]
        left = 0.0
        for row in range(rank):
            left += basis[found, row] ** 2
        if left <= 1e-24 * size or left <= 1e-24:
            upper[:, found] = 0.0
            continue
        rough = rough or left < 1e-8 * size
        upper[found, found] = np.sqrt(left)
        for row in range(rank):
            basis[found, row] /= upper[found, found]
        members[found] = j
        independent |= one << np.uint64(j)
        found += 1

    for i in range(found - 1, -1, -1):
        for row in range(rank):
            value = basis[i, row]
            for later in range(i + 1, found):
                value -= upper[i, later] * linear[row, members[later]]
            linear[row, members[i]] = value / upper[i, i]
    if sum_to_one:
        for i in range(found):
            for row in range(rank):
                linear[row, pivot] -= linear[row, members[i]]
    for j in range(k):
        if (independent >> np.uint64(j)) & one:
            continue
        for row in range(rank):
            linear[row, j] = origin[row] - reduced[row, j]
        for i in range(found):
            share = 0.0
            for row in range(rank):
                share += basis[i, row] * linear[row, j]
            for row in range(rank):
                linear[row, j] -= share * basis[i, row]
    maps[3][slot] = independent
    maps[4][slot] = rough


@njit(cache=True, nogil=True)
def _look_up(passive: np.uint64, table: np.ndarray, asked: np.ndarray) -> int:
    """Return where in the hash table a passive set stands, or the free place where it belongs."""
    last = len(table) - 1
    at = np.int64((passive * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(33)) & last
    while table[at] >= 0 and asked[table[at]] != passive:
        at = (at + 1) & last
    return int(at)


@njit(cache=True, nogil=True)
def _add_map(
    reduced: np.ndarray, passive: np.uint64, sum_to_one: bool, maps: tuple[Any, ...], at: int
) -> int:
    """Make the map of a passive set that has none, and return its number."""
    count, table, asked = maps[0], maps[1], maps[2]
    slot = count[0]
    if slot < len(asked) - 1:  # the last one is made anew whenever the cache is full
        table[at] = slot
        asked[slot] = passive
        count[0] = slot + 1
    _build_map(reduced, passive, sum_to_one, maps, slot)
    return slot


@njit(cache=True, nogil=True, fastmath={"contract"})
def _apply(
    spectrum: np.ndarray,
    linear: np.ndarray,
    origin: np.ndarray,
    offset: np.ndarray,
    slot: int,
    result: np.ndarray,
) -> None:
    """Apply a map to a projected spectrum: abundances and gradients go to ``result``."""
    rank, k = linear.shape[1:]
    for j in range(k):
        result[j] = offset[slot, j]
    for row in range(rank):
        value = spectrum[row] - origin[slot, row]
        for j in range(k):
            result[j] += value * linear[slot, row, j]


@njit(cache=True, nogil=True)
def _evaluate(
    reduced: np.ndarray,
    spectrum: np.ndarray,
    passive: np.uint64,
    sum_to_one: bool,
    maps: tuple[Any, ...],
    result: np.ndarray,
) -> int:
    """Find or make the map of a passive set, apply it, and return its number."""
    at = _look_up(passive, maps[1], maps[2])
    slot = int(maps[1][at])
    if slot < 0:
        slot = _add_map(reduced, passive, sum_to_one, maps, at)
    _apply(spectrum, maps[5], maps[6], maps[7], slot, result)
    if maps[4][slot]:
        _refine(reduced, spectrum, maps, slot, result)
    return slot


@njit(cache=True, nogil=True)
def _refine(
    reduced: np.ndarray, spectrum: np.ndarray, maps: tuple[Any, ...], slot: int, result: np.ndarray
) -> None:
    """Apply the map to what the abundances leave unexplained, twice, and add that to them."""
    rank, k = reduced.shape
    one = np.uint64(1)
    independent = maps[3][slot]
    linear = maps[5]
    residual = np.empty(rank)
    for _ in range(2):
        for row in range(rank):
            residual[row] = spectrum[row]
            for j in range(k):
                if (independent >> np.uint64(j)) & one:
                    residual[row] -= reduced[row, j] * result[j]
        for j in range(k):
            change = 0.0
            for row in range(rank):
                change += residual[row] * linear[slot, row, j]
            if (independent >> np.uint64(j)) & one:
                result[j] += change
            else:
                result[j] = change


@njit(cache=True, nogil=True, fastmath={"contract"})
def _solve_pixels(
    reduced: np.ndarray,
    projected: np.ndarray,
    scale: np.ndarray,
    sum_to_one: bool,
    maps: tuple[Any, ...],
    abundances: np.ndarray,
) -> None:
    """Solve every pixel by block principal pivoting, and by Lawson-Hanson where that fails."""
    rank, k = reduced.shape
    _, table, asked, members, rough, linear, origin, offset = maps
    one = np.uint64(1)
    result = np.empty(k)
    every = np.uint64(0)
    for j in range(k):
        every |= one << np.uint64(j)
    for pixel in range(len(projected)):
        spectrum = projected[pixel]
        size = 0.0
        for row in range(rank):
            size += spectrum[row] ** 2
        if not size < np.inf:
            abundances[pixel] = np.nan
            continue
        limit = -_ROUNDING * (np.sqrt(size) + (1.0 if sum_to_one else 0.0))
        passive = every
        fewest = k + 1
        patience = _PATIENCE
        while True:
            at = _look_up(passive, table, asked)
            slot = table[at]
            if slot < 0:
                slot = _add_map(reduced, passive, sum_to_one, maps, at)
            _apply(spectrum, linear, origin, offset, slot, result)
            if rough[slot]:
                _refine(reduced, spectrum, maps, slot, result)
            wrong = np.uint64(0)
            for j in range(k):
                wrong |= np.uint64(result[j] < limit) << np.uint64(j)
            if wrong == 0:
                break
            many = 0
            left = wrong
            while left:
                left &= left - one
                many += 1
            patience = _PATIENCE if many < fewest else patience - 1
            fewest = min(fewest, many)
            if patience == 0:
                slot = _lawson_hanson(reduced, spectrum, limit, sum_to_one, maps, result)
                break
            passive ^= wrong
        independent = members[slot]
        for j in range(k):
            inside = (independent >> np.uint64(j)) & one
            abundances[pixel, j] = scale[j] * max(result[j], 0.0) if inside else 0.0


@njit(cache=True, nogil=True)
def _lawson_hanson(
    reduced: np.ndarray,
    spectrum: np.ndarray,
    limit: float,
    sum_to_one: bool,
    maps: tuple[Any, ...],
    result: np.ndarray,
) -> int:
    """Solve one pixel by adding one endmember at a time; return the number of its map.

    The misfit falls with every passive set taken, so none comes twice; the number of steps is
    limited all the same, because rounding may hide the fall between endmembers that are alike.
    """
    k = reduced.shape[1]
    one = np.uint64(1)
    current = np.zeros(k)
    passive = np.uint64(0)
    if sum_to_one:
        nearest = _nearest_endmember(reduced, spectrum)
        passive = one << np.uint64(nearest)
        current[nearest] = 1.0
    refused = np.uint64(0)
    slot = _evaluate(reduced, spectrum, passive, sum_to_one, maps, result)
    for _ in range(10 * k):
        steepest = -1
        for j in range(k):
            free = not ((passive | refused) >> np.uint64(j)) & one
            if free and result[j] < limit and (steepest < 0 or result[j] < result[steepest]):
                steepest = j
        if steepest < 0:
            break
        trial = passive | (one << np.uint64(steepest))
        slot = _evaluate(reduced, spectrum, trial, sum_to_one, maps, result)
        if maps[3][slot] != trial or result[steepest] <= 0:
            # A dependent endmember, or a gradient that is rounding: the misfit cannot fall.
            refused |= one << np.uint64(steepest)
        else:
            passive = _walk_to_boundary(reduced, spectrum, trial, sum_to_one, maps, current, result)
            refused = np.uint64(0)
        slot = _evaluate(reduced, spectrum, passive, sum_to_one, maps, result)
    return slot


@njit(cache=True, nogil=True)
def _nearest_endmember(reduced: np.ndarray, spectrum: np.ndarray) -> int:
    rank, k = reduced.shape
    nearest = 0
    least = np.inf
    for j in range(k):
        distance = 0.0
        for row in range(rank):
            distance += (reduced[row, j] - spectrum[row]) ** 2
        if distance < least:
            least = distance
            nearest = j
    return nearest


@njit(cache=True, nogil=True)
def _walk_to_boundary(
    reduced: np.ndarray,
    spectrum: np.ndarray,
    trial: np.uint64,
    sum_to_one: bool,
    maps: tuple[Any, ...],
    current: np.ndarray,
    result: np.ndarray,
) -> np.uint64:
    """Go from feasible abundances towards the trial set's, dropping those that reach zero.

    ``result`` holds the trial set's abundances; ``current`` those gone from, and then reached.
    """
    k = len(current)
    one = np.uint64(1)
    while True:
        step = 1.0
        first = -1
        for j in range(k):
            inside = (trial >> np.uint64(j)) & one
            if inside and result[j] <= 0 and current[j] - result[j] > 0:
                reach = current[j] / (current[j] - result[j])
                if reach < step or first < 0:
                    step = min(reach, 1.0)
                    first = j
        for j in range(k):
            if (trial >> np.uint64(j)) & one:
                current[j] += step * (result[j] - current[j])
        if first < 0:
            return trial
        current[first] = 0.0
        for j in range(k):
            if (trial >> np.uint64(j)) & one and current[j] <= 0 and result[j] <= 0:
                current[j] = 0.0
                trial ^= one << np.uint64(j)
        _evaluate(reduced, spectrum, trial, sum_to_one, maps, result)
