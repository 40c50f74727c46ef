"""Points sorted into boxes, so that a search for the outermost can leave most of them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
IndexArray = npt.NDArray[np.int64]

POINTS_PER_BOX = 128


@dataclass(frozen=True)
class Boxes:
    """A k-d partition of points.

    Parameters
    ----------
    members : ndarray, shape (boxes, points per box), int64
        Point numbers; the last points are repeated to fill the boxes up.
    centres, halves : ndarray, shape (boxes, dimensions)
        Middle and half sides of the smallest axis-parallel box around the members.
    """

    members: IndexArray
    centres: FloatArray
    halves: FloatArray


def sort_into_boxes(points: FloatArray, *, per_box: int = POINTS_PER_BOX) -> Boxes:
    """Halve points at their medians, along the axis of greatest spread, down to small boxes.

    Parameters
    ----------
    points : ndarray, shape (pixels, dimensions)
        Coordinates.
    per_box : int
        At most this many points in a box.

    Returns
    -------
    Boxes
        Every point is in at least one box.
    """
    count, dimensions = points.shape
    levels = max(0, int(np.ceil(np.log2(max(count / per_box, 1.0)))))
    number = 2**levels
    size = -(-count // number)
    members = np.arange(number * size)
    members[count:] = count - 1
    members = members.reshape(1, -1)
    spread = points.std(axis=0, dtype=np.float64)
    for _ in range(levels):
        axis = int(spread.argmax())
        spread[axis] /= 2
        half = members.shape[1] // 2
        values = points[members, axis]
        members = np.take_along_axis(members, np.argpartition(values, half, axis=1), axis=1)
        members = members.reshape(2 * members.shape[0], half)
    lowest = np.empty((number, dimensions), dtype=points.dtype)
    highest = np.empty_like(lowest)
    for axis in range(dimensions):
        values = points[:, axis][members]
        lowest[:, axis] = values.min(axis=1)
        highest[:, axis] = values.max(axis=1)
    return Boxes(members, (lowest + highest) / 2, (highest - lowest) / 2)
