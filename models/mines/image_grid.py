"""The grid that an image is searched on: where its files lie on it, and metres on the ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform as project

from gossan.core.errors import InputError
from gossan.core.raster import RasterInfo, Window

LARGEST_DIFFERENCE = 0.1
"""Share by which the ground sampling distance may differ from the model's without resampling."""

_ALIGNED = 0.01
"""How far pixels of two files may lie apart and count as the same, in pixels."""

_MAP_ERROR = 0.01

_EQUATOR, _SQUARED_ECCENTRICITY = 6_378_137.0, 6.694379990141e-3
_EDGE_POINTS = 21


@dataclass(frozen=True)
class Placement:
    """Where a file lies on the grid: the window that it covers, and whether pixel on pixel."""

    window: Window
    exact: bool


def ground_sizes(
    crs_wkt: str | None, transform: Affine | None, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the metres that pixels span on the ground, along columns and along rows.

    On the ellipsoid at each place, so that degrees and web maps are measured as what they are.

    Parameters
    ----------
    crs_wkt, transform : str and Affine, or None
    rows, columns : ndarray (n,)
        Corner-based pixel coordinates.

    Returns
    -------
    tuple of ndarray (n,), or None
        None without CRS or transform, or where the CRS is a local one.
    """
    if crs_wkt is None or transform is None:
        return None
    rows, columns = np.atleast_1d(rows), np.atleast_1d(columns)
    steps = ((-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5))
    right = np.concatenate([columns + across for across, _ in steps])
    below = np.concatenate([rows + down for _, down in steps])
    a, b, c, d, e, f = tuple(transform)[:6]
    found = longitude_latitude(crs_wkt, a * right + b * below + c, d * right + e * below + f)
    if found is None:
        return None
    longitude, latitude = (np.radians(angle).reshape(4, -1) for angle in found)
    middle = latitude.mean(axis=0)
    curved = 1.0 - _SQUARED_ECCENTRICITY * np.sin(middle) ** 2
    along_meridian = _EQUATOR * (1.0 - _SQUARED_ECCENTRICITY) / curved**1.5
    along_parallel = _EQUATOR / np.sqrt(curved) * np.cos(middle)

    def length(first: int, second: int) -> np.ndarray:
        east = along_parallel * (longitude[second] - longitude[first])
        return np.hypot(east, along_meridian * (latitude[second] - latitude[first]))

    return length(0, 1), length(2, 3)


def ground_size(
    crs_wkt: str | None, transform: Affine | None, row: float, column: float
) -> tuple[float, float] | None:
    """Return what `ground_sizes` does for one place; None also where that lies off the Earth."""
    found = ground_sizes(crs_wkt, transform, np.array([row]), np.array([column]))
    if found is None:
        return None
    across, down = float(found[0][0]), float(found[1][0])
    if not (math.isfinite(across) and math.isfinite(down) and across > 0 and down > 0):
        return None
    return across, down


def pixel_hectares(info: RasterInfo, rows: np.ndarray, columns: np.ndarray) -> np.ndarray | None:
    """Return the area (n,) of pixels at some places in hectares; None where it is not known."""
    middle = info.height / 2, info.width / 2
    usual, measured = (
        pixel_metres(info, *middle),
        ground_size(info.crs_wkt, info.transform, *middle),
    )
    if usual is None:
        return None
    if usual != measured:
        return np.full(len(rows), usual[0] * usual[1] / 1e4)
    found = ground_sizes(info.crs_wkt, info.transform, rows, columns)
    return None if found is None else found[0] * found[1] / 1e4


def pixel_metres(info: RasterInfo, row: float, column: float) -> tuple[float, float] | None:
    """Return the metres that a pixel spans, as `ground_size` does, or as its map projection says.

    Projections such as UTM are a few parts in ten thousand off the ellipsoid, and what people call
    a pixel of 10 m is 10 m of the map. Those that are off by more, as web maps are, do not count.
    """
    ground = ground_size(info.crs_wkt, info.transform, row, column)
    nominal = info.ground_sampling_distance
    if ground is None or nominal is None or info.transform is None:
        return ground
    unit = nominal / math.sqrt(abs(info.transform.determinant))
    a, b, _, d, e, _ = tuple(info.transform)[:6]
    mapped = math.hypot(a, d) * unit, math.hypot(b, e) * unit
    near = all(abs(one / other - 1) <= _MAP_ERROR for one, other in zip(mapped, ground))
    return mapped if near else ground


def longitude_latitude(
    crs_wkt: str | None, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return WGS 84 longitude and latitude (n,) in degrees; None where the CRS leads nowhere."""
    if crs_wkt is None:
        return None
    crs = CRS.from_wkt(crs_wkt)
    if not (crs.is_projected or crs.is_geographic):
        return None
    try:
        longitude, latitude = project(crs, CRS.from_epsg(4326), np.ravel(x), np.ravel(y))
    except CRSError:
        return None
    return np.asarray(longitude), np.asarray(latitude)


def common_grid(infos: Sequence[RasterInfo], size: tuple[float, float]) -> RasterInfo:
    """Return the grid that holds all files: CRS and pixels of the first, extent of all.

    Parameters
    ----------
    infos : sequence of RasterInfo
    size : tuple of float
        Pixels of the first file that a pixel of the grid spans, along columns and along rows.

    Raises
    ------
    InputError
        When files have no place in one CRS.
    """
    first = infos[0]
    across, down = size
    if len(infos) == 1 and size == (1.0, 1.0):
        return first
    if first.transform is None:
        raise InputError(
            f"{first.path} has no georeference, so it can neither be joined with other files nor "
            "resampled. Georeference it first."
        )
    base = first.transform @ Affine.scale(across, down)
    left, top, right, bottom = 0.0, 0.0, first.width / across, first.height / down
    for info in infos[1:]:
        columns, rows = _outline(info, first, base)
        left, right = min(left, columns.min()), max(right, columns.max())
        top, bottom = min(top, rows.min()), max(bottom, rows.max())
    column, row = math.floor(left + _ALIGNED), math.floor(top + _ALIGNED)
    return replace(
        first,
        width=max(math.ceil(right - _ALIGNED) - column, 1),
        height=max(math.ceil(bottom - _ALIGNED) - row, 1),
        transform=base @ Affine.translation(column, row),
    )


def place(info: RasterInfo, grid: RasterInfo) -> Placement:
    """Find where a file lies on the grid.

    Raises
    ------
    InputError
        When it has no place there.
    """
    if info.transform == grid.transform and (info.height, info.width) == (grid.height, grid.width):
        return Placement(Window(0, 0, grid.height, grid.width), exact=True)
    onto = grid.transform or Affine.identity()
    columns, rows = _outline(info, grid, onto)
    if _same_crs(info, grid) and info.transform is not None:
        inward = ~onto @ info.transform
        turned = abs(inward.b) + abs(inward.d)
        drift = (abs(inward.a - 1) + turned) * info.width + (abs(inward.e - 1)) * info.height
        whole = abs(inward.c - round(inward.c)) + abs(inward.f - round(inward.f))
        if drift <= _ALIGNED and whole <= _ALIGNED:
            window = Window(round(inward.f), round(inward.c), info.height, info.width)
            return Placement(window, exact=True)
    left = max(math.floor(columns.min() + _ALIGNED), 0)
    top = max(math.floor(rows.min() + _ALIGNED), 0)
    right = min(math.ceil(columns.max() - _ALIGNED), grid.width)
    bottom = min(math.ceil(rows.max() - _ALIGNED), grid.height)
    return Placement(Window(top, left, max(bottom - top, 1), max(right - left, 1)), exact=False)


def _same_crs(info: RasterInfo, grid: RasterInfo) -> bool:
    if info.crs_wkt == grid.crs_wkt:
        return True
    if info.crs_wkt is None or grid.crs_wkt is None:
        return False
    return bool(CRS.from_wkt(info.crs_wkt) == CRS.from_wkt(grid.crs_wkt))


def _outline(
    info: RasterInfo, grid: RasterInfo, transform: Affine
) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and rows on the grid of points along a file's edge."""
    if info.transform is None:
        raise InputError(
            f"{info.path} has no georeference, so it cannot be joined with {grid.path}. "
            "Georeference it first."
        )
    steps = np.linspace(0.0, 1.0, _EDGE_POINTS)
    ends = np.zeros_like(steps)
    columns = info.width * np.concatenate([steps, steps, ends, ends + 1])
    rows = info.height * np.concatenate([ends, ends + 1, steps, steps])
    a, b, c, d, e, f = tuple(info.transform)[:6]
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    if not _same_crs(info, grid):
        if info.crs_wkt is None or grid.crs_wkt is None:
            nameless = info if info.crs_wkt is None else grid
            raise InputError(
                f"{nameless.path} has no coordinate reference system and cannot be joined with "
                "the other files. Assign the right one to it first."
            )
        try:
            moved = project(CRS.from_wkt(info.crs_wkt), CRS.from_wkt(grid.crs_wkt), x, y)
        except CRSError as problem:
            raise InputError(
                f"{info.path} cannot be brought into the coordinate reference system of "
                f"{grid.path} ({problem}). Choose files of one area."
            ) from problem
        x, y = np.asarray(moved[0]), np.asarray(moved[1])
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise InputError(
                f"{info.path} lies outside what the coordinate reference system of {grid.path} "
                "can show. Choose files of one area."
            )
    a, b, c, d, e, f = tuple(~transform)[:6]
    return a * x + b * y + c, d * x + e * y + f
