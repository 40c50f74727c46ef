"""The grid of a composite: whose pixels, which coordinate reference system, how far it reaches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import calculate_default_transform

from gossan.core.errors import InputError
from gossan.core.grids import Grid, reprojected_bounds

GRIDS = ("finest", "first")
"""Whose pixels a composite has: those of the scene with the smallest ones, or of the first."""

LARGEST = 1 << 33
"""Pixels; a composite that would be larger was hardly meant."""

_METRES_PER_DEGREE = 111_320.0
_ROUNDING = 1e-6


@dataclass(frozen=True)
class GridOptions:
    """What the user says of the grid.

    Parameters
    ----------
    rule : str
        One of `GRIDS`.
    crs : str
        Code or WKT; empty for that of the scene that the rule names.
    pixel_size : float or None
        In units of the CRS; None for that of the scene.
    extent : sequence of float
        Least x, least y, greatest x, greatest y; empty for all scenes.
    extent_crs : str
        That of the extent; empty for that of the grid.
    """

    rule: str = "finest"
    crs: str = ""
    pixel_size: float | None = None
    extent: Sequence[float] = ()
    extent_crs: str = ""


def composite_grid(scenes: Sequence[Grid], options: GridOptions) -> Grid:
    """Return the grid for scenes.

    Where CRS and pixel size are those of the scene that the rule names, its pixels are those of
    the grid, so that they are not resampled.

    Parameters
    ----------
    scenes : sequence of Grid
        Of the finest band of each.
    options : GridOptions

    Raises
    ------
    InputError
        When an option cannot be used, the area is off all scenes, or the grid would be far too
        large.
    """
    if options.rule not in GRIDS:
        raise InputError(f"There is no grid rule {options.rule!r}. Use {' or '.join(GRIDS)}.")
    model = scenes[0] if options.rule == "first" else min(scenes, key=_metres)
    crs = parse_crs(options.crs, "The coordinate reference system") if options.crs else model.crs
    base = _base(model, crs, options.pixel_size)
    if options.extent:
        corners = _corners_of_extent(options, crs)
    else:
        corners = [corner for scene in scenes for corner in _corners(scene, crs)]
    inverse = ~base
    columns, rows = zip(*(inverse @ corner for corner in corners))
    left, top = math.floor(min(columns) + _ROUNDING), math.floor(min(rows) + _ROUNDING)
    width = max(math.ceil(max(columns) - _ROUNDING) - left, 1)
    height = max(math.ceil(max(rows) - _ROUNDING) - top, 1)
    if height * width > LARGEST:
        raise InputError(
            f"The composite would have {height:,} x {width:,} pixels. Give an extent, larger "
            "pixels, or scenes that lie closer together."
        )
    grid = Grid(crs.to_wkt() if crs else "", base @ Affine.translation(left, top), height, width)
    if not any(grid.window_of(scene) for scene in scenes):
        raise InputError("The extent lies off all scenes. Check it and its coordinate system.")
    return grid


def parse_crs(text: str, what: str) -> CRS:
    """Return a coordinate reference system; raises `InputError` naming ``what``."""
    try:
        crs = CRS.from_user_input(text)
    except CRSError as problem:
        raise InputError(
            f"{what} {text[:80]!r} is not known. Use a code such as EPSG:32649."
        ) from (problem)
    return crs


def _base(model: Grid, crs: CRS | None, pixel_size: float | None) -> Affine:
    """Return a transform whose pixels the grid has; where they begin is still open."""
    if pixel_size is not None and not (math.isfinite(pixel_size) and pixel_size > 0):
        raise InputError(f"A pixel size of {pixel_size:g} makes no grid. Give one above zero.")
    own = math.sqrt(abs(model.transform.determinant))
    if crs == model.crs and (pixel_size is None or math.isclose(pixel_size, own, rel_tol=1e-9)):
        return model.transform
    if pixel_size is None:
        if crs is None or model.crs is None:
            raise InputError(
                "The scenes have no coordinate reference system, so they cannot be brought to "
                "another one. Assign the right one to them first."
            )
        found, _, _ = calculate_default_transform(
            model.crs, crs, model.width, model.height, *model.bounds
        )
        pixel_size = float(found.a)
    return Affine(pixel_size, 0.0, 0.0, 0.0, -pixel_size, 0.0)


def _corners(scene: Grid, crs: CRS | None) -> list[tuple[float, float]]:
    if scene.crs == crs:
        ends = [(c, r) for c in (0, scene.width) for r in (0, scene.height)]
        return [scene.transform @ end for end in ends]
    return _box(scene.bounds_in(crs))


def _corners_of_extent(options: GridOptions, crs: CRS | None) -> list[tuple[float, float]]:
    extent = [float(value) for value in options.extent]
    if len(extent) != 4 or not all(map(math.isfinite, extent)):
        raise InputError("An extent has four numbers: least x, least y, greatest x, greatest y.")
    if extent[0] >= extent[2] or extent[1] >= extent[3]:
        raise InputError(
            f"The extent {', '.join(f'{value:g}' for value in extent)} is empty: least x and y "
            "come first, then the greatest."
        )
    if options.extent_crs:
        there = parse_crs(options.extent_crs, "The coordinate reference system of the extent")
        if crs is not None and there != crs:
            return _box(reprojected_bounds(extent, there, crs))
    return _box(extent)


def _box(bounds: Sequence[float]) -> list[tuple[float, float]]:
    west, south, east, north = bounds
    return [(west, south), (west, north), (east, south), (east, north)]


def _metres(scene: Grid) -> float:
    """Return the size of a pixel on the ground, roughly, to compare scenes by."""
    size = math.sqrt(abs(scene.transform.determinant))
    if scene.crs is None:
        return size
    if scene.crs.is_geographic:
        return size * _METRES_PER_DEGREE
    return size * float(scene.crs.linear_units_factor[1])
