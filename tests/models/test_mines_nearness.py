"""Which shapes lie near which, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from gossan.core import geodesy
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.models.mines.earth_shapes import RUN, from_geometries
from gossan.models.mines.nearness import Finder

SPACING = 10.0
"""Metres between the places by which brute force stands for an outline."""


def spot(x, y):
    return {"type": "Point", "coordinates": [x, y]}


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]] for ring in rings]}


def square(x, y, half):
    ring = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
    return polygon(ring)


def star(random, x, y, size, corners):
    turns = np.sort(random.uniform(0, 2 * np.pi, corners))
    reach = size * random.uniform(0.3, 1.0, corners)
    return polygon([(x + r * np.cos(t), y + r * np.sin(t)) for r, t in zip(reach, turns)])


def shapes_of(geometries):
    return from_geometries(geometries, "test")


def ring_lists(geometry):
    if geometry["type"] == "Point":
        return [[geometry["coordinates"]]]
    return geometry["coordinates"]


def places_on(geometry):
    """Return places along the outline of a geometry, no further apart than `SPACING`."""
    every = []
    for ring in ring_lists(geometry):
        ring = np.array(ring, dtype=float)
        if len(ring) == 1:
            every.append(ring)
            continue
        for start, end in zip(ring, ring[1:]):
            length = float(geodesy.distance(*start[:, None], *end[:, None])[0])
            share = np.linspace(0, 1, int(length / SPACING) + 2)[:, None]
            every.append(start + share * (end - start))
    return np.concatenate(every)


def contains(geometry, place):
    return (
        sum(
            Outline(np.array(ring)).contains_point(place)
            for ring in ring_lists(geometry)
            if len(ring) > 2
        )
        % 2
        == 1
    )


def brute_force(a, b):
    """Return the distance of two geometries, to `SPACING` at most."""
    mine, others = places_on(a), places_on(b)
    if any(contains(b, place) for place in mine) or any(contains(a, place) for place in others):
        return 0.0
    x, y = np.repeat(mine, len(others), axis=0), np.tile(others, (len(mine), 1))
    return float(geodesy.distance(*x.T, *y.T).min())


def way(a, b):
    pairs = Finder(shapes_of([b])).within(shapes_of([a]), 500_000.0, Progress())
    assert len(pairs.metres) == 1
    return float(pairs.metres[0])


latitudes = st.sampled_from([0.0, -19.0, 45.0, 68.0, -80.0])
offsets = st.floats(-0.02, 0.02)


@settings(max_examples=40, deadline=None)
@given(latitudes, offsets, offsets, st.integers(0, 10_000), st.sampled_from([0, 3, 4, 9, 70]))
def test_the_distance_of_two_outlines_is_that_of_their_nearest_places(y, dx, dy, seed, corners):
    random = np.random.default_rng(seed)
    a = star(random, 30.0, y, 0.004, 7)
    b = star(random, 30.0 + dx, y + dy, 0.01, corners) if corners else spot(30.0 + dx, y + dy)
    truth = brute_force(a, b)
    assert way(a, b) == pytest.approx(truth, abs=SPACING + 1e-4 * truth)
    assert way(b, a) == pytest.approx(way(a, b), abs=0.01 + 1e-4 * truth)


def test_a_place_in_a_hole_is_outside_by_the_way_to_the_hole():
    ring = [(10.0, 5.0), (10.1, 5.0), (10.1, 5.1), (10.0, 5.1)]
    hole = [(10.04, 5.04), (10.06, 5.04), (10.06, 5.06), (10.04, 5.06)]
    reserve = polygon(ring, hole)
    assert way(spot(10.02, 5.02), reserve) == 0.0
    inside_hole = way(spot(10.05, 5.05), reserve)
    assert inside_hole == pytest.approx(
        float(geodesy.distance(*(np.array([v]) for v in (10.05, 5.05, 10.05, 5.06)))[0]), rel=1e-3
    )
    assert way(square(10.05, 5.05, 0.015), reserve) == 0.0


def test_a_small_shape_inside_a_large_one_and_the_reverse_are_at_no_distance():
    large, small = square(-50.0, -10.0, 0.5), square(-50.1, -10.2, 0.001)
    assert way(large, small) == 0.0
    assert way(small, large) == 0.0


def test_the_date_line_is_no_border():
    assert way(spot(179.999, -16.0), spot(-179.999, -16.0)) == pytest.approx(
        way(spot(-0.001, -16.0), spot(0.001, -16.0)), abs=0.01
    )


def test_a_border_of_many_runs_counts_every_edge_once():
    random = np.random.default_rng(4)
    corners = 40 * RUN + 1
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = 0.05 * random.uniform(0.6, 1.0, corners)
    border = polygon([(8.0 + r * np.cos(t), 50.0 + r * np.sin(t)) for r, t in zip(reach, turns)])
    outline = Outline(np.array(border["coordinates"][0]))
    places = random.uniform((7.94, 49.94), (8.06, 50.06), (500, 2))
    found = Finder(shapes_of([border])).within(
        shapes_of([spot(*place) for place in places]), 100_000.0, Progress()
    )
    inside = np.zeros(len(places), dtype=bool)
    inside[found.shape[found.metres == 0.0]] = True
    assert np.array_equal(inside, outline.contains_points(places))
    assert 0.2 < inside.mean() < 0.8


@pytest.mark.parametrize("limit", [300.0, 5_000.0, 60_000.0])
def test_the_nearest_of_many_is_that_of_all(limit):
    random = np.random.default_rng(7)
    findings = [square(*random.uniform((-44.5, -20.5), (-43.5, -19.5)), 0.0012) for _ in range(80)]
    entries = [spot(*random.uniform((-44.5, -20.5), (-43.5, -19.5))) for _ in range(150)]
    entries += [
        square(*random.uniform((-44.5, -20.5), (-43.5, -19.5)), half)
        for half in random.uniform(0.001, 0.05, 30)
    ]
    shapes, others = shapes_of(findings), shapes_of(entries)
    every = Finder(others).within(shapes, 400_000.0, Progress())
    assert len(every.metres) == len(findings) * len(entries), "the limit holds all pairs"
    table = np.full((len(findings), len(entries)), np.nan)
    table[every.shape, every.other] = every.metres
    nearest = Finder(others).nearest(shapes, limit, Progress())
    truth = table.min(axis=1)
    reached = truth <= limit
    assert np.array_equal(nearest.index >= 0, reached)
    assert nearest.metres[reached] == pytest.approx(truth[reached], abs=1e-6)
    near = Finder(others).within(shapes, limit, Progress())
    assert len(near.metres) == int((table <= limit).sum())
    assert np.all(np.diff(near.shape) >= 0)


def test_nothing_is_near_nothing():
    nothing, something = shapes_of([]), shapes_of([spot(1, 2)])
    assert Finder(nothing).nearest(something, 1e5, Progress()).index.tolist() == [-1]
    assert Finder(something).nearest(nothing, 1e5, Progress()).index.tolist() == []
    assert Finder(nothing).within(something, 1e5, Progress()).shape.tolist() == []


@pytest.mark.parametrize(
    ("geometry", "why"),
    [
        (None, "feature 2: points or polygons are needed, not nothing"),
        ({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "not LineString"),
        (spot(540_780.0, 3_099_300.0), "no longitude and latitude"),
        ({"type": "Polygon", "coordinates": []}, "feature 2 has an empty geometry"),
    ],
)
def test_what_is_no_place_on_earth_is_refused_by_number(geometry, why):
    with pytest.raises(InputError, match=why):
        from_geometries([spot(0, 0), geometry], "entries.geojson")
