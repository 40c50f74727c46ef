"""Footprints as maps of longitude and latitude can show them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gossan.models.deposits.sphere import Rings, degrees, unit_vectors

_SAG = 1e-3
"""How far a drawn edge may lie beside its great circle, degrees."""
_MOST_PIECES = 64


def map_shape(rings: Rings) -> dict[str, Any]:
    """Return rings on the sphere as a GeoJSON multipolygon in longitude and latitude.

    Edges get further vertices, so that they follow their great circles; a polygon across the date
    line is cut there, and one around a pole is led along it.

    Parameters
    ----------
    rings : rings
        Longitudes of any turn; each ring is a part of its own (footprints have no holes).
    """
    parts = []
    for ring in rings:
        unrolled = _unrolled(_along_great_circles(np.asarray(ring, dtype=np.float64)))
        for turn in range(
            math.floor((unrolled[:, 0].min() + 180.0) / 360.0),
            math.floor((unrolled[:, 0].max() + 180.0 - 1e-9) / 360.0) + 1,
        ):
            shifted = unrolled - (360.0 * turn, 0.0)
            part = _clipped(_clipped(shifted, -180.0, 1.0), 180.0, -1.0)
            if len(part) >= 3:
                closed = np.vstack([part, part[:1]])
                parts.append([[[float(x), float(y)] for x, y in closed]])
    return {"type": "MultiPolygon", "coordinates": parts}


def _along_great_circles(ring: np.ndarray) -> np.ndarray:
    """Return the ring (n, 2) with vertices added where straight lines would leave its edges."""
    if len(ring) > 1 and np.array_equal(ring[0], ring[-1]):
        ring = ring[:-1]
    vectors = unit_vectors(ring[:, 0], ring[:, 1])
    following = np.roll(vectors, -1, axis=0)
    pieces = [_pieces(a, b) for a, b in zip(vectors, following)]
    made = [
        a + (b - a) * np.arange(count)[:, None] / count
        for a, b, count in zip(vectors, following, pieces)
    ]
    return degrees(np.concatenate(made))


def _pieces(a: np.ndarray, b: np.ndarray) -> int:
    """Return into how many pieces an edge is cut; the sag falls with the square of their number."""
    ends = degrees(np.stack([a, b, a + b]))
    longitude = ends[:, 0] + 360.0 * np.round((ends[0, 0] - ends[:, 0]) / 360.0)
    east = math.cos(math.radians(ends[2, 1])) * (longitude[2] - (longitude[0] + longitude[1]) / 2)
    north = ends[2, 1] - (ends[0, 1] + ends[1, 1]) / 2
    return min(max(math.ceil(math.sqrt(math.hypot(east, north) / _SAG)), 1), _MOST_PIECES)


def _unrolled(ring: np.ndarray) -> np.ndarray:
    """Return the ring with longitudes that do not jump; around a pole it is led along the pole."""
    steps = np.diff(np.append(ring[:, 0], ring[0, 0]))
    steps = (steps + 180.0) % 360.0 - 180.0
    longitude = ring[0, 0] + np.concatenate([[0.0], np.cumsum(steps)])
    around = longitude[-1] - longitude[0]
    if abs(around) < 180.0:
        return np.column_stack([longitude[:-1], ring[:, 1]])
    pole = math.copysign(90.0, float(ring[:, 1].mean()))
    latitude = np.append(ring[:, 1], ring[0, 1])
    led = [[longitude[-1], pole], [longitude[0], pole]]
    return np.vstack([np.column_stack([longitude, latitude]), led])


def _clipped(ring: np.ndarray, limit: float, sign: float) -> np.ndarray:
    """Return what of a ring lies on one side of a meridian (Sutherland and Hodgman 1974)."""
    if len(ring) < 3:
        return ring
    inside = sign * (ring[:, 0] - limit) >= 0
    if inside.all():
        return ring
    kept = []
    for here, after, stays, comes in zip(
        ring, np.roll(ring, -1, axis=0), inside, np.roll(inside, -1)
    ):
        if stays:
            kept.append(here)
        if stays != comes:
            share = (limit - here[0]) / (after[0] - here[0])
            kept.append(np.array([limit, here[1] + share * (after[1] - here[1])]))
    return np.array(kept) if kept else np.empty((0, 2))
