"""Thresholds after a search: counts while a slider moves, and filters that come off again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.core.review.thresholds import Ladder, expression, without


@given(st.lists(st.floats(0, 1)), st.floats(0, 1))
def test_counts_are_those_of_a_plain_count(probabilities, threshold):
    ladder = Ladder(probabilities)
    assert ladder.from_on(threshold) == sum(each >= threshold for each in probabilities)
    assert ladder.from_on(ladder.least) == len(probabilities)


def test_a_sentence_tells_what_is_left():
    assert Ladder([0.9, 0.7, 0.65]).sentence(0.7) == "2 of 3 findings from 0.70 on."
    assert Ladder([0.9, 0.7, 0.65]).least == 0.65
    assert Ladder([]).sentence(0.7) == "The layer has no findings."


@pytest.mark.parametrize("other", ["", '"cells" > 2', '("a" = 1) OR "max_probability" >= "b"'])
def test_the_filter_of_a_threshold_comes_off_and_leaves_what_was_there(other):
    filtered = expression(0.75, other)
    assert '"max_probability" >= 0.75' in filtered
    assert without(filtered) == other
    assert without(other) == other
