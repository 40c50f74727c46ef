"""Writing rasters by windows, complete or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as RasterioWindow

from gossan.core import gdal_cache  # noqa: F401 - before the first block is written
from gossan.core.blocks import Window
from gossan.core.errors import FileError, InputError
from gossan.core.files import write_then_rename
from gossan.core.raster_info import CATEGORIES_TAG, RasterInfo

if TYPE_CHECKING:
    from typing_extensions import Self

OVERVIEWS_FROM = 4096
"""Rasters with a longer side than this get overviews, pixels."""

_TILE = 256
_TILE_ROW_BYTES = 32 * 2**20
"""A row of tiles of all bands must fit into GDAL's cache, or strips are compressed many times."""


class RasterWriter:
    """A raster that is written window by window and appears when it is complete.

    Use it in a ``with`` statement: an error or a cancellation inside leaves nothing behind.

    Parameters
    ----------
    path : path
        The output; ``.tif`` for GeoTIFF, another suffix for what GDAL makes of it.
    height, width : int
        Size, pixels.
    bands : sequence of str
        Name of each band.
    dtype : str
        NumPy type; float32 for quantities, uint8 or uint16 for classes.
    crs_wkt : str or None
        Coordinate reference system.
    transform : Affine or None
        From (column, row) of pixel corners to coordinates.
    nodata : float or None
        None for NaN in float rasters and 0 in integer ones.
    tags : mapping or None
        Tags of the file, such as its origin.
    wavelengths, fwhm : sequence of float or None
        Centre and width of each band, nm, where the bands are spectral.
    categories : mapping or None
        Name of each class value; makes the raster a class raster.
    colours : mapping or None
        Class value -> (red, green, blue), 0 to 255.
    units : str or None
        Unit of the values, such as ``mg/kg``.
    scale, offset : float, sequence of float, or None
        Value = stored number x scale + offset, of all bands or each, as the file's metadata will
        say; `write` takes the numbers.

    Raises
    ------
    FileError
        When the output cannot be written there.
    InputError
        When the format cannot be created, or the parameters contradict each other.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        height: int,
        width: int,
        *,
        bands: Sequence[str],
        dtype: str = "float32",
        crs_wkt: str | None = None,
        transform: Affine | None = None,
        nodata: float | None = None,
        tags: Mapping[str, str] | None = None,
        wavelengths: Sequence[float] | None = None,
        fwhm: Sequence[float] | None = None,
        categories: Mapping[int, str] | None = None,
        colours: Mapping[int, tuple[int, int, int]] | None = None,
        units: str | None = None,
        scale: float | Sequence[float] | None = None,
        offset: float | Sequence[float] | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self.height, self.width = int(height), int(width)
        self.bands = list(bands)
        self.dtype = str(np.dtype(dtype))
        self._nodata = _nodata_for(self.dtype, nodata)
        self._crs_wkt, self._transform = crs_wkt, transform
        self._tags = {key: str(value) for key, value in (tags or {}).items()}
        self._wavelengths = None if wavelengths is None else [float(w) for w in wavelengths]
        self._fwhm = None if fwhm is None else [float(w) for w in fwhm]
        self._categories, self._colours, self._units = categories, colours, units
        self._scale, self._offset = scale, offset
        self._stack = contextlib.ExitStack()
        self._dataset: Any = None
        self._part: Path | None = None

    @classmethod
    def like(
        cls, path: str | os.PathLike[str], info: RasterInfo, *, bands: Sequence[str], **options: Any
    ) -> RasterWriter:
        """Make a writer on the grid of another raster; ``options`` as for the class."""
        return cls(
            path,
            info.height,
            info.width,
            bands=bands,
            crs_wkt=info.crs_wkt,
            transform=info.transform,
            **options,
        )

    def __enter__(self) -> Self:
        driver = _driver_for(self.path)
        with contextlib.ExitStack() as stack:
            self._part = stack.enter_context(write_then_rename(self.path, keep_suffix=True))
            self._dataset = self._create(driver)
            stack.callback(self._dataset.close)
            self._describe()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if problem is None:
            try:
                self._finish()
            except BaseException as late:
                if not self._stack.__exit__(type(late), late, late.__traceback__):
                    raise
                return
        self._stack.__exit__(kind, problem, trace)

    def write(self, window: Window, array: np.ndarray) -> None:
        """Write a window.

        Parameters
        ----------
        window : Window
            Where; each pixel should be written once.
        array : ndarray (rows, columns, bands) or (rows, columns)
            Values, NaN where missing.

        Raises
        ------
        InputError
            When the array does not fit the window.
        FileError
            When the disk is full.
        """
        values = array[..., np.newaxis] if array.ndim == 2 else array
        expected = (window.height, window.width, len(self.bands))
        if values.shape != expected:
            raise InputError(
                f"The values for {window} of {self.path} have shape {values.shape}; "
                f"{expected} is needed."
            )
        ordered = self._as_stored(np.moveaxis(values, -1, 0))
        place = RasterioWindow(window.column, window.row, window.width, window.height)
        try:
            self._dataset.write(ordered, window=place)
        except (RasterioError, OSError) as problem:
            raise self._failed(problem) from problem

    def _as_stored(self, values: np.ndarray) -> np.ndarray:
        """Convert to the file's type; for integers round, and write NaN as nodata."""
        kind = np.dtype(self.dtype)
        if values.dtype == kind:
            return np.ascontiguousarray(values)
        if np.issubdtype(kind, np.floating):
            return np.ascontiguousarray(values, dtype=kind)
        if np.issubdtype(values.dtype, np.floating):
            values = np.where(np.isfinite(values), np.rint(values), self._nodata)
        limits = np.iinfo(kind)
        if values.size and (values.min() < limits.min or values.max() > limits.max):
            raise InputError(
                f"{self.path} is written as {self.dtype}, which holds {limits.min} to "
                f"{limits.max}; the values reach from {values.min()} to {values.max()}."
            )
        return np.ascontiguousarray(values, dtype=kind)

    def _create(self, driver: str) -> Any:
        options: dict[str, Any] = {
            "driver": driver,
            "height": self.height,
            "width": self.width,
            "count": len(self.bands),
            "dtype": self.dtype,
            "crs": self._crs_wkt,
            "nodata": self._nodata,
        }
        if self._transform is not None:
            options["transform"] = self._transform
        if driver == "GTiff":
            options.update(
                tiled=True,
                blockxsize=_TILE,
                blockysize=_tile_height(self.width, len(self.bands), self.dtype),
                interleave="band",
                compress="deflate",
                zlevel=1,
                predictor=3 if np.issubdtype(np.dtype(self.dtype), np.floating) else 2,
                bigtiff="if_safer",
                num_threads="all_cpus",
            )
        elif driver == "ENVI":
            # The header's name must begin with the data file's to be renamed along with it.
            options["suffix"] = "add"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                return rasterio.open(self._part, "w", **options)
        except (RasterioError, OSError) as problem:
            raise self._failed(problem) from problem

    def _describe(self) -> None:
        dataset = self._dataset
        if self._categories:
            self._tags[CATEGORIES_TAG] = json.dumps(dict(self._categories), ensure_ascii=False)
        if self._tags:
            dataset.update_tags(**self._tags)
        if self._scale is not None:
            dataset.scales = _per_band(self._scale, len(self.bands))
        if self._offset is not None:
            dataset.offsets = _per_band(self._offset, len(self.bands))
        for number, name in enumerate(self.bands, start=1):
            dataset.set_band_description(number, name)
            if self._units:
                dataset.set_band_unit(number, self._units)
            if self._wavelengths:
                centre = self._wavelengths[number - 1]
                tags = {"wavelength": f"{centre:.6g}", "wavelength_units": "Nanometers"}
                imagery = {"CENTRAL_WAVELENGTH_UM": f"{centre / 1000:.9g}"}
                if self._fwhm:
                    width = self._fwhm[number - 1]
                    tags["fwhm"] = f"{width:.6g}"
                    imagery["FWHM_UM"] = f"{width / 1000:.9g}"
                dataset.update_tags(number, **tags)
                dataset.update_tags(number, ns="IMAGERY", **imagery)
        if self._colours:
            dataset.write_colormap(1, {value: (*rgb, 255) for value, rgb in self._colours.items()})

    def _finish(self) -> None:
        try:
            if max(self.height, self.width) > OVERVIEWS_FROM:
                levels = math.ceil(math.log2(max(self.height, self.width) / 512))
                quantity = np.issubdtype(np.dtype(self.dtype), np.floating)
                method = Resampling.average if quantity else Resampling.nearest
                self._dataset.build_overviews([2**n for n in range(1, levels + 1)], method)
            driver = self._dataset.driver
            self._dataset.close()
        except (RasterioError, OSError) as problem:
            raise self._failed(problem) from problem
        pixels = self.height * self.width * len(self.bands)
        complete = True
        if driver == "GTiff":
            complete = _is_complete(str(self._part))
        elif driver == "ENVI":
            complete = os.path.getsize(str(self._part)) >= pixels * np.dtype(self.dtype).itemsize
        if not complete:
            raise self._failed("not all of it reached the disk")
        if self._categories and self._part is not None:
            _write_category_names(self._part, self._categories)

    def _failed(self, problem: object) -> FileError:
        return FileError(
            f"{self.path} cannot be written ({problem}). Check that there is space on the disk "
            "and that the folder may be written to."
        )


def _per_band(value: float | Sequence[float], bands: int) -> list[float]:
    return [float(each) for each in np.broadcast_to(value, bands)]


def _tile_height(width: int, bands: int, dtype: str) -> int:
    """Return the rows of a tile: as many as let a row of tiles stay in the cache, 16 at least."""
    row = math.ceil(width / _TILE) * _TILE * bands * np.dtype(dtype).itemsize
    height = _TILE
    while height > 16 and height * row > _TILE_ROW_BYTES:
        height //= 2
    return height


def _is_complete(path: str) -> bool:
    """Tell whether every block of a GeoTIFF lies within the file.

    GDAL keeps what it could not write when the disk is full to itself.
    """
    size = os.path.getsize(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = rasterio.open(path)
    except RasterioError:
        return False
    with dataset:
        for band in range(1, dataset.count + 1):
            height, width = dataset.block_shapes[band - 1]
            for row in range(math.ceil(dataset.height / height)):
                for column in range(math.ceil(dataset.width / width)):
                    place = f"{column}_{row}"
                    start = dataset.get_tag_item(f"BLOCK_OFFSET_{place}", "TIFF", bidx=band)
                    length = dataset.get_tag_item(f"BLOCK_SIZE_{place}", "TIFF", bidx=band)
                    if not start or not length or int(start) + int(length) > size:
                        return False
    return True


def _write_category_names(path: Path, categories: Mapping[int, str]) -> None:
    """Write GDAL's sidecar with the names of the classes, which rasterio cannot set."""
    names = [categories.get(value, "") for value in range(max(categories) + 1)]
    listed = "".join(f"<Category>{escape(name)}</Category>" for name in names)
    path.with_name(path.name + ".aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><CategoryNames>'
        f"{listed}</CategoryNames></PAMRasterBand></PAMDataset>\n",
        encoding="utf-8",
    )


def _nodata_for(dtype: str, nodata: float | None) -> float:
    if nodata is not None:
        return nodata
    return float("nan") if np.issubdtype(np.dtype(dtype), np.floating) else 0


def _driver_for(path: str) -> str:
    suffix = Path(path).suffix.lower().lstrip(".")
    known = {"tif": "GTiff", "tiff": "GTiff", "dat": "ENVI", "bsq": "ENVI", "img": "HFA"}
    if suffix in known:
        return known[suffix]
    raise InputError(f"Gossan cannot write rasters with the ending .{suffix} ({path}). Use .tif.")
