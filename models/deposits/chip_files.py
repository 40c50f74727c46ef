"""Chips on disk: small images from 0 to 1, with an index that tells all about each."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from gossan.core.bands import Band
from gossan.core.blocks import Window
from gossan.core.errors import FileError, InputError
from gossan.core.raster import RasterWriter, open_raster

ABOUT = "chips.json"
"""File in the folder of chips that says what holds for all of them."""

FULL = 65535
"""Stored number of the value 1; 0 stands for pixels without data."""

TRAINING, VALIDATION = "training", "validation"

_COMMODITY = "n_"
_TYPES = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass
class Chip:
    """A chip and what is known about it.

    Parameters
    ----------
    file : str
        Image, relative to the folder of the index.
    scene : str
        Name of the scene it is from.
    location : str
        Place of the scene; a location is never on both sides of a split.
    row, column : int
        Where it begins in the scene, pixels.
    longitude, latitude : float
        Of the middle of its footprint, degrees.
    spacecraft, date : str
    cloud_share : float or None
        Of the chip, by the quality band, 0 to 1.
    brightness : float
        Mean of its values.
    cloud_rank : int
        Of its scene among those of the location, 1 for the clearest.
    valid_share : float
        Share of its pixels with data.
    count : int
        Deposits in its footprint.
    commodities : dict of int
        Deposits of each commodity that was counted apart, by the name of its field (``n_gold``).
    part : str
        ``training`` or ``validation``.
    presence_set : bool
        Whether it belongs to the balanced set for presence.
    footprint : list of (longitude, latitude)
        Not in the index, but kept for the layer of chips.
    """

    file: str
    scene: str
    location: str
    row: int
    column: int
    longitude: float
    latitude: float
    spacecraft: str
    date: str
    cloud_share: float | None
    brightness: float
    cloud_rank: int
    valid_share: float
    count: int
    commodities: dict[str, int] = field(default_factory=dict)
    part: str = ""
    presence_set: bool = False
    footprint: list[list[float]] = field(default_factory=list)

    @property
    def presence(self) -> int:
        """1 where there is a deposit, else 0."""
        return int(self.count > 0)

    def fields(self) -> dict[str, Any]:
        """Return what stands in the index, by column."""
        values = asdict(self)
        commodities = values.pop("commodities")
        values.pop("footprint")
        values["presence_set"] = int(self.presence_set)
        return {**values, "presence": self.presence, **commodities}


@dataclass(frozen=True)
class ChipSet:
    """A set of chips as it lies on disk.

    Parameters
    ----------
    folder : Path
        Folder of the index; the files of the chips are relative to it.
    chips : tuple of Chip
    size : int
        Pixels along a side.
    bands : tuple of Band
    scaling : str
        How stored numbers became values from 0 to 1.
    preparation : dict
        The options they were made with.
    """

    folder: Path
    chips: tuple[Chip, ...]
    size: int
    bands: tuple[Band, ...]
    scaling: str
    preparation: dict[str, Any]

    def read(self, chip: Chip) -> np.ndarray:
        """Return the pixels of a chip (rows, columns, bands), float32 from 0 to 1."""
        return read_chip(self.folder / chip.file, self.size, len(self.bands))


def write_chip(
    path: Path,
    values: np.ndarray,
    valid: np.ndarray,
    bands: Sequence[str],
    *,
    transform: Affine | None,
    crs_wkt: str | None,
    tags: Mapping[str, str],
) -> None:
    """Write a chip (rows, columns, bands) of values from 0 to 1, 0 where it is not valid."""
    stored = np.clip(np.rint(values * FULL), 1, FULL).astype(np.uint16)
    stored[~valid] = 0
    with RasterWriter(
        path,
        *values.shape[:2],
        bands=bands,
        dtype="uint16",
        transform=transform,
        crs_wkt=crs_wkt,
        tags=tags,
        scale=1.0 / FULL,
    ) as writer:
        writer.write(Window(0, 0, *values.shape[:2]), stored)


def read_chip(path: Path, size: int, bands: int) -> np.ndarray:
    """Return the pixels of a chip, 0 where it has no data.

    Raises
    ------
    FileError
        When it is missing or damaged.
    InputError
        When it is of another size or has other bands.
    """
    with open_raster(path) as raster:
        if (raster.info.height, raster.info.width, raster.info.count) != (size, size, bands):
            raise InputError(
                f"The chip {path} has {raster.info.height} x {raster.info.width} pixels and "
                f"{raster.info.count} bands instead of {size} x {size} and {bands}. Prepare the "
                "scenes again."
            )
        return np.nan_to_num(raster.read())


def describe_chips(
    size: int, bands: Sequence[Band], scaling: str, preparation: Mapping[str, Any]
) -> str:
    """Return the text of `ABOUT`."""
    about = {
        "size": size,
        "bands": [[band.name, band.wavelength, band.fwhm] for band in bands],
        "scaling": scaling,
        "preparation": dict(preparation),
    }
    return json.dumps(about, indent=1, ensure_ascii=False)


def read_chips(index: str | os.PathLike[str]) -> ChipSet:
    """Read the index of a set of chips.

    Parameters
    ----------
    index : path
        CSV that the preparation has written.

    Raises
    ------
    FileError
        When it or the description in the folder of chips is missing.
    InputError
        When it is no index of chips, or is empty.
    """
    path = Path(index)
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as problem:
        raise FileError(f"{path} cannot be read: {problem.strerror or problem}.") from problem
    except (csv.Error, UnicodeDecodeError) as problem:
        raise InputError(f"{path} is no index of chips ({problem}).") from problem
    needed = {"file", "scene", "location", "count", "part", "presence_set"}
    if not rows or not needed <= set(rows[0]):
        raise InputError(
            f"{path} is no index of chips, or an empty one. Choose the table that Prepare scenes "
            "has written."
        )
    about = _about(path.parent / Path(rows[0]["file"]).parent / ABOUT)
    try:
        chips = tuple(_chip(row) for row in rows)
        bands = tuple(
            Band(i, str(name), wavelength, width)
            for i, (name, wavelength, width) in enumerate(about["bands"])
        )
        return ChipSet(
            path.parent,
            chips,
            int(about["size"]),
            bands,
            str(about["scaling"]),
            dict(about["preparation"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise InputError(
            f"{path}: a field of the index cannot be understood ({problem})."
        ) from problem


def _about(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as problem:
        raise FileError(
            f"{path} is missing, which says how the chips were made. Keep the folder of chips "
            "beside its index, or prepare the scenes again."
        ) from problem
    except ValueError as problem:
        raise InputError(f"{path} is damaged ({problem}). Prepare the scenes again.") from problem


def _chip(row: Mapping[str, str]) -> Chip:
    values: dict[str, Any] = {}
    for name, kind in Chip.__annotations__.items():
        if name in ("commodities", "footprint"):
            continue
        text = row[name]
        if "None" in kind and text == "":
            values[name] = None
        elif kind == "bool":
            values[name] = text == "1"
        else:
            values[name] = _TYPES[kind.split(" ")[0]](text)
    commodities = {name: int(text) for name, text in row.items() if name.startswith(_COMMODITY)}
    return Chip(**values, commodities=commodities)
