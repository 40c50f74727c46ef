"""Chips of cells at the edge of an image, which see just what the search sees there.

The search pads an image with zeros at its edge, and a cell nearer than 108 pixels to it sees some
of them. A chip that ends with the image is padded in the same way; the cell that counts is then not
its inner one, so it is cut as a tile that says which one it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gossan.core.raster import Window
from gossan.models.mines import geometry
from gossan.models.mines.chips import LEFT_OUT

_CELLS = 3
_HALO = 13
"""Pixels that a cell sees on either side of those that its seven features stand for."""


class EdgeChip(NamedTuple):
    """Where a cell's chip is cut, and which of its cells (row, column) stands for that cell."""

    window: Window
    cell: tuple[int, int]

    def classes(self, value: int) -> np.ndarray:
        """Return the classes of the chip's cells: the one that counts, and others left out."""
        classes = np.full((_CELLS, _CELLS), LEFT_OUT, dtype=np.uint8)
        classes[self.cell] = value
        return classes


def edge_chip(row: int, column: int, height: int, width: int) -> EdgeChip | None:
    """Return the smallest chip of three by three cells in which a cell is as in the search.

    Parameters
    ----------
    row, column : int
        Cell of the image.
    height, width : int
        Pixels of the image.

    Returns
    -------
    EdgeChip or None
        None where there is no such chip: in images hardly larger than one, and for the last cells
        of both rows and columns where these end with other rests of pixels.
    """
    for size in range(geometry.EXACT_CHIP, geometry.EXACT_CHIP + geometry.STRIDE):
        down = _start(row, height, size)
        across = _start(column, width, size)
        if down is not None and across is not None:
            cell = row - down // geometry.STRIDE, column - across // geometry.STRIDE
            return EdgeChip(Window(down, across, size, size), cell)
    return None


def _start(cell: int, pixels: int, size: int) -> int | None:
    """Return where along one side a chip may begin so that the cell is as in the search."""
    for number in (1, 0, 2):
        start = geometry.STRIDE * (cell - number)
        if start < 0 or start + size > pixels:
            continue
        first = geometry.STRIDE * number - _HALO
        last = first + geometry.FIELD
        if (first >= 0 or start == 0) and (last <= size or start + size == pixels):
            return start
    return None
