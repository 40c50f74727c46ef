"""Masks of mines: how much of each cell they cover, and what that makes of the cell."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from affine import Affine
from rasterio.features import rasterize

from gossan.core.errors import FileError, InputError
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterInfo, Window, open_raster
from gossan.models.mines import geometry
from gossan.models.mines.chips import CELL_BACKGROUND, CELL_MINE, LEFT_OUT, ChipImage

_STRIP_CELLS = 8
_ALIGNED = 0.05


class Mask(Protocol):
    """Where mines are, on the pixels of an image."""

    def read(self, window: Window) -> np.ndarray:
        """Return True on mines (rows, columns)."""
        ...


class RasterMask:
    """A mask from a raster on the image's pixels: any number but zero is mine."""

    def __init__(self, raster: Raster) -> None:
        self._raster = raster

    def read(self, window: Window) -> np.ndarray:
        """Return True on mines (rows, columns)."""
        values = self._raster.read(window, [0], scaled=False)[..., 0]
        return np.isfinite(values) & (values != 0)

    def close(self) -> None:
        """Let go of the file."""
        self._raster.close()


class PolygonMask:
    """A mask from polygons in the image's CRS; a pixel counts by its centre."""

    def __init__(self, geometries: list[dict[str, Any]], transform: Affine) -> None:
        self._geometries = geometries
        self._transform = transform

    def read(self, window: Window) -> np.ndarray:
        """Return True on mines (rows, columns)."""
        shape = (window.height, window.width)
        if not self._geometries:
            return np.zeros(shape, dtype=bool)
        placed = self._transform @ Affine.translation(window.column, window.row)
        burnt = rasterize(self._geometries, shape, transform=placed, dtype="uint8")
        return np.asarray(burnt, dtype=bool)


@dataclass(frozen=True)
class CellRules:
    """When a cell counts as what.

    Parameters
    ----------
    mine : float
        Share (0 to 1) of its 27 x 27 pixels from which a cell is mine.
    background : float
        Share up to which it is background; cells in between are left out.
    missing : float
        Greatest share of missing pixels in what a cell sees.
    """

    mine: float = 0.30
    background: float = 0.02
    missing: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.background < self.mine <= 1:
            raise InputError(
                f"A cell cannot be background up to {self.background:.0%} and mine from "
                f"{self.mine:.0%} of its pixels; the first has to be below the second."
            )

    def classes(self, shares: np.ndarray) -> np.ndarray:
        """Return `CELL_MINE`, `CELL_BACKGROUND` or `LEFT_OUT` for each share, as uint8."""
        found = np.full(shares.shape, LEFT_OUT, dtype=np.uint8)
        found[shares <= self.background] = CELL_BACKGROUND
        found[shares >= self.mine] = CELL_MINE
        return found


def raster_mask(path: str, info: RasterInfo) -> RasterMask:
    """Open a mask raster that lies on the pixels of an image.

    Raises
    ------
    InputError
        When it has another grid.
    """
    raster = open_raster(path)
    own = raster.info
    same = (own.height, own.width) == (info.height, info.width)
    if same and own.transform is not None and info.transform is not None:
        inward = ~info.transform @ own.transform
        drift = max(abs(inward.a - 1), abs(inward.e - 1), abs(inward.b), abs(inward.d))
        same = drift * max(own.width, own.height) <= _ALIGNED
        same = same and max(abs(inward.c), abs(inward.f)) <= _ALIGNED
    if not same:
        raster.close()
        raise InputError(
            f"The mask {path} ({own.height} x {own.width} pixels) does not lie on the pixels of "
            f"{info.path} ({info.height} x {info.width}). Give one mask per image, in the order of "
            "the images, resampled to their pixels, or use polygons."
        )
    return RasterMask(raster)


def polygon_mask(path: str | os.PathLike[str], info: RasterInfo) -> PolygonMask:
    """Read polygons, as GeoJSON in the image's CRS.

    Raises
    ------
    FileError
        When the file cannot be read.
    InputError
        When it holds other geometries.
    """
    geometries = read_geometries(path)
    kinds = {geometry.get("type") for geometry in geometries}
    odd = sorted(str(kind) for kind in kinds - {"Polygon", "MultiPolygon"})
    if odd:
        raise InputError(
            f"The mines are to be polygons, and {path} holds geometries of the kind {odd[0]}. Use "
            "points as class points instead."
        )
    return PolygonMask(geometries, info.transform or Affine.identity())


def read_geometries(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return the geometries of a GeoJSON file; exceptions as `read_features`."""
    return [row["geometry"] for row in read_features(path) if row.get("geometry")]


def read_features(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Return the features of a GeoJSON file.

    Raises
    ------
    FileError
        When the file cannot be read.
    """
    try:
        return list(json.loads(Path(path).read_text(encoding="utf-8"))["features"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise FileError(f"{path} cannot be read as GeoJSON ({problem}).") from problem


def inside_polygons(
    places: np.ndarray, geometries: Sequence[dict[str, Any]], transform: Affine
) -> np.ndarray:
    """Return which places lie in one of the polygons.

    Parameters
    ----------
    places : ndarray (n, 2)
        Row and column, corner-based pixels.
    geometries : sequence of dict
        GeoJSON geometries in map coordinates; others than polygons count for nothing.
    transform : Affine
        From (column, row) to map coordinates.
    """
    inside = np.zeros(len(places), dtype=bool)
    a, b, c, d, e, f = tuple(transform)[:6]
    rows, columns = places.T
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    for shape in geometries:
        if shape["type"] not in ("Polygon", "MultiPolygon"):
            continue
        crossings = np.zeros(len(places), dtype=np.int64)
        for ring in outlines(shape):
            corners = np.asarray(ring, dtype=np.float64)[:, :2]
            for (x1, y1), (x2, y2) in zip(corners[:-1], corners[1:]):
                if y1 != y2:
                    spans = (y1 > y) != (y2 > y)
                    crossings += spans & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
        inside |= crossings % 2 == 1
    return inside


def outlines(shape: dict[str, Any]) -> list[list[list[float]]]:
    """Return the points and outlines of a geometry as lists of positions."""
    kind, coordinates = shape["type"], shape["coordinates"]
    if kind == "Point":
        return [[coordinates]]
    if kind == "MultiPoint":
        return [[position] for position in coordinates]
    if kind == "LineString":
        return [coordinates]
    if kind in ("Polygon", "MultiLineString"):
        return list(coordinates)
    if kind == "MultiPolygon":
        return [ring for polygon in coordinates for ring in polygon]
    raise InputError(f"Geometries of the kind {kind} cannot be read; use points or polygons.")


def mine_shares(mask: Mask, height: int, width: int, progress: Progress) -> np.ndarray:
    """Return the share of its 27 x 27 pixels that each cell of an image has in common with mines.

    Parameters
    ----------
    mask : Mask
    height, width : int
        Of the image.

    Returns
    -------
    ndarray of float32 (cells down, cells across)
    """
    down, across = geometry.cells(height), geometry.cells(width)
    shares = np.zeros((down, across), dtype=np.float32)
    first, stride = geometry.first_pixel(0), geometry.STRIDE
    for start, count in _strips(down):
        window = Window(first + start * stride, first, count * stride, across * stride)
        shares[start : start + count] = _cell_means(mask.read(window))
        progress.fraction((start + count) / max(down, 1))
    return shares


def missing_shares(image: ChipImage, progress: Progress) -> np.ndarray:
    """Return the share of missing pixels among the 243 x 243 around each cell of an image.

    Returns
    -------
    ndarray of float32 (cells down, cells across)
        Pixels beyond the image's edge count as missing.
    """
    info = image.raster.info
    down, across = geometry.cells(info.height), geometry.cells(info.width)
    # Blocks of 27 pixels from the image's corner; a chip spans nine of them.
    blocks = np.ones((down + 8, across + 8), dtype=np.float32)
    inner = blocks[1:-1, 1:-1]
    for start, count in _strips(down + 6):
        stride = geometry.STRIDE
        window = Window(start * stride, 0, count * stride, (across + 6) * stride)
        inner[start : start + count] = _cell_means(image.missing(window))
        progress.fraction((start + count) / (down + 6))
    summed = np.pad(blocks.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    total = summed[9:, 9:] - summed[:-9, 9:] - summed[9:, :-9] + summed[:-9, :-9]
    return (total / 81.0).astype(np.float32)


def _strips(cells: int) -> Iterator[tuple[int, int]]:
    for start in range(0, cells, _STRIP_CELLS):
        yield start, min(_STRIP_CELLS, cells - start)


def _cell_means(pixels: np.ndarray) -> np.ndarray:
    stride = geometry.STRIDE
    rows, columns = (side // stride for side in pixels.shape)
    parts = pixels.astype(np.float32).reshape(rows, stride, columns, stride)
    return np.asarray(parts.mean(axis=(1, 3)))
