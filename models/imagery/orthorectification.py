"""Laying a raster with rational polynomials (RPCs) on a map grid, over a model of the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.rpc import RPC
from rasterio.warp import calculate_default_transform, reproject

from gossan.core.errors import FileError, InputError
from gossan.core.grids import Grid
from gossan.core.raster import Raster, Window
from gossan.models.imagery.composite_grid import LARGEST, parse_crs

RESAMPLINGS = {
    "nearest": Resampling.nearest,
    "bilinear": Resampling.bilinear,
    "cubic": Resampling.cubic,
}
"""How values between pixels are found, by name."""

TOLERANCE = 0.05
"""Pixels of the source by which positions, interpolated between exact ones, may be off."""

_WORLD = "EPSG:4326"
_WARP_MEGABYTES = 64


@dataclass(frozen=True)
class Ground:
    """The heights that an image is laid over.

    Parameters
    ----------
    dem : str
        Raster of heights, m, in any CRS.
    height_offset : float
        Added to them, m: polynomials count from the ellipsoid, most models from the sea.
    """

    dem: str
    height_offset: float = 0.0

    def options(self) -> dict[str, Any]:
        """Return them as GDAL's transformer takes them."""
        options: dict[str, Any] = {"RPC_DEM": self.dem}
        if self.height_offset:
            options["RPC_HEIGHT"] = self.height_offset
        return options


def rpcs_of(raster: Raster) -> RPC:
    """Return the rational polynomials of a raster.

    Raises
    ------
    InputError
        When it has none, or none that a position can follow from.
    """
    rpcs = raster.dataset.rpcs
    if rpcs is None:
        raise InputError(
            f"{raster.info.path} has no rational polynomials (RPCs). Put the file that came with "
            "the image (..._RPC.TXT or .RPB) beside it under the image's name."
        )
    scales = (rpcs.lat_scale, rpcs.long_scale, rpcs.height_scale, rpcs.line_scale, rpcs.samp_scale)
    usable = all(math.isfinite(value) and value > 0 for value in scales)
    if not usable or abs(rpcs.lat_off) > 90.0 or abs(rpcs.long_off) > 360.0:
        raise InputError(
            f"The rational polynomials (RPCs) of {raster.info.path} have a place or scales that "
            "cannot be. Get the file that came with the image again."
        )
    return rpcs


def map_grid(raster: Raster, rpcs: RPC, ground: Ground, crs: str, size: float | None) -> Grid:
    """Return a grid that holds an image once it is laid on the ground.

    Parameters
    ----------
    raster : Raster
    rpcs : RPC
    ground : Ground
    crs : str
        Code or WKT; empty for the UTM zone of the middle of the image.
    size : float or None
        Pixel size in units of the CRS; None for that of the image on the ground.

    Raises
    ------
    InputError
        When the model of the ground lies elsewhere, or the grid would be far too large.
    """
    there = parse_crs(crs or utm_zone(rpcs.long_off, rpcs.lat_off), "The CRS")
    if size is not None and not (math.isfinite(size) and size > 0):
        raise InputError(f"A pixel size of {size:g} makes no grid. Give one above zero.")
    info = raster.info
    try:
        transform, width, height = calculate_default_transform(
            _WORLD, there, info.width, info.height, rpcs=rpcs, **ground.options()
        )
    except (RasterioError, CPLE_BaseError) as problem:
        raise InputError(
            f"{info.path} finds no place on the ground: the heights of {ground.dem} do not lie "
            f"where its polynomials do (longitude {rpcs.long_off:.4g}, latitude "
            f"{rpcs.lat_off:.4g}). Choose a DEM of that area."
        ) from problem
    own = float(transform.a)
    pixel = own if size is None else size
    left = math.floor(transform.c / pixel) * pixel
    top = math.ceil(transform.f / pixel) * pixel
    width = math.ceil((transform.c + width * own - left) / pixel)
    height = math.ceil((top - transform.f + height * own) / pixel)
    if width * height > LARGEST:
        raise InputError(
            f"The result would have {height:,} x {width:,} pixels. Give a larger pixel size."
        )
    return Grid(there.to_wkt(), Affine(pixel, 0.0, left, 0.0, -pixel, top), height, width)


def utm_zone(longitude: float, latitude: float) -> str:
    """Return the code of the UTM zone (WGS 84) of a place."""
    zone = int(((longitude + 180.0) % 360.0) // 6.0) + 1
    return f"EPSG:{(32600 if latitude >= 0 else 32700) + zone}"


def check_ground(raster: Raster) -> None:
    """Refuse a raster that is no model of the ground.

    Raises
    ------
    InputError
        When it has several bands or no coordinate reference system.
    """
    info = raster.info
    if info.count != 1:
        raise InputError(
            f"{info.path} has {info.count} bands: a DEM has one, with heights in metres."
        )
    if not info.crs_wkt or info.transform is None:
        raise InputError(
            f"{info.path} has no coordinate reference system. Assign the right one to it first."
        )


def orthorectified(
    raster: Raster,
    rpcs: RPC,
    ground: Ground,
    grid: Grid,
    window: Window,
    missing: float,
    resampling: str,
) -> np.ndarray:
    """Return a window of the map grid as the image shows it.

    Parameters
    ----------
    raster : Raster
    rpcs : RPC
    ground : Ground
    grid : Grid
    window : Window
        Of the grid.
    missing : float
        Stored where the image does not reach, or the ground has no height.
    resampling : str
        One of `RESAMPLINGS`.

    Returns
    -------
    ndarray (rows, columns, bands)
        Numbers as they are stored, in the type of the source.
    """
    info = raster.info
    values = np.full((info.count, window.height, window.width), missing, dtype=info.dtype)
    for nodata in dict.fromkeys(info.nodata):
        chosen = [index for index in range(info.count) if info.nodata[index] == nodata]
        part = np.full((len(chosen), window.height, window.width), missing, dtype=info.dtype)
        try:
            reproject(
                rasterio.band(raster.dataset, [index + 1 for index in chosen]),
                part,
                src_crs=CRS.from_user_input(_WORLD),
                src_nodata=_source_nodata(info.dtype, nodata),
                rpcs=rpcs,
                dst_transform=grid.transform @ Affine.translation(window.column, window.row),
                dst_crs=grid.crs,
                dst_nodata=missing,
                resampling=RESAMPLINGS[resampling],
                warp_mem_limit=_WARP_MEGABYTES,
                tolerance=TOLERANCE,
                UNIFIED_SRC_NODATA="NO",
                **ground.options(),
            )
        except (RasterioError, CPLE_BaseError) as problem:
            raise FileError(
                f"{info.path} or {ground.dem} cannot be read at rows {window.row + 1} to "
                f"{window.row + window.height} of the result ({problem}). Copy the files again."
            ) from problem
        values[chosen] = part
    return np.moveaxis(values, 0, -1)


def _source_nodata(dtype: str, nodata: float | None) -> float | None:
    if nodata is None and np.issubdtype(np.dtype(dtype), np.floating):
        return float("nan")
    return nodata
