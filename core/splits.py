"""Splits of samples into training and test: random, grouped, and by blocks in space.

Every function returns a list of ``(train, test)`` index arrays. Neighbouring samples resemble each
other, so a random split flatters a map: blocks in space (Roberts et al. 2017) are the honest one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gossan.core.errors import InputError

Splits = list[tuple[np.ndarray, np.ndarray]]

BLOCKS_PER_FOLD = 4
"""How many blocks a fold gets, about, when the block size is taken from the extent."""


def kfold(n: int, folds: int = 5, *, seed: int = 0) -> Splits:
    """Split `n` samples at random into folds of nearly equal size.

    Raises
    ------
    InputError
        With fewer than two folds or fewer samples than folds.
    """
    _check(n, folds, "samples")
    order = np.random.default_rng(seed).permutation(n)
    return _splits_of(_labels(np.array_split(order, folds), n), folds)


def leave_one_out(n: int) -> Splits:
    """Split `n` samples so that each is the test once.

    Raises
    ------
    InputError
        With fewer than two samples.
    """
    _check(n, 2, "samples")
    return _splits_of(np.arange(n), n)


def hold_out(n: int, share: float = 0.3, *, seed: int = 0) -> Splits:
    """Split `n` samples once at random; `share` (0 to 1) of them are the test.

    Raises
    ------
    InputError
        When either side would be empty.
    """
    test = round(n * share)
    if not 0 < share < 1 or test < 1 or test >= n:
        raise InputError(
            f"A hold-out of {share:g} of {n} samples leaves one side empty; "
            "give a share between 0 and 1, or more samples."
        )
    order = np.random.default_rng(seed).permutation(n)
    return [(np.sort(order[test:]), np.sort(order[:test]))]


def grouped(groups: np.ndarray, folds: int = 5, *, seed: int = 0) -> Splits:
    """Split samples into folds of nearly equal size that never part a group.

    Parameters
    ----------
    groups : ndarray, shape (n,)
        Label of each sample.
    folds : int
        Number of folds.
    seed : int
        Decides between assignments of equal balance.

    Raises
    ------
    InputError
        With fewer groups than folds.
    """
    _, labels = np.unique(np.asarray(groups), return_inverse=True)
    labels = labels.ravel()
    counts = np.bincount(labels)
    _check(len(counts), folds, "groups of samples")
    return _splits_of(_balanced(counts, folds, seed)[labels], folds)


def spatial_blocks(
    x: np.ndarray, y: np.ndarray, folds: int = 5, *, block_size: float = 0.0, seed: int = 0
) -> Splits:
    """Split samples by the blocks of a square grid; a block is never parted.

    Blocks are dealt to folds so that these have nearly equal numbers of samples.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Coordinates.
    folds : int
        Number of folds.
    block_size : float
        Side of a block in the unit of the coordinates; 0 takes it from `default_block_size`.
    seed : int
        Decides between assignments of equal balance.

    Raises
    ------
    InputError
        When the samples lie in fewer blocks than folds.

    References
    ----------
    Roberts et al. (2017), Cross-validation strategies for data with temporal, spatial,
    hierarchical, or phylogenetic structure. Ecography 40, 913-929.
    """
    _check(len(x), folds, "samples")
    size = block_size if block_size > 0 else default_block_size(x, y, folds)
    blocks = block_labels(x, y, size)
    occupied = len(np.unique(blocks))
    if occupied < folds:
        raise InputError(
            f"The samples lie in {occupied} block{'s' if occupied != 1 else ''} of "
            f"{size:g} x {size:g} map units, too few for {folds} folds; "
            "take smaller blocks or fewer folds."
        )
    return grouped(blocks, folds, seed=seed)


def block_labels(x: np.ndarray, y: np.ndarray, size: float) -> np.ndarray:
    """Return the number of the square block, shape (n,), that each sample lies in."""
    columns = np.floor((x - x.min()) / size).astype(np.int64)
    rows = np.floor((y - y.min()) / size).astype(np.int64)
    return rows * (int(columns.max()) + 1) + columns


def default_block_size(x: np.ndarray, y: np.ndarray, folds: int) -> float:
    """Return a block side that gives each fold about four blocks with samples.

    Raises
    ------
    InputError
        When there are fewer places than folds.
    """
    places = len(np.unique(np.column_stack([x, y]), axis=0))
    _check(places, folds, "places with samples")
    width, height = float(np.ptp(x)), float(np.ptp(y))
    wanted = min(BLOCKS_PER_FOLD * folds, places)
    # A thin extent counts as one row of blocks.
    size = max(float(np.sqrt(width * height / wanted)), max(width, height) / wanted)
    while len(np.unique(block_labels(x, y, size))) < min(2 * folds, places):
        size /= 1.25
    return size


def repeated(split: Callable[[int], Splits], repeats: int, *, seed: int = 0) -> list[Splits]:
    """Draw a split several times with seeds of their own.

    Parameters
    ----------
    split : callable
        Takes a seed and returns splits.
    repeats : int
        How often.
    seed : int
        Seed of the first draw; the others follow from it.

    Returns
    -------
    list of Splits
        One entry per repeat, so that each can be scored by itself.
    """
    if repeats < 1:
        raise InputError(f"A split is drawn at least once, not {repeats} times.")
    return [split(seed + 7919 * k) for k in range(repeats)]


def _balanced(counts: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deal groups to folds, the largest first, each to the fold with the fewest samples."""
    order = np.random.default_rng(seed).permutation(len(counts))
    order = order[np.argsort(-counts[order], kind="stable")]
    filled = np.zeros(folds, dtype=np.int64)
    fold_of = np.empty(len(counts), dtype=np.int64)
    for group in order:
        fold_of[group] = int(np.argmin(filled))
        filled[fold_of[group]] += counts[group]
    return fold_of


def _labels(parts: list[np.ndarray], n: int) -> np.ndarray:
    labels = np.empty(n, dtype=np.int64)
    for fold, members in enumerate(parts):
        labels[members] = fold
    return labels


def _splits_of(labels: np.ndarray, folds: int) -> Splits:
    return [(np.flatnonzero(labels != k), np.flatnonzero(labels == k)) for k in range(folds)]


def _check(n: int, folds: int, what: str) -> None:
    if folds < 2:
        raise InputError(f"Cross-validation needs at least 2 folds, not {folds}.")
    if n < folds:
        raise InputError(f"{n} {what} cannot be split into {folds} folds; take fewer folds.")
