"""The collar around a scene: the pixels without data that join its file's border.

A scene lies askew in its file, and its ragged edges are rarely straight. The collar is what is
zero or nodata in every band **and** connected with the border of the file, so that dark lakes
inside the scene stay, and so does a scene whose collar touches all four sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from affine import Affine
from rasterio.warp import transform as transform_points
from scipy.ndimage import label
from scipy.spatial import ConvexHull, QhullError

from gossan.core.blocks import Window
from gossan.core.progress import Progress
from gossan.core.raster import Raster, valid_pixels

_LOOKED_AT_ROWS = 1024
_LONGEST_COARSE_SIDE = 4096
_SMALLEST_BEND = 1.5
"""A vertex that lies closer than this to the line between its neighbours is left out, pixels."""


class Box(NamedTuple):
    """The rows and columns that hold all valid pixels."""

    row: int
    column: int
    height: int
    width: int


class Collar:
    """The collar of one scene, found in pieces so that no large scene sits in memory.

    Cells of several pixels, one in scenes of up to 4096 pixels a side, are called collar where all
    of their pixels are empty and join the border through such cells. Within a window the pixels
    that join those cells are found exactly.

    Parameters
    ----------
    cells : ndarray of bool
        Cells of the collar.
    side : int
        Pixels along a cell.
    box : Box or None
        What lies outside the collar; None where everything is collar.
    """

    def __init__(self, cells: np.ndarray, side: int, box: Box | None) -> None:
        self.cells = cells
        self.side = side
        self.box = box

    @classmethod
    def find(
        cls,
        height: int,
        width: int,
        empty: Callable[[Window], np.ndarray],
        progress: Progress,
    ) -> Collar:
        """Find the collar of a scene.

        Parameters
        ----------
        height, width : int
            Its size in pixels.
        empty : callable
            ``empty(window)`` returns which pixels (rows, columns) are zero or nodata in all bands.
        progress : Progress
            Asked whether to stop.
        """
        side = math.ceil(max(height, width) / _LONGEST_COARSE_SIDE)
        rows, columns = math.ceil(height / side), math.ceil(width / side)
        cells = np.ones((rows, columns), dtype=bool)
        rows_held = np.zeros(height, dtype=bool)
        columns_held = np.zeros(width, dtype=bool)
        step = side * max(1, 4_000_000 // (width * side))
        for row in range(0, height, step):
            progress.check()
            window = Window(row, 0, min(step, height - row), width)
            part = empty(window)
            rows_held[row : row + window.height] = ~part.all(axis=1)
            columns_held |= ~part.all(axis=0)
            cells[row // side : row // side + math.ceil(window.height / side)] = _all_of_cells(
                part, side
            )
        box = None
        if rows_held.any():
            top, bottom = np.flatnonzero(rows_held)[[0, -1]]
            left, right = np.flatnonzero(columns_held)[[0, -1]]
            box = Box(int(top), int(left), int(bottom - top + 1), int(right - left + 1))
        return cls(collar_of(cells), side, box)

    def within(self, empty: np.ndarray, window: Window) -> np.ndarray:
        """Return which pixels (rows, columns) of a window are collar, by its empty ones."""
        rows = (window.row + np.arange(window.height)) // self.side
        columns = (window.column + np.arange(window.width)) // self.side
        known = self.cells[np.ix_(rows, columns)]
        if self.side == 1 or not known.any():
            return known
        areas, count = label(empty)
        joined = np.zeros(count + 1, dtype=bool)
        joined[areas[known & empty]] = True
        joined[0] = False
        return np.asarray(joined[areas])


def collar_of(empty: np.ndarray) -> np.ndarray:
    """Return which of the empty pixels (rows, columns) join the border.

    Pixels that touch at a side belong together; touching at a corner is not enough, or the collar
    would leak through lines of dark pixels.
    """
    areas, count = label(empty)
    joined = np.zeros(count + 1, dtype=bool)
    joined[np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]])] = True
    joined[0] = False
    return np.asarray(joined[areas])


def outline(raster: Raster, bands: list[int], progress: Progress) -> np.ndarray | None:
    """Return the convex outline of a scene's valid pixels, in the raster's coordinates.

    Parameters
    ----------
    raster : Raster
        With a transform.
    bands : list of int
        Bands from 0 that say whether a pixel is valid.

    Returns
    -------
    ndarray (vertices, 2) or None
        x and y of its vertices; None where the scene is all collar. Every row is looked at in files
        of up to 1024 rows, else every so many.
    """
    info = raster.info
    step = max(info.height // _LOOKED_AT_ROWS, 1)
    looked_at = sorted({*range(0, info.height, step), info.height - 1})
    spans = []
    for number, row in enumerate(looked_at):
        if number % 128 == 0:
            progress.check()
        strip = raster.read(Window(row, 0, 1, info.width), bands, scaled=False)
        columns = np.flatnonzero(valid_pixels(strip, collar=True)[0])
        if len(columns):
            spans.append((row, int(columns[0]), int(columns[-1]) + 1))
    return _around(spans, info.transform)


def outline_of(valid: np.ndarray, transform: Affine) -> np.ndarray | None:
    """Return the convex outline (vertices, 2) of valid pixels (rows, columns); None without any."""
    spans = []
    for row in np.flatnonzero(valid.any(axis=1)):
        columns = np.flatnonzero(valid[row])
        spans.append((int(row), int(columns[0]), int(columns[-1]) + 1))
    return _around(spans, transform)


def to_degrees(places: np.ndarray, crs_wkt: str) -> np.ndarray:
    """Return longitudes and latitudes (n, 2), WGS 84, of places (n, 2) in a CRS."""
    longitude, latitude = transform_points(crs_wkt, "EPSG:4326", places[:, 0], places[:, 1])
    return np.column_stack([longitude, latitude])


def _all_of_cells(empty: np.ndarray, side: int) -> np.ndarray:
    """Return for each cell of ``side`` pixels whether all of its pixels are empty."""
    if side == 1:
        return empty
    rows, columns = (math.ceil(length / side) for length in empty.shape)
    padded = np.ones((rows * side, columns * side), dtype=bool)
    padded[: empty.shape[0], : empty.shape[1]] = empty
    return np.asarray(padded.reshape(rows, side, columns, side).all(axis=(1, 3)))


def _around(spans: list[tuple[int, int, int]], transform: Affine | None) -> np.ndarray | None:
    """Return the hull of rows of pixels, each given by row, first column and the one after it."""
    if not spans:
        return None
    corners = [(column, edge) for row, *ends in spans for edge in (row, row + 1) for column in ends]
    x, y = _hull(np.array(corners, dtype=np.float64)).T
    a, b, c, d, e, f = tuple(transform or Affine.identity())[:6]
    return np.column_stack([a * x + b * y + c, d * x + e * y + f])


def _hull(corners: np.ndarray) -> np.ndarray:
    """Return the vertices of the convex hull, those that change it by little left out."""
    try:
        around = corners[ConvexHull(corners).vertices]
    except QhullError:
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    kept = list(range(len(around)))
    while len(kept) > 4:
        shape = around[kept]
        before, after = np.roll(shape, 1, axis=0), np.roll(shape, -1, axis=0)
        chord, offset = after - before, shape - before
        across = np.abs(chord[:, 0] * offset[:, 1] - chord[:, 1] * offset[:, 0])
        away = across / np.hypot(chord[:, 0], chord[:, 1])
        least = int(np.argmin(away))
        if away[least] > _SMALLEST_BEND:
            break
        kept.pop(least)
    return around[kept]
