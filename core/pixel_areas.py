"""How much ground the pixels of a raster cover, also where its coordinates are degrees."""

from __future__ import annotations

import numpy as np
from rasterio import warp
from rasterio.crs import CRS

from gossan.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR, cell_areas
from gossan.core.raster_info import RasterInfo

TRUE_ENOUGH = 0.01
"""By how much the area of a pixel on the map may differ from that on the ground."""


def pixel_areas(info: RasterInfo) -> np.ndarray | None:
    """Return the area of a pixel of each row (rows,), in square metres.

    Where the map's own metres are true to within `TRUE_ENOUGH` they count, as everywhere in QGIS.
    In a CRS of degrees, and in one that stretches the ground as Web Mercator does, each row is
    measured on the ellipsoid. None where there is no CRS, or degrees are turned.
    """
    transform = info.transform
    if transform is None or info.crs_wkt is None:
        return None
    crs, side = CRS.from_wkt(info.crs_wkt), info.ground_sampling_distance
    if side is not None:
        measured = _on_the_ellipsoid(info, crs)
        middle = measured[info.height // 2]
        stretched = np.isfinite(middle) and abs(side * side / middle - 1.0) > TRUE_ENOUGH
        return measured if stretched else np.full(info.height, side * side)
    if not crs.is_geographic or transform.b or transform.d:
        return None
    edges = np.clip(transform.f + transform.e * np.arange(info.height + 1), -90.0, 90.0)
    return cell_areas(edges[1:], edges[:-1], transform.a)


def _on_the_ellipsoid(info: RasterInfo, crs: CRS) -> np.ndarray:
    """Return the area on the ground of the middle pixel of each row (rows,); NaN where unknown."""
    rows, column = np.arange(info.height), info.width // 2
    corners = []
    for right, down in ((0, 0), (1, 0), (1, 1), (0, 1)):
        x, y = info.transform * (np.full(info.height, column + right), rows + down)  # type: ignore[operator]
        corners.append(np.array(warp.transform(crs, "OGC:CRS84", x, y)[:2]))
    latitude = np.radians(sum(corner[1] for corner in corners) / 4)
    curved = 1.0 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    # Metres in a degree along the meridian and along the parallel.
    along = np.radians(1.0) * SEMI_MAJOR * (1.0 - ECCENTRICITY_SQUARED) / curved**1.5
    across = np.radians(1.0) * SEMI_MAJOR * np.cos(latitude) / np.sqrt(curved)
    one, other = corners[2] - corners[0], corners[3] - corners[1]
    areas: np.ndarray = np.abs(one[0] * other[1] - one[1] * other[0]) / 2 * along * across
    return areas
