"""How much ground the pixels of a raster cover, also where its coordinates are degrees."""

from __future__ import annotations

import math

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from gossan.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR
from gossan.core.raster_info import RasterInfo


def row_areas(info: RasterInfo) -> np.ndarray | None:
    """Return the area of a pixel of each row.

    In a projected CRS all pixels cover the same area, as it measures it. Degrees become shorter
    towards the poles: there a pixel covers what its centre's row has on the ellipsoid WGS 84.

    Parameters
    ----------
    info : RasterInfo

    Returns
    -------
    ndarray, shape (rows,), or None
        Square metres; None where the raster has no place on the Earth.
    """
    side = info.ground_sampling_distance
    if side is not None:
        return np.full(info.height, side * side)
    crs = CRS.from_wkt(info.crs_wkt) if info.crs_wkt else None
    if info.transform is None or crs is None or not crs.is_geographic:
        return None
    return _of_degrees(info.transform, info.height, info.width, math.radians(1.0))


def _of_degrees(transform: Affine, height: int, width: int, radians: float) -> np.ndarray:
    rows = np.arange(height) + 0.5
    latitude = radians * (transform.d * width / 2 + transform.e * rows + transform.f)
    latitude = np.clip(latitude, -math.pi / 2, math.pi / 2)
    # Radii of curvature along the meridian and across it.
    bent = 1.0 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    meridian = SEMI_MAJOR * (1.0 - ECCENTRICITY_SQUARED) / bent**1.5
    across = SEMI_MAJOR / np.sqrt(bent)
    degrees = abs(transform.determinant) * radians**2
    return np.asarray(meridian * across * np.cos(latitude) * degrees)
