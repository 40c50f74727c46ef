"""Polygons and points on the sphere: which points lie in which polygons, exactly.

Edges are arcs of great circles, so nothing happens at the date line or at the poles. Seen from the
centre of the Earth (gnomonic projection) such an arc is a straight line in the plane that touches
the sphere at the polygon's middle, and the test is the plain one for polygons in a plane.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from gossan.core.errors import InputError

EARTH_RADIUS = 6_371_007.2
"""Radius of the sphere that has the Earth's area, metres."""

Rings = Sequence[np.ndarray]
"""The rings of a polygon, each (n, 2) longitudes and latitudes in degrees; holes are rings too."""

_BAND_DEGREES = 0.5
_WIDEST = math.radians(85.0)


@dataclass(frozen=True)
class SphericalPolygons:
    """Polygons on the sphere, laid out for compiled tests.

    Parameters
    ----------
    frames : ndarray, shape (polygons, 3, 3)
        For each polygon two directions across its middle, and the middle itself (unit vectors).
    radii : ndarray, shape (polygons,)
        Angle from the middle to the farthest vertex, radians.
    edges : ndarray, shape (edges, 4)
        Ends of the edges in the polygon's own plane.
    starts : ndarray, shape (polygons + 1,)
        Where the edges of each polygon begin.
    """

    frames: np.ndarray
    radii: np.ndarray
    edges: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.radii)

    @property
    def middles(self) -> np.ndarray:
        """Longitude and latitude of the middle of each polygon, degrees, (polygons, 2)."""
        return degrees(self.frames[:, 2])

    @classmethod
    def from_rings(
        cls, polygons: Sequence[Rings], names: Sequence[str] | None = None
    ) -> SphericalPolygons:
        """Lay polygons out.

        Parameters
        ----------
        polygons : sequence of rings
            Each ring may or may not repeat its first vertex at its end. A point is inside where it
            lies within an odd number of rings. The inside is the smaller side.
        names : sequence of str or None
            What each polygon is called, for messages.

        Raises
        ------
        InputError
            When a polygon has fewer than three vertices, one that is no place on Earth, or reaches
            farther than 85 degrees from its middle.
        """
        if not len(polygons):
            none = np.zeros(1, dtype=np.int64)
            return cls(np.empty((0, 3, 3)), np.empty(0), np.empty((0, 4)), none)
        labels = names or [f"Polygon {number + 1}" for number in range(len(polygons))]
        per_polygon = np.array([len(rings) for rings in polygons])
        _refuse(per_polygon == 0, labels, "has no vertices")
        rings = [np.asarray(ring, dtype=np.float64).reshape(-1, 2) for p in polygons for ring in p]
        owner = np.repeat(np.arange(len(polygons)), per_polygon)
        vectors, ring_of = _vertices(rings, owner, labels)
        polygon_of = owner[ring_of]
        starts = np.searchsorted(polygon_of, np.arange(len(polygons) + 1))
        frames = _frames(np.add.reduceat(vectors, starts[:-1], axis=0), np.diff(starts), labels)
        plane = np.einsum("nij,nj->ni", frames[polygon_of], vectors)
        least = np.minimum.reduceat(plane[:, 2], starts[:-1])
        radii = np.arccos(np.clip(least, -1.0, 1.0))
        _refuse(
            radii > _WIDEST,
            labels,
            "is so large that its inside cannot be told from its outside. Cut it into smaller "
            "polygons",
        )
        plane = plane[:, :2] / plane[:, 2:]
        following = np.arange(1, len(vectors) + 1)
        firsts = np.searchsorted(ring_of, np.arange(len(rings) + 1))
        following[firsts[1:] - 1] = firsts[:-1]
        return cls(frames, radii, np.hstack([plane, plane[following]]), starts)

    def areas(self) -> np.ndarray:
        """Return areas in km2, (polygons,)."""
        if not len(self):
            return np.empty(0)
        km2 = (EARTH_RADIUS / 1000.0) ** 2
        return km2 * np.abs(np.add.reduceat(_areas_on_unit_sphere(self.edges), self.starts[:-1]))

    def points_inside(self, polygon: int, count: int) -> np.ndarray:
        """Return about `count` longitudes and latitudes (n, 2) spread evenly over a polygon.

        The middle of the polygon's box stands in where the grid falls between its edges.
        """
        edges = self.edges[self.starts[polygon] : self.starts[polygon + 1]]
        low, high = edges.reshape(-1, 2).min(axis=0), edges.reshape(-1, 2).max(axis=0)
        side = max(math.isqrt(2 * count), 1)
        steps = (np.arange(side) + 0.5) / side
        x, y = np.meshgrid(*(low[i] + (high[i] - low[i]) * steps for i in (0, 1)))
        plane = np.column_stack([x.ravel(), y.ravel(), np.ones(x.size)])
        vectors = plane @ self.frames[polygon]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        hit = _test_all(vectors, self.frames[polygon], edges)
        return degrees(vectors[hit]) if hit.any() else degrees(self.frames[polygon, 2][None])


@dataclass(frozen=True)
class Hits:
    """Which points lie in which polygons.

    Parameters
    ----------
    starts : ndarray, shape (polygons + 1,)
        Where the points of each polygon begin in `points`.
    points : ndarray, shape (hits,)
        Number of each point, ascending within a polygon.
    """

    starts: np.ndarray
    points: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Number of points in each polygon."""
        return np.diff(self.starts)

    def of(self, polygon: int) -> np.ndarray:
        """Return the numbers of the points in one polygon."""
        return self.points[self.starts[polygon] : self.starts[polygon + 1]]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sum over each polygon's points of values (points, columns)."""
        polygons = len(self.starts) - 1
        owners = np.repeat(np.arange(polygons), self.counts)
        added = np.zeros((polygons, values.shape[1]))
        for column in range(values.shape[1]):
            taken = values[self.points, column]
            added[:, column] = np.bincount(owners, weights=taken, minlength=polygons)
        return added


def find_hits(polygons: SphericalPolygons, longitude: np.ndarray, latitude: np.ndarray) -> Hits:
    """Find the points that lie in each polygon.

    The points are sorted into bands of latitude and by longitude within them. For each polygon
    only those near its bounding circle are looked at, and each of them is tested exactly. (A k-d
    tree finds the same candidates; this takes half of its time and builds no lists of them.)

    Parameters
    ----------
    polygons : SphericalPolygons
    longitude, latitude : ndarray, shape (points,)
        Degrees; longitudes of any turn.

    Returns
    -------
    Hits
    """
    longitude = np.asarray(longitude, dtype=np.float64)
    latitude = np.asarray(latitude, dtype=np.float64)
    turn = np.mod(longitude, 360.0)
    bands = math.ceil(180.0 / _BAND_DEGREES)
    band = np.clip(((latitude + 90.0) / _BAND_DEGREES).astype(np.int64), 0, bands - 1)
    order = np.lexsort((turn, band))
    starts = np.searchsorted(band[order], np.arange(bands + 1))
    counts, found = _search(
        polygons.frames,
        polygons.radii,
        polygons.edges,
        polygons.starts,
        unit_vectors(longitude[order], latitude[order]),
        np.ascontiguousarray(turn[order]),
        order,
        starts,
    )
    return Hits(np.concatenate([[0], np.cumsum(counts)]), found)


def unit_vectors(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return unit vectors (n, 3) of longitudes and latitudes in degrees."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    flat = np.cos(lat)
    return np.column_stack([flat * np.cos(lon), flat * np.sin(lon), np.sin(lat)])


def degrees(vectors: np.ndarray) -> np.ndarray:
    """Return longitudes (-180 to 180) and latitudes (n, 2) in degrees of vectors (n, 3)."""
    flat = np.hypot(vectors[:, 0], vectors[:, 1])
    return np.degrees(
        np.column_stack([np.arctan2(vectors[:, 1], vectors[:, 0]), np.arctan2(vectors[:, 2], flat)])
    )


def distance_km(
    longitude: np.ndarray, latitude: np.ndarray, other: tuple[float, float]
) -> np.ndarray:
    """Return great-circle distances in km, (n,), to one place (longitude, latitude)."""
    here = unit_vectors(np.atleast_1d(longitude), np.atleast_1d(latitude))
    there = unit_vectors(np.array([other[0]]), np.array([other[1]]))
    chord = np.linalg.norm(here - there, axis=1)
    return 2e-3 * EARTH_RADIUS * np.arcsin(np.minimum(chord / 2, 1.0))


def _vertices(
    rings: Sequence[np.ndarray], owner: np.ndarray, labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices (n, 3) of all rings, repeated ones left out, and the ring of each."""
    places = np.concatenate(rings)
    ring_of = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    odd = ~np.isfinite(places).all(axis=1) | ~(np.abs(places[:, 1]) <= 90.0001)
    if odd.any():
        name = labels[owner[ring_of[np.argmax(odd)]]]
        raise InputError(
            f"{name} has a vertex that is no place on Earth. Give its polygon in longitude and "
            "latitude, latitudes between -90 and 90."
        )
    vectors = unit_vectors(places[:, 0], places[:, 1])
    firsts = np.searchsorted(ring_of, np.arange(len(rings)))
    lengths = np.diff(np.append(firsts, len(places)))
    before = np.arange(-1, len(vectors) - 1)
    before[firsts[lengths > 0]] = (firsts + lengths - 1)[lengths > 0]
    moved = np.abs(vectors - vectors[before]).max(axis=1) > 1e-12
    few = np.bincount(ring_of[moved], minlength=len(rings)) < 3
    if few.any():
        raise InputError(
            f"{labels[owner[np.argmax(few)]]} has fewer than three different vertices and encloses "
            "nothing."
        )
    return vectors[moved], ring_of[moved]


def _frames(sums: np.ndarray, counts: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Return two directions across the middle of each polygon, and the middle; (n, 3, 3)."""
    lengths = np.linalg.norm(sums, axis=1)
    _refuse(lengths < 1e-6 * counts, labels, "goes around the Earth. Cut it into smaller polygons")
    middles = sums / lengths[:, None]
    axes = np.eye(3)[np.argmin(np.abs(middles), axis=1)]
    across = np.cross(axes, middles)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.stack([across, np.cross(middles, across), middles], axis=1)


def _refuse(odd: np.ndarray, labels: Sequence[str], why: str) -> None:
    if odd.any():
        raise InputError(f"{labels[int(np.argmax(odd))]} {why}.")


def _areas_on_unit_sphere(edges: np.ndarray) -> np.ndarray:
    """Return the area of each triangle of the plane's origin and an edge, on the sphere.

    Its solid angle by Van Oosterom and Strackee (1983), negative where the edge runs clockwise.
    """
    x1, y1, x2, y2 = edges.T
    one, two = np.hypot(np.hypot(x1, y1), 1.0), np.hypot(np.hypot(x2, y2), 1.0)
    triple = x1 * y2 - x2 * y1
    below = one * two + one + two + (x1 * x2 + y1 * y2 + 1.0)
    return 2.0 * np.arctan2(triple, below)


@njit(cache=True, nogil=True)
def _inside(x: float, y: float, edges: np.ndarray, first: int, last: int) -> bool:
    """Tell whether a place in the plane lies between edges: an odd number lies to its right."""
    odd = False
    for edge in range(first, last):
        x1, y1, x2, y2 = edges[edge, 0], edges[edge, 1], edges[edge, 2], edges[edge, 3]
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            odd = not odd
    return odd


@njit(cache=True, nogil=True)
def _test_all(vectors: np.ndarray, frame: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return which vectors (n, 3) of the polygon's half of the sphere lie in it."""
    hit = np.zeros(len(vectors), dtype=np.bool_)
    for i in range(len(vectors)):
        up = vectors[i, 0] * frame[2, 0] + vectors[i, 1] * frame[2, 1] + vectors[i, 2] * frame[2, 2]
        if up > 0.0:
            x = vectors[i, 0] * frame[0, 0] + vectors[i, 1] * frame[0, 1]
            y = vectors[i, 0] * frame[1, 0] + vectors[i, 1] * frame[1, 1]
            x += vectors[i, 2] * frame[0, 2]
            y += vectors[i, 2] * frame[1, 2]
            hit[i] = _inside(x / up, y / up, edges, 0, len(edges))
    return hit


@njit(cache=True, nogil=True)
def _search(
    frames: np.ndarray,
    radii: np.ndarray,
    edges: np.ndarray,
    starts: np.ndarray,
    vectors: np.ndarray,
    turns: np.ndarray,
    numbers: np.ndarray,
    bands: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many points each polygon has, and all their numbers, polygon by polygon."""
    polygons = len(radii)
    counts = np.zeros(polygons, dtype=np.int64)
    found = np.empty(max(16, len(vectors)), dtype=np.int64)
    total = 0
    last_band = len(bands) - 2
    margin = 1e-9
    for polygon in range(polygons):
        frame, radius = frames[polygon], radii[polygon] + margin
        least = math.cos(radius)
        height = math.asin(min(max(frame[2, 2], -1.0), 1.0))
        low, high = math.degrees(height - radius), math.degrees(height + radius)
        # The longitudes that a circle reaches; all of them where it holds a pole.
        reach = 180.0
        if low > -90.0 and high < 90.0:
            wide = math.sin(radius) / math.cos(height)
            reach = math.degrees(math.asin(min(wide, 1.0))) + 1e-7
        middle = math.degrees(math.atan2(frame[2, 1], frame[2, 0])) % 360.0
        before = total
        first_band = min(max(int((low + 90.0) / _BAND_DEGREES), 0), last_band)
        end_band = min(max(int((high + 90.0) / _BAND_DEGREES), 0), last_band)
        for band in range(first_band, end_band + 1):
            a, b = bands[band], bands[band + 1]
            if a == b:
                continue
            # A range that leaves 0 to 360 is looked up a second time, a turn away.
            for turn in range(-1, 2):
                from_, to = middle - reach + 360.0 * turn, middle + reach + 360.0 * turn
                if reach >= 180.0:
                    if turn != 0:
                        continue
                    from_, to = 0.0, 360.0
                if to < 0.0 or from_ > 360.0:
                    continue
                i = a + np.searchsorted(turns[a:b], from_)
                while i < b and turns[i] <= to:
                    x, y, z = vectors[i, 0], vectors[i, 1], vectors[i, 2]
                    up = x * frame[2, 0] + y * frame[2, 1] + z * frame[2, 2]
                    if up >= least:
                        across = x * frame[0, 0] + y * frame[0, 1] + z * frame[0, 2]
                        along = x * frame[1, 0] + y * frame[1, 1] + z * frame[1, 2]
                        if _inside(
                            across / up, along / up, edges, starts[polygon], starts[polygon + 1]
                        ):
                            if total == len(found):
                                larger = np.empty(2 * len(found), dtype=np.int64)
                                larger[:total] = found
                                found = larger
                            found[total] = numbers[i]
                            total += 1
                    i += 1
        counts[polygon] = total - before
        found[before:total].sort()
    return counts, found[:total].copy()
