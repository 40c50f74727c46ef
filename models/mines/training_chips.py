"""Chips as what a network learns from: reflectance, classes of cells or of chips, places."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gossan.core.bands import Band, match
from gossan.core.errors import InputError, naming
from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.models.mines import geometry
from gossan.models.mines.chips import (
    BACKGROUND_CLASSES,
    CELL_BACKGROUND,
    CELL_MINE,
    IMPACTS,
    MINE_CLASSES,
    TILE,
    Chip,
    read_chips,
)
from gossan.models.mines.image_grid import LARGEST_DIFFERENCE, pixel_metres
from gossan.models.mines.model_file import BandScaling

MEMORY = 768 << 20
"""Bytes of chips that are kept in memory; others are read again in every epoch."""

_SINGLE = (geometry.EXACT_CHIP, geometry.PUBLISHED_CHIP)
_CELLS_OF_A_TILE = 3

UNKNOWN = -1
"""Class of a cell that does not count."""


@dataclass(frozen=True)
class Item:
    """A chip to learn from.

    Parameters
    ----------
    path : Path
        Its image.
    chip : Chip
    classes : ndarray of int
        Class of each cell (cells, cells), `UNKNOWN` where it does not count; of an impact chip
        its one class, shape ().
    """

    path: Path
    chip: Chip
    classes: np.ndarray

    @property
    def counted(self) -> np.ndarray:
        """The classes that count, shape (n,)."""
        return np.atleast_1d(self.classes)[np.atleast_1d(self.classes) != UNKNOWN]


class TrainingChips:
    """The chips of a training, read when they are needed.

    Attributes
    ----------
    items : tuple of Item
    bands : tuple of Band
        What the network sees, in its order.
    classes : tuple of str
        Names of the classes.
    ground_sampling_distance : float or None
        Metres per pixel, the median of the chips.
    """

    def __init__(
        self,
        items: Sequence[Item],
        bands: Sequence[Band],
        classes: Sequence[str],
        ground_sampling_distance: float | None,
    ) -> None:
        self.items = tuple(items)
        self.bands = tuple(bands)
        self.classes = tuple(classes)
        self.ground_sampling_distance = ground_sampling_distance
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.items)

    def reflectance(self, index: int) -> np.ndarray:
        """Return a chip (rows, columns, bands), float32, NaN where missing.

        Raises
        ------
        FileError
            When it is missing or damaged.
        """
        if index in self._kept:
            return self._kept[index]
        path = self.items[index].path
        with open_raster(path) as raster, naming(str(path)):
            values = raster.read(indexes=match(self.bands, raster.info.bands))
        values = np.ascontiguousarray(values)
        if self._bytes + values.nbytes <= MEMORY:
            self._kept[index] = values
            self._bytes += values.nbytes
        return values

    def scaling(self, chosen: Sequence[int], progress: Progress) -> BandScaling:
        """Return mean and standard deviation per band of the pixels of some chips.

        Raises
        ------
        InputError
            When a band is the same everywhere or no pixel is valid.
        """
        count = len(self.bands)
        pixels, added, squares = 0, np.zeros(count), np.zeros(count)
        for number, index in enumerate(chosen):
            progress.fraction(number / len(chosen))
            values = self.reflectance(index)
            valid = values[np.isfinite(values).all(axis=-1)].astype(np.float64)
            pixels += len(valid)
            added += valid.sum(axis=0)
            squares += (valid**2).sum(axis=0)
        if not pixels:
            raise InputError("The chips have no valid pixel. Cut them from another image.")
        mean = added / pixels
        deviation = np.sqrt(np.maximum(squares / pixels - mean**2, 0.0))
        flat = [str(band) for band, spread in zip(self.bands, deviation) if spread <= 1e-9]
        if flat:
            raise InputError(
                f"{', '.join(flat)}: the same number in all chips, so nothing can be learnt from "
                "it. Cut the chips from an image without that band."
            )
        return BandScaling(mean, deviation)

    def metres(self) -> np.ndarray:
        """Return where the chips lie, metres east and north (n, 2), on a plane around them.

        Chips without longitude and latitude are placed by the coordinates of their image.
        """
        chips = [item.chip for item in self.items]
        if any(math.isnan(chip.longitude) or math.isnan(chip.latitude) for chip in chips):
            return np.array([[chip.x, chip.y] for chip in chips])
        degrees = np.array([[chip.longitude, chip.latitude] for chip in chips])
        shrink = math.cos(math.radians(float(degrees[:, 1].mean())))
        return degrees * np.array([111_320.0 * shrink, 110_570.0])

    def sides(self) -> np.ndarray:
        """Return the side of each chip on the ground (n,), metres; of pixels where unknown."""
        metres = self.ground_sampling_distance or 1.0
        return np.array([item.chip.size * metres for item in self.items])


def detector_chips(
    folders: Sequence[str], progress: Progress, *, bands: Sequence[Band] = ()
) -> TrainingChips:
    """Read chips that teach the detector: single cells and tiles, mine or background.

    Parameters
    ----------
    folders : sequence of str
    bands : sequence of Band
        Those of the model that is taught further; those of the first chip when empty.

    Raises
    ------
    FileError, InputError
        When chips are missing, damaged, of other bands, sizes or classes; the message names them.
    """
    items = []
    for folder, chips in _tables(folders):
        for chip in chips:
            cells = geometry.cells(chip.size)
            if chip.size not in _SINGLE and (chip.klass != TILE or cells < _CELLS_OF_A_TILE):
                raise InputError(
                    f"{folder / chip.chip} has {chip.size} pixels, and the detector needs chips of "
                    f"{geometry.EXACT_CHIP} (or {geometry.PUBLISHED_CHIP} as published), or tiles. "
                    "Impact chips teach the impact classifier."
                )
            if chip.klass == TILE:
                classes = _cells_of(folder, chip, cells)
            else:
                classes = np.full((cells, cells), UNKNOWN, dtype=np.int32)
                classes[cells // 2, cells // 2] = _is_mine(folder, chip)
            items.append(Item(folder / chip.chip, chip, classes))
    return _gathered(items, bands, ("background", "mine"), progress)


def impact_chips(
    folders: Sequence[str], progress: Progress, *, bands: Sequence[Band] = ()
) -> TrainingChips:
    """Read chips that teach the impact classifier; parameters and exceptions as above."""
    items = []
    for folder, chips in _tables(folders):
        for chip in chips:
            if chip.size != geometry.IMPACT_CHIP:
                raise InputError(
                    f"{folder / chip.chip} has {chip.size} pixels, and the impact classifier needs "
                    f"chips of {geometry.IMPACT_CHIP}. Cut them with the kind 'impact: 21 px'."
                )
            klass = "no ore" if chip.klass in BACKGROUND_CLASSES else chip.klass
            if klass not in IMPACTS:
                raise InputError(
                    f"{folder / chip.chip} is of the class {chip.klass!r}, and the impact "
                    f"classifier knows {', '.join(IMPACTS)} only. Turn ores into impacts when the "
                    "chips are cut."
                )
            items.append(Item(folder / chip.chip, chip, np.array(IMPACTS.index(klass))))
    return _gathered(items, bands, IMPACTS, progress)


def _tables(folders: Sequence[str]) -> Iterator[tuple[Path, list[Chip]]]:
    if not folders:
        raise InputError("No chips were given. Choose at least one folder of chips.")
    for folder in folders:
        yield read_chips(folder)


def _is_mine(folder: Path, chip: Chip) -> int:
    if chip.klass in MINE_CLASSES:
        return 1
    if chip.klass in BACKGROUND_CLASSES:
        return 0
    raise InputError(
        f"{folder / chip.chip} is of the class {chip.klass!r}. The detector takes "
        f"{', '.join(sorted(MINE_CLASSES))} for mines and {', '.join(sorted(BACKGROUND_CLASSES))} "
        "for what is none; rename the class in chips.csv or cut the chips again."
    )


def _cells_of(folder: Path, chip: Chip, cells: int) -> np.ndarray:
    if not chip.cells:
        raise InputError(f"{folder / chip.chip} is a tile without the classes of its cells.")
    path = folder / chip.cells
    with open_raster(path) as raster:
        stored = raster.read_stored()[..., 0].astype(np.int32)
    if stored.shape != (cells, cells):
        raise InputError(
            f"{path} has {stored.shape[0]} x {stored.shape[1]} cells, and its chip of {chip.size} "
            f"pixels has {cells} x {cells}. Cut the chips again."
        )
    classes = np.full(stored.shape, UNKNOWN, dtype=np.int32)
    classes[stored == CELL_MINE] = 1
    classes[stored == CELL_BACKGROUND] = 0
    return classes


def _gathered(
    items: Sequence[Item], bands: Sequence[Band], classes: Sequence[str], progress: Progress
) -> TrainingChips:
    """Look at every chip's header: size, bands and ground sampling distance."""
    wanted = tuple(bands)
    distances = []
    for number, item in enumerate(items):
        if number % 50 == 0:
            progress.fraction(number / len(items))
        with open_raster(item.path) as raster:
            info = raster.info
            if (info.height, info.width) != (item.chip.size, item.chip.size):
                raise InputError(
                    f"{item.path} has {info.height} x {info.width} pixels, and chips.csv says "
                    f"{item.chip.size}. Cut the chips again."
                )
            if not wanted:
                wanted = info.bands
            with naming(str(item.path)):
                match(wanted, info.bands)
            if not bands and len(info.bands) != len(wanted):
                raise InputError(
                    f"{item.path} has {len(info.bands)} bands, and {items[0].path} has "
                    f"{len(wanted)}. Train with chips of one kind of image."
                )
            metres = pixel_metres(info, info.height / 2, info.width / 2)
            if metres is not None:
                distances.append((math.sqrt(metres[0] * metres[1]), item.path))
    middle = float(np.median([side for side, _ in distances])) if distances else None
    for side, path in distances:
        if middle and abs(side / middle - 1.0) > LARGEST_DIFFERENCE:
            raise InputError(
                f"{path} has pixels of {side:.3g} m, and most chips {middle:.3g} m. Resample its "
                "image to that before its chips are cut."
            )
    counted = np.concatenate([item.counted for item in items])
    present = np.bincount(counted, minlength=len(classes)) if counted.size else np.zeros(1)
    if np.count_nonzero(present) < 2:
        only = classes[int(np.argmax(present))] if counted.size else "none"
        raise InputError(
            f"The chips show one class only ({only}); a network learns from two or more. Add a "
            "folder of chips of another class, for example around background points."
        )
    for name, count in zip(classes, present):
        if not count:
            progress.warn(f"No chip is of the class {name}: the network will never answer that.")
    return TrainingChips(items, wanted, classes, middle)
