"""A scene's spectra block by block: how much to read at once, in which unit, and which count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gossan.core.blocks import Block, Window, plan
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterInfo, reflectance_scale

BLOCK_BYTES = 64 * 2**20
"""Float32 spectra of one block; a handful of blocks is alive at once."""

_SAMPLED_ROWS = 8
_SAMPLED_BANDS = 24


def plan_blocks(info: RasterInfo, bands: int) -> list[Block]:
    """Cut a scene into blocks of about `BLOCK_BYTES` along the pieces it is stored in.

    Parameters
    ----------
    info : RasterInfo
        Description of the scene.
    bands : int
        How many bands are read.
    """
    pixels = max(BLOCK_BYTES // (4 * max(bands, 1)), 1)
    height, width = (max(size, 1) for size in info.block)
    if width < info.width and height > 1:
        # Tiles: whole ones, or each would be decoded again for every strip that crosses it.
        columns = max(pixels // (height * width), 1) * width
        return plan(info.height, info.width, rows=height, columns=min(columns, info.width))
    rows = max(pixels // info.width, 1)
    if rows > height:
        rows -= rows % height
    return plan(info.height, info.width, rows=min(rows, info.height), columns=info.width)


def reflectance_factor(
    raster: Raster, indexes: Sequence[int], progress: Progress, *, columns: int | None = None
) -> float:
    """Return what the scene's values are multiplied with to be reflectance, 0 to 1.

    A factor other than 1 is a guess from the values, made only where file and user are silent;
    the log says so.

    Parameters
    ----------
    raster : Raster
    indexes : sequence of int
        Bands that are used, from 0.
    progress : Progress
        Warned of a guess.
    columns : int or None
        Look at so many columns of each sampled row, farther to the right in each, for an answer
        at once; None looks at whole rows.
    """
    info = raster.info
    rows = np.unique(np.linspace(0, info.height - 1, _SAMPLED_ROWS).astype(int))
    chosen = np.asarray(indexes)[
        np.unique(np.linspace(0, len(indexes) - 1, _SAMPLED_BANDS).astype(int))
    ]
    width = min(columns or info.width, info.width)
    starts = np.linspace(0, info.width - width, len(rows)).astype(int)
    sample = [
        raster.read(Window(int(row), int(start), 1, width), chosen.tolist())
        for row, start in zip(rows, starts)
    ]
    factor, note = reflectance_scale(info, np.concatenate(sample, axis=1))
    if note:
        progress.warn(note)
    return factor


def pixel_table(values: np.ndarray, *, collars: bool) -> np.ndarray:
    """Return a block (rows, columns, bands) as (pixels, bands), collars set to NaN.

    The memory stays as it was read, band after band, and is changed in place.
    """
    bands = values.shape[-1]
    by_band = np.moveaxis(values, -1, 0).reshape(bands, -1)
    if collars:
        suspects = np.flatnonzero(by_band[0] == 0)
        if suspects.size:
            empty = suspects[(by_band[:, suspects] == 0).all(axis=0)]
            by_band[:, empty] = np.nan
    return by_band.T


def require_pixels(valid: int, info: RasterInfo) -> None:
    """Raise `InputError` where no pixel of the scene counted."""
    if valid == 0:
        raise InputError(
            f"No pixel of {info.path} has values in all bands that are used. Check the bands, the "
            "scene's nodata value and its list of bad bands."
        )
