"""The compiled part of the active set method: maps of passive sets, and the pixels' way to theirs.

A passive set (which endmembers a pixel holds) is kept as the bits of one machine word. Its map
gives the least squares abundances of its members and, for all others, the gradient of the misfit.

All compiled functions stand in this one file, because Numba's cache on disk notices a change in
the file of a function, but not in the files of those that it calls.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

PATIENCE = 3
"""So often block pivoting may go on without fewer wrong members than ever before."""

ROUNDING = 4e-15
"""A gradient below this is rounding, for spectra and endmembers of length one."""

CACHE_BYTES = 32 * 2**20
"""Room for the maps of one solver."""


class Maps(NamedTuple):
    """The maps made so far, in room that is taken once.

    Parameters
    ----------
    kept : ndarray of int64, (1,)
        How many are kept.
    table : ndarray of int64, (slots,)
        Hash table: number of the map that stands there, -1 where none does.
    passive : ndarray of uint64, (most,)
        The passive set of each map.
    members : ndarray of uint64, (most,)
        Those of its endmembers that do not depend on the others; only they get abundances.
    rough : ndarray of bool, (most,)
        Whether the members are so alike that abundances need refining.
    linear : ndarray, (most, rank, k)
        Column j gives the abundance where endmember j is a member, else the gradient of the
        misfit when j grows: a pixel's set is right when neither is negative.
    origin : ndarray, (most, rank)
        Taken off the spectrum before the linear part: zero, or one member under a sum constraint.
    offset : ndarray, (most, k)
        Added after it: zero, or one for that member.
    """

    kept: np.ndarray
    table: np.ndarray
    passive: np.ndarray
    members: np.ndarray
    rough: np.ndarray
    linear: np.ndarray
    origin: np.ndarray
    offset: np.ndarray


def empty_maps(rank: int, k: int) -> Maps:
    """Return room for as many maps as `CACHE_BYTES` hold, and one that is made anew each time."""
    one = 8 * (rank * k + rank + k + 2)
    most = max(min(2**k, CACHE_BYTES // one), 16)
    slots = 1 << (2 * most).bit_length()
    return Maps(
        kept=np.zeros(1, dtype=np.int64),
        table=np.full(slots, -1, dtype=np.int64),
        passive=np.zeros(most + 1, dtype=np.uint64),
        members=np.zeros(most + 1, dtype=np.uint64),
        rough=np.zeros(most + 1, dtype=np.bool_),
        linear=np.empty((most + 1, rank, k)),
        origin=np.empty((most + 1, rank)),
        offset=np.empty((most + 1, k)),
    )


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _build_map(
    reduced: np.ndarray, passive: np.uint64, sum_to_one: bool, maps: Maps, slot: int
) -> None:
    """Make the map of one passive set."""
    rank, k = reduced.shape
    one = np.uint64(1)
    linear = maps.linear[slot]
    origin = maps.origin[slot]
    offset = maps.offset[slot]
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

    # Gram-Schmidt, and again where much of a column went: the basis stays orthogonal to rounding.
    basis = np.empty((rank + 1, rank))
    upper = np.zeros((rank + 1, rank + 1))
    members = np.empty(k, dtype=np.int64)
    found = 0
    rough = False
    for j in range(k):
        if j == pivot or found == rank or not (passive >> np.uint64(j)) & one:
            continue
        size = left = 0.0
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
            if left > 0.01 * size:
                break
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
    maps.members[slot] = independent
    maps.rough[slot] = rough


@njit(cache=True, nogil=True)
def _look_up(passive: np.uint64, table: np.ndarray, asked: np.ndarray) -> int:
    """Return where in the hash table a passive set stands, or the free place where it belongs."""
    last = len(table) - 1
    at = np.int64((passive * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(33)) & last
    while table[at] >= 0 and asked[table[at]] != passive:
        at = (at + 1) & last
    return int(at)


@njit(cache=True, nogil=True)
def _add_map(reduced: np.ndarray, passive: np.uint64, sum_to_one: bool, maps: Maps, at: int) -> int:
    """Make the map of a passive set that has none, and return its number."""
    kept, table, asked = maps.kept, maps.table, maps.passive
    slot = kept[0]
    if slot < len(asked) - 1:  # the last one is made anew whenever the cache is full
        table[at] = slot
        asked[slot] = passive
        kept[0] = slot + 1
    _build_map(reduced, passive, sum_to_one, maps, slot)
    return slot


@njit(cache=True, nogil=True, fastmath={"contract"})
def _apply_map(
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
    maps: Maps,
    result: np.ndarray,
) -> int:
    """Find or make the map of a passive set, apply it, and return its number."""
    at = _look_up(passive, maps.table, maps.passive)
    slot = int(maps.table[at])
    if slot < 0:
        slot = _add_map(reduced, passive, sum_to_one, maps, at)
    _apply_map(spectrum, maps.linear, maps.origin, maps.offset, slot, result)
    if maps.rough[slot]:
        _refine(reduced, spectrum, maps, slot, result)
    return slot


@njit(cache=True, nogil=True)
def _refine(
    reduced: np.ndarray, spectrum: np.ndarray, maps: Maps, slot: int, result: np.ndarray
) -> None:
    """Apply the map to what the abundances leave unexplained, twice, and add that to them."""
    rank, k = reduced.shape
    one = np.uint64(1)
    independent = maps.members[slot]
    linear = maps.linear
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
def solve_pixels(
    reduced: np.ndarray,
    projected: np.ndarray,
    scale: np.ndarray,
    sum_to_one: bool,
    maps: Maps,
    abundances: np.ndarray,
) -> None:
    """Solve every pixel by block principal pivoting, and by Lawson-Hanson where that fails."""
    rank, k = reduced.shape
    table, asked, members, rough = maps.table, maps.passive, maps.members, maps.rough
    linear, origin, offset = maps.linear, maps.origin, maps.offset
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
        limit = -ROUNDING * (np.sqrt(size) + (1.0 if sum_to_one else 0.0))
        passive = every
        fewest = k + 1
        patience = PATIENCE
        while True:
            at = _look_up(passive, table, asked)
            slot = table[at]
            if slot < 0:
                slot = _add_map(reduced, passive, sum_to_one, maps, at)
            _apply_map(spectrum, linear, origin, offset, slot, result)
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
            patience = PATIENCE if many < fewest else patience - 1
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
    maps: Maps,
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
        if maps.members[slot] != trial or result[steepest] <= 0:
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
    maps: Maps,
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
