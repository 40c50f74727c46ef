"""The area of a search: its box in degrees, and which share of it a scene covers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.features import rasterize

from gossan.core.errors import FileError, InputError
from gossan.core.grids import reprojected_bounds
from gossan.core.vectors import positions
from gossan.models.imagery.composite_grid import parse_crs

_SIDE = 300
"""Cells along each side of the box, on which shares are counted: exact to about half a per cent."""

_LEAST_SPAN = 1e-3
"""Degrees that the box of points and lines is given at least."""

_WORLD = "EPSG:4326"


class SearchArea:
    """An area in longitude and latitude.

    Parameters
    ----------
    geometries : sequence of GeoJSON geometries

    Attributes
    ----------
    bbox : tuple of float
        West, south, east, north.
    """

    def __init__(self, geometries: Sequence[Mapping[str, Any]]) -> None:
        points = [point for geometry in geometries for point in positions(geometry)]
        if not points:
            raise InputError("The area to search is empty. Choose an extent or a layer with one.")
        xs, ys = (np.array(axis, dtype=np.float64) for axis in zip(*points))
        if np.abs(xs).max() > 180.0 or np.abs(ys).max() > 90.0 or not np.isfinite([xs, ys]).all():
            raise InputError(
                "The area to search reaches beyond the world. Check its coordinate reference "
                "system."
            )
        west, east = _spanned(float(xs.min()), float(xs.max()))
        south, north = _spanned(float(ys.min()), float(ys.max()))
        self.bbox = (west, south, east, north)
        self._transform = Affine(
            (east - west) / _SIDE, 0.0, west, 0.0, (south - north) / _SIDE, north
        )
        inside = self._cells(geometries)
        if not inside.any():
            inside = self._cells(geometries, touched=True)
        rows = north + (np.arange(_SIDE) + 0.5) * (south - north) / _SIDE
        self._weights = inside * np.cos(np.radians(rows))[:, np.newaxis]

    def covered(self, *footprints: Mapping[str, Any]) -> float:
        """Return the share of the area that footprints cover together, 0 to 1."""
        if not footprints:
            return 0.0
        cells = self._cells(footprints)
        return float(self._weights[cells].sum() / self._weights.sum())

    def _cells(
        self, geometries: Sequence[Mapping[str, Any]], *, touched: bool = False
    ) -> np.ndarray:
        return rasterize(
            geometries,
            out_shape=(_SIDE, _SIDE),
            transform=self._transform,
            all_touched=touched,
            dtype="uint8",
        ).astype(bool)


def area_of_extent(extent: Sequence[float], crs: str) -> SearchArea:
    """Return the area of an extent: least x and y, greatest x and y, in a CRS ("" for degrees).

    Raises
    ------
    InputError
        When it is none or has no place in the world.
    """
    values = [float(value) for value in extent]
    if len(values) != 4 or not all(map(math.isfinite, values)):
        raise InputError("An extent has four numbers: least x, least y, greatest x, greatest y.")
    west, south, east, north = values
    if west > east or south > north:
        raise InputError("The extent is empty: least x and y come first, then the greatest.")
    if crs:
        here = parse_crs(crs, "The coordinate reference system of the extent")
        world = CRS.from_user_input(_WORLD)
        if here != world:
            west, south, east, north = reprojected_bounds(values, here, world)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return SearchArea([{"type": "Polygon", "coordinates": [ring]}])


def area_of_layer(path: str) -> SearchArea:
    """Return the area of all features of a GeoJSON file in longitude and latitude.

    Raises
    ------
    FileError
        When it cannot be read.
    InputError
        When it is empty.
    """
    try:
        features = json.loads(Path(path).read_text(encoding="utf-8"))["features"]
        geometries = [feature["geometry"] for feature in features if feature["geometry"]]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise FileError(f"The layer of the area cannot be read ({problem}).") from problem
    return SearchArea(geometries)


def _spanned(low: float, high: float) -> tuple[float, float]:
    if high - low >= _LEAST_SPAN:
        return low, high
    middle = (low + high) / 2
    return middle - _LEAST_SPAN / 2, middle + _LEAST_SPAN / 2
