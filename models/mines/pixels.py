"""The pixels of a crop as they are stored, made into inputs of networks by some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit

from gossan.core.raster_reading import LARGEST_VALUE
from gossan.models.mines.model_file import BandScaling

DIRECT_TYPES = ("uint8", "int16", "uint16", "float32")
"""Types that are kept as they are stored; float32 holds each of their numbers exactly."""


@dataclass(frozen=True)
class Pixels:
    """A window of an image in the numbers of its file.

    Parameters
    ----------
    numbers : ndarray (bands, rows, columns), of one of `DIRECT_TYPES`
        May be a view in any order of memory.
    gain, shift : ndarray (bands,)
        Reflectance = number x gain + shift.
    nodata : tuple of float or None
        Number of each band that stands for missing.
    collars : bool
        Pixels that are zero in every band are missing.
    """

    numbers: np.ndarray
    gain: np.ndarray
    shift: np.ndarray
    nodata: tuple[float | None, ...]
    collars: bool = False

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.numbers.shape[1])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.numbers.shape[2])

    @cached_property
    def valid(self) -> np.ndarray:
        """Tell which pixels (rows, columns) are there in every band, as 1 and 0."""
        kind = self.numbers.dtype
        declared = np.zeros(len(self.numbers), dtype=kind)
        present = np.zeros(len(self.numbers), dtype=np.bool_)
        for band, value in enumerate(self.nodata):
            if value is not None and _holds(kind, value):
                declared[band], present[band] = value, True
        valid = np.empty((self.height, self.width), dtype=np.uint8)
        floating = np.issubdtype(kind, np.floating)
        _judge(self.numbers, declared, present, self.collars, floating, LARGEST_VALUE, valid)
        return valid

    @cached_property
    def valid_count(self) -> int:
        """Number of pixels that are there."""
        return int(np.count_nonzero(self.valid))

    def reflectance(self) -> np.ndarray:
        """Return the window (rows, columns, bands) as reflectance, float32, NaN where missing."""
        values = np.moveaxis(self.numbers, 0, -1).astype(np.float32)
        values[self.valid == 0] = np.nan
        return values * self.gain.astype(np.float32) + self.shift.astype(np.float32)

    def inputs(
        self, scaling: BandScaling, bands: Sequence[int], rows: slice, columns: slice
    ) -> CropInputs:
        """Return a part of the window as inputs of a network.

        Parameters
        ----------
        scaling : BandScaling
            Of the network, for its bands.
        bands : sequence of int
            The network's bands among those of the window.
        rows, columns : slice
        """
        chosen = list(bands)
        numbers = self.numbers[:, rows, columns]
        if chosen != list(range(len(numbers))):
            numbers = numbers[chosen]
        deviation = np.asarray(scaling.deviation, dtype=np.float64)
        factor = self.gain[chosen] / deviation
        term = (self.shift[chosen] - np.asarray(scaling.mean, dtype=np.float64)) / deviation
        return CropInputs(
            numbers, factor.astype(np.float32), term.astype(np.float32), self.valid[rows, columns]
        )


class CropInputs:
    """Scaled inputs of a network, made when rows are asked for; 0 where a pixel is missing.

    Parameters
    ----------
    numbers : ndarray (bands, rows, columns)
    factor, term : ndarray (bands,), float32
        Input = number x factor + term.
    valid : ndarray (rows, columns) of 0 and 1
    """

    def __init__(
        self, numbers: np.ndarray, factor: np.ndarray, term: np.ndarray, valid: np.ndarray
    ) -> None:
        self._numbers, self._factor, self._term, self._valid = numbers, factor, term, valid

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, columns and bands."""
        bands, rows, columns = self._numbers.shape
        return rows, columns, bands

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Return those rows (rows, columns, bands), float32; see `band_by_band`."""
        start, stop, _ = rows.indices(self.shape[0])
        out = band_by_band((stop - start, self.shape[1], self.shape[2]))
        self.fill(rows, out)
        return out

    def fill(self, rows: slice, out: np.ndarray, at: int = 0) -> None:
        """Write those rows into an array (rows, columns, bands), from one of its rows on."""
        start, stop, _ = rows.indices(self.shape[0])
        planes = np.moveaxis(out, -1, 0)
        # Whole arrays, for the compiler makes faster code where it knows how memory is laid out.
        _scale(self._numbers, self._factor, self._term, self._valid, (start, stop), planes, at)


def read_ahead(inputs: Any, parts: Sequence[slice]) -> Iterator[np.ndarray]:
    """Yield some rows of inputs after the others, each read while the ones before are worked on.

    Parameters
    ----------
    inputs : Inputs
        See `gossan.models.mines.predictors`.
    parts : sequence of slice
        The rows, in the order in which they are needed.
    """
    with ThreadPoolExecutor(1, "gossan-read") as thread:
        coming = thread.submit(inputs.__getitem__, parts[0])
        for part in parts[1:]:
            here, coming = coming, thread.submit(inputs.__getitem__, part)
            yield here.result()
        yield coming.result()


def band_by_band(shape: tuple[int, int, int]) -> np.ndarray:
    """Return an array (rows, columns, bands) of float32 that holds one band after the other."""
    rows, columns, bands = shape
    return np.moveaxis(np.empty((bands, rows, columns), dtype=np.float32), 0, -1)


def _holds(kind: np.dtype, value: float) -> bool:
    """Tell whether a type of integers can hold a number at all; floats take any."""
    if np.issubdtype(kind, np.floating):
        return True
    limits = np.iinfo(kind)
    return float(value).is_integer() and limits.min <= value <= limits.max


@njit(nogil=True, cache=True)
def _judge(numbers, declared, present, collars, floating, largest, valid):  # type: ignore[no-untyped-def]
    bands, height, width = numbers.shape
    zero = np.empty(width, dtype=np.uint8)
    for row in range(height):
        line = valid[row]
        line[:] = 1
        zero[:] = 1
        for band in range(bands):
            values = numbers[band, row]
            if present[band]:
                missing = declared[band]
                for column in range(width):
                    line[column] &= np.uint8(values[column] != missing)
            if floating:
                for column in range(width):
                    # Also False for NaN.
                    line[column] &= np.uint8(abs(values[column]) < largest)
            if collars:
                for column in range(width):
                    zero[column] &= np.uint8(values[column] == 0)
        if collars:
            for column in range(width):
                line[column] &= np.uint8(1) - zero[column]


@njit(nogil=True, cache=True)
def _scale(numbers, factor, term, valid, rows, out, at):  # type: ignore[no-untyped-def]
    bands, _, width = numbers.shape
    for band in range(bands):
        gain, shift = factor[band], term[band]
        for row in range(rows[0], rows[1]):
            line, there, into = numbers[band, row], valid[row], out[band, at + row - rows[0]]
            for column in range(width):
                scaled = np.float32(line[column]) * gain + shift
                into[column] = scaled if there[column] else np.float32(0.0)
