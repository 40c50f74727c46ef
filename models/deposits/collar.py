"""The collar around a scene: the pixels without data that join its file's border.

A scene lies askew in its file, and its ragged edges are rarely straight. The collar is what is
zero or nodata in every band **and** connected with the border of the file, so that dark lakes
inside the scene stay, and so does a scene whose collar touches all four sides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rasterio.warp import transform as transform_points
from scipy.ndimage import label
from scipy.spatial import ConvexHull, QhullError

from gossan.core.blocks import Window
from gossan.core.progress import Progress
from gossan.core.raster import Raster, valid_pixels

_LOOKED_AT_ROWS = 1024


class Box(NamedTuple):
    """The rows and columns that hold all valid pixels."""

    row: int
    column: int
    height: int
    width: int


def collar_of(empty: np.ndarray) -> np.ndarray:
    """Return which of the empty pixels (rows, columns) join the border.

    Parameters
    ----------
    empty : ndarray of bool (rows, columns)
        True where every band is zero or nodata.

    Returns
    -------
    ndarray of bool (rows, columns)
        Pixels that touch at a side belong together; touching at a corner is not enough, or the
        collar would leak through lines of dark pixels.
    """
    areas, count = label(empty)
    if not count:
        return np.zeros_like(empty, dtype=bool)
    border = np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]])
    joined = np.zeros(count + 1, dtype=bool)
    joined[border] = True
    joined[0] = False
    return np.asarray(joined[areas])


def box_of(valid: np.ndarray) -> Box | None:
    """Return the smallest box around the valid pixels (rows, columns), None without any."""
    rows = np.flatnonzero(valid.any(axis=1))
    columns = np.flatnonzero(valid.any(axis=0))
    if not len(rows):
        return None
    return Box(
        int(rows[0]),
        int(columns[0]),
        int(rows[-1] - rows[0] + 1),
        int(columns[-1] - columns[0] + 1),
    )


def outline(raster: Raster, bands: list[int], progress: Progress) -> np.ndarray | None:
    """Return the convex outline of a scene's valid pixels, in the raster's coordinates.

    Parameters
    ----------
    raster : Raster
    bands : list of int
        Bands from 0 that say whether a pixel is valid.

    Returns
    -------
    ndarray (vertices, 2) or None
        x and y of its vertices, straight edges having none between; None where the scene is all
        collar. Every row is looked at in files of up to 1024 rows, else every so many.
    """
    info = raster.info
    step = max(info.height // _LOOKED_AT_ROWS, 1)
    looked_at = sorted({*range(0, info.height, step), info.height - 1})
    corners: list[tuple[int, int]] = []
    for number, row in enumerate(looked_at):
        if number % 128 == 0:
            progress.check()
        strip = raster.read(Window(row, 0, 1, info.width), bands, scaled=False)
        columns = np.flatnonzero(valid_pixels(strip, collar=True)[0])
        if len(columns):
            left, right = int(columns[0]), int(columns[-1]) + 1
            corners += [(left, row), (right, row), (left, row + 1), (right, row + 1)]
    if not corners:
        return None
    hull = _hull(np.array(corners, dtype=np.float64))
    if info.transform is None:
        return hull
    a, b, c, d, e, f = tuple(info.transform)[:6]
    x, y = hull.T
    return np.column_stack([a * x + b * y + c, d * x + e * y + f])


def to_degrees(places: np.ndarray, crs_wkt: str) -> np.ndarray:
    """Return longitudes and latitudes (n, 2), WGS 84, of places (n, 2) in a CRS."""
    longitude, latitude = transform_points(crs_wkt, "EPSG:4326", places[:, 0], places[:, 1])
    return np.column_stack([longitude, latitude])


def _hull(corners: np.ndarray) -> np.ndarray:
    """Return the vertices of the convex hull, those that change it by little left out."""
    try:
        around = corners[ConvexHull(corners).vertices]
    except QhullError:
        low, high = corners.min(axis=0), corners.max(axis=0)
        return np.array([low, (high[0], low[1]), high, (low[0], high[1])])
    kept = list(range(len(around)))
    while len(kept) > 4:
        shape = around[kept]
        before, after = np.roll(shape, 1, axis=0), np.roll(shape, -1, axis=0)
        chord = after - before
        away = np.abs(np.cross(chord, shape - before)) / np.hypot(chord[:, 0], chord[:, 1])
        least = int(np.argmin(away))
        if away[least] > 1.5:
            break
        kept.pop(least)
    return around[kept]
