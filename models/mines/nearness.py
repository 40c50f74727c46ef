"""Which shapes lie near which: few candidates by trees of points, the rest by compiled code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from gossan.core.geodesy import distance, to_degrees
from gossan.core.progress import Progress
from gossan.models.mines import compiled_distance
from gossan.models.mines.earth_shapes import Shapes

BLOCK = 4000
"""Shapes that are looked after at once."""

FARTHEST = 1_000_000.0
"""Metres beyond which nothing counts as near; the plane of the comparison ends before."""

_SLACK = 1.001
"""Straight lines through the Earth are a little shorter than the way along its surface."""


@dataclass(frozen=True)
class Nearest:
    """The nearest other shape of each shape.

    Parameters
    ----------
    index : ndarray of int64, (shapes,)
        -1 where there is none within the limit.
    metres : ndarray, (shapes,)
        Along the ellipsoid; 0 where they meet, NaN where there is none.
    """

    index: np.ndarray
    metres: np.ndarray


@dataclass(frozen=True)
class Pairs:
    """All pairs within a distance, by shape and then by distance.

    Parameters
    ----------
    shape, other : ndarray of int64, (pairs,)
    metres : ndarray, (pairs,)
    """

    shape: np.ndarray
    other: np.ndarray
    metres: np.ndarray


class Finder:
    """Looks for the nearest of many shapes.

    Parameters
    ----------
    others : Shapes
        What is looked for. Shapes of like size share a tree of their centres.
    """

    def __init__(self, others: Shapes) -> None:
        self.others = others
        classes = np.ceil(np.log2(np.maximum(others.radius, 0.5))).astype(np.int64)
        self._trees = []
        for number in np.unique(classes):
            members = np.flatnonzero(classes == number)
            tree = cKDTree(others.centre[members])
            self._trees.append((members, float(others.radius[members].max()), tree))

    def nearest(self, shapes: Shapes, limit: float, progress: Progress) -> Nearest:
        """Return the nearest other of each shape, up to a limit in metres."""
        index = np.full(shapes.number, -1, dtype=np.int64)
        metres = np.full(shapes.number, np.nan)
        if not self.others.number:
            return Nearest(index, metres)
        for first, stop in _blocks(shapes.number, progress):
            reach = np.minimum(self._bound(shapes, first, stop), limit)
            offsets, candidates = self._candidates(shapes, first, stop, reach)
            found, places = compiled_distance.nearest(
                shapes, first, self.others, offsets, candidates
            )
            length = _length(places)
            near = (found >= 0) & (length <= limit)
            index[first:stop] = np.where(near, found, -1)
            metres[first:stop] = np.where(near, length, np.nan)
        return Nearest(index, metres)

    def within(self, shapes: Shapes, limit: float, progress: Progress) -> Pairs:
        """Return all pairs that lie no further apart than a limit in metres."""
        kept = []
        for first, stop in _blocks(shapes.number, progress):
            reach = np.full(stop - first, limit)
            offsets, candidates = self._candidates(shapes, first, stop, reach)
            places = compiled_distance.all_ways(shapes, first, self.others, offsets, candidates)
            length = _length(places)
            owner = np.repeat(np.arange(first, stop), np.diff(offsets))
            near = np.flatnonzero(length <= limit)
            order = near[np.lexsort((candidates[near], length[near], owner[near]))]
            kept.append((owner[order], candidates[order], length[order]))
        if not kept:
            none = np.zeros(0, dtype=np.int64)
            return Pairs(none, none, np.zeros(0))
        return Pairs(*(np.concatenate(column) for column in zip(*kept)))

    def _bound(self, shapes: Shapes, first: int, stop: int) -> np.ndarray:
        """Return a distance within which each shape surely has one of the others."""
        bound = np.full(stop - first, np.inf)
        for _, radius, tree in self._trees:
            away, _ = tree.query(shapes.centre[first:stop])
            bound = np.minimum(bound, away + radius)
        return (bound + shapes.radius[first:stop]) * _SLACK

    def _candidates(
        self, shapes: Shapes, first: int, stop: int, reach: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return, per shape, the others whose balls come within reach."""
        owners, members = [], []
        for numbers, radius, tree in self._trees:
            around = reach * _SLACK + shapes.radius[first:stop] + radius
            lists = tree.query_ball_point(shapes.centre[first:stop], around, return_sorted=False)
            counts = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
            flat = np.fromiter(
                (item for items in lists for item in items), dtype=np.int64, count=counts.sum()
            )
            owners.append(np.repeat(np.arange(stop - first), counts))
            members.append(numbers[flat])
        owner = np.concatenate(owners) if owners else np.zeros(0, dtype=np.int64)
        member = np.concatenate(members) if members else np.zeros(0, dtype=np.int64)
        order = np.argsort(owner, kind="stable")
        counts = np.bincount(owner, minlength=stop - first)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), member[order]


def _length(places: np.ndarray) -> np.ndarray:
    """Return the way along the ellipsoid between pairs of places, shape (n, 2, 3)."""
    start, end = to_degrees(places[:, 0]), to_degrees(places[:, 1])
    return distance(*start, *end)


def _blocks(count: int, progress: Progress) -> Iterator[tuple[int, int]]:
    for first in range(0, count, BLOCK):
        progress.fraction(first / count)
        yield first, min(first + BLOCK, count)
