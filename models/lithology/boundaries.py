"""Pieces of the boundaries between neighbouring classes, and which of them are the worst.

A boundary runs along the sides of pixels. It is cut where it leaves a square cell of the map, so
that a long contact can be good in one place and poor in another, and so that any window of whole
cells gives the same pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from affine import Affine
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_Beside = tuple[int, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Edges:
    """Sides between pixels of different classes.

    Parameters
    ----------
    row, column : ndarray of int64, shape (n,)
        The upper or left pixel, in the whole image.
    across : ndarray of bool, shape (n,)
        True where the other pixel is to the right, False where it is below.
    first, second : ndarray of int64, shape (n,)
        Classes of the upper or left pixel and of the other one.
    score : ndarray of float64, shape (n,)
        How poor the boundary is here; NaN where unknown.
    """

    row: np.ndarray
    column: np.ndarray
    across: np.ndarray
    first: np.ndarray
    second: np.ndarray
    score: np.ndarray

    def taken(self, chosen: np.ndarray) -> Edges:
        """Return some of them."""
        return Edges(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Piece:
    """A connected piece of boundary between two classes.

    Parameters
    ----------
    first, second : int
        The classes, the smaller one first.
    score : float
        Mean over its edges.
    edges : Edges
        In the order of rows, then columns.
    """

    first: int
    second: int
    score: float
    edges: Edges

    @property
    def length(self) -> int:
        """Number of its edges."""
        return len(self.edges.row)

    def rank(self) -> tuple[float, int, int, int]:
        """Sort the worst one first: by score, then length, then place."""
        return -self.score, -self.length, int(self.edges.row[0]), int(self.edges.column[0])

    def lines(self) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield straight lines from corner to corner, as (column, row)."""
        edges = self.edges
        for across in (True, False):
            chosen = edges.across == across
            fixed = (edges.column if across else edges.row)[chosen] + 1
            running = (edges.row if across else edges.column)[chosen]
            order = np.lexsort((running, fixed))
            fixed, running = fixed[order], running[order]
            breaks = np.flatnonzero((np.diff(fixed) != 0) | (np.diff(running) != 1)) + 1
            for run in np.split(np.arange(len(fixed)), breaks):
                if len(run):
                    at = int(fixed[run[0]])
                    start, end = int(running[run[0]]), int(running[run[-1]]) + 1
                    yield ((at, start), (at, end)) if across else ((start, at), (end, at))

    def middle(self) -> tuple[float, float]:
        """Return the (column, row) on the boundary that is nearest to its centre."""
        columns = self.edges.column + np.where(self.edges.across, 1.0, 0.5)
        rows = self.edges.row + np.where(self.edges.across, 0.5, 1.0)
        away = (columns - columns.mean()) ** 2 + (rows - rows.mean()) ** 2
        nearest = int(np.argmin(away))
        return float(columns[nearest]), float(rows[nearest])


def beside(places: np.ndarray, reach: int, height: int, width: int) -> Iterator[_Beside]:
    """Yield the pixels near each edge, first those of one side, then those of the other.

    Parameters
    ----------
    places : ndarray of int (n, 2, 2)
        Row and column of the two pixels at each edge.
    reach : int
        Pixels on either side, at right angles to the edge.
    height, width : int
        Of the window that the places are counted in.

    Yields
    ------
    side : int
        0 for the side of the first pixel, 1 for that of the second.
    rows, columns : ndarray of int (n,)
        Where the pixels are; the edge's own where they would lie outside.
    inside : ndarray of bool (n,)
        Whether they lie inside.
    """
    step = places[:, 1] - places[:, 0]
    for side, way in ((0, -1), (1, 1)):
        for away in range(reach):
            rows, columns = (places[:, side] + way * away * step).T
            inside = (rows >= 0) & (columns >= 0) & (rows < height) & (columns < width)
            own = places[:, side].T
            yield side, np.where(inside, rows, own[0]), np.where(inside, columns, own[1]), inside


def find_edges(
    labels: np.ndarray, height: int, width: int, row: int = 0, column: int = 0
) -> tuple[Edges, np.ndarray]:
    """Return the edges of which the upper or left pixel lies in a window.

    Parameters
    ----------
    labels : ndarray of int (rows, columns)
        Classes of the window and, where the image goes on, one row below it and one column to the
        right; 0 for none.
    height, width : int
        Of the window.
    row, column : int
        Its place in the image.

    Returns
    -------
    edges : Edges
        With scores of NaN.
    places : ndarray of int (n, 2, 2)
        Row and column in `labels` of the two pixels beside each edge.
    """
    sides = []
    for across in (True, False):
        near = labels[:height, : width + 1] if across else labels[: height + 1, :width]
        one, other = (
            (near[:, :-1], near[:, 1:]) if across else (near[:-1], near[1:])
        )  # fmt: skip
        rows, columns = np.nonzero((one != other) & (one > 0) & (other > 0))
        step = np.array([0, 1]) if across else np.array([1, 0])
        place = np.stack([rows, columns], axis=-1)
        sides.append((place, place + step, np.full(len(rows), across)))
    here, there, direction = (np.concatenate(parts) for parts in zip(*sides))
    places = np.stack([here, there], axis=1)
    edges = Edges(
        row=here[:, 0] + row,
        column=here[:, 1] + column,
        across=direction,
        first=labels[here[:, 0], here[:, 1]].astype(np.int64),
        second=labels[there[:, 0], there[:, 1]].astype(np.int64),
        score=np.full(len(here), np.nan),
    )
    return edges, places


def worst_pieces(
    edges: Edges, *, cell: int, least_length: int, count: int
) -> tuple[list[Piece], int]:
    """Join edges to pieces, and return the worst ones.

    Parameters
    ----------
    edges : Edges
        All those of whole cells.
    cell : int
        Side of the cells at whose borders boundaries are cut, pixels.
    least_length : int
        Edges with a score below which a piece is no boundary but a speck.
    count : int
        How many to return at most.

    Returns
    -------
    pieces : list of Piece
        The worst first.
    found : int
        How many were long enough.
    """
    known = edges.taken(np.isfinite(edges.score))
    if not len(known.row):
        return [], 0
    piece = _connected(known, cell)
    lengths = np.bincount(piece)
    scores = np.bincount(piece, known.score) / lengths
    long = np.flatnonzero(lengths >= least_length)
    # Of equal ones the longest; what is left equal is told apart by place, over all windows alike.
    order = long[np.lexsort((-lengths[long], -scores[long]))]
    if len(order) > count:
        last = order[count - 1]
        order = order[
            (scores[order] > scores[last])
            | ((scores[order] == scores[last]) & (lengths[order] >= lengths[last]))
        ]
    pieces = []
    chosen = np.flatnonzero(np.isin(piece, order))
    by_piece = chosen[np.lexsort((known.column[chosen], known.row[chosen], piece[chosen]))]
    starts = np.flatnonzero(np.diff(piece[by_piece], prepend=-1))
    for part in np.split(by_piece, starts[1:]):
        if len(part):
            own = known.taken(part)
            low, high = sorted((int(own.first[0]), int(own.second[0])))
            pieces.append(Piece(low, high, float(scores[piece[part[0]]]), own))
    pieces.sort(key=Piece.rank)
    return pieces[:count], len(long)


def as_wkt(piece: Piece, transform: Affine) -> str:
    """Return a piece as lines on the map."""
    lines = []
    for ends in piece.lines():
        points = (transform * end for end in ends)
        lines.append("(" + ", ".join(f"{x:.12g} {y:.12g}" for x, y in points) + ")")
    return f"MULTILINESTRING({', '.join(lines)})"


def _connected(edges: Edges, cell: int) -> np.ndarray:
    """Return the number of the piece of each edge: those of one pair and cell that meet."""
    low, high = np.minimum(edges.first, edges.second), np.maximum(edges.first, edges.second)
    pair = np.unique(low * 65536 + high, return_inverse=True)[1]
    cells = np.unique(
        (edges.row // cell) * (edges.column.max() // cell + 1) + edges.column // cell,
        return_inverse=True,
    )[1]
    group = pair.astype(np.int64) * (int(cells.max()) + 1) + cells
    # Corners, counted from the window's own, so that the products stay small.
    top, left = edges.row - edges.row.min(), edges.column - edges.column.min()
    wide = int(left.max()) + 2
    end = (top + 1) * wide + left + 1
    start = np.where(edges.across, top * wide + left + 1, (top + 1) * wide + left)
    corners = (int(top.max()) + 2) * wide
    nodes = np.unique(
        np.concatenate([group * corners + start, group * corners + end]), return_inverse=True
    )[1]
    one, other = nodes[: len(group)], nodes[len(group) :]
    size = int(nodes.max()) + 1
    links = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(size, size))
    piece: np.ndarray = connected_components(links, directed=False)[1][one]
    return piece
