"""The job that finds the worst boundaries of a class map."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
    find_edges,
    margins,
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
        by how much the class of a pixel is likelier than the class across, mean of both sides.
    differences : str
        Instead: raster with 1 where map and reference agree and 2 where they differ, as an
        assessment writes it. The worst pieces are those beside which the most pixels differ.
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
    if not 2 <= cell <= LARGEST_SIDE or least_length < 1 or count < 1:
        raise InputError(
            f"Cells of {cell} pixels, pieces from {least_length} sides and a list of {count} "
            f"cannot work: cells have 2 to {LARGEST_SIDE} pixels, the others are at least 1."
        )
    with open_stack([raster, probabilities or differences], nearest=True) as stack:
        values, score = (
            _by_margin(stack, classes) if probabilities else _by_disagreement(stack, classes)
        )
        info = stack.rasters[0].info
        worst, found = _search(stack, values, score, progress, cell, least_length, count)
    progress.fraction(1.0)
    return {
        "measure": "margin" if probabilities else "disagreement",
        "found": found,
        "pieces": [_told(piece, info, sign=-1.0 if probabilities else 1.0) for piece in worst],
    }


@dataclass(frozen=True)
class _Judged:
    """How edges are scored: which bands to read, and what they make of the pixels beside each."""

    bands: Sequence[int]
    score: Callable[[np.ndarray, Edges], np.ndarray]


def _by_margin(stack: Stack, classes: Sequence[Mapping[str, Any]]) -> tuple[list[int], _Judged]:
    map_, given = stack.rasters
    found = bands_of_classes(map_, given, classes)
    values = sorted(int(each["value"]) for each in classes)
    places = {value: place for place, value in enumerate(found)}
    # The class of a pixel has the position of its value, from 1; without a band it is unknown.
    lookup = np.array([0, *(places.get(value, -1) for value in values)])

    def score(shares: np.ndarray, edges: Edges) -> np.ndarray:
        first, second = lookup[edges.first], lookup[edges.second]
        worth = -margins(shares, np.maximum(first, 0), np.maximum(second, 0))
        return np.where((first >= 0) & (second >= 0), worth, np.nan)

    return values, _Judged([map_.info.count + band for band in found.values()], score)


def _by_disagreement(
    stack: Stack, classes: Sequence[Mapping[str, Any]]
) -> tuple[list[int], _Judged]:
    values = sorted(int(each["value"]) for each in classes)

    def score(agreement: np.ndarray, edges: Edges) -> np.ndarray:  # noqa: ARG001
        differs, agrees = agreement[..., 0] == DIFFERS, agreement[..., 0] == AGREES
        known = (differs | agrees).sum(axis=1)
        shares = np.full(len(known), np.nan)
        np.divide(differs.sum(axis=1), known, out=shares, where=known > 0)
        return shares

    return values, _Judged([stack.rasters[0].info.count], score)


def _search(
    stack: Stack,
    values: Sequence[int],
    judged: _Judged,
    progress: Progress,
    cell: int,
    least_length: int,
    count: int,
) -> tuple[list[Piece], int]:
    """Go through the map window by window, and keep the worst pieces."""
    info = stack.rasters[0].info
    side = _side(len(judged.bands), cell)
    blocks = plan(info.height, info.width, rows=side, columns=side, halo=1)
    lookup = np.zeros(65536, dtype=np.int64)
    lookup[list(values)] = np.arange(1, len(values) + 1)
    named = np.array([0, *values])
    kept: list[Piece] = []
    found = [0]

    def read(block: Block) -> np.ndarray:
        return stack.read(block.outer, [0, *judged.bands])

    def compute(block: Block, data: np.ndarray) -> tuple[list[Piece], int]:
        # Of the halo only what is below and to the right is needed.
        inner = block.inner
        top, left = inner.row - block.outer.row, inner.column - block.outer.column
        data = data[top:, left:]
        read_values = data[..., 0]
        finite = np.isfinite(read_values)
        refuse_fractions(np.unique(read_values[finite]), info.path)
        labels = lookup[np.where(finite, read_values, 0).astype(np.int64)]
        labels[~finite] = 0
        edges, places = find_edges(labels, inner.height, inner.width, inner.row, inner.column)
        beside = data[places[..., 0], places[..., 1], 1:]
        scored = Edges(
            edges.row,
            edges.column,
            edges.across,
            named[edges.first],
            named[edges.second],
            judged.score(beside, edges),
        )
        return worst_pieces(scored, cell=cell, least_length=least_length, count=count)

    def consume(_: Block, result: tuple[list[Piece], int]) -> None:
        kept.extend(result[0])
        kept.sort(key=Piece.rank)
        del kept[count:]
        found[0] += result[1]

    run(blocks, read, compute, consume, progress)
    return kept, found[0]


def _side(bands: int, cell: int) -> int:
    """Return the side of a window, of whole cells."""
    # The window with its bands, and the bands once more on either side of each of two edges.
    per_pixel = 4.0 * (1 + bands) + 4.0 * 4 * bands + _EDGE_BYTES
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
