"""What a network learns from: chips streamed from disk, and what it should say of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError
from gossan.models.deposits.chip_files import TRAINING, Chip, ChipSet
from gossan.models.deposits.labels import field_of, richness
from gossan.models.deposits.locations import balanced, split
from gossan.models.networks.training import Batch

GOALS = ("presence", "richness")
"""Whether there is a deposit (cross-entropy), or how many (mean absolute error of richness)."""

_TUNING_SHARE = 0.2


@dataclass(frozen=True)
class LearningSet:
    """The chips of a training with their targets.

    Parameters
    ----------
    goal : str
        One of `GOALS`.
    chips : tuple of Chip
    targets : ndarray, shape (n,)
        0 or 1, or richness.
    learning, tuning, validation : ndarray of int
        Numbers of the chips to learn from, to choose epoch and network by, and to judge by. No
        location is in two of them.
    greatest : float
        Greatest ln(n + 1) among the training chips; richness is relative to it.
    """

    goal: str
    chips: tuple[Chip, ...]
    targets: np.ndarray
    learning: np.ndarray
    tuning: np.ndarray
    validation: np.ndarray
    greatest: float

    def with_random_labels(self, seed: int) -> LearningSet:
        """Return the same chips with the targets of learning and tuning shuffled.

        Validation keeps its true targets: a network that has learnt nothing but the distribution
        of labels shows there how good that alone is.
        """
        random = np.random.default_rng(seed)
        targets = self.targets.copy()
        for part in (self.learning, self.tuning):
            targets[part] = targets[random.permutation(part)]
        return LearningSet(
            self.goal, self.chips, targets, self.learning, self.tuning, self.validation,
            self.greatest,
        )  # fmt: skip


def learning_set(chips: ChipSet, goal: str, commodity: str, seed: int) -> LearningSet:
    """Return what is to be learnt from a set of chips.

    Parameters
    ----------
    chips : ChipSet
    goal : str
        One of `GOALS`. Presence is learnt from a balanced set, richness from all chips.
    commodity : str
        Deposits of this one only, all when empty.
    seed : int
        Decides the balanced set of a commodity, and the chips for tuning.

    Raises
    ------
    InputError
        When the commodity was not counted, or there is nothing to tell apart.
    """
    if goal not in GOALS:
        raise InputError(f"Unknown goal {goal!r}; use one of {', '.join(GOALS)}.")
    counts = _counts(chips, commodity)
    training = np.array([chip.part == TRAINING for chip in chips.chips])
    what = f"{commodity} " if commodity else ""
    if goal == GOALS[0]:
        targets = (counts > 0).astype(np.float32)
        chosen = np.array([chip.presence_set for chip in chips.chips])
        if commodity:
            chosen = balanced(targets.astype(int), ~training, seed)
        for part, name in ((training, "training"), (~training, "validation")):
            if not (chosen & part).any():
                raise InputError(
                    f"There are no {name} chips both with and without {what}deposits, so presence "
                    "cannot be learnt and judged. Add scenes, or learn richness."
                )
    else:
        targets = np.zeros(len(counts), dtype=np.float32)
        chosen = np.ones(len(counts), dtype=bool)
        if len(np.unique(counts[training])) < 2:
            raise InputError(
                f"All training chips hold the same number of {what}deposits: there is no richness "
                "to learn. Add scenes with more and with fewer deposits."
            )
    greatest = float(np.log1p(counts[training]).max(initial=0.0))
    if goal == GOALS[1]:
        targets = richness(counts, greatest).astype(np.float32)
    learning = np.flatnonzero(chosen & training)
    validation = np.flatnonzero(chosen & ~training)
    if not len(validation):
        raise InputError("There are no chips for validation. Prepare the scenes again.")
    tuning = _tuning(chips.chips, counts, learning, seed)
    return LearningSet(
        goal, chips.chips, targets, np.setdiff1d(learning, tuning), tuning, validation, greatest
    )


def batches(
    chips: ChipSet,
    members: np.ndarray,
    targets: np.ndarray,
    size: int,
    seed: int,
    *,
    augment: bool,
) -> Callable[[int], Iterator[Batch]]:
    """Return a function that gives the batches of an epoch, read from disk one ahead.

    Parameters
    ----------
    chips : ChipSet
    members : ndarray of int
        Numbers of the chips to give.
    targets : ndarray, shape (all chips,)
    size : int
        Chips in a batch.
    seed : int
        With the epoch it decides order, turns and mirrorings; epoch 0 has none of them.
    augment : bool
        Turn and mirror chips at random: what lies beneath has no up or down.
    """

    def load(chosen: np.ndarray, turns: np.ndarray) -> Batch:
        images = [_turned(chips.read(chips.chips[i]), int(turn)) for i, turn in zip(chosen, turns)]
        wanted = targets[chosen].astype(np.float32)
        return np.stack(images), wanted, np.ones(len(chosen), dtype=np.float32)

    def epoch(number: int) -> Iterator[Batch]:
        random = np.random.default_rng((seed, number))
        order = random.permutation(members) if number else members
        turns = random.integers(0, 8, len(order)) if number and augment else np.zeros(len(order))
        steps = range(0, len(order), size)
        with ThreadPoolExecutor(1, "gossan-chips") as reader:
            ahead = None
            for start in steps:
                coming = reader.submit(
                    load, order[start : start + size], turns[start : start + size]
                )
                if ahead is not None:
                    yield ahead.result()
                ahead = coming
            if ahead is not None:
                yield ahead.result()

    return epoch


def _turned(image: np.ndarray, turn: int) -> np.ndarray:
    """Return one of the eight ways to lay a square, 0 as it is."""
    turned = np.rot90(image, turn % 4)
    return turned[:, ::-1] if turn >= 4 else turned


def _counts(chips: ChipSet, commodity: str) -> np.ndarray:
    if not commodity:
        return np.array([chip.count for chip in chips.chips])
    field = field_of(commodity)
    known = sorted({name for chip in chips.chips for name in chip.commodities})
    if field not in known:
        names = ", ".join(re.sub("^n_", "", name).replace("_", " ") for name in known)
        raise InputError(
            f"The chips have no count of {commodity!r}; they have those of {names or '(none)'}. "
            "Name it as a commodity when you label the scenes, and prepare them again."
        )
    return np.array([chip.commodities.get(field, 0) for chip in chips.chips])


def _tuning(
    chips: Sequence[Chip], counts: np.ndarray, learning: np.ndarray, seed: int
) -> np.ndarray:
    """Return the chips of some training locations; none where there is one location only."""
    places = [chips[i].location for i in learning]
    if len(set(places)) < 2:
        return np.empty(0, dtype=np.int64)
    presence = (counts[learning] > 0).astype(int)
    return np.asarray(learning[split(places, presence, _TUNING_SHARE, seed)])
