"""Where the detector's cells are: sizes, centres, and tiles that fit together without a seam.

All coordinates are corner-based pixels: the first pixel spans 0 to 1. An image of ``n`` pixels
gives ``cells(n)`` cells along that side; cell ``i`` stands for the 27 pixels around
``27 i + 94.5`` and sees the 215 pixels around that place.
"""

from __future__ import annotations

STRIDE = 27
"""Pixels from one cell to the next."""

FIELD = 215
"""Pixels along each side of what a cell sees."""

FIRST_CENTRE = 94.5
"""Centre of the first cell."""

EXACT_CHIP = 243
"""Side of the smallest crop around a cell that reproduces what the dense search sees.

Its inner cell (number 1 of 3) is free of the zero padding at the crop's border.
"""

PUBLISHED_CHIP = 201
"""Side of the source's chips: 2 km, one cell, whose centre lies 6 pixels off the chip's."""

IMPACT_CHIP = 21
"""Side of the impact classifier's chips: the source's 200 m."""

GIVEN_UP = 4
"""Cells at each side of a tile that saw zero padding and belong to its neighbour."""


def cells(pixels: int) -> int:
    """Return how many cells an image of that many pixels gives along one side; 0 if too small."""
    return max(pixels // 3 // 3 // 3 - 6, 0)


def centre(cell: int) -> float:
    """Return the corner-based pixel coordinate of a cell's centre."""
    return STRIDE * cell + FIRST_CENTRE


def first_pixel(cell: int) -> int:
    """Return the first of the 27 pixels that a cell stands for."""
    return STRIDE * cell + int(FIRST_CENTRE - STRIDE / 2)
