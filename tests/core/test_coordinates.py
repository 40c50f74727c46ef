"""Coordinates as registers write them."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gossan.core.coordinates import Axis, CoordinateError, format_coordinate, parse_coordinate
from gossan.examples.district.registers import sexagesimal

LATITUDE, LONGITUDE = Axis.LATITUDE, Axis.LONGITUDE
MINUTE, SECOND = 1 / 60, 1 / 3600


@pytest.mark.parametrize(
    ("text", "axis", "degrees"),
    [
        ("-20.1167", LATITUDE, -20.1167),
        (-20.1167, LATITUDE, -20.1167),
        (20, LATITUDE, 20.0),
        ("-46,1367", LONGITUDE, -46.1367),
        ("\u221246.1367", LONGITUDE, -46.1367),
        ("20,1167 S", LATITUDE, -20.1167),
        ('"-0°44\'00.100"""', LATITUDE, -(44 * MINUTE + 0.1 * SECOND)),
        ("-0°44'00.100\"", LATITUDE, -(44 * MINUTE + 0.1 * SECOND)),
        ("0° 51' 34.4927\"", LATITUDE, 51 * MINUTE + 34.4927 * SECOND),
        ('-0°44\'00.100" "', LATITUDE, -(44 * MINUTE + 0.1 * SECOND)),
        ("20°07'S", LATITUDE, -(20 + 7 * MINUTE)),
        ("20°07.5'S", LATITUDE, -(20 + 7.5 * MINUTE)),
        ("-20°07'S", LATITUDE, -(20 + 7 * MINUTE)),
        ("46° 08' 12,5\" W", LONGITUDE, -(46 + 8 * MINUTE + 12.5 * SECOND)),
        ("46 08 12.50 W", LONGITUDE, -(46 + 8 * MINUTE + 12.5 * SECOND)),
        ("46 08 12.50 O", LONGITUDE, -(46 + 8 * MINUTE + 12.5 * SECOND)),
        ("12°30' L", LONGITUDE, 12.5),
        ("12°30' Leste", LONGITUDE, 12.5),
        ("Sul 20°30'", LATITUDE, -20.5),
        ("S 20:07:12", LATITUDE, -(20 + 7 * MINUTE + 12 * SECOND)),
        ("20-07-12 N", LATITUDE, 20 + 7 * MINUTE + 12 * SECOND),
        ("20d07m12s", LATITUDE, 20 + 7 * MINUTE + 12 * SECOND),
        ("20d07m12sS", LATITUDE, -(20 + 7 * MINUTE + 12 * SECOND)),
        ("20 deg 7.2 min S", LATITUDE, -(20 + 7.2 * MINUTE)),
        ("20º07'12''S", LATITUDE, -(20 + 7 * MINUTE + 12 * SECOND)),
        ("20°07\u203212.5\u2033 S", LATITUDE, -(20 + 7 * MINUTE + 12.5 * SECOND)),
        ("20\ufffd07'12\" S", LATITUDE, -(20 + 7 * MINUTE + 12 * SECOND)),
        ("10°59'60.00\"N", LATITUDE, 11.0),
        ("  ", LATITUDE, None),
        (None, LONGITUDE, None),
    ],
)
def test_notations_of_registers_are_read(text, axis, degrees):
    found = parse_coordinate(text, axis)
    assert found == (None if degrees is None else pytest.approx(degrees, abs=1e-12))


@pytest.mark.parametrize(
    ("text", "axis", "why"),
    [
        ("46°08'W", LATITUDE, "swapped"),
        ("20°07'S", LONGITUDE, "swapped"),
        ("-95.2", LATITUDE, "swapped"),
        ("200.5", LONGITUDE, "not between -180 and 180"),
        (float("nan"), LATITUDE, "not between"),
        ("°20'11\"", LATITUDE, "no degrees"),
        ("20°61'S", LATITUDE, "61 minutes"),
        ("20°07'75\"S", LATITUDE, "75 seconds"),
        ("20.5°07'S", LATITUDE, "decimal mark"),
        ("-20°07'N", LATITUDE, "minus and a letter"),
        ("20°07'S 46°08'W", LATITUDE, "two directions"),
        ("N 20°07' S", LATITUDE, "two directions"),
        ("1.234.567", LONGITUDE, "is no longitude"),
        ("n.d.", LATITUDE, "is no latitude"),
        ("20 07 12 5 S", LATITUDE, "is no latitude"),
    ],
)
def test_what_is_not_clear_is_refused_with_the_reason(text, axis, why):
    with pytest.raises(CoordinateError, match=why):
        parse_coordinate(text, axis)


axes = st.sampled_from([LATITUDE, LONGITUDE])


@settings(deadline=None)
@given(axes.flatmap(lambda a: st.tuples(st.just(a), st.floats(-a.limit, a.limit))))
def test_what_is_written_is_read_back(pair):
    axis, degrees = pair
    text = format_coordinate(degrees, axis, decimals=3)
    assert parse_coordinate(text, axis) == pytest.approx(degrees, abs=0.0005 * SECOND + 1e-12)
    assert "60." not in text.partition("'")[2]


@settings(deadline=None)
@given(
    axes.flatmap(lambda a: st.tuples(st.just(a), st.floats(-a.limit, a.limit))),
    st.integers(0, 4),
)
def test_every_notation_of_the_district_is_read_back(pair, style):
    axis, degrees = pair
    text = sexagesimal(degrees, style, "NS" if axis is LATITUDE else "EW")
    found = parse_coordinate(text, axis)
    # Rounded to 0.001 and then to 0.01 seconds, or 0.00005 minutes in style 3.
    assert found == pytest.approx(degrees, abs=0.0056 * SECOND)


@settings(deadline=None)
@given(axes.flatmap(lambda a: st.tuples(st.just(a), st.floats(-a.limit, a.limit))))
def test_decimal_points_and_commas_mean_the_same(pair):
    axis, degrees = pair
    text = f"{degrees:.9f}"
    assert parse_coordinate(text, axis) == float(text)
    assert parse_coordinate(text.replace(".", ","), axis) == float(text)


@settings(deadline=None)
@given(st.text(max_size=30), axes)
def test_any_text_is_read_within_the_limits_or_refused(text, axis):
    try:
        found = parse_coordinate(text, axis)
    except CoordinateError:
        return
    assert found is None or abs(found) <= axis.limit


def test_the_real_registry_is_read_and_its_one_gap_is_named(shared_data):
    registry = shared_data / "mines" / "brazildam_registry"
    with open(registry / "registered_dams_2019.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 769
    refused = []
    for row in rows:
        try:
            latitude = parse_coordinate(row["LATITUDE"], LATITUDE)
        except CoordinateError as problem:
            refused.append(str(problem))
            continue
        longitude = parse_coordinate(row["LONGITUDE"], LONGITUDE)
        # The registry says in words on which side of the equator each dam lies.
        assert (latitude > 0) == row["POSICIONAMENTO"].startswith("Norte")
        assert -74.0 < longitude < -34.0
        assert -34.0 < latitude < 5.3
    assert refused == ["'°21'05.800\"' has no degrees before the degree sign."]
