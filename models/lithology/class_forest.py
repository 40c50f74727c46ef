"""Random forests that map classes: grown by scikit-learn, predicted by the compiled forest.

The trees are grown until their leaves are pure, so a tree's prediction is the class of its leaf and
the probability of a class is the share of the trees that vote for it, as in Breiman (2001).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from gossan.core.errors import BundleError, InputError
from gossan.core.progress import Progress
from gossan.models.metals.forest import Forest, feature_keys

CHUNK_PIXELS = 16_384
"""Pixels whose votes of all trees are in memory at once."""

TREES_PER_STEP = 10
"""Trees grown between two looks at whether the user has cancelled."""


@dataclass(frozen=True)
class ForestOptions:
    """How a forest is grown.

    Parameters
    ----------
    trees : int
    variables : int
        Bands that a node may choose from.
    share : float
        Share of the labelled pixels of each class that it learns from, 0 to 1.
    seed : int
    """

    trees: int = 200
    variables: int = 3
    share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.trees < 1:
            raise InputError(f"A forest of {self.trees} trees is none; give 1 or more.")
        if self.variables < 1:
            raise InputError(f"A node cannot choose among {self.variables} bands; give 1 or more.")
        if not 0 < self.share <= 1:
            raise InputError(
                f"A share of {self.share:g} of the pixels cannot be drawn; give 0 to 1."
            )


@dataclass(frozen=True, eq=False)
class ClassForest:
    """A forest whose leaves name classes.

    Parameters
    ----------
    forest : Forest
        Its leaf values are positions of classes.
    classes : int
        Number of classes.
    """

    forest: Forest
    classes: int

    def shares(self, pixels: np.ndarray, progress: Progress | None = None) -> np.ndarray:
        """Return the share of the votes of each class.

        Parameters
        ----------
        pixels : ndarray, shape (pixels, bands)
            Finite values.
        progress : Progress, optional
            Asked between chunks whether to go on.

        Returns
        -------
        ndarray of float32, shape (pixels, classes)
        """
        out = np.empty((len(pixels), self.classes), dtype=np.float32)
        for start in range(0, len(pixels), CHUNK_PIXELS):
            if progress is not None:
                progress.check()
            keys = feature_keys(pixels[start : start + CHUNK_PIXELS])
            votes = self.forest.tree_values_keys(keys).astype(np.uint8)
            for place in range(self.classes):
                out[start : start + len(keys), place] = np.count_nonzero(votes == place, axis=0)
        out /= self.forest.trees
        return out

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what `from_arrays` needs."""
        return self.forest.arrays()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], bands: int, classes: int) -> ClassForest:
        """Rebuild it; raises `BundleError` when the arrays do not fit."""
        forest = Forest.from_arrays(arrays, bands)
        places = forest.values
        if np.any(places != np.rint(places)) or np.any((places < 0) | (places >= classes)):
            raise BundleError("The forest in the model names classes that it does not have.")
        return cls(forest, classes)


def draw_pixels(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Draw that share of the pixels of each class, at least one each.

    Parameters
    ----------
    labels : ndarray of int, shape (pixels,)
        Class of each pixel, 0 for none.
    share : float
    seed : int

    Returns
    -------
    ndarray of int
        Sorted positions.
    """
    chance = np.random.default_rng(seed)
    chosen = []
    for value in np.unique(labels[labels > 0]):
        places = np.flatnonzero(labels == value)
        count = max(round(share * len(places)), 1)
        chosen.append(chance.choice(places, count, replace=False))
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


def grow(
    pixels: np.ndarray,
    places: np.ndarray,
    classes: int,
    options: ForestOptions,
    progress: Progress,
) -> ClassForest:
    """Grow a forest.

    Parameters
    ----------
    pixels : ndarray of float32, shape (pixels, bands)
        Finite values.
    places : ndarray of int, shape (pixels,)
        Class of each pixel as its position among the classes, from 0.
    classes : int
        Number of classes.
    options : ForestOptions
    progress : Progress
    """
    if not len(pixels):
        raise InputError("No pixel has a class and a value in every band.")
    estimator = RandomForestClassifier(
        n_estimators=0,
        max_features=min(options.variables, pixels.shape[1]),
        random_state=options.seed,
        n_jobs=-1,
        warm_start=True,
    )
    grown = 0
    while grown < options.trees:
        progress.fraction(grown / options.trees)
        grown = min(grown + TREES_PER_STEP, options.trees)
        estimator.set_params(n_estimators=grown)
        estimator.fit(pixels, places)
    # scikit-learn numbers the classes that it has seen; a leaf names the one of most weight.
    seen = estimator.classes_
    forest = Forest.from_trees(
        [tree.tree_ for tree in estimator.estimators_],
        scale=1.0 / options.trees,
        leaves=lambda tree: seen[tree.value[:, 0, :].argmax(axis=1)],
    )
    progress.fraction(1.0)
    return ClassForest(forest, classes)
