"""Reading rasters by windows, with missing values as NaN."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.windows import Window as RasterioWindow

from gossan.core import gdal_cache  # noqa: F401 - before the first block is read
from gossan.core.blocks import Window
from gossan.core.errors import FileError, InputError
from gossan.core.raster_info import RasterInfo, describe
from gossan.core.remote import is_remote, public_name, server_answer

if TYPE_CHECKING:
    from typing_extensions import Self

# Every number of these types is exact in float32, so that GDAL may convert while it reads.
_EXACT_IN_FLOAT32 = {"uint8", "int8", "int16", "uint16", "float32"}

LARGEST_VALUE = 1e15
"""No measured quantity is as large as this, in either direction; what is stands for missing."""


class Raster:
    """An open raster; use `open_raster`, preferably in a ``with`` statement.

    One thread at a time may read.

    Attributes
    ----------
    info : RasterInfo
        Description of the file.
    dataset : rasterio dataset
        The open file, for what this class does not offer.
    """

    def __init__(self, dataset: Any, info: RasterInfo) -> None:
        self.dataset = dataset
        self.info = info

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.dataset.close()

    def read(
        self,
        window: Window | None = None,
        indexes: Sequence[int] | None = None,
        *,
        scaled: bool = True,
    ) -> np.ndarray:
        """Read a window as float32, NaN where a band is missing.

        Missing is what equals the band's nodata value and, in files of floating-point numbers,
        what is not finite or too large for a measured quantity: the customary fillers such as
        -3.4e38 and -1.23e34 often go undeclared.

        Parameters
        ----------
        window : Window or None
            What to read; None for the whole image.
        indexes : sequence of int or None
            Bands from 0, in any order; None for all.
        scaled : bool
            Apply scale and offset.

        Returns
        -------
        ndarray (rows, columns, bands), float32
            A view that is contiguous per band, not per pixel.

        Raises
        ------
        InputError
            When the window leaves the image or a band does not exist.
        FileError
            When the file is damaged there.
        """
        chosen = self._chosen(indexes)
        window = self._checked(window)
        exact = self.info.dtype in _EXACT_IN_FLOAT32
        stored = self._read_stored(window, chosen, "float32" if exact else self.info.dtype)
        with np.errstate(over="ignore"):
            values = stored if exact else stored.astype(np.float32)
        for position, index in enumerate(chosen):
            band = values[position]
            missing = self.info.nodata[index]
            if missing is not None:
                np.copyto(band, np.nan, where=_equals(stored[position], missing))
            if not self.info.is_integer:
                np.copyto(band, np.nan, where=np.abs(band) >= LARGEST_VALUE)
            if scaled:
                _rescale(band, self.info.scale[index], self.info.offset[index])
        return np.moveaxis(values, 0, -1)

    def read_stored(
        self, window: Window | None = None, indexes: Sequence[int] | None = None
    ) -> np.ndarray:
        """Read a window (rows, columns, bands) as it is stored: own type, no scale, no NaN."""
        stored = self._read_stored(self._checked(window), self._chosen(indexes), self.info.dtype)
        return np.moveaxis(stored, 0, -1)

    def sample(
        self,
        x: np.ndarray,
        y: np.ndarray,
        indexes: Sequence[int] | None = None,
        *,
        scaled: bool = True,
    ) -> np.ndarray:
        """Read the pixels that contain the given points.

        Parameters
        ----------
        x, y : ndarray (n,)
            Coordinates in the raster's CRS; without transform (column, row).
        indexes : sequence of int or None
            Bands from 0; None for all.
        scaled : bool
            Apply scale and offset.

        Returns
        -------
        ndarray (n, bands), float32
            NaN for points off the image.
        """
        rows, columns = self.pixel_of(x, y)
        chosen = self._chosen(indexes)
        values = np.full((rows.size, len(chosen)), np.nan, dtype=np.float32)
        inside = np.flatnonzero(rows >= 0)
        if inside.size == 0:
            return values
        block_height, block_width = self._sampling_block()
        pieces = rows[inside] // block_height * (self.info.width // block_width + 1)
        pieces = pieces + columns[inside] // block_width
        order = np.argsort(pieces, kind="stable")
        cuts = np.flatnonzero(np.diff(pieces[order])) + 1
        for group in np.split(inside[order], cuts):
            r, c = rows[group], columns[group]
            top, left = int(r.min()), int(c.min())
            window = Window(top, left, int(r.max()) - top + 1, int(c.max()) - left + 1)
            part = self.read(window, chosen, scaled=scaled)
            values[group] = part[r - top, c - left]
        return values

    def pixel_of(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return row and column (n,) of the pixels that contain the points, -1 off the image."""
        x = np.atleast_1d(np.asarray(x, dtype=np.float64))
        y = np.atleast_1d(np.asarray(y, dtype=np.float64))
        if self.info.transform is not None:
            a, b, c, d, e, f = tuple(~self.info.transform)[:6]
            x, y = a * x + b * y + c, d * x + e * y + f
        inside = (x >= 0) & (y >= 0) & (x < self.info.width) & (y < self.info.height)
        column = np.where(inside, np.floor(np.where(inside, x, 0)), -1).astype(np.int64)
        row = np.where(inside, np.floor(np.where(inside, y, 0)), -1).astype(np.int64)
        return row, column

    def _sampling_block(self) -> tuple[int, int]:
        """Return rows and columns of the pieces that are read for points: blocks, within reason."""
        height, width = self.info.block
        return min(max(height, 16), 512), min(max(width, 256), 1024)

    def _chosen(self, indexes: Sequence[int] | None) -> list[int]:
        chosen = list(range(self.info.count)) if indexes is None else [int(i) for i in indexes]
        wrong = [index for index in chosen if not 0 <= index < self.info.count]
        if wrong:
            raise InputError(
                f"{self.info.path} has {self.info.count} bands, so band {wrong[0] + 1} does not "
                "exist."
            )
        return chosen

    def _checked(self, window: Window | None) -> Window:
        if window is None:
            return Window(0, 0, self.info.height, self.info.width)
        row, column, height, width = window
        if (
            row < 0
            or column < 0
            or height < 1
            or width < 1
            or row + height > self.info.height
            or column + width > self.info.width
        ):
            raise InputError(
                f"{window} leaves {self.info.path}, which has {self.info.height} rows and "
                f"{self.info.width} columns."
            )
        return Window(int(row), int(column), int(height), int(width))

    def _read_stored(self, window: Window, chosen: list[int], dtype: str) -> np.ndarray:
        out = np.empty((len(chosen), window.height, window.width), dtype=dtype)
        if not chosen:
            return out
        place = RasterioWindow(window.column, window.row, window.width, window.height)
        try:
            self.dataset.read([index + 1 for index in chosen], window=place, out=out)
        except (RasterioError, OSError) as problem:
            if is_remote(self.info.path):
                raise FileError(
                    f"{public_name(self.info.path)} cannot be read any further: "
                    f"{server_answer(problem)}. Try again later."
                ) from None
            raise FileError(
                f"{self.info.path} is damaged or cut off: rows {window.row + 1} to "
                f"{window.row + window.height} cannot be read ({_cause(problem)}). "
                "Copy or download the file again."
            ) from problem
        return out


def open_raster(
    path: str | os.PathLike[str],
    *,
    wavelengths: str | None = None,
    scale: float | None = None,
    offset: float | None = None,
) -> Raster:
    """Open a raster file that GDAL reads.

    Parameters
    ----------
    path : path
        GeoTIFF, ENVI (the data file or its header) or any other raster.
    wavelengths : str or None
        CSV with one wavelength per band; None or empty to use the file's metadata.
    scale, offset : float or None
        value = stored number x scale + offset, instead of what the file says.

    Returns
    -------
    Raster
        To be closed, or used in a ``with`` statement.

    Raises
    ------
    FileError
        When the file is missing, empty, a folder or no raster.
    InputError
        When the table of wavelengths does not fit.
    """
    name = os.fspath(path)
    dataset = open_dataset(name)
    try:
        info = describe(dataset, name, wavelengths=wavelengths or None, scale=scale, offset=offset)
    except BaseException:
        dataset.close()
        raise
    return Raster(dataset, info)


def open_dataset(path: str) -> Any:
    """Open a file with rasterio, or say what is wrong with it."""
    if not path:
        raise FileError("No raster was given. Choose a raster file.")
    if is_remote(path):
        return _open_remote(path)
    if os.path.isdir(path):
        raise FileError(f"{path} is a folder. Choose a raster file in it.")
    if not os.path.exists(path):
        raise FileError(f"{path} does not exist. Check the path.")
    if os.path.getsize(path) == 0:
        raise FileError(f"{path} is empty. Copy or download the file again.")
    source = _data_file_of(path) if path.lower().endswith(".hdr") else path
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = rasterio.open(source)
    except RasterioIOError as problem:
        raise FileError(
            f"{path} cannot be opened as a raster: {_cause(problem)}. "
            "Choose a GeoTIFF, an ENVI file or another raster that GDAL reads."
        ) from problem
    if dataset.count == 0:
        dataset.close()
        raise FileError(
            f"{path} holds no raster bands of its own, but perhaps several rasters. "
            "Export one of them to a GeoTIFF and use that."
        )
    _check_length(dataset, source)
    return dataset


def _open_remote(path: str) -> Any:
    """Open a file on a server, in whatever `gossan.core.remote.RemoteAccess` the caller is in."""
    try:
        return rasterio.open(path)
    except RasterioError as problem:
        # Not as the cause: GDAL's message repeats the address with whatever secret is in it.
        raise FileError(
            f"{public_name(path)} cannot be opened: {server_answer(problem)}. Check the address "
            "and the network."
        ) from None


def valid_pixels(array: np.ndarray, *, collar: bool = False) -> np.ndarray:
    """Tell which pixels count: every band finite and, if asked, not all of them zero.

    Parameters
    ----------
    array : ndarray (rows, columns, bands) or (pixels, bands)
        Values as `Raster.read` gives them.
    collar : bool
        Leave out pixels that are zero in every band, as around scenes without nodata value.

    Returns
    -------
    ndarray of bool (rows, columns) or (pixels,)
        True where a pixel counts.
    """
    valid = np.ones(array.shape[:-1], dtype=bool)
    zero = np.full(array.shape[:-1], collar and array.shape[-1] > 0)
    for index in range(array.shape[-1]):
        band = array[..., index]
        valid &= np.isfinite(band)
        if collar:
            zero &= band == 0
    return valid & ~zero


def _check_length(dataset: Any, path: str) -> None:
    """Refuse an ENVI file that is shorter than its header says: GDAL reads the rest as zeros."""
    header = {key.lower(): value for key, value in dataset.tags(ns="ENVI").items()}
    if dataset.driver != "ENVI" or header.get("file_compression", "0") != "0":
        return
    start = header.get("header_offset", "0")
    pixels = dataset.height * dataset.width * dataset.count
    needed = pixels * np.dtype(dataset.dtypes[0]).itemsize + (int(start) if start.isdigit() else 0)
    size = os.path.getsize(path)
    if size < needed:
        dataset.close()
        raise FileError(
            f"{path} is cut off: it has {size} bytes and its header describes {needed}. "
            "Copy or download the file again."
        )


def _data_file_of(header: str) -> str:
    stem = header[:-4]
    for suffix in ("", ".img", ".dat", ".bsq", ".bil", ".bip", ".raw", ".cube", ".bin"):
        if os.path.isfile(stem + suffix):
            return stem + suffix
    raise FileError(f"{header} is a header without its data file. Put both in one folder.")


def _equals(band: np.ndarray, missing: float) -> np.ndarray:
    if np.issubdtype(band.dtype, np.floating):
        return band == band.dtype.type(missing)
    return band == missing


def _rescale(band: np.ndarray, scale: float, offset: float) -> None:
    if scale != 1.0:
        band *= np.float32(scale)
    if offset != 0.0:
        band += np.float32(offset)


def _cause(problem: BaseException) -> str:
    return " ".join(str(problem.__cause__ or problem).split()).rstrip(".")
