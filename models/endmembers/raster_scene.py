"""A raster file as a scene: read strip by strip, as often as needed, never whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gossan.core.bands import usable, wavelengths_of
from gossan.core.blocks import Block, Window, run
from gossan.core.errors import InputError, naming
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterInfo, open_raster, valid_pixels
from gossan.models.endmembers.scene import Strip, Task
from gossan.models.spectra.scene import plan_blocks, reflectance_factor

FloatArray = npt.NDArray[np.floating[Any]]

_MASK_TOLERANCE = 0.01
"""How far a corner of the mask may lie from the image's, pixels."""


@dataclass(frozen=True)
class SceneFiles:
    """Where a scene comes from and which of its pixels and bands count.

    Parameters
    ----------
    raster : str
        Hyperspectral image.
    mask : str
        Raster on the same grid, pixels other than 0 are used; empty for all.
    wavelengths : str
        CSV with band wavelengths; empty for those of the raster.
    scale, offset : float, optional
        Reflectance = value * scale + offset; None for those of the raster.
    drop_water : bool
        Leave out water-vapour bands by wavelength where the raster has no bad-band list.
    collars : bool
        Leave out pixels that are zero in every band.
    """

    raster: str
    mask: str = ""
    wavelengths: str = ""
    scale: float | None = None
    offset: float | None = None
    drop_water: bool = True
    collars: bool = True


@contextmanager
def open_scene(files: SceneFiles, progress: Progress) -> Iterator[RasterScene]:
    """Open a raster as a scene and tell the log what had to be assumed.

    Raises
    ------
    InputError
        When no band is usable or the mask lies on another grid.
    FileError
        When a file is missing or damaged.
    """
    with naming(files.raster), ExitStack() as stack:
        raster = stack.enter_context(
            open_raster(
                files.raster,
                wavelengths=files.wavelengths or None,
                scale=files.scale,
                offset=files.offset,
            )
        )
        mask = None
        if files.mask:
            mask = stack.enter_context(open_raster(files.mask))
            _check_grid(mask.info, raster.info)
        yield RasterScene(raster, mask, files, progress)


class RasterScene:
    """An open raster as a scene, its bands ordered by wavelength.

    Parameters
    ----------
    raster : Raster
        Hyperspectral image.
    mask : Raster, optional
        Its first band is not zero where pixels are used.
    files : SceneFiles
        What to leave out.
    progress : Progress
        Where to log what had to be assumed.
    """

    def __init__(
        self, raster: Raster, mask: Raster | None, files: SceneFiles, progress: Progress
    ) -> None:
        self.info = raster.info
        self.height, self.width = raster.info.height, raster.info.width
        self._raster, self._mask, self._collars = raster, mask, files.collars
        self.notes: list[str] = list(raster.info.notes)
        self.indexes = self._chosen_bands(files)
        self.bands = len(self.indexes)
        self.wavelengths = wavelengths_of([raster.info.bands[index] for index in self.indexes])
        aside = Progress(on_warning=self.notes.append, cancelled=progress.cancelled)
        self._factor = reflectance_factor(raster, self.indexes, aside)
        for sentence in self.notes:
            progress.say(sentence)

    def scan(self, tasks: Sequence[Task], progress: Progress) -> None:
        """Go through all valid pixels once, strip by strip, for all `tasks`."""

        def read(block: Block) -> tuple[FloatArray, npt.NDArray[np.bool_] | None]:
            return self._read(block.outer), self._used(block.outer)

        def compute(
            block: Block, data: tuple[FloatArray, npt.NDArray[np.bool_] | None]
        ) -> list[Any]:
            strip = self._strip(block.outer, *data)
            return [task.compute(strip) for task in tasks]

        def consume(_: Block, results: list[Any]) -> None:
            for task, result in zip(tasks, results):
                task.consume(result)

        run(self.blocks(), read, compute, consume, progress)

    def blocks(self) -> list[Block]:
        """Return the plan of the strips, which follow the way the file is stored."""
        return plan_blocks(self.info, self.bands)

    def neighbourhood(self, row: int, column: int) -> tuple[FloatArray, FloatArray]:
        """Return a pixel's spectrum (bands,) and those of its valid neighbours (0 to 8, bands)."""
        top, left = max(row - 1, 0), max(column - 1, 0)
        height = min(row + 2, self.height) - top
        width = min(column + 2, self.width) - left
        window = Window(top, left, height, width)
        spectra = self._read(window)
        around = self._valid(spectra, self._used(window))
        around[row - top, column - left] = False
        return spectra[row - top, column - left], spectra[around]

    def image(self, window: Window) -> FloatArray:
        """Return the spectra (rows, columns, bands) of a window, NaN where a pixel is invalid."""
        spectra = self._read(window)
        spectra[~self._valid(spectra, self._used(window))] = np.nan
        return spectra

    def _strip(
        self, window: Window, spectra: FloatArray, used: npt.NDArray[np.bool_] | None
    ) -> Strip:
        valid = self._valid(spectra, used)
        first = window.row * self.width + window.column
        positions = first + (
            np.arange(window.height)[:, None] * self.width + np.arange(window.width)
        )
        # The memory is one plane per band; a reshaped transpose keeps it without a copy.
        pixels = np.moveaxis(spectra, -1, 0).reshape(self.bands, -1)
        if valid.all():
            return Strip(positions.reshape(-1), pixels.T)
        return Strip(positions[valid], pixels[:, valid.reshape(-1)].T)

    def _read(self, window: Window) -> FloatArray:
        spectra = self._raster.read(window, self.indexes)
        if self._factor != 1.0:
            spectra *= np.float32(self._factor)
        return spectra

    def _used(self, window: Window) -> npt.NDArray[np.bool_] | None:
        if self._mask is None:
            return None
        values = self._mask.read(window, [0], scaled=False)[..., 0]
        return np.isfinite(values) & (values != 0)

    def _valid(
        self, spectra: FloatArray, used: npt.NDArray[np.bool_] | None
    ) -> npt.NDArray[np.bool_]:
        valid = valid_pixels(spectra, collar=self._collars)
        return valid if used is None else valid & used

    def _chosen_bands(self, files: SceneFiles) -> list[int]:
        bands = self.info.bands
        good = usable(bands, drop_water=files.drop_water)
        indexes = np.flatnonzero(good)
        if indexes.size == 0:
            raise InputError(
                f"{self.info.path} has no usable band: its bad-band list or the water-vapour "
                "windows exclude all of them."
            )
        centres = wavelengths_of([bands[index] for index in indexes])
        if indexes.size < len(bands):
            self.notes.append(f"{len(bands) - indexes.size} of {len(bands)} bands are left out.")
        if centres is None:
            if files.drop_water:
                self.notes.append(
                    "The wavelengths are unknown, so water-vapour bands cannot be left out."
                )
            return [int(index) for index in indexes]
        return [int(index) for index in indexes[np.argsort(centres, kind="stable")]]


def _check_grid(mask: RasterInfo, raster: RasterInfo) -> None:
    if (mask.height, mask.width) != (raster.height, raster.width):
        raise InputError(
            f"The mask {mask.path} has {mask.height} rows and {mask.width} columns, the image "
            f"{raster.height} and {raster.width}. Bring the mask onto the image's grid."
        )
    if mask.transform and raster.transform:
        # Corner by corner: a small difference of the pixel size is a large one at the far end.
        pairs = zip(tuple(mask.transform)[:6], tuple(raster.transform)[:6])
        a, b, c, d, e, f = (own - other for own, other in pairs)
        for column, row in ((0, 0), (raster.width, 0), (0, raster.height)):
            shift = max(abs(a * column + b * row + c), abs(d * column + e * row + f))
            if shift > _MASK_TOLERANCE * (raster.pixel_size or 1.0):
                raise InputError(
                    f"The mask {mask.path} has the image's size but lies elsewhere. Bring the "
                    "mask onto the image's grid."
                )
