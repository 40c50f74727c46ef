"""Reading an image of one file or many as reflectance, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from gossan.core.grids import Grid, GridView
from gossan.core.landsat_mtl import Rescaling
from gossan.core.raster import Window, open_raster
from gossan.models.imagery.calibrated_bands import CalibratedBand

if TYPE_CHECKING:
    from typing_extensions import Self


class CalibratedImage:
    """The bands of an image in reflectance, on the grid of the first; use it in ``with``.

    Parameters
    ----------
    bands : sequence of CalibratedBand
    collars : bool
        Pixels that are 0 in every band are missing.
    """

    def __init__(self, bands: Sequence[CalibratedBand], *, collars: bool = True) -> None:
        self.bands = tuple(bands)
        self._collars = collars
        self._views: dict[str, GridView] = {}
        first = open_raster(bands[0].source.path)
        self.info = first.info
        self.grid = Grid.of(first.info)
        self._views[bands[0].source.path] = GridView(first, self.grid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for view in self._views.values():
            view.close()

    @property
    def resampled(self) -> list[str]:
        """Files whose pixels are not those of the first one, among those opened so far."""
        return [path for path, view in self._views.items() if view.is_resampled]

    def read(self, window: Window, corrections: Sequence[Rescaling] = ()) -> np.ndarray:
        """Read a window as reflectance (rows, columns, bands), float32, NaN where missing.

        Parameters
        ----------
        window : Window
        corrections : sequence of Rescaling
            Of each band, after its calibration; none when empty.
        """
        values = np.empty((window.height, window.width, len(self.bands)), dtype=np.float32)
        dark = np.ones((window.height, window.width), dtype=bool)
        for position, band in enumerate(self.bands):
            source = band.source
            stored = self._view(source.path).read(window, [source.index], scaled=False)[..., 0]
            zero = stored == 0
            dark &= zero | ~np.isfinite(stored)
            gain, shift = source.gain, source.shift
            if corrections:
                more = corrections[position]
                gain, shift = gain * more.gain, shift * more.gain + more.offset
            values[..., position] = stored * np.float32(gain) + np.float32(shift)
            if band.zero_is_missing:
                values[..., position][zero] = np.nan
        if self._collars:
            values[dark] = np.nan
        return values

    def _view(self, path: str) -> GridView:
        if path not in self._views:
            raster = open_raster(path)
            try:
                self._views[path] = GridView(raster, self.grid)
            except BaseException:
                raster.close()
                raise
        return self._views[path]
