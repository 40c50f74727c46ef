"""What a raster is: size, place, bands, missing values and the scale of its numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from gossan.core.bands import Band, read_bands
from gossan.core.enmap import read_enmap_metadata
from gossan.core.errors import FileError
from gossan.core.wavelength_units import parse_numbers

CATEGORIES_TAG = "GOSSAN_CATEGORIES"
"""Tag with the names of classes as JSON: rasterio does not give access to GDAL's own list."""

if TYPE_CHECKING:
    import rasterio

MAX_REFLECTANCE = 2.0
"""Reflectance above this, as over snow or glint, is rarer than numbers in another scale."""


@dataclass(frozen=True)
class RasterInfo:
    """The description of a raster file.

    Parameters
    ----------
    path : str
        The file.
    height, width, count : int
        Rows, columns and bands.
    dtype : str
        NumPy name of the type the numbers are stored in.
    crs_wkt : str or None
        Coordinate reference system, None where the file has none.
    transform : Affine or None
        From (column, row) of pixel corners to coordinates, None where the file has none.
    nodata : tuple of float or None
        Per band the stored value that means "missing".
    bands : tuple of Band
        Names, wavelengths (nm), widths and bad flags.
    scale, offset : tuple of float
        Per band: value = stored number x scale + offset.
    scale_source : str
        Where scale and offset come from; empty where the file has none.
    block : tuple of int
        Rows and columns of the pieces in which the file is stored.
    categories : mapping
        Name of each class value, where the file is a class raster that Gossan wrote.
    tags : mapping
        The tags of the file.
    notes : tuple of str
        Sentences for the log on what had to be assumed.
    """

    path: str
    height: int
    width: int
    count: int
    dtype: str
    crs_wkt: str | None
    transform: Affine | None
    nodata: tuple[float | None, ...]
    bands: tuple[Band, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    scale_source: str = ""
    block: tuple[int, int] = (1, 1)
    categories: Mapping[int, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def pixel_size(self) -> float | None:
        """Side of a square of a pixel's area, in units of the CRS; None without transform."""
        if self.transform is None:
            return None
        return math.sqrt(abs(self.transform.determinant))

    @property
    def ground_sampling_distance(self) -> float | None:
        """Side of a square of a pixel's area in metres; None where the CRS measures no lengths."""
        size = self.pixel_size
        crs = CRS.from_wkt(self.crs_wkt) if self.crs_wkt else None
        if size is None or crs is None or not crs.is_projected:
            return None
        _, metres = crs.linear_units_factor
        return size * float(metres)

    @property
    def is_integer(self) -> bool:
        """Whether the numbers are stored as integers."""
        return np.issubdtype(np.dtype(self.dtype), np.integer)


def describe(
    dataset: rasterio.DatasetReader,
    path: str,
    *,
    wavelengths: str | None = None,
    scale: float | None = None,
    offset: float | None = None,
) -> RasterInfo:
    """Describe an open rasterio dataset; see `gossan.core.raster.open_raster`."""
    dtypes = set(dataset.dtypes)
    if any("complex" in dtype for dtype in dtypes):
        raise FileError(
            f"{path} holds complex numbers, which are no reflectance or measured quantity. "
            "Export their magnitude to a new raster and use that."
        )
    dtype = str(np.result_type(*[np.dtype(name) for name in dtypes]))
    bands, notes = read_bands(dataset, wavelengths)
    scales, offsets, source = _scale(dataset, scale, offset)
    return RasterInfo(
        path=path,
        height=dataset.height,
        width=dataset.width,
        count=dataset.count,
        dtype=dtype,
        crs_wkt=dataset.crs.to_wkt() if dataset.crs else None,
        transform=None if _has_no_place(dataset) else dataset.transform,
        nodata=_nodata(dataset),
        bands=bands,
        scale=scales,
        offset=offsets,
        scale_source=source,
        block=dataset.block_shapes[0],
        categories=_categories(dataset),
        tags=dict(dataset.tags()),
        notes=tuple(notes),
    )


def _categories(dataset: rasterio.DatasetReader) -> dict[int, str]:
    try:
        named = json.loads(dataset.tags().get(CATEGORIES_TAG, "{}"))
        return {int(value): str(name) for value, name in named.items()}
    except (ValueError, AttributeError):
        return {}


def _has_no_place(dataset: rasterio.DatasetReader) -> bool:
    return dataset.crs is None and dataset.transform == Affine.identity()


def _nodata(dataset: rasterio.DatasetReader) -> tuple[float | None, ...]:
    return tuple(
        None if value is None or math.isnan(value) else float(value) for value in dataset.nodatavals
    )


def _scale(
    dataset: rasterio.DatasetReader, scale: float | None, offset: float | None
) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    """Return scale and offset per band and where they come from."""
    count = dataset.count
    if scale is not None or offset is not None:
        used = 1.0 if scale is None else float(scale)
        shift = 0.0 if offset is None else float(offset)
        return (used,) * count, (shift,) * count, "parameter"
    scales, offsets = tuple(dataset.scales), tuple(dataset.offsets)
    if any(value != 1.0 for value in scales) or any(value != 0.0 for value in offsets):
        return scales, offsets, "scale and offset in the file"
    enmap = read_enmap_metadata(dataset.name, count)
    if enmap:
        return enmap.scale, enmap.offset, "gain and offset in EnMAP's METADATA.XML"
    header = {key.lower().replace(" ", "_"): v for key, v in dataset.tags(ns="ENVI").items()}
    factor = parse_numbers(header.get("reflectance_scale_factor", ""))
    if factor and factor[0] > 0:
        return (1.0 / factor[0],) * count, (0.0,) * count, "reflectance scale factor in the header"
    return (1.0,) * count, (0.0,) * count, ""


def reflectance_scale(info: RasterInfo, sample: np.ndarray) -> tuple[float, str | None]:
    """Judge by a sample of values as read whether they are reflectance, 0 to 1.

    Parameters
    ----------
    info : RasterInfo
        Description of the raster.
    sample : ndarray (..., bands)
        Values as `Raster.read` gives them, NaN where missing.

    Returns
    -------
    factor : float
        What to multiply the values with: 1 where they are reflectance already or the file or the
        user gave the scale.
    note : str or None
        The assumption, as a sentence for the log; None where nothing was assumed.
    """
    finite = np.asarray(sample)[np.isfinite(sample)]
    if info.scale_source or finite.size == 0:
        return 1.0, None
    high = float(np.percentile(finite, 99))
    if high <= MAX_REFLECTANCE:
        return 1.0, None
    silent = f"{info.path} says nothing of its scale and its values reach {high:.6g}"
    if info.dtype in ("uint8", "int8") or high > 20_000.0:
        return 1.0, (
            f"{silent}: they are no reflectance in a usual scale and stay as they are. Give the "
            "scale as a parameter, or calibrate the image to reflectance first."
        )
    factor, meaning = (0.01, "percent") if high <= 150.0 else (1e-4, "reflectance x 10000")
    return factor, (
        f"{silent}: they are taken as {meaning} and multiplied by {factor:g}. Give the scale as a "
        "parameter if that is wrong."
    )
