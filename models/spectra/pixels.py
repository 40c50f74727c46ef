"""The spectra of single pixels, and the mean of those within a shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from rasterio.features import geometry_mask

from gossan.core.blocks import Window
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterInfo, valid_pixels
from gossan.models.spectra.scene import plan_blocks

Ring = Sequence[Sequence[float]]


@dataclass(frozen=True, eq=False)
class ShapeStatistics:
    """What the spectra within a shape have in common.

    Parameters
    ----------
    mean, deviation : ndarray (bands,)
        Mean and standard deviation (of the sample) over the pixels; NaN at unusable bands, the
        deviation everywhere where there is one pixel only.
    pixels : int
        How many have values in all usable bands.
    without_values : int
        How many have not.
    """

    mean: np.ndarray
    deviation: np.ndarray
    pixels: int
    without_values: int


def map_transform(info: RasterInfo) -> Affine:
    """Return the way from (column, row) to the coordinates in which QGIS shows a raster.

    One without a place on the ground is shown with its upper left corner at zero and its rows
    going down, which are negative there.
    """
    if info.transform is None or info.transform == Affine.identity():
        return Affine.scale(1.0, -1.0)
    return info.transform


def pixels_at(info: RasterInfo, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column (n,) of the pixels that contain points (n, 2), -1 off the image."""
    columns, rows = _moved(~map_transform(info), points[:, 0], points[:, 1])
    inside = (columns >= 0) & (rows >= 0) & (columns < info.width) & (rows < info.height)
    return (
        np.floor(np.where(inside, rows, -1)).astype(np.int64),
        np.floor(np.where(inside, columns, -1)).astype(np.int64),
    )


def outline(info: RasterInfo, row: int, column: int) -> list[list[float]]:
    """Return the corners of a pixel on the map, once around."""
    transform = map_transform(info)
    corners = ((column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1))
    return [[float(value) for value in _moved(transform, *corner)] for corner in corners]


def read_pixels(
    raster: Raster, rows: np.ndarray, columns: np.ndarray, indexes: np.ndarray, *, collars: bool
) -> np.ndarray:
    """Return the spectra (n, bands) of pixels, NaN off the image and in collars."""
    spectra = np.full((len(rows), len(indexes)), np.nan)
    chosen = indexes.tolist()
    for number, (row, column) in enumerate(zip(rows.tolist(), columns.tolist())):
        if row < 0:
            continue
        values = raster.read(Window(row, column, 1, 1), chosen)[0, 0]
        if not (collars and (values == 0).all()):
            spectra[number] = values
    return spectra


def average(
    raster: Raster,
    rings: Sequence[Ring],
    indexes: np.ndarray,
    good: np.ndarray,
    progress: Progress,
    *,
    collars: bool,
) -> ShapeStatistics:
    """Average the pixels whose centres lie within a shape, block by block.

    Where the shape is so small that it holds no centre, the pixels that it touches count.

    Parameters
    ----------
    raster : Raster
    rings : sequence of rings
        Outer ring and holes, positions (x, y) on the map.
    indexes : ndarray of int (bands,)
        Bands of the result.
    good : ndarray of bool (bands,)
        Those that must have values for a pixel to count.
    progress : Progress
    collars : bool
        Leave out pixels that are zero in every band.

    Raises
    ------
    InputError
        When the shape lies off the image or holds no pixel with values.
    """
    info = raster.info
    inverse = ~map_transform(info)
    placed = [[_moved(inverse, x, y) for x, y in ring] for ring in rings]
    shape: dict[str, object] = {
        "type": "Polygon",
        "coordinates": [[*ring, ring[0]] for ring in placed],
    }
    frame = _frame(placed, info)
    used = indexes[good]
    for all_touched in (False, True):
        statistics = _average(raster, shape, frame, used, progress, collars, all_touched)
        if statistics.pixels or statistics.without_values:
            break
    if not statistics.pixels:
        raise InputError(
            f"No pixel of {info.path} within the shape has values in all usable bands: they are "
            "nodata or collar there. Draw the shape elsewhere."
        )
    mean, deviation = np.full(len(indexes), np.nan), np.full(len(indexes), np.nan)
    mean[good], deviation[good] = statistics.mean, statistics.deviation
    return ShapeStatistics(mean, deviation, statistics.pixels, statistics.without_values)


def _moved(transform: Affine, x: Any, y: Any) -> tuple[Any, Any]:
    """Return where a transform takes a position, or arrays of them."""
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * x + b * y + c, d * x + e * y + f


def _frame(rings: Sequence[Sequence[tuple[Any, Any]]], info: RasterInfo) -> Window:
    """Return the smallest window around the rings (column, row)."""
    positions = np.array([position for ring in rings for position in ring], dtype=np.float64)
    left, top = np.maximum(np.floor(positions.min(axis=0)), 0).astype(int)
    right, bottom = np.minimum(
        np.floor(positions.max(axis=0)) + 1, (info.width, info.height)
    ).astype(int)
    if right <= left or bottom <= top:
        raise InputError(f"The shape lies outside {info.path}. Draw it on the image.")
    return Window(int(top), int(left), int(bottom - top), int(right - left))


def _average(
    raster: Raster,
    shape: dict[str, object],
    frame: Window,
    indexes: np.ndarray,
    progress: Progress,
    collars: bool,
    all_touched: bool,
) -> ShapeStatistics:
    """Add up block by block; means and squared distances of the parts are joined exactly."""
    pieces = [
        piece
        for block in plan_blocks(raster.info, len(indexes))
        if (piece := _overlap(block.inner, frame)) is not None
    ]
    count, outside = 0, 0
    mean, squares = np.zeros(len(indexes)), np.zeros(len(indexes))
    for number, piece in enumerate(pieces):
        progress.fraction(number / len(pieces))
        inside = geometry_mask(
            [shape],
            out_shape=(piece.height, piece.width),
            transform=Affine.translation(piece.column, piece.row),
            all_touched=all_touched,
            invert=True,
        )
        if not inside.any():
            continue
        spectra = raster.read(piece, indexes.tolist())[inside].astype(np.float64)
        counted = valid_pixels(spectra, collar=collars)
        outside += int((~counted).sum())
        spectra = spectra[counted]
        if not len(spectra):
            continue
        centre = spectra.mean(axis=0)
        step, total = centre - mean, count + len(spectra)
        squares += ((spectra - centre) ** 2).sum(axis=0)
        squares += step**2 * (count * len(spectra) / total)
        mean += step * (len(spectra) / total)
        count = total
    deviation = np.sqrt(squares / (count - 1)) if count > 1 else np.full(len(indexes), np.nan)
    return ShapeStatistics(mean, deviation, count, outside)


def _overlap(window: Window, frame: Window) -> Window | None:
    top, left = max(window.row, frame.row), max(window.column, frame.column)
    bottom = min(window.row + window.height, frame.row + frame.height)
    right = min(window.column + window.width, frame.column + frame.width)
    if bottom <= top or right <= left:
        return None
    return Window(top, left, bottom - top, right - left)
