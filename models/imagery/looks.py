"""Reading scenes window by window on one grid, as reflectance where the ground is seen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from gossan.core.bands import Band, match
from gossan.core.errors import BandMismatchError, InputError
from gossan.core.grids import Grid, GridView
from gossan.core.raster import Raster, Window, open_raster
from gossan.core.remote import RemoteAccess, is_remote
from gossan.models.imagery import clear_sky
from gossan.models.imagery.scene import BandSource, Scene

if TYPE_CHECKING:
    from typing_extensions import Self

OPEN_FILES = 800
"""Files held open at once where the operating system allows it: each is asked for in every window,
and opening one on a server again costs two requests."""

_OVERVIEW_SIDE = 512
"""Pixels of the longer side at which a mask is looked through for its share of clouds."""


@dataclass(frozen=True)
class Look:
    """A scene that takes part in a composite.

    Parameters
    ----------
    scene : Scene
    bands : tuple of BandSource
        Of the composite's bands, in their order.
    mask : str or None
        Kind of the mask that is used; None where all is taken as clear.
    """

    scene: Scene
    bands: tuple[BandSource, ...]
    mask: str | None


class LookReader:
    """Reads looks on a grid; use it in a ``with`` statement, from one thread at a time.

    Files are opened when a window first needs them, and no window is read of what is clouded over
    or out of a scene's reach.

    Parameters
    ----------
    looks : sequence of Look
    grid : Grid
    access : RemoteAccess
    nearest : bool
        Take the nearest pixel of coarser bands instead of interpolating.
    """

    def __init__(
        self, looks: Sequence[Look], grid: Grid, access: RemoteAccess, *, nearest: bool = False
    ) -> None:
        self.looks = tuple(looks)
        self.grid = grid
        self._access = access
        self._nearest = nearest
        self._most_open = files_allowed()
        self._views: OrderedDict[tuple[str, bool], GridView] = OrderedDict()
        self._clear: dict[int, np.ndarray] = {}
        self._clear_of: Window | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._views:
            self._views.popitem()[1].close()

    def read(self, window: Window, bands: Sequence[int]) -> np.ndarray:
        """Read bands of all looks that see something in a window.

        Parameters
        ----------
        window : Window
            Of the grid.
        bands : sequence of int
            Positions among the looks' bands.

        Returns
        -------
        ndarray (looks, bands, rows, columns), float32
            Reflectance, NaN where it is missing or not clear; looks without any clear pixel are
            not among them.
        """
        if window != self._clear_of:
            clear = {
                number: self._clear_pixels(number, window) for number in range(len(self.looks))
            }
            self._clear = {number: seen for number, seen in clear.items() if seen.any()}
            self._clear_of = window
        shape = (len(self._clear), len(bands), window.height, window.width)
        values = np.empty(shape, dtype=np.float32)
        for place, (number, seen) in enumerate(self._clear.items()):
            for position, band in enumerate(bands):
                here = values[place, position]
                here[:] = self._reflectance(self.looks[number].bands[band], window)
                here[~seen] = np.nan
        return values

    def _clear_pixels(self, number: int, window: Window) -> np.ndarray:
        look = self.looks[number]
        none = np.zeros((window.height, window.width), dtype=bool)
        reach = self._view(look.bands[0].path, mask=False).window
        if reach is None or not _meet(reach, window):
            return none
        if look.mask is None:
            return ~none
        source = look.scene.masks[look.mask]
        view = self._view(source.path, mask=True)
        if view.window is None:
            return none
        values = view.read(window, [source.index], scaled=False)
        if look.mask == "classi" and view.raster.info.count > source.index + 1:
            # Opaque clouds in the first band, cirrus in the second.
            cirrus = view.read(window, [source.index + 1], scaled=False)
            values = np.maximum(values, cirrus)
        return clear_sky.clear(look.mask, values[..., 0])

    def _reflectance(self, source: BandSource, window: Window) -> np.ndarray:
        values = self._view(source.path, mask=False).read(window, [source.index], scaled=False)
        band = values[..., 0]
        return band * np.float32(source.gain) + np.float32(source.shift)

    def _view(self, path: str, *, mask: bool) -> GridView:
        key = (path, mask)
        if key in self._views:
            self._views.move_to_end(key)
            return self._views[key]
        while len(self._views) >= self._most_open:
            self._views.popitem(last=False)[1].close()
        raster = open_image(path, self._access, mask=mask)
        try:
            view = GridView(raster, self.grid, nearest=mask or self._nearest)
        except BaseException:
            raster.close()
            raise
        self._views[key] = view
        return view


def files_allowed() -> int:
    """Return how many files may be held open: half of what the system allows, within reason."""
    try:
        import resource
    except ImportError:  # Windows, whose limit is higher
        return OPEN_FILES
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return OPEN_FILES
    return max(min(OPEN_FILES, allowed // 2), 8)


def open_image(path: str, access: RemoteAccess, *, mask: bool = False) -> Raster:
    """Open a file of a scene, near or far.

    Integer images without a nodata value have none where they are 0, as those of all satellites
    do; masks have no nodata, for 0 is a statement of theirs.
    """
    if is_remote(path):
        with access.environment():
            raster = open_raster(path)
    else:
        raster = open_raster(path)
    info = raster.info
    if mask:
        raster.info = replace(info, nodata=(None,) * info.count)
    elif info.is_integer:
        nodata = tuple(0.0 if value is None else value for value in info.nodata)
        raster.info = replace(info, nodata=nodata)
    return raster


def measured_cloud(scene: Scene, kind: str, access: RemoteAccess) -> float | None:
    """Return the share of a scene that its mask shows as cloud, from a coarse look at it."""
    source = scene.masks[kind]
    with open_image(source.path, access, mask=True) as raster:
        values = _coarse(raster, source.index)
        if kind == "classi" and raster.info.count > source.index + 1:
            values = np.maximum(values, _coarse(raster, source.index + 1))
    image = scene.bands[0][1]
    with open_image(image.path, access) as raster:
        seen = _coarse(raster, image.index, shape=values.shape)
        missing = raster.info.nodata[image.index]
    known = np.isfinite(seen) & (seen != missing)
    return clear_sky.cloud_share(kind, values, known)


def _coarse(raster: Raster, index: int, shape: tuple[int, ...] | None = None) -> np.ndarray:
    info = raster.info
    step = max(info.height, info.width) / _OVERVIEW_SIDE
    if shape is None:
        shape = (
            max(round(info.height / max(step, 1)), 1),
            max(round(info.width / max(step, 1)), 1),
        )
    values: np.ndarray = raster.dataset.read(index + 1, out_shape=shape).astype(np.float32)
    return values


def common_bands(scenes: Sequence[Scene], wanted: Sequence[str]) -> list[Band]:
    """Return the bands of a composite: those asked for, or all that every scene has.

    Parameters
    ----------
    scenes : sequence of Scene
    wanted : sequence of str
        Names such as ``B4``; empty for the bands of the first scene that all others have too.

    Raises
    ------
    InputError
        When a band that was asked for is missing in the first scene, or nothing is common.
    """
    first = [band for band, _ in scenes[0].bands]
    if wanted:
        asked = [Band(number, name) for number, name in enumerate(wanted)]
        chosen = [first[position] for position in match(asked, first)]
    else:
        chosen = [band for band in first if all(_has(scene, band) for scene in scenes)]
    if not chosen:
        raise InputError(
            f"{scenes[0].name} has no band that all other scenes have too. Choose scenes of one "
            "satellite, or name the bands."
        )
    return [replace(band, index=number) for number, band in enumerate(chosen)]


def by_position(scenes: Sequence[Scene]) -> list[Scene]:
    """Return the scenes with their bands named after those of the first one, in their order.

    Raises
    ------
    InputError
        When they do not have equally many.
    """
    first = [band for band, _ in scenes[0].bands]
    for scene in scenes:
        if len(scene.bands) != len(first):
            raise InputError(
                f"{scene.name} has {len(scene.bands)} bands and {scenes[0].name} {len(first)}, so "
                "they cannot be matched by position. Choose scenes with the same bands."
            )
    return [
        replace(scene, bands=tuple(zip(first, (source for _, source in scene.bands))))
        for scene in scenes
    ]


def sources_of(scene: Scene, bands: Sequence[Band]) -> tuple[BandSource, ...]:
    """Return where a scene has the bands of a composite; raises `BandMismatchError`."""
    available = [band for band, _ in scene.bands]
    return tuple(scene.bands[position][1] for position in match(bands, available))


def _has(scene: Scene, band: Band) -> bool:
    try:
        sources_of(scene, [band])
    except BandMismatchError:
        return False
    return True


def _meet(first: Window, second: Window) -> bool:
    return (
        first.row < second.row + second.height
        and second.row < first.row + first.height
        and first.column < second.column + second.width
        and second.column < first.column + first.width
    )
