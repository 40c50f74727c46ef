"""Mapping of concentrations: one block of pixels at a time, with uncertainty and applicability."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from gossan.core.blocks import Block, plan, rows_for_budget, run
from gossan.core.errors import InputError
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import Raster, Stack, open_stack
from gossan.models.metals.applicability import APPLIES, OUTSIDE, VEGETATION, beyond_range
from gossan.models.metals.map_outputs import (
    DEVIATION,
    MapOptions,
    MapPaths,
    WantedBands,
    training_pixels,
)
from gossan.models.metals.map_summary import QUICK_LOOK_SIDE, MappedBlock, MapSummary
from gossan.models.metals.model_file import InversionModel
from gossan.models.metals.predictors import Pixels

CHUNK_PIXELS = 16_384
"""Pixels between two looks at whether the user has cancelled."""

BLOCK_PIXELS = 262_144
"""Most pixels of a block, so that progress shows."""


def map_blocks(
    model: InversionModel,
    features: Stack | Raster,
    chosen: Sequence[int],
    vegetation: tuple[Stack | Raster, int] | None,
    options: MapOptions,
    paths: MapPaths,
    origin: Origin,
    progress: Progress,
    *,
    workers: int = 0,
) -> MapSummary:
    """Map a whole raster block by block.

    Parameters
    ----------
    model : InversionModel
    features : Stack or Raster
    chosen : sequence of int
        Which band of `features` each feature of the model is.
    vegetation : pair of Stack or Raster and int, optional
        A raster on the same grid and its band, from 0.
    options : MapOptions
    paths : MapPaths
    origin : Origin
        With the fingerprint of the model.
    progress : Progress
    workers : int
        Threads; 0 takes all processors.
    """
    info = features.info
    threads = workers if workers > 0 else os.cpu_count() or 1
    wants = WantedBands(model, options, paths)
    per_pixel = 4 * (4 * len(chosen) + 4 * wants.bands + 2)
    rows = rows_for_budget(info.width, per_pixel, share=0.75 / (threads + 2))
    rows = min(
        rows, max(1, BLOCK_PIXELS // info.width), max(16, math.ceil(info.height / (4 * threads)))
    )
    step = max(1, math.ceil(max(info.height, info.width) / QUICK_LOOK_SIDE))
    summary = MapSummary(
        model.elements,
        wants.limits,
        np.full(
            (-(-info.height // step), -(-info.width // step), len(model.elements)),
            np.nan,
            dtype=np.float32,
        ),
        step,
        np.zeros(len(chosen), dtype=np.int64),
    )

    def read(block: Block) -> tuple[np.ndarray, np.ndarray | None]:
        values = features.read(block.inner, chosen)
        if vegetation is None:
            return values, None
        raster, band = vegetation
        return values, raster.read(block.inner, [band])[..., 0]

    def compute(_: Block, data: tuple[np.ndarray, np.ndarray | None]) -> MappedBlock:
        return map_pixels(model, data[0], data[1], wants, progress)

    with ExitStack() as opened:
        tags = {**origin.tags(), **training_pixels(model, features)}
        writers = wants.open_writers(opened, info, tags)

        def consume(block: Block, result: MappedBlock) -> None:
            for name, writer in writers.items():
                writer.write(block.inner, getattr(result, name))
            summary.add(block, result)

        blocks = plan(info.height, info.width, rows=rows, columns=info.width)
        run(blocks, read, compute, consume, progress, workers=threads)
    return summary


def map_pixels(
    model: InversionModel,
    features: np.ndarray,
    vegetation: np.ndarray | None,
    wants: WantedBands,
    progress: Progress,
) -> MappedBlock:
    """Map an array of pixels.

    Parameters
    ----------
    model : InversionModel
    features : ndarray of float32, shape (rows, columns, features)
        NaN where missing.
    vegetation : ndarray, shape (rows, columns), optional
    wants : WantedBands
    progress : Progress
        Asked between chunks whether to go on.
    """
    height, width, count = features.shape
    flat = np.ascontiguousarray(features, dtype=np.float32).reshape(-1, count)
    finite = np.all(np.isfinite(flat), axis=1)
    classes = np.zeros(len(flat), dtype=np.uint8)
    leaves = beyond_range(flat, model.low, model.high, wants.options.tolerance)
    leaves[~finite] = False
    classes[finite] = APPLIES
    classes[leaves.any(axis=1)] = OUTSIDE
    if vegetation is not None:
        # A missing value compares as false and hides nothing.
        hidden = vegetation.ravel() > wants.options.vegetation_limit
        classes[finite & hidden] = VEGETATION
    pixels = np.flatnonzero(classes == APPLIES if wants.options.mask_outside else finite)
    result = MappedBlock(
        concentrations=_empty(len(flat), len(model.elements)),
        uncertainty=_empty(len(flat), len(wants.uncertainty_bands)),
        exceedance=_empty(len(flat), len(wants.limited)),
        applicability=classes,
        beyond=np.count_nonzero(leaves, axis=0),
    )
    for start in range(0, len(pixels), CHUNK_PIXELS):
        progress.check()
        chunk = pixels[start : start + CHUNK_PIXELS]
        _fill(result, chunk, Pixels.of(flat[chunk]), model, wants)
    return MappedBlock(
        concentrations=result.concentrations.reshape(height, width, -1),
        uncertainty=_shaped(result.uncertainty, height, width),
        exceedance=_shaped(result.exceedance, height, width),
        applicability=classes.reshape(height, width),
        beyond=result.beyond,
    )


def open_vegetation(grid: str, path: str, band: int) -> tuple[Stack, int]:
    """Open a band of a vegetation raster on the grid of the features.

    Raises
    ------
    InputError
        When it has no such band or does not lie there.
    """
    stack = open_stack([grid, path])
    count = stack.rasters[1].info.count
    if not 1 <= band <= count:
        stack.close()
        raise InputError(f"{path} has {count} bands, so its band {band} cannot tell vegetation.")
    return stack, stack.rasters[0].info.count + band - 1


def _fill(
    result: MappedBlock,
    chunk: np.ndarray,
    pixels: Pixels,
    model: InversionModel,
    wants: WantedBands,
) -> None:
    """Predict a chunk of pixels into the arrays of its block."""
    deviations = bool(wants.uncertainty_bands) and wants.options.uncertainty_kind == DEVIATION
    for k, element in enumerate(model.elements):
        if deviations or k in wants.limited:
            limit = float(wants.limits[k]) if k in wants.limited else math.inf
            mean, deviation, above = element.moments(pixels, limit)
            result.concentrations[chunk, k] = mean
            if deviations and result.uncertainty is not None:
                result.uncertainty[chunk, k] = deviation
            if k in wants.limited and result.exceedance is not None:
                result.exceedance[chunk, wants.limited.index(k)] = above
        else:
            result.concentrations[chunk, k] = element.predict(pixels)
        if wants.uncertainty_bands and not deviations and result.uncertainty is not None:
            low, high = element.interval(pixels)
            result.uncertainty[chunk, 2 * k] = low
            result.uncertainty[chunk, 2 * k + 1] = high


def _empty(pixels: int, bands: int) -> np.ndarray:
    return np.full((pixels, bands), np.nan, dtype=np.float32)


def _shaped(array: np.ndarray | None, height: int, width: int) -> np.ndarray | None:
    return None if array is None else array.reshape(height, width, array.shape[1])
