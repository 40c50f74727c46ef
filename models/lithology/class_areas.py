"""How much ground each class of a raster covers, counted window by window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gossan.core.blocks import Block, plan, rows_for_budget, run
from gossan.core.pixel_areas import pixel_areas
from gossan.core.progress import Progress
from gossan.core.raster import Raster
from gossan.models.lithology.geological_map import refuse_fractions, refuse_measurements

_BYTES_PER_PIXEL = 24.0
_MOST_ROWS = 1024


@dataclass
class ClassCount:
    """What a class covers.

    Parameters
    ----------
    pixels : int
    square_metres : float or None
        None where the raster's coordinates measure no ground.
    """

    pixels: int = 0
    square_metres: float | None = None


def count_classes(raster: Raster, progress: Progress) -> dict[int, ClassCount]:
    """Count the pixels of each value of a class raster's first band, and their area.

    Raises
    ------
    InputError
        When the values are no classes.
    """
    info = raster.info
    row_areas = pixel_areas(info)
    counts: dict[int, ClassCount] = {}

    def read(block: Block) -> np.ndarray:
        return raster.read(block.inner, [0], scaled=False)[..., 0]

    def compute(_: Block, values: np.ndarray) -> dict[int, np.ndarray]:
        found = np.unique(values[np.isfinite(values)])
        refuse_fractions(found, info.path)
        refuse_measurements(len(found), info.path)
        return {int(value): np.count_nonzero(values == value, axis=1) for value in found}

    def consume(block: Block, found: dict[int, np.ndarray]) -> None:
        rows = slice(block.inner.row, block.inner.row + block.inner.height)
        for value, pixels in found.items():
            count = counts.setdefault(value, ClassCount(0, None if row_areas is None else 0.0))
            count.pixels += int(pixels.sum())
            if row_areas is not None:
                count.square_metres = (count.square_metres or 0.0) + float(pixels @ row_areas[rows])
        refuse_measurements(len(counts), info.path)

    rows = min(rows_for_budget(info.width, _BYTES_PER_PIXEL), _MOST_ROWS)
    blocks = plan(info.height, info.width, rows=rows, columns=info.width)
    run(blocks, read, compute, consume, progress)
    return dict(sorted(counts.items()))
