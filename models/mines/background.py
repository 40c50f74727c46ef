"""Background points: spread over strata of the ground, away from known mines and from each other.

Points drawn evenly over an area show the commonest ground again and again; the false alarms come
from what is rare: ponds, river banks, towns, bare fields. Hence every stratum gives as many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from rasterio.features import rasterize
from scipy.spatial import cKDTree
from sklearn.cluster import KMeans

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import Raster, Window, valid_pixels
from gossan.models.mines.masks import inside_polygons, outlines

CLUSTERED_BLOCKS = 20_000
"""Blocks, drawn at random, on which strata are sought."""

RESTARTS = 4
MOST_BLOCKS = 250_000
BLOCK_METRES = 270.0
"""Side of the blocks of ground that strata consist of: a cell of the search."""

_LEAST_VALID = 0.95


@dataclass(frozen=True)
class Strata:
    """Blocks of an image and the stratum of each.

    Parameters
    ----------
    side : int
        Pixels along each side of a block.
    labels : ndarray of int (blocks down, blocks across)
        Stratum from 1; 0 where a block is not to be used.
    names : dict of int to str
    """

    side: int
    labels: np.ndarray
    names: dict[int, str]


def block_side(height: int, width: int, metres: float | None) -> int:
    """Return the pixels of a block's side: about 270 m, more where there would be too many."""
    side = max(round(BLOCK_METRES / metres), 1) if metres else 27
    side = min(side, height, width)
    while (height // side) * (width // side) > MOST_BLOCKS:
        side *= 2
    return side


def image_strata(raster: Raster, side: int, count: int, seed: int, progress: Progress) -> Strata:
    """Cluster the blocks of an image by mean and spread of their bands.

    Parameters
    ----------
    raster : Raster
    side : int
    count : int
        Strata wanted.
    seed : int
    """
    info = raster.info
    down, across = info.height // side, info.width // side
    features = np.full((down, across, 2 * info.count), np.nan)
    for row in range(down):
        progress.fraction(0.8 * row / down)
        values = raster.read(Window(row * side, 0, side, across * side), scaled=False)
        valid = valid_pixels(values, collar=True)
        parts = np.where(valid[..., None], values, np.nan).astype(np.float64)
        parts = parts.reshape(side, across, side, info.count).transpose(1, 0, 2, 3)
        parts = parts.reshape(across, side * side, info.count)
        enough = np.isfinite(parts[..., 0]).mean(axis=1) >= _LEAST_VALID
        if enough.any():
            chosen = parts[enough]
            features[row, enough] = np.concatenate(
                [np.nanmean(chosen, axis=1), np.nanstd(chosen, axis=1)], axis=1
            )
    known = np.isfinite(features).all(axis=-1)
    labels = np.zeros((down, across), dtype=np.int64)
    if not known.any():
        raise InputError(f"{info.path} has no block of {side} x {side} valid pixels.")
    labels[known] = _clusters(features[known], count, seed) + 1
    progress.fraction(1.0)
    return Strata(side, labels, {k: f"cluster {k}" for k in range(1, int(labels.max()) + 1)})


def class_strata(raster: Raster, side: int, names: dict[int, str], progress: Progress) -> Strata:
    """Give every block the most frequent class of a class raster; 0 is none."""
    info = raster.info
    down, across = info.height // side, info.width // side
    labels = np.zeros((down, across), dtype=np.int64)
    for row in range(down):
        progress.fraction(row / down)
        values = raster.read(Window(row * side, 0, side, across * side), [0], scaled=False)[..., 0]
        classes = np.where(np.isfinite(values), np.rint(values), 0).astype(np.int64)
        if classes.min() < 0:
            raise InputError(
                f"{info.path} holds classes below zero; a class raster of strata has whole numbers "
                "from 1, and 0 for none."
            )
        blocks = classes.reshape(side, across, side).transpose(1, 0, 2).reshape(across, -1)
        labels[row] = [np.bincount(block).argmax() for block in blocks]
    progress.fraction(1.0)
    found = [int(value) for value in np.unique(labels) if value]
    if not found:
        raise InputError(f"{info.path} has no class but 0, which stands for none.")
    return Strata(side, labels, {value: names.get(value) or f"class {value}" for value in found})


def keep_within(strata: Strata, geometries: Sequence[dict[str, Any]], transform: Affine) -> Strata:
    """Leave out the blocks whose middle lies outside an area."""
    placed = transform @ Affine.scale(strata.side)
    inside = rasterize(geometries, strata.labels.shape, transform=placed, dtype="uint8")
    return Strata(strata.side, np.where(inside == 1, strata.labels, 0), strata.names)


@dataclass(frozen=True)
class Spread:
    """How points are spread.

    Parameters
    ----------
    count : int
        Points wanted.
    from_mines : float
        Least distance to known mines, metres.
    apart : float
        Least distance between two points, metres.
    seed : int
    """

    count: int
    from_mines: float
    apart: float
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"{self.count} points are none; ask for 1 or more.")
        if self.from_mines < 0 or self.apart < 0:
            raise InputError("Distances between points and to mines cannot be below 0.")


@dataclass(frozen=True)
class Background:
    """Points that were found.

    Parameters
    ----------
    places : ndarray (n, 2)
        Row and column, corner-based pixels.
    strata : ndarray of int (n,)
    distances : ndarray (n,)
        Metres to the nearest known mine, NaN where none is known.
    """

    places: np.ndarray
    strata: np.ndarray
    distances: np.ndarray


def spread_points(
    strata: Strata,
    metres: tuple[float, float],
    mines: Sequence[dict[str, Any]],
    transform: Affine,
    spread: Spread,
    progress: Progress,
) -> Background:
    """Draw points from all strata alike, away from mines and from each other.

    Parameters
    ----------
    strata : Strata
    metres : tuple of float
        That a pixel spans along columns and along rows.
    mines : sequence of dict
        GeoJSON geometries of known mines, in map coordinates.
    transform : Affine
        From (column, row) to map coordinates.
    spread : Spread

    Returns
    -------
    Background
        Fewer points than wanted where there is no room for more.
    """
    chance = np.random.default_rng(spread.seed)
    cells = np.argwhere(strata.labels > 0)
    # One place in every block, anywhere in it: a lattice of centres would see the same rows again.
    places = (cells + chance.random(cells.shape)) * strata.side
    labels = strata.labels[tuple(cells.T)]
    ground = places * np.array([metres[1], metres[0]])
    distances = _to_mines(ground, mines, transform, metres, max(spread.from_mines, 1.0))
    inside = inside_polygons(places, mines, transform)
    free = ~inside & ~(distances < spread.from_mines)
    progress.fraction(0.5)
    chosen = _thinned(ground, labels, free, spread, chance, progress.part(0.5, 1.0))
    known = np.where(np.isfinite(distances), distances, np.nan)
    return Background(places[chosen], labels[chosen], known[chosen])


def _clusters(features: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return the cluster of each block, from 0; the largest first."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    chance = np.random.default_rng(seed)
    drawn = chance.permutation(len(scaled))[:CLUSTERED_BLOCKS]
    distinct = len(np.unique(scaled[drawn], axis=0))
    wanted = min(count, distinct)
    found = KMeans(wanted, n_init=RESTARTS, random_state=seed).fit(scaled[drawn]).predict(scaled)
    order = np.argsort(-np.bincount(found, minlength=wanted), kind="stable")
    rank = np.empty(wanted, dtype=np.int64)
    rank[order] = np.arange(wanted)
    return rank[found]


def _thinned(
    ground: np.ndarray,
    labels: np.ndarray,
    free: np.ndarray,
    spread: Spread,
    chance: np.random.Generator,
    progress: Progress,
) -> np.ndarray:
    """Take the strata in turn, the rarest first, and of each the next place that is far enough."""
    waiting = []
    for label in np.unique(labels[free]):
        waiting.append(list(chance.permutation(np.flatnonzero(free & (labels == label)))))
    waiting.sort(key=len)
    taken: list[int] = []
    size = spread.apart or 1.0
    near: dict[tuple[int, int], list[int]] = {}

    def has_room(index: int) -> bool:
        row, column = (int(v) for v in ground[index] // size)
        return not any(
            math.dist(ground[index], ground[other]) < spread.apart
            for r in (row - 1, row, row + 1)
            for c in (column - 1, column, column + 1)
            for other in near.get((r, c), ())
        )

    while len(taken) < spread.count and any(waiting):
        progress.fraction(len(taken) / spread.count)
        for pile in waiting:
            while pile:
                index = int(pile.pop())
                if has_room(index):
                    key = tuple(int(v) for v in ground[index] // size)
                    near.setdefault((key[0], key[1]), []).append(index)
                    taken.append(index)
                    break
            if len(taken) == spread.count:
                break
    return np.array(taken, dtype=np.int64)


def _to_mines(
    ground: np.ndarray,
    mines: Sequence[dict[str, Any]],
    transform: Affine,
    metres: tuple[float, float],
    reach: float,
) -> np.ndarray:
    """Return a lower bound of the metres to the outline of the nearest mine; infinite for none."""
    lines = [line for geometry in mines for line in outlines(geometry)]
    if not lines or not len(ground):
        return np.full(len(ground), np.inf)
    step = max(reach / 4, 1.0)
    a, b, c, d, e, f = tuple(~transform)[:6]
    points = []
    for line in lines:
        x, y = np.asarray(line, dtype=np.float64)[:, :2].T
        on_ground = np.column_stack(
            [(d * x + e * y + f) * metres[1], (a * x + b * y + c) * metres[0]]
        )
        points.append(_densified(on_ground, step))
    found, _ = cKDTree(np.concatenate(points)).query(ground)
    # Between two of the points on an outline it may come nearer than they are.
    half = step / 2 if any(len(line) > 1 for line in lines) else 0.0
    return np.sqrt(np.maximum(found**2 - half**2, 0.0))


def _densified(line: np.ndarray, step: float) -> np.ndarray:
    parts = [line[:1]]
    for first, second in zip(line[:-1], line[1:]):
        count = max(math.ceil(math.dist(first, second) / step), 1)
        shares = np.arange(1, count + 1)[:, None] / count
        parts.append(first + shares * (second - first))
    return np.concatenate(parts)
