"""A stack of bands and the geological map over it: what a model of lithology learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gossan.core.blocks import DATA_BUDGET, Block, Window, plan, rows_for_budget, run
from gossan.core.errors import InputError
from gossan.core.model_card import ClassLabel
from gossan.core.progress import Progress
from gossan.core.raster import Stack, valid_pixels
from gossan.models.lithology.geological_map import GeologicalMap


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of each band, by which networks see them alike.

    Parameters
    ----------
    mean, deviation : ndarray of float64, shape (bands,)
    """

    mean: np.ndarray
    deviation: np.ndarray

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return standardised float32 values of shape (..., bands), 0 (the mean) where missing."""
        scaled = (values - self.mean) / self.deviation
        return np.where(np.isfinite(values), scaled, 0.0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class LabelledStack:
    """The bands, the classes, and the class of each pixel.

    Parameters
    ----------
    stack : Stack
    classes : tuple of ClassLabel
        Those that occur where every band has a value.
    places : ndarray of uint8, shape (rows, columns)
        Position of each pixel's class in `classes` + 1; 0 where there is none or a band lacks.
    scaling : Scaling
    notes : tuple of str
        Sentences for the log and the report.
    """

    stack: Stack
    classes: tuple[ClassLabel, ...]
    places: np.ndarray
    scaling: Scaling
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(label.name for label in self.classes)

    def counts(self, chosen: np.ndarray | None = None) -> np.ndarray:
        """Return the labelled pixels of each class, of all or of the chosen ones."""
        places = self.places if chosen is None else self.places[chosen]
        return np.bincount(places.ravel(), minlength=len(self.classes) + 1)[1:]

    def features(self, pixels: np.ndarray, progress: Progress) -> np.ndarray:
        """Return the bands (pixels, bands) at sorted positions in the flattened image."""
        info = self.stack.info
        out = np.empty((len(pixels), info.count), dtype=np.float32)
        rows = rows_for_budget(info.width, 8.0 * info.count)
        for block in plan(info.height, info.width, rows=rows, columns=info.width):
            progress.check()
            first = block.inner.row * info.width
            low, high = np.searchsorted(pixels, [first, first + block.inner.pixels])
            if high > low:
                values = self.stack.read(block.inner).reshape(-1, info.count)
                out[low:high] = values[pixels[low:high] - first]
        return out


def label_stack(stack: Stack, geology: GeologicalMap, progress: Progress) -> LabelledStack:
    """Read the classes of all pixels, and mean and deviation of all bands.

    Parameters
    ----------
    stack : Stack
    geology : GeologicalMap
        On the stack's grid.
    progress : Progress

    Raises
    ------
    InputError
        When fewer than two classes lie under the stack.
    """
    info = stack.info
    labels = np.zeros((info.height, info.width), dtype=np.uint16)
    count, total = 0, np.zeros(info.count)
    squares = np.zeros(info.count)
    gaps = [0]
    shift: list[np.ndarray] = []

    def read(block: Block) -> tuple[np.ndarray, np.ndarray]:
        return stack.read(block.inner), geology.labels(block.inner)

    def consume(block: Block, data: tuple[np.ndarray, np.ndarray]) -> None:
        nonlocal count
        values, found = data
        valid = valid_pixels(values)
        gaps[0] += int(np.count_nonzero((found > 0) & ~valid))
        labels[block.inner.slices] = np.where(valid, found, 0)
        known = values[valid].astype(np.float64)
        if not len(known):
            return
        if not shift:
            shift.append(known.mean(axis=0))
        known -= shift[0]
        count += len(known)
        total[:] += known.sum(axis=0)
        squares[:] += (known**2).sum(axis=0)

    rows = rows_for_budget(info.width, 40.0 * info.count)
    blocks = plan(info.height, info.width, rows=min(rows, 512), columns=info.width)
    run(blocks, read, lambda _, data: data, consume, progress)
    if not count:
        raise InputError("No pixel has a value in every band of the stack.")
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    scaling = Scaling(mean + shift[0], np.where(spread > 0, spread, 1.0))
    return _with_classes(stack, geology, labels, scaling, gaps[0], spread)


def _with_classes(
    stack: Stack,
    geology: GeologicalMap,
    labels: np.ndarray,
    scaling: Scaling,
    gaps: int,
    spread: np.ndarray,
) -> LabelledStack:
    pixels = np.bincount(labels.ravel(), minlength=65536)
    classes = tuple(label for label in geology.classes if pixels[label.value])
    if len(classes) < 2:
        only = f"only {classes[0].name}" if classes else "no class at all"
        raise InputError(
            f"The geological map shows {only} where the stack has values; a model needs at least "
            "two classes to tell apart. Check that map and stack cover the same ground."
        )
    lookup = np.zeros(65536, dtype=np.uint8)
    for place, label in enumerate(classes, start=1):
        lookup[label.value] = place
    notes = list(geology.notes)
    absent = [label.name for label in geology.classes if not pixels[label.value]]
    if absent:
        notes.append(f"Not under the stack, and so not learned: {', '.join(absent)}.")
    if gaps:
        notes.append(f"{gaps} mapped pixels lack a value in some band and are left out.")
    constant = [band.name for band, own in zip(stack.info.bands, spread) if own == 0]
    if constant:
        notes.append(f"The same everywhere, and so of no use: {', '.join(constant)}.")
    return LabelledStack(stack, classes, lookup[labels], scaling, tuple(notes))


class StandardisedReader:
    """Reads standardised windows of a stack, from memory where all of it fits.

    Parameters
    ----------
    stack : Stack
    scaling : Scaling
    indexes : sequence of int, optional
        Bands in the model's order; all by default.
    """

    def __init__(
        self, stack: Stack, scaling: Scaling, indexes: tuple[int, ...] | None = None
    ) -> None:
        self._stack, self._scaling, self._indexes = stack, scaling, indexes
        info = stack.info
        count = info.count if indexes is None else len(indexes)
        self._whole: np.ndarray | None = None
        if info.height * info.width * count * 4 <= DATA_BUDGET // 4:
            self._whole = self._read(Window(0, 0, info.height, info.width))

    def window(self, window: Window) -> np.ndarray:
        """Return a window (rows, columns, bands), standardised, 0 where missing."""
        if self._whole is not None:
            return self._whole[window.slices]
        return self._read(window)

    def _read(self, window: Window) -> np.ndarray:
        return self._scaling.apply(self._stack.read(window, self._indexes))
