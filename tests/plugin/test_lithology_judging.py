"""Matrices, worst boundaries and turns of the dock *Lithology*; no window is needed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.plugin.docks.lithology import boundary_texts, confusion_texts
from gossan.plugin.docks.lithology.comparison import Turns, held_inside, scene, sides

SCORED = {
    "names": ["granite", "slate", "marble"],
    "counts": [[90, 10, 0], [30, 70, 0], [0, 0, 0]],
    "pixels": 200,
    "overall": 0.8,
    "kappa": 0.6,
    "producers": [0.9, 0.7, math.nan],
    "users": [0.75, 0.875, None],
    "adjusted": None,
    "trouble": "",
}


def texts(view):
    return [[cell.text for cell in row] for row in confusion_texts.cells(SCORED, view)]


def test_the_matrix_is_shown_in_three_ways():
    assert texts(confusion_texts.PIXELS) == [["90", "10", "·"], ["30", "70", "·"], ["·"] * 3]
    assert texts(confusion_texts.OF_REFERENCE) == [
        ["90.0", "10.0", "0.0"],
        ["30.0", "70.0", "0.0"],
        ["", "", ""],
    ]
    assert texts(confusion_texts.OF_MAP)[0] == ["75.0", "12.5", ""]
    cell = confusion_texts.cells(SCORED, confusion_texts.PIXELS)[1][0]
    assert cell.tip == "slate mapped as granite: 30 pixels, 30.0 % of slate"
    assert (cell.shade, cell.right) == (0.3, False)
    cell = confusion_texts.cells(SCORED, confusion_texts.OF_MAP)[0][0]
    assert cell.tip == "granite mapped as granite: 90 pixels, 75.0 % of granite in the map"
    assert cell.right


def test_accuracies_without_pixels_are_dashes():
    assert confusion_texts.accuracies(SCORED) == (
        ["90.0 %", "70.0 %", "–"],
        ["75.0 %", "87.5 %", "–"],
    )


def test_the_headline_gives_an_interval_only_where_pixels_were_drawn():
    start = "Overall accuracy 80.0 % over 200 pixels, kappa 0.60."
    assert confusion_texts.headline(SCORED, 0) == start
    adjusted = {**SCORED, "adjusted": {"overall": 0.83, "error": 0.02}}
    weighed = f"{start} Allowing for the area of each mapped class 83.0 %"
    assert confusion_texts.headline(adjusted, 0) == f"{weighed}."
    assert confusion_texts.headline(adjusted, None) == f"{weighed}."
    assert confusion_texts.headline(adjusted, 50) == f"{weighed} ± 2.0 %."
    assert confusion_texts.headline({**SCORED, "trouble": "Too few."}, 0).endswith(
        "No area-adjusted accuracy: Too few."
    )
    assert "kappa –" in confusion_texts.headline({**SCORED, "kappa": None}, 0)


def test_the_worst_mistake_is_named():
    assert confusion_texts.worst_mistake(SCORED) == (
        "Most mistaken: 30 % of slate is mapped as granite."
    )
    right = {**SCORED, "counts": [[9, 0, 0], [0, 7, 0], [0, 0, 0]]}
    assert confusion_texts.worst_mistake(right) == "Map and reference agree everywhere."


def piece(value, length=16, metres=480.0, second=2):
    return {"first": 1, "second": second, "value": value, "length": length, "metres": metres}


def test_boundaries_are_listed_as_they_come():
    found = {"measure": "margin", "found": 900, "pieces": [piece(0.016), piece(0.5, second=9)]}
    rows = boundary_texts.rows(found, {1: "granite", 2: "slate"})
    assert [(row.boundary, row.value, row.length) for row in rows] == [
        ("granite | slate", "0.02", "480 m"),
        ("granite | class 9", "0.50", "480 m"),
    ]
    assert boundary_texts.summary(found) == "The 2 worst of 900 pieces of boundary."
    found = {
        "measure": "disagreement",
        "found": 2,
        "pieces": [piece(1.0, metres=1520.0), piece(0.126, metres=None)],
    }
    assert [(row.value, row.length) for row in boundary_texts.rows(found, {})] == [
        ("100 %", "1.5 km"),
        ("13 %", "16 px"),
    ]
    assert boundary_texts.summary(found) == "2 pieces of boundary."
    for measure in ("margin", "disagreement"):
        empty = {"measure": measure, "found": 0, "pieces": []}
        assert boundary_texts.summary(empty).startswith("No boundary")


def test_what_is_wanting_for_a_list_is_said():
    assert boundary_texts.ways(True, True) == {"margin": "", "disagreement": ""}
    wanting = boundary_texts.ways(False, False)
    assert "probabilities" in wanting["margin"]
    assert "Accuracy" in wanting["disagreement"]


def test_the_view_of_a_piece_is_square_and_never_tiny():
    assert boundary_texts.frame((0, 0, 960, 480), 30) == (-960, -1200, 1920, 1680)
    assert boundary_texts.frame((10, 10, 10, 10), 1) == (-22, -22, 42, 42)


def test_each_layer_is_compared_once():
    chosen = [("Map", "a", "A"), ("Reference", None, ""), ("Second map", "b", "B")]
    assert [side.layer for side in sides(chosen)] == ["a", "b"]
    assert [side.role for side in sides([*chosen, ("Reference", "a", "A")])] == [
        "Map",
        "Second map",
    ]


def test_turns_go_round_both_ways():
    three = sides([("Map", "a", "A"), ("Reference", "b", "B"), ("Second map", "c", "C")])
    turns = Turns(three)
    assert turns.shown.layer == "a"
    assert [turns.step().layer for _ in range(4)] == ["b", "c", "a", "b"]
    assert turns.step(-1).layer == "a"
    assert turns.step(-1).layer == "c"


def test_turns_outlive_a_layer_that_goes():
    three = sides([("Map", "a", "A"), ("Reference", "b", "B"), ("Second map", "c", "C")])
    turns = Turns(three)
    turns.step(2)
    turns.change(three[::2])
    assert turns.shown.layer == "c"
    turns.change(three[:2])
    assert turns.shown.layer == "a"
    turns.change([])
    assert turns.shown is None
    assert turns.step() is None


def test_a_scene_shows_one_of_the_compared_maps_in_their_place():
    canvas = ["roads", "reference", "map", "hills"]
    compared = ["map", "reference", "hidden"]
    assert scene(canvas, compared, "map") == ["roads", "map", "hills"]
    assert scene(canvas, compared, "reference") == ["roads", "reference", "hills"]
    assert scene(canvas, compared, "hidden") == ["roads", "hidden", "hills"]
    assert scene(["roads"], compared, "map") == ["map", "roads"]
    assert scene([], compared, "map") == ["map"]


@given(
    st.lists(st.sampled_from("abcdef"), unique=True),
    st.sets(st.sampled_from("abc"), min_size=1),
    st.data(),
)
def test_a_scene_keeps_all_other_layers_in_order(canvas, compared, data):
    shown = data.draw(st.sampled_from(sorted(compared)))
    found = scene(canvas, sorted(compared), shown)
    assert [layer for layer in found if layer not in compared] == [
        layer for layer in canvas if layer not in compared
    ]
    assert [layer for layer in found if layer in compared] == [shown]


@pytest.mark.parametrize(
    ("place", "share"), [(500, 0.5), (-40, 0.01), (2000, 0.99), (10, 0.01), (250, 0.25)]
)
def test_a_divider_stays_within_reach(place, share):
    assert held_inside(place, 1000, 20) == pytest.approx(share)
    assert held_inside(place, 10, 20) == 0.5
