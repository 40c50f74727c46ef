"""Land and ocean: whether places lie within land polygons."""

from __future__ import annotations

import os

import numpy as np
from numba import njit

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.deposits.scenes import read_features, rings_of
from gossan.models.deposits.sphere import SphericalPolygons

OCEAN_RULES = ("centre", "land fraction")
"""A scene is ocean where its middle is no land, as in the source, or where little of it is."""

_BANDS = 1800
_POINTS_PER_SCENE = 200


class Land:
    """Land polygons, their edges sorted into bands of latitude for quick tests.

    Unlike footprints, maps of land have edges that are straight in longitude and latitude (that of
    Antarctica runs along the pole), and that is how they are tested.

    Parameters
    ----------
    edges : ndarray, shape (edges, 4)
        Longitude and latitude of both ends, degrees.
    owners : ndarray, shape (edges,)
        Number of the polygon of each edge; polygons may overlap.
    """

    def __init__(self, edges: np.ndarray, owners: np.ndarray) -> None:
        sloping = edges[:, 1] != edges[:, 3]
        edges, owners = edges[sloping], owners[sloping]
        low = np.minimum(edges[:, 1], edges[:, 3])
        high = np.maximum(edges[:, 1], edges[:, 3])
        first, last = _band_of(low), _band_of(high)
        spans = last - first + 1
        chosen = np.repeat(np.arange(len(edges)), spans)
        offsets = np.arange(len(chosen)) - np.repeat(np.cumsum(spans) - spans, spans)
        bands = first[chosen] + offsets
        order = np.lexsort((owners[chosen], bands))
        self._edges = np.ascontiguousarray(edges[chosen[order]])
        self._owners = np.ascontiguousarray(owners[chosen[order]])
        self._starts = np.searchsorted(bands[order], np.arange(_BANDS + 1))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Land:
        """Read land polygons from GeoJSON in longitude and latitude.

        Raises
        ------
        InputError
            When it holds no polygons.
        """
        parts = [
            (number, _ring_edges(ring))
            for number, feature in enumerate(read_features(path))
            for ring in rings_of(feature.get("geometry"))
        ]
        if not parts:
            raise InputError("The land layer holds no polygons.")
        owners = np.repeat([number for number, _ in parts], [len(edges) for _, edges in parts])
        return cls(np.concatenate([edges for _, edges in parts]), owners)

    def contains(self, places: np.ndarray) -> np.ndarray:
        """Return which places (n, 2), longitude and latitude in degrees, are land."""
        longitude = (places[:, 0] + 180.0) % 360.0 - 180.0
        latitude = np.ascontiguousarray(places[:, 1])
        found = _odd_crossings(
            longitude, latitude, _band_of(latitude), self._edges, self._owners, self._starts
        )
        return np.asarray(found)

    def fractions(self, polygons: SphericalPolygons, progress: Progress) -> np.ndarray:
        """Return the share of each polygon that is land, (polygons,), by points spread over it."""
        shares = np.empty(len(polygons))
        for number in range(len(polygons)):
            if number % 500 == 0:
                progress.fraction(number / len(polygons))
            points = polygons.points_inside(number, _POINTS_PER_SCENE)
            shares[number] = self.contains(points).mean()
        return shares


def _ring_edges(ring: np.ndarray) -> np.ndarray:
    return np.hstack([ring, np.roll(ring, -1, axis=0)])


def _band_of(latitude: np.ndarray) -> np.ndarray:
    return np.clip(((latitude + 90.0) * (_BANDS / 180.0)).astype(np.int64), 0, _BANDS - 1)


@njit(cache=True, nogil=True)
def _odd_crossings(
    longitude: np.ndarray,
    latitude: np.ndarray,
    bands: np.ndarray,
    edges: np.ndarray,
    owners: np.ndarray,
    starts: np.ndarray,
) -> np.ndarray:
    """Return for each place whether an odd number of edges of one polygon lies east of it."""
    inside = np.zeros(len(longitude), dtype=np.bool_)
    for i in range(len(longitude)):
        x, y, odd, owner = longitude[i], latitude[i], False, -1
        for edge in range(starts[bands[i]], starts[bands[i] + 1]):
            if owners[edge] != owner:
                if odd:
                    break
                owner = owners[edge]
            x1, y1, x2, y2 = edges[edge, 0], edges[edge, 1], edges[edge, 2], edges[edge, 3]
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                odd = not odd
        inside[i] = odd
    return inside
