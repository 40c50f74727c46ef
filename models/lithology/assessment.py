"""A class raster held against a reference: classes matched by name, pixels counted by blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.blocks import Block, plan, rows_for_budget, run
from gossan.core.errors import InputError
from gossan.core.model_card import ClassLabel
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, RasterWriter
from gossan.models.lithology.geological_map import GeologicalMap
from gossan.models.lithology.map_scores import BlockCounts

BLOCKS_ACROSS = 10
"""Blocks along the longer side of an image where no size is given."""

AGREES, DIFFERS = 1, 2
DIFFERENCE_CLASSES = {AGREES: "agrees", DIFFERS: "differs"}
DIFFERENCE_COLOURS = {AGREES: (214, 226, 214), DIFFERS: (192, 40, 28)}


@dataclass(frozen=True)
class Matching:
    """The classes of a map and of its reference as one list.

    Parameters
    ----------
    classes : tuple of ClassLabel
        Those of the map, then those of the reference that the map does not have.
    of_map, of_reference : ndarray of uint16
        From a raster's value to the position in `classes` + 1; 0 for none.
    only_map, only_reference : tuple of str
        Names that only one of the two has.
    """

    classes: tuple[ClassLabel, ...]
    of_map: np.ndarray
    of_reference: np.ndarray
    only_map: tuple[str, ...]
    only_reference: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of rows and columns."""
        return tuple(label.name for label in self.classes)

    def notes(self) -> list[str]:
        """Return a sentence for classes that only one of the two has."""
        notes = []
        if self.only_map:
            notes.append(
                f"The reference has no class {', '.join(self.only_map)}; wherever the map shows "
                "it, the map counts as wrong."
            )
        if self.only_reference:
            notes.append(
                f"The map has no class {', '.join(self.only_reference)}; its reference pixels all "
                "count as missed."
            )
        return notes


def match_classes(mapped: Sequence[ClassLabel], reference: Sequence[ClassLabel]) -> Matching:
    """Match classes by name, whatever the case; by value where neither side has names of its own.

    Raises
    ------
    InputError
        When no class is common to both.
    """
    classes = list(mapped)
    known = {_key(label.name): index for index, label in enumerate(mapped)}
    places: dict[int, int] = {}
    only_reference = []
    for label in reference:
        place = known.get(_key(label.name))
        if place is None:
            place = len(classes)
            classes.append(label)
            only_reference.append(label.name)
        places[label.value] = place + 1
    if len(only_reference) == len(reference):
        raise InputError(
            "No class of the reference has the name of a class of the map. Map: "
            f"{_listed([label.name for label in mapped])}. Reference: "
            f"{_listed([label.name for label in reference])}. Choose the field or column with the "
            "same names, or rename the classes."
        )
    matched = {places[label.value] - 1 for label in reference}
    return Matching(
        classes=tuple(classes),
        of_map=_lookup({label.value: index for index, label in enumerate(mapped, start=1)}),
        of_reference=_lookup(places),
        only_map=tuple(label.name for i, label in enumerate(mapped) if i not in matched),
        only_reference=tuple(only_reference),
    )


@dataclass
class Comparison:
    """What was counted of a map and its reference.

    Parameters
    ----------
    counts : BlockCounts
    mapped : dict of int to int
        Pixels of each class (position + 1) in the whole map.
    without_reference : int
        Mapped pixels that no reference tells about.
    unmapped : int
        Reference pixels where the map is empty.
    """

    counts: BlockCounts
    mapped: dict[int, int]
    without_reference: int = 0
    unmapped: int = 0


def compare(
    map_: GeologicalMap,
    reference: GeologicalMap,
    matching: Matching,
    grid: RasterInfo,
    progress: Progress,
    *,
    block_side: int,
    per_class: int = 0,
    seed: int = 0,
    differences: RasterWriter | None = None,
) -> Comparison:
    """Count a whole map window by window.

    Parameters
    ----------
    map_, reference : GeologicalMap
        On one grid.
    matching : Matching
    grid : RasterInfo
    progress : Progress
    block_side : int
        Side of the blocks of the intervals, pixels.
    per_class : int
        Reference pixels to draw for each mapped class; 0 takes all of them.
    seed : int
        Of the draw.
    differences : RasterWriter, optional
        Gets 1 where both agree and 2 where they differ.
    """
    rows = rows_for_budget(grid.width, 64.0)
    # Windows end where blocks do, so that few blocks are counted in two parts.
    rows = max(min(rows, 1024) // block_side, 1) * block_side
    blocks = plan(grid.height, grid.width, rows=rows, columns=grid.width)
    values = tuple(range(1, len(matching.classes) + 1))
    comparison = Comparison(BlockCounts(values, block_side), dict.fromkeys(values, 0))

    def read(block: Block) -> tuple[np.ndarray, np.ndarray]:
        return (
            matching.of_reference[reference.labels(block.inner)],
            matching.of_map[map_.labels(block.inner)],
        )

    draw = _Draw(per_class, seed)
    if per_class:
        run(
            blocks,
            read,
            lambda _, pair: pair,
            lambda _, pair: draw.count(*pair),
            progress.part(0.0, 0.4),
        )

    def consume(block: Block, pair: tuple[np.ndarray, np.ndarray]) -> None:
        known, shown = pair
        both = (known > 0) & (shown > 0)
        for value, pixels in enumerate(np.bincount(shown.ravel(), minlength=len(values) + 1)):
            if value:
                comparison.mapped[value] += int(pixels)
        comparison.without_reference += int(np.count_nonzero((known == 0) & (shown > 0)))
        comparison.unmapped += int(np.count_nonzero((known > 0) & (shown == 0)))
        if differences is not None:
            agreement = np.where(known == shown, AGREES, DIFFERS)
            differences.write(block.inner, np.where(both, agreement, 0).astype(np.uint8))
        chosen = draw.take(known, shown) if per_class else shown
        comparison.counts.add(block.inner, known, chosen)

    part = progress.part(0.4, 0.95) if per_class else progress.part(0.0, 0.95)
    run(blocks, read, lambda _, pair: pair, consume, part)
    return comparison


class _Draw:
    """A random sample of so many pixels of each mapped class, drawn in a second pass."""

    def __init__(self, per_class: int, seed: int) -> None:
        self._per_class = per_class
        self._random = np.random.default_rng(seed)
        self._totals: dict[int, int] = {}
        self._chosen: dict[int, np.ndarray] = {}
        self._seen: dict[int, int] = {}

    def count(self, reference: np.ndarray, mapped: np.ndarray) -> None:
        """Count how many pixels of each class could be drawn."""
        for value, pixels in enumerate(np.bincount(mapped[reference > 0].ravel())):
            if value and pixels:
                self._totals[value] = self._totals.get(value, 0) + int(pixels)

    def take(self, reference: np.ndarray, mapped: np.ndarray) -> np.ndarray:
        """Return the map with all but the drawn pixels set to 0."""
        if not self._chosen:
            self._chosen = {
                value: np.sort(
                    self._random.choice(total, min(total, self._per_class), replace=False)
                )
                for value, total in sorted(self._totals.items())
            }
        out = np.zeros_like(mapped)
        for value, chosen in self._chosen.items():
            places = np.flatnonzero((mapped == value) & (reference > 0))
            first = self._seen.get(value, 0)
            drawn = chosen[(chosen >= first) & (chosen < first + len(places))] - first
            out.ravel()[places[drawn]] = value
            self._seen[value] = first + len(places)
        return out


def block_side(grid: RasterInfo, size: float) -> int:
    """Return the side of a block in pixels for a size in map units; 0 makes ten across."""
    if size > 0:
        return max(round(size / (grid.pixel_size or 1.0)), 1)
    return max(-(-max(grid.height, grid.width) // BLOCKS_ACROSS), 1)


def _lookup(places: Mapping[int, int]) -> np.ndarray:
    table = np.zeros(65536, dtype=np.uint16)
    for value, place in places.items():
        table[value] = place
    return table


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
