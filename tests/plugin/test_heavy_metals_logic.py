"""What the dock of heavy metals decides, without a window."""

from __future__ import annotations

import random

import pytest

from gossan.plugin.docks import quantities
from gossan.plugin.docks.heavy_metals import elements, scatter, score_text
from gossan.plugin.docks.heavy_metals.distribution import Distribution, decimals, strongest_pairs

SCORES = {
    "n": 53, "r2": 0.71, "r2_low": 0.52, "r2_high": 0.81, "rmse": 12.345, "bias": -0.62,
    "rpd": 1.87, "rpd_class": "acceptable", "rpiq": 2.1, "r2_training": 0.95,
}  # fmt: skip


def told(values, bins=50, pixel=900.0):
    low, high = min(values), max(values)
    counts = [0] * bins
    for value in values:
        place = int((value - low) / (high - low) * bins) if high > low else 0
        counts[min(place, bins - 1)] += 1
    return {
        "name": "Pb", "unit": "mg/kg", "low": low, "high": high, "pixels": counts,
        "areas": [pixel * count for count in counts] if pixel else None,
        "count": len(values), "missing": 0, "mean": sum(values) / len(values), "deviation": 1.0,
    }  # fmt: skip


@pytest.fixture
def values():
    # Multiples of 1/16: the edges of 64 bins from 0 to 64 hold them exactly.
    dice = random.Random(4)
    return [0.0, 64.0, *(min(int(dice.lognormvariate(2, 1) * 16) / 16, 64.0) for _ in range(5000))]


def test_at_the_edge_of_a_bin_the_area_above_is_exact(values):
    distribution = Distribution(told(values, bins=64))
    for wanted in (0.2, 3.4, 17.6, 63.9, 80.0, -5.0):
        threshold = distribution.snapped(wanted)
        above = distribution.above(threshold)
        assert threshold == min(max(round(wanted), 0), 64)
        if threshold < 64:
            assert above.exact
            assert above.pixels == sum(value >= threshold for value in values)
            assert above.area == pytest.approx(900.0 * above.pixels)
        assert above.total == pytest.approx(900.0 * len(values))


def test_between_edges_the_bin_is_shared_out_and_said_so(values):
    distribution = Distribution(told(values, bins=64))
    above = distribution.above(10.5)
    assert not above.exact
    low, high = (sum(value >= edge for value in values) for edge in (11, 10))
    assert low < above.pixels < high
    assert above.pixels == round((low + high) / 2)


def test_below_all_is_all_and_above_all_is_nothing(values):
    distribution = Distribution(told(values))
    assert distribution.above(-1.0).pixels == len(values)
    assert distribution.above(65.0).pixels == 0
    assert distribution.above(65.0).area == 0.0
    assert Distribution(told(values, pixel=None)).above(3.0).area is None


def test_the_threshold_starts_at_the_highest_twentieth(values):
    distribution = Distribution(told(values, bins=2048))
    start = distribution.starting_threshold()
    assert distribution.above(start).pixels / len(values) == pytest.approx(0.05, abs=0.01)


def test_a_few_giants_do_not_squeeze_the_drawing(values):
    distribution = Distribution(told([*values, 5000.0], bins=2048))
    low, high = distribution.shown_range(20.0)
    assert (low, high < 100) == (0.0, True)
    assert distribution.shown_range(3000.0)[1] == 3000.0


@pytest.mark.parametrize("bins", [1, 7, 64, 100, 2048])
def test_bars_hold_every_pixel_of_the_shown_range(values, bins):
    distribution = Distribution(told(values, bins=bins))
    edges, heights = distribution.drawn((0.0, 64.0), bars=64)
    assert len(edges) == len(heights) + 1 <= 65
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (0.0, 64.0)
    assert sum(heights[:-1]) == sum(value < edges[-2] for value in values) or len(heights) == 1


@pytest.mark.parametrize(
    ("threshold", "below", "above"),
    [
        (-1.0, ([], []), ([0, 1, 2, 3], [5, 6, 7])),
        (0.0, ([], []), ([0, 1, 2, 3], [5, 6, 7])),
        (1.0, ([0, 1.0], [5]), ([1.0, 2, 3], [6, 7])),
        (1.5, ([0, 1, 1.5], [5, 6]), ([1.5, 2, 3], [6, 7])),
        (3.0, ([0, 1, 2, 3], [5, 6, 7]), ([], [])),
    ],
)
def test_bars_part_at_the_threshold(threshold, below, above):
    assert Distribution.parted([0, 1, 2, 3], [5, 6, 7], threshold) == (below, above)


def test_a_band_of_one_value_has_one_bar():
    distribution = Distribution(told([7.0] * 9))
    assert distribution.is_constant
    assert distribution.drawn((7.0, 8.0)) == ([6.5, 7.5], [9.0])
    assert distribution.starting_threshold() == 7.0
    assert distribution.above(7.0).pixels == 9


def test_fields_of_samples_make_pairs():
    fields = [
        "id",
        "fold",
        "Pb_measured",
        "Pb_censored",
        "Pb_predicted",
        "As_measured",
        "_measured",
    ]
    found = elements.pairs_of([*fields, "As_mapped", "Zn_predicted"])
    assert [(pair.element, pair.predicted) for pair in found] == [
        ("Pb", "Pb_predicted"),
        ("As", "As_mapped"),
    ]
    assert found[0].how == "cross-validated"
    assert elements.pairs_of(["name", "Pb"]) == []


@pytest.mark.parametrize(
    ("element", "names", "found"),
    [
        ("Pb", ["As", "pb"], "pb"),
        ("Pb_ppm", ["As (mg/kg)", "Pb (mg/kg)"], "Pb (mg/kg)"),
        ("Pb", ["Pb 5%", "Pb 95%"], ""),
        ("Zn", ["As", "Pb"], ""),
        ("Band 1", ["As"], ""),
    ],
)
def test_an_element_meets_its_name(element, names, found):
    assert elements.find(element, names) == found


def test_bands_have_titles():
    assert elements.band_title(1, "Pb") == "Pb"
    assert elements.band_title(2, "Band 2: As") == "As"
    assert elements.band_title(3, "Band 3") == "Band 3"
    assert elements.band_title(4, "") == "Band 4"


def test_scores_are_told_in_words_with_units():
    assert dict(score_text.rows(SCORES, "mg/kg")) == {
        "R²": "0.71 (95 %: 0.52 to 0.81)",
        "RMSE": "12.3 mg/kg",
        "Bias": "−0.62 mg/kg",
        "RPD": "1.87 (acceptable)",
        "RPIQ": "2.10",
        "Samples": "53",
        "R² in training": "0.95",
    }
    assert score_text.headline("Pb", SCORES).startswith("Pb: acceptable")
    page = score_text.page("<Pb>", SCORES, "mg/kg", score_text.validated_by("5 folds."))
    assert "&lt;Pb&gt;" in page
    assert "had not seen: 5 folds." in page


def test_undefined_scores_are_left_out():
    assert score_text.rows({"n": 2, "r2": None, "rpd": None, "rmse": 1.0}, "") == [
        ("RMSE", "1"),
        ("Samples", "2"),
    ]
    assert score_text.headline("Pb", {"rpd_class": ""}) == "Pb: there are no scores."


@pytest.mark.parametrize(
    ("square_metres", "pixels", "text"),
    [
        (None, 1234, "1,234 px"),
        (0.0, 0, "0 ha"),
        (900.0, 1, "900 m²"),
        (12_300.0, 1, "1.23 ha"),
        (9_876_000.0, 1, "988 ha"),
        (12_345_678.0, 1, "12.3 km²"),
        (4.2e9, 1, "4,200 km²"),
    ],
)
def test_areas_have_the_unit_that_keeps_them_short(square_metres, pixels, text):
    assert quantities.area(square_metres, pixels) == text


def test_a_part_has_the_unit_of_its_whole():
    assert quantities.area(6_360_000.0, 1, of=25_400_000.0) == "6.36 km²"
    assert quantities.area(300.0, 1, of=90_000.0) == "0.03 ha"
    assert quantities.area(None, 7, of=None) == "7 px"


def test_shares_and_figures():
    assert quantities.share(1, 3) == "33.3 %"
    assert quantities.share(1, 100_000) == "< 0.1 %"
    assert quantities.share(0, 5) == "0.0 %"
    assert quantities.share(1, 0) == ""
    assert quantities.figures(0.00012345) == "0.000123"
    assert quantities.figures(123456.0) == "123,456"
    assert quantities.figures(float("nan")) == "–"


def test_a_threshold_has_as_many_decimals_as_the_span_asks_for():
    assert [decimals(0, span) for span in (0.01, 1.0, 50.0, 5000.0, 0.0)] == [5, 3, 2, 0, 2]


def test_the_strongest_pairs_come_first():
    matrix = [[1.0, 0.2, None], [0.2, 1.0, -0.9], [None, -0.9, 1.0]]
    assert strongest_pairs(["a", "b", "c"], matrix) == [("b", "c", -0.9), ("a", "b", 0.2)]


def test_the_nearest_point_within_reach_is_meant():
    drawn = [(0.0, 0.0), (10.0, 0.0), (100.0, 100.0)]
    assert scatter.nearest(drawn, (6.0, 1.0)) == 1
    assert scatter.nearest(drawn, (2.0, -1.0)) == 0
    assert scatter.nearest(drawn, (50.0, 50.0)) is None
    assert scatter.nearest([], (0.0, 0.0)) is None


def test_a_sample_is_told_with_its_error():
    told = scatter.account_of(scatter.Sample(251.0, 157.0), "mg/kg")
    assert told == "This sample: measured 251, predicted 157 mg/kg, 94 too low."
    assert "0.5 too high" in scatter.account_of(scatter.Sample(1.0, 1.5), "")
    assert "as predicted" in scatter.account_of(scatter.Sample(2.0, 2.0), "%")
