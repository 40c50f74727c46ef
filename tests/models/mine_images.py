"""Small images with mines that a network can learn in a moment, and what is known of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from affine import Affine

from gossan.core.raster import RasterWriter, Window

BANDS = ("B4", "B8")
CENTRES = (664.6, 832.8)
CRS_WKT = "EPSG:32721"
LEFT, TOP = 600_000.0, 8_000_000.0
TRANSFORM = Affine(10, 0, LEFT, 0, -10, TOP)


def write_image(
    path, numbers, *, left=LEFT, bands=BANDS, centres=CENTRES, crs=CRS_WKT, **options
) -> str:
    """Write numbers (rows, columns, bands) as an image of 10 m pixels."""
    from rasterio.crs import CRS

    options = {"nodata": 0, **options}
    placed = Affine(10, 0, left, 0, -10, TOP)
    with RasterWriter(
        path,
        *numbers.shape[:2],
        bands=bands,
        dtype=str(numbers.dtype),
        crs_wkt=CRS.from_user_input(crs).to_wkt() if crs else None,
        transform=placed if crs else None,
        wavelengths=centres,
        **options,
    ) as writer:
        writer.write(Window(0, 0, *numbers.shape[:2]), numbers)
    return str(path)


def scene(size, places, seed=0, radius=25):
    """Return numbers with bright discs at places (row, column), and the mask of these."""
    random = np.random.default_rng(seed)
    numbers = random.integers(900, 1100, (size, size, 2))
    rows, columns = np.mgrid[:size, :size]
    mask = np.zeros((size, size), dtype=np.uint8)
    for row, column in places:
        mask[np.hypot(rows - row, columns - column) <= radius] = 1
    numbers[mask == 1] += np.array([2000, -500])
    return numbers.astype(np.uint16), mask


def to_map(row, column, left=LEFT):
    """Return the coordinates of the middle of a pixel."""
    return left + 10 * (column + 0.5), TOP - 10 * (row + 0.5)


def write_points(path, rows, fields=("class",)) -> str:
    """Write points as the toolbox hands them on: ``fid,x,y,<fields>``."""
    lines = [",".join(["fid", "x", "y", *fields])]
    lines += [",".join(map(str, [number, *row])) for number, row in enumerate(rows, start=1)]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
