"""The pixels that extraction looks at: an image in memory, or a raster read strip by strip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import valid_pixels

FloatArray = npt.NDArray[np.floating[Any]]
IndexArray = npt.NDArray[np.int64]

STRIP_BYTES = 64 * 2**20
"""Size of one strip of float32 spectra; a few of them are under way at a time."""


@dataclass(frozen=True)
class Strip:
    """The valid pixels of some image rows.

    Parameters
    ----------
    positions : ndarray, shape (pixels,), int64
        Row x image width + column of each pixel.
    spectra : ndarray, shape (pixels, bands), float32
        Reflectance; often a transposed view of band-sequential memory.
    """

    positions: IndexArray
    spectra: FloatArray


class Task(Protocol):
    """Something to work out from all valid pixels in one pass."""

    def compute(self, strip: Strip) -> Any:
        """Return what one strip contributes; may run beside other strips."""

    def consume(self, result: Any) -> None:
        """Take the strips' contributions, in the image's order."""


class Scene(Protocol):
    """An image of spectra that can be gone through strip by strip, as often as needed."""

    @property
    def height(self) -> int:
        """Number of image rows."""

    @property
    def width(self) -> int:
        """Number of image columns."""

    @property
    def bands(self) -> int:
        """Number of bands in use."""

    @property
    def wavelengths(self) -> npt.NDArray[np.float64] | None:
        """Centre wavelengths (bands,) in nm of the bands in use, None where unknown."""

    def scan(self, tasks: Sequence[Task], progress: Progress) -> None:
        """Go through all valid pixels once, strip by strip, for all `tasks`."""

    def neighbourhood(self, row: int, column: int) -> tuple[FloatArray, FloatArray]:
        """Return a pixel's spectrum (bands,) and those of its valid neighbours (0 to 8, bands)."""


class ArrayScene:
    """An image in memory.

    Parameters
    ----------
    spectra : ndarray, shape (rows, columns, bands)
        Reflectance, NaN where there is none.
    wavelengths : ndarray, shape (bands,), optional
        Nanometres.
    mask : ndarray, shape (rows, columns), optional
        Pixels to use; all when None.
    collars : bool
        Leave out pixels that are zero in every band.
    """

    def __init__(
        self,
        spectra: FloatArray,
        wavelengths: npt.ArrayLike | None = None,
        *,
        mask: npt.ArrayLike | None = None,
        collars: bool = True,
    ) -> None:
        if spectra.ndim != 3:
            raise InputError(
                f"The image has {spectra.ndim} dimensions; rows, columns and bands are needed."
            )
        self.height, self.width, self.bands = (int(size) for size in spectra.shape)
        self.wavelengths = (
            None if wavelengths is None else np.asarray(wavelengths, dtype=np.float64)
        )
        if self.wavelengths is not None and self.wavelengths.shape != (self.bands,):
            raise InputError(
                f"The image has {self.bands} bands, but {self.wavelengths.size} wavelengths are "
                "given."
            )
        pixels = np.asarray(spectra, dtype=np.float32).reshape(-1, self.bands)
        self._valid = _valid(pixels, collars=collars)
        if mask is not None:
            self._valid &= np.asarray(mask, dtype=bool).reshape(-1)
        self._image = pixels.reshape(spectra.shape)
        self._positions = np.flatnonzero(self._valid)
        self._spectra = pixels if self._valid.all() else pixels[self._valid]

    def scan(self, tasks: Sequence[Task], progress: Progress) -> None:
        """Go through all valid pixels once, in pieces, for all `tasks`."""
        count = self._positions.size
        step = max(1, STRIP_BYTES // (16 * max(self.bands, 1)))
        for start in range(0, count, step):
            piece = slice(start, min(start + step, count))
            strip = Strip(self._positions[piece], self._spectra[piece])
            for task in tasks:
                task.consume(task.compute(strip))
            progress.fraction(piece.stop / count)

    def neighbourhood(self, row: int, column: int) -> tuple[FloatArray, FloatArray]:
        """Return a pixel's spectrum (bands,) and those of its valid neighbours (0 to 8, bands)."""
        top, left = max(row - 1, 0), max(column - 1, 0)
        window = (slice(top, row + 2), slice(left, column + 2))
        around = self._valid.reshape(self.height, self.width)[window].copy()
        around[row - top, column - left] = False
        return self._image[row, column], self._image[window][around]


def _valid(pixels: FloatArray, *, collars: bool) -> npt.NDArray[np.bool_]:
    """Return which pixels (pixels, bands) count; quick where all do, which is the usual case."""
    with np.errstate(invalid="ignore", over="ignore"):
        # Not a number and infinity survive a sum, so one product looks at every value.
        total = pixels @ np.ones(pixels.shape[1], dtype=pixels.dtype)
    suspects = ~np.isfinite(total) | (total == 0)
    valid = ~suspects
    valid[suspects] = valid_pixels(pixels[suspects], collar=collars)
    return valid
