"""Places and distances on the ellipsoid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from gossan.core import geodesy


def degrees(whole, minutes, seconds):
    return whole + minutes / 60 + seconds / 3600


def one(*numbers):
    return float(geodesy.distance(*(np.array([number]) for number in numbers))[0])


def test_the_published_example_is_reproduced():
    # Flinders Peak to Buninyong, Geocentric Datum of Australia Technical Manual: 54,972.271 m.
    flinders = degrees(144, 25, 29.52440), -degrees(37, 57, 3.72030)
    buninyong = degrees(143, 55, 35.38390), -degrees(37, 39, 10.15610)
    assert one(*flinders, *buninyong) == pytest.approx(54_972.271, abs=0.0005)


def test_a_degree_of_the_equator_and_a_quarter_meridian_have_their_lengths():
    assert one(10, 0, 11, 0) == pytest.approx(np.radians(1) * 6_378_137.0, abs=1e-6)

    def meridian(phi):
        return (
            geodesy.SEMI_MAJOR
            * (1 - geodesy.ECCENTRICITY_SQUARED)
            / (1 - geodesy.ECCENTRICITY_SQUARED * np.sin(phi) ** 2) ** 1.5
        )

    length, _ = quad(meridian, 0.0, np.pi / 2)
    assert one(25, 0, 25, 90) == pytest.approx(length, abs=1e-4)


def test_the_date_line_is_no_border():
    assert one(179.99, -16, -179.99, -16) == pytest.approx(one(-0.01, -16, 0.01, -16), abs=1e-6)


def test_places_opposite_each_other_have_no_distance():
    assert np.isnan(one(0, 0, 179.9, 0.1))


@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(-89, 89), st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_short_ways_are_those_through_the_earth(longitude, latitude, east, north):
    end = longitude + east, latitude + north
    length = one(longitude, latitude, *end)
    places = geodesy.to_cartesian(np.array([longitude, end[0]]), np.array([latitude, end[1]]))
    chord = float(np.linalg.norm(places[1] - places[0]))
    # An arc over its chord: 1 + chord^2 / (24 r^2), with the smallest radius of curvature.
    assert chord - 1e-5 <= length <= chord * (1 + chord**2 / (24 * 6.33e6**2)) + 1e-5


@settings(deadline=None)
@given(st.floats(-179.9, 180), st.floats(-89.9, 89.9))
def test_places_in_space_go_back_to_their_degrees(longitude, latitude):
    place = geodesy.to_cartesian(np.array([longitude]), np.array([latitude]))
    back = geodesy.to_degrees(place)
    assert [float(value[0]) for value in back] == pytest.approx([longitude, latitude], abs=1e-10)
