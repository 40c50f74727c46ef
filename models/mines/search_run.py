"""A whole search: its blocks, here or on Dask, with a journal; or an earlier one used again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from gossan.core.blocks import Block, plan, run, run_distributed
from gossan.core.errors import InputError
from gossan.core.origin import gossan_version
from gossan.core.progress import Progress
from gossan.models.mines.cells import CellGeometry
from gossan.models.mines.clusters import Impacts
from gossan.models.mines.findings import CellGrid
from gossan.models.mines.images import ImageOptions, open_image
from gossan.models.mines.impact import ImpactModel
from gossan.models.mines.journal import Journal
from gossan.models.mines.search import Found, Searcher, search_block
from gossan.models.mines.search_record import SearchRecord, image_fingerprint, read_probability

WIDEST_BLOCK, NARROWEST_BLOCK = 168 * 27, 56 * 27
"""Pixels along a block's side: wide ones see fewer pixels twice, narrow ones share out better."""

MOST_THREADS = 8


@dataclass(frozen=True)
class Searched:
    """What a search has found, cell by cell.

    Parameters
    ----------
    grid : CellGrid
    record : SearchRecord
    probability : ndarray (rows, columns), float32
        NaN where too few pixels are there.
    impacts : Impacts or None
    impact_model : str
        Fingerprint; "" without one.
    """

    grid: CellGrid
    record: SearchRecord
    probability: np.ndarray
    impacts: Impacts | None
    impact_model: str = ""


def threads_here() -> int:
    """Return how many threads a search on this computer takes."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


def blocks_of(shape: tuple[int, int], cells: CellGeometry, threads: int) -> list[Block]:
    """Cut the cells of a search into blocks of nearly one size, two for each thread at least.

    Where crops give up cells, blocks see many pixels twice: there they are wide, and small searches
    are cut into fewer.
    """
    rows, columns = shape
    side = int(np.ceil(np.sqrt(rows * columns / (2 * threads))))
    narrowest = max(NARROWEST_BLOCK // cells.stride, 1)
    widest = max(WIDEST_BLOCK // cells.stride, 1) if cells.given_up else narrowest
    side = min(max(side, narrowest), widest)
    down, across = -(-rows // side), -(-columns // side)
    return plan(rows, columns, rows=-(-rows // down), columns=-(-columns // across))


def description(searcher: Searcher, blocks: Sequence[Block]) -> dict[str, Any]:
    """Return all that decides what a search finds, by names that people understand."""
    task, options = searcher.task, asdict(searcher.task.options)
    return {
        "image": searcher.image.identity(),
        "detector": task.detector_fingerprint,
        "impact model": task.impact_fingerprint,
        "stride": searcher.geometry.stride,
        # Without an impact model all cells are kept, whatever the threshold.
        "threshold": task.threshold if task.impact else None,
        "share of valid pixels": task.valid_share,
        **{f"image option {name}": value for name, value in options.items()},
        "blocks": [list(block.inner) for block in blocks],
        "version of Gossan": gossan_version(),
    }


def record_of(searcher: Searcher) -> SearchRecord:
    """Return what the probability raster tells of a search."""
    info = searcher.image.info
    return SearchRecord(
        image_fingerprint(searcher.image.identity()),
        info.height,
        info.width,
        searcher.geometry,
        searcher.task.detector_fingerprint,
        searcher.predictor.bundle.card.ground_sampling_distance,
    )


def grid_of(searcher: Searcher) -> CellGrid:
    """Return the cells of a search on the ground.

    Raises
    ------
    InputError
        When the image is too small for one.
    """
    info, cells = searcher.image.info, searcher.geometry
    grid = CellGrid(info, cells)
    if min(grid.shape) < 1:
        raise InputError(
            f"{info.path} has {info.height} rows and {info.width} columns at the detector's pixel "
            f"size, and the detector needs {cells.smallest} at least. Choose a larger image."
        )
    return grid


def search(
    searcher: Searcher,
    grid: CellGrid,
    blocks: Sequence[Block],
    journal: Journal,
    dask: str,
    progress: Progress,
) -> Searched:
    """Search the blocks that the journal does not have.

    Parameters
    ----------
    searcher : Searcher
    grid : CellGrid
    blocks : sequence of Block
        Of cells, as `blocks_of` gives them.
    journal : Journal
    dask : str
        Address of a scheduler; "" searches on this computer.
    progress : Progress
    """
    probability = np.full(grid.shape, np.nan, dtype=np.float32)
    judged: list[Found] = []
    numbers = {block: number for number, block in enumerate(blocks)}

    def keep(block: Block, found: Found) -> None:
        probability[block.inner.slices] = found.probability
        if len(found.cells):
            judged.append(found)

    for number, found in journal.blocks():
        keep(blocks[number], found)
    finished = journal.finished()
    missing = [block for number, block in enumerate(blocks) if number not in finished]
    if finished:
        progress.say(
            f"{len(finished)} of {len(blocks)} blocks stand in the journal {journal.path}; the "
            "search goes on with the others."
        )

    def consume(block: Block, found: Found) -> None:
        journal.add(numbers[block], found)
        keep(block, found)

    rest = progress.part(len(finished) / len(blocks), 1.0)
    if missing and dask:
        info = searcher.image.info
        task = replace(searcher.task, size=(info.height, info.width))
        run_distributed(dask, missing, search_block, consume, rest, arguments={"task": task})
    elif missing:
        run(
            missing,
            lambda _: None,
            lambda block, _: searcher.search(block),
            consume,
            rest,
            workers=threads_here(),
        )
    impacts = None if searcher.impact is None else _joined(judged, searcher.impact.classes)
    return Searched(
        grid, record_of(searcher), probability, impacts, searcher.task.impact_fingerprint
    )


def reuse(
    earlier: str,
    files: Sequence[str],
    options: ImageOptions,
    detector_fingerprint: str,
    impact_model: str,
    threshold: float,
    progress: Progress,
) -> Searched:
    """Take the probabilities of an earlier search, and judge its cells from a threshold on.

    Parameters
    ----------
    earlier : str
        The probability raster.
    files : sequence of str
        The image; not needed without an impact model.
    options : ImageOptions
    detector_fingerprint : str
        The detector that the user has named; "" for whichever it was.
    impact_model : str
        Model file; "" for none.
    threshold : float
    progress : Progress

    Raises
    ------
    InputError
        When image or detector are not those of the search.
    """
    probability, grid, record = read_probability(earlier)
    if detector_fingerprint and detector_fingerprint != record.detector:
        raise InputError(
            f"{earlier} was made by another detector ({record.detector[:12]}) than the one chosen "
            f"({detector_fingerprint[:12]}). Choose that one, or search again."
        )
    if not impact_model:
        return Searched(grid, record, probability, None)
    if not files:
        raise InputError(
            f"The impact model needs the image that {earlier} was made from. Choose it too."
        )
    # The bands of an impact model by itself; the image is the same in whatever bands.
    model = ImpactModel(impact_model, by_position=options.by_position)
    with closing(
        open_image(
            files,
            model.bundle.card.bands,
            ground_sampling_distance=record.ground_sampling_distance,
            options=options,
            progress=progress,
        )
    ) as image:
        if image_fingerprint(image.identity()) != record.image:
            raise InputError(
                f"{earlier} was made from another image than {image.info.path}, or that has "
                "changed since. Choose the same files, or search again."
            )
        rows, columns = np.nonzero(probability >= threshold)
        progress.say(f"The impact model judges {len(rows)} cells.")
        impacts = model.judge(image, grid.cells, rows, columns)
    cells = np.stack([rows, columns], axis=1)
    judged = Impacts(cells, impacts, model.classes)
    return Searched(grid, record, probability, judged, model.bundle.fingerprint)


def _joined(judged: Sequence[Found], classes: tuple[str, ...]) -> Impacts:
    cells = [found.cells for found in judged] or [np.empty((0, 2), dtype=np.int32)]
    impacts = [found.impacts for found in judged] or [np.empty((0, len(classes)))]
    return Impacts(np.concatenate(cells), np.concatenate(impacts), classes)
