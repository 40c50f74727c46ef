"""Searching a block of cells: one function for this computer's threads and for Dask's workers."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.blocks import Block
from gossan.core.bundle import fingerprint_of
from gossan.core.errors import BundleError, InputError
from gossan.core.memory import keep_freed_memory, release_freed_memory
from gossan.core.progress import Progress
from gossan.core.windows import Window
from gossan.models.mines.cells import CellGeometry
from gossan.models.mines.images import ImageOptions, MineImage, open_image
from gossan.models.mines.impact import ImpactModel, joined_bands
from gossan.models.mines.model_file import IMPACT_KIND, read_model
from gossan.models.mines.pixels import CropInputs, band_by_band
from gossan.models.mines.predictors import Predictor, load_predictor
from gossan.models.networks import runtime

_CHUNK_ROWS = 128
_USUAL_BLOCKS = (64, 512)
_KEPT_CHUNKS = 2


@dataclass(frozen=True)
class Task:
    """What is searched by which models; plain values that travel to workers.

    Parameters
    ----------
    files : tuple of str
        The image.
    options : ImageOptions
    detector, impact : str
        Model files; without an impact model "".
    detector_fingerprint, impact_fingerprint : str
        What is in them.
    stride : int or None
        Pixels from cell to cell, for detectors that slide.
    threshold : float
        Cells from this probability on are judged by the impact model.
    valid_share : float
        Share of the pixels that a cell stands for which have to be there.
    size : tuple of int
        Rows and columns of the image where the task comes from; workers have to see the same.
    """

    files: tuple[str, ...]
    options: ImageOptions
    detector: str
    detector_fingerprint: str
    impact: str = ""
    impact_fingerprint: str = ""
    stride: int | None = None
    threshold: float = 0.6
    valid_share: float = 0.5
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Found:
    """What was found in a block.

    Parameters
    ----------
    probability : ndarray (rows, columns), float32
        Of a mine in each cell; NaN where too few pixels are there.
    cells : ndarray (n, 2), int32
        Row and column in the whole search of each cell that the impact model judged.
    impacts : ndarray (n, classes), float32
        Its probabilities of the classes.
    """

    probability: np.ndarray
    cells: np.ndarray
    impacts: np.ndarray


class Searcher:
    """The models of a task, loaded once, and its image, opened once per thread."""

    def __init__(self, task: Task, progress: Progress | None = None) -> None:
        self.task = task
        self._progress = progress or Progress()
        keep_freed_memory()
        self.predictor: Predictor = load_predictor(task.detector, task.stride, self._progress)
        self.geometry: CellGeometry = self.predictor.geometry
        card = self.predictor.bundle.card
        bands = card.bands
        if task.impact:
            wanted = read_model(task.impact, IMPACT_KIND).card.bands
            bands = joined_bands(bands, wanted, by_position=task.options.by_position)
        self.impact = (
            ImpactModel(task.impact, bands, by_position=task.options.by_position)
            if task.impact
            else None
        )
        self.image: MineImage = open_image(
            task.files,
            bands,
            ground_sampling_distance=card.ground_sampling_distance,
            options=task.options,
            progress=progress,
        )
        self._mine = threading.local()
        self._opened: list[MineImage] = [self.image]

    def close(self) -> None:
        """Let go of all files."""
        for image in self._opened:
            image.close()
        release_freed_memory()

    def search(self, block: Block) -> Found:
        """Search a block of cells."""
        image, window = self._own_image(), block.inner
        rows = self.geometry.crop(window.row, window.height, image.info.height)
        columns = self.geometry.crop(window.column, window.width, image.info.width)
        crop = Window(
            rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start
        )
        nothing = np.full((window.height, window.width), np.nan, dtype=np.float32)
        if not image.scenes_in(crop):
            return self._judged(image, window, nothing)
        reader = CropReader(image, crop, self.predictor, self._progress)
        seen = self.predictor.probabilities(reader)
        valid = reader.valid_shares(self.geometry, rows.skipped, columns.skipped, window)
        wanted = seen[
            rows.skipped : rows.skipped + window.height,
            columns.skipped : columns.skipped + window.width,
        ]
        probability = np.where(valid >= self.task.valid_share, wanted, np.float32(np.nan))
        return self._judged(image, window, probability)

    def _judged(self, image: MineImage, window: Window, probability: np.ndarray) -> Found:
        rows, columns = np.nonzero(probability >= self.task.threshold)
        cells = np.stack([rows + window.row, columns + window.column], axis=1).astype(np.int32)
        if self.impact is None:
            return Found(probability, cells[:0], np.empty((0, 0), dtype=np.float32))
        impacts = self.impact.judge(image, self.geometry, cells[:, 0], cells[:, 1])
        return Found(probability, cells, impacts)

    def _own_image(self) -> MineImage:
        if not hasattr(self._mine, "image"):
            first = self.image
            self._mine.image = MineImage(first.info, first.scenes, first.options, first.ground)
            self._opened.append(self._mine.image)
        image: MineImage = self._mine.image
        return image


class CropReader:
    """The inputs of a crop, read from the image as a detector asks for them.

    Each time it looks whether the search was cancelled, for a block may take long.
    """

    def __init__(
        self, image: MineImage, crop: Window, predictor: Predictor, progress: Progress
    ) -> None:
        self._image, self._crop, self._progress = image, crop, progress
        self._scaling = predictor.scaling
        self._bands: Sequence[int] = range(len(predictor.bundle.card.bands))
        self._valid = np.zeros((crop.height, crop.width), dtype=np.uint8)
        self._chunk = _chunk_rows(image)
        self._kept: OrderedDict[int, CropInputs] = OrderedDict()

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns and bands."""
        return self._crop.height, self._crop.width, len(self._bands)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Return those rows as inputs; see `gossan.models.mines.predictors.Inputs`."""
        self._progress.check()
        start, stop, _ = rows.indices(self._crop.height)
        out = band_by_band((stop - start, self._crop.width, len(self._bands)))
        row = start
        while row < stop:
            first, inputs = self._chunk_at(row)
            end = min(stop, first + inputs.shape[0])
            inputs.fill(slice(row - first, end - first), out, row - start)
            row = end
        return out

    def _chunk_at(self, row: int) -> tuple[int, CropInputs]:
        """Return the rows that are read together with one of them, and their first."""
        absolute = (self._crop.row + row) // self._chunk * self._chunk
        first = max(absolute - self._crop.row, 0)
        if first not in self._kept:
            stop = min(absolute + self._chunk - self._crop.row, self._crop.height)
            window = Window(
                self._crop.row + first, self._crop.column, stop - first, self._crop.width
            )
            pixels = self._image.pixels(window)
            self._valid[first:stop] = pixels.valid
            while len(self._kept) >= _KEPT_CHUNKS:
                self._kept.popitem(last=False)
            self._kept[first] = pixels.inputs(self._scaling, self._bands, slice(None), slice(None))
        return first, self._kept[first]

    def valid_shares(
        self, cells: CellGeometry, skipped_rows: int, skipped_columns: int, window: Window
    ) -> np.ndarray:
        """Return which share of the pixels that each cell stands for is there (rows, columns)."""
        side = min(cells.stride, cells.smallest)
        tops = _first_pixels(cells, skipped_rows, window.height, side)
        lefts = _first_pixels(cells, skipped_columns, window.width, side)
        shares = np.empty((window.height, window.width), dtype=np.float32)
        for number, top in enumerate(tops):
            lines = self._valid[top : top + side].sum(axis=0, dtype=np.int32)
            sums = np.concatenate([[0], np.cumsum(lines)])
            shares[number] = sums[lefts + side] - sums[lefts]
        return shares / np.float32(side * side)


def _chunk_rows(image: MineImage) -> int:
    """Return how many rows are read at once: whole blocks of the file, where they are usual."""
    block = image.scenes[0].info.block[0]
    return block if _USUAL_BLOCKS[0] <= block <= _USUAL_BLOCKS[1] else _CHUNK_ROWS


def search_block(block: Block, *, task: Task) -> Found:
    """Search a block on a Dask worker, which keeps models and image for the next one."""
    return _searcher(task).search(block)


@functools.lru_cache(maxsize=1)
def _searcher(task: Task) -> Searcher:
    for path, expected in (
        (task.detector, task.detector_fingerprint),
        (task.impact, task.impact_fingerprint),
    ):
        if path and fingerprint_of(path) != expected:
            raise BundleError(
                f"The Dask workers see another file at {path} than this computer. Give them the "
                "same files."
            )
    runtime.one_thread_each()
    searcher = Searcher(task)
    seen = searcher.image.info.height, searcher.image.info.width
    if seen != task.size:
        raise InputError(
            f"The Dask workers see another image at {task.files[0]} than this computer: "
            f"{seen[0]} rows and {seen[1]} columns, not {task.size[0]} and {task.size[1]}. Give "
            "them the same files."
        )
    return searcher


def _first_pixels(cells: CellGeometry, first: int, count: int, side: int) -> np.ndarray:
    centres = np.array([cells.centre(first + cell) for cell in range(count)])
    return np.floor(centres - side / 2).astype(int)
