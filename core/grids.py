"""Grids of pixels, and rasters seen on another grid than their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds

from gossan.core.errors import InputError
from gossan.core.raster_info import RasterInfo
from gossan.core.raster_reading import Raster
from gossan.core.raster_stack import warped
from gossan.core.windows import Window

if TYPE_CHECKING:
    from typing_extensions import Self

_ALIGNED = 1e-3
"""How far pixels may lie from those of another grid and still be the same ones, pixels."""

_MARGIN = 2
"""Pixels by which the outline of a warped raster may bulge beyond its sampled points."""


@dataclass(frozen=True)
class Grid:
    """Pixels in place.

    Parameters
    ----------
    crs_wkt : str
        Coordinate reference system; empty for none, which meets no other than none.
    transform : Affine
        From (column, row) of pixel corners to coordinates.
    height, width : int
        Rows and columns.
    """

    crs_wkt: str
    transform: Affine
    height: int
    width: int

    @classmethod
    def of(cls, info: RasterInfo) -> Grid:
        """Return the grid of a raster; without a place in its file it begins at 0, 0."""
        transform = Affine.identity() if info.transform is None else info.transform
        return cls(info.crs_wkt or "", transform, info.height, info.width)

    @property
    def crs(self) -> CRS | None:
        """The coordinate reference system; None without."""
        return CRS.from_wkt(self.crs_wkt) if self.crs_wkt else None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, greatest x, greatest y of all pixel corners."""
        corners = [
            self.transform @ (column, row) for column in (0, self.width) for row in (0, self.height)
        ]
        xs, ys = zip(*corners)
        return min(xs), min(ys), max(xs), max(ys)

    def bounds_in(self, crs: CRS | None) -> tuple[float, float, float, float]:
        """Return the bounds in another coordinate reference system.

        Raises
        ------
        InputError
            When they have no place in it.
        """
        if crs == self.crs:
            return self.bounds
        if crs is None or self.crs is None:
            raise InputError(
                "A raster without coordinate reference system cannot be laid over one that has "
                "one. Assign the right one to it first."
            )
        return reprojected_bounds(self.bounds, self.crs, crs)

    def window_of(self, other: Grid) -> Window | None:
        """Return the window of this grid that another one covers; None where they do not meet."""
        left, bottom, right, top = other.bounds_in(self.crs)
        inverse = ~self.transform
        corners = [inverse @ (x, y) for x in (left, right) for y in (bottom, top)]
        margin = 0 if other.crs == self.crs else _MARGIN
        # Coordinates that are those of a pixel's edge but for rounding are that edge.
        columns, rows = ([round(value, 6) for value in axis] for axis in zip(*corners))
        first_row = max(math.floor(min(rows)) - margin, 0)
        first_column = max(math.floor(min(columns)) - margin, 0)
        end_row = min(math.ceil(max(rows)) + margin, self.height)
        end_column = min(math.ceil(max(columns)) + margin, self.width)
        if end_row <= first_row or end_column <= first_column:
            return None
        return Window(first_row, first_column, end_row - first_row, end_column - first_column)


def reprojected_bounds(
    bounds: Sequence[float], here: CRS, there: CRS
) -> tuple[float, float, float, float]:
    """Return the box in another CRS that holds a box.

    Raises
    ------
    InputError
        When it has no place in the other one.
    """
    try:
        found = transform_bounds(here, there, *bounds)
    except RasterioError as problem:
        found = (math.nan,) * 4
        cause: Exception | None = problem
    else:
        cause = None
    if not all(math.isfinite(value) for value in found):
        raise InputError(
            f"The area {', '.join(f'{value:.6g}' for value in bounds)} has no place in the "
            f"coordinate reference system {there.to_string()[:60]}. Choose another one."
        ) from cause
    west, south, east, north = (float(value) for value in found)
    return west, south, east, north


class GridView:
    """A raster seen on another grid, missing where it does not reach.

    Where its pixels are those of the grid they are read as they are, else GDAL warps the window
    that is wanted. One thread at a time may read.

    Parameters
    ----------
    raster : Raster
        Closed together with the view.
    grid : Grid
    nearest : bool
        Take the nearest pixel (for classes and flags) instead of interpolating.
    """

    def __init__(self, raster: Raster, grid: Grid, *, nearest: bool = False) -> None:
        self.raster = raster
        self.grid = grid
        own = Grid.of(raster.info)
        self.window = grid.window_of(own)
        """The part of the grid that the raster covers; None where it covers nothing."""
        self._shift = _shift(own, grid)
        self._warped: Raster | None = None
        if self._shift is None and self.window is not None:
            method = Resampling.nearest if nearest else Resampling.bilinear
            self._warped = warped(raster, grid, method)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def is_resampled(self) -> bool:
        """Whether the raster's pixels are not those of the grid."""
        return self._shift is None

    def close(self) -> None:
        """Let go of the file."""
        (self._warped or self.raster).close()

    def read(
        self, window: Window, indexes: Sequence[int] | None = None, *, scaled: bool = True
    ) -> np.ndarray:
        """Read a window of the grid (rows, columns, bands) as float32, NaN where it is missing.

        Parameters and errors are those of `Raster.read`.
        """
        if self._warped is not None:
            return self._warped.read(window, indexes, scaled=scaled)
        count = self.raster.info.count if indexes is None else len(indexes)
        values = np.full((window.height, window.width, count), np.nan, dtype=np.float32)
        if self._shift is None:
            return values
        rows, columns = self._shift
        info = self.raster.info
        top, left = max(window.row - rows, 0), max(window.column - columns, 0)
        bottom = min(window.row + window.height - rows, info.height)
        right = min(window.column + window.width - columns, info.width)
        if bottom > top and right > left:
            own = Window(top, left, bottom - top, right - left)
            place = Window(top + rows - window.row, left + columns - window.column, *own[2:])
            values[place.slices] = self.raster.read(own, indexes, scaled=scaled)
        return values


def _shift(own: Grid, grid: Grid) -> tuple[int, int] | None:
    """Return the row and column of the grid where a raster begins; None for other pixels."""
    if own.crs != grid.crs:
        return None
    relative = ~grid.transform @ own.transform
    span = max(own.height, own.width)
    for value, wanted in ((relative.a, 1.0), (relative.b, 0), (relative.d, 0), (relative.e, 1.0)):
        if abs(value - wanted) * span > _ALIGNED:
            return None
    row, column = round(relative.f), round(relative.c)
    if abs(relative.f - row) > _ALIGNED or abs(relative.c - column) > _ALIGNED:
        return None
    return row, column
