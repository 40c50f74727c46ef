"""Where the cells of a detector lie along a side of an image, and the crops that they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gossan.core.errors import InputError
from gossan.models.mines import geometry


class Crop(NamedTuple):
    """The pixels along one side of an image that some cells need.

    Parameters
    ----------
    start, stop : int
        First pixel, and the one after the last.
    skipped : int
        Cells of the crop before the first wanted one; they see the crop's border.
    """

    start: int
    stop: int
    skipped: int


@dataclass(frozen=True)
class CellGeometry:
    """Where the cells of a detector lie along one side of an image, in corner-based pixels.

    Parameters
    ----------
    smallest : int
        Pixels of the smallest image that gives a cell; the first cell is centred in its middle.
    stride : int
        Pixels from one cell to the next, and the side of the square that a cell stands for.
    field : int
        Pixels around its centre that a cell sees.
    given_up : int
        Cells at each end of a crop that see the crop's border where the whole image goes on.
    """

    smallest: int
    stride: int
    field: int
    given_up: int = 0

    def __post_init__(self) -> None:
        if self.stride < 1 or self.smallest < 1:
            raise InputError(
                f"A detector of {self.smallest} pixels cannot move by {self.stride} pixels from "
                "cell to cell. Give a stride of 1 or more."
            )

    @classmethod
    def sliding(cls, patch: int, stride: int) -> CellGeometry:
        """Return the geometry of a classifier of square patches that slides over an image."""
        return cls(patch, stride, patch)

    @classmethod
    def dense(cls) -> CellGeometry:
        """Return the geometry of the fully convolutional detector."""
        return cls(int(2 * geometry.FIRST_CENTRE), geometry.STRIDE, geometry.FIELD, given_up=1)

    @property
    def first_centre(self) -> float:
        """Centre of the first cell."""
        return self.smallest / 2

    def cells(self, pixels: int) -> int:
        """Return how many cells that many pixels give; 0 where they are too few."""
        return max((pixels - self.smallest) // self.stride + 1, 0)

    def pixels(self, cells: int) -> int:
        """Return the fewest pixels that give that many cells."""
        return self.stride * (cells - 1) + self.smallest

    def centre(self, cell: float) -> float:
        """Return the coordinate of a cell's centre."""
        return self.stride * cell + self.first_centre

    def corner(self, cell: float) -> float:
        """Return where the square that a cell stands for begins; its end is that of the next."""
        return self.centre(cell) - self.stride / 2

    def crop(self, first: int, count: int, pixels: int) -> Crop:
        """Return the pixels that ``count`` cells from ``first`` on need for what they are.

        Parameters
        ----------
        first, count : int
        pixels : int
            Of the whole side of the image.
        """
        skipped = min(first, self.given_up)
        start = self.stride * (first - skipped)
        if first + count >= self.cells(pixels):
            return Crop(start, pixels, skipped)
        return Crop(start, start + self.pixels(skipped + count + self.given_up), skipped)
