"""Points in polygons on the sphere, against winding numbers worked out one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gossan.core.errors import InputError
from gossan.models.deposits.sphere import (
    EARTH_RADIUS,
    SphericalPolygons,
    degrees,
    distance_km,
    find_hits,
    unit_vectors,
)


def winding_says_inside(place, ring):
    """Return whether the directions to the vertices turn once around the place."""
    p = unit_vectors(np.array([place[0]]), np.array([place[1]]))[0]
    vertices = unit_vectors(ring[:, 0], ring[:, 1])
    if p @ vertices.mean(axis=0) <= 0:
        return False
    axis = np.eye(3)[int(np.argmin(np.abs(p)))]
    east = np.cross(axis, p)
    east /= np.linalg.norm(east)
    north = np.cross(p, east)
    azimuth = np.arctan2(vertices @ east, vertices @ north)
    turns = np.diff(np.append(azimuth, azimuth[0]))
    turns = (turns + math.pi) % (2 * math.pi) - math.pi
    return abs(turns.sum()) > math.pi


def quadrilateral(longitude, latitude, radius, angles, reaches):
    """Return a ring around a place: its vertices by direction and share of the radius."""
    middle = unit_vectors(np.array([longitude]), np.array([latitude]))[0]
    axis = np.eye(3)[int(np.argmin(np.abs(middle)))]
    one = np.cross(axis, middle)
    one /= np.linalg.norm(one)
    two = np.cross(middle, one)
    tangent = np.tan(np.radians(radius) * np.asarray(reaches))
    offset = tangent[:, None] * (np.cos(angles)[:, None] * one + np.sin(angles)[:, None] * two)
    return degrees(middle + offset)


PLACES = st.tuples(
    st.floats(-720.0, 720.0),
    st.one_of(st.floats(-90.0, 90.0), st.sampled_from([90.0, -90.0, 89.9, -89.9, 0.0])),
)


@settings(max_examples=120, deadline=None)
@given(
    place=PLACES,
    radius=st.floats(0.05, 40.0),
    seed=st.integers(0, 2**32 - 1),
    vertices=st.integers(3, 9),
)
def test_hits_are_those_of_brute_force_anywhere_on_the_sphere(place, radius, seed, vertices):
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * math.pi, vertices))
    # Otherwise the middle of a sliver may lie outside of it, which is allowed but not of use here.
    ring = quadrilateral(*place, radius, angles, random.uniform(0.3, 1.0, vertices))
    near = quadrilateral(
        *place, radius, random.uniform(0, 2 * math.pi, 60), 1.3 * np.sqrt(random.uniform(0, 1, 60))
    )
    anywhere = degrees(random.normal(size=(20, 3)))
    points = np.vstack([near, anywhere, -near])
    points[::3, 0] += 360.0
    hits = find_hits(SphericalPolygons.from_rings([[ring]]), points[:, 0], points[:, 1])
    expected = [i for i, p in enumerate(points) if winding_says_inside(p, ring)]
    assert hits.of(0).tolist() == expected


def test_many_footprints_over_the_whole_sphere_have_the_counts_of_brute_force():
    random = np.random.default_rng(4)
    points = degrees(random.normal(size=(3000, 3)))
    middles = np.vstack(
        [degrees(random.normal(size=(60, 3))), [[180.0, 10.0], [-180.0, -60.0], [50.0, 90.0]]]
    )
    rings = [
        quadrilateral(*m, 15.0, np.radians([10.0, 100.0, 190.0, 280.0]), np.full(4, 1.0))
        for m in middles
    ]
    hits = find_hits(SphericalPolygons.from_rings([[r] for r in rings]), points[:, 0], points[:, 1])
    brute = [sum(winding_says_inside(p, ring) for p in points) for ring in rings]
    assert hits.counts.tolist() == brute
    assert min(brute) > 0


def test_a_footprint_across_the_date_line_has_what_lies_on_both_sides():
    ring = np.array([[179.0, -1.0], [-179.0, -1.0], [-179.0, 1.0], [179.0, 1.0]])
    longitude = np.array([179.5, -179.5, 180.0, -180.0, 540.0, 178.5, -178.5, 0.0])
    polygons = SphericalPolygons.from_rings([[ring]])
    assert find_hits(polygons, longitude, np.zeros(8)).of(0).tolist() == [0, 1, 2, 3, 4]


def test_a_footprint_over_the_pole_has_all_longitudes():
    ring = np.array([[0.0, 85.0], [90.0, 85.0], [180.0, 85.0], [-90.0, 85.0]])
    longitude = np.array([0.0, 77.0, -133.0, 12.0, 12.0])
    latitude = np.array([90.0, 88.0, 89.0, 80.0, -88.0])
    hits = find_hits(SphericalPolygons.from_rings([[ring]]), longitude, latitude)
    assert hits.of(0).tolist() == [0, 1, 2]


def test_edges_are_arcs_of_great_circles_not_of_parallels():
    ring = np.array([[-10.0, 50.0], [10.0, 50.0], [10.0, 60.0], [-10.0, 60.0]])
    # Half way between two places at 50 degrees the great circle reaches atan(tan 50 / cos 10).
    highest = math.degrees(math.atan(math.tan(math.radians(50.0)) / math.cos(math.radians(10.0))))
    latitude = np.array([highest - 0.01, highest + 0.01])
    hits = find_hits(SphericalPolygons.from_rings([[ring]]), np.zeros(2), latitude)
    assert hits.of(0).tolist() == [1]


def test_holes_and_parts_count_by_even_and_odd():
    outer = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
    hole = np.array([[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0], [1.0, 1.0]])
    polygons = SphericalPolygons.from_rings([[outer, hole]])
    hits = find_hits(polygons, np.array([2.0, 0.5]), np.array([2.0, 0.5]))
    assert hits.of(0).tolist() == [1]


def test_sums_add_what_the_hits_of_each_polygon_have():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    polygons = SphericalPolygons.from_rings([[square], [square + 10.0], [square + 20.0]])
    hits = find_hits(polygons, np.array([0.5, 20.5, 0.6]), np.array([0.5, 20.5, 0.6]))
    values = np.array([[1.0, 0.0], [5.0, 2.0], [1.0, 1.0]])
    assert hits.sums(values).tolist() == [[2.0, 1.0], [0.0, 0.0], [5.0, 2.0]]
    assert hits.counts.tolist() == [2, 0, 1]


def test_an_octant_has_an_eighth_of_the_sphere():
    ring = np.array([[0.0, 0.0], [90.0, 0.0], [0.0, 90.0]])
    area = SphericalPolygons.from_rings([[ring]]).areas()[0]
    assert area == pytest.approx(4 * math.pi * (EARTH_RADIUS / 1000) ** 2 / 8, rel=1e-9)


def test_points_spread_over_a_polygon_lie_in_it():
    ring = np.array([[170.0, 70.0], [-170.0, 70.0], [-172.0, 75.0]])
    polygons = SphericalPolygons.from_rings([[ring]])
    points = polygons.points_inside(0, 100)
    assert len(points) > 40
    assert find_hits(polygons, points[:, 0], points[:, 1]).counts[0] == len(points)


def test_distance_is_that_of_the_great_circle():
    quarter = math.pi / 2 * EARTH_RADIUS / 1000
    found = distance_km(np.array([0.0, 90.0, 179.9]), np.array([90.0, 0.0, 0.0]), (0.0, 0.0))
    assert found[:2] == pytest.approx([quarter, quarter])
    assert found[2] == pytest.approx(math.radians(179.9) * EARTH_RADIUS / 1000, rel=1e-6)


@pytest.mark.parametrize(
    ("ring", "sentence"),
    [
        ([[0.0, 0.0], [1.0, 0.0]], "three different vertices"),
        ([[0.0, 0.0], [1.0, 0.0], [1.0, 95.0]], "no place on Earth"),
        ([[0.0, 0.0], [1.0, math.nan], [1.0, 5.0]], "no place on Earth"),
        ([[0.0, 0.0], [120.0, 0.0], [240.0, 0.0]], "goes around the Earth"),
        ([[0.0, -80.0], [60.0, 60.0], [180.0, -30.0], [-60.0, 60.0]], "smaller polygons"),
    ],
)
def test_polygons_without_an_inside_are_refused_by_name(ring, sentence):
    with pytest.raises(InputError, match=f"Scene X .*{sentence}"):
        SphericalPolygons.from_rings([[np.array(ring)]], ["Scene X"])
