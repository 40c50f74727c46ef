"""How much ground the pixels of a raster cover, also where its coordinates are degrees."""

from __future__ import annotations

import numpy as np
from rasterio.crs import CRS

from gossan.core.geodesy import cell_areas
from gossan.core.raster_info import RasterInfo


def pixel_areas(info: RasterInfo) -> np.ndarray | None:
    """Return the area of a pixel of each row (rows,), in square metres.

    In a CRS of degrees the pixels of each row are measured on the ellipsoid; elsewhere they are as
    large as the map says. None where there is no CRS, or degrees are turned.
    """
    side = info.ground_sampling_distance
    if side is not None:
        return np.full(info.height, side * side)
    transform = info.transform
    if transform is None or info.crs_wkt is None or not CRS.from_wkt(info.crs_wkt).is_geographic:
        return None
    if transform.b or transform.d:
        return None
    edges = np.clip(transform.f + transform.e * np.arange(info.height + 1), -90.0, 90.0)
    return cell_areas(edges[1:], edges[:-1], transform.a)
