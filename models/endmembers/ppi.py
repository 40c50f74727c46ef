"""Pixel purity index: how often a pixel is outermost along random directions.

Reference: Boardman, Kruse and Green (1995), Mapping target signatures via partial unmixing of
AVIRIS data, Summaries of the Fifth JPL Airborne Earth Science Workshop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gossan.core.progress import Progress
from gossan.models.endmembers.cloud import Cloud

FloatArray = npt.NDArray[np.floating[Any]]
IndexArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PixelPurity:
    """The outermost pixels of a scene and how far it reaches along each skewer.

    Parameters
    ----------
    pixels : ndarray, shape (pixels,), int64
        Pixel numbers that were outermost at least once, most often first.
    hits : ndarray, shape (pixels,), int64
        How often each was outermost, either end of a skewer counted.
    skewers : ndarray, shape (skewers, dimensions)
        Random unit vectors.
    least, greatest : ndarray, shape (skewers,)
        Ends of the scene along each, its mean at 0.
    """

    pixels: IndexArray
    hits: IndexArray
    skewers: FloatArray
    least: FloatArray
    greatest: FloatArray

    def hits_of(self, pixel: int) -> int:
        """Return how often a pixel was outermost."""
        place = np.flatnonzero(self.pixels == pixel)
        return int(self.hits[place[0]]) if place.size else 0

    def purity(self, points: FloatArray) -> FloatArray:
        """Return the purity score (n,) of points (n, dimensions), 0 to 1.

        The greatest share of the way from the mean to the scene's end that the point covers along
        any skewer: 1 for a pixel on the convex hull of the scene, 0 for its mean.
        """
        along = np.asarray(points, dtype=np.float64) @ self.skewers.T
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.maximum(along / self.greatest, along / self.least)
        share = np.where(np.isfinite(share), share, 0.0).max(axis=1, initial=0.0)
        # The ends were found in float32; what differs by its rounding only is on the hull too.
        return np.where(share > 1.0 - 1e-5, 1.0, share)


def random_skewers(number: int, dimensions: int, seed: int) -> FloatArray:
    """Return random unit vectors (number, dimensions), evenly spread over all directions."""
    vectors = np.random.default_rng([seed, 1]).standard_normal((number, dimensions))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def pixel_purity(cloud: Cloud, skewers: FloatArray, progress: Progress) -> PixelPurity:
    """Count how often each pixel is outermost along skewers.

    Parameters
    ----------
    cloud : Cloud
        Pixels with their mean removed.
    skewers : ndarray, shape (skewers, dimensions)
        Unit vectors.
    progress : Progress
        Where to report to.

    Returns
    -------
    PixelPurity
        Counts of both ends.
    """
    ends = cloud.extremes(skewers, progress)
    pixels, hits = np.unique(np.concatenate([ends.lowest, ends.highest]), return_counts=True)
    order = np.lexsort((pixels, -hits))
    return PixelPurity(
        pixels[order].astype(np.int64),
        hits[order].astype(np.int64),
        skewers,
        ends.least.astype(np.float64),
        ends.greatest.astype(np.float64),
    )
