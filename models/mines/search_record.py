"""What a probability raster tells of the search that made it, so that it can be used again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from affine import Affine

from gossan.core.errors import FileError, InputError
from gossan.core.origin import TAG_PREFIX
from gossan.core.raster import RasterInfo, RasterWriter, Window, open_raster
from gossan.models.mines.cells import CellGeometry
from gossan.models.mines.findings import CellGrid

TAG = f"{TAG_PREFIX}SEARCH"
BAND = "mine"


@dataclass(frozen=True)
class SearchRecord:
    """The search behind a probability raster.

    Parameters
    ----------
    image : str
        What identifies the files that were searched, as `image_fingerprint` gives it.
    height, width : int
        Size of the image as it was searched.
    cells : CellGeometry
    detector : str
        Fingerprint of the detector.
    ground_sampling_distance : float or None
        Of the detector, to which other images are resampled.
    """

    image: str
    height: int
    width: int
    cells: CellGeometry
    detector: str
    ground_sampling_distance: float | None


def image_fingerprint(identity: list[list[Any]]) -> str:
    """Return one text for what `gossan.models.mines.images.MineImage.identity` returns."""
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


def write_probability(
    path: str,
    probability: np.ndarray,
    grid: CellGrid,
    record: SearchRecord,
    tags: Mapping[str, str],
) -> None:
    """Write a probability raster: a pixel per cell, NaN where nothing is known."""
    rows, columns = probability.shape
    placed = grid.image.transform is not None
    with RasterWriter(
        path,
        rows,
        columns,
        bands=[BAND],
        crs_wkt=grid.image.crs_wkt,
        transform=grid.transform if placed else None,
        tags={**tags, TAG: json.dumps(asdict(record))},
    ) as writer:
        writer.write(Window(0, 0, rows, columns), probability)


def read_probability(path: str) -> tuple[np.ndarray, CellGrid, SearchRecord]:
    """Read a probability raster and what it tells of its search.

    Raises
    ------
    FileError
        When there is no such raster.
    InputError
        When it was not made by a search, or cut or warped since.
    """
    with open_raster(path) as raster:
        info = raster.info
        try:
            about = json.loads(info.tags[TAG])
            record = SearchRecord(**{**about, "cells": CellGeometry(**about["cells"])})
        except (KeyError, TypeError, ValueError) as problem:
            raise InputError(
                f"{path} is no probability raster of a search for mines: it does not tell of one. "
                "Choose one that Detect mines has written."
            ) from problem
        grid = CellGrid(_image(info, record), record.cells)
        if grid.shape != (info.height, info.width):
            raise InputError(
                f"{path} has {info.height} rows and {info.width} columns, and its search had "
                f"{grid.shape[0]} and {grid.shape[1]}: it was cut or resampled since. Use the "
                "raster as Detect mines has written it."
            )
        probability = raster.read()[..., 0]
    if np.nanmax(probability, initial=0.0) > 1 or np.nanmin(probability, initial=0.0) < 0:
        raise FileError(f"{path} holds numbers that are no probabilities (0 to 1).")
    return probability, grid, record


def _image(info: RasterInfo, record: SearchRecord) -> RasterInfo:
    """Return the grid of the image that was searched."""
    cells = record.cells
    back = Affine.scale(1 / cells.stride) @ Affine.translation(-cells.corner(0), -cells.corner(0))
    return replace(
        info,
        height=record.height,
        width=record.width,
        transform=None if info.transform is None else info.transform @ back,
    )
