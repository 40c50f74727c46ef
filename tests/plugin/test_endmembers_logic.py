"""What the dock *Endmembers* decides without a window: lists, names, queues, texts."""

from __future__ import annotations

import pytest

from gossan.plugin.docks.endmembers.errands import Errand, Errands
from gossan.plugin.docks.endmembers.spectra import (
    CURVES,
    VIEWS,
    Spectrum,
    SpectrumList,
    from_look,
    nearest_index,
    under_mouse,
)
from gossan.plugin.docks.endmembers.spectra_text import (
    from_text,
    library_rows,
    table_text,
    to_text,
)

AXIS = [400.0, 500.0, 600.0]


def spectrum(values=(0.1, 0.2, None), **more):
    curves = {name: list(values) for name in CURVES}
    return Spectrum(**{"name": "", "axis": AXIS, "unit": "nm", "curves": curves, **more})


@pytest.fixture
def spectra():
    return SpectrumList(["#111111", "#222222"], {"water": "#0000ff"})


def test_a_passing_spectrum_gives_way_to_the_next_and_keeps_its_place_and_colour(spectra):
    spectra.add(spectrum(passing=True))
    spectra.add(spectrum())
    latest = spectra.add(spectrum(passing=True, source="later"))
    assert [each.source for each in spectra] == ["later", ""]
    assert (latest.name, latest.colour) == ("Spectrum 1", "#111111")
    assert spectra.kept == [spectra.get(2)]


@pytest.mark.parametrize(
    ("values", "passing"),
    [
        *(({"name": "clay"}, False), ({"group": "soil"}, False), ({"colour": "#ff0000"}, False)),
        *(({"ticked": False}, True), ({"name": "Spectrum 1", "ticked": True}, True)),
    ],
)
def test_whoever_changes_a_spectrum_keeps_it_but_ticks_do_not(spectra, values, passing):
    key = spectra.add(spectrum(passing=True)).key
    spectra.change(key, **values)
    assert spectra.get(key).passing is passing


def test_a_name_cannot_be_empty_and_a_removed_spectrum_cannot_change(spectra):
    key = spectra.add(spectrum(name="clay")).key
    spectra.change(key, name="")
    assert spectra.get(key).name == "clay"
    spectra.remove([key])
    spectra.change(key, name="other")
    assert len(spectra) == 0


def test_colours_go_by_class_else_by_use_and_names_by_the_least_free_number(spectra):
    added = [spectra.add(spectrum(group=group)) for group in ("", "water", "", "")]
    assert [each.colour for each in added] == ["#111111", "#0000ff", "#222222", "#111111"]
    spectra.remove([added[1].key])
    assert spectra.add(spectrum()).name == "Spectrum 2"


def test_an_answer_becomes_spectra_and_empty_places_are_left_out():
    place = {
        **{name: [0.1, 0.2, None] for name in CURVES},
        "row": 4,
        "column": 7,
        "pixels": 1,
        "outline": [[0, 0], [1, 0], [1, 1], [0, 1]],
    }
    shape = {**place, "row": None, "column": None, "pixels": 12}
    answer = {
        "axis": {"values": AXIS, "unit": "nm", "fwhm": None, "bands": [1, 2, 3]},
        "spectra": [place, None, shape],
    }
    first, second = from_look(
        answer, "scene", "EPSG:32649", names=("a", "b", "c"), groups=("", "", "water")
    )
    assert (first.name, first.source) == ("a", "scene, row 5, column 8")
    assert (second.name, second.group) == ("c", "water")
    assert second.source == "scene, mean of 12 pixels"
    assert first.middle == (0.5, 0.5)


def test_the_value_under_the_mouse_is_that_of_the_nearest_curve_at_the_nearest_band():
    low, high = spectrum((0.1, 0.2, None), name="low"), spectrum((0.5, 0.6, 0.7), name="high")
    found = under_mouse([low, high], "reflectance", 510.0, 0.3)
    assert (found[0].name, *found[1:]) == ("low", 500.0, 0.2)
    found = under_mouse([low, high], "reflectance", 590.0, 0.0)
    assert (found[0].name, *found[1:]) == ("high", 600.0, 0.7)
    assert under_mouse([low], "reflectance", 600.0, 0.1) is None
    assert under_mouse([spectrum(curves={})], "derivative", 500.0, 0.1) is None


@pytest.mark.parametrize(
    ("x", "index"), [(0, 0), (449, 0), (451, 1), (550.1, 2), (9999, 2), (500, 1)]
)
def test_the_nearest_band_is_found(x, index):
    assert nearest_index(AXIS, x) == index
    assert nearest_index([], x) is None


def test_a_project_gets_back_what_it_kept():
    given = spectrum(
        (0.123456789, None, 0.3),
        name="Ton \u00fc",
        group="soil",
        colour="#123456",
        ticked=False,
        source="scene, row 1",
        outline=[[1.5, 2.5]],
        crs="EPSG:4326",
        pixels=3,
    )
    (back,) = from_text(to_text([given]))
    assert back.curves["reflectance"] == [0.123457, None, 0.3]
    for name in (
        "name",
        "group",
        "colour",
        "ticked",
        "source",
        "place",
        "outline",
        "crs",
        "pixels",
    ):
        assert getattr(back, name) == getattr(given, name)
    assert not back.passing


@pytest.mark.parametrize("text", ["", "{", "3", "[1]", '[{"name": "a"}]', "null"])
def test_a_damaged_project_has_no_spectra(text):
    assert from_text(text) == []


def test_curves_become_a_table_for_a_spreadsheet():
    other = spectrum((0.4, 0.5), axis=[500.0, 700.0], name="two\tparts")
    lines = table_text([spectrum(name="one"), other], VIEWS[False, False]).splitlines()
    assert lines[0] == "Wavelength (nm)\tone\ttwo parts"
    assert lines[1:] == ["400\t0.1\t", "500\t0.2\t0.4", "600\t\t", "700\t\t0.5"]
    assert table_text([], VIEWS[False, False]) == ""


def test_a_library_takes_no_spectrum_over_band_numbers():
    rows = library_rows([spectrum(name="a"), spectrum(name="b", unit="band")])
    assert [row["wavelengths"] for row in rows] == [AXIS, []]


def errand(name, *, keep=False, shape=False):
    return Errand({"rings" if shape else "points": name}, "scene", "", keep)


def test_of_passing_clicks_the_latest_wins_and_added_ones_all_come():
    errands = Errands()
    first, second, third = errand("1"), errand("2"), errand("3")
    added, again = errand("a", keep=True), errand("b", keep=True)
    assert errands.ask(first) is first
    for each in (second, added, third, again):
        assert errands.ask(each) is None
    assert errands.superseded
    came = []
    while (following := errands.next()) is not None:
        assert not errands.superseded
        came.append(following)
    assert came == [added, third, again]
    assert errands.ask(second) is second


def test_an_added_one_under_way_is_not_superseded():
    errands = Errands()
    errands.ask(errand("a", keep=True))
    errands.ask(errand("1"))
    assert not errands.superseded


def test_a_shape_for_nobody_is_known():
    errands = Errands()
    errands.ask(errand("1", shape=True))
    assert not errands.is_long_and_superseded
    errands.ask(errand("2"))
    assert errands.is_long_and_superseded
    errands.forget()
    assert errands.next() is None
    assert not errands.is_long_and_superseded


def test_endmembers_on_other_pixels_than_their_layer_says_are_counted():
    asked = Errand({}, "scene", "", True, pixels=((1, 2), (3, 4), (5, 6)))
    places = [{"row": 1, "column": 2}, {"row": 3, "column": 5}, None]
    (sentence,) = asked.misplaced(places)
    assert sentence.startswith("2 of 3 endmembers lie on other pixels of scene")
    assert asked.misplaced([{"row": r, "column": c} for r, c in asked.pixels]) == []
