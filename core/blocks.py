"""Window plans with halos, and running a computation over them, here or on Dask."""

from __future__ import annotations

from typing import NamedTuple


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
