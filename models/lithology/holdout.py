"""Which labelled pixels a model learns from, and which it never sees.

Blocks in space are held out whatever else is done, for the honest score. What is left is parted for
early stopping: by blocks again, or by windows drawn at random as in the source, which overlap and
so know each other's pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError

BLOCKS = "spatial blocks"
RANDOM = "random windows"
SPLITS = (BLOCKS, RANDOM)

TRAINING, VALIDATION, TEST = 1, 2, 3

BLOCKS_ACROSS = 6
"""Blocks along a square image where no size is given."""

VALIDATION_SHARE = 0.5
"""Part of the held-out share that is taken from the rest for early stopping."""

_DRAWS = 200


@dataclass(frozen=True)
class HoldOut:
    """How pixels are parted.

    Parameters
    ----------
    split : str
        One of `SPLITS`: how training and validation are kept apart.
    share : float
        Share of the labelled pixels in test blocks, 0 to 1.
    side : int
        Side of a block, pixels.
    seed : int
    """

    split: str = BLOCKS
    share: float = 0.2
    side: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise InputError(f"{self.split!r} is no split; take {' or '.join(SPLITS)}.")
        if not 0 < self.share <= 0.6:
            raise InputError(f"A share of {self.share:g} cannot be held out; give 0 to 0.6.")

    def described(self, height: int, width: int) -> str:
        """Return how the scores were obtained, as a sentence's part."""
        side = self.side_for(height, width)
        return f"test blocks of {side} x {side} pixels that training never saw ({self.share:.0%})"

    def side_for(self, height: int, width: int) -> int:
        """Return the side of a block in pixels."""
        if self.side > 0:
            return self.side
        return max(round(float(np.sqrt(height * width)) / BLOCKS_ACROSS), 1)


def roles_of(places: np.ndarray, hold_out: HoldOut) -> np.ndarray:
    """Return the role of each pixel: training, validation, test, 0 for unlabelled.

    Blocks are dealt so that each class has about the same share in the test; of many draws the one
    that comes closest is taken.

    Parameters
    ----------
    places : ndarray of uint8, shape (rows, columns)
        Class of each pixel, 0 for none.
    hold_out : HoldOut

    Returns
    -------
    ndarray of uint8, shape (rows, columns)

    Raises
    ------
    InputError
        When the labelled pixels lie in fewer than three blocks.
    """
    height, width = places.shape
    side = hold_out.side_for(height, width)
    rows, columns = -(-height // side), -(-width // side)
    count = int(places.max()) + 1
    per_block = np.zeros((rows * columns, count), dtype=np.int64)
    for row in range(rows):
        strip = places[row * side : (row + 1) * side]
        for column in range(columns):
            part = strip[:, column * side : (column + 1) * side]
            per_block[row * columns + column] = np.bincount(part.ravel(), minlength=count)
    per_block[:, 0] = 0
    occupied = np.flatnonzero(per_block.sum(axis=1))
    if len(occupied) < 3:
        raise InputError(
            f"The labelled pixels lie in {len(occupied)} blocks of {side} x {side} pixels; at "
            "least three are needed to keep some back. Give a smaller block size."
        )
    random = np.random.default_rng(hold_out.seed)
    block_roles = np.full(rows * columns, TRAINING, dtype=np.uint8)
    test = _dealt(per_block[occupied], hold_out.share, random)
    block_roles[occupied[test]] = TEST
    rest = np.delete(occupied, test)
    if hold_out.split == BLOCKS:
        chosen = _dealt(per_block[rest], hold_out.share * VALIDATION_SHARE, random)
        block_roles[rest[chosen]] = VALIDATION
    spread = np.repeat(np.repeat(block_roles.reshape(rows, columns), side, 0), side, 1)
    return np.where(places > 0, spread[:height, :width], 0).astype(np.uint8)


def _dealt(counts: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Return the positions of blocks that hold about a share of the pixels of each class."""
    total = counts.sum(axis=0)
    known = total > 0
    wanted = max(share * counts.sum(), 1)
    best, least = np.array([0]), np.inf
    for _ in range(_DRAWS):
        order = random.permutation(len(counts))
        filled = np.cumsum(counts[order].sum(axis=1))
        taken = order[: min(int(np.searchsorted(filled, wanted)) + 1, len(counts) - 1)]
        shares = counts[taken].sum(axis=0)[known] / total[known]
        # A class wholly on one side can be neither learned nor judged.
        error = float(
            np.abs(shares - share).mean() + (shares == 1).sum() + 0.5 * (shares == 0).sum()
        )
        if error < least:
            best, least = taken, error
    return np.sort(best)
