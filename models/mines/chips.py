"""Chips: small images around places, in a folder with a table of what each one shows.

The folder holds ``chips.csv``, ``chips/*.tif`` (the numbers of the image as stored, its bands,
scale, place and missing pixels) and, for tiles, ``cells/*.tif`` with the class of every cell.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from affine import Affine

from gossan.core.errors import FileError, InputError
from gossan.core.origin import Origin
from gossan.core.raster import Raster, RasterWriter, Window
from gossan.core.samples import read_table
from gossan.core.tables import write_table
from gossan.models.mines import geometry
from gossan.models.mines.image_grid import longitude_latitude
from gossan.models.mines.image_scale import Scale

TABLE, IMAGES, CELLS = "chips.csv", "chips", "cells"
CONTENTS = frozenset({TABLE, IMAGES, CELLS})
"""What a folder of chips holds."""

MINE, BACKGROUND, TILE = "mine", "background", "tile"
HIGH, LOW, NO_ORE = "high impact", "low impact", "no ore"
MINE_CLASSES = frozenset({MINE, "dam", "tailings", HIGH, LOW})
BACKGROUND_CLASSES = frozenset({BACKGROUND, NO_ORE})
IMPACTS = (HIGH, LOW, NO_ORE)

LEFT_OUT, CELL_BACKGROUND, CELL_MINE = 0, 1, 2
"""Values of the rasters in ``cells``."""


@dataclass(frozen=True)
class Chip:
    """A row of ``chips.csv``.

    Parameters
    ----------
    chip : str
        Path of the image, relative to the folder.
    klass : str
        What it shows; ``tile`` where each cell has a class of its own.
    group : str
        Site that a split must not part; empty where unknown.
    x, y : float
        Its place in the image's CRS (pixels where the image has none).
    crs : str
        WKT or authority code, empty where there is none.
    longitude, latitude : float
        WGS 84, NaN where unknown.
    source : str
        File name of the image.
    row, column : float
        Its place in the image, corner-based pixels.
    size : int
        Side, pixels.
    origin : str
        ``points``, ``masks``, ``background`` or ``reviewed``.
    note : str
    cells : str
        Path of the classes of the cells, relative to the folder; empty unless it is a tile.
    """

    chip: str
    klass: str
    group: str
    x: float
    y: float
    crs: str
    longitude: float
    latitude: float
    source: str
    row: float
    column: float
    size: int
    origin: str
    note: str = ""
    cells: str = ""


COLUMNS = tuple("class" if each.name == "klass" else each.name for each in fields(Chip))
_OPTIONAL = {"cells", "note", "longitude", "latitude", "group", "origin"}


@dataclass(frozen=True)
class Label:
    """What a chip is to be called: see `Chip`."""

    klass: str
    origin: str
    group: str = ""
    note: str = ""


@dataclass(frozen=True)
class ChipImage:
    """An open image that chips are cut from.

    Parameters
    ----------
    raster : Raster
    scale : Scale
        From its numbers to reflectance.
    crs : str
        Authority code or WKT of its CRS.
    collars : bool
        Pixels that are zero in every band count as missing.
    """

    raster: Raster
    scale: Scale
    crs: str = ""
    collars: bool = True

    def holds(self, window: Window) -> bool:
        """Tell whether a window lies within the image."""
        info = self.raster.info
        return (
            window.row >= 0
            and window.column >= 0
            and window.row + window.height <= info.height
            and window.column + window.width <= info.width
        )

    def missing(self, window: Window) -> np.ndarray:
        """Return where pixels lack a band or are all zero (rows, columns)."""
        values = self.raster.read(window, scaled=False)
        missing = ~np.isfinite(values).all(axis=-1)
        if self.collars:
            missing |= (values == 0).all(axis=-1)
        return missing


class ChipWriter:
    """Cuts chips from images into a folder; `finish` writes the table.

    Parameters
    ----------
    folder : Path
        An empty folder.
    origin : Origin
        What makes them.
    """

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.folder = folder
        self.origin = origin
        self.chips: list[Chip] = []
        (folder / IMAGES).mkdir()

    def cut(
        self,
        image: ChipImage,
        window: Window,
        place: tuple[float, float],
        label: Label,
        *,
        missing: np.ndarray | None = None,
        cells: np.ndarray | None = None,
    ) -> Chip:
        """Cut a chip.

        Parameters
        ----------
        image : ChipImage
        window : Window
            Within the image; square.
        place : tuple of float
            Row and column that it stands for, corner-based pixels.
        label : Label
        missing : ndarray of bool (rows, columns), optional
            From `ChipImage.missing`, where that was asked for already.
        cells : ndarray of uint8, optional
            Class of each cell of a tile.
        """
        info = image.raster.info
        number = f"{len(self.chips) + 1:06d}.tif"
        stored = image.raster.read_stored(window)
        nodata = _nodata(info.dtype)
        stored[image.missing(window) if missing is None else missing] = nodata
        placed = _moved(info.transform, window.column, window.row)
        wavelengths = [band.wavelength for band in info.bands]
        known = all(value is not None for value in wavelengths)
        widths = [band.fwhm for band in info.bands]
        writer = RasterWriter(
            self.folder / IMAGES / number,
            window.height,
            window.width,
            bands=[band.name for band in info.bands],
            dtype=info.dtype,
            crs_wkt=info.crs_wkt,
            transform=placed,
            nodata=nodata,
            tags=self.origin.tags(),
            wavelengths=wavelengths if known else None,  # type: ignore[arg-type]
            fwhm=widths if known and all(widths) else None,  # type: ignore[arg-type]
            scale=image.scale.gain.tolist(),
            offset=image.scale.shift.tolist(),
        )
        with writer:
            writer.write(Window(0, 0, window.height, window.width), stored)
        if cells is not None:
            self._write_cells(number, cells, placed, info.crs_wkt)
        chip = self._row(image, window, place, label, number, has_cells=cells is not None)
        self.chips.append(chip)
        return chip

    def finish(self) -> None:
        """Write the table.

        Raises
        ------
        InputError
            When there is no chip.
        """
        if not self.chips:
            raise InputError(
                "No chip could be cut. Check that the points or masks lie on the images, far "
                "enough from their edges."
            )
        write_table(self.folder / TABLE, COLUMNS, [astuple(chip) for chip in self.chips])

    def _row(
        self,
        image: ChipImage,
        window: Window,
        place: tuple[float, float],
        label: Label,
        number: str,
        *,
        has_cells: bool,
    ) -> Chip:
        info = image.raster.info
        row, column = place
        x, y = (column, row) if info.transform is None else info.transform @ (column, row)
        found = longitude_latitude(info.crs_wkt, np.array([x]), np.array([y]))
        longitude, latitude = (math.nan, math.nan) if found is None else (v[0] for v in found)
        return Chip(
            chip=f"{IMAGES}/{number}",
            klass=label.klass,
            group=label.group,
            x=float(x),
            y=float(y),
            crs=image.crs,
            longitude=float(longitude),
            latitude=float(latitude),
            source=os.path.basename(info.path),
            row=float(row),
            column=float(column),
            size=window.height,
            origin=label.origin,
            note=label.note,
            cells=f"{CELLS}/{number}" if has_cells else "",
        )

    def _write_cells(
        self, number: str, cells: np.ndarray, placed: Affine | None, crs_wkt: str | None
    ) -> None:
        (self.folder / CELLS).mkdir(exist_ok=True)
        first = geometry.first_pixel(0)
        moved = _moved(placed, first, first)
        writer = RasterWriter(
            self.folder / CELLS / number,
            *cells.shape,
            bands=["cells"],
            dtype="uint8",
            crs_wkt=crs_wkt,
            transform=None if moved is None else moved @ Affine.scale(geometry.STRIDE),
            categories={CELL_BACKGROUND: BACKGROUND, CELL_MINE: MINE},
        )
        with writer:
            writer.write(Window(0, 0, *cells.shape), cells.astype(np.uint8))


def read_chips(path: str | os.PathLike[str]) -> tuple[Path, list[Chip]]:
    """Read the table of a folder of chips.

    Parameters
    ----------
    path : path
        The folder, or the ``chips.csv`` in it.

    Returns
    -------
    folder : Path
    chips : list of Chip

    Raises
    ------
    FileError
        When there is no table.
    InputError
        When it lacks a column or a row cannot be used; the message names it.
    """
    given = Path(path)
    table = given / TABLE if given.is_dir() else given
    if not table.is_file():
        raise FileError(
            f"{given} holds no chips: {TABLE} is missing. Choose a folder that Extract chips or "
            "Collect reviewed findings has written, or the table in it."
        )
    header, rows = read_table(table)
    missing = [name for name in COLUMNS if name not in header and name not in _OPTIONAL]
    if missing:
        raise InputError(
            f"{table} is no table of chips: it lacks the column {missing[0]}. Its columns are "
            f"{', '.join(header)}."
        )
    if not rows:
        raise InputError(f"{table} lists no chip.")
    chips = [
        _chip(dict(zip(header, row)), table, number) for number, row in enumerate(rows, start=1)
    ]
    return table.parent, chips


def cell_window(row: int, column: int, size: int = geometry.EXACT_CHIP) -> Window:
    """Return the chip around a cell of an image; its centre is the cell's."""
    top, left = (int(geometry.centre(cell) - size / 2) for cell in (row, column))
    return Window(top, left, size, size)


def point_window(row: float, column: float, size: int) -> Window:
    """Return the chip whose middle pixel holds a point in corner-based pixel coordinates."""
    return Window(math.floor(row) - size // 2, math.floor(column) - size // 2, size, size)


def _chip(values: dict[str, str], table: Path, number: int) -> Chip:
    where = f"Row {number} of {table}"

    def decimal(name: str, default: float | None = None) -> float:
        text = values.get(name, "").strip()
        if not text and default is not None:
            return default
        try:
            return float(text)
        except ValueError as problem:
            raise InputError(f"{where}, column {name}: {text!r} is no number.") from problem

    def inside(name: str) -> str:
        text = values.get(name, "").strip()
        parts = PurePosixPath(text.replace("\\", "/")).parts
        if os.path.isabs(text) or ".." in parts or (parts and ":" in parts[0]):
            raise InputError(f"{where}, column {name}: {text!r} leaves the folder of the chips.")
        return text

    size = decimal("size")
    if not size.is_integer() or size < 1:
        raise InputError(f"{where}, column size: {size:g} is no number of pixels.")
    klass, image = values["class"].strip(), inside("chip")
    if not klass or not image:
        raise InputError(f"{where} has no {'class' if not klass else 'chip'}.")
    return Chip(
        chip=image,
        klass=klass,
        group=values.get("group", "").strip(),
        x=decimal("x"),
        y=decimal("y"),
        crs=values["crs"],
        longitude=decimal("longitude", math.nan),
        latitude=decimal("latitude", math.nan),
        source=values["source"],
        row=decimal("row"),
        column=decimal("column"),
        size=int(size),
        origin=values.get("origin", ""),
        note=values.get("note", ""),
        cells=inside("cells"),
    )


def point_rows(chips: Sequence[Chip]) -> list[dict[str, Any]]:
    """Return the fields of chips as points: what the table says but for places and paths."""
    return [
        {
            "chip": chip.chip,
            "class": chip.klass,
            "group": chip.group,
            "source": chip.source,
            "size": chip.size,
            "origin": chip.origin,
            "note": chip.note,
            "longitude": chip.longitude,
            "latitude": chip.latitude,
        }
        for chip in chips
    ]


def _nodata(dtype: str) -> float:
    """Return what missing pixels are stored as: NaN, or the greatest integer of the type."""
    kind = np.dtype(dtype)
    return math.nan if np.issubdtype(kind, np.floating) else float(np.iinfo(kind).max)


def _moved(transform: Affine | None, columns: float, rows: float) -> Affine | None:
    return None if transform is None else transform @ Affine.translation(columns, rows)
