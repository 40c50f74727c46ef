"""How the samples of an inversion are kept apart: blocks in space, folds, groups, hold-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError
from gossan.core.samples import Samples
from gossan.core.validation import (
    Splits,
    block_labels,
    default_block_size,
    grouped,
    hold_out,
    kfold,
    leave_one_out,
    repeated,
    spatial_blocks,
)

BLOCKS, KFOLD, LEAVE_ONE_OUT, HOLD_OUT, GROUPS = (
    "spatial blocks",
    "k-fold",
    "leave-one-out",
    "hold-out",
    "groups",
)
VALIDATIONS = (BLOCKS, KFOLD, LEAVE_ONE_OUT, HOLD_OUT, GROUPS)


@dataclass(frozen=True)
class Validation:
    """How samples are kept apart.

    Parameters
    ----------
    kind : str
        One of `VALIDATIONS`.
    folds : int
    block_size : float
        Side of a spatial block in map units; 0 takes it from the extent.
    hold_out : float
        Share of the samples that a hold-out tests, 0 to 1.
    repeats : int
    seed : int
    """

    kind: str = BLOCKS
    folds: int = 5
    block_size: float = 0.0
    hold_out: float = 0.3
    repeats: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in VALIDATIONS:
            raise InputError(
                f"Unknown validation {self.kind!r}; use one of {', '.join(VALIDATIONS)}."
            )


def make_splits(samples: Samples, validation: Validation) -> tuple[list[Splits], str]:
    """Split the samples as wanted, and say how in words.

    Raises
    ------
    InputError
        When there are too few samples, blocks or groups.
    """
    v, n, groups = validation, len(samples), samples.groups
    seeds = f"seed {v.seed}"
    if v.kind == BLOCKS:
        size = _block_size(samples, v)
        chosen = repeated(
            lambda seed: spatial_blocks(samples.x, samples.y, v.folds, block_size=size, seed=seed),
            v.repeats,
            seed=v.seed,
        )
        count = len(np.unique(block_labels(samples.x, samples.y, size)))
        how = f"{v.folds} folds of spatial blocks ({count} blocks of {size:.4g} map units)"
    elif v.kind == GROUPS:
        if groups is None:
            raise InputError("Validation by groups needs a field that names the groups.")
        chosen = repeated(lambda seed: grouped(groups, v.folds, seed=seed), v.repeats, seed=v.seed)
        how = f"{v.folds} folds of whole groups ({len(np.unique(groups))} groups)"
    elif v.kind == LEAVE_ONE_OUT:
        left = leave_one_out(n)
        if groups is not None:
            left = grouped(groups, len(np.unique(groups)), seed=v.seed)
        return [left], f"leave-one-out ({len(left)} models per element)"
    elif v.kind == HOLD_OUT:
        chosen = repeated(
            lambda seed: _hold_out(n, v.hold_out, groups, seed), v.repeats, seed=v.seed
        )
        how = f"hold-out of {v.hold_out:.0%} of the samples, drawn at random"
    else:
        chosen = repeated(
            lambda seed: (
                kfold(n, v.folds, seed=seed)
                if groups is None
                else grouped(groups, v.folds, seed=seed)
            ),
            v.repeats,
            seed=v.seed,
        )
        how = f"{v.folds} folds drawn at random"
    if v.repeats > 1:
        how += f", {v.repeats} times"
    return chosen, f"{how}, {seeds}"


def inner_groups(samples: Samples, validation: Validation) -> np.ndarray | None:
    """Return what inner cross-validation keeps together: the blocks or groups of the outer one."""
    if validation.kind == BLOCKS:
        return block_labels(samples.x, samples.y, _block_size(samples, validation))
    return samples.groups


def _block_size(samples: Samples, validation: Validation) -> float:
    if validation.block_size > 0:
        return validation.block_size
    return default_block_size(samples.x, samples.y, validation.folds)


def _hold_out(n: int, share: float, groups: np.ndarray | None, seed: int) -> Splits:
    """Hold out samples, whole groups where there are any."""
    if groups is None:
        return hold_out(n, share, seed=seed)
    labels = np.unique(groups)
    (train, test) = hold_out(len(labels), share, seed=seed)[0]
    return [
        (
            np.flatnonzero(np.isin(groups, labels[train])),
            np.flatnonzero(np.isin(groups, labels[test])),
        )
    ]
