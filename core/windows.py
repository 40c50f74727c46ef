"""Windows of a raster, and plans that cover an image by blocks with halos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gossan.core.errors import InputError

DATA_BUDGET = 1 << 30
"""Bytes that the blocks of one run may take together."""

BLOCKS_IN_MEMORY = 3
"""Blocks alive at once with one computing thread: one read ahead, one computed, one written."""


class Window(NamedTuple):
    """A rectangle of pixels of a raster."""

    row: int
    column: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The window as row and column slices of a whole-image array."""
        return (
            slice(self.row, self.row + self.height),
            slice(self.column, self.column + self.width),
        )

    @property
    def pixels(self) -> int:
        """Number of pixels of the window."""
        return self.height * self.width


@dataclass(frozen=True)
class Block:
    """One step of a window plan: what is written, and what has to be read for it.

    Parameters
    ----------
    inner : Window
        The pixels that this block answers for; the inner windows of a plan tile the image.
    outer : Window
        The inner window and its halo, clipped at the image border.
    """

    inner: Window
    outer: Window

    @property
    def inner_slices(self) -> tuple[slice, slice]:
        """The inner window as slices of an array that covers the outer one (cuts the halo off)."""
        row, column = self.inner.row - self.outer.row, self.inner.column - self.outer.column
        return (
            slice(row, row + self.inner.height),
            slice(column, column + self.inner.width),
        )


def plan(height: int, width: int, *, rows: int, columns: int, halo: int = 0) -> list[Block]:
    """Cut an image into blocks that cover every pixel exactly once, row by row.

    Parameters
    ----------
    height, width : int
        Size of the image in pixels.
    rows, columns : int
        Size of a block's inner window; the origins are multiples of it. The last block of a row
        or column takes what remains.
    halo : int
        Pixels around the inner window that a computation needs to see, such as half of a
        network's receptive field. Clipped at the image border.

    Returns
    -------
    list of Block

    Raises
    ------
    InputError
        For an empty image, blocks without pixels or a negative halo.
    """
    if height < 1 or width < 1:
        raise InputError(f"An image of {height} x {width} pixels has nothing to compute on.")
    if rows < 1 or columns < 1 or halo < 0:
        raise InputError(
            f"Blocks of {rows} x {columns} pixels with a halo of {halo} cannot be planned: "
            "rows and columns must be at least 1, the halo at least 0."
        )
    blocks = []
    for row in range(0, height, rows):
        for column in range(0, width, columns):
            inner = Window(row, column, min(rows, height - row), min(columns, width - column))
            blocks.append(Block(inner, _with_halo(inner, halo, height, width)))
    return blocks


def rows_for_budget(
    width: int,
    bytes_per_pixel: float,
    *,
    budget: int = DATA_BUDGET,
    share: float = 0.25,
    multiple: int = 1,
) -> int:
    """Return how many full-width rows one block may hold within the memory budget.

    Parameters
    ----------
    width : int
        Pixels of an image row.
    bytes_per_pixel : float
        All that one pixel of a block needs at its peak: what is read, what is computed from it
        and the temporaries between them, in bytes.
    budget : int
        Bytes for all blocks of a run together.
    share : float
        Part of the budget that one block may take. A quarter leaves room for the three blocks
        that `run` keeps alive, and a margin.
    multiple : int
        The result is a multiple of this (at least once it), for blocks whose origins must fall
        on a grid of cells.

    Returns
    -------
    int
        At least ``multiple``, whatever the budget.
    """
    if width < 1 or bytes_per_pixel <= 0:
        raise InputError("Rows for a budget need a width and a size per pixel above zero.")
    rows = int(budget * share / (width * bytes_per_pixel))
    return max(rows // multiple, 1) * multiple


def _with_halo(inner: Window, halo: int, height: int, width: int) -> Window:
    row, column = max(inner.row - halo, 0), max(inner.column - halo, 0)
    bottom = min(inner.row + inner.height + halo, height)
    right = min(inner.column + inner.width + halo, width)
    return Window(row, column, bottom - row, right - column)
