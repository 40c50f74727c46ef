"""Writing a composite: steps that fit the memory budget, bands in place, looks counted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from gossan.core.bands import Band
from gossan.core.blocks import Block, plan, run
from gossan.core.progress import Progress
from gossan.core.raster import RasterWriter
from gossan.core.windows import BLOCKS_IN_MEMORY, DATA_BUDGET
from gossan.models.imagery import compositing
from gossan.models.imagery.looks import LookReader

NUMBER_TYPES = ("reflectance x 10000", "reflectance")
"""How a composite is stored: as whole numbers in 16 bits with their scale, or as float32."""

STORED_SCALE = 1e-4
_SIDES = (1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32)
_COPIES = 2
"""Arrays of the size of what is read that a computation holds besides it."""


@dataclass(frozen=True)
class CompositeOptions:
    """How looks become one image.

    Parameters
    ----------
    method : str
        One of `gossan.models.imagery.compositing.METHODS`.
    number_type : str
        One of `NUMBER_TYPES`.
    """

    method: str = "median"
    number_type: str = "reflectance x 10000"

    @property
    def is_stored_whole(self) -> bool:
        """Whether the composite is written as whole numbers."""
        return self.number_type == NUMBER_TYPES[0]


@dataclass(frozen=True)
class _Step(Block):
    """A window of the composite and the bands that are computed of it at once."""

    bands: tuple[int, ...]


@dataclass
class Tally:
    """What came out: pixels, those with a clear look, the sum of looks, values cut to the range."""

    pixels: int = 0
    seen: int = 0
    looks: int = 0
    cut: int = 0
    most: int = 0


def write_composite(
    reader: LookReader,
    bands: Sequence[Band],
    options: CompositeOptions,
    output: str,
    counts: str,
    tags: dict[str, str],
    progress: Progress,
) -> Tally:
    """Compute a composite window by window and write it.

    Parameters
    ----------
    reader : LookReader
    bands : sequence of Band
        Of the composite, in the order of the looks' bands.
    options : CompositeOptions
    output, counts : str
        Rasters of the bands and of the number of clear looks; the latter is not written when "".
    tags : dict
        For both.
    progress : Progress

    Returns
    -------
    Tally
    """
    grid, tally = reader.grid, Tally()
    together = len(bands) if options.method == "medoid" else 1
    windows = plan(
        grid.height, grid.width, rows=(side := _side(len(reader.looks), together)), columns=side
    )
    steps = [
        _Step(block.inner, block.outer, chosen)
        for block in windows
        for chosen in _groups(len(bands), together)
    ]
    place: dict[str, Any] = {
        "crs_wkt": grid.crs_wkt or None,
        "transform": grid.transform,
        "tags": tags,
    }
    spectral = [band.wavelength for band in bands if band.wavelength is not None]
    widths = [band.fwhm for band in bands if band.fwhm is not None]
    with ExitStack() as files:
        image = files.enter_context(
            RasterWriter(
                output,
                grid.height,
                grid.width,
                bands=[band.name for band in bands],
                dtype="uint16" if options.is_stored_whole else "float32",
                wavelengths=spectral if len(spectral) == len(bands) else None,
                fwhm=widths if len(widths) == len(bands) == len(spectral) else None,
                scale=STORED_SCALE if options.is_stored_whole else None,
                **place,
            )
        )
        looks = None
        if counts:
            looks = files.enter_context(
                RasterWriter(
                    counts, grid.height, grid.width, bands=["clear looks"], dtype="uint16", **place
                )
            )
        pending = _Pending(len(bands))

        def compute(_: Block, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            if options.method == "medoid":
                chosen, number = compositing.medoid(values)
                return np.moveaxis(chosen, 0, -1), number
            chosen, number = compositing.median(values[:, 0])
            return chosen[..., np.newaxis], number

        def consume(step: Block, result: tuple[np.ndarray, np.ndarray]) -> None:
            whole = pending.add(cast("_Step", step), *result)
            if whole is None:
                return
            values, number = whole
            tally.pixels += number.size
            tally.seen += int((number > 0).sum())
            tally.looks += int(number.sum(dtype=np.int64))
            tally.most = max(tally.most, int(number.max()))
            image.write(step.inner, _stored(values, tally) if options.is_stored_whole else values)
            if looks is not None:
                looks.write(step.inner, number)

        run(
            steps,
            lambda step: reader.read(step.inner, cast("_Step", step).bands),
            compute,
            consume,
            progress,
        )
    return tally


class _Pending:
    """Gathers the bands of a window, which come one after the other."""

    def __init__(self, bands: int) -> None:
        self._bands = bands
        self._values: np.ndarray | None = None
        self._number: np.ndarray | None = None
        self._have = 0

    def add(
        self, step: _Step, values: np.ndarray, number: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Take in some bands; return all of them, with the fewest looks of any, once complete."""
        if len(step.bands) == self._bands:
            return values, number
        if self._values is None or self._number is None:
            shape = (step.inner.height, step.inner.width, self._bands)
            self._values, self._number = np.empty(shape, dtype=np.float32), number
        self._values[..., step.bands] = values
        self._number = np.minimum(self._number, number)
        self._have += len(step.bands)
        if self._have < self._bands:
            return None
        whole = self._values, self._number
        self._values = self._number = None
        self._have = 0
        return whole


def _stored(values: np.ndarray, tally: Tally) -> np.ndarray:
    """Return reflectance as whole numbers from 1, 0 where it is missing."""
    missing = np.isnan(values)
    numbers = np.rint(np.where(missing, 0.0, values) / np.float32(STORED_SCALE))
    tally.cut += int(((numbers < 0) | (numbers > 65535)).sum())
    stored = np.clip(numbers, 1, 65535).astype(np.uint16)
    stored[missing] = 0
    return stored


def _groups(bands: int, together: int) -> list[tuple[int, ...]]:
    return [tuple(range(first, first + together)) for first in range(0, bands, together)]


def _side(looks: int, together: int) -> int:
    """Return the side of a window whose looks fit the memory budget, pixels.

    For a window in hand there are the masks of all looks, and up to three readings of all looks in
    the bands that are computed at once, one of them with the computation's own arrays.
    """
    pixel = looks * (1 + 4 * together * (BLOCKS_IN_MEMORY + _COPIES))
    fitting = [side for side in _SIDES if side * side * pixel <= DATA_BUDGET // 2]
    return fitting[0] if fitting else _SIDES[-1]
