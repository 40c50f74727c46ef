"""Locations: scenes that show the same ground, and a split that never parts them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gossan.core.errors import InputError
from gossan.core.validation import grouped
from gossan.models.deposits.scenes import Scene
from gossan.models.deposits.sphere import (
    EARTH_RADIUS,
    SphericalPolygons,
    find_hits,
    unit_vectors,
)

LOCATION_RULES = ("path and row", "distance")
"""Scenes of one path and row, or scenes nearer to each other than a distance."""

_TRIES = 40
_POINTS = 30
"""Points of each footprint that are looked for in the others."""


def locations_of(
    scenes: Sequence[Scene], middles: np.ndarray, rule: str, kilometres: float
) -> list[str]:
    """Return the location of each scene.

    Parameters
    ----------
    scenes : sequence of Scene
    middles : ndarray, shape (scenes, 2)
        Longitude and latitude of their middles, degrees.
    rule : str
        One of `LOCATION_RULES`. By path and row, scenes that have none count as places of their
        own, the same one where their middles agree to a hundredth of a degree.
    kilometres : float
        By distance: scenes nearer than this are one location, and so are all that such steps lead
        to, so that scenes on two sides of a split are farther apart.
    """
    if rule == LOCATION_RULES[0]:
        return [
            f"{scene.wrs_path:03d}{scene.wrs_row:03d}"
            if scene.wrs_path and scene.wrs_row
            else f"{longitude:.2f} {latitude:.2f}"
            for scene, (longitude, latitude) in zip(scenes, middles)
        ]
    if rule != LOCATION_RULES[1]:
        raise InputError(f"Unknown locations {rule!r}; use one of {', '.join(LOCATION_RULES)}.")
    chord = 2.0 * np.sin(min(kilometres * 1000.0 / EARTH_RADIUS, np.pi) / 2)
    tree = cKDTree(unit_vectors(middles[:, 0], middles[:, 1]))
    pairs = tree.query_pairs(chord, output_type="ndarray")
    ones = np.ones(len(pairs))
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), (len(scenes), len(scenes)))
    _, labels = connected_components(graph, directed=False)
    return [f"place {label + 1}" for label in labels]


def split(locations: Sequence[str], presence: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Return which samples (n,) are for validation; no location is on both sides.

    Of several splits by whole locations the one is taken whose share of samples, and of samples
    with deposits, is nearest to what is wanted.

    Parameters
    ----------
    locations : sequence of str
    presence : ndarray of int, shape (n,)
    share : float
        Share for validation, 0 to 1.
    seed : int

    Raises
    ------
    InputError
        When there are too few locations.
    """
    labels = np.asarray(locations)
    different = len(np.unique(labels))
    if different < 2:
        raise InputError(
            "All scenes are one location, so that training and validation cannot be kept apart. "
            "Add scenes of other places, or take a shorter distance."
        )
    folds = min(max(round(1.0 / share), 2), different)
    best, least = None, np.inf
    for attempt in range(_TRIES):
        for _, test in grouped(labels, folds, seed=seed + 7919 * attempt):
            mask = np.zeros(len(labels), dtype=bool)
            mask[test] = True
            cost = abs(mask.mean() - share)
            for value in (0, 1):
                members = presence == value
                if members.any():
                    cost += abs(mask[members].mean() - share)
            if cost < least - 1e-12:
                best, least = mask, cost
    if best is None:
        raise InputError("The scenes could not be split.")
    return best


def overlapping(shapes: SphericalPolygons, held: np.ndarray) -> np.ndarray:
    """Return which training samples (n,) show ground that validation samples show too.

    Scenes of neighbouring paths and rows overlap at their sides, so that a split by path and row
    alone lets a network learn some of the ground by which it is judged.

    Parameters
    ----------
    shapes : SphericalPolygons
        Footprints of all samples.
    held : ndarray of bool, shape (n,)
        True for validation.
    """
    found = np.zeros(len(held), dtype=bool)
    points = [shapes.points_inside(number, _POINTS) for number in range(len(shapes))]
    owners = np.repeat(np.arange(len(points)), [len(each) for each in points])
    longitude, latitude = np.concatenate(points).T
    hits = find_hits(shapes, longitude, latitude)
    polygons = np.repeat(np.arange(len(shapes)), hits.counts)
    others = owners[hits.points]
    for training, validation in ((polygons, others), (others, polygons)):
        meets = ~held[training] & held[validation]
        found[training[meets]] = True
    return found


def balanced(presence: np.ndarray, part: np.ndarray, seed: int) -> np.ndarray:
    """Return which samples (n,) make a set with as many deposits as none, on each side of a split.

    Parameters
    ----------
    presence : ndarray of int, shape (n,)
    part : ndarray of bool, shape (n,)
        True for validation.
    seed : int
        Decides which of the more frequent kind are left out.
    """
    random = np.random.default_rng(seed)
    chosen = np.zeros(len(presence), dtype=bool)
    for side in (False, True):
        kinds = [np.flatnonzero((part == side) & (presence == value)) for value in (0, 1)]
        count = min(map(len, kinds))
        for members in kinds:
            chosen[random.permutation(members)[:count]] = True
    return chosen
