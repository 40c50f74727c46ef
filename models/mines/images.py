"""Opening an image, one file or many, as the bands in reflectance that a model of mines needs."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from gossan.core.bands import Band, match
from gossan.core.errors import FileError, naming
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterInfo, Window, open_raster
from gossan.core.raster_stack import on_grid
from gossan.models.mines.image_grid import (
    LARGEST_DIFFERENCE,
    Placement,
    common_grid,
    pixel_metres,
    place,
)
from gossan.models.mines.image_scale import Scale, scale_of
from gossan.models.mines.pixels import DIRECT_TYPES, Pixels

if TYPE_CHECKING:
    from typing_extensions import Self

SUFFIXES = (".tif", ".tiff", ".vrt", ".jp2", ".img", ".dat", ".bsq")
"""Files of a folder that are taken for images; other rasters are named one by one."""

_OPEN_FILES = 24
_SAMPLE_NOTES = 3


@dataclass(frozen=True)
class ImageOptions:
    """What may have to be told about an image.

    Parameters
    ----------
    wavelengths : str
        CSV with one wavelength per band, for files whose metadata lack them.
    scale, offset : float or None
        Reflectance = stored number x scale + offset, instead of what the files say.
    by_position : bool
        Take the bands in their order, whatever their names.
    collars : bool
        Pixels that are zero in every band used count as missing.
    """

    wavelengths: str = ""
    scale: float | None = None
    offset: float | None = None
    by_position: bool = False
    collars: bool = True


@dataclass(frozen=True)
class Scene:
    """One file of an image.

    Parameters
    ----------
    info : RasterInfo
    indexes : tuple of int
        Its bands in the model's order, from 0.
    scale : Scale
        From its stored numbers to reflectance, for these bands.
    placement : Placement
        Where it lies on the image's grid.
    files : tuple of str
        The file and those that belong to it, such as the sources of a VRT.
    """

    info: RasterInfo
    indexes: tuple[int, ...]
    scale: Scale
    placement: Placement
    files: tuple[str, ...] = ()


class MineImage:
    """An open image in the bands of a model; use `open_image`, preferably in a ``with`` statement.

    One thread at a time may read. Where files overlap, the first one that is valid counts.

    Attributes
    ----------
    info : RasterInfo
        Its grid (CRS, transform, height, width) and bands in the model's order; ``path`` names the
        first file.
    scenes : tuple of Scene
        The files, in the order given.
    ground : tuple of float, or None
        Metres on the ground that a pixel spans at the middle, along columns and along rows.
    """

    def __init__(
        self,
        info: RasterInfo,
        scenes: Sequence[Scene],
        options: ImageOptions,
        ground: tuple[float, float] | None,
    ) -> None:
        self.info = info
        self.scenes = tuple(scenes)
        self.options = options
        self.ground = ground
        self._open: OrderedDict[int, Raster] = OrderedDict()

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
        """Let go of all files."""
        while self._open:
            self._open.popitem()[1].close()

    def read(self, window: Window | None = None) -> np.ndarray:
        """Read a window as reflectance.

        Parameters
        ----------
        window : Window or None
            Within the grid; None for all of it.

        Returns
        -------
        ndarray (rows, columns, bands), float32
            In the model's order of bands; a pixel is NaN in every band where one is missing.
        """
        if window is None:
            window = Window(0, 0, self.info.height, self.info.width)
        count = len(self.info.bands)
        values = np.full((window.height, window.width, count), np.nan, dtype=np.float32)
        for number, part in self.scenes_in(window):
            rows = slice(part.row - window.row, part.row - window.row + part.height)
            columns = slice(part.column - window.column, part.column - window.column + part.width)
            here = values[rows, columns]
            missing = np.isnan(here[..., 0])
            if missing.any():
                here[missing] = self._reflectance(number, part)[missing]
        return values

    def pixels(self, window: Window) -> Pixels:
        """Read a window in the numbers of its file, where one file holds all of it as they are.

        Elsewhere as reflectance, as `read` gives it.
        """
        parts = self.scenes_in(window)
        if len(parts) == 1 and parts[0][1] == window:
            number = parts[0][0]
            scene = self.scenes[number]
            if scene.placement.exact and scene.info.dtype in DIRECT_TYPES:
                own = scene.placement.window
                inside = window._replace(
                    row=window.row - own.row, column=window.column - own.column
                )
                stored = self.raster(number).read_stored(inside, scene.indexes)
                nodata = tuple(scene.info.nodata[index] for index in scene.indexes)
                return Pixels(
                    np.moveaxis(stored, -1, 0),
                    scene.scale.gain,
                    scene.scale.shift,
                    nodata,
                    self.options.collars,
                )
        count = len(self.info.bands)
        values = np.moveaxis(self.read(window), -1, 0)
        return Pixels(values, np.ones(count), np.zeros(count), (None,) * count)

    def identity(self) -> list[list[Any]]:
        """Return name, size in bytes and time of change (ns) of all files, as plain JSON.

        Without their folders, so that an image that was moved as a whole stays the same.
        """
        found: list[list[Any]] = []
        for path in sorted({path for scene in self.scenes for path in scene.files}):
            try:
                status = os.stat(path)
            except OSError:
                found.append([path, None, None])
                continue
            found.append([os.path.basename(path), status.st_size, status.st_mtime_ns])
        return found

    def scenes_in(self, window: Window) -> list[tuple[int, Window]]:
        """Return the number of each file that a window meets, and the part that they share."""
        found = []
        for number, scene in enumerate(self.scenes):
            own = scene.placement.window
            row, column = max(own.row, window.row), max(own.column, window.column)
            bottom = min(own.row + own.height, window.row + window.height)
            right = min(own.column + own.width, window.column + window.width)
            if bottom > row and right > column:
                found.append((number, Window(row, column, bottom - row, right - column)))
        return found

    def raster(self, number: int) -> Raster:
        """Return a file, opened, on its place of the grid: warped where it lies otherwise."""
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        while len(self._open) >= _OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        scene = self.scenes[number]
        raster = _open(scene.info.path, self.options)
        try:
            if not scene.placement.exact:
                raster = on_grid(raster, self._part_of_grid(scene.placement.window), nearest=False)
        except BaseException:
            raster.close()
            raise
        self._open[number] = raster
        return raster

    def _part_of_grid(self, window: Window) -> RasterInfo:
        base = self.info.transform or Affine.identity()
        return replace(
            self.info,
            height=window.height,
            width=window.width,
            transform=base @ Affine.translation(window.column, window.row),
        )

    def _reflectance(self, number: int, part: Window) -> np.ndarray:
        scene = self.scenes[number]
        own = scene.placement.window
        inside = Window(part.row - own.row, part.column - own.column, part.height, part.width)
        values = self.raster(number).read(inside, scene.indexes, scaled=False)
        missing = ~np.isfinite(values).all(axis=-1)
        if self.options.collars:
            missing |= (values == 0).all(axis=-1)
        values = values * scene.scale.gain.astype(np.float32)
        values += scene.scale.shift.astype(np.float32)
        values[missing] = np.nan
        return values


def image_files(source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return the files of an image: those given, and of folders those that are images, by name.

    Raises
    ------
    FileError
        When there is none.
    """
    given = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    files: list[str] = []
    for each in given:
        path = os.fspath(each)
        if not os.path.isdir(path):
            files.append(path)
            continue
        own = sorted(
            str(entry)
            for entry in Path(path).iterdir()
            if entry.suffix.lower() in SUFFIXES and entry.is_file() and entry.name[0] != "."
        )
        if not own:
            raise FileError(
                f"The folder {path} holds no images ({', '.join(SUFFIXES)}). Choose another one, "
                "or the files themselves."
            )
        files += own
    if not files:
        raise FileError("No image was given. Choose at least one file or a folder.")
    return files


def open_image(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    bands: Sequence[Band],
    *,
    ground_sampling_distance: float | None = None,
    options: ImageOptions | None = None,
    progress: Progress | None = None,
) -> MineImage:
    """Open an image for a model: its bands, in reflectance, at the model's pixel size.

    Parameters
    ----------
    source : path or iterable of paths
        One file, a VRT, several files or folders of them. The first file decides CRS and pixels;
        the grid holds all. Files that do not lie pixel on pixel are warped while they are read.
    bands : sequence of Band
        What the model needs, in its order.
    ground_sampling_distance : float or None
        Metres per pixel of the model; images that differ by more than a tenth are resampled to it.
    options : ImageOptions, optional
    progress : Progress, optional
        Is told what was assumed and what is resampled.

    Returns
    -------
    MineImage

    Raises
    ------
    FileError
        When a file is missing or damaged.
    InputError
        When a band is missing (`BandMismatchError`) or files have no common grid.
    """
    options, progress = options or ImageOptions(), progress or Progress()
    files = image_files(source)
    found: list[tuple[RasterInfo, tuple[int, ...], Scale, tuple[str, ...]]] = []
    for path in files:
        progress.check()
        with naming(path), _open(path, options) as raster:
            chosen = match(bands, raster.info.bands, by_position=options.by_position)
            own = tuple(raster.dataset.files) or (path,)
            found.append((raster.info, tuple(chosen), scale_of(raster, chosen), own))
    infos = [info for info, *_ in found]
    size, ground = _pixels(infos[0], ground_sampling_distance, progress)
    grid = common_grid(infos, size)
    scenes = [
        Scene(info, chosen, scale, place(info, grid), own) for info, chosen, scale, own in found
    ]
    _tell(scenes, progress)
    named = [replace(band, index=index) for index, band in enumerate(bands)]
    grid = replace(
        grid,
        count=len(named),
        bands=tuple(named),
        nodata=(None,) * len(named),
        scale=(1.0,) * len(named),
        offset=(0.0,) * len(named),
        scale_source="reflectance",
    )
    return MineImage(grid, scenes, options, ground)


def _open(path: str, options: ImageOptions) -> Raster:
    return open_raster(
        path, wavelengths=options.wavelengths, scale=options.scale, offset=options.offset
    )


def _pixels(
    info: RasterInfo, wanted: float | None, progress: Progress
) -> tuple[tuple[float, float], tuple[float, float] | None]:
    """Return how many pixels of a file one of the grid spans, and its metres on the ground."""
    ground = pixel_metres(info, info.height / 2, info.width / 2)
    if ground is None:
        if wanted is not None:
            progress.warn(
                f"{info.path} does not tell its ground sampling distance; it is taken for the "
                f"model's {wanted:g} m."
            )
        return (1.0, 1.0), None
    if wanted is None or all(abs(metres / wanted - 1.0) <= LARGEST_DIFFERENCE for metres in ground):
        return (1.0, 1.0), ground
    progress.say(
        f"{info.path} has pixels of {_metres(ground)} on the ground, the model was trained on "
        f"{wanted:g} m: the image is resampled to that while it is read."
    )
    return (wanted / ground[0], wanted / ground[1]), (wanted, wanted)


def _metres(ground: tuple[float, float]) -> str:
    across, down = ground
    return f"{across:.3g} m" if abs(across / down - 1) < 0.01 else f"{across:.3g} x {down:.3g} m"


def _tell(scenes: Sequence[Scene], progress: Progress) -> None:
    """Say what was assumed of the files, and which do not lie on the grid as they are."""
    if len(scenes) > 1:
        progress.say(f"The image consists of {len(scenes)} files.")
    notes = [note for scene in scenes for note in (*scene.info.notes, scene.scale.note) if note]
    for note in notes[:_SAMPLE_NOTES]:
        progress.say(note)
    if len(notes) > _SAMPLE_NOTES:
        progress.say(f"The same or alike holds for {len(notes) - _SAMPLE_NOTES} further notes.")
    warped = [scene.info.path for scene in scenes[1:] if not scene.placement.exact]
    if warped and scenes[0].placement.exact:
        progress.warn(
            f"{len(warped)} files do not lie on the pixels of {scenes[0].info.path} (another "
            "coordinate reference system, pixel size or origin) and are warped while they are "
            f"read, which blurs them slightly and takes longer: {warped[0]}"
            + (" and others." if len(warped) > 1 else ".")
        )
