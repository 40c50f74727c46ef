"""Several rasters as one, on the grid of the first."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window as RasterioWindow

from gossan.core.bands import Band
from gossan.core.blocks import Window
from gossan.core.errors import InputError
from gossan.core.raster_info import RasterInfo
from gossan.core.raster_reading import Raster, open_raster

if TYPE_CHECKING:
    from typing_extensions import Self


class Stack:
    """Open rasters that read as one; use `open_stack`.

    Attributes
    ----------
    info : RasterInfo
        Grid of the first raster, bands of all of them in order.
    rasters : tuple of Raster
        The parts, all on the same grid.
    """

    def __init__(self, rasters: Sequence[Raster]) -> None:
        self.rasters = tuple(rasters)
        self.info = _joined(self.rasters)
        self._owner = [
            (part, index)
            for part, raster in enumerate(self.rasters)
            for index in range(raster.info.count)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all files."""
        for raster in self.rasters:
            raster.close()

    def read(
        self,
        window: Window | None = None,
        indexes: Sequence[int] | None = None,
        *,
        scaled: bool = True,
    ) -> np.ndarray:
        """Read a window (rows, columns, bands) as float32, NaN where a band is missing.

        Parameters and errors are those of `Raster.read`; a part that does not cover the whole
        grid is missing outside its extent.
        """
        return self._gather(
            indexes, lambda raster, own: np.moveaxis(raster.read(window, own, scaled=scaled), -1, 0)
        )

    def sample(
        self,
        x: np.ndarray,
        y: np.ndarray,
        indexes: Sequence[int] | None = None,
        *,
        scaled: bool = True,
    ) -> np.ndarray:
        """Read the pixels (n, bands) that contain the points, as `Raster.sample` does."""
        return self._gather(indexes, lambda raster, own: raster.sample(x, y, own, scaled=scaled).T)

    def pixel_of(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return row and column (n,) of the pixels that contain the points, -1 off the image."""
        return self.rasters[0].pixel_of(x, y)

    def _gather(
        self,
        indexes: Sequence[int] | None,
        read: Callable[[Raster, list[int]], np.ndarray],
    ) -> np.ndarray:
        """Read (bands, ...) from each part and put the bands together as (..., bands)."""
        chosen = list(range(self.info.count)) if indexes is None else [int(i) for i in indexes]
        if len(self.rasters) == 1:
            return np.moveaxis(read(self.rasters[0], chosen), 0, -1)
        out: np.ndarray | None = None
        for part, raster in enumerate(self.rasters):
            places = [place for place, index in enumerate(chosen) if self._owner[index][0] == part]
            if not places:
                continue
            values = read(raster, [self._owner[chosen[place]][1] for place in places])
            if out is None:
                out = np.empty((len(chosen), *values.shape[1:]), dtype=np.float32)
            out[places] = values
        if out is None:
            raise InputError("No band was chosen. Choose at least one.")
        return np.moveaxis(out, 0, -1)


def open_stack(
    paths: Sequence[str | os.PathLike[str]],
    *,
    wavelengths: str | None = None,
    scale: float | None = None,
    offset: float | None = None,
    nearest: bool = False,
) -> Stack:
    """Open rasters as one on the first raster's grid; others are warped while they are read.

    Parameters
    ----------
    paths : sequence of path
        The rasters; the first one decides CRS, pixel size and extent.
    wavelengths : str or None
        CSV with the wavelengths of the first raster.
    scale, offset : float or None
        For the first raster, instead of what its file says.
    nearest : bool
        Take the nearest pixel (for classes) instead of interpolating.

    Returns
    -------
    Stack
        With unique band names: those that collide are prefixed with their file's name.

    Raises
    ------
    FileError
        When a file cannot be opened.
    InputError
        When there is none, or one has no place on the first one's grid.
    """
    if not paths:
        raise InputError("No raster was given. Choose at least one.")
    rasters: list[Raster] = []
    try:
        rasters.append(open_raster(paths[0], wavelengths=wavelengths, scale=scale, offset=offset))
        for path in paths[1:]:
            raster = open_raster(path)
            rasters.append(raster)
            rasters[-1] = on_grid(raster, rasters[0].info, nearest=nearest)
        return Stack(rasters)
    except BaseException:
        for raster in rasters:
            raster.close()
        raise


def on_grid(raster: Raster, grid: RasterInfo, *, nearest: bool) -> Raster:
    """Return the raster itself where it lies on the grid, else a warped view of it."""
    info = raster.info
    same_shape = (info.height, info.width) == (grid.height, grid.width)
    same_place = info.transform == grid.transform or (
        info.transform is not None
        and grid.transform is not None
        and info.transform.almost_equals(grid.transform, precision=1e-6 * (grid.pixel_size or 1.0))
    )
    if info.crs_wkt is None or grid.crs_wkt is None:
        if same_shape and same_place:
            note = (
                f"{Path(info.path).name} or {Path(grid.path).name} has no coordinate reference "
                "system; both are taken to be in the same one, because their grids are equal."
            )
            if info.crs_wkt != grid.crs_wkt:
                raster.info = replace(info, notes=(*info.notes, note))
            return raster
        raise InputError(
            f"{info.path} cannot be laid over {grid.path}: one of them has no coordinate "
            "reference system and their grids differ. Assign the right one to it first."
        )
    here, there = CRS.from_wkt(grid.crs_wkt), CRS.from_wkt(info.crs_wkt)
    if same_shape and same_place and here == there:
        return raster
    _check_overlap(info, grid, here, there)
    method = Resampling.nearest if nearest else Resampling.bilinear
    return warped(raster, grid, method)


class _OnGrid(Protocol):
    """What there is to know of a grid to warp to it."""

    @property
    def crs_wkt(self) -> str | None: ...
    @property
    def transform(self) -> Affine | None: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...


def warped(raster: Raster, grid: _OnGrid, method: Resampling) -> Raster:
    """Return a raster as it reads on another grid; closing it closes the raster."""
    view = _Warped(raster, grid, CRS.from_wkt(grid.crs_wkt), method)
    return Raster(
        view,
        replace(
            raster.info,
            height=grid.height,
            width=grid.width,
            crs_wkt=grid.crs_wkt,
            transform=grid.transform,
            dtype="float32",
            nodata=(None,) * raster.info.count,
            block=(256, 256),
        ),
    )


class _Warped:
    """What `Raster` needs of a dataset, seen on another grid, as float32 with NaN outside.

    GDAL takes one nodata value for all bands that it warps together, so bands with different
    ones are warped apart.
    """

    def __init__(self, raster: Raster, grid: _OnGrid, crs: CRS, method: Resampling) -> None:
        self._source = raster
        self._nodata = raster.info.nodata
        self._views = {
            missing: WarpedVRT(
                raster.dataset,
                crs=crs,
                transform=grid.transform,
                height=grid.height,
                width=grid.width,
                resampling=method,
                dtype="float32",
                src_nodata=float("nan") if missing is None else missing,
                nodata=float("nan"),
                # Otherwise a pixel is missing only where all bands are.
                UNIFIED_SRC_NODATA="NO",
                **_scales(raster.info, grid, crs),
            )
            for missing in set(self._nodata)
        }

    def read(self, numbers: list[int], *, window: RasterioWindow, out: np.ndarray) -> None:
        for missing, view in self._views.items():
            places = [i for i, number in enumerate(numbers) if self._nodata[number - 1] == missing]
            if len(places) == len(numbers):
                view.read(numbers, window=window, out=out)
            elif places:
                out[places] = view.read([numbers[place] for place in places], window=window)

    def close(self) -> None:
        for view in self._views.values():
            view.close()
        self._source.close()


def _scales(info: RasterInfo, grid: _OnGrid, crs: CRS) -> dict[str, str]:
    """Return how many pixels of the grid one of the raster spans, as options of GDAL's warper.

    Its own guess, from the window in hand and a margin around it, moves values by up to a tenth of
    a pixel. Where the two are turned against each other there is no one number, and it stays.
    """
    own, there = info.transform, grid.transform
    if own is None or there is None or CRS.from_wkt(info.crs_wkt) != crs:
        return {}
    if any((own.b, own.d, there.b, there.d)):
        return {}
    return {"XSCALE": f"{abs(own.a / there.a):.17g}", "YSCALE": f"{abs(own.e / there.e):.17g}"}


def _bounds(info: RasterInfo) -> tuple[float, float, float, float]:
    transform = info.transform or Affine.identity()
    a, b, c, d, e, f = tuple(transform)[:6]
    corners = [(column, row) for column in (0, info.width) for row in (0, info.height)]
    xs = [a * column + b * row + c for column, row in corners]
    ys = [d * column + e * row + f for column, row in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _check_overlap(info: RasterInfo, grid: RasterInfo, here: CRS, there: CRS) -> None:
    west, south, east, north = transform_bounds(there, here, *_bounds(info))
    left, bottom, right, top = _bounds(grid)
    if west >= right or east <= left or south >= top or north <= bottom:
        raise InputError(
            f"{info.path} does not overlap {grid.path}. Check its coordinate reference system or "
            "choose a raster of the same area."
        )


def _joined(rasters: Sequence[Raster]) -> RasterInfo:
    first = rasters[0].info
    infos = [raster.info for raster in rasters]
    names = [band.name for info in infos for band in info.bands]
    bands: list[Band] = []
    taken: set[str] = set()
    for info in infos:
        for band in info.bands:
            name = band.name
            if names.count(name) > 1:
                name = f"{Path(info.path).stem} {name}"
            number = 2
            unique = name
            while unique in taken:
                unique, number = f"{name} ({number})", number + 1
            taken.add(unique)
            bands.append(replace(band, index=len(bands), name=unique))
    return replace(
        first,
        count=len(bands),
        dtype=str(np.result_type(*[np.dtype(info.dtype) for info in infos])),
        nodata=sum((info.nodata for info in infos), ()),
        bands=tuple(bands),
        scale=sum((info.scale for info in infos), ()),
        offset=sum((info.offset for info in infos), ()),
        notes=sum((info.notes for info in infos), ()),
    )
