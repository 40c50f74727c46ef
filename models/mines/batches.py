"""Batches of chips: shuffled, turned and flipped, balanced between the classes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.errors import InputError
from gossan.models.mines import geometry
from gossan.models.mines.model_file import BandScaling
from gossan.models.mines.training_chips import UNKNOWN, TrainingChips
from gossan.models.networks.training import Batch

WEIGHTS, BALANCED, AS_THEY_ARE = "weights", "balanced batches", "as they are"
BALANCES = (WEIGHTS, BALANCED, AS_THEY_ARE)


@dataclass(frozen=True)
class BatchOptions:
    """How batches are made.

    Parameters
    ----------
    size : int
        Chips of 243 pixels in a batch; of larger ones as many as have about as many pixels.
    balance : str
        One of `BALANCES`. ``weights``: rare classes count more, by the square root of how much
        rarer they are. ``balanced batches``: chips of every class are drawn equally often.
    turns : bool
        Turn by quarters and flip at random: an orbit's view of a mine has no up.
    appearance : float
        Standard deviation (ln units) of a random brightness of each chip, and half of it of each
        band by itself: another season, sun or sensor.
    seed : int
    """

    size: int = 16
    balance: str = WEIGHTS
    turns: bool = True
    appearance: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.balance not in BALANCES:
            raise InputError(f"Unknown balance {self.balance!r}; use one of {', '.join(BALANCES)}.")
        if self.size < 1:
            raise InputError(f"A batch of {self.size} chips is none; give 1 or more.")
        if not 0 <= self.appearance <= 1:
            raise InputError(f"An appearance variation of {self.appearance:g} is not 0 to 1.")


class Batches:
    """The batches of some chips, by the number of the epoch.

    Parameters
    ----------
    chips : TrainingChips
    chosen : ndarray of int
        Which of them.
    scaling : BandScaling
    options : BatchOptions
    """

    def __init__(
        self,
        chips: TrainingChips,
        chosen: np.ndarray,
        scaling: BandScaling,
        options: BatchOptions,
    ) -> None:
        self._chips = chips
        self._chosen = chosen
        self._scaling = scaling
        self._options = options
        self._weights = class_weights(chips, chosen, options.balance)

    def learning(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, in random order and turned at random."""
        chance = np.random.default_rng([self._options.seed, epoch])
        drawn = self._drawn(chance)
        chance.shuffle(drawn)
        batches = list(self._parted(drawn))
        chance.shuffle(batches)
        for indexes in batches:
            yield self._batch(indexes, chance)

    def held_out(self) -> Iterator[tuple[np.ndarray, Batch]]:
        """Yield indexes and batch of all chips as they are."""
        for indexes in self._parted(self._chosen):
            yield np.array(indexes), self._batch(indexes, None)

    def _drawn(self, chance: np.random.Generator) -> np.ndarray:
        """Return the chips of an epoch; in balanced ones the classes come equally often."""
        if self._options.balance != BALANCED:
            return self._chosen.copy()
        rarest = np.array([self._rarest(index) for index in self._chosen])
        kinds = np.unique(rarest)
        each = math.ceil(len(self._chosen) / len(kinds))
        return np.concatenate(
            [chance.choice(self._chosen[rarest == kind], each, replace=True) for kind in kinds]
        )

    def _rarest(self, index: int) -> int:
        """Return the class of a chip; a tile with a mine in it is one of mines."""
        counted = self._chips.items[index].counted
        return int(counted.max()) if counted.size else 0

    def _parted(self, drawn: np.ndarray) -> Iterator[list[int]]:
        """Part chips into batches, each of one size of chips."""
        sizes = np.array([self._chips.items[index].chip.size for index in drawn])
        for size in np.unique(sizes):
            share = min(geometry.EXACT_CHIP / size, 1.0) ** 2
            count = max(round(self._options.size * share), 1)
            here = drawn[sizes == size]
            for start in range(0, len(here), count):
                yield [int(index) for index in here[start : start + count]]

    def _batch(self, indexes: Sequence[int], chance: np.random.Generator | None) -> Batch:
        images, targets = [], []
        for index in indexes:
            image = self._scaling.apply(self._chips.reflectance(index))
            classes = self._chips.items[index].classes
            if chance is not None:
                image = self._varied(image, chance)
                image, classes = self._turned(image, classes, chance)
            # What is missing counts as the mean, as in the search.
            images.append(np.nan_to_num(image, nan=0.0))
            targets.append(classes)
        wanted = np.stack(targets)
        weights = np.where(wanted == UNKNOWN, 0.0, self._weights[np.maximum(wanted, 0)])
        return np.stack(images), np.maximum(wanted, 0), weights.astype(np.float32)

    def _varied(self, image: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """Change the brightness of a scaled chip as another date or sensor would."""
        spread = self._options.appearance
        if not spread:
            return image
        gain = np.exp(chance.normal(0.0, spread) + chance.normal(0.0, spread / 2, image.shape[-1]))
        dark = self._scaling.mean / self._scaling.deviation
        return np.asarray(image * gain + dark * (gain - 1.0), dtype=np.float32)

    def _turned(
        self, image: np.ndarray, classes: np.ndarray, chance: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        if not self._options.turns:
            return image, classes
        quarters, flip = int(chance.integers(4)), bool(chance.integers(2))
        cells = classes.ndim == 2
        image = np.rot90(image, quarters)
        classes = np.rot90(classes, quarters) if cells else classes
        if flip:
            image, classes = image[:, ::-1], classes[:, ::-1] if cells else classes
        return np.ascontiguousarray(image), classes


def class_weights(chips: TrainingChips, chosen: np.ndarray, balance: str) -> np.ndarray:
    """Return how much a cell of each class counts, shape (classes,); the most frequent one 1."""
    count = len(chips.classes)
    if balance != WEIGHTS:
        return np.ones(count)
    counted = np.concatenate([chips.items[index].counted for index in chosen])
    present = np.bincount(counted, minlength=count).astype(np.float64)
    return np.sqrt(present.max() / np.maximum(present, 1.0))
