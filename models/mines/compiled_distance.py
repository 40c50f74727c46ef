"""The compiled part of nearness: the shortest way between two shapes.

Two shapes are compared in the plane that touches the Earth at the first one's centre, seen from
straight above: within 100 km it shortens a distance by less than 1 in 20,000, which is enough to
say which places of the two are the nearest ones. Their distance is then taken in space.

All compiled functions stand in this one file, because Numba's cache on disk notices a change in
the file of a function, but not in the files of those that it calls.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from gossan.models.mines.earth_shapes import Shapes


@njit(cache=True)
def nearest(
    shapes: Shapes, first: int, others: Shapes, offsets: np.ndarray, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest of its candidates for each of some shapes.

    Parameters
    ----------
    shapes : Shapes
    first : int
        The first of the shapes that are asked about; there are ``len(offsets) - 1``.
    others : Shapes
    offsets, candidates : ndarray of int64
        Shape ``first + i`` has the candidates ``offsets[i]`` to ``offsets[i + 1]``.

    Returns
    -------
    index : ndarray of int64, (shapes,)
        Which of the others; -1 where there is no candidate.
    places : ndarray (shapes, 2, 3)
        The nearest place of the shape and of the other; the same where they meet.
    """
    count = len(offsets) - 1
    index = np.full(count, -1, dtype=np.int64)
    places = np.zeros((count, 2, 3))
    pair = np.zeros((2, 3))
    for i in range(count):
        best = np.inf
        for j in range(offsets[i], offsets[i + 1]):
            other = candidates[j]
            away = _away(shapes, first + i, others, other, pair)
            if away < best or (away == best and other < index[i]):
                best = away
                index[i] = other
                places[i] = pair
    return index, places


@njit(cache=True)
def all_ways(
    shapes: Shapes, first: int, others: Shapes, offsets: np.ndarray, candidates: np.ndarray
) -> np.ndarray:
    """Return the nearest places of each shape and each of its candidates.

    Parameters are those of `nearest`.

    Returns
    -------
    ndarray (candidates, 2, 3)
        The nearest place of the shape and of the other; the same where they meet.
    """
    places = np.zeros((len(candidates), 2, 3))
    for i in range(len(offsets) - 1):
        for j in range(offsets[i], offsets[i + 1]):
            _away(shapes, first + i, others, candidates[j], places[j])
    return places


@njit(cache=True)
def _away(shapes: Shapes, a: int, others: Shapes, b: int, pair: np.ndarray) -> float:
    """Return how far two shapes lie apart in space, and put their nearest places into `pair`."""
    origin = shapes.centre[a]
    east, north = shapes.axes[a, 0], shapes.axes[a, 1]
    if others.area[b]:
        for ring in range(shapes.rings[a], shapes.rings[a + 1]):
            vertex = shapes.vertices[shapes.run_first[shapes.ring_runs[ring]]]
            if _inside(vertex, others, b, origin, east, north):
                pair[0] = vertex
                pair[1] = vertex
                return 0.0
    if shapes.area[a]:
        for ring in range(others.rings[b], others.rings[b + 1]):
            vertex = others.vertices[others.run_first[others.ring_runs[ring]]]
            if _apart(vertex, origin) <= shapes.radius[a] and _inside(
                vertex, shapes, a, origin, east, north
            ):
                pair[0] = vertex
                pair[1] = vertex
                return 0.0
    best = np.inf
    for run in range(shapes.ring_runs[shapes.rings[a]], shapes.ring_runs[shapes.rings[a + 1]]):
        for other in range(
            others.ring_runs[others.rings[b]], others.ring_runs[others.rings[b + 1]]
        ):
            # Seen from above nothing comes further apart: a bound for the plane has to be one
            # for the projected balls.
            gap = _flat_gap(shapes.run_centre[run], others.run_centre[other], east, north) - (
                shapes.run_radius[run] + others.run_radius[other]
            )
            if gap < best:
                best = _between_runs(shapes, run, others, other, origin, east, north, best, pair)
            if best == 0.0:
                pair[1] = pair[0]
                return 0.0
    return _apart(pair[0], pair[1])


@njit(cache=True)
def _between_runs(
    shapes: Shapes,
    run: int,
    others: Shapes,
    other: int,
    origin: np.ndarray,
    east: np.ndarray,
    north: np.ndarray,
    best: float,
    pair: np.ndarray,
) -> float:
    """Compare every edge of two runs; return the shortest way in the plane so far."""
    for i in range(shapes.run_first[run], max(shapes.run_last[run], shapes.run_first[run] + 1)):
        p = shapes.vertices[i]
        q = shapes.vertices[min(i + 1, shapes.run_last[run])]
        px, py = _flat(p, origin, east, north)
        qx, qy = _flat(q, origin, east, north)
        for j in range(
            others.run_first[other], max(others.run_last[other], others.run_first[other] + 1)
        ):
            r = others.vertices[j]
            s = others.vertices[min(j + 1, others.run_last[other])]
            rx, ry = _flat(r, origin, east, north)
            sx, sy = _flat(s, origin, east, north)
            away, t, u = _segments(px, py, qx, qy, rx, ry, sx, sy)
            if away < best:
                best = away
                for k in range(3):
                    pair[0, k] = p[k] + t * (q[k] - p[k])
                    pair[1, k] = r[k] + u * (s[k] - r[k])
    return best


@njit(cache=True)
def _segments(
    px: float, py: float, qx: float, qy: float, rx: float, ry: float, sx: float, sy: float
) -> tuple[float, float, float]:
    """Return the distance of two segments and where on each of them (0 to 1) it is reached."""
    dx, dy, ex, ey = qx - px, qy - py, sx - rx, sy - ry
    cross = dx * ey - dy * ex
    if cross != 0.0:
        t = ((rx - px) * ey - (ry - py) * ex) / cross
        u = ((rx - px) * dy - (ry - py) * dx) / cross
        if 0.0 <= t <= 1.0 and 0.0 <= u <= 1.0:
            return 0.0, t, u
    best, best_t, best_u = np.inf, 0.0, 0.0
    for end in range(2):
        x, y = (px, py) if end == 0 else (qx, qy)
        u = _foot(x, y, rx, ry, ex, ey)
        away = np.hypot(rx + u * ex - x, ry + u * ey - y)
        if away < best:
            best, best_t, best_u = away, float(end), u
        x, y = (rx, ry) if end == 0 else (sx, sy)
        t = _foot(x, y, px, py, dx, dy)
        away = np.hypot(px + t * dx - x, py + t * dy - y)
        if away < best:
            best, best_t, best_u = away, t, float(end)
    return best, best_t, best_u


@njit(cache=True)
def _foot(x: float, y: float, ax: float, ay: float, dx: float, dy: float) -> float:
    """Return where on a segment (0 to 1) the place nearest to a point is."""
    length = dx * dx + dy * dy
    if length == 0.0:
        return 0.0
    return min(max(((x - ax) * dx + (y - ay) * dy) / length, 0.0), 1.0)


@njit(cache=True)
def _inside(
    place: np.ndarray,
    shapes: Shapes,
    number: int,
    origin: np.ndarray,
    east: np.ndarray,
    north: np.ndarray,
) -> bool:
    """Tell by the even-odd rule whether a place lies within a shape, holes left out."""
    if _apart(place, shapes.centre[number]) > shapes.radius[number]:
        return False
    x, y = _flat(place, origin, east, north)
    inside = False
    for run in range(
        shapes.ring_runs[shapes.rings[number]], shapes.ring_runs[shapes.rings[number + 1]]
    ):
        cx, cy = _flat(shapes.run_centre[run], origin, east, north)
        radius = shapes.run_radius[run]
        if abs(cy - y) > radius or cx + radius < x:
            continue
        first, last = shapes.run_first[run], shapes.run_last[run]
        if cx - radius > x:
            # All of it lies to the east: only whether its ends lie on both sides counts.
            start = _flat(shapes.vertices[first], origin, east, north)[1]
            end = _flat(shapes.vertices[last], origin, east, north)[1]
            if (start > y) != (end > y):
                inside = not inside
            continue
        ax, ay = _flat(shapes.vertices[first], origin, east, north)
        for i in range(first, last):
            bx, by = _flat(shapes.vertices[i + 1], origin, east, north)
            if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
                inside = not inside
            ax, ay = bx, by
    return inside


@njit(cache=True)
def _flat(
    place: np.ndarray, origin: np.ndarray, east: np.ndarray, north: np.ndarray
) -> tuple[float, float]:
    """Return a place in the plane, in metres east and north."""
    x, y, z = place[0] - origin[0], place[1] - origin[1], place[2] - origin[2]
    return (
        x * east[0] + y * east[1] + z * east[2],
        x * north[0] + y * north[1] + z * north[2],
    )


@njit(cache=True)
def _flat_gap(a: np.ndarray, b: np.ndarray, east: np.ndarray, north: np.ndarray) -> float:
    x, y = _flat(b, a, east, north)
    return np.hypot(x, y)


@njit(cache=True)
def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return np.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)
