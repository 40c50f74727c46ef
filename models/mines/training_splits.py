"""How chips are kept apart for validation: by sites and distance, by blocks, or as published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gossan.core.errors import InputError
from gossan.core.validation import Splits, grouped, kfold, spatial_blocks
from gossan.models.mines.training_chips import TrainingChips

GROUPS, BLOCKS, RANDOM, NONE = ("groups", "spatial blocks", "random as published", "none")
VALIDATIONS = (GROUPS, BLOCKS, RANDOM, NONE)


@dataclass(frozen=True)
class Validation:
    """How chips are kept apart.

    Parameters
    ----------
    kind : str
        One of `VALIDATIONS`.
    folds : int
    distance : float
        Metres: for groups, chips nearer to each other than this are of one group; for blocks,
        the side of a block. 0 takes the side of the chips, and for blocks their extent.
    seed : int
    """

    kind: str = GROUPS
    folds: int = 5
    distance: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in VALIDATIONS:
            raise InputError(
                f"Unknown validation {self.kind!r}; use one of {', '.join(VALIDATIONS)}."
            )


@dataclass(frozen=True)
class Kept:
    """Chips that are kept apart.

    Parameters
    ----------
    splits : Splits
        Indexes of training and test of each fold; none without validation.
    how : str
        In words.
    groups : int
        Number of groups, 0 where there are none.
    leaking : float
        Share of the tested chips whose ground overlaps a chip of their own training.
    """

    splits: Splits
    how: str
    groups: int
    leaking: float


def keep_apart(chips: TrainingChips, validation: Validation) -> Kept:
    """Split chips for validation.

    Raises
    ------
    InputError
        When there are too few groups or chips for the folds.
    """
    places = chips.metres()
    folds, seed = validation.folds, validation.seed
    if validation.kind == NONE:
        return Kept([], "not validated", 0, 0.0)
    if validation.kind == RANDOM:
        splits = kfold(len(chips), folds, seed=seed)
        return Kept(splits, f"{folds} random folds, as published", 0, _leaking(chips, splits))
    if validation.kind == BLOCKS:
        splits = spatial_blocks(
            places[:, 0], places[:, 1], folds, block_size=validation.distance, seed=seed
        )
        return Kept(splits, f"{folds} folds of spatial blocks", 0, _leaking(chips, splits))
    reach = validation.distance or float(chips.sides().max())
    labels = site_labels([item.chip.group for item in chips.items], places, reach)
    count = len(np.unique(labels))
    if count < folds:
        raise InputError(
            f"The chips form {count} group{'' if count == 1 else 's'}: those of one site, or "
            f"nearer to each other than {reach:.0f} m, stay together. Too few for {folds} folds: "
            "take fewer folds, add chips of other sites, or validate by spatial blocks."
        )
    splits = grouped(labels, folds, seed=seed)
    how = f"{folds} folds of {count} groups (by site, and {reach:.0f} m apart)"
    return Kept(splits, how, count, _leaking(chips, splits))


def site_labels(groups: list[str], places: np.ndarray, reach: float) -> np.ndarray:
    """Return a label for each chip (n,): equal for one site, and for chips within reach.

    Parameters
    ----------
    groups : list of str
        Site of each chip; empty where unknown.
    places : ndarray (n, 2)
        Metres.
    reach : float
        Chips that are nearer than this are of one group, also through others.
    """
    count = len(places)
    pairs = [cKDTree(places).query_pairs(reach, output_type="ndarray")]
    first: dict[str, int] = {}
    same = [(first.setdefault(name, i), i) for i, name in enumerate(groups) if name]
    pairs.append(np.array(same, dtype=np.intp).reshape(-1, 2))
    joined = np.concatenate(pairs)
    links = coo_matrix((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(count, count))
    _, labels = connected_components(links, directed=False)
    return np.asarray(labels)


def _leaking(chips: TrainingChips, splits: Splits) -> float:
    """Return the share of tested chips that share ground with a chip of their training."""
    places, half = chips.metres(), chips.sides() / 2
    shared = 0
    for train, test in splits:
        # Squares overlap where they are nearer than their halves along both axes.
        distance, nearest = cKDTree(places[train]).query(places[test], p=np.inf)
        shared += int((distance < half[test] + half[train][nearest]).sum())
    tested = sum(len(test) for _, test in splits)
    return shared / tested if tested else 0.0
