"""Which layers the dock *Lithology* takes, and what its legend says; no window is needed."""

from __future__ import annotations

import pytest

from gossan.plugin.docks.lithology.class_rows import (
    area_texts,
    class_rows,
    point_sentence,
    share_text,
    summary,
)
from gossan.plugin.docks.lithology.layer_choice import (
    RasterFacts,
    band_name,
    kept_or_first,
    likely_field,
    likely_probabilities,
    sources_of,
)


@pytest.mark.parametrize(
    ("facts", "qualifies"),
    [
        (RasterFacts(True, True, ("a",), shown_as_classes=True), True),
        (RasterFacts(True, True, ("a",), brings_legend=True), True),
        (RasterFacts(True, False, ("a",), shown_as_classes=True), True),  # classes kept as floats
        (RasterFacts(True, True, ("a",)), False),  # elevations
        (RasterFacts(True, True, ("r", "g", "b"), brings_legend=True), False),  # a picture
        (RasterFacts(True, False, ("a",), brings_legend=True), False),
        (RasterFacts(False, True, ("a",), shown_as_classes=True), False),  # a map service
        (RasterFacts(True, True, (), shown_as_classes=True), False),
    ],
)
def test_class_maps_are_known_by_their_legend(facts, qualifies):
    assert facts.is_class_map is qualifies


def test_probabilities_have_several_bands_of_fractions():
    assert RasterFacts(True, False, ("a", "b")).may_hold_probabilities
    assert not RasterFacts(True, True, ("a", "b")).may_hold_probabilities
    assert not RasterFacts(True, False, ("a",)).may_hold_probabilities
    assert not RasterFacts(False, False, ("a", "b")).may_hold_probabilities


def test_probabilities_are_chosen_by_the_names_of_their_bands():
    candidates = {
        "scene": ["B1", "B2", "B3"],
        "half": ["granite", "slate"],
        "all": ["Slate", "granite ", "marble", "schist"],
    }
    assert likely_probabilities(candidates, ["granite", "slate", "marble"]) == "half"
    assert likely_probabilities(candidates, ["schist", "marble"]) == "all"
    assert likely_probabilities(candidates, ["schist"]) == "all"
    assert likely_probabilities(candidates, ["B1", "x", "y"]) is None
    assert likely_probabilities(candidates, []) is None
    assert likely_probabilities({}, ["granite"]) is None


def test_the_class_field_is_the_drawn_one_else_a_usual_one():
    assert likely_field(["fid", "Unit", "age"], "age") == "age"
    assert likely_field(["fid", "Name", "Unit"], "gone") == "Unit"
    assert likely_field(["fid", "x"], "") == "fid"
    assert likely_field([], "") == ""


def test_dialogs_are_filled_with_what_a_map_was_made_from():
    made = {"FEATURES": "a.tif", "MODEL": "m.gossan", "LEAST_PROBABILITY": 0.0}
    counted = {"algorithm": "gossan:maplithology", "parameters": made}
    assert sources_of(counted) == {"FEATURES": ["a.tif"], "MODEL": "m.gossan"}
    assert sources_of({**counted, "parameters": {"FEATURES": ["a.tif", "b.tif"]}}) == {
        "FEATURES": ["a.tif", "b.tif"]
    }
    assert sources_of({**counted, "algorithm": "gossan:assessmap"}) == {}
    assert sources_of({}) == {}


def test_a_choice_outlives_other_layers():
    assert kept_or_first("b", ["a", "b"]) == "b"
    assert kept_or_first("gone", ["a", "b"]) == "a"
    assert kept_or_first("gone", []) is None


@pytest.mark.parametrize(
    ("shown", "name"),
    [("Band 2: slate", "slate"), ("Band 12", "Band 12"), ("a: b", "a: b"), ("", "")],
)
def test_bands_are_called_as_in_the_file(shown, name):
    assert band_name(shown) == name


def counted(value, pixels, square_metres=None, name="", colour=""):
    return {
        "value": value,
        "pixels": pixels,
        "square_metres": square_metres,
        "name": name,
        "colour": colour,
    }


def test_rows_follow_qgis_legend_and_fall_back_on_the_file():
    shown = [
        {"value": 3, "name": "3", "colour": "#030303"},
        {"value": 2, "name": "phyllite", "colour": ""},
        {"value": 9, "name": "not here", "colour": "#090909"},
    ]
    rows = class_rows(
        [
            counted(0, 50),
            counted(1, 10),
            counted(2, 20, name="slate", colour="#020202"),
            counted(3, 70, name="lime"),
        ],
        shown,
    )
    assert [(row.value, row.name, row.colour) for row in rows] == [
        (3, "lime", "#030303"),
        (2, "phyllite", "#020202"),
        (1, "class 1", "#9a9a9a"),
    ]
    assert [row.share for row in rows] == [0.7, 0.2, 0.1]


def test_zero_is_a_class_only_with_a_name():
    assert class_rows([counted(0, 5), counted(1, 5)], [])[0].value == 1
    assert class_rows([counted(0, 5, name="water")], [])[0].share == 1.0
    named = class_rows([counted(0, 5)], [{"value": 0, "name": "water", "colour": "#0000ff"}])
    assert [(row.name, row.colour) for row in named] == [("water", "#0000ff")]
    assert class_rows([counted(0, 5)], [{"value": 0, "name": "0", "colour": "#000000"}]) == []


@pytest.mark.parametrize(
    ("areas", "texts"),
    [
        ((9_000_000.0, 45_300.0), ["900 ha", "4.53 ha"]),
        ((90_000_000.0, 15_000_000.0), ["90.0 km²", "15.0 km²"]),
        ((12_345_678_901.0, 1_000.0), ["12,346 km²", "0.0010 km²"]),
        ((0.0, 900.0), ["0 ha", "0.0900 ha"]),
        ((None, None), ["10 px", "10 px"]),
    ],
)
def test_areas_share_a_unit_that_suits_the_map(areas, texts):
    rows = class_rows([counted(n, 10, area) for n, area in enumerate(areas, 1)], [])
    assert area_texts(rows) == texts


def test_small_shares_are_not_said_to_be_nothing():
    assert [share_text(share) for share in (0.0, 0.0004, 0.001, 0.0126, 1.0)] == [
        "0.0 %",
        "< 0.1 %",
        "0.1 %",
        "1.3 %",
        "100.0 %",
    ]


def test_the_summary_tells_what_is_covered():
    rows = class_rows([counted(1, 30, 27_000.0), counted(2, 10, 9_000.0)], [])
    assert summary(rows, 0) == "2 classes on 3.60 ha."
    assert summary(rows[:1], 10) == "1 class on 2.70 ha, 25.0 % without a class."
    assert summary([], 10) == "No pixel of this map has a class."


def test_a_point_is_told_in_a_sentence():
    rows = class_rows([counted(1, 1, name="granite"), counted(2, 1, name="slate")], [])
    assert point_sentence(rows, False, None, {}) == "This point lies beside the map."
    assert point_sentence(rows, True, None, {}) == "This pixel has no class."
    assert point_sentence(rows, True, 0, {}) == "This pixel has no class."
    assert point_sentence(rows, True, 2, {}) == "slate."
    shares = {1: 0.3, 2: 0.6, 7: 0.65}
    assert (
        point_sentence(rows, True, 2, shares) == "slate, probability 0.60, 0.30 ahead of granite."
    )
    assert point_sentence(rows, True, 1, shares) == (
        "granite, probability 0.30; slate is likelier, by 0.30."
    )
    assert point_sentence(rows, True, 2, {2: 1.0}) == "slate, probability 1.00."
