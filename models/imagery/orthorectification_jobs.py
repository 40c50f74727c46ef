"""Job: a raster with rational polynomials on a map grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gossan.core.blocks import Block, plan, rows_for_budget, run
from gossan.core.errors import InputError
from gossan.core.grids import Grid
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, RasterWriter, Window, open_raster
from gossan.models.imagery.orthorectification import (
    RESAMPLINGS,
    Ground,
    check_ground,
    map_grid,
    orthorectified,
    rpcs_of,
)

_SIDES = (1024, 512, 256, 128)
_BLOCK_BYTES = 48 << 20


@job_files(reads=("raster", "dem"), writes=("output",))
def orthorectify(
    progress: Progress,
    *,
    raster: str,
    dem: str,
    height_offset: float = 0.0,
    crs: str = "",
    pixel_size: float | None = None,
    resampling: str = "bilinear",
    output: str,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Lay an image on a map grid, each pixel where the ground it shows lies.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Image with rational polynomials (RPCs), in its file or beside it.
    dem : str
        Raster of heights, m.
    height_offset : float
        Added to the heights, m.
    crs : str
        Code or WKT; empty for the UTM zone of the middle of the image.
    pixel_size : float or None
        In units of the CRS; None for that of the image on the ground.
    resampling : str
        One of `gossan.models.imagery.orthorectification.RESAMPLINGS`.
    output : str
        Raster to write: the image's numbers, bands and type.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the output.

    Returns
    -------
    dict
        ``pixel_size``, ``valid_share`` (share of the grid's pixels with a value) and ``output``.

    Raises
    ------
    InputError
        When the image has no polynomials, or the heights lie elsewhere.
    FileError
        When a file is missing or damaged.
    """
    made = Origin.from_dict(origin)
    if resampling not in RESAMPLINGS:
        raise InputError(
            f"There is no resampling {resampling!r}. Use one of {', '.join(RESAMPLINGS)}."
        )
    if not math.isfinite(height_offset):
        raise InputError("The offset of the heights is no number.")
    with open_raster(dem) as heights:
        check_ground(heights)
    ground = Ground(dem, height_offset)
    with open_raster(raster) as image:
        info = image.info
        rpcs = rpcs_of(image)
        grid = map_grid(image, rpcs, ground, crs, pixel_size)
        _check_heights(dem, grid, progress.part(0.0, 0.1))
        missing = _missing(info)
        progress.say(
            f"{info.height} x {info.width} pixels of {info.count} bands go to {grid.height} x "
            f"{grid.width} pixels of {grid.transform.a:.6g} in {_name(grid.crs)}."
        )
        side = _side(info)
        known = 0
        with RasterWriter(
            output,
            grid.height,
            grid.width,
            bands=[band.name for band in info.bands],
            dtype=info.dtype,
            crs_wkt=grid.crs_wkt,
            transform=grid.transform,
            nodata=missing,
            tags={**_kept_tags(info), **made.tags()},
            wavelengths=_all([band.wavelength for band in info.bands]),
            fwhm=_all([band.fwhm for band in info.bands]),
            scale=info.scale if info.scale_source else None,
            offset=info.offset if info.scale_source else None,
        ) as writer:

            def consume(block: Block, values: np.ndarray) -> None:
                nonlocal known
                first = values[..., 0]
                known += int((~np.isnan(first) if math.isnan(missing) else first != missing).sum())
                writer.write(block.inner, values)

            run(
                plan(grid.height, grid.width, rows=side, columns=side),
                lambda block: orthorectified(
                    image, rpcs, ground, grid, block.inner, missing, resampling
                ),
                lambda _, values: values,
                consume,
                progress.part(0.1, 1.0),
            )
    share = known / (grid.height * grid.width)
    if not known:
        progress.warn("No pixel got a value: the DEM has no heights where the image lies.")
    else:
        progress.say(f"{share:.0%} of the pixels of the grid have a value.")
    return {"pixel_size": float(grid.transform.a), "valid_share": share, "output": output}


def _check_heights(dem: str, grid: Grid, progress: Progress) -> None:
    """Read the heights once: where they are damaged GDAL would leave pixels empty and say nothing.

    Raises
    ------
    FileError
        When they cannot be read.
    """
    with open_raster(dem) as heights:
        info = heights.info
        window = Grid.of(info).window_of(grid)
        if window is None:
            return
        rows = rows_for_budget(window.width, 8.0)
        for block in plan(window.height, window.width, rows=rows, columns=window.width):
            progress.fraction(block.inner.row / window.height)
            part = block.inner
            heights.read(Window(window.row + part.row, window.column, part.height, part.width), [0])


def _missing(info: RasterInfo) -> float:
    """Return what stands for missing values: as in the image, else NaN or 0."""
    given = [value for value in info.nodata if value is not None]
    if given:
        return given[0]
    return 0.0 if info.is_integer else math.nan


def _all(values: list[float | None]) -> list[float] | None:
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None


def _kept_tags(info: RasterInfo) -> dict[str, str]:
    kept = ("sensor", "platform", "date", "level", "processing_baseline", "offset")
    return {key: value for key, value in info.tags.items() if key.lower() in kept}


def _name(crs: Any) -> str:
    return str(crs.to_string())[:40]


def _side(info: RasterInfo) -> int:
    """Return the side of a window that fits the memory budget, pixels."""
    pixel = info.count * np.dtype(info.dtype).itemsize * 3
    fitting = [side for side in _SIDES if side * side * pixel <= _BLOCK_BYTES]
    return fitting[0] if fitting else _SIDES[-1]
