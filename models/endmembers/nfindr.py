"""N-FINDR: the pixels that span the simplex of greatest volume.

Reference: Winter (1999), N-FINDR: an algorithm for fast autonomous spectral end-member
determination in hyperspectral data, Proceedings of SPIE 3753.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gossan.core.progress import Progress
from gossan.models.endmembers.atgp import generate_targets
from gossan.models.endmembers.cloud import MemoryCloud

FloatArray = npt.NDArray[np.floating[Any]]

MOST_SWEEPS = 50


def largest_simplex(scores: FloatArray, number: int, progress: Progress) -> list[int]:
    """Return the pixels that span the largest simplex.

    Starts from the targets of the automatic target generation process and replaces one vertex at a
    time by the pixel that makes the volume greatest, until no replacement does. The determinant is
    linear in one vertex, so a replacement is the outermost pixel along its cofactors.

    Parameters
    ----------
    scores : ndarray, shape (pixels, components)
        Principal component scores, mean removed; the first ``number - 1`` are used.
    number : int
        Vertices, at least 2.
    progress : Progress
        Where to report to.

    Returns
    -------
    list of int
        Pixel numbers; fewer than `number` when the pixels span no such simplex.
    """
    dimensions = min(number - 1, scores.shape[1])
    spread = scores[:, :dimensions].std(axis=0, dtype=np.float64)
    # Volumes compare alike under any scaling; with unit spread their products stay in range.
    used = spread > 1e-6 * max(float(spread.max(initial=0.0)), 1e-30)
    dimensions = int(np.argmin(used)) if not used.all() else dimensions
    if dimensions == 0:
        return [0]
    cloud = MemoryCloud((scores[:, :dimensions] / spread[:dimensions]).astype(np.float32))
    lifted = MemoryCloud(
        np.column_stack([cloud.points, np.full(cloud.size, 1.0, dtype=np.float32)])
    )
    vertices = generate_targets(lifted, dimensions + 1, progress.part(0.0, 0.3))
    if len(vertices) < dimensions + 1:
        return vertices
    matrix = np.vstack(
        [np.ones(dimensions + 1), np.array([cloud.point(vertex) for vertex in vertices]).T]
    )
    volume = abs(np.linalg.det(matrix))
    for sweep in range(MOST_SWEEPS):
        before = volume
        for place in range(len(vertices)):
            cofactors = _cofactors(matrix, place)
            ends = cloud.extremes(cofactors[None, 1:], Progress())
            upper = abs(ends.greatest[0] + cofactors[0])
            lower = abs(ends.least[0] + cofactors[0])
            index = int(ends.highest[0] if upper >= lower else ends.lowest[0])
            if max(upper, lower) > volume * (1 + 1e-6) and index not in vertices:
                vertices[place] = index
                matrix[1:, place] = cloud.point(index)
                volume = abs(np.linalg.det(matrix))
        progress.fraction(0.3 + 0.7 * (sweep + 1) / MOST_SWEEPS)
        if volume <= before * (1 + 1e-6):
            break
    progress.fraction(1.0)
    return vertices


def _cofactors(matrix: FloatArray, column: int) -> FloatArray:
    """Return the cofactors (n,) of one column of a square matrix (n, n)."""
    rest = np.delete(matrix, column, axis=1)
    size = len(matrix)
    minors = np.array([np.linalg.det(np.delete(rest, row, axis=0)) for row in range(size)])
    return minors * (-1.0) ** (np.arange(size) + column)
