"""Points and polygons on the ellipsoid as flat arrays, which compiled code walks through.

A shape is one feature: a point, some points, or polygons with holes. Its rings are kept one after
the other as places in space; a point is a ring of one place. Rings are parted into runs of edges,
each with the ball around it, so that far parts of long borders are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gossan.core.errors import InputError
from gossan.core.geodesy import to_cartesian

RUN = 24
"""Edges of one run."""

_EMPTY = np.zeros((0, 3))


class Shapes(NamedTuple):
    """Features on the ellipsoid.

    Parameters
    ----------
    vertices : ndarray (vertices, 3)
        Metres, as `gossan.core.geodesy.to_cartesian` gives them. Rings of polygons are closed.
    rings : ndarray of int64, (shapes + 1,)
        Shape ``i`` has the rings ``rings[i]`` to ``rings[i + 1]``.
    ring_runs : ndarray of int64, (rings + 1,)
        Ring ``r`` has the runs ``ring_runs[r]`` to ``ring_runs[r + 1]``.
    run_first, run_last : ndarray of int64, (runs,)
        First and last vertex of each run; they are the same for a point.
    run_centre, run_radius : ndarray (runs, 3) and (runs,)
        The ball around each run.
    area : ndarray of bool, (shapes,)
        Whether the shape encloses something.
    centre, radius : ndarray (shapes, 3) and (shapes,)
        The ball around each shape.
    axes : ndarray (shapes, 2, 3)
        Directions east and north at each shape's centre.
    """

    vertices: np.ndarray
    rings: np.ndarray
    ring_runs: np.ndarray
    run_first: np.ndarray
    run_last: np.ndarray
    run_centre: np.ndarray
    run_radius: np.ndarray
    area: np.ndarray
    centre: np.ndarray
    radius: np.ndarray
    axes: np.ndarray

    @property
    def number(self) -> int:
        """How many shapes there are."""
        return len(self.area)


def from_geometries(geometries: Sequence[Mapping[str, Any] | None], where: str) -> Shapes:
    """Return features of any number, from GeoJSON geometries in longitude and latitude.

    Parameters
    ----------
    geometries : sequence of mapping
        ``Point``, ``MultiPoint``, ``Polygon`` and ``MultiPolygon`` in degrees (WGS 84).
    where : str
        The file they come from, for messages.

    Raises
    ------
    InputError
        When one is missing, of another kind, or has coordinates that are no degrees.
    """
    every: list[Sequence[Sequence[float]]] = []
    ring_counts = np.zeros(len(geometries), dtype=np.int64)
    area = np.zeros(len(geometries), dtype=bool)
    for number, geometry in enumerate(geometries):
        before = len(every)
        for ring, closed in _rings(geometry, number, where):
            every.append(ring)
            area[number] |= closed
        ring_counts[number] = len(every) - before
        if not ring_counts[number]:
            raise InputError(f"{where}, feature {number + 1} has an empty geometry.")
    lengths = np.array([len(ring) for ring in every], dtype=np.int64)
    degrees = np.array(
        [(position[0], position[1]) for ring in every for position in ring], dtype=np.float64
    ).reshape(-1, 2)
    _check(degrees, lengths, ring_counts, where)
    vertices = to_cartesian(degrees[:, 0], degrees[:, 1])
    return _assemble(vertices, lengths, ring_counts, area)


def _rings(
    geometry: Mapping[str, Any] | None, number: int, where: str
) -> Iterator[tuple[Sequence[Sequence[float]], bool]]:
    """Yield the rings of a geometry and whether they enclose something."""
    kind = geometry["type"] if geometry else "nothing"
    parts = geometry["coordinates"] if geometry else []
    if kind == "Point":
        yield [parts], False
    elif kind == "MultiPoint":
        for position in parts:
            yield [position], False
    elif kind in ("Polygon", "MultiPolygon"):
        for polygon in [parts] if kind == "Polygon" else parts:
            for ring in polygon:
                if len(ring) > 2:
                    yield (ring if ring[0] == ring[-1] else [*ring, ring[0]]), True
    else:
        raise InputError(
            f"{where}, feature {number + 1}: points or polygons are needed, not {kind}."
        )


def _check(degrees: np.ndarray, lengths: np.ndarray, ring_counts: np.ndarray, where: str) -> None:
    good = np.isfinite(degrees).all(axis=1)
    good &= (np.abs(degrees[:, 0]) <= 540.0) & (np.abs(degrees[:, 1]) <= 90.0)
    if not good.all():
        vertex = int(np.flatnonzero(~good)[0])
        ring = int(np.searchsorted(np.cumsum(lengths), vertex, side="right"))
        shape = int(np.searchsorted(np.cumsum(ring_counts), ring, side="right"))
        raise InputError(
            f"{where}, feature {shape + 1} lies at {degrees[vertex, 0]:g}, {degrees[vertex, 1]:g}, "
            "which is no longitude and latitude. Give its layer the right CRS."
        )


def _assemble(
    vertices: np.ndarray, lengths: np.ndarray, ring_counts: np.ndarray, area: np.ndarray
) -> Shapes:
    starts = np.concatenate([[0], np.cumsum(lengths)])
    rings = np.concatenate([[0], np.cumsum(ring_counts)])
    runs = np.maximum(-(-(lengths - 1) // RUN), 1)
    ring_runs = np.concatenate([[0], np.cumsum(runs)])
    ring_of_run = np.repeat(np.arange(len(lengths)), runs)
    within = np.arange(ring_runs[-1]) - ring_runs[ring_of_run]
    run_first = starts[ring_of_run] + within * RUN
    run_last = np.minimum(run_first + RUN, starts[ring_of_run + 1] - 1)
    run_centre, run_radius = _balls(vertices, run_first, run_last + 1)
    centre, radius = _balls(vertices, starts[rings[:-1]], starts[rings[1:]])
    return Shapes(
        vertices,
        rings.astype(np.int64),
        ring_runs.astype(np.int64),
        run_first.astype(np.int64),
        run_last.astype(np.int64),
        run_centre,
        run_radius,
        area,
        centre,
        radius,
        _axes(centre),
    )


def _balls(
    vertices: np.ndarray, first: np.ndarray, stop: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and radius of a ball around each stretch of vertices."""
    if not len(first):
        return _EMPTY, np.zeros(0)
    counts = stop - first
    owner = np.repeat(np.arange(len(first)), counts)
    member = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[owner]
    bounds = np.cumsum(counts) - counts
    low = np.minimum.reduceat(vertices[member], bounds, axis=0)
    high = np.maximum.reduceat(vertices[member], bounds, axis=0)
    centre = 0.5 * (low + high)
    away = np.linalg.norm(vertices[member] - centre[owner], axis=1)
    return centre, np.maximum.reduceat(away, bounds)


def _axes(centre: np.ndarray) -> np.ndarray:
    """Return the directions east and north on the sphere at places near the surface."""
    x, y, z = centre[:, 0], centre[:, 1], centre[:, 2]
    flat = np.hypot(x, y)
    safe = np.where(flat == 0.0, 1.0, flat)
    cos_lam, sin_lam = np.where(flat == 0.0, 1.0, x / safe), y / safe
    whole = np.maximum(np.hypot(flat, z), 1.0)
    sin_phi, cos_phi = z / whole, flat / whole
    east = np.stack([-sin_lam, cos_lam, np.zeros_like(x)], axis=1)
    north = np.stack([-sin_phi * cos_lam, -sin_phi * sin_lam, cos_phi], axis=1)
    return np.stack([east, north], axis=1)
