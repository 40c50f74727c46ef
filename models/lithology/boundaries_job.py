"""The job that finds the worst boundaries of a class map."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from affine import Affine

from gossan.core.blocks import DATA_BUDGET, Block, plan, run
from gossan.core.errors import InputError
from gossan.core.job_files import job_files
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, Stack, open_stack
from gossan.models.lithology.assessment import AGREES, DIFFERS
from gossan.models.lithology.boundaries import (
    Edges,
    Piece,
    as_wkt,
    beside,
    find_edges,
    worst_pieces,
)
from gossan.models.lithology.class_probabilities import bands_of_classes
from gossan.models.lithology.geological_map import refuse_fractions

LARGEST_SIDE = 512
_EDGE_BYTES = 400.0
"""What the edges of a pixel take at their peak, where every pixel has another class."""


@job_files(reads=("raster", "probabilities", "differences"), writes=())
def find_worst_boundaries(
    progress: Progress,
    *,
    raster: str,
    classes: Sequence[Mapping[str, Any]],
    probabilities: str = "",
    differences: str = "",
    reach: int = 3,
    cell: int = 32,
    least_length: int = 8,
    count: int = 100,
) -> dict[str, Any]:
    """Find the boundaries along which a map is the least sure, or meets its reference the least.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Class raster.
    classes : sequence of mapping
        ``value`` and ``name`` of its classes; other values have no boundaries.
    probabilities : str
        Raster with one band for each class. The worst pieces are those with the smallest margin:
        by how much the class of a side is likelier there than the class across, mean of both sides.
    differences : str
        Instead: raster with 1 where map and reference agree and 2 where they differ, as an
        assessment writes it. The worst pieces are those beside which the most pixels differ.
    reach : int
        Pixels on either side that are judged, at right angles to the boundary. A boundary that is a
        pixel beside its true place is poor in half of its nearest pixels as any other; how far the
        doubt goes is what tells boundaries apart.
    cell : int
        Side of the cells at whose borders boundaries are cut, pixels.
    least_length : int
        Length below which a piece is left out as a speck, pixel sides.
    count : int
        How many to return at most.

    Returns
    -------
    dict
        ``measure`` (``margin`` or ``disagreement``), ``found`` (pieces in all) and ``pieces``, the
        worst first: ``{"first", "second"}`` (class values), ``value`` (margin, or share that
        differs), ``length`` (pixel sides), ``metres`` (None where unknown), ``x``, ``y`` (a place
        on it, in the raster's CRS) and ``wkt`` (its lines).
    """
    if bool(probabilities) == bool(differences):
        raise InputError(
            "Boundaries are judged either by the probabilities of the classes or by the "
            "differences from a reference; give one of them."
        )
    if not 2 <= cell <= LARGEST_SIDE or min(reach, least_length, count) < 1:
        raise InputError(
            f"Cells of {cell} pixels, {reach} pixels on either side, pieces from {least_length} "
            f"sides and a list of {count} cannot work: cells have 2 to {LARGEST_SIDE} pixels, the "
            "others are at least 1."
        )
    with open_stack([raster, probabilities or differences], nearest=True) as stack:
        values, judged = (
            _by_margin(stack, classes) if probabilities else _by_disagreement(stack, classes)
        )
        info = stack.rasters[0].info
        worst, found = _search(stack, values, judged, progress, reach, cell, least_length, count)
    progress.fraction(1.0)
    return {
        "measure": "margin" if probabilities else "disagreement",
        "found": found,
        "pieces": [_told(piece, info, sign=-1.0 if probabilities else 1.0) for piece in worst],
    }


@dataclass(frozen=True)
class _Judged:
    """How edges are scored: which bands to read, and what they say of pixels near the edges.

    `score` is called with the bands of a window, rows and columns of a pixel for each edge, and the
    positions (from 1) of the classes of its own side and of the side across.
    """

    bands: Sequence[int]
    score: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _by_margin(stack: Stack, classes: Sequence[Mapping[str, Any]]) -> tuple[list[int], _Judged]:
    map_, given = stack.rasters
    found = bands_of_classes(map_, given, classes)
    values = sorted(int(each["value"]) for each in classes)
    places = {value: place for place, value in enumerate(found)}
    # A class without a band has no probability, so nothing is known of its boundaries.
    lookup = np.array([-1, *(places.get(value, -1) for value in values)])

    def score(
        shares: np.ndarray,
        rows: np.ndarray,
        columns: np.ndarray,
        own: np.ndarray,
        other: np.ndarray,
    ) -> np.ndarray:
        mine, its = lookup[own], lookup[other]
        margin = shares[rows, columns, mine].astype(np.float64) - shares[rows, columns, its]
        return np.where((mine >= 0) & (its >= 0), -margin, np.nan)

    return values, _Judged([map_.info.count + band for band in found.values()], score)


def _by_disagreement(
    stack: Stack, classes: Sequence[Mapping[str, Any]]
) -> tuple[list[int], _Judged]:
    values = sorted(int(each["value"]) for each in classes)

    def score(
        agreement: np.ndarray, rows: np.ndarray, columns: np.ndarray, *_: np.ndarray
    ) -> np.ndarray:
        found = agreement[rows, columns, 0]
        return np.where(found == DIFFERS, 1.0, np.where(found == AGREES, 0.0, np.nan))

    return values, _Judged([stack.rasters[0].info.count], score)


def _search(
    stack: Stack,
    values: Sequence[int],
    judged: _Judged,
    progress: Progress,
    reach: int,
    cell: int,
    least_length: int,
    count: int,
) -> tuple[list[Piece], int]:
    """Go through the map window by window, and keep the worst pieces."""
    info = stack.rasters[0].info
    side = _side(len(judged.bands), cell)
    blocks = plan(info.height, info.width, rows=side, columns=side, halo=reach)
    lookup = np.zeros(65536, dtype=np.int64)
    lookup[list(values)] = np.arange(1, len(values) + 1)
    named = np.array([0, *values])
    kept: list[Piece] = []
    found = [0]

    def read(block: Block) -> np.ndarray:
        return stack.read(block.outer, [0, *judged.bands])

    def compute(block: Block, data: np.ndarray) -> tuple[list[Piece], int]:
        inner = block.inner
        top, left = inner.row - block.outer.row, inner.column - block.outer.column
        shown = data[..., 0]
        finite = np.isfinite(shown)
        refuse_fractions(np.unique(shown[finite]), info.path)
        labels = lookup[np.where(finite, shown, 0).astype(np.int64)]
        labels[~finite] = 0
        # An edge belongs to the window of its upper or left pixel.
        near = labels[top : top + inner.height + 1, left : left + inner.width + 1]
        edges, places = find_edges(near, inner.height, inner.width, inner.row, inner.column)
        scored = replace(
            edges,
            first=named[edges.first],
            second=named[edges.second],
            score=_scores(data[..., 1:], places + np.array([top, left]), edges, judged, reach),
        )
        return worst_pieces(scored, cell=cell, least_length=least_length, count=count)

    def consume(_: Block, result: tuple[list[Piece], int]) -> None:
        kept.extend(result[0])
        kept.sort(key=Piece.rank)
        del kept[count:]
        found[0] += result[1]

    run(blocks, read, compute, consume, progress)
    return kept, found[0]


def _scores(
    bands: np.ndarray, places: np.ndarray, edges: Edges, judged: _Judged, reach: int
) -> np.ndarray:
    """Return the mean score of the known pixels near each edge; NaN where none is known."""
    total, known = np.zeros(len(places)), np.zeros(len(places))
    classes = edges.first, edges.second
    for side, rows, columns, inside in beside(places, reach, *bands.shape[:2]):
        found = judged.score(bands, rows, columns, classes[side], classes[1 - side])
        counted = inside & np.isfinite(found)
        total += np.where(counted, found, 0.0)
        known += counted
    return np.divide(total, known, out=np.full(len(total), np.nan), where=known > 0)


def _side(bands: int, cell: int) -> int:
    """Return the side of a window, of whole cells."""
    per_pixel = 4.0 * (1 + bands) + _EDGE_BYTES
    side = min(math.isqrt(int(DATA_BUDGET / 4 / per_pixel)), LARGEST_SIDE)
    return max(side // cell, 1) * cell


def _told(piece: Piece, info: RasterInfo, *, sign: float) -> dict[str, Any]:
    transform = info.transform or Affine.identity()
    x, y = transform * piece.middle()
    side = info.ground_sampling_distance
    return {
        "first": piece.first,
        "second": piece.second,
        "value": sign * piece.score,
        "length": piece.length,
        "metres": None if side is None else piece.length * side,
        "x": float(x),
        "y": float(y),
        "wkt": as_wkt(piece, transform),
    }
